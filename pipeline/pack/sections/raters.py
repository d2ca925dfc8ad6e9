"""Part 7: what can be said about raters: first whether they can be compared at all."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.design import Design
from pipeline.methods.reliability import Reliability
from pipeline.pack.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Fold,
    Note,
    Part,
    Table,
    Text,
)
from pipeline.pack.charts.intervals import MOST_NAMED
from pipeline.pack.context import Context
from pipeline.pack.sections import (
    linking,
    nested,
    ordinal,
    severity,
    variance,
    ways,
)
from pipeline.pack.sections.reasons import reasons
from pipeline.pack.wording import ANSWERS, NO_VALUE, agreement_word


def build(context: Context) -> list[Block]:
    """Make the part about raters."""
    design = context.analysis.design
    if not isinstance(design, Design):
        return [context.reason(design, ANSWERS["design"])]
    return [
        banner(context, design),
        *beside_each_other(context, design),
        Part(context.say(msg("Agreement")), tuple(agreement(context))),
        *details(context, design, variance.build(context)),
    ]


def beside_each_other(context: Context, design: Design) -> list[Block]:
    """Show severity and ways of rating, or what holds without shared ratings."""
    return [
        *severity.build(context, design),
        *nested.build(context, design),
        *linking.build(context),
        *ways.build(context),
    ]


def details(context: Context, design: Design, more: list[Block]) -> list[Block]:
    """Gather checks, ``more`` among them, and why there is no answer, under one heading."""
    blocks = [
        *ordinal.build(context),
        *more,
        *_who_shares(context, design),
        *reasons(context, {name: ANSWERS[name] for name in _REASONS}),
    ]
    return [Part(context.say(msg("Checks and details")), tuple(blocks))] if blocks else []


def _is_solid(context: Context, design: Design) -> bool:
    """Whether there is a severity, and every rater shown is linked well enough for it."""
    if isinstance(context.analysis.severity, NotEstimable):
        return False
    return len(severity.comparable(design)) == len(design.raters)


def banner(context: Context, design: Design) -> Note:
    """Say whether these ratings can tell a strict rater from a weaker team."""
    say = context.say
    look_the_same = say(
        msg("From these ratings alone a strict manager and a weaker team look the same.")
    )
    if design.verdict == "linked" and not _is_solid(context, design):
        return Note(
            context.of_kind(
                msg(
                    "Raters who share enough people with enough others: {n} of {m}. What is shared"
                    " is thin, so part of a difference between teams can look like severity.",
                    n=len(severity.comparable(design)),
                    m=len(design.raters),
                ),
                msg(
                    "Raters who share enough conversations with enough others: {n} of {m}. What is"
                    " shared is thin, so part of a difference between conversations can look like"
                    " severity.",
                    n=len(severity.comparable(design)),
                    m=len(design.raters),
                ),
            ),
            say(msg("The raters can be compared in part.")),
            tone="key",
            more=(linking.remedy(context),),
        )
    if design.verdict == "linked":
        return Note(
            say(
                msg(
                    "{share} of those rated have two raters or more, so a strict rater can be told"
                    " from a weaker group.",
                    share=context.percent(design.share_shared),
                )
            ),
            say(msg("The raters can be compared.")),
            tone="key",
        )
    if design.verdict == "unlinked_groups":
        return Note(
            say(
                msg(
                    "The ratings fall into {n} groups of raters who rated nobody in common. Within"
                    " a group raters can be compared, across groups they cannot: there a stricter"
                    " group of raters and a weaker group of people look the same.",
                    n=design.n_components,
                )
            ),
            say(msg("The raters can be compared in part.")),
            tone="key",
            more=(linking.remedy(context),),
        )
    if design.verdict == "one_rater":
        return Note(
            say(msg("Everything here was rated by one person.")) + " " + look_the_same,
            say(msg("There is one rater, so strictness cannot be seen.")),
            tone="key",
            more=(linking.remedy(context),),
        )
    return Note(
        context.of_kind(
            msg("Each rater rated other people."), msg("Each rater scored other conversations.")
        )
        + " "
        + look_the_same,
        say(msg("The raters cannot be compared.")),
        tone="key",
        more=(linking.remedy(context),),
    )


def agreement(context: Context) -> list[Block]:
    """Say how far raters give the same score to the same work, over all criteria together."""
    say, found = context.say, context.analysis.agreement
    if not isinstance(found, Agreement):
        return [context.reason(found, ANSWERS["agreement"])]
    row = found.overall.iloc[0]
    one, many = float(row["icc_a1"]), float(row["icc_ak"])
    facts = [
        (
            say(msg("One rater")),
            _icc(context, one, row["icc_a1_low"], row["icc_a1_high"]),
        )
    ]
    if pd.notna(many):
        facts.append(
            (
                say(msg("Mean of {k} raters", k=_count(context, float(found.k)))),
                _icc(context, many, row["icc_ak_low"], row["icc_ak_high"]),
            )
        )
    shared = context.of_kind(
        msgn(
            "{n} person with two raters or more", "{n} people with two raters or more",
            found.n_subjects,
        ),
        msgn(
            "{n} conversation with two raters or more",
            "{n} conversations with two raters or more",
            found.n_subjects,
        ),
    )  # fmt: skip
    if not context.is_organisation:  # beside all who were rated, it tells how many were not shared
        facts.append((say(msg("Based on")), shared))
    needed = variance.sentence(context)
    return [
        Text(
            say(
                msg(
                    "Do raters give the same score to the same work? 1 is full agreement, 0"
                    " is none (intraclass correlation)."
                )
            )
        ),
        Facts(tuple(facts)),
        *([Text(needed)] if needed else []),
    ]


def _count(context: Context, k: float) -> str:
    """Write a mean number of raters; a whole one without decimals."""
    return context.language.number(k, 0 if abs(k - round(k)) < 0.05 else 1)


def _icc(context: Context, value: float, low: float, high: float) -> str:
    word = context.say(agreement_word(low, high))
    return f"{context.score(value)}: {word} ({context.interval(low, high)})"


_REASONS = (
    "reliability", "halo", "range_use", "consistency", "drift", "differential", "styles",
    "ordinal", "components", "nested", "linking",
)  # fmt: skip
"""Answers whose absence is told in one place; severity and agreement tell their own."""
_VERDICTS = {
    "comparable": msg("comparable"),
    "weakly_linked": msg("weakly linked"),
    "not_comparable": msg("not comparable"),
}


_PRECISION = msg(
    "Severity known: how much of what raters differ in severity these ratings show for this rater."
    " Near 0% the severity is little more than a guess, whatever the rater does."
)


def _known(context: Context) -> dict[str, Cell]:
    """Return per rater how much is known of the severity; empty where it is of nobody."""
    found = context.analysis.reliability
    if not isinstance(found, Reliability):
        return {}
    return {
        row["rater_id"]: Cell(
            context.percent(row["precision"]),
            under=context.say(
                msg(
                    "{low} to {high}",
                    low=context.percent(row["precision_low"]),
                    high=context.percent(row["precision_high"]),
                )
            ),
        )
        for row in found.raters.to_dict("records")
    }


def _who_shares(context: Context, design: Design) -> list[Block]:
    say, rows, known = context.say, design.raters, _known(context)
    if rows.empty or len(rows) > MOST_NAMED or design.verdict == "one_rater":
        return []
    return [
        Fold(
            say(msg("Who shares ratings with whom")),
            (
                Table(
                    say(msg("Raters and what they share")),
                    (
                        Column(say(msg("Rater"))),
                        Column(say(msg("Rated")), numeric=True),
                        Column(say(msg("Shared")), numeric=True),
                        Column(say(msg("Partners")), numeric=True),
                        Column(say(msg("Group")), numeric=True),
                        Column(say(msg("Verdict"))),
                        *((Column(say(msg("Severity known")), numeric=True),) if known else ()),
                    ),
                    tuple(
                        (
                            context.person(row["rater_id"]),
                            context.language.whole(int(row["n_subjects"])),
                            context.language.whole(int(row["n_shared"])),
                            context.language.whole(int(row["n_partners"])),
                            context.language.whole(int(row["component"]) + 1),
                            say(_VERDICTS[row["verdict"]])
                            if row["verdict"] in _VERDICTS
                            else str(row["verdict"]),
                            *((known.get(row["rater_id"], NO_VALUE),) if known else ()),
                        )
                        for row in rows.to_dict("records")
                    ),
                    note=say(_PRECISION) if known else "",
                    dense=True,
                ),
            ),
        )
    ]
