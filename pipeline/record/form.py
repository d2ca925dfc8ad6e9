"""A filled-in form as rows of cells, by names that never change: hostile until checked.

Rows may be sorted, deleted or added; columns are found by their titles, in any language, wherever
they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.decision_form import DECISION_FORM, NOW, now_title
from pipeline.errors import Message, UnreadableInput, msg
from pipeline.form_layout import (
    HEADING_ROW,
    IDENTITY,
    FormLayout,
    FormSheet,
    column_called,
    said,
    sheet_called,
)
from pipeline.progress_form import PROGRESS_FORM
from pipeline.record.pages import Page, PageCell, Raw, no_form, pages_of

LAYOUTS = (DECISION_FORM, PROGRESS_FORM)
"""The forms that can be recorded."""

_HEADING_WITHIN = HEADING_ROW + 8
"""Somebody may have put lines above the headings."""


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
    layout
        Which sort of form.
    name
        Of the file.
    digest
        SHA-256 of the file, in hexadecimal.
    identity
        What the form says about itself, by name.
    criteria
        Identifier of each criterion of this session, by its label.
    sheets
        By name; those that somebody deleted are missing.
    faults
        Found while reading.
    """

    layout: FormLayout
    name: str
    digest: str
    identity: dict[str, str]
    criteria: dict[str, str]
    sheets: dict[str, FilledSheet]
    faults: tuple[Fault, ...] = field(default=())


def read_form(path: Path) -> FilledForm:
    """Read a form.

    Parameters
    ----------
    path
        The workbook, or a folder with a CSV file per sheet.

    Raises
    ------
    UnreadableInput
        There is no such file, or it is no form of this version of the workbench.
    """
    found = pages_of(path, LAYOUTS)
    about = [page for page in found.pages if page.title in said(IDENTITY)]
    if len(about) != 1:
        raise no_form(found.name)
    plain = _identity(about[0])
    layout = next((one for one in LAYOUTS if plain.get("form") == one.name), None)
    if layout is None:
        raise no_form(found.name)
    if plain.get("form_version") != str(layout.version):
        raise UnreadableInput(
            msg(
                "{file} is a form of another version of the workbench. Make the pack again and"
                " copy the decisions into its form.",
                file=found.name,
            )
        )
    lists = _lists(about[0], layout)
    criteria = dict(zip(lists.get("criteria", ()), lists.get("criteria_ids", ()), strict=False))
    faults: list[Fault] = []
    sheets: dict[str, FilledSheet] = {}
    for page in found.pages:
        sheet = sheet_called(layout.sheets, page.title)
        if sheet is not None and sheet.name not in sheets:
            sheets[sheet.name] = _sheet(page, sheet, criteria, faults)
    if layout.sheets[0].name not in sheets:
        raise no_form(found.name)
    return FilledForm(layout, found.name, found.digest, plain, criteria, sheets, tuple(faults))


def _identity(page: Page) -> dict[str, str]:
    """Return what stands in the first two columns: a name and its value."""
    found: dict[str, str] = {}
    for row in page.rows:
        texts = {cell.column: _text(cell.value) for cell in row}
        if texts.get(1) and texts.get(2):
            found.setdefault(texts[1], texts[2])
    return found


def _lists(page: Page, layout: FormLayout) -> dict[str, list[str]]:
    """Return what stands below the title of each list."""
    lists: dict[str, list[str]] = {name: [] for name in layout.lists}
    columns: dict[int, str] = {}
    for row in page.rows:
        for cell in row:
            text = _text(cell.value)
            titled = next((name for name, title in layout.lists.items() if text in said(title)), "")
            if titled and cell.column not in columns:
                columns[cell.column] = titled
            elif cell.column in columns and text:
                lists[columns[cell.column]].append(text)
    return lists


def _sheet(
    page: Page, sheet: FormSheet, criteria: dict[str, str], faults: list[Fault]
) -> FilledSheet:
    columns: dict[int, str] = {}
    titles: dict[str, str] = {}
    rows = []
    for here in page.rows:
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
            if cell.fault is not None:
                faults.append(Fault(page.title, number, titles[name], cell.fault))
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
    cells: tuple[PageCell, ...], sheet: FormSheet, criteria: dict[str, str]
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
        if title in said(now_title(label)):
            return f"{NOW}{criterion_id}"
    return None


def _text(value: Raw) -> str:
    return "" if value is None else str(value).strip()
