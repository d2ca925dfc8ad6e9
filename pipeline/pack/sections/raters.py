"""Part 7: what can be said about raters: first whether they can be compared at all."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.design import Design
from pipeline.methods.distribution import Distribution
from pipeline.methods.severity import Severity
from pipeline.pack.blocks import (
    Block,
    Column,
    Facts,
    Figure,
    Fold,
    Note,
    Part,
    Table,
    Text,
)
from pipeline.pack.charts import forest, ribbon
from pipeline.pack.charts.intervals import MOST_NAMED, Estimate, Scale
from pipeline.pack.context import Context
from pipeline.pack.wording import agreement_word

CERTAIN = 0.9
"""Probability of a difference that matters in practice above which a rater is named."""
MOST_AT_EACH_END = 10


def flagged(raters: pd.DataFrame) -> pd.DataFrame:
    """Return the raters whose severity almost surely matters in practice."""
    return raters[raters["p_practical"] >= CERTAIN]


def build(context: Context) -> list[Block]:
    """Make the part about raters."""
    design = context.analysis.design
    if not isinstance(design, Design):
        return [context.reason(design)]
    blocks: list[Block] = [banner(context, design)]
    blocks += _severity(context, design)
    if design.verdict in ("nested", "one_rater"):
        blocks += _group_means(context)
    blocks += _agreement(context)
    blocks += _who_shares(context, design)
    return blocks


def banner(context: Context, design: Design) -> Note:
    """Say whether these ratings can tell a strict rater from a weaker team."""
    say = context.say
    look_the_same = say(
        msg("From these ratings alone a strict manager and a weaker team look the same.")
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


def _severity(context: Context, design: Design) -> list[Block]:
    say, found = context.say, context.analysis.severity
    title = say(msg("Severity"))
    if not isinstance(found, Severity):
        if isinstance(found, NotEstimable) and design.verdict in ("nested", "one_rater"):
            return []  # the banner has said so
        return [Part(title, (context.reason(found),))]
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
                    say(msg("Typical difference between raters (standard deviation)")),
                    say(msg("{size} points", size=float(found.var_rater) ** 0.5)),
                ),
            )
        ),
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
    return f"{text} ({context.say(msg('{low} to {high}', low=low, high=high))})"


def _severity_figure(context: Context, found: Severity) -> Figure:
    say, rows, size = context.say, found.raters, found.practical_difference
    scale = Scale(
        say(msg("severity in scale points")),
        reference=0.0,
        zone=(-size, size),
        left_word=f"← {say(msg('milder'))}",
        right_word=f"{say(msg('stricter'))} →",
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
                    bool(row["p_practical"] >= CERTAIN),
                )
                for row in ordered.to_dict("records")
            ],
            scale,
            say(msg("conversations")) if context.is_conversation else say(msg("people")),
            context.language,
        )
        shows = say(
            msg(
                "The severity of each rater with its interval. In the shaded zone a difference does"
                " not matter in practice; a diamond marks raters who are almost surely outside it."
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
    alt = say(
        msg(
            "Severity of {n} raters, from {low} to {high} scale points; {m} of them are almost"
            " surely more than {size} points from the others.",
            n=len(rows),
            low=context.language.signed(float(rows["severity"].min())),
            high=context.language.signed(float(rows["severity"].max())),
            m=len(flagged(rows)),
            size=float(size),
        )
    )
    return Figure(picture, alt, shows, shows_not)


def _named(context: Context, found: Severity) -> list[Block]:
    say, rows = context.say, flagged(found.raters)
    size = float(found.practical_difference)
    if rows.empty:
        differ = found.p_rater < 0.05
        return [
            Text(
                say(
                    msg(
                        "Severity differs between raters, but of no single rater is it nearly"
                        " certain that the difference is more than {size} points.",
                        size=size,
                    )
                    if differ
                    else msg(
                        "No difference in severity was found that is more than chance would give."
                    )
                )
            )
        ]
    ends = (
        (msg("Stricter raters"), rows[rows["severity"] > 0].nlargest(MOST_AT_EACH_END, "severity")),
        (msg("Milder raters"), rows[rows["severity"] < 0].nsmallest(MOST_AT_EACH_END, "severity")),
    )
    blocks: list[Block] = [
        Text(
            say(
                msgn(
                    "For {n} rater the chance is at least {sure} that severity is more than {size}"
                    " points.",
                    "For {n} raters the chance is at least {sure} that severity is more than"
                    " {size} points.",
                    len(rows),
                    sure=context.percent(CERTAIN),
                    size=size,
                )
            )
        )
    ]
    for title, part in ends:
        if part.empty:
            continue
        blocks.append(
            Table(
                say(title),
                (
                    Column(say(msg("Rater"))),
                    Column(say(msg("Severity")), numeric=True),
                    Column(say(msg("Interval")), numeric=True),
                    Column(say(msg("Chance that it matters")), numeric=True),
                    Column(
                        say(msg("Conversations") if context.is_conversation else msg("People")),
                        numeric=True,
                    ),
                ),
                tuple(
                    (
                        context.person(row["rater_id"]),
                        context.language.signed(float(row["severity"])),
                        context.interval(row["ci_low"], row["ci_high"]),
                        context.percent(min(float(row["p_practical"]), 0.99)),
                        context.language.whole(int(row["n_subjects"])),
                    )
                    for row in part.to_dict("records")
                ),
                dense=True,
            )
        )
    return blocks


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
        return [Part(title, (context.reason(found),))]
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
    if low is None or pd.isna(low) or pd.isna(high):  # type: ignore[call-overload]  # any scalar
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
