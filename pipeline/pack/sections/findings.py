"""What stands out in ways of rating: a rater, what was seen, how much, and what to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import Message, msg
from pipeline.methods.consistency import Consistency
from pipeline.methods.differential import DifferentialSeverity
from pipeline.methods.drift import Drift
from pipeline.methods.halo import Halo
from pipeline.methods.range_use import RangeUse
from pipeline.pack.context import Context, Row


@dataclass(frozen=True)
class Finding:
    """Something that stands out in how one rater rates.

    Attributes
    ----------
    question
        Name of the answer that it is from, as in `pipeline.analysis.Analysis`.
    rater_id
        Who.
    what
        What was seen, in a few words.
    effect
        How much, beside what would be expected.
    interval
        What the data leave open about that.
    ask
        A question that opens the conversation.
    """

    question: str
    rater_id: str
    what: str
    effect: str
    interval: str
    ask: str


_ASK = {
    "halo": msg("Which criterion would you score differently for this person, and why?"),
    "central": msg("What would somebody have to show for the score above, or the one below?"),
    "restricted": msg("Who of your people differ most, and does the score show it?"),
    "consistency": msg("On which observations do the scores rest that others did not expect?"),
    "drift": msg("Did the norm move, or the work? Lay an old rating beside a new one."),
    "differential": msg("How do you read this criterion, and how do the others read it?"),
}


def found(context: Context) -> list[Finding]:
    """Return what stands out, in the order of the questions; nothing where rows are not shown."""
    analysis = context.analysis
    made: list[Finding] = []
    if isinstance(analysis.halo, Halo):
        made += _halo(context, analysis.halo)
    if isinstance(analysis.range_use, RangeUse):
        made += _range_use(context, analysis.range_use)
    if isinstance(analysis.consistency, Consistency):
        made += _consistency(context, analysis.consistency)
    if isinstance(analysis.drift, Drift):
        made += _drift(context, analysis.drift)
    if isinstance(analysis.differential, DifferentialSeverity):
        made += _differential(context, analysis.differential)
    return made


def _finding(
    context: Context, question: str, row: Row, what: Message, effect: Message, interval: str,
    ask: str = "",
) -> Finding:  # fmt: skip
    say = context.say
    text = say(_ASK[ask or question])
    return Finding(question, str(row["rater_id"]), say(what), say(effect), interval, text)


def _halo(context: Context, answer: Halo) -> Iterator[Finding]:
    rows = answer.raters[answer.raters["flagged"].astype(bool)]
    for row in rows.sort_values(["ratio", "rater_id"]).to_dict("records"):
        yield _finding(
            context,
            "halo",
            row,
            msg("lets the criteria of one person differ little (halo)"),
            msg(
                "differences between criteria are {share} of what is expected",
                share=context.percent(row["ratio"]),
            ),
            _shares(context, row["ci_low"], row["ci_high"]),
        )


def _range_use(context: Context, answer: RangeUse) -> Iterator[Finding]:
    rows = answer.raters.sort_values("rater_id")
    for row in rows[rows["central"].astype(bool)].to_dict("records"):
        yield _finding(
            context,
            "range_use",
            row,
            msg("gives the middle of the scale often"),
            msg(
                "{share} of the scores, {more} percentage points more than expected",
                share=context.percent(row["share_middle"]),
                more=round(100 * float(row["middle_difference"])),
            ),
            context.interval(100 * row["middle_low"], 100 * row["middle_high"], 0),
            "central",
        )
    for row in rows[rows["restricted"].astype(bool)].to_dict("records"):
        yield _finding(
            context,
            "range_use",
            row,
            msg("uses a narrow part of the scale"),
            msg(
                "the spread is {share} of what is expected for these people",
                share=context.percent(row["sd_ratio"]),
            ),
            _shares(context, row["sd_ratio_low"], row["sd_ratio_high"]),
            "restricted",
        )


def _consistency(context: Context, answer: Consistency) -> Iterator[Finding]:
    rows = answer.raters[answer.raters["flagged"].astype(bool)]
    ordered = rows.sort_values(["ratio_shrunk", "rater_id"], ascending=[False, True])
    for row in ordered.to_dict("records"):
        yield _finding(
            context,
            "consistency",
            row,
            msg("scores are hard to predict"),
            msg("scatter is {share} of the usual", share=context.percent(row["ratio_shrunk"])),
            _shares(context, row["ci_low"], row["ci_high"]),
        )


def _drift(context: Context, answer: Drift) -> Iterator[Finding]:
    """Trends first; a single period only of raters without one."""
    trends = answer.raters[answer.raters["flagged"].astype(bool)]
    first, last = answer.periods[0], answer.periods[-1]
    for row in trends.sort_values("rater_id").to_dict("records"):
        value = float(row["trend"])
        yield _finding(
            context,
            "drift",
            row,
            msg("becomes stricter over time") if value > 0 else msg("becomes milder over time"),
            msg("{size} points from {first} to {last}", size=abs(value), first=first, last=last),
            _away(context, value, row["ci_low"], row["ci_high"]),
        )
    cells = answer.cells[
        answer.cells["flagged"].astype(bool) & ~answer.cells["rater_id"].isin(trends["rater_id"])
    ]
    if len(answer.periods) == 2:  # the two cells of a rater are one number
        cells = cells[cells["period"].eq(last)]
    for row in cells.sort_values(["rater_id", "period"]).to_dict("records"):
        value = float(row["change"])
        yield _finding(
            context,
            "drift",
            row,
            msg("was stricter in {period}", period=str(row["period"]))
            if value > 0
            else msg("was milder in {period}", period=str(row["period"])),
            msg("{size} points beside the other periods", size=abs(value)),
            _away(context, value, row["ci_low"], row["ci_high"]),
        )


def _differential(context: Context, answer: DifferentialSeverity) -> Iterator[Finding]:
    rows = answer.cells[answer.cells["flagged"].astype(bool)]
    for row in rows.sort_values(["rater_id", "criterion_id"]).to_dict("records"):
        value, criterion = float(row["difference"]), context.criterion(row["criterion_id"])
        yield _finding(
            context,
            "differential",
            row,
            msg("stricter on {criterion} than on the other criteria", criterion=criterion)
            if value > 0
            else msg("milder on {criterion} than on the other criteria", criterion=criterion),
            msg("{size} points", size=abs(value)),
            _away(context, value, row["ci_low"], row["ci_high"]),
        )


def _shares(context: Context, low: float, high: float) -> str:
    if high == float("inf"):
        return context.say(msg("{low} or more", low=context.percent(low)))
    return context.say(msg("{low} to {high}", low=context.percent(low), high=context.percent(high)))


def _away(context: Context, value: float, low: float, high: float) -> str:
    """Write an interval in the direction of the value, so that it holds the size shown."""
    return context.interval(low, high) if value > 0 else context.interval(-high, -low)
