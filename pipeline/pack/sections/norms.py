"""Norms inside the part about the last session: those it set, what came of them, earlier ones."""

from __future__ import annotations

from pipeline.decision_form import OVERALL_WORD
from pipeline.errors import msg, msgn
from pipeline.methods.agreement_by_cycle import AgreementByCycle
from pipeline.methods.norm_effect import NormEffect
from pipeline.pack.blocks import Block, Cell, Column, Fold, Note, Table, Text, Tools
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import ANSWERS, NO_VALUE, shorten
from pipeline.tables import OVERALL

MOST_ROWS = 100
_ENOUGH_TO_SEARCH = 8


def last(context: Context) -> list[Block]:
    """Show the norms of the last session, and whether raters differ less since."""
    say, norms = context.say, context.data.last_norms
    if norms.empty:
        return [Note(say(msg("No norms of the last session were recorded.")))]
    table = Table(
        say(msg("Norms agreed in the last session")),
        (
            Column(say(msg("Criterion"))),
            Column(say(msg("Level"))),
            Column(say(msg("Norm")), wide=True),
        ),
        tuple(
            (
                context.criterion(row["criterion_id"]),
                row["job_level"] if isinstance(row["job_level"], str) else say(msg("all")),
                shorten(str(row["text"])),
            )
            for row in norms.to_dict("records")
        ),
    )
    return [table, *_effect(context)]


def _effect(context: Context) -> list[Block]:
    found = context.analysis.norm_effect
    if found is None or context.is_organisation:
        return []
    if not isinstance(found, NormEffect):
        return [context.reason(found, ANSWERS["norm_effect"])]
    text = context.say(
        msg(
            "Since then the distance between raters on these criteria moved {effect} points beside"
            " that on the other criteria ({low} to {high}; below 0 is closer together).",
            effect=found.effect,
            low=found.ci_low,
            high=found.ci_high,
        )
    )
    limit = context.say(
        msg(
            "Norms are set where raters differ most, and such differences tend to shrink by"
            " themselves; a few criteria prove little."
        )
    )
    return [Text(f"{text} {limit}")]


def over_cycles(context: Context) -> list[Block]:
    """Set agreement of raters beside that of earlier cycles, where it is known."""
    say, found = context.say, context.analysis.agreement_by_cycle
    if not isinstance(found, AgreementByCycle):
        return []
    rows: list[tuple[str | Cell, ...]] = []
    for row in found.cycles.to_dict("records"):
        if row["reason"] is not None:
            rows.append((str(row["cycle"]), say(row["reason"]), NO_VALUE, NO_VALUE))
            continue
        rows.append(
            (
                str(row["cycle"]),
                Cell(context.score(row["icc"]), under=_between(context, row)),
                context.percent(row["within_one"]),
                context.language.whole(int(row["n_subjects"])),
            )
        )
    title = say(msg("Agreement of raters, cycle by cycle"))
    note = say(
        msg(
            "Each cycle before its session. Other people, raters or forms change agreement too;"
            " intervals that overlap may be the same agreement."
        )
    )
    columns = (
        Column(say(msg("Cycle"))),
        Column(say(msg("Agreement (ICC)"))),
        Column(say(msg("Within one point")), numeric=True),
        Column(say(msg("Shared")), numeric=True),
    )
    return [Fold(title, (Table(title, columns, tuple(rows), note=note, dense=True),))]


def _between(context: Context, row: Row) -> str:
    return context.interval(row["icc_low"], row["icc_high"])


def library(context: Context) -> list[Block]:
    """Fold away the norms of all earlier cycles, and how often each score was decided on."""
    blocks = (*_norms(context), *_precedents(context))
    if not blocks:
        return []
    return [Fold(context.say(msg("Norms and precedents of earlier cycles")), blocks)]


def _norms(context: Context) -> list[Block]:
    say, norms = context.say, context.data.past_norms
    if norms.empty:
        return []
    shown = norms.head(MOST_ROWS)
    note = say(msg("Own norms first, then those of other departments on the same criteria."))
    if len(norms) > MOST_ROWS:
        note = f"{note} {say(msg('{n} more.', n=len(norms) - MOST_ROWS))}"
    table = Table(
        say(msg("Norms of earlier cycles")),
        (
            Column(say(msg("Norm")), wide=True),
            Column(say(msg("Criterion"))),
            Column(say(msg("Level"))),
            Column(say(msg("Agreed in"))),
        ),
        tuple(
            (
                shorten(str(row["text"])),
                context.criterion(row["criterion_id"]),
                row["job_level"] if isinstance(row["job_level"], str) else say(msg("all")),
                Cell(str(row["cycle"]), under=_where(context, row)),
            )
            for row in shown.to_dict("records")
        ),
        note=note,
        dense=True,
        tools=Tools("norms", say(msg("Show only norms with")))
        if len(shown) >= _ENOUGH_TO_SEARCH
        else None,
    )
    return [table]


def _where(context: Context, row: Row) -> str:
    if row["is_own"]:
        return context.say(msg("this department"))
    others = int(row["n_sessions"]) - 1
    name = shorten(str(row["department"]), 80)
    if not others:
        return name
    more = msgn("and {n} other session", "and {n} other sessions", others)
    return f"{name} {context.say(more)}"


def _precedents(context: Context) -> list[Block]:
    """Count, per criterion and score, how often this department's sessions ended there."""
    say, rows = context.say, context.data.past_decisions
    rows = rows[rows["score_after"].notna() & rows["outcome"].isin(["upheld", "adjusted"])]
    if rows.empty:
        return []
    change = rows["score_after"] - rows["score_before"]
    counted = (
        rows.assign(up=change.gt(0), down=change.lt(0), same=change.eq(0))
        .groupby(["criterion_id", "score_after"], sort=True)[["up", "down", "same"]]
        .sum()
        .reset_index()
    )
    whole = context.language.whole
    columns = (
        Column(say(msg("Criterion"))),
        Column(say(msg("Ended at")), numeric=True),
        Column(say(msg("upheld")), numeric=True),
        Column(say(msg("raised to it")), numeric=True),
        Column(say(msg("lowered to it")), numeric=True),
    )
    cells = tuple(
        (
            _criterion(context, row["criterion_id"]),
            context.score(row["score_after"], 1),
            *(whole(int(row[name])) for name in ("same", "up", "down")),
        )
        for row in counted.head(MOST_ROWS).to_dict("records")
    )
    note = say(
        msg(
            "Counts only: arguments are about a person and stay in the register. A precedent is no"
            " rule; the norm and the evidence decide."
        )
    )
    title = say(msg("Precedents of this department, by criterion and score"))
    return [Table(title, columns, cells, note=note, dense=True)]


def _criterion(context: Context, identifier: object) -> str:
    if identifier == OVERALL:
        return context.say(OVERALL_WORD)
    return context.criterion(identifier)
