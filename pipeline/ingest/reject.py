"""Bad rows, kept for the analyst: `data/rejected/<batch>/<table>.csv`.

The file holds each row as it was, with its line and every reason, so that it can be mended and
imported again under the same column mapping. Values in it cannot act as formulas.
"""

from __future__ import annotations

import csv
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StoreError, msg
from pipeline.ingest.sheet import TEXT, OddRow, Sheet

COLUMNS = ("file", "line", "column", "reason")
"""What comes before the row itself."""

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class RejectedRow:
    """A row as it was, where it came from and what is wrong with it."""

    file: str
    line: int
    columns: tuple[str, ...]
    reasons: tuple[str, ...]
    values: Mapping[str, str]
    """The row's text under the names of its own header."""


@dataclass(frozen=True)
class RejectedTable:
    """The rejected rows of one table, in the order of files and lines."""

    columns: Sequence[str]
    """Columns of all its files together."""
    rows: Iterable[RejectedRow]


def write_rejected(folder: Path, tables: Mapping[str, RejectedTable]) -> Path:
    """Write a file per table into a new folder, which appears whole or not at all.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        _make_private(folder.parent)
        draft.mkdir(mode=0o700)
        for table, rejected in tables.items():
            _write(draft / f"{table}.csv", rejected)
        os.replace(draft, folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(
            msg(
                "The rejected rows cannot be written to {folder}: {reason}. Nothing was loaded.",
                folder=str(folder.parent),
                reason=error.strerror or type(error).__name__,
            )
        ) from None
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def restored(sheet: Sheet) -> Sheet:
    """Return a sheet without what `write_rejected` added, so that a mended file can come in."""
    if sheet.names[: len(COLUMNS)] != COLUMNS:
        return sheet
    n = len(COLUMNS)
    cells = tuple(
        pa.chunked_array(
            [pc.replace_substring_regex(part, r"^'([=+\-@\t\r])", r"\1") for part in column.chunks],
            type=TEXT,
        )
        for column in sheet.cells[n:]
    )
    return Sheet(
        sheet.file, sheet.names[n:], cells, sheet.lines, sheet.odd_rows, early_rows=sheet.early_rows
    )


def _make_private(folder: Path) -> None:
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for new in reversed(missing):
        new.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, rejected: RejectedTable) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([*COLUMNS, *map(_harmless, rejected.columns)])
        for row in rejected.rows:
            writer.writerow(
                [
                    _harmless(row.file),
                    row.line,
                    ", ".join(dict.fromkeys(column for column in row.columns if column)),
                    "; ".join(dict.fromkeys(row.reasons)),
                    *(_harmless(row.values.get(name, "")) for name in rejected.columns),
                ]
            )
        file.flush()
        os.fsync(file.fileno())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def column_names(sheets: Iterable[Sheet]) -> list[str]:
    """Return the columns that are needed to keep the rows of these sheets as they were."""
    names: dict[str, None] = {}
    for sheet in sheets:
        widest = max((len(row.fields) for row in sheet.odd_rows), default=0)
        names.update(dict.fromkeys(_names(sheet, widest)))
    return list(names)


def original_rows(sheet: Sheet, rows: np.ndarray) -> Iterator[dict[str, str]]:
    """Give rows of a sheet as they were, by column name."""
    positions = pa.array(rows)
    texts = [column.take(positions).to_pylist() for column in sheet.cells]
    names = _names(sheet)
    for values in zip(*texts, strict=True):
        yield dict(zip(names, values, strict=True))


def original_fields(sheet: Sheet, row: OddRow) -> dict[str, str]:
    """Give a row that does not fit the header by column name."""
    return dict(zip(_names(sheet, len(row.fields)), row.fields, strict=False))


def _names(sheet: Sheet, width: int = 0) -> list[str]:
    """Return the names of the columns; those without a name are numbered."""
    names = [name or f"({i + 1})" for i, name in enumerate(sheet.names)]
    return names + [f"({i + 1})" for i in range(len(names), width)]
