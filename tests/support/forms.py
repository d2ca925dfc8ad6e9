"""Fills in forms as a facilitator would: by title, in the program's own file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.decision_form import DECISION_FORM, DECISIONS
from pipeline.form_layout import HEADING_ROW, FormLayout, column_called, sheet_called

Change = Callable[[Any], None]


class Form:
    """An opened form.

    Parameters
    ----------
    path
        The workbook.
    layout
        Which sort of form.
    """

    def __init__(self, path: Path, layout: FormLayout = DECISION_FORM) -> None:
        self.path, self.layout = path, layout
        self.book = openpyxl.load_workbook(path)

    def page(self, name: str) -> Worksheet:
        """Return a sheet by its name in the layout."""
        for page in self.book.worksheets:
            sheet = sheet_called(self.layout.sheets, page.title)
            if sheet is not None and sheet.name == name:
                return page
        raise KeyError(name)

    def columns(self, name: str) -> dict[str, int]:
        """Return the place of each column of a sheet."""
        sheet = next(one for one in self.layout.sheets if one.name == name)
        found = {}
        for cell in self.page(name)[HEADING_ROW]:
            column = column_called(sheet, str(cell.value))
            if column is not None:
                found[column.name] = cell.column
        return found

    def fill(self, name: str, row: int, values: Mapping[str, Any]) -> None:
        """Write into a row, counted from 0 below the headings."""
        places = self.columns(name)
        for column, value in values.items():
            self.page(name).cell(HEADING_ROW + 1 + row, places[column]).value = value

    def value(self, name: str, row: int, column: str) -> Any:
        """Return what a cell holds."""
        return self.page(name).cell(HEADING_ROW + 1 + row, self.columns(name)[column]).value

    def subjects(self) -> list[str]:
        """Return whom the rows of the decisions are about."""
        found = []
        while (one := self.value(DECISIONS.name, len(found), "subject")) is not None:
            found.append(str(one))
        return found

    def save(self, path: Path | None = None) -> Path:
        """Save, under another name if one is given."""
        target = path or self.path
        self.book.save(target)
        return target


def fill_in(path: Path, target: Path | None = None, *, held_on: Any = "2026-12-15") -> Path:
    """Fill in a Dutch form: one adjusted, one upheld, one parked, and what goes with them."""
    form = Form(path)
    who = str(form.value("attendance", 0, "name"))
    rows = [
        {"outcome": "aangepast", "score_after": 4, "minutes": 3, "dissent": "Een deelnemer blijft"
         " bij een 3."},
        {"outcome": "gehandhaafd", "minutes": 2},
        {"outcome": "geparkeerd", "minutes": 1},
    ]  # fmt: skip
    for number, values in enumerate(rows):
        argument = f"Loste op 3 juni een storing op en legde uit hoe ({number})."
        form.fill("decisions", number, {**values, "argument": argument, "decided_by": who})
    form.fill("actions", 0, {
        "owner_id": who, "kind": "SMART-doel", "text": "Elke maand een voorbeeld vastleggen",
        "measure": "telling per maand", "due_on": "2027-03-01",
    })  # fmt: skip
    criterion = form.value("decisions", 0, "criterion_id")
    form.fill("norms", 0, {"criterion_id": criterion, "text": "Een 4 vraagt een voorbeeld."})
    form.fill("parked", 0, {"text": "Wie kiest tweede beoordelaars?", "owner_id": who,
                            "due_on": "01-02-2027"})  # fmt: skip
    form.fill("attendance", 0, {"attended": "ja"})
    form.fill("sitting", 0, {"held": "ja", "held_on": held_on, "spent_minutes": 95})
    return form.save(target)
