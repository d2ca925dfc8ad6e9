"""Part 2: scores before and after, one by one and together."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Cell, Column, Figure, Fold, Note, Part, Table, Text
from pipeline.pack.charts import paired, score_bars
from pipeline.pack.charts.change import Pair
from pipeline.pack.charts.intervals import MOST_NAMED, Scale
from pipeline.pack.charts.spread import Series
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.after.decisions import MOST_ROWS
from pipeline.pack.sections.after.summary import RESULT_WORDS


def build(context: FollowUpContext) -> list[Block]:
    """Make the part about what changed."""
    say = context.say
    if context.is_organisation:
        text = msg(
            "Not shown here: the difference between scores before and after would tell what changed"
            " for few people. Counts above the smallest group are in the summary."
        )
        return [Note(say(text))]
    decided = context.decided
    if decided.empty:
        return [Note(say(msg("No decisions of this session are known.")))]
    changed = decided[decided["change"].abs().gt(0)]
    return [
        *_one_by_one(context, changed),
        *_together(context, decided),
        Fold(say(msg("The same in numbers")), (_table(context, decided),)),
    ]


def _one_by_one(context: FollowUpContext, changed: pd.DataFrame) -> list[Block]:
    say = context.say
    if changed.empty:
        kept = msg(
            "No score went up or down: every decision with a score upheld it, or was parked."
        )
        return [Text(say(kept))]
    rows = changed.assign(size=changed["change"].abs())
    rows = rows.sort_values(["change", "subject", "criterion_id"], ascending=[False, True, True])
    shown = rows.sort_values("size", ascending=False, kind="stable").head(MOST_NAMED).index
    rows = rows[rows.index.isin(shown)]
    pairs = [
        Pair(
            " · ".join((_short(context, row), context.on_criterion(row["criterion_id"]))),
            float(row["score_before"]),
            float(row["score_after"]),
        )
        for row in rows.to_dict("records")
    ]
    scale = context.settings.scale
    margin = 0.04 * (scale.high - scale.low)
    points = tuple(context.points)
    picture = paired(
        pairs,
        Scale(
            say(msg("score")),
            ends=(scale.low - margin, scale.high + margin),
            ticks=points if len(points) <= 11 else (),
        ),
        (say(msg("before")), say(msg("after, higher")), say(msg("after, lower"))),
        context.language,
    )
    up, down = int(changed["change"].gt(0).sum()), int(changed["change"].lt(0).sum())
    alt = say(
        msgn(
            "One line per changed score, from before to after: {n} in all, {up} up, {down} down.",
            "One line per changed score, from before to after: {n} in all, {up} up, {down} down.",
            len(changed),
            up=up,
            down=down,
        )
    )
    shows = say(
        msg("Each score that changed: an open mark before the session, a filled one after it.")
    )
    if len(changed) > len(pairs):
        most = msg("The {n} largest of {total}.", n=len(pairs), total=len(changed))
        shows = f"{shows} {say(most)}"
    shows_not = say(
        msg("It does not show which score is right; the argument is in the decision register.")
    )
    return [Figure(picture, alt, shows, shows_not)]


def _short(context: FollowUpContext, row: Row) -> str:
    return str(row["subject"]) if context.is_conversation else context.about(row)


def _together(context: FollowUpContext, decided: pd.DataFrame) -> list[Block]:
    """Show how the decided scores are spread over the scale, before and after."""
    say = context.say
    both = decided.dropna(subset=["score_before", "score_after"])
    both = both[both["outcome"].ne("parked")]
    if len(both) < 2:
        few = msg("Too few decisions have a score before and after to show how scores are spread.")
        return [Text(say(few))]
    before, after = (_counts(context, both[f"score_{name}"]) for name in ("before", "after"))
    n = len(both)
    names = [
        f"{context.score(p, 1)}\n{context.settings.scale.label(p, context.language.code)}".strip()
        for p in context.points
    ]
    picture = score_bars(
        names,
        Series(say(msg("after the session")), [one / n for one in after]),
        [context.language.whole(one) for one in after],
        [Series(say(msg("before the session")), [one / n for one in before])],
        {},
        "",
        say(msg("hidden")),
        context.language,
    )
    parts = [
        say(msg("{point}: {before} before, {after} after", point=context.score(p, 1), before=b,
                after=a))
        for p, b, a in zip(context.points, before, after, strict=True)
        if a or b
    ]  # fmt: skip
    alt = say(
        msg(
            "Bar chart of {n} decided scores per scale point. {parts}.",
            n=n,
            parts="; ".join(parts[:15]),
        )
    )
    shows = say(
        msg("The scores on which a decision was taken: bars after the session, marks before it.")
    )
    shows_not = say(
        msg(
            "It does not show the whole department: only what was discussed, and the session chose"
            " what stood out. Scores closer together are not better by themselves."
        )
    )
    figure = Figure(picture, alt, shows, shows_not)
    return [Part(say(msg("The decided scores together")), (figure,))]


def _counts(context: FollowUpContext, scores: pd.Series) -> list[int]:
    points = pd.Series(context.points)
    nearest = [int((points - score).abs().idxmin()) for score in scores]
    return [nearest.count(at) for at in range(len(points))]


def _table(context: FollowUpContext, decided: pd.DataFrame) -> Table:
    say = context.say
    rows = []
    ordered = decided.sort_values(["subject", "criterion_id"])
    for row in ordered.head(MOST_ROWS).to_dict("records"):
        known = pd.notna(row["change"])
        rows.append(
            (
                Cell(context.about(row), under=context.on_criterion(row["criterion_id"])),
                context.score(row["score_before"], 1),
                context.score(row["score_after"], 1),
                context.language.signed(float(row["change"]), 0 if _whole(row) else 2)
                if known
                else "–",
                say(RESULT_WORDS[row["result"]]),
            )
        )
    note = ""
    if len(ordered) > MOST_ROWS:
        note = say(msg("The first {n} of {total}.", n=MOST_ROWS, total=len(ordered)))
    return Table(
        say(msg("Scores before and after")),
        (
            Column(say(msg("Who or what"))),
            Column(say(msg("Before")), numeric=True),
            Column(say(msg("After")), numeric=True),
            Column(say(msg("Change")), numeric=True),
            Column(say(msg("Outcome"))),
        ),
        tuple(rows),
        note=note,
        dense=True,
    )


def _whole(row: Row) -> bool:
    return float(row["change"]).is_integer()
