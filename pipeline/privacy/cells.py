"""Counts in small cells: hidden so that they cannot be found by subtraction either."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def suppress_counts(table: pd.DataFrame, groups: Sequence[str], floor: int) -> pd.DataFrame:
    """Hide counts of small cells so that they cannot be found by subtraction either.

    Parameters
    ----------
    table
        Columns ``n`` (scores), ``n_people`` (people they are about) and ``share`` (0-1), plus what
        identifies the cell.
    groups
        Columns that define a row of cells with a known total; empty for one row.
    floor
        Smallest number of people that may be shown. An empty cell counts as small: "0 %" tells
        something of everybody in a group.

    Returns
    -------
    pandas.DataFrame
        The table with ``suppressed`` (bool); n, n_people and share of suppressed cells are
        missing. In a row either no cell is hidden, or at least two that together hold the floor.
    """
    made = table.reset_index(drop=True).copy()
    made["n"] = made["n"].astype("float64")
    made["n_people"] = made["n_people"].astype("float64")
    suppressed = pd.Series(False, index=made.index)
    if len(made):
        keys = list(groups)
        rows = made.groupby(keys, dropna=False).indices.values() if keys else [made.index]
        for positions in rows:
            suppressed.iloc[positions] = _cells_to_hide(made["n_people"].iloc[positions], floor)
    made["suppressed"] = suppressed
    made.loc[made["suppressed"], ["n", "n_people", "share"]] = float("nan")
    return made


def _cells_to_hide(people: pd.Series, floor: int) -> pd.Series:
    hide = people < floor
    if hide.any():
        # one hidden cell, or hidden cells that hold less than the floor, could be recomputed
        for position in people[~hide].sort_values(kind="stable").index:
            if hide.sum() >= 2 and people[hide].sum() >= floor:
                break
            hide[position] = True
    return hide
