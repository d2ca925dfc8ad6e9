"""The pages of a form as cells: from a workbook or from CSV files, nothing computed or followed.

Macros, links, pictures and hidden sheets of a workbook are never looked at. Cells with a formula
or an error are faults: what they show is not what somebody decided.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import openpyxl

from pipeline.errors import Message, UnreadableInput, msg
from pipeline.form_layout import IDENTITY, FormLayout, said
from pipeline.ingest.convert import ERROR_VALUES
from pipeline.ingest.delimited import read_records
from pipeline.ingest.sheet import same_name
from pipeline.ingest.workbook import DAMAGED, open_package

MOST_FORM_BYTES = 20 * 2**20
_MOST_ROWS, _MOST_COLUMNS, _MOST_FILES = 20_000, 200, 100

Raw = str | float | int | bool | dt.datetime | dt.date | None

_FORMULA = msg("The cell holds a formula. Type what it has to say instead.")
_ERROR = msg("The cell holds an error.")


@dataclass(frozen=True)
class PageCell:
    """A cell with something in it: its row and column from 1, its value, or what is wrong."""

    row: int
    column: int
    value: Raw
    fault: Message | None = None


@dataclass(frozen=True)
class Page:
    """A sheet of a form: its title, and its rows with something in them."""

    title: str
    rows: tuple[tuple[PageCell, ...], ...]


@dataclass(frozen=True)
class Pages:
    """What a form was read from: its name, the SHA-256 of all of it, and its sheets."""

    name: str
    digest: str
    pages: tuple[Page, ...]


def pages_of(path: Path, layouts: Sequence[FormLayout]) -> Pages:
    """Read the sheets of a form.

    Parameters
    ----------
    path
        A workbook; or a folder with a CSV file per sheet, or one of those files.
    layouts
        The forms that there are, by whose titles CSV files are known.

    Raises
    ------
    UnreadableInput
        There is no such file, or it is no form or too large.
    """
    if path.is_dir() or path.suffix.lower() == ".csv":
        return _csv_pages(path, layouts)
    data = _bytes(path, MOST_FORM_BYTES)
    open_package(path.name, data).close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decorations that are not supported do not concern us
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            shown = [page for page in book.worksheets if page.sheet_state == "visible"]
            pages = tuple(Page(page.title, _bounded(path.name, _rows(page))) for page in shown)
    except DAMAGED:
        raise UnreadableInput(
            msg("{file} is damaged. Ask for the form again, or save it as XLSX.", file=path.name)
        ) from None
    return Pages(path.name, hashlib.sha256(data).hexdigest(), pages)


def no_form(name: str) -> UnreadableInput:
    """Return what is said about a file that is no form."""
    return UnreadableInput(
        msg(
            "{file} is no form of the workbench. Record decision-form.xlsx or progress-form.xlsx,"
            " or a folder with each of its sheets as CSV, the last one included.",
            file=name,
        )
    )


def _bytes(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise UnreadableInput(
                msg(
                    "{file} is larger than {size} MB, which no form is.",
                    file=path.name,
                    size=MOST_FORM_BYTES // 2**20,
                )
            )
        return path.read_bytes()
    except OSError as reason:
        raise UnreadableInput(
            msg(
                "{file} cannot be read: {reason}.",
                file=path.name,
                reason=reason.strerror or type(reason).__name__,
            )
        ) from None


def _bounded(name: str, rows: Iterator[tuple[PageCell, ...]]) -> tuple[tuple[PageCell, ...], ...]:
    """Return the rows of a sheet; none is left out in silence."""
    found = []
    for row in rows:
        if row[0].row > _MOST_ROWS:
            raise UnreadableInput(
                msg("{file} has more than {n} rows, which no form has.", file=name, n=_MOST_ROWS)
            )
        found.append(row)
    return tuple(found)


def _rows(page: Any) -> Iterator[tuple[PageCell, ...]]:
    for row in page.iter_rows(max_row=_MOST_ROWS + 1, max_col=_MOST_COLUMNS):
        cells = tuple(_cell(cell) for cell in row if cell.value is not None)
        if cells:
            yield cells


def _cell(cell: Any) -> PageCell:
    fault = {"f": _FORMULA, "e": _ERROR}.get(cell.data_type)
    return PageCell(cell.row, cell.column, None if fault else cell.value, fault)


# CSV -----------------------------------------------------------------------------------------


def _csv_pages(path: Path, layouts: Sequence[FormLayout]) -> Pages:
    """Read a folder of CSV files as a spreadsheet writes them: ``form-Decisions.csv`` and so on."""
    folder = path if path.is_dir() else path.parent
    try:
        there = sorted(one for one in folder.iterdir() if one.suffix.lower() == ".csv")
    except OSError:
        raise no_form(path.name) from None
    titles = {title for one in layouts for sheet in one.sheets for title in said(sheet.title)}
    titles |= said(IDENTITY)
    known = {one: found for one in there if (found := _title(normalize("NFC", one.stem), titles))}
    forms = {start for start, title in known.values() if title in said(IDENTITY)}
    if path != folder:
        forms &= {known[path][0]} if path in known else set()
    if len(forms) > 1:
        raise UnreadableInput(
            msg(
                "{file} holds several forms. Put each in a folder of its own, or name one of its"
                " files.",
                file=path.name,
            )
        )
    chosen = [(one, title) for one, (start, title) in known.items() if start in forms]
    if not chosen or len(chosen) > _MOST_FILES:
        raise no_form(path.name)
    columns = {
        same_name(title)
        for one in layouts
        for sheet in one.sheets
        for column in sheet.columns
        for title in said(column.title)
    }
    pages, digest, left = [], hashlib.sha256(), MOST_FORM_BYTES
    for one, title in chosen:
        data = _bytes(one, left)
        left -= len(data)
        digest.update(hashlib.sha256(one.name.encode()).digest() + hashlib.sha256(data).digest())
        pages.append(Page(title, _bounded(one.name, _csv_rows(one.name, data, columns))))
    return Pages(path.name, digest.hexdigest(), tuple(pages))


def _title(stem: str, titles: set[str]) -> tuple[str, str] | None:
    """Return what a file name begins with, and the sheet whose title it ends with."""
    fitting = [title for title in titles if stem == title or stem.endswith(f"-{title}")]
    if not fitting:
        return None
    longest = max(fitting, key=len)
    return stem.removesuffix(longest).removesuffix("-"), longest


def _csv_rows(name: str, data: bytes, columns: set[str]) -> Iterator[tuple[PageCell, ...]]:
    if not data.strip():
        return  # a sheet on which nobody wrote
    for number, fields in enumerate(read_records(name, data, columns), 1):
        cells = tuple(
            PageCell(number, at, text, _ERROR if text.strip() in ERROR_VALUES else None)
            for at, text in enumerate(fields[:_MOST_COLUMNS], 1)
            if text
        )
        if cells:
            yield cells
