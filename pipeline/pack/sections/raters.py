"""Part 7: what can be said about raters: first whether they can be compared at all."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.design import Design
from pipeline.methods.distribution import Distribution
from pipeline.pack.blocks import (
    Block,
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
from pipeline.pack.sections import conversation, severity
from pipeline.pack.wording import ANSWERS, agreement_word


def build(context: Context) -> list[Block]:
    """Make the part about raters."""
    design = context.analysis.design
    if not isinstance(design, Design):
        return [context.reason(design, ANSWERS["design"])]
    blocks: list[Block] = [banner(context, design)]
    blocks += conversation.build(context)
    blocks += severity.build(context, design)
    if design.verdict in ("nested", "one_rater"):
        blocks += _group_means(context)
    blocks += _agreement(context)
    blocks += _who_shares(context, design)
    return blocks


def _is_solid(context: Context, design: Design) -> bool:
    """Whether there is a severity, and every rater is linked well enough for it."""
    if isinstance(context.analysis.severity, NotEstimable):
        return False
    return design.raters.empty or len(severity.comparable(design)) == design.n_raters


def banner(context: Context, design: Design) -> Note:
    """Say whether these ratings can tell a strict rater from a weaker team."""
    say = context.say
    look_the_same = say(
        msg("From these ratings alone a strict manager and a weaker team look the same.")
    )
    if design.verdict == "linked" and not _is_solid(context, design):
        return Note(
            say(
                msg(
                    "{n} of {m} raters share enough people with enough others. What is shared is"
                    " thin, so part of a difference between teams can look like severity.",
                    n=len(severity.comparable(design)),
                    m=design.n_raters,
                )
            ),
            say(msg("The raters can be compared in part.")),
            tone="key",
            more=(_remedy(context),),
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
            more=(_remedy(context),),
        )
    if design.verdict == "one_rater":
        return Note(
            say(msg("Everything here was rated by one person.")) + " " + look_the_same,
            say(msg("There is one rater, so strictness cannot be seen.")),
            tone="key",
            more=(_remedy(context),),
        )
    return Note(
        say(msg("Each rater rated other people.")) + " " + look_the_same,
        say(msg("The raters cannot be compared.")),
        tone="key",
        more=(_remedy(context),),
    )


def _remedy(context: Context) -> str:
    return context.say(
        msg(
            "What would help: a second rating for a quarter of the people by another rater, or two"
            " or three anchor cases that everybody scores."
        )
    )


def _group_means(context: Context) -> list[Block]:
    found = context.analysis.distribution
    if not isinstance(found, Distribution) or found.by_rater.empty:
        return []
    rows = found.by_rater
    if len(rows) < 2 or len(rows) > MOST_NAMED:
        return []
    say = context.say
    ordered = rows.sort_values(["mean", "rater_id"], ascending=[False, True])
    return [
        Part(
            say(msg("Means per rater's group")),
            (
                Table(
                    say(msg("What each rater gave to the own group")),
                    (
                        Column(say(msg("Rater"))),
                        Column(
                            say(msg("Conversations") if context.is_conversation else msg("People")),
                            numeric=True,
                        ),
                        Column(say(msg("Mean")), numeric=True),
                        Column(say(msg("Interval")), numeric=True),
                        Column(say(msg("Spread (standard deviation)")), numeric=True),
                    ),
                    tuple(
                        (
                            context.person(row["rater_id"]),
                            context.language.whole(int(row["n_subjects"])),
                            context.score(row["mean"]),
                            context.interval(row["ci_low"], row["ci_high"]),
                            context.score(row["sd"]),
                        )
                        for row in ordered.to_dict("records")
                    ),
                    note=say(
                        msg(
                            "A difference between groups can be the raters, the people, or both."
                            " Nothing is adjusted: without shared ratings that would be guessing."
                        )
                    ),
                ),
            ),
        )
    ]


def _agreement(context: Context) -> list[Block]:
    say, found = context.say, context.analysis.agreement
    title = say(msg("Agreement"))
    if not isinstance(found, Agreement):
        return [Part(title, (context.reason(found, ANSWERS["agreement"]),))]
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
                say(msg("Mean of {k} raters", k=context.language.number(float(found.k), 1))),
                _icc(context, many, row.get("icc_ak_low"), row.get("icc_ak_high")),
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
    facts.append((say(msg("Based on")), shared))
    return [
        Part(
            title,
            (
                Text(
                    say(
                        msg(
                            "Do raters give the same score to the same work? 1 is full agreement, 0"
                            " is none (intraclass correlation)."
                        )
                    )
                ),
                Facts(tuple(facts)),
            ),
        )
    ]


def _icc(context: Context, value: float, low: object, high: object) -> str:
    text = f"{context.score(value)}: {context.say(agreement_word(value))}"
    if low is None or pd.isna(low) or pd.isna(high):
        return text
    return f"{text} ({context.interval(float(low), float(high))})"  # type: ignore[arg-type]


_VERDICTS = {
    "comparable": msg("comparable"),
    "weakly_linked": msg("weakly linked"),
    "not_comparable": msg("not comparable"),
}


def _who_shares(context: Context, design: Design) -> list[Block]:
    say, rows = context.say, design.raters
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
                        )
                        for row in rows.to_dict("records")
                    ),
                    dense=True,
                ),
            ),
        )
    ]
