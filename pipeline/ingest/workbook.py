"""XLSX worksheets as text, treated as hostile: sizes are bounded, nothing is computed or followed.

openpyxl's streaming mode knows no merged cells and cannot tell an empty cell from a formula
without a stored result, so a pass over the worksheet's XML finds those.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from pipeline.errors import UnreadableInput, msg
from pipeline.ingest.sheet import (
    HEADER_SEARCH,
    TEXT,
    OddRow,
    Sheet,
    as_text_column,
    moment_as_text,
    number_as_text,
    tidy_name,
    unused,
)

MOST_BYTES = 512 * 2**20
"""Largest workbook, unpacked."""
MOST_PACKING = 200
"""Unpacked size as a multiple of the packed size; real worksheets stay far below it."""
_SMALL_BYTES = 32 * 2**20  # below this, packing does no harm
_MOST_ROWS, _MOST_CELLS = 1_048_576, 50_000_000
_CHUNK_ROWS = 20_000
_READ_BYTES = 1 << 20

_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_MARKS = re.compile(rb"<(?:\w+:)?(?:f|mergeCell)[\s/>]")
DAMAGED = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,  # also what defusedxml raises
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,  # compression method that Python lacks
    RuntimeError,  # password on a part
    OSError,
)


class Workbook:
    """An opened XLSX file.

    Raises
    ------
    UnreadableInput
        It is no workbook, is protected by a password, or unpacks to too much.
    """

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._packed = open_package(name, data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # unsupported decorations do not concern us
                self._book = openpyxl.load_workbook(
                    io.BytesIO(data), read_only=True, data_only=True, keep_links=False
                )
        except DAMAGED:
            raise _damaged(name) from None
        shown = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        self._sheets = {sheet.title: sheet for sheet in shown or self._book.worksheets}

    def read(self, table: str, title: str | None) -> Sheet:
        """Read the worksheet that holds ``table``.

        Parameters
        ----------
        table
            Table to be read; a worksheet of that name is preferred.
        title
            Worksheet named in `workbench.toml`.

        Raises
        ------
        UnreadableInput
            There is no such worksheet, or several could be meant.
        """
        sheet = self._choose(table, title)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._read(sheet)
        except DAMAGED:
            raise _damaged(self.name) from None

    def _choose(self, table: str, title: str | None) -> Any:
        by_name = {name.strip().casefold(): sheet for name, sheet in self._sheets.items()}
        for wanted in (title, table):
            if wanted is not None and wanted.strip().casefold() in by_name:
                return by_name[wanted.strip().casefold()]
            if wanted is not None and wanted == title:
                raise UnreadableInput(
                    msg(
                        "{file} has no worksheet {sheet}; it has {sheets}. Correct sheet in "
                        "[import.{table}] of workbench.toml.",
                        file=self.name,
                        sheet=title,
                        sheets=self._titles(),
                        table=table,
                    )
                )
        try:
            filled = [sheet for sheet in self._sheets.values() if _has_cells(sheet)]
        except DAMAGED:
            raise _damaged(self.name) from None
        if len(filled) == 1:
            return filled[0]
        if not filled:
            raise UnreadableInput(msg("{file} is empty. Make the export again.", file=self.name))
        raise UnreadableInput(
            msg(
                "{file} has several worksheets: {sheets}. Say which one holds {table} in "
                'workbench.toml, under [import.{table}]: sheet = "name of the worksheet".',
                file=self.name,
                sheets=self._titles(),
                table=table,
            )
        )

    def _titles(self) -> str:
        return ", ".join(title[:40] for title in list(self._sheets)[:20])

    def _read(self, sheet: Any) -> Sheet:
        marks = self._marks(sheet)
        rows = _rows(self.name, sheet)
        line, header = next(((n, row) for n, row in rows if not unused(row)), (0, []))
        if not header:
            raise UnreadableInput(msg("{file} is empty. Make the export again.", file=self.name))
        while header and not header[-1].strip():
            header.pop()
        width = len(header)
        columns: list[list[pa.Array]] = [[] for _ in range(width)]
        batch: list[list[str]] = []
        lines: list[int] = []
        odd_rows: list[OddRow] = []
        early: list[tuple[int, tuple[str, ...]]] = []
        for number, row in rows:
            if number <= HEADER_SEARCH:
                early.append((number, tuple(tidy_name(text) for text in row)))
            if unused(row) and not marks.no_result.get(number):
                continue
            if unused(row[width:]):
                batch.append((row + [""] * width)[:width])
                lines.append(number)
            else:
                reason = msg("There are cells filled to the right of the header's last column")
                odd_rows.append(OddRow(number, tuple(row), reason))
            if len(batch) == _CHUNK_ROWS:
                _flush(batch, columns)
        _flush(batch, columns)
        numbers = np.array(lines, dtype=np.int64)
        return Sheet(
            self.name,
            tuple(tidy_name(text) for text in header),
            tuple(pa.chunked_array(parts, type=TEXT) for parts in columns),
            numbers,
            tuple(odd_rows),
            no_result=marks.positions(numbers),
            early_rows=tuple(early),
            merged_header=line in marks.merged_rows,
            title=sheet.title,
            days_from=self._book.epoch.date(),
        )

    def _marks(self, sheet: Any) -> _Marks:
        """Find merged cells and formulas without a stored result."""
        path = sheet._worksheet_path  # openpyxl tells the part of a worksheet nowhere else
        marks = _Marks()
        with self._packed.open(path) as part:
            if not any(_MARKS.search(block) for block in _blocks(part)):
                return marks
        with self._packed.open(path) as part:
            for _, element in openpyxl.xml.functions.iterparse(part):
                tag = element.tag.rpartition("}")[2]
                if tag == "mergeCell":
                    marks.merge(element.get("ref", ""))
                elif tag == "c":
                    children = {child.tag.rpartition("}")[2]: child for child in element}
                    if "f" in children and not getattr(children.get("v"), "text", None):
                        marks.formula(element.get("r", ""))
                if tag in ("row", "mergeCell"):
                    element.clear()
        return marks


class _Marks:
    """What openpyxl's streaming mode does not tell."""

    def __init__(self) -> None:
        self.merged_rows: set[int] = set()
        self.no_result: dict[int, list[int]] = defaultdict(list)

    def merge(self, reference: str) -> None:
        _, top, _, bottom = range_boundaries(reference)
        self.merged_rows.update(range(top or 1, min(bottom or 1, HEADER_SEARCH * 10) + 1))

    def formula(self, reference: str) -> None:
        if reference:
            row, column = coordinate_to_tuple(reference)
            self.no_result[row].append(column - 1)

    def positions(self, lines: np.ndarray) -> dict[int, np.ndarray]:
        found = defaultdict(list)
        for row in np.flatnonzero(np.isin(lines, list(self.no_result))):
            for column in self.no_result[int(lines[row])]:
                found[column].append(int(row))
        return {column: np.array(rows, dtype=np.int64) for column, rows in found.items()}


def open_package(name: str, data: bytes) -> zipfile.ZipFile:
    """Open the parts of a workbook, once their sizes and their XML are known to do no harm.

    Raises
    ------
    UnreadableInput
        It is no workbook, is protected by a password, or unpacks to too much.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableInput(
            msg(
                "{file} is protected by a password or is an old XLS workbook. Save it as XLSX "
                "without a password.",
                file=name,
            )
        )
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
        parts = package.infolist()
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts) + 1
        if unpacked > MOST_BYTES or (unpacked > _SMALL_BYTES and unpacked > MOST_PACKING * packed):
            raise UnreadableInput(
                msg(
                    "{file} unpacks to {size} MB, more than a workbook may. Export it as CSV.",
                    file=name,
                    size=unpacked // 2**20,
                )
            )
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _refuse_entities(name, package, part)
    except DAMAGED:
        raise _damaged(name) from None
    return package


def _refuse_entities(name: str, package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse document type definitions: a workbook has none, an attack on the parser does."""
    with package.open(part) as file:
        for block in _blocks(file):
            if b"\0" in block or _FORBIDDEN.search(block):
                raise _damaged(name)


def _blocks(file: Any) -> Iterator[bytes]:
    """Give a file in blocks that overlap by more than the longest thing looked for."""
    tail = b""
    while block := file.read(_READ_BYTES):
        yield tail + block
        tail = block[-64:]


def _damaged(name: str) -> UnreadableInput:
    return UnreadableInput(
        msg(
            "{file} is damaged or is no XLSX workbook. Open it in a spreadsheet program and save "
            "it again as XLSX.",
            file=name,
        )
    )


def _has_cells(sheet: Any) -> bool:
    return any(cell is not None for row in _cells(sheet) for cell in row)


def _cells(sheet: Any) -> Iterator[tuple[object, ...]]:
    sheet.reset_dimensions()  # the size a workbook states can be wrong
    yield from sheet.iter_rows(values_only=True)


def _rows(name: str, sheet: Any) -> Iterator[tuple[int, list[str]]]:
    n_cells = 0
    for number, row in enumerate(_cells(sheet), start=1):
        n_cells += len(row)
        if number > _MOST_ROWS or n_cells > _MOST_CELLS:
            raise UnreadableInput(
                msg("{file} has more cells than a worksheet may. Export it as CSV.", file=name)
            )
        yield number, [_as_text(value) for value in row]


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_as_text(value)
    if isinstance(value, dt.date):
        return moment_as_text(value)
    return str(value)


def _flush(batch: list[list[str]], columns: list[list[pa.Array]]) -> None:
    for position, column in enumerate(columns):
        column.append(as_text_column(row[position] for row in batch))
    batch.clear()
