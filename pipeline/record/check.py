"""Is what a form says complete, possible, and about this session as it is now?

Everything is checked before anything is kept, and every fault says sheet, row and column. A form
with faults is not recorded at all; a form that is only partly filled in is, and can be given again
when there is more in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pipeline.decision_form import (
    ACTIONS,
    ATTENDANCE,
    DECISIONS,
    NORMS,
    NOW,
    OVERALL_WORD,
    PARKED,
    SITTING,
    YES_NO,
    FormSheet,
)
from pipeline.errors import Message, msg
from pipeline.locale import LANGUAGES, Language
from pipeline.locale.words import Words, pattern_of
from pipeline.record.cells import (
    Unreadable,
    choice_of,
    date_of,
    number_of,
    text_of,
    whole_of,
)
from pipeline.record.form import Fault, FilledForm, FilledSheet, FormRow, Raw
from pipeline.settings import ScaleSettings
from pipeline.tables import OVERALL

T = TypeVar("T")
Values = dict[str, Any]
_SAME_SCORE = 0.006
"""Scores in a form are rounded to two decimals."""
_MOST_MINUTES = 600


@dataclass(frozen=True)
class Expected:
    """What the form of a session would hold if it were made now.

    Attributes
    ----------
    scores
        Current score per subject and criterion; all criteria together are one of them.
    subjects
        Everybody, or every conversation, that the session can decide about.
    held_on
        Day for which the session is planned, if it is.
    """

    scores: Mapping[tuple[str, str], float]
    subjects: frozenset[str]
    held_on: dt.date | None


@dataclass
class Checked:
    """Rows of a form as values of the data contract, and what is wrong.

    Attributes
    ----------
    decisions, actions, norms, parked, attendance
        Rows, by column; ``row`` is the number of the row in the form.
    sitting
        How the session went; None where nothing was filled in.
    faults
        What has to be mended before anything is recorded.
    remarks
        What is recorded all the same, and worth a look.
    """

    decisions: list[Values] = field(default_factory=list)
    actions: list[Values] = field(default_factory=list)
    norms: list[Values] = field(default_factory=list)
    parked: list[Values] = field(default_factory=list)
    attendance: list[Values] = field(default_factory=list)
    sitting: Values | None = None
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)


def check_form(
    form: FilledForm, expected: Expected, scale: ScaleSettings, words: Words, today: dt.date
) -> Checked:
    """Check every cell of a form.

    Parameters
    ----------
    form
        As it was read.
    expected
        What the session holds now.
    scale
        The scale of the scores.
    words
        Lists by which an argument is read.
    today
        A session cannot be recorded before it was held.
    """
    checked = Checked(faults=list(form.faults))
    people = _pairs(form, ATTENDANCE, "person_id")
    _attendance(form, checked)
    _sitting(form, expected, today, checked)
    _decisions(form, expected, people, scale, words, checked)
    for sheet, found in ((ACTIONS, checked.actions), (PARKED, checked.parked)):
        _promises(form, sheet, people, found, checked)
    _norms(form, checked)
    return checked


class _Row:
    """Reads the cells of one row, and keeps what is wrong with them."""

    def __init__(self, sheet: FilledSheet, row: FormRow, checked: Checked) -> None:
        self._sheet, self.row, self._checked = sheet, row, checked
        self.n_faults = 0

    def fault(self, column: str, reason: Message) -> None:
        """Keep a fault of this row; of each cell the first, since others follow from it."""
        self.n_faults += 1
        found = self._at(column, reason)
        places = {(one.sheet, one.row, one.column) for one in self._checked.faults}
        if (found.sheet, found.row, found.column) not in places:
            self._checked.faults.append(found)

    def remark(self, column: str, reason: Message) -> None:
        """Keep a remark about this row."""
        self._checked.remarks.append(self._at(column, reason))

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


def _rows(form: FilledForm, sheet: FormSheet, checked: Checked) -> list[_Row]:
    filled = form.sheets.get(sheet.name)
    return [] if filled is None else [_Row(filled, row, checked) for row in filled.rows]


# decisions -----------------------------------------------------------------------------------


def _decisions(
    form: FilledForm,
    expected: Expected,
    people: Mapping[str, str | None],
    scale: ScaleSettings,
    words: Words,
    checked: Checked,
) -> None:
    seen: dict[tuple[str, str], Values] = {}
    names = _pairs(form, DECISIONS, "subject")
    for row in _rows(form, DECISIONS, checked):
        outcome = row.read("outcome", _choice(DECISIONS, "outcome"))
        if outcome is None:
            if row.row.cells.get("argument") or row.row.cells.get("score_after") is not None:
                row.remark("outcome", msg("Without an outcome this row is not recorded."))
            continue
        subject = _subject(row, expected, names)
        criterion = _criterion(row, form)
        if subject is None or criterion is None:
            continue
        _same_scores(row, subject, expected)
        before = expected.scores.get((subject, criterion))
        decision = {
            "subject": subject,
            "criterion_id": criterion,
            "score_before": before,
            "score_after": _score_after(row, str(outcome), before, scale),
            "outcome": outcome,
            "argument": row.needed(
                "argument",
                msg("Every outcome needs an argument: behaviour that was seen, and when."),
            ),
            "evidence": row.read("evidence", text_of),
            "decided_by": _needed_person(row, people),
            "dissent": row.read("dissent", text_of),
            "minutes": row.read("minutes", lambda value: whole_of(value, 0, _MOST_MINUTES)),
        }
        if decision["argument"] is not None and _is_vague(str(decision["argument"]), words):
            row.remark(
                "argument",
                msg("This argument says nothing that was seen. Add behaviour, and when."),
            )
        same = seen.get((subject, criterion))
        if same is not None and same != decision:
            row.fault("outcome", msg("Another row decides otherwise about the same score."))
        elif same is None:
            seen[subject, criterion] = decision
            checked.decisions.append({**decision, "row": row.row.number})


def _subject(row: _Row, expected: Expected, names: Mapping[str, str | None]) -> str | None:
    found = row.read("subject", text_of)
    if found is None:
        name = row.read("name", text_of)
        if name is None:
            row.fault("name", msg("Whom is this decision about? Choose a name."))
            return None
        found = names.get(name)
        if name in names and found is None:
            row.fault("name", msg("Two people have this name. Fill in the number."))
            return None
    if found is None or found not in expected.subjects:
        row.fault(
            "subject",
            msg(
                "This is nobody of this session now. Somebody who left or moved is no longer in"
                " it; anybody else is a slip."
            ),
        )
        return None
    return found


def _criterion(row: _Row, form: FilledForm) -> str | None:
    label = row.read("criterion_id", text_of)
    if label is None or label in _said(OVERALL_WORD):
        return OVERALL
    found = form.criteria.get(label) or (label if label in form.criteria.values() else None)
    if found is None:
        row.fault("criterion_id", msg("This is no criterion of this session."))
    return found


def _same_scores(row: _Row, subject: str, expected: Expected) -> None:
    """Refuse scores that are not those of the store: edited in the form, or changed since."""
    for column in row.row.cells:
        if not column.startswith(NOW):
            continue
        shown = row.read(column, number_of)
        now = expected.scores.get((subject, column.removeprefix(NOW)))
        if shown is None and now is None:
            continue
        if shown is None or now is None or abs(shown - now) > _SAME_SCORE:
            row.fault(
                column,
                msg(
                    "This is not the score that the store holds now. The cell was changed, or the"
                    " ratings were after the form was made: make the pack again and use its form."
                ),
            )


def _score_after(
    row: _Row, outcome: str, before: float | None, scale: ScaleSettings
) -> float | None:
    after = row.read("score_after", number_of)
    if outcome != "adjusted":
        if after is not None and (before is None or abs(after - before) > _SAME_SCORE):
            row.fault(
                "score_after",
                msg("A new score goes with the outcome “adjusted” only. Change one of the two."),
            )
        return before if outcome == "upheld" else None
    if after is None:
        row.fault("score_after", msg("“Adjusted” needs the new score."))
        return None
    on_scale = scale.low <= after <= scale.high and (
        not scale.step or abs((after - scale.low) / scale.step % 1) < 1e-9
    )
    if not on_scale:
        row.fault(
            "score_after",
            msg(
                "This score is not on the scale of {low} to {high}.", low=scale.low, high=scale.high
            ),
        )
        return None
    if before is not None and abs(after - before) < 1e-9:
        row.fault("score_after", msg("The score stays the same: choose the outcome “upheld”."))
    return after


def _is_vague(text: str, words: Words) -> bool:
    return not pattern_of(words.act).search(text) and len(text.split()) < 25


# what else was agreed ------------------------------------------------------------------------


def _promises(
    form: FilledForm,
    sheet: FormSheet,
    people: Mapping[str, str | None],
    found: list[Values],
    checked: Checked,
) -> None:
    """Read actions, goals and parked items: who does what by when."""
    for row in _rows(form, sheet, checked):
        text = row.needed("text", msg("What is to be done?"))
        values = {
            "owner_id": _person(row, "owner_id", people),
            "text": text,
            "due_on": _iso(row.read("due_on", date_of)),
        }
        if values["owner_id"] is None and not row.n_faults:
            row.fault("owner_id", msg("Who does it? Choose or write a name."))
        if values["due_on"] is None and not row.n_faults:
            row.fault("due_on", msg("By when? Without a date nobody comes back to it."))
        if sheet is ACTIONS:
            kind = row.read("kind", _choice(ACTIONS, "kind")) or "agreement"
            values |= {"kind": kind, "measure": row.read("measure", text_of), "status": "open"}
            if kind == "smart_goal" and values["measure"] is None:
                row.fault("measure", msg("How does it show that this goal is reached?"))
        found.append({**values, "row": row.row.number})


def _norms(form: FilledForm, checked: Checked) -> None:
    for row in _rows(form, NORMS, checked):
        text = row.needed("text", msg("What was agreed?"))
        criterion = _criterion(row, form)
        level = row.read("job_level", text_of)
        checked.norms.append(
            {"criterion_id": criterion, "job_level": level, "text": text, "row": row.row.number}
        )


def _attendance(form: FilledForm, checked: Checked) -> None:
    for row in _rows(form, ATTENDANCE, checked):
        person = row.read("person_id", text_of)
        name = row.read("name", text_of)
        role = row.read("role", _choice(ATTENDANCE, "role"))
        attended = row.read("attended", lambda value: choice_of(value, YES_NO))
        if person is None and name is None:
            row.fault("name", msg("Who was there?"))
            continue
        if attended is None:
            continue
        checked.attendance.append(
            {
                "person_id": person or name,
                "role": role,
                "attended": attended == "yes",
                "row": row.row.number,
            }
        )


def _sitting(form: FilledForm, expected: Expected, today: dt.date, checked: Checked) -> None:
    for row in _rows(form, SITTING, checked):
        held = row.read("held", lambda value: choice_of(value, YES_NO))
        held_on = row.read("held_on", date_of)
        spent = row.read("spent_minutes", lambda value: whole_of(value, 0, _MOST_MINUTES))
        remark = row.read("remark", text_of)
        if held_on is not None and held_on > today:
            row.fault("held_on", msg("This day is still to come; record the session after it."))
        if held is None and held_on is None and spent is None and remark is None:
            continue
        if held == "yes" and held_on is None:
            row.fault("held_on", msg("On which day was the session held?"))
        checked.sitting = {
            "held": None if held is None else held == "yes",
            "held_on": _iso(held_on),
            "planned_minutes": row.read(
                "planned_minutes", lambda value: whole_of(value, 0, _MOST_MINUTES)
            ),
            "spent_minutes": spent,
            "remark": remark,
            "row": row.row.number,
        }
        return
    if checked.sitting is None and expected.held_on is not None and expected.held_on > today:
        titles = form.sheets.get(SITTING.name)
        checked.faults.append(
            Fault(
                titles.title if titles else SITTING.name,
                0,
                "",
                msg(
                    "The session is planned for a day that is still to come. If it was held"
                    " earlier, fill in when."
                ),
            )
        )


# people and words ----------------------------------------------------------------------------


def _pairs(form: FilledForm, sheet: FormSheet, column: str) -> dict[str, str | None]:
    """Return the identifier beside each name on a sheet; None for a name that two share."""
    found: dict[str, str | None] = {}
    filled = form.sheets.get(sheet.name)
    for row in filled.rows if filled else ():
        name, identifier = row.cells.get("name"), row.cells.get(column)
        if name is not None and identifier is not None:
            key, own = str(name).strip(), str(identifier).strip()
            found[key] = None if found.get(key, own) != own else own
    return found


def _person(row: _Row, column: str, people: Mapping[str, str | None]) -> str | None:
    """Return who it is: by number where the name is known, else as it was written."""
    written = row.read(column, text_of)
    if written is None:
        return None
    if written in people and people[written] is None:
        row.fault(column, msg("Two people have this name. Write the number."))
        return None
    return people.get(written) or written


def _needed_person(row: _Row, people: Mapping[str, str | None]) -> str | None:
    before = row.n_faults
    found = _person(row, "decided_by", people)
    if found is None and row.n_faults == before:
        row.fault("decided_by", msg("Who decided? People do, and the register names them."))
    return found


def _choice(sheet: FormSheet, column: str) -> Callable[[Raw], str | None]:
    choices = next(one.choices for one in sheet.columns if one.name == column)
    return lambda value: choice_of(value, choices)


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _said(message: Message) -> set[str]:
    return {Language(code).say(message) for code in LANGUAGES}
