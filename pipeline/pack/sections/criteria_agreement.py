"""Agreement per criterion beyond chance, inside the part about criteria."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg
from pipeline.pack.blocks import Block, Cell, Column, Fold, Table
from pipeline.pack.context import Context, Row

MOST_ROWS = 10


def beyond_chance(context: Context, row: Row | pd.Series, name: str) -> str | Cell:
    """Write alpha or kappa with its interval; a word where there is none."""
    if pd.isna(row[name]):
        return context.say(msg("not estimable"))
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Cell(
        context.score(row[name]), under=context.interval(low, high) if pd.notna(low) else ""
    )


def more(context: Context, shared: pd.DataFrame) -> list[Block]:
    """Return other measures of agreement, for who wants to check."""
    known = shared[shared["kappa"].notna() | shared["icc_ak"].notna()]
    if known.empty:
        return []
    say = context.say
    # the extremes of single pairs tell something of two raters
    pairs = not context.is_organisation and bool(known["kappa_lowest"].notna().any())
    columns = [
        Column(say(msg("Criterion"))),
        Column(say(msg("Weighted kappa"))),
        Column(say(msg("Mean of all raters (ICC)"))),
        Column(say(msg("Severity left out (ICC)"))),
        *([Column(say(msg("Kappa of single pairs")))] if pairs else []),
        Column(say(msg("Shared")), numeric=True),
    ]
    rows = []
    for row in known.head(MOST_ROWS).to_dict("records"):
        cells = [
            context.criterion(row["criterion_id"]),
            beyond_chance(context, row, "kappa"),
            beyond_chance(context, row, "icc_ak"),
            beyond_chance(context, row, "icc_c1"),
        ]
        if pairs:
            cells.append(context.interval(row["kappa_lowest"], row["kappa_highest"]))
        rows.append((*cells, context.language.whole(int(row["n_subjects"]))))
    note = say(
        msg(
            "1 is full agreement, 0 what chance gives. Alpha and kappa count a large difference"
            " heavier than a small one."
        )
    )
    if len(known) > MOST_ROWS:
        note = " ".join((say(msg("{n} more.", n=len(known) - MOST_ROWS)), note))
    title = say(msg("Other measures of agreement"))
    return [Fold(title, (Table(title, tuple(columns), tuple(rows), note=note, dense=True),))]
