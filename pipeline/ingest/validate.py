"""Which rows of a file hold to the data contract; every reason is collected, none stops the rest.

The text of each column is converted first, so that each cell that cannot be read is known. Then
pandera judges the table once: required values, choices, ranges, lengths, the scale. What concerns
several columns or tables (dates, references) follows.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import pandas_dtype
from pandera.errors import SchemaErrors

from pipeline.errors import Message, msg
from pipeline.ingest.convert import convert
from pipeline.ingest.faults import Faults
from pipeline.ingest.mapping import Mapped
from pipeline.ingest.sheet import TEXT
from pipeline.ingest.special import tells_pay
from pipeline.settings import ScaleSettings
from pipeline.tables import TABLES, dtype_of

DAYS_AFTER_CYCLE = 120
"""Ratings are given at the end of a cycle and may be this late."""

FORMAL_ROLES = ("manager", "second")
"""Raters in these roles are employees; others can be outsiders, such as experts."""

NO_RESULT = msg(
    "The formula in this cell has no stored result; open and save the workbook in a spreadsheet"
)
_BLOCK_ROWS = 100_000
REQUIRED = msg("A value is required here")
OFF_SCALE = "off_scale"

_ORDERED = {
    "cycles": ("starts_on", "ends_on", msg("The period ends before it starts")),
    "employees": ("hired_on", "left_on", msg("The last working day is before the first")),
}
_UNKNOWN = {
    "employees": msg("The employee is unknown: not in the store and not in this import"),
    "sessions": msg("The session is unknown: not in the store and not in this import"),
}
_UNKNOWN_RATER = msg("The rater is unknown: not in the store and not in this import")
_OUT_OF_CYCLE = msg(
    "The date is outside the cycle (until {days} days after it is allowed)", days=DAYS_AFTER_CYCLE
)
_FUTURE = msg("The date lies in the future")
_PAY = msg("Pay stays out: a rating is calibrated without knowing what it costs or yields")


@dataclass(frozen=True)
class Known:
    """What rows may refer to: the store and the accepted rows of this import."""

    ids: Mapping[str, pa.Array]
    """Identifiers per table."""
    cycles: pd.DataFrame
    """Columns cycle, starts_on, ends_on; a cycle once."""


@dataclass(frozen=True)
class Checked:
    """A file's rows for one table, with what is wrong with them."""

    mapped: Mapped
    frame: pd.DataFrame
    """The contract's columns that the file has; one row per row of the sheet."""
    faults: Faults
    collapses: bool
    """Identical rows are one row: the file feeds several tables."""


def check(mapped: Mapped, scale: ScaleSettings, *, collapses: bool) -> Checked:
    """Convert a file's rows for one table and judge each by itself."""
    schema = _schema(mapped.table, scale)
    faults = Faults(len(mapped.sheet.lines))
    columns: dict[str, pd.Series] = {}
    for name in mapped.columns:
        column = schema.columns[name]
        converted = convert(
            mapped.cells(name),
            column,
            values=mapped.meanings.get(name),
            prefix=mapped.prefixes.get(name, ""),
            days_from=mapped.sheet.days_from,
            largest=_largest(column, scale),
        )
        columns[name] = converted.values
        for rows, reason in converted.faults:
            faults.add(rows, name, reason)
        position = mapped.positions.get(name, -1)
        if position in mapped.sheet.no_result:
            faults.add(mapped.sheet.no_result[position], name, NO_RESULT)
    frame = pd.DataFrame(columns)
    _apply_schema(schema, frame, faults, scale)
    _check_order(mapped.table, frame, faults)
    if mapped.table == "results":
        _check_metrics(frame, faults)
    return Checked(mapped, frame, faults, collapses)


def check_references(checked: Checked, known: Known, today: dt.date) -> None:
    """Add the faults of rows that refer to something unknown, or to a day that cannot be."""
    frame, faults, table = checked.frame, checked.faults, checked.mapped.table
    for name in frame.columns:
        of = (TABLES[table].columns[name].metadata or {}).get("of")
        if of is not None:
            faults.add(np.flatnonzero(unknown(frame[name], known, of)), name, _UNKNOWN[of])
    if table == "ratings" and "rater_role" in frame:
        formal = frame["rater_role"].isin(FORMAL_ROLES).to_numpy()
        strange = formal & unknown(frame["rater_id"], known, "employees")
        faults.add(np.flatnonzero(strange), "rater_id", _UNKNOWN_RATER)
    if table == "ratings" and "rated_on" in frame:
        faults.add(_out_of_cycle(frame, known.cycles), "rated_on", _OUT_OF_CYCLE)
    if table == "evidence":
        late = frame["dated_on"] > pd.Timestamp(today) + pd.Timedelta(days=1)
        faults.add(np.flatnonzero(late), "dated_on", _FUTURE)


def unknown(identifiers: pd.Series, known: Known, table: str) -> np.ndarray:
    """Tell per row whether ``table`` does not know its identifier."""
    is_known = pc.is_in(pa.array(identifiers, TEXT), value_set=known.ids[table])
    strange: np.ndarray = identifiers.notna().to_numpy() & ~np.asarray(is_known)
    return strange


def _out_of_cycle(frame: pd.DataFrame, cycles: pd.DataFrame) -> np.ndarray:
    at = pd.Index(cycles["cycle"]).get_indexer(frame["cycle"])
    days = cycles[["starts_on", "ends_on"]].to_numpy("datetime64[us]")
    periods = np.vstack([days, np.full((1, 2), np.datetime64("NaT", "us"))])[at]  # -1 is the last
    rated_on = frame["rated_on"].to_numpy("datetime64[us]")
    late = periods[:, 1] + np.timedelta64(DAYS_AFTER_CYCLE, "D")
    return np.flatnonzero((rated_on < periods[:, 0]) | (rated_on > late))


def _schema(table: str, scale: ScaleSettings) -> pandera.DataFrameSchema:
    """Return the contract of a table with the checks that depend on the settings."""

    def on_scale(scores: pd.Series) -> pd.Series:
        inside = scores.between(scale.low, scale.high)
        if not scale.step:
            return inside
        steps = (scores - scale.low) / scale.step
        return inside & ((steps - steps.round()).abs() < 1e-6)

    schema = TABLES[table]
    scored = [
        name for name, column in schema.columns.items() if (column.metadata or {}).get("on_scale")
    ]
    checks = {name: {"checks": [pandera.Check(on_scale, name=OFF_SCALE)]} for name in scored}
    return schema.update_columns(checks) if checks else schema


def _largest(column: pandera.Column, scale: ScaleSettings) -> float:
    if (column.metadata or {}).get("on_scale"):
        return scale.high
    ends = [check.statistics.get("max_value") for check in column.checks]
    return min((float(end) for end in ends if end is not None), default=math.inf)


def _apply_schema(
    schema: pandera.DataFrameSchema, frame: pd.DataFrame, faults: Faults, scale: ScaleSettings
) -> None:
    # pandera holds several copies of what it judges, so that is not a whole file
    failed = []
    for start in range(0, len(frame), _BLOCK_ROWS):
        try:
            schema.validate(frame.iloc[start : start + _BLOCK_ROWS], lazy=True)
        except SchemaErrors as error:
            failed.append(error.failure_cases)
    if not failed:
        return
    cases = pd.concat(failed, ignore_index=True)
    place = {name: i for i, name in enumerate(schema.columns)}
    cases = cases.assign(place=cases["column"].map(place)).sort_values(
        ["place", "check_number"], kind="stable", na_position="first"
    )
    for (name, check, number), found in cases.groupby(
        ["column", "check", "check_number"], sort=False, dropna=False
    ):
        rows = found["index"].to_numpy(dtype=np.int64)
        column = schema.columns[str(name)]
        rule = str(check if pd.isna(number) else column.checks[int(number)].name)
        if rule == "not_nullable":
            rows = rows[~faults.at_cell(str(name))[rows]]  # a cell that cannot be read is not empty
        faults.add(np.unique(rows), str(name), _reason(rule, column, scale))


def _reason(rule: str, column: pandera.Column, scale: ScaleSettings) -> Message:
    metadata = column.metadata or {}
    if rule == "not_nullable":
        return REQUIRED
    if rule == "choice":
        return msg("This is none of: {choices}", choices=", ".join(metadata["choices"]))
    if rule == "length":
        longest = metadata["longest"]
        return msg("The text is longer than {longest} characters", longest=longest)
    if rule == OFF_SCALE:
        values = {"low": _plain(scale.low), "high": _plain(scale.high)}
        if not scale.step:
            return msg("The score is off the scale of {low} to {high}", **values)
        return msg(
            "The score is off the scale of {low} to {high} in steps of {step}",
            step=_plain(scale.step),
            **values,
        )
    if rule == "range":
        limits = {key: value for c in column.checks for key, value in c.statistics.items()}
        if "max_value" not in limits:
            return msg("The number is below {low}", low=_plain(limits["min_value"]))
        return msg(
            "The number is not between {low} and {high}",
            low=_plain(limits["min_value"]),
            high=_plain(limits["max_value"]),
        )
    return msg("The value does not fit the rule {rule}", rule=rule)


def _plain(value: float) -> int | float | str:
    # a year is not written with a thousands mark
    return f"{value:g}" if float(value).is_integer() else float(value)


def _check_order(table: str, frame: pd.DataFrame, faults: Faults) -> None:
    first, last, reason = _ORDERED.get(table, ("", "", None))
    if reason is not None and first in frame and last in frame:
        faults.add(np.flatnonzero(frame[last] < frame[first]), last, reason)


def _check_metrics(frame: pd.DataFrame, faults: Faults) -> None:
    metrics = frame["metric"].dropna()
    pay = {name for name in metrics.unique() if tells_pay(name)}
    faults.add(np.flatnonzero(frame["metric"].isin(pay)), "metric", _PAY)


def with_all_columns(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the columns of the contract in its order; those the file lacks are missing."""
    missing: dict[str, Any] = {
        name: pd.Series(np.nan, index=frame.index).astype(pandas_dtype(dtype_of(table, name)))
        for name in TABLES[table].columns
        if name not in frame
    }
    return frame.assign(**missing)[list(TABLES[table].columns)]
