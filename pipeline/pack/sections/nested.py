"""What can still be said where raters share nobody, inside part 7: each rater beside nobody."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.nested import Nested
from pipeline.pack.blocks import Block, Cell, Column, Part, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import NO_VALUE

MOST_SHOWN = 10


def build(context: Context, design: Design) -> list[Block]:
    """Make the blocks about groups that cannot be compared."""
    found, say = context.analysis.nested, context.say
    if not isinstance(found, Nested) or design.verdict == "linked":
        return []
    alone = len(found.raters) == len(found.groups)
    table = _per_rater(context, found) if alone else _per_group(context, found)
    blocks: list[Block] = [
        Text(
            context.of_kind(
                msg(
                    "What does hold: the order of the people whom one rater rated. Across groups"
                    " there is no order."
                ),
                msg(
                    "What does hold: the order of the conversations that one rater scored. Across"
                    " groups there is no order."
                ),
            )
        ),
        table,
    ]
    if alone and found.raters["halo_most"].notna().any():
        blocks.append(
            Text(
                say(
                    msg(
                        "Halo at most: how far the scores of one person go together over the"
                        " criteria (1 is fully). Part of it may be people who are really even, so"
                        " halo is at most the upper end of the interval."
                    )
                )
            )
        )
    return [Part(say(msg("Each group on its own")), tuple(blocks))]


def _shown(table: pd.DataFrame, mean: float, key: str) -> tuple[pd.DataFrame, int]:
    """Return the groups farthest from the mean of all, in order of their mean; and the rest."""
    far = (table["mean"] - mean).abs()
    kept = table.assign(far=far).sort_values(["far", key], ascending=[False, True])
    kept = kept.head(MOST_SHOWN).sort_values(["mean", key], ascending=[False, True])
    return kept, len(table) - len(kept)


def _note(context: Context, n_groups: int, rest: int) -> str:
    texts = []
    if rest:
        texts.append(
            context.say(
                msgn("{n} more, nearer to the mean.", "{n} more, nearer to the mean.", rest)
            )
        )
    if n_groups > 1:
        texts.append(
            context.say(
                msg(
                    "A difference between groups can be the raters, the people, or both."
                    " Nothing is adjusted: without shared ratings that would be guessing."
                )
            )
        )
    return " ".join(texts)


def _per_rater(context: Context, found: Nested) -> Table:
    """One row per rater: mean, scores used, spread, and the most that halo can be."""
    say = context.say
    raters = found.raters.drop(columns=["n_subjects", "reason"])
    every = found.groups.merge(raters, on="component")
    shown, rest = _shown(every, found.mean, "rater_id")
    return Table(
        say(msg("What each rater gave to the own group")),
        (
            Column(say(msg("Rater"))),
            Column(context.of_kind(msg("People"), msg("Conversations")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
            Column(say(msg("Scores used")), numeric=True),
            Column(say(msg("Spread (standard deviation)")), numeric=True),
            Column(say(msg("Halo at most")), numeric=True),
        ),
        tuple(
            (
                context.person(row["rater_id"]),
                context.language.whole(int(row["n_subjects"])),
                _with_interval(context, row, "mean", "ci"),
                say(
                    msg(
                        "{low} to {high}",
                        low=context.score(row["lowest"], 1),
                        high=context.score(row["highest"], 1),
                    )
                ),
                _with_interval(context, row, "sd", "sd"),
                _with_interval(context, row, "halo_most", "halo"),
            )
            for row in shown.to_dict("records")
        ),
        note=_note(context, len(found.groups), rest),
        dense=True,
    )


def _per_group(context: Context, found: Nested) -> Table:
    say = context.say
    shown, rest = _shown(found.groups, found.mean, "component")
    return Table(
        say(msg("Means of groups that cannot be compared")),
        (
            Column(say(msg("Group"))),
            Column(say(msg("Raters")), numeric=True),
            Column(context.of_kind(msg("People"), msg("Conversations")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
        ),
        tuple(
            (
                context.language.whole(int(row["component"]) + 1),
                context.language.whole(int(row["n_raters"])),
                context.language.whole(int(row["n_subjects"])),
                _with_interval(context, row, "mean", "ci"),
            )
            for row in shown.to_dict("records")
        ),
        note=_note(context, len(found.groups), rest),
        dense=True,
    )


def _with_interval(context: Context, row: Row, name: str, ends: str) -> str | Cell:
    if pd.isna(row[name]):
        return NO_VALUE
    interval = context.interval(row[f"{ends}_low"], row[f"{ends}_high"])
    return Cell(context.score(row[name]), under="" if interval == NO_VALUE else interval)
