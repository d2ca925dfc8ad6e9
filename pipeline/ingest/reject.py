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

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StoreError, msg
from pipeline.ingest.sheet import TEXT, Sheet

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


def write_rejected(folder: Path, tables: Mapping[str, Iterable[RejectedRow]]) -> Path:
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
        for table, rows in tables.items():
            _write(draft / f"{table}.csv", list(rows))
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


def _write(path: Path, rows: Sequence[RejectedRow]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([*COLUMNS, *map(_harmless, names)])
        for row in sorted(rows, key=lambda row: (row.file, row.line)):
            writer.writerow(
                [
                    _harmless(row.file),
                    row.line,
                    ", ".join(dict.fromkeys(column for column in row.columns if column)),
                    "; ".join(dict.fromkeys(row.reasons)),
                    *(_harmless(row.values.get(name, "")) for name in names),
                ]
            )
        file.flush()
        os.fsync(file.fileno())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def original_rows(sheet: Sheet, rows: Sequence[int]) -> Iterator[dict[str, str]]:
    """Give rows of a sheet as they were, by column name."""
    positions = pa.array(rows, pa.int64())
    texts = [column.take(positions).to_pylist() for column in sheet.cells]
    names = [name or f"({i + 1})" for i, name in enumerate(sheet.names)]
    for i in range(len(rows)):
        yield {name: column[i] for name, column in zip(names, texts, strict=True)}


def original_fields(sheet: Sheet, fields: Sequence[str]) -> dict[str, str]:
    """Give a row that does not fit the header by column name; what is too much is numbered."""
    names = [name or f"({i + 1})" for i, name in enumerate(sheet.names)]
    names += [f"({i + 1})" for i in range(len(names), len(fields))]
    return dict(zip(names, fields, strict=False))
