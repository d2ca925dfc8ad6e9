"""Part 5: how the scores are spread: the department, its levels, its raters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.distribution import Distribution
from pipeline.pack.blocks import Block, Cell, Column, Figure, Fold, Note, Part, Table, Text
from pipeline.pack.charts import forest, level_bars, ribbon, score_bars
from pipeline.pack.charts.intervals import MOST_NAMED, Estimate, Scale
from pipeline.pack.charts.spread import Series
from pipeline.pack.context import Context
from pipeline.pack.marks import bars
from pipeline.pack.wording import ANSWERS

MOST_PANELS = 12
NAN = float("nan")
_PER_LEVEL = msg("The share of scores per scale point and job level; n is their number.")
_DASHED = msg("A dashed box is hidden: a small group, or one that would give it away.")


def build(context: Context) -> list[Block]:
    """Make the part about the spread of scores."""
    found = context.analysis.distribution
    if not isinstance(found, Distribution):
        return [context.reason(found, ANSWERS["distribution"])]
    # hidden where it would tell a small count
    blocks: list[Block] = (
        [Text(_opening(context, found), lead=True)] if pd.notna(found.mean) else []
    )
    blocks += _overall(context, found)
    blocks += _levels(context, found)
    blocks += _raters(context, found)
    return blocks


def _opening(context: Context, found: Distribution) -> str:
    text = context.say(
        msg(
            "The mean is {mean} on a scale of {low} to {high}",
            mean=float(found.mean),
            low=context.score(context.settings.scale.low, 1),
            high=context.score(context.settings.scale.high, 1),
        )
    )
    if pd.notna(found.ci_low):
        text += context.say(
            msg(
                " ({level} interval {interval})",
                level=context.percent(found.level),
                interval=context.interval(found.ci_low, found.ci_high),
            )
        )
    return text + "."


def shares_on_scale(context: Context, counts: pd.DataFrame) -> list[float] | None:
    """Return the share per scale point of a table of score and n; None where it is empty."""
    if counts.empty or not counts["n"].sum():
        return None
    points = np.asarray(context.points)
    nearest = np.abs(counts["score"].to_numpy()[:, None] - points[None, :]).argmin(axis=1)
    summed = np.bincount(nearest, weights=counts["n"].to_numpy(), minlength=len(points))
    return [float(share) for share in summed / summed.sum()]


def _names(context: Context) -> list[str]:
    scale, code = context.settings.scale, context.language.code
    return [
        f"{context.score(point, 1)}\n{scale.label(point, code)}".rstrip("\n")
        for point in context.points
    ]


def _overall(context: Context, found: Distribution) -> list[Block]:
    say, data, write = context.say, context.data, context.language.whole
    rows = found.overall
    here = [float(share) for share in rows["share"]]
    others = []
    organisation = shares_on_scale(context, data.organisation_scores)
    if organisation:
        others.append(Series(say(msg("whole organisation")), organisation))
    before = shares_on_scale(context, data.previous_scores)
    if before:
        others.append(Series(say(msg("department, cycle before")), before))
    positions = {point: number for number, point in enumerate(context.points)}
    band = {
        positions[float(point)]: limits
        for point, limits in context.settings.pack.reference_band.items()
        if float(point) in positions
    }
    hidden = say(msg("hidden"))
    picture = score_bars(
        _names(context),
        Series(say(msg("this department")), here),
        [write(int(n)) if pd.notna(n) else hidden for n in rows["n"]],
        others,
        band,
        say(msg("reference band, not a quota")),
        hidden,
        context.language,
    )
    parts = [
        say(
            msg(
                "{point}: {share}",
                point=context.score(row["score"], 1),
                share=context.percent(row["share"]) if pd.notna(row["share"]) else hidden,
            )
        )
        for row in rows.to_dict("records")
    ]
    alt = say(
        msg(
            "Bar chart of {n} scores in this department. Share per scale point: {parts}.",
            n=found.n_ratings,
            parts="; ".join(parts[:15]),
        )
    )
    shows = say(msg("The share of all scores at each point of the scale, with counts above."))
    shows_not = say(
        msg("It does not show whether a score is deserved, nor how many scores there should be.")
    )
    shows = _with_hidden(context, shows, rows)
    blocks: list[Block] = [Figure(picture, alt, shows, shows_not)]
    blocks.append(
        Fold(say(msg("The same in numbers")), (_table(context, found, organisation, before),))
    )
    return blocks


def _with_hidden(context: Context, shows: str, rows: pd.DataFrame) -> str:
    return shows if rows["n"].notna().all() else f"{shows} {context.say(_DASHED)}"


def _table(
    context: Context,
    found: Distribution,
    organisation: list[float] | None,
    before: list[float] | None,
) -> Table:
    say, hidden = context.say, context.say(msg("hidden"))
    columns = [
        Column(say(msg("Score"))),
        Column(say(msg("Count")), numeric=True),
        Column(say(msg("Share")), numeric=True),
    ]
    if organisation:
        columns.append(Column(say(msg("Organisation")), numeric=True))
    if before:
        columns.append(Column(say(msg("Cycle before")), numeric=True))
    rows = []
    for number, row in enumerate(found.overall.to_dict("records")):
        label = context.settings.scale.label(row["score"], context.language.code)
        cells: list[str | Cell] = [
            f"{context.score(row['score'], 1)} {label}".strip(),
            context.language.whole(int(row["n"])) if pd.notna(row["n"]) else hidden,
            context.percent(row["share"]) if pd.notna(row["share"]) else hidden,
        ]
        for other in (organisation, before):
            if other:
                cells.append(context.percent(other[number]))
        rows.append(tuple(cells))
    return Table(say(msg("Scores per scale point")), tuple(columns), tuple(rows), dense=True)


def _levels(context: Context, found: Distribution) -> list[Block]:
    say, rows = context.say, found.by_level
    levels = [level for level in rows["job_level"].unique() if pd.notna(level)]
    if len(levels) < 2:
        return []
    title = say(msg("Per job level"))
    if len(levels) > MOST_PANELS:
        return [Part(title, (_level_table(context, rows, levels),))]
    panels = []
    for level in levels:
        part = rows[rows["job_level"] == level]
        n = part["n"].sum() if part["n"].notna().all() else None
        name = say(msg("Level {level}", level=str(level)))
        panels.append(
            (
                f"{name} (n = {context.language.whole(int(n))})" if n is not None else name,
                [float(share) for share in part["share"]],
            )
        )
    picture = level_bars(
        [context.score(p, 1) for p in context.points],
        panels,
        say(msg("hidden: small group")),
        context.language,
    )
    means = []
    for level in levels:
        part = rows[rows["job_level"] == level]
        if part["n"].notna().all() and part["n"].sum():
            mean = float((part["score"] * part["n"]).sum() / part["n"].sum())
            means.append(say(msg("level {level} mean {mean}", level=str(level), mean=mean)))
    alt = say(
        msg(
            "Small bar charts, one per job level: {parts}.",
            parts="; ".join(means) or say(msg("hidden")),
        )
    )
    return [
        Part(
            title,
            (
                Figure(
                    picture,
                    alt,
                    _with_hidden(context, say(_PER_LEVEL), rows),
                    say(
                        msg(
                            "It does not show that levels are judged by another norm; the work"
                            " differs too."
                        )
                    ),
                ),
            ),
        )
    ]


def _level_table(context: Context, rows: pd.DataFrame, levels: list[str]) -> Table:
    say, hidden, body = context.say, context.say(msg("hidden")), []
    for level in levels[:60]:
        part = rows[rows["job_level"] == level]
        known = part["n"].notna().all()
        shares = [float(share) for share in part["share"]]
        n = part["n"].sum()
        mean = float((part["score"] * part["n"]).sum() / n) if known and n else NAN
        body.append(
            (
                str(level),
                context.language.whole(int(n)) if known else hidden,
                context.score(mean),
                Cell(drawing=bars(shares, say(msg("Spread of level {level}", level=str(level))))),
            )
        )
    return Table(
        say(msg("Scores per job level")),
        (
            Column(say(msg("Level"))),
            Column(say(msg("Scores")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
            Column(say(msg("Spread"))),
        ),
        tuple(body),
    )


def _raters(context: Context, found: Distribution) -> list[Block]:
    say, rows = context.say, found.by_rater
    if rows.empty:
        return []
    title = say(msg("Per rater"))
    if len(rows) == 1 and context.view.viewer_id is None:
        return [
            Part(title, (Note(say(msg("There is one rater, so there is nothing to compare."))),))
        ]
    ends = (context.settings.scale.low, context.settings.scale.high)
    scale = Scale(
        say(msg("mean score")),
        reference=float(found.mean),
        ends=_padded(ends),
        ticks=tuple(context.points) if len(context.points) <= 11 else (),
    )
    shows_not = _not_strictness(context)
    if len(rows) <= MOST_NAMED:
        ordered = rows.sort_values(["mean", "rater_id"], ascending=[False, True])
        estimates = [
            Estimate(
                context.person(row["rater_id"]),
                float(row["mean"]),
                float(row["ci_low"]),
                float(row["ci_high"]),
                context.language.whole(int(row["n_subjects"])),
            )
            for row in ordered.to_dict("records")
        ]
        picture = forest(
            estimates,
            scale,
            context.of_kind(msg("people"), msg("conversations")),
            context.language,
        )
        alt = say(
            msgn(
                "Dot plot of the mean score of {n} rater with its interval, from {low} to {high};"
                " the department's mean is {mean}.",
                "Dot plot of the mean score of {n} raters with intervals, from {low} to {high};"
                " the department's mean is {mean}.",
                len(rows),
                low=float(rows["mean"].min()),
                high=float(rows["mean"].max()),
                mean=float(found.mean),
            )
        )
        shows = say(
            msg(
                "The mean score that each rater gave, with its interval; the line is the mean of"
                " the department."
            )
        )
        return [Part(title, (Figure(picture, alt, shows, shows_not),))]
    picture = ribbon(
        rows["mean"].to_numpy(),
        rows["ci_low"].to_numpy(),
        rows["ci_high"].to_numpy(),
        scale,
        say(msgn("{n} rater, sorted", "{n} raters, sorted", len(rows))),
        say(msg("raters")),
        context.language,
    )
    quarter, half, most = (float(rows["mean"].quantile(q)) for q in (0.1, 0.5, 0.9))
    alt = say(
        msg(
            "Sorted mean scores of {n} raters with intervals. The middle rater gives {half}; eight"
            " of ten raters lie between {low} and {high}.",
            n=len(rows),
            half=half,
            low=quarter,
            high=most,
        )
    )
    shows = say(
        msg(
            "The mean score of every rater, sorted, with intervals as a band; at the right how"
            " many raters give which mean."
        )
    )
    return [Part(title, (Figure(picture, alt, shows, shows_not),))]


def _not_strictness(context: Context) -> str:
    """Say what means per rater leave open, which depends on who rated whom."""
    design = context.analysis.design
    if isinstance(design, Design) and _all_rated_all(design):
        return context.of_kind(
            msg(
                "It does not show who is right: all raters rated the same people, so a difference"
                " comes from the raters or from chance."
            ),
            msg(
                "It does not show who is right: all raters scored the same conversations, so a"
                " difference comes from the raters or from chance."
            ),
        )
    return context.of_kind(
        msg(
            "It does not show who is strict: raters rated different people, and a strong team gets"
            " high scores from a fair rater too."
        ),
        msg(
            "It does not show who is strict: not every rater scored the same conversations, and a"
            " good conversation gets high scores from a fair rater too."
        ),
    )


def _all_rated_all(design: Design) -> bool:
    pairs = int(design.raters["n_subjects"].sum())
    return design.n_raters > 1 and pairs == design.n_raters * design.n_subjects


def _padded(ends: tuple[float, float]) -> tuple[float, float]:
    room = 0.03 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room
