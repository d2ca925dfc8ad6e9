"""What every form is made of: sheets and columns, for who writes a form and who reads it.

Sheets and columns have a name that never changes and a title in the reader's language;
`sheet_called`, `column_called` and `choice_called` lead from a title in any language back to the
name. A column of the data contract keeps its name here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.errors import Message, msg
from pipeline.locale import LANGUAGES, Language

HEADING_ROW = 2
"""Row with the titles of the columns; above it what the sheet is for, below it the rows."""

INSTRUCTIONS, IDENTITY = msg("Read first"), msg("About this form")
"""Titles of the first sheet, for people, and of the last, for `calibrate record`."""

IDENTITY_KEYS: dict[str, Message] = {
    "form": msg("Sort of form"),
    "form_version": msg("Version of the form"),
    "session_id": msg("Session"),
    "cycle": msg("Cycle"),
    "department": msg("Department"),
    "kind": msg("What is rated"),
    "language": msg("Language"),
    "data_stamp": msg("Data loaded"),
}
"""Names in the first column of every identity sheet and what they mean; the value is beside it."""

Choices = Mapping[str, Message]


@dataclass(frozen=True)
class Needed:
    """When a cell may not stay empty: ``column`` is filled, with ``choice`` where that is named."""

    column: str
    choice: str | None = None


@dataclass(frozen=True)
class FormColumn:
    """A column of a sheet.

    Attributes
    ----------
    name
        As in the data contract where it has such a column.
    title
        Heading; see `now_title` for columns with current scores.
    width
        In characters.
    kind
        ``"text"``, ``"number"``, ``"whole"``, ``"date"`` or ``"score"``.
    locked
        Filled by the workbench, not by the session.
    choices
        What can be chosen, by the value that is kept.
    listed
        List of this session to choose from: one of the lists of its form.
    only_listed
        Whether nothing else may be entered.
    needed
        When the cell may not stay empty.
    """

    name: str
    title: Message
    width: int
    kind: str = "text"
    locked: bool = False
    choices: Choices = field(default_factory=dict)
    listed: str = ""
    only_listed: bool = True
    needed: Needed | None = None


@dataclass(frozen=True)
class FormSheet:
    """A sheet of a form.

    Attributes
    ----------
    name, title, purpose
        What it is called, and what it is for.
    columns
        In order.
    n_empty
        Rows to fill in after those that are there.
    kept
        First columns that stay in view in a long list, which can be filtered; 0 in a short one.
    awaited
        Column that the first rows still wait for.
    """

    name: str
    title: Message
    purpose: Message
    columns: tuple[FormColumn, ...]
    n_empty: int = 0
    kept: int = 0
    awaited: str = ""


@dataclass(frozen=True)
class FormLayout:
    """One sort of form.

    Attributes
    ----------
    name, version
        What the form calls itself on its identity sheet; the version changes with the layout.
    file
        Name of the workbook.
    title
        What it is called.
    sheets
        The sheets to fill in, in order.
    identity
        What the identity sheet says, beside its meaning.
    lists
        Lists of this session on the identity sheet, a column each.
    sheet_lists
        Lists that stand on a sheet of the form itself: the sheet and the column of each.
    """

    name: str
    version: int
    file: str
    title: Message
    sheets: tuple[FormSheet, ...]
    identity: Mapping[str, Message]
    lists: Mapping[str, Message]
    sheet_lists: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def sheet_called(sheets: Iterable[FormSheet], title: str) -> FormSheet | None:
    """Return the sheet with this title in any language."""
    return next((sheet for sheet in sheets if title in said(sheet.title)), None)


def column_called(sheet: FormSheet, title: str) -> FormColumn | None:
    """Return the column of a sheet with this heading in any language."""
    return next((column for column in sheet.columns if title in said(column.title)), None)


def choice_called(choices: Choices, word: str) -> str | None:
    """Return the value that a word in any language stands for."""
    return next((value for value, words in choices.items() if word in said(words)), None)


def said(message: Message) -> set[str]:
    """Return a message in every language."""
    return {Language(code).say(message) for code in LANGUAGES}
