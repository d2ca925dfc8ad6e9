"""Rows that say the same thing twice, or contradict each other.

A row identical to an earlier one is a duplicate: the earlier one is kept. Rows with the same key
and another content contradict each other: none is kept, because nobody can know which is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.errors import Message, msg
from pipeline.ingest.validate import Checked, with_all_columns
from pipeline.tables import TABLES, key_of

DUPLICATE = msg("The row is a duplicate of another row")
CONFLICT = msg("Rows with the same key contradict each other; keep the right one")
TWO_DEPARTMENTS = msg("The employee is in two departments in the same cycle; keep the right one")

_MOST_LINES = 3
_PART, _ROW = "part", "row"


def settle_keys(table: str, parts: Sequence[Checked]) -> list[pd.DataFrame]:
    """Find repeated keys among the rows of all files of a table.

    Adds the faults it finds to the parts.

    Returns
    -------
    list of DataFrame
        Per part the rows to be loaded, with every column of the contract and the index of the
        part's frame.
    """
    good = [with_all_columns(part.frame[~part.faults.bad], table) for part in parts]
    repeated = _repeated(table, good)
    dropped = [np.zeros(len(part.frame), dtype=bool) for part in parts]
    if not repeated.empty:
        repeated = _ordered(repeated, parts)
        _settle(table, repeated, parts, dropped)
    return [
        frame[~(drop | part.faults.bad)[frame.index]]
        for frame, part, drop in zip(good, parts, dropped, strict=True)
    ]


def _repeated(table: str, good: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows whose key occurs more than once, with their part and row."""
    key = list(key_of(table))
    keys = pd.concat([frame[key] for frame in good], ignore_index=True)
    again = keys.duplicated(keep=False).to_numpy()
    start, found = 0, []
    for number, frame in enumerate(good):
        mask = again[start : start + len(frame)]
        start += len(frame)
        if mask.any():
            rows = frame[mask]
            found.append(rows.assign(part=number, row=rows.index.to_numpy()))
    if not found:
        return pd.DataFrame()
    return pd.concat(found, ignore_index=True)


def _ordered(repeated: pd.DataFrame, parts: Sequence[Checked]) -> pd.DataFrame:
    """Put rows that may be rejected before rows that merely collapse, in reading order."""
    collapses = repeated[_PART].map(dict(enumerate(part.collapses for part in parts)))
    return (
        repeated.assign(collapses=collapses)
        .sort_values(["collapses", _PART, _ROW], kind="stable")
        .drop(columns="collapses")
        .reset_index(drop=True)
    )


def _settle(
    table: str, rows: pd.DataFrame, parts: Sequence[Checked], dropped: Sequence[np.ndarray]
) -> None:
    columns = list(TABLES[table].columns)
    key = list(key_of(table))
    group = rows.groupby(key, dropna=False, sort=False).ngroup()
    differs = pd.DataFrame(
        {
            name: rows.groupby(group)[name].transform("nunique", dropna=False) > 1
            for name in columns
            if name not in key
        },
        index=rows.index,
    )
    conflict = differs.any(axis=1)
    later = group.duplicated() & ~conflict
    first = rows.index.to_series().groupby(group).transform("first")

    for number, part in enumerate(parts):
        here = rows[_PART] == number
        twice = rows.index[here & later]
        if part.collapses:
            dropped[number][rows.loc[twice, _ROW].to_numpy()] = True
        else:
            details = [
                msg("The row is a duplicate of line {line}", line=_place(rows, parts, number, i))
                for i in first.loc[twice]
            ]
            part.faults.add(rows.loc[twice, _ROW].to_numpy(), _names(key), DUPLICATE, details)
    _add_conflicts(table, rows, parts, group[conflict], differs[conflict])


def _add_conflicts(
    table: str,
    rows: pd.DataFrame,
    parts: Sequence[Checked],
    group: pd.Series,
    differs: pd.DataFrame,
) -> None:
    """Reject every row of the groups that contradict themselves."""
    found: dict[tuple[int, bool], tuple[list[int], list[str], list[Message]]] = {}
    part_of, row_of = rows[_PART].tolist(), rows[_ROW].tolist()
    for _, members in group.groupby(group, sort=False):
        index = list(members.index)
        names = [str(name) for name in differs.columns[differs.loc[index[0]]]]
        departments = table == "employees" and "department" in names
        for i in index:
            number, row = part_of[i], row_of[i]
            others = [_place(rows, parts, number, j) for j in index[: _MOST_LINES + 1] if j != i]
            lines = ", ".join(others[:_MOST_LINES]) + (
                ", …" if len(index) > _MOST_LINES + 1 else ""
            )
            detail = (
                msg("The employee is in two departments in the same cycle: see line {lines}")
                if departments
                else msg("The row contradicts line {lines}: we cannot know which one is right")
            )
            at_row, at_column, details = found.setdefault((number, departments), ([], [], []))
            at_row.append(row)
            at_column.append("department" if departments else _names(names))
            details.append(Message(detail.text, {"lines": lines}))
    for (number, departments), (at_row, at_column, details) in found.items():
        reason = TWO_DEPARTMENTS if departments else CONFLICT
        parts[number].faults.add(np.array(at_row), at_column, reason, details)


def _place(rows: pd.DataFrame, parts: Sequence[Checked], seen_from: int, i: int) -> str:
    """Name the line of a row, with its file where that is another one."""
    number = rows[_PART].to_numpy()[i]
    sheet = parts[number].mapped.sheet
    line = str(sheet.lines[rows[_ROW].to_numpy()[i]])
    return line if number == seen_from else f"{line} ({sheet.file})"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)
