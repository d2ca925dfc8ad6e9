"""Reading the rows of a form: what they say, what is wrong with them, what is worth a look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pipeline.errors import Message
from pipeline.form_layout import FormSheet
from pipeline.record.cells import Unreadable, choice_of, text_of
from pipeline.record.form import Fault, FilledForm, FilledSheet, FormRow
from pipeline.record.pages import Raw

T = TypeVar("T")
Values = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """One thing that a form says: its kind, where it stands, and values of the data contract."""

    kind: str
    sheet: str
    row: int
    values: Values


@dataclass
class Found:
    """What a form says, and what is wrong.

    Attributes
    ----------
    said
        In order.
    faults
        What has to be mended before anything is recorded.
    remarks
        What is recorded all the same, and worth a look.
    """

    said: list[Said] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = {(one.sheet, one.row, one.column) for one in self.faults}

    def fault(self, fault: Fault) -> None:
        """Keep a fault; of each cell the first, since others follow from it."""
        place = (fault.sheet, fault.row, fault.column)
        if place not in self._places:
            self._places.add(place)
            self.faults.append(fault)


class Row:
    """Reads the cells of one row, and keeps what is wrong with them."""

    def __init__(self, sheet: FilledSheet, row: FormRow, found: Found) -> None:
        self._sheet, self.row, self._found = sheet, row, found
        self.n_faults = 0

    def fault(self, column: str, reason: Message) -> None:
        """Keep a fault of this row."""
        self.n_faults += 1
        self._found.fault(self._at(column, reason))

    def remark(self, column: str, reason: Message) -> None:
        """Keep a remark about this row."""
        self._found.remarks.append(self._at(column, reason))

    def say(self, kind: str, values: Values) -> None:
        """Keep what this row says, unless it is faulty."""
        if not self.n_faults:
            self._found.said.append(Said(kind, self._sheet.title, self.row.number, values))

    def _at(self, column: str, reason: Message) -> Fault:
        title = self._sheet.titles.get(column, column)
        return Fault(self._sheet.title, self.row.number, title, reason)

    def read(self, column: str, as_kind: Callable[[Raw], T | None]) -> T | None:
        """Return the value of a cell; one that cannot be read is a fault, and None."""
        try:
            return as_kind(self.row.cells.get(column))
        except Unreadable as unreadable:
            self.fault(column, unreadable.reason)
            return None

    def needed(self, column: str, reason: Message) -> str | None:
        """Return a text that may not be missing."""
        found = self.read(column, text_of)
        if found is None:
            self.fault(column, reason)
        return found


def rows_of(form: FilledForm, sheet: FormSheet, found: Found) -> list[Row]:
    """Return the rows of a sheet; none where somebody deleted it."""
    filled = form.sheets.get(sheet.name)
    return [] if filled is None else [Row(filled, row, found) for row in filled.rows]


def choice(sheet: FormSheet, column: str) -> Callable[[Raw], str | None]:
    """Return what reads a choice of a column."""
    choices = next(one.choices for one in sheet.columns if one.name == column)
    return lambda value: choice_of(value, choices)


def iso(day: dt.date | None) -> str | None:
    """Write a day as the register keeps it."""
    return None if day is None else day.isoformat()
