"""Severity of raters, inside part 7: a figure for everybody, names only where it is certain."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.severity import Severity
from pipeline.pack.blocks import Block, Column, Facts, Figure, Note, Part, Table, Text
from pipeline.pack.charts import forest, ribbon
from pipeline.pack.charts.intervals import MOST_NAMED, Estimate, Scale
from pipeline.pack.context import Context
from pipeline.pack.wording import ANSWERS

CERTAIN = 0.9
"""Probability of a difference that matters in practice above which a rater is named."""
MOST_AT_EACH_END = 10


def flagged(found: Severity, design: Design) -> pd.DataFrame:
    """Return the comparable raters whose severity almost surely matters in practice.

    A weakly linked rater has an interval too, but part of a team difference may be booked in it,
    so nobody is named on weak links.
    """
    certain = found.raters[found.raters["p_practical"] >= CERTAIN]
    return certain[certain["rater_id"].isin(comparable(design))]


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
                    say(msg("Typical difference between raters (standard deviation)")),
                    say(msg("{size} points", size=float(found.var_rater) ** 0.5)),
                ),
            )
        ),
    ]
    if len(found.raters):
        blocks.append(_severity_figure(context, found, design))
        blocks += _named(context, found, design)
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


def _severity_figure(context: Context, found: Severity, design: Design) -> Figure:
    say, rows, size = context.say, found.raters, found.practical_difference
    named = set(flagged(found, design)["rater_id"])
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
            " surely more than {size} points from the average rater.",
            n=len(rows),
            low=context.language.signed(float(rows["severity"].min())),
            high=context.language.signed(float(rows["severity"].max())),
            m=len(named),
            size=float(size),
        )
    )
    return Figure(picture, alt, shows, shows_not)


def _named(context: Context, found: Severity, design: Design) -> list[Block]:
    say, rows = context.say, flagged(found, design)
    size = float(found.practical_difference)
    if rows.empty:
        differ = found.p_rater < 0.05
        return [
            Text(
                say(
                    msg(
                        "Severity differs between raters, but of no single rater is it nearly"
                        " certain that it is more than {size} points from the average rater.",
                        size=size,
                    )
                    if differ
                    else msg(
                        "No difference in severity was found that is more than chance would give."
                    )
                )
            )
        ]
    ordered = rows.sort_values(["severity", "rater_id"], ascending=[False, True])
    ends = (
        (msg("Stricter raters"), ordered[ordered["severity"] > 0]),
        (msg("Milder raters"), ordered[ordered["severity"] < 0].iloc[::-1]),
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
    for title, every in ends:
        if every.empty:
            continue
        part, note = every.head(MOST_AT_EACH_END), ""
        if len(every) > len(part):
            note = say(msg("The {n} most outlying of {total}.", n=len(part), total=len(every)))
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
                note=note,
                dense=True,
            )
        )
    return blocks
