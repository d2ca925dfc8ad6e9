"""Text of an export → values of the data contract, column by column.

Every different text of a column is judged once, so a million rows cost as much as their distinct
values. What cannot be read becomes missing and is reported; nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import Message, msg
from pipeline.ingest.sheet import TEXT, same_name

ERROR_VALUES = (
    *("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"),
    *("#N/B", "#VERW!", "#WAARDE!", "#DEEL/0!", "#NAAM?", "#GETAL!", "#LEEG!"),
)
"""What Excel writes where a formula fails, in English and Dutch."""

MISSING = frozenset(("", "-", "\N{EN DASH}", "n.v.t.", "nvt", "na", "n/a", "nan"))
"""No value, for every kind but identifiers and free text (an identifier NA is a name)."""

_TRUE = frozenset(("ja", "j", "yes", "y", "true", "waar", "1"))
_FALSE = frozenset(("nee", "n", "no", "false", "onwaar", "0"))
_FIRST_YEAR, _LAST_YEAR = 1900, 2100

# control signs, and invisible signs that make equal identifiers differ or turn the reading order
_INVISIBLE = r"[\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}\x{AD}]"
_CONTROL = rf"\p{{Cc}}|{_INVISIBLE}"
_CONTROL_BUT_LINES = rf"[\x00-\x08\x0B-\x1F\x7F-\x{{9F}}]|{_INVISIBLE}"

_WHOLE = re.compile(r"[+-]?[0-9]+|[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_ONE_MARK = re.compile(r"([+-]?)([0-9]*)([.,])([0-9]+)")
_GROUPED = {
    ",": re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}"),
    ".": re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}"),
}
_TIME = r"(?:[T ]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})([-/.])([0-9]{{1,2}})\2([0-9]{{4}}){_TIME}")
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-/])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}")
_EIGHT_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DAY_NUMBER = re.compile(r"([0-9]{1,7})(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[0-9][.,][0-9]+E\+[0-9]+")

ERROR_VALUE = msg("The cell holds an error value of a spreadsheet")
SCIENTIFIC = msg("The identifier was turned into a rounded number by a spreadsheet")
NO_NUMBER = msg("This is not a number")
NO_WHOLE = msg("This is not a whole number")
TWO_WAYS = msg(
    "This number can be read in two ways, with a decimal mark or a thousands mark; "
    "write it without thousands mark"
)
NO_DATE = msg("This is not a date such as 31-12-2025 or 2025-12-31")
MONTH_FIRST = msg(
    "The dates in this column seem to have the month first; write them as 31-12-2025 or 2025-12-31"
)
NO_FLAG = msg("This is neither yes nor no")

_BLOCK_ROWS = 100_000

Judged = tuple[list[Any], dict[int, Message]]
"""Values, and the positions of those that could not be read with the reason."""


@dataclass(frozen=True)
class Converted:
    """A column of the contract."""

    values: pd.Series
    faults: tuple[tuple[np.ndarray, Message], ...]
    """Rows that could not be read, and why."""


def convert(
    cells: pa.ChunkedArray,
    column: pa_schema.Column,
    *,
    values: Mapping[str, str] | None = None,
    prefix: str = "",
    days_from: dt.date | None = None,
    largest: float = math.inf,
) -> Converted:
    """Read the text of a column as the contract's kind.

    Parameters
    ----------
    cells
        Text per row, ``""`` where the export has nothing.
    column
        The column of the contract.
    values
        What the values of the export mean; upper and lower case alike.
    prefix
        Put before every value.
    days_from
        Day 0 of date numbers, for worksheets.
    largest
        Largest number the column can hold; below 1000, "1.234" has one meaning.
    """
    metadata = column.metadata or {}
    kind = str(metadata["kind"])
    if kind == "text":
        return _free_text(cells, values, prefix)
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    texts, codes, is_error = _distinct(whole, values, prefix)
    judged, faults = _judge(kind, texts.to_pylist(), metadata, days_from, largest)
    result = _series(kind, judged, codes)
    faults.update(dict.fromkeys(np.flatnonzero(is_error).tolist(), ERROR_VALUE))
    return Converted(result, _rows_of(faults, codes, len(texts)))


def _distinct(
    cells: pa.Array, values: Mapping[str, str] | None, prefix: str, *, keep_lines: bool = False
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Return the distinct texts, which of them each row has, and which are errors of a sheet."""
    coded = cells.dictionary_encode()
    texts = clean(coded.dictionary, keep_lines=keep_lines)
    is_error = pc.is_in(texts, value_set=pa.array(ERROR_VALUES, TEXT)).to_numpy(False)
    texts = pc.if_else(pa.array(is_error), pa.scalar("", TEXT), texts)
    if values:
        texts = _mapped(texts, values)
    if prefix:
        put = pa.scalar(prefix, TEXT)
        longer = pc.binary_join_element_wise(put, texts, pa.scalar("", TEXT))
        texts = pc.if_else(pc.equal(texts, ""), texts, longer)
    return texts, coded.indices.to_numpy(), is_error


def _free_text(cells: pa.ChunkedArray, values: Mapping[str, str] | None, prefix: str) -> Converted:
    # hardly ever the same twice, and by far the largest columns: so a block at a time
    found, wrong = [], []
    for start in range(0, len(cells), _BLOCK_ROWS):
        block = cells.slice(start, _BLOCK_ROWS)
        block = block.combine_chunks() if isinstance(block, pa.ChunkedArray) else block
        texts, codes, is_error = _distinct(block, values, prefix, keep_lines=True)
        present = pc.if_else(pc.equal(texts, ""), pa.scalar(None, TEXT), texts)
        found.append(present.take(pa.array(codes)))
        wrong.append(start + np.flatnonzero(is_error[codes]))
    rows = np.concatenate(wrong) if wrong else np.empty(0, dtype=np.int64)
    texts = pd.Series(pd.array(pa.chunked_array(found, TEXT), dtype="str"))
    return Converted(texts, ((rows, ERROR_VALUE),) if len(rows) else ())


def clean(texts: pa.Array, *, keep_lines: bool = False) -> pa.Array:
    """Trim every text and drop what cannot be seen: control signs, spaces around it."""
    texts = pc.utf8_normalize(texts, form="NFC")
    if keep_lines:
        texts = pc.replace_substring(texts, "\r\n", "\n")
        texts = pc.replace_substring_regex(texts, _CONTROL_BUT_LINES, "")
    else:
        texts = pc.replace_substring_regex(texts, r"[\r\n\t]+", " ")
        texts = pc.replace_substring_regex(texts, _CONTROL, "")
    return pc.utf8_trim_whitespace(texts)


def _mapped(texts: pa.Array, values: Mapping[str, str]) -> pa.Array:
    keys = clean(pa.array(values.keys(), TEXT)).to_pylist()
    meanings = dict(zip((key.casefold() for key in keys), values.values(), strict=True))
    return pa.array([meanings.get(text.casefold(), text) for text in texts.to_pylist()], TEXT)


def _judge(
    kind: str,
    texts: list[str],
    metadata: Mapping[str, Any],
    days_from: dt.date | None,
    largest: float,
) -> Judged:
    if kind == "id":
        bad = {i: SCIENTIFIC for i, text in enumerate(texts) if _SCIENTIFIC.fullmatch(text)}
        return [None if i in bad else text or None for i, text in enumerate(texts)], bad
    present = ["" if text.casefold() in MISSING else text for text in texts]
    if kind == "choice":
        choices = metadata["choices"]
        known = {same_name(choice): choice for choice in choices}
        return [known.get(same_name(text), text or None) for text in present], {}
    if kind == "number":
        return read_numbers(present, largest=largest)
    if kind == "whole":
        return _whole_numbers(present, largest=largest)
    if kind == "date":
        return read_dates(present, days_from=days_from)
    return _flags(present)


def read_numbers(texts: Sequence[str], *, largest: float = math.inf) -> Judged:
    """Read numbers with a decimal comma or point.

    "1.234" is 1234 in a column where commas are decimal marks ("12,5"), 1.234 in a column where
    points are, and refused in a column that does not tell.
    """
    numbers: list[Any] = [None] * len(texts)
    faults: dict[int, Message] = {}
    decimal_marks: set[str] = set()
    unsure: dict[int, str] = {}
    for i, text in enumerate(texts):
        plain = text.replace("\N{MINUS SIGN}", "-")
        if not plain:
            continue
        if _WHOLE.fullmatch(plain):
            numbers[i] = _finite(plain.replace(",", "."))
        elif one := _ONE_MARK.fullmatch(plain):
            _, before, mark, after = one.groups()
            if len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0" and largest >= 1000:
                unsure[i] = mark
                continue
            decimal_marks.add(mark)
            numbers[i] = _finite(plain.replace(",", "."))
        elif mark := next((m for m, form in _GROUPED.items() if form.fullmatch(plain)), ""):
            decimal_marks.add(mark)
            thousands = "." if mark == "," else ","
            numbers[i] = _finite(plain.replace(thousands, "").replace(",", "."))
        if numbers[i] is None:
            faults[i] = NO_NUMBER
    for i, mark in unsure.items():
        plain = texts[i].replace("\N{MINUS SIGN}", "-")
        if len(decimal_marks) != 1:
            faults[i] = TWO_WAYS
        elif mark in decimal_marks:
            numbers[i] = _finite(plain.replace(",", "."))
        else:
            numbers[i] = _finite(plain.replace(mark, ""))
    return numbers, faults


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _whole_numbers(texts: Sequence[str], *, largest: float) -> Judged:
    numbers, faults = read_numbers(texts, largest=largest)
    for i, value in enumerate(numbers):
        if not isinstance(value, float):
            continue
        if value.is_integer() and abs(value) < 2**53:
            numbers[i] = int(value)
        else:
            numbers[i], faults[i] = None, NO_WHOLE
    return numbers, faults


def read_dates(texts: Sequence[str], *, days_from: dt.date | None = None) -> Judged:
    """Read Dutch and ISO dates, and day numbers of a worksheet; a time of day is left out.

    A column with 12/31/2025 in it has the month first, so its 01/02/2025 is refused as well.
    """
    dates: list[Any] = [None] * len(texts)
    faults: dict[int, Message] = {}
    either_way: dict[str, list[int]] = {}
    month_first: set[str] = set()
    for i, text in enumerate(texts):
        if not text:
            continue
        if found := _DAY_FIRST.fullmatch(text):
            day, mark, month, year = found.groups()
            dates[i] = _date(year, month, day)
            if dates[i] is None and _date(year, day, month):
                month_first.add(mark)
            elif dates[i] is not None and int(day) <= 12 and day != month:
                either_way.setdefault(mark, []).append(i)
        elif found := _YEAR_FIRST.fullmatch(text):
            dates[i] = _date(found[1], found[3], found[4])
        elif found := _EIGHT_DIGITS.fullmatch(text):
            dates[i] = _date(*found.groups())
        elif days_from is not None and (found := _DAY_NUMBER.fullmatch(text)):
            day_of = days_from + dt.timedelta(days=min(int(found[1]), 500_000))
            dates[i] = day_of if _FIRST_YEAR <= day_of.year <= _LAST_YEAR else None
        if dates[i] is None:
            faults[i] = NO_DATE
    for mark in month_first:
        for i in either_way.get(mark, []):
            dates[i], faults[i] = None, MONTH_FIRST
    return dates, faults


def _date(year: str, month: str, day: str) -> dt.date | None:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _flags(texts: Sequence[str]) -> Judged:
    flags: list[Any] = [None] * len(texts)
    faults: dict[int, Message] = {}
    for i, text in enumerate(texts):
        word = text.casefold()
        if word in _TRUE or word in _FALSE:
            flags[i] = word in _TRUE
        elif word:
            faults[i] = NO_FLAG
    return flags, faults


def _rows_of(
    faults: Mapping[int, Message], codes: np.ndarray, n: int
) -> tuple[tuple[np.ndarray, Message], ...]:
    rows = []
    for reason in dict.fromkeys(id(message) for message in faults.values()):
        bad = np.zeros(n, dtype=bool)
        message = None
        for position, found in faults.items():
            if id(found) == reason:
                bad[position], message = True, found
        if message is not None:
            rows.append((np.flatnonzero(bad[codes]), message))
    return tuple(rows)


def _text_series(texts: pa.Array, codes: np.ndarray) -> pd.Series:
    present = pc.if_else(pc.equal(texts, ""), pa.scalar(None, TEXT), texts)
    taken = present.take(pa.array(codes))
    return pd.Series(pd.array(taken, dtype="str"))


_SERIES: dict[str, Callable[[list[Any]], Any]] = {
    "number": lambda values: np.array(
        [np.nan if value is None else value for value in values], dtype="float64"
    ),
    "whole": lambda values: pd.array(values, dtype="Int64"),
    "date": lambda values: np.array(values, dtype="datetime64[D]").astype("datetime64[us]"),
    "flag": lambda values: pd.array(values, dtype="boolean"),
}


def _series(kind: str, values: list[Any], codes: np.ndarray) -> pd.Series:
    if kind in ("id", "choice"):
        texts = ["" if value is None else str(value) for value in values]
        return _text_series(pa.array(texts, TEXT), codes)
    return pd.Series(_SERIES[kind](values)[codes])
