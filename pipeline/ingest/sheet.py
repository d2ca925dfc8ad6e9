"""One table of a file, as text: what every reader makes and what everything after it takes."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipeline.errors import Message

HEADER_SEARCH = 10
"""A header that is not in the first row is looked for this far down, for the error message."""

TEXT = pa.large_string()
"""What pandas keeps its texts in, so that no column is copied on the way."""


@dataclass(frozen=True)
class OddRow:
    """A row that does not fit its header, with its fields as they were."""

    line: int
    fields: tuple[str, ...]
    reason: Message


@dataclass(frozen=True)
class Sheet:
    """A header and the rows under it. Nothing is interpreted yet; an empty cell is ``""``."""

    file: str
    """Name of the file, without its folder."""
    names: tuple[str, ...]
    """Header, trimmed."""
    cells: tuple[pa.ChunkedArray, ...]
    """One text column per name."""
    lines: np.ndarray
    """Line (worksheet row, Parquet row number) on which each row starts."""
    odd_rows: tuple[OddRow, ...] = ()
    """Rows with too few or too many fields."""
    no_result: Mapping[int, np.ndarray] = field(default_factory=dict)
    """Per column position: the rows whose formula has no stored result."""
    early_rows: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Line and fields of the rows right under the header."""
    merged_header: bool = False
    """Cells of the header row are merged."""
    title: str = ""
    """Name of the worksheet."""
    days_from: dt.date | None = None
    """Day 0 of date numbers; none where numbers cannot be dates."""

    @property
    def n_rows(self) -> int:
        """Rows read, those that do not fit the header included."""
        return len(self.lines) + len(self.odd_rows)


def as_text_column(texts: Iterable[str]) -> pa.Array:
    """Make a text column."""
    return pa.array(texts, type=TEXT)


def tidy_name(name: str) -> str:
    """Trim a column name: outer spaces, byte order mark and line breaks go."""
    text = unicodedata.normalize("NFC", name).replace("\ufeff", "")
    return " ".join(text.split())


def same_name(name: str) -> str:
    """Reduce a column name to what counts when names are compared loosely."""
    return re.sub(r"[\s_\-]+", "", tidy_name(name)).casefold()


def unused(fields: Sequence[str]) -> bool:
    """Tell whether a row holds nothing at all."""
    return not any(text and not text.isspace() for text in fields)


def number_as_text(value: float) -> str:
    """Write a number cell so that it reads back as the same number.

    A whole number loses its ``.0``: personnel number 123.0 is "123". A fraction of three digits
    gets a fourth one, because "1.234" as text could be the Dutch way to write 1234.
    """
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    return f"{text}0" if re.fullmatch(r"-?[0-9]{1,3}\.[0-9]{3}", text) else text


def moment_as_text(value: dt.date | dt.datetime) -> str:
    """Write a date cell as an ISO date, with its time only where it has one."""
    if isinstance(value, dt.datetime):
        if value.time() == dt.time.min:
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat()
