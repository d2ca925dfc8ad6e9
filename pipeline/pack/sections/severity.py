"""Severity of raters, inside part 7: a figure for everybody, names only by the rule of flags."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.flags import Flags
from pipeline.methods.reliability import Reliability
from pipeline.methods.severity import Severity
from pipeline.pack.blocks import Block, Column, Facts, Figure, Note, Part, Table, Text
from pipeline.pack.charts import forest, ribbon
from pipeline.pack.charts.intervals import MOST_NAMED, Estimate, Scale
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import ANSWERS, NO_VALUE

MOST_AT_EACH_END = 10
_LEFT_OUT = ("criteria", "partners")


def flagged(context: Context) -> pd.DataFrame:
    """Return the raters who may be named for their severity, one row of `Flags.raters` each.

    Only comparable raters are among them: of a weakly linked rater part of a team difference may
    be booked as severity.
    """
    found = context.analysis.flags
    if not isinstance(found, Flags):
        return pd.DataFrame({"rater_id": pd.Series(dtype="str")})
    return found.raters[found.raters["flagged"].astype(bool)]


def comparable(design: Design) -> set[str]:
    """Return the raters who share enough subjects with enough others."""
    return set(design.raters.loc[design.raters["verdict"].eq("comparable"), "rater_id"])


def build(context: Context, design: Design) -> list[Block]:
    """Make the blocks about severity."""
    say, found = context.say, context.analysis.severity
    title = say(msg("Severity"))
    if not isinstance(found, Severity):
        if isinstance(found, NotEstimable) and design.verdict in ("nested", "one_rater"):
            return []  # the banner has said so
        return [Part(title, (context.reason(found, ANSWERS["severity"]),))]
    blocks: list[Block] = [
        Text(
            say(
                msg(
                    "Severity is how much lower a rater scores than others would for the same"
                    " work, in scale points. Above zero is stricter, below zero is milder."
                )
            )
        ),
        Facts(
            (
                (
                    say(msg("Rater-related share of a single score")),
                    _share(context, found),
                ),
                (
                    say(msg("Typical distance from the average rater (standard deviation)")),
                    _spread(context, found),
                ),
            )
        ),
        *_known(context),
    ]
    if len(found.raters):
        blocks.append(_severity_figure(context, found))
        blocks += _named(context, found)
    else:
        blocks.append(Note(say(msg("Single raters are not shown in this pack."))))
    if found.n_left_out:
        blocks.append(
            Note(
                say(
                    msgn(
                        "{n} rater shares nobody with the others and has no severity.",
                        "{n} raters share nobody with the others and have no severity.",
                        found.n_left_out,
                    )
                )
            )
        )
    return [Part(title, tuple(blocks))]


def _share(context: Context, found: Severity) -> str:
    text = context.percent(found.share_rater)
    if pd.isna(found.share_rater_low):
        return text
    low, high = context.percent(found.share_rater_low), context.percent(found.share_rater_high)
    between = context.say(msg("{low} to {high}", low=low, high=high))
    return f"{text} ({between})"


def _spread(context: Context, found: Severity) -> str:
    """Write the standard deviation of severity, with the interval that its share gives."""
    rest = found.var_subject + found.var_residual + found.var_subject_rater
    text = context.say(msg("{size} points", size=float(found.var_rater) ** 0.5))
    shares = (found.share_rater_low, found.share_rater_high)
    if pd.isna(shares[0]) or shares[1] >= 1:
        return text
    low, high = ((share / (1 - share) * rest) ** 0.5 for share in shares)
    return f"{text} ({context.interval(low, high)})"


def _known(context: Context) -> list[Block]:
    """Say how much of the differences in severity these ratings show."""
    found = context.analysis.reliability
    if not isinstance(found, Reliability):
        return []
    row = found.overall.iloc[0]
    text = msg(
        "Of the differences in severity {share} is known (interval {low} to {high}). That says how"
        " much is known, not whether it is good or bad.",
        share=context.percent(row["reliability"]),
        low=context.percent(row["reliability_low"]),
        high=context.percent(row["reliability_high"]),
    )
    return [Text(context.say(text))]


def _severity_figure(context: Context, found: Severity) -> Figure:
    say, rows, size = context.say, found.raters, found.practical_difference
    named = set(flagged(context)["rater_id"])
    scale = Scale(
        say(msg("severity in scale points")),
        reference=0.0,
        zone=(-size, size),
        left_word="← " + say(msg("milder")),
        right_word=say(msg("stricter")) + " →",
    )
    shows_not = say(
        msg("It does not show who is right: the reference is the average rater, not the truth.")
    )
    if len(rows) <= MOST_NAMED:
        ordered = rows.sort_values(["severity", "rater_id"], ascending=[False, True])
        picture = forest(
            [
                Estimate(
                    context.person(row["rater_id"]),
                    float(row["severity"]),
                    float(row["ci_low"]),
                    float(row["ci_high"]),
                    context.language.whole(int(row["n_subjects"])),
                    row["rater_id"] in named,
                )
                for row in ordered.to_dict("records")
            ],
            scale,
            context.of_kind(msg("people"), msg("conversations")),
            context.language,
        )
        shows = say(
            msg(
                "The severity of each rater with its interval. In the shaded zone a difference does"
                " not matter in practice; a diamond marks raters who are named below."
            )
        )
    else:
        picture = ribbon(
            rows["severity"].to_numpy(),
            rows["ci_low"].to_numpy(),
            rows["ci_high"].to_numpy(),
            scale,
            say(msgn("{n} rater, sorted", "{n} raters, sorted", len(rows))),
            say(msg("raters")),
            context.language,
        )
        shows = say(
            msg(
                "The severity of every rater, sorted, with intervals as a band; at the right how"
                " many raters have which severity. In the shaded zone a difference does not matter"
                " in practice."
            )
        )
    return Figure(picture, _in_words(context, found, len(named)), shows, shows_not)


def _in_words(context: Context, found: Severity, n_named: int) -> str:
    """Say what the figure shows, for who cannot see it."""
    rows, say = found.raters["severity"], context.say
    text = say(
        msgn(
            "Severity of {n} rater, from {low} to {high} scale points.",
            "Severity of {n} raters, from {low} to {high} scale points.",
            len(rows),
            low=context.language.signed(float(rows.min())),
            high=context.language.signed(float(rows.max())),
        )
    )
    if not n_named:
        return text
    size = float(found.practical_difference)
    return " ".join(
        (
            text,
            say(
                msgn(
                    "{n} of them is named for being more than {size} points from the average"
                    " rater.",
                    "{n} of them are named for being more than {size} points from the average"
                    " rater.",
                    n_named,
                    size=size,
                )
            ),
        )
    )


def _named(context: Context, found: Severity) -> list[Block]:
    flags, say = context.analysis.flags, context.say
    if not isinstance(flags, Flags):
        return _own_chance(context, found)
    rows = flagged(context)
    if rows.empty:
        return [Text(say(flags.sentence))]
    blocks: list[Block] = [
        Text(
            say(
                msgn(
                    "{n} rater very probably differs by more than {size} points from the average"
                    " rater. Of all raters named by this rule at most {rate} are expected to be"
                    " named wrongly.",
                    "{n} raters very probably differ by more than {size} points from the average"
                    " rater. Of all raters named by this rule at most {rate} are expected to be"
                    " named wrongly.",
                    len(rows),
                    size=float(flags.practical_difference),
                    rate=context.percent(flags.rate),
                )
            )
        )
    ]
    n_subjects = found.raters.set_index("rater_id")["n_subjects"]
    ordered = rows.sort_values(["severity", "rater_id"], ascending=[False, True])
    for title, every in (
        (msg("Stricter raters"), ordered[ordered["severity"] > 0]),
        (msg("Milder raters"), ordered[ordered["severity"] < 0].iloc[::-1]),
    ):
        if len(every):
            blocks.append(_table_of_named(context, say(title), every, n_subjects))
    blocks.append(_how_stable(context, rows))
    return blocks


def _own_chance(context: Context, found: Severity) -> list[Block]:
    """Tell one manager how sure the own severity is; of others nothing is shown here."""
    if context.view.viewer_id is None or len(found.raters) != 1:
        return []
    return [
        Text(
            context.say(
                msg(
                    "The chance that your severity is more than {size} points from the average"
                    " rater is {chance}.",
                    size=float(found.practical_difference),
                    chance=_chance(context, found.raters["p_practical"].iloc[0]),
                )
            )
        )
    ]


def _chance(context: Context, chance: float) -> str:
    return context.percent(min(max(float(chance), 0.01), 0.99))


def _table_of_named(
    context: Context, caption: str, every: pd.DataFrame, n_subjects: pd.Series
) -> Table:
    say, part, note = context.say, every.head(MOST_AT_EACH_END), ""
    if len(every) > len(part):
        note = say(msg("The {n} most outlying of {total}.", n=len(part), total=len(every)))
    return Table(
        caption,
        (
            Column(say(msg("Rater"))),
            Column(say(msg("Severity")), numeric=True),
            Column(say(msg("Interval")), numeric=True),
            Column(say(msg("Chance that it matters")), numeric=True),
            Column(say(msg("Named again")), numeric=True),
            Column(
                context.of_kind(msg("People"), msg("Conversations")),
                numeric=True,
            ),
        ),
        tuple(
            (
                context.person(row["rater_id"]),
                context.language.signed(float(row["severity"])),
                context.interval(row["ci_low"], row["ci_high"]),
                _chance(context, row["p_practical"]),
                _survived(context, row),
                context.language.whole(int(n_subjects.get(row["rater_id"], 0))),
            )
            for row in part.to_dict("records")
        ),
        note=note,
        dense=True,
    )


def _trials(row: Row) -> tuple[int, int]:
    """Return in how many trials a flag was tried, and survived."""
    tried, survived = (
        sum(0 if pd.isna(row[f"{what}_{of}"]) else int(row[f"{what}_{of}"]) for of in _LEFT_OUT)
        for what in ("n", "survived")
    )
    return tried, survived


def _survived(context: Context, row: Row) -> str:
    tried, survived = _trials(row)
    if not tried:
        return NO_VALUE
    return context.say(msg("{n} of {total}", n=survived, total=tried))


def _how_stable(context: Context, rows: pd.DataFrame) -> Text:
    """Explain what was left out, and say whether a name hangs on one part of the ratings."""
    n_tried = sum(1 for row in rows.to_dict("records") if _trials(row)[0])
    if not n_tried:
        return Text(context.say(msg("Whether these names hold in part of the ratings is unknown.")))
    n_shaky = int(rows["stable"].eq(False).sum())
    text = context.say(
        msg(
            "Named again: how often the name held when one criterion or one other rater was left"
            " out."
        )
    )
    if n_shaky:
        text += " " + context.say(
            msgn(
                "{n} name hangs on one part of the ratings; look at that part first.",
                "{n} names hang on one part of the ratings; look at that part first.",
                n_shaky,
            )
        )
    return Text(text)
