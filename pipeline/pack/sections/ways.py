"""Ways of rating, inside part 7: halo, use of the scale, consistency, drift, styles."""

from __future__ import annotations

from pipeline.analysis import NoAnswer
from pipeline.errors import msg, msgn
from pipeline.methods.consistency import Consistency
from pipeline.methods.differential import DifferentialSeverity
from pipeline.methods.drift import Drift
from pipeline.methods.halo import Halo
from pipeline.methods.styles import Styles
from pipeline.pack.blocks import Block, Bullets, Column, Fold, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.sections.findings import Finding, found
from pipeline.pack.wording import NO_DIFFERENCE

MOST_SHOWN = 10
QUESTIONS = {
    "halo": msg("Halo: does one impression colour every criterion?"),
    "range_use": msg("Use of the scale: mostly the middle, or a narrow part?"),
    "consistency": msg("Consistency: do the scores scatter more than those of others?"),
    "drift": msg("Drift: does severity change over time?"),
    "differential": msg("Criteria: stricter on one criterion than on the others?"),
    "styles": msg("Styles: are there groups of raters who rate in another way?"),
}


def build(context: Context) -> list[Block]:
    """Make the blocks about ways of rating."""
    say = context.say
    answered = [name for name in QUESTIONS if _is_answer(getattr(context.analysis, name))]
    if not answered:
        return []  # the reasons are gathered at the end of the part
    shown = [] if context.is_organisation else found(context)
    blocks: list[Block] = []
    if shown:
        blocks.append(
            Text(
                say(
                    msgn(
                        "{n} thing stands out beside severity. It is a question to ask, not a"
                        " fault: the rater may have seen what others did not.",
                        "{n} things stand out beside severity. They are questions to ask, not"
                        " faults: the rater may have seen what others did not.",
                        len(shown),
                    )
                )
            )
        )
        blocks.append(_findings(context, shown))
    elif not context.is_organisation:
        blocks.append(
            Text(
                say(
                    msg(
                        "Beside severity nothing stands out in how single raters rate. With few"
                        " ratings only large differences would."
                    )
                )
            )
        )
    blocks.append(_looked_at(context, answered, shown))
    blocks += _styles(context)
    return [Part(say(msg("Ways of rating")), tuple(blocks))]


def _is_answer(answer: object) -> bool:
    return answer is not None and not isinstance(answer, NoAnswer)


def _findings(context: Context, shown: list[Finding]) -> Table:
    say, rest = context.say, len(shown) - MOST_SHOWN
    return Table(
        say(msg("What stands out")),
        (
            Column(say(msg("Rater"))),
            Column(say(msg("What was seen"))),
            Column(say(msg("How much"))),
            Column(say(msg("Interval"))),
            Column(say(msg("To ask")), wide=True),
        ),
        tuple(
            (context.person(one.rater_id), one.what, one.effect, one.interval, one.ask)
            for one in shown[:MOST_SHOWN]
        ),
        note=say(msg("{n} more.", n=rest)) if rest > 0 else "",
        dense=True,
    )


def _looked_at(context: Context, answered: list[str], shown: list[Finding]) -> Table:
    """Say per question how many raters were looked at, and what holds for the whole department."""
    say = context.say
    columns = [Column(say(msg("Question")), wide=True)]
    if not context.is_organisation:
        columns.append(Column(say(msg("Raters"))))
    columns.append(Column(say(msg("In this department"))))
    rows = []
    for name in answered:
        number = _department(context, name)
        if context.is_organisation and not number:
            continue
        row = [say(QUESTIONS[name])]
        if not context.is_organisation:
            row.append(_outcome(context, name, shown))
        rows.append((*row, number or say(msg("seen per rater only"))))
    return Table(say(msg("What was looked at")), tuple(columns), tuple(rows), dense=True)


def _outcome(context: Context, name: str, shown: list[Finding]) -> str:
    answer = getattr(context.analysis, name)
    if isinstance(answer, Styles):
        n, n_found = answer.n_raters, 0
    else:
        table = answer.cells if name in ("drift", "differential") else answer.raters
        n = int(table.loc[table["reason"].isna(), "rater_id"].nunique())
        n_found = len({one.rater_id for one in shown if one.question == name})
    looked = context.say(msgn("{n} rater looked at", "{n} raters looked at", n))
    if isinstance(answer, Styles) and answer.n_styles > 1:
        return context.say(msg("{looked}, {n} styles", looked=looked, n=answer.n_styles))
    if not n_found:
        return context.say(msg("{looked}, nothing found", looked=looked))
    return looked + ", " + context.say(msgn("{n} stands out", "{n} stand out", n_found))


def _department(context: Context, name: str) -> str:
    """Return what holds for all raters together: a number with its interval, or only words."""
    answer = getattr(context.analysis, name)
    if isinstance(answer, Halo):
        return context.say(
            msg(
                "{share} of the differences between single scores ({low} to {high})",
                share=context.percent(answer.share_subject_rater),
                low=context.percent(answer.share_low),
                high=context.percent(answer.share_high),
            )
        )
    if isinstance(answer, Consistency):
        differ = answer.p_differ < NO_DIFFERENCE
        return context.say(
            msg("raters differ more than by chance") if differ else msg("no difference shown")
        )
    if isinstance(answer, Drift):
        return typical(context, answer.sd_drift, answer.sd_low, answer.sd_high)
    if isinstance(answer, DifferentialSeverity):
        return typical(context, answer.sd_differential, answer.sd_low, answer.sd_high)
    if isinstance(answer, Styles) and answer.n_styles == 1:
        return context.say(msg("one style; differences are gradual"))
    return ""


def typical(context: Context, sd: float, low: float, high: float) -> str:
    """Write the SD of a difference with its interval; only the least where there is no most."""
    if high == float("inf"):
        return context.say(msg("typically {low} points or more", low=float(low)))
    return context.say(
        msg(
            "typically {size} points ({low} to {high})",
            size=float(sd),
            low=float(low),
            high=float(high),
        )
    )


def _styles(context: Context) -> list[Block]:
    answer = context.analysis.styles
    if not isinstance(answer, Styles) or answer.n_styles < 2:
        return []
    say = context.say
    sizes = answer.styles.drop_duplicates("style").set_index("style")["n"]
    lines = []
    for style, n in sizes.items():
        described = answer.description[int(style)]
        text = say(msgn("{n} rater:", "{n} raters:", int(n)))
        lines.append(" ".join([text, *(say(one) for one in described)]))
    return [Fold(say(msg("Styles of rating")), (Bullets(tuple(lines)),))]
