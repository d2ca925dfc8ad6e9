"""Part 6: who can be compared with whom, and whether ratings follow distinct patterns."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.methods.profiles import Profiles
from pipeline.methods.standing import Standing
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Figure, Fold, Part, Table, Text
from pipeline.pack.charts import profile_lines
from pipeline.pack.context import Context
from pipeline.pack.marks import strip
from pipeline.pack.sections import nine_box
from pipeline.pack.wording import ANSWERS

_CHECKS: dict[str, Message] = {
    "bic_gain": msg("More than one profile describes the ratings clearly better (BIC gain)"),
    "gap_clusters": msg("The gap statistic finds more than one group"),
    "bootstrap_p": msg("Ratings without structure rarely look like this (bootstrap p)"),
    "jaccard": msg("The groups return in resampled ratings (Jaccard)"),
}
_MOST_GROUPS = 60


def build(context: Context) -> list[Block]:
    """Make the part about comparable people and rating profiles."""
    profiles = Part(context.say(msg("Rating profiles")), tuple(_profiles(context)), "profiles")
    return [*_groups(context), *nine_box.build(context), profiles]


def _groups(context: Context) -> list[Block]:
    say, standing = context.say, context.analysis.standing
    if not isinstance(standing, Standing):
        return [context.reason(standing, ANSWERS["standing"])]
    groups = standing.groups
    if groups.empty:
        return [
            Text(say(msg("Comparable groups hold ratings of colleagues and are not shown here.")))
        ]
    ends = (context.settings.scale.low, context.settings.scale.high)
    rows = []
    for row in groups.head(_MOST_GROUPS).to_dict("records"):
        spread = float(row["sd"]) if pd.notna(row["sd"]) else 0.0
        mean = float(row["mean"])
        shown = bool(row["shown"])
        drawing = strip(
            (),
            ends,
            say(msg("Mean {mean}, standard deviation {sd}", mean=mean, sd=spread)),
            band=(mean - spread, mean + spread),
            mean=mean,
            points=context.points,
        )
        rows.append(
            (
                Cell(
                    str(row["label"]) or say(msg("everybody")),
                    under=say(msg("small groups taken together")) if row["merged"] else "",
                ),
                context.language.whole(int(row["n"])),
                context.score(mean) if shown else "–",
                Cell(drawing=drawing) if shown else say(msg("too few to compare")),
            )
        )
    table = Table(
        say(msg("Comparable groups")),
        (
            Column(say(msg("Group"))),
            Column(say(msg("People")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
            Column(say(msg("Mean ± one standard deviation"))),
        ),
        tuple(rows),
        note=say(
            msg(
                "People are compared within job level and job family. Below {floor} people no"
                " position is shown.",
                floor=standing.floor,
            )
        ),
    )
    return [table]


def _profiles(context: Context) -> list[Block]:
    found = context.analysis.profiles
    if not isinstance(found, Profiles):
        return [context.no_answer(found, ANSWERS["profiles"])]
    blocks: list[Block] = []
    if found.n_profiles < 2:
        blocks.append(
            Text(
                context.say(
                    msg(
                        "No separate profiles: the ratings of {n} people over {m} criteria differ"
                        " gradually. That is the usual finding.",
                        n=found.n_subjects,
                        m=found.n_criteria,
                    )
                )
            )
        )
    else:
        blocks += _found(context, found)
    blocks.append(_checks(context, found))
    return blocks


def _found(context: Context, found: Profiles) -> list[Block]:
    say, table = context.say, found.profiles
    criteria = list(dict.fromkeys(table["criterion_id"]))
    lines, items = [], []
    for number, (_, rows) in enumerate(table.groupby("profile", sort=True)):
        n = int(rows["n"].iloc[0])
        name = say(msg("Profile {letter}", letter="ABCDEFGHIJ"[number % 10]))
        means = rows.set_index("criterion_id")["mean"].reindex(criteria)
        lines.append((f"{name} (n = {context.language.whole(n)})", [float(m) for m in means]))
        text = say(found.description[number]) if number < len(found.description) else ""
        items.append(f"{name}, {context.subjects_counted(n)}: {text}")
    scale = context.settings.scale
    room = 0.03 * (scale.high - scale.low)
    picture = profile_lines(
        [context.criterion(c) for c in criteria],
        lines,
        (scale.low - room, scale.high + room),
        context.language,
    )
    alt = say(
        msg("Line chart of the mean score per criterion for {n} profiles.", n=found.n_profiles)
    )
    return [
        Text(
            say(
                msgn(
                    "The ratings hold {n} profile.",
                    "The ratings hold {n} profiles.",
                    found.n_profiles,
                )
            )
        ),
        Bullets(tuple(items)),
        Figure(
            picture,
            f"{alt} {' '.join(items)}",
            say(msg("The mean score per criterion in each profile.")),
            say(msg("It does not show kinds of people; it shows patterns in how they were rated.")),
        ),
    ]


def _checks(context: Context, found: Profiles) -> Fold:
    say = context.say
    rows = tuple(
        (
            say(_CHECKS[row["name"]]) if row["name"] in _CHECKS else str(row["name"]),
            context.score(row["value"]),
            context.score(row["threshold"]),
            say(msg("yes")) if row["passed"] else say(msg("no")),
        )
        for row in found.checks.to_dict("records")
    )
    return Fold(
        say(msg("Four checks, all needed to speak of profiles")),
        (
            Table(
                say(msg("Checks on rating profiles")),
                (
                    Column(say(msg("Check")), wide=True),
                    Column(say(msg("Value")), numeric=True),
                    Column(say(msg("Threshold")), numeric=True),
                    Column(say(msg("Met"))),
                ),
                rows,
                dense=True,
            ),
        ),
    )
