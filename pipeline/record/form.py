"""A filled-in decision form as rows of cells: hostile until checked, nothing computed or followed.

Macros, links and pictures are never looked at. Cells with a formula are kept as faults: what they
show is not what somebody decided. Rows may be sorted, deleted or added; columns are found by their
titles, in any language, wherever they stand.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from pipeline.decision_form import (
    DECISIONS,
    FORM_NAME,
    FORM_VERSION,
    HEADING_ROW,
    IDENTITY,
    IDENTITY_KEYS,
    LISTS,
    NOW,
    FormSheet,
    column_called,
    now_title,
    sheet_called,
)
from pipeline.errors import Message, UnreadableInput, msg
from pipeline.ingest.workbook import DAMAGED, open_package
from pipeline.locale import LANGUAGES, Language

MOST_FORM_BYTES = 20 * 2**20
_MOST_ROWS, _MOST_COLUMNS = 20_000, 200
_HEADING_WITHIN = HEADING_ROW + 8
"""Somebody may have put lines above the headings."""

Raw = str | float | int | bool | dt.datetime | dt.date | None


@dataclass(frozen=True)
class Fault:
    """Something in a form that cannot be recorded.

    Attributes
    ----------
    sheet, row, column
        Where: title of the sheet, number of the row as the program shows it (0: the whole sheet),
        title of the column (empty: the whole row).
    reason
        What is wrong and what to do; repeats no text of the form.
    """

    sheet: str
    row: int
    column: str
    reason: Message


@dataclass(frozen=True)
class FormRow:
    """A row with something in it: its number, and its cells by the name of their column."""

    number: int
    cells: dict[str, Raw]


@dataclass(frozen=True)
class FilledSheet:
    """A sheet: its title in the form, the title of each column by name, and its rows."""

    title: str
    titles: dict[str, str]
    rows: tuple[FormRow, ...]


@dataclass(frozen=True)
class FilledForm:
    """A form as it was filled in.

    Attributes
    ----------
    name
        Of the file.
    digest
        SHA-256 of the file, in hexadecimal.
    identity
        What the form says about itself, by the names of `IDENTITY_KEYS`.
    criteria
        Identifier of each criterion of this session, by its label.
    sheets
        By name; those that somebody deleted are missing.
    faults
        Found while reading.
    """

    name: str
    digest: str
    identity: dict[str, str]
    criteria: dict[str, str]
    sheets: dict[str, FilledSheet]
    faults: tuple[Fault, ...] = field(default=())


def read_form(path: Path) -> FilledForm:
    """Read a decision form.

    Raises
    ------
    UnreadableInput
        There is no such file, it is no workbook or too large, or it is no decision form of this
        version of the workbench.
    """
    try:
        if path.stat().st_size > MOST_FORM_BYTES:
            raise UnreadableInput(
                msg(
                    "{file} is larger than {size} MB, which no decision form is.",
                    file=path.name,
                    size=MOST_FORM_BYTES // 2**20,
                )
            )
        data = path.read_bytes()
    except OSError as reason:
        raise UnreadableInput(
            msg(
                "{file} cannot be read: {reason}.",
                file=path.name,
                reason=reason.strerror or type(reason).__name__,
            )
        ) from None
    open_package(path.name, data).close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decorations that are not supported do not concern us
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            return _read(path.name, data, book)
    except DAMAGED:
        raise UnreadableInput(
            msg("{file} is damaged. Ask for the form again, or save it as XLSX.", file=path.name)
        ) from None


def _read(name: str, data: bytes, book: Any) -> FilledForm:
    shown = {page.title: page for page in book.worksheets if page.sheet_state == "visible"}
    about = [page for title, page in shown.items() if title in _said(IDENTITY)]
    if len(about) != 1:
        raise _no_form(name)
    identity, lists = _identity(about[0])
    if identity.get("form") != FORM_NAME:
        raise _no_form(name)
    if identity.get("form_version") != str(FORM_VERSION):
        raise UnreadableInput(
            msg(
                "{file} is a form of another version of the workbench. Make the pack again and"
                " copy the decisions into its form.",
                file=name,
            )
        )
    criteria = dict(zip(lists["criteria"], lists["criteria_ids"], strict=False))
    faults: list[Fault] = []
    sheets = {}
    for title, page in shown.items():
        sheet = sheet_called(title)
        if sheet is not None and sheet.name not in sheets:
            sheets[sheet.name] = _sheet(page, sheet, criteria, faults)
    if DECISIONS.name not in sheets:
        raise _no_form(name)
    digest = hashlib.sha256(data).hexdigest()
    return FilledForm(name, digest, identity, criteria, sheets, tuple(faults))


def _no_form(name: str) -> UnreadableInput:
    return UnreadableInput(
        msg(
            "{file} is no decision form. Record the file decision-form.xlsx that came with the"
            " pack.",
            file=name,
        )
    )


def _identity(page: Any) -> tuple[dict[str, str], dict[str, list[str]]]:
    identity: dict[str, str] = {}
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    columns: dict[int, str] = {}
    for row in page.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS):
        for at, cell in enumerate(row):
            text = _text(cell.value)
            titled = next((name for name, title in LISTS.items() if text in _said(title)), None)
            if titled is not None and at not in columns:
                columns[at] = titled
            elif at in columns and text:
                lists[columns[at]].append(text)
        if len(row) > 1 and _text(row[0].value) in IDENTITY_KEYS:
            identity.setdefault(_text(row[0].value), _text(row[1].value))
    return identity, lists


def _sheet(
    page: Any, sheet: FormSheet, criteria: dict[str, str], faults: list[Fault]
) -> FilledSheet:
    columns: dict[int, str] = {}
    titles: dict[str, str] = {}
    rows = []
    for row in page.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS):
        here = [cell for cell in row if cell.value is not None]
        if not here:
            continue
        number = here[0].row
        if not columns:
            found = _headings(here, sheet, criteria)
            if len(found) > 1:
                columns = {at: name for at, (name, _) in found.items()}
                titles = dict(found.values())
            elif number > _HEADING_WITHIN:
                break
            continue
        cells: dict[str, Raw] = {}
        for cell in here:
            name = columns.get(cell.column)
            if name is None:
                continue
            if cell.data_type == "f":
                faults.append(
                    Fault(
                        page.title,
                        number,
                        titles[name],
                        msg("The cell holds a formula. Type what it has to say instead."),
                    )
                )
            elif cell.data_type == "e":
                faults.append(
                    Fault(page.title, number, titles[name], msg("The cell holds an error."))
                )
            else:
                cells[name] = cell.value
        if any(_text(value) for value in cells.values()):
            rows.append(FormRow(number, cells))
    if not columns:
        faults.append(
            Fault(page.title, 0, "", msg("The headings of this sheet are gone. Put them back."))
        )
    return FilledSheet(page.title, titles, tuple(rows))


def _headings(
    cells: list[Any], sheet: FormSheet, criteria: dict[str, str]
) -> dict[int, tuple[str, str]]:
    """Return which column holds what, by its place: its name and its title."""
    found: dict[int, tuple[str, str]] = {}
    for cell in cells:
        title = _text(cell.value)
        column = column_called(sheet, title)
        name = column.name if column is not None else _now(title, criteria)
        if name is not None and name not in {known for known, _ in found.values()}:
            found[cell.column] = (name, title)
    return found


def _now(title: str, criteria: dict[str, str]) -> str | None:
    """Return the name of a column with current scores."""
    for label, criterion_id in criteria.items():
        if title in {Language(code).say(now_title(label)) for code in LANGUAGES}:
            return f"{NOW}{criterion_id}"
    return None


def _said(message: Message) -> set[str]:
    return {Language(code).say(message) for code in LANGUAGES}


def _text(value: Raw) -> str:
    return "" if value is None else str(value).strip()
