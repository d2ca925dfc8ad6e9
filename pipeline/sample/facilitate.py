"""Fill in the forms of the invented company's earlier sessions, as a facilitator would.

    python -m pipeline.sample.facilitate data/sample/minutes reports/2025 data/forms/2025

Reads the minutes that `calibrate sample` writes beside its exports, and the empty forms that lie
beside the packs and the follow-up packs of a cycle; writes each form, filled in, under the name of
its session. Works by the titles on the sheets, in the language of the form, like a person.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.decision_form import (
    ACTION_WORDS,
    DECISION_FORM,
    NOW,
    OUTCOME_WORDS,
    OVERALL_WORD,
    YES_NO,
    now_title,
)
from pipeline.errors import Message
from pipeline.form_layout import (
    HEADING_ROW,
    IDENTITY,
    FormLayout,
    column_called,
    said,
    sheet_called,
)
from pipeline.locale import Language
from pipeline.progress_form import ACTION_STATE_WORDS, PROGRESS_FORM
from pipeline.tables import OVERALL

Minutes = Mapping[str, list[dict[str, str]]]
_TABLES = ("decisions", "actions", "norms")
_PARKED_DAYS = 14


class Form:
    """An opened form, written in by sheet, row and column.

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
        self.language = Language(self.identity.get("language", "nl"))

    @cached_property
    def identity(self) -> dict[str, str]:
        """What the form says about itself."""
        rows = self._about.iter_rows(max_col=2, values_only=True)
        return {str(name): str(value) for name, value, *_ in rows if name in self.layout.identity}

    @cached_property
    def criteria(self) -> dict[str, str]:
        """Label of each criterion, by identifier."""
        columns: dict[str, list[str]] = {}
        for cells in self._about.iter_cols(values_only=True):
            for name, title in self.layout.lists.items():
                if (at := _where(cells, title)) is not None:
                    columns[name] = [str(one) for one in cells[at + 1 :] if one is not None]
        return dict(zip(columns["criteria_ids"], columns["criteria"], strict=True))

    @property
    def _about(self) -> Worksheet:
        return next(page for page in self.book.worksheets if page.title in said(IDENTITY))

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
            elif cell.value is not None and sheet.name == "decisions":
                found[f"{NOW}{cell.value}"] = cell.column
        return found

    def fill(self, name: str, row: int, values: Mapping[str, Any]) -> None:
        """Write into a row, counted from 0 below the headings."""
        places = self.columns(name)
        for column, value in values.items():
            self.page(name).cell(HEADING_ROW + 1 + row, places[column]).value = value

    def value(self, name: str, row: int, column: str) -> Any:
        """Return what a cell holds."""
        return self.page(name).cell(HEADING_ROW + 1 + row, self.columns(name)[column]).value

    def rows(self, name: str, column: str) -> list[Any]:
        """Return what a column holds, down to the first empty cell."""
        found: list[Any] = []
        while (one := self.value(name, len(found), column)) is not None:
            found.append(one)
        return found

    def subjects(self) -> list[str]:
        """Return whom the rows of the decisions are about."""
        return [str(one) for one in self.rows("decisions", "subject")]

    def say(self, message: Message) -> str:
        """Say something in the language of the form."""
        return self.language.say(message)

    def save(self, path: Path | None = None) -> Path:
        """Save, under another name if one is given."""
        target = path or self.path
        self.book.save(target)
        return target


def fill_decisions(form: Form, minutes: Minutes, held_on: dt.date) -> None:
    """Write into a decision form what a session decided.

    Parameters
    ----------
    form
        The empty form.
    minutes
        Rows of the minutes of this session, by table.
    held_on
        When the session was held.
    """
    at = {subject: row for row, subject in reversed(list(enumerate(form.subjects())))}
    extra = len(form.subjects())
    parked, spent = [], 15
    used: set[int] = set()
    for decision in minutes["decisions"]:
        row = at.get(decision["subject"])
        if row is None:
            continue  # left since
        if row in used:
            row, extra = extra, extra + 1
            form.fill("decisions", row, {"subject": decision["subject"]})
        used.add(row)
        form.fill("decisions", row, _decision(form, at[decision["subject"]], decision))
        spent += int(decision["minutes"] or 0)
        if decision["outcome"] == "parked":
            parked.append(decision)
    for row, action in enumerate(minutes["actions"]):
        form.fill("actions", row, {
            "owner_id": action["owner_id"],
            "kind": form.say(ACTION_WORDS[action["kind"]]),
            "text": action["text"],
            "measure": action["measure"],
            "due_on": action["due_on"],
        })  # fmt: skip
    for row, norm in enumerate(minutes["norms"]):
        form.fill("norms", row, {
            "criterion_id": norm["criterion_id"],
            "job_level": norm["job_level"] or None,
            "text": norm["text"],
        })  # fmt: skip
    before = held_on + dt.timedelta(_PARKED_DAYS)
    for row, one in enumerate({one["argument"]: one for one in parked}.values()):
        form.fill("parked", row, {
            "text": one["argument"], "owner_id": one["decided_by"], "due_on": before.isoformat(),
        })  # fmt: skip
    here = form.say(YES_NO["yes"])
    away = {one["person_id"] for one in minutes["participants"] if one["attended"] == "false"}
    for row, person in enumerate(form.rows("attendance", "person_id")):
        there = form.say(YES_NO["no"]) if str(person) in away else here
        form.fill("attendance", row, {"attended": there})
    # a session rarely ends to the minute, and what is not about a case takes the rest
    planned = int(form.value("sitting", 0, "planned_minutes") or spent)
    taken = max(spent, planned + spent % 21 - 10)
    form.fill("sitting", 0, {"held": here, "held_on": held_on, "spent_minutes": taken})


def _decision(form: Form, row: int, decision: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of the decisions: a score moves to the next point of the scale."""
    criterion, after = decision["criterion_id"], None
    if decision["outcome"] == "adjusted":
        now = _now(form, row, criterion)
        up = float(decision["score_after"]) > float(decision["score_before"])
        after = math.floor(now + 1) if up else math.ceil(now - 1)
    return {
        "criterion_id": criterion if criterion != OVERALL else None,
        "outcome": form.say(OUTCOME_WORDS[decision["outcome"]]),
        "score_after": after,
        "argument": decision["argument"],
        "evidence": decision["evidence"] or None,
        "decided_by": decision["decided_by"],
        "dissent": decision["dissent"] or None,
        "minutes": int(decision["minutes"] or 0),
    }


def _now(form: Form, row: int, criterion: str) -> float:
    """Return the score of now, from the column whose heading names the criterion."""
    label = form.say(OVERALL_WORD) if criterion == OVERALL else form.criteria[criterion]
    return float(form.value("decisions", row, f"{NOW}{form.say(now_title(label))}"))


def _where(cells: Sequence[Any], title: Message) -> int | None:
    return next((at for at, one in enumerate(cells) if one in said(title)), None)


def fill_progress(form: Form, minutes: Minutes) -> None:
    """Write into a progress form what became of the actions of a session."""
    told = {(one["text"], one["due_on"]): one for one in minutes["actions"]}
    for row, text in enumerate(form.rows("action_states", "text")):
        due = form.value("action_states", row, "due_on")
        day = due.date().isoformat() if isinstance(due, dt.datetime) else str(due)
        action = told.get((str(text), day))
        if action is None or action["status"] == "open":
            continue
        form.fill("action_states", row, {
            "status": form.say(ACTION_STATE_WORDS[action["status"]]),
            "done_on": action["done_on"] or None,
        })  # fmt: skip


def fill_all(minutes: Path, reports: Path, target: Path) -> int:
    """Fill in the forms of a cycle; return how many are new.

    Parameters
    ----------
    minutes
        Folder that `calibrate sample` writes beside its exports.
    reports
        Folder of a cycle in ``reports/``.
    target
        Where the filled forms go. One that is newer than the form it came from is left alone.
    """
    told = {table: _read(minutes / f"{table}.csv") for table in _TABLES}
    told["participants"] = _read(minutes.parent / "participants.csv")
    held = {row["session_id"]: row["held_on"] for row in _read(minutes.parent / "sessions.csv")}
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    n = 0
    for layout in (DECISION_FORM, PROGRESS_FORM):
        for path in sorted(reports.glob(f"*/{layout.file}")):
            kept = target / f"{path.parent.name}-{layout.file}"
            if kept.exists() and kept.stat().st_mtime >= path.stat().st_mtime:
                continue
            form = Form(path, layout)
            session_id = form.identity["session_id"]
            own = {t: [row for row in rows if row["session_id"] == session_id]
                   for t, rows in told.items()}  # fmt: skip
            if layout is DECISION_FORM:
                fill_decisions(form, own, dt.date.fromisoformat(held[session_id]))
            else:
                fill_progress(form, own)
            form.save(kept)
            kept.chmod(0o600)
            n += 1
    return n


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    n_filled = fill_all(*(Path(one) for one in sys.argv[1:4]))
    print(f"Filled in {n_filled} forms in {sys.argv[3]}.")
