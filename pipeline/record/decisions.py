"""Is what a decision form says complete, possible, and about this session as it is now?

Everything is checked before anything is kept, and every fault says sheet, row and column. A form
with faults is not recorded at all; a form that is only partly filled in is, and can be given again
when there is more in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

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
)
from pipeline.errors import msg
from pipeline.form_layout import FormSheet, said
from pipeline.locale.words import Words, pattern_of
from pipeline.record.cells import choice_of, date_of, number_of, text_of, whole_of
from pipeline.record.current import Expected, expected_of
from pipeline.record.form import Fault, FilledForm
from pipeline.record.model import Contract, FormKind, Known, with_state
from pipeline.record.rows import Found, Row, Values, choice, iso, rows_of
from pipeline.settings import ScaleSettings, Settings
from pipeline.store import Store
from pipeline.store.recording import Recording
from pipeline.store.register import NewEntry
from pipeline.tables import OVERALL

_SAME_SCORE = 0.006
"""Scores in a form are rounded to two decimals."""
_MOST_MINUTES = 600
_TABLES = {"decision": "decisions", "norm": "norms"}


def check_form(
    form: FilledForm, expected: Expected, scale: ScaleSettings, words: Words, today: dt.date
) -> Found:
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
    found = Found(faults=list(form.faults))
    people = _pairs(form, ATTENDANCE, "person_id")
    _decisions(form, expected, people, scale, words, found)
    _promises(form, ACTIONS, "action", people, found)
    _norms(form, found)
    _promises(form, PARKED, "parked", people, found)
    _attendance(form, found)
    _sitting(form, expected, today, found)
    return found


# decisions -----------------------------------------------------------------------------------


def _decisions(
    form: FilledForm,
    expected: Expected,
    people: Mapping[str, str | None],
    scale: ScaleSettings,
    words: Words,
    found: Found,
) -> None:
    seen: dict[tuple[str, str], Values] = {}
    names = _pairs(form, DECISIONS, "subject")
    for row in rows_of(form, DECISIONS, found):
        outcome = row.read("outcome", choice(DECISIONS, "outcome"))
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
            row.say("decision", decision)


def _subject(row: Row, expected: Expected, names: Mapping[str, str | None]) -> str | None:
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


def _criterion(row: Row, form: FilledForm) -> str | None:
    label = row.read("criterion_id", text_of)
    if label is None or label in said(OVERALL_WORD):
        return OVERALL
    found = form.criteria.get(label) or (label if label in form.criteria.values() else None)
    if found is None:
        row.fault("criterion_id", msg("This is no criterion of this session."))
    return found


def _same_scores(row: Row, subject: str, expected: Expected) -> None:
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
    row: Row, outcome: str, before: float | None, scale: ScaleSettings
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
    kind: str,
    people: Mapping[str, str | None],
    found: Found,
) -> None:
    """Read actions, goals and parked items: who does what by when."""
    for row in rows_of(form, sheet, found):
        text = row.needed("text", msg("What is to be done?"))
        values = {
            "owner_id": _person(row, "owner_id", people),
            "text": text,
            "due_on": iso(row.read("due_on", date_of)),
        }
        if values["owner_id"] is None and not row.n_faults:
            row.fault("owner_id", msg("Who does it? Choose or write a name."))
        if values["due_on"] is None and not row.n_faults:
            row.fault("due_on", msg("By when? Without a date nobody comes back to it."))
        if sheet is ACTIONS:
            sort = row.read("kind", choice(ACTIONS, "kind")) or "agreement"
            values |= {"kind": sort, "measure": row.read("measure", text_of), "status": "open"}
            if sort == "smart_goal" and values["measure"] is None:
                row.fault("measure", msg("How does it show that this goal is reached?"))
        row.say(kind, values)


def _norms(form: FilledForm, found: Found) -> None:
    for row in rows_of(form, NORMS, found):
        text = row.needed("text", msg("What was agreed?"))
        criterion = _criterion(row, form)
        level = row.read("job_level", text_of)
        row.say("norm", {"criterion_id": criterion, "job_level": level, "text": text})


def _attendance(form: FilledForm, found: Found) -> None:
    for row in rows_of(form, ATTENDANCE, found):
        person = row.read("person_id", text_of)
        name = row.read("name", text_of)
        role = row.read("role", choice(ATTENDANCE, "role"))
        attended = row.read("attended", lambda value: choice_of(value, YES_NO))
        if person is None and name is None:
            row.fault("name", msg("Who was there?"))
            continue
        if attended is None:
            continue
        row.say(
            "attendance",
            {"person_id": person or name, "role": role, "attended": attended == "yes"},
        )


def _sitting(form: FilledForm, expected: Expected, today: dt.date, found: Found) -> None:
    for row in rows_of(form, SITTING, found):
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
        sitting = {
            "held": None if held is None else held == "yes",
            "held_on": iso(held_on),
            "planned_minutes": row.read(
                "planned_minutes", lambda value: whole_of(value, 0, _MOST_MINUTES)
            ),
            "spent_minutes": spent,
            "remark": remark,
        }
        row.say("sitting", sitting)
        return
    if expected.held_on is not None and expected.held_on > today:
        titles = form.sheets.get(SITTING.name)
        found.fault(
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


def _person(row: Row, column: str, people: Mapping[str, str | None]) -> str | None:
    """Return who it is: by number where the name is known, else as it was written."""
    written = row.read(column, text_of)
    if written is None:
        return None
    if written in people and people[written] is None:
        row.fault(column, msg("Two people have this name. Write the number."))
        return None
    return people.get(written) or written


def _needed_person(row: Row, people: Mapping[str, str | None]) -> str | None:
    before = row.n_faults
    found = _person(row, "decided_by", people)
    if found is None and row.n_faults == before:
        row.fault("decided_by", msg("Who decided? People do, and the register names them."))
    return found


# as a sort of form ---------------------------------------------------------------------------


def _check(form: FilledForm, store: Store, settings: Settings, today: dt.date) -> Found:
    expected = expected_of(store.session_data(form.identity["session_id"]))
    return check_form(form, expected, settings.scale, settings.words.lists, today)


def _contract(
    recording: Recording, session_id: str, entries: Sequence[NewEntry], before: Known
) -> Contract:
    """Return the rows of the data contract for what is new."""
    made = Contract()
    for entry in entries:
        table = _TABLES.get(entry.kind)
        if table is not None:
            made.hold(table, {**entry.content, "session_id": session_id})
    actions = [dict(one.content) for one in entries if one.kind == "action"]
    for row in with_state(recording, session_id, actions):
        made.hold("actions", row)
    there = [dict(one.content) for one in entries if one.kind == "attendance"]
    for row in _with_goal(recording, session_id, there):
        made.hold("participants", row)
    return made


def _with_goal(recording: Recording, session_id: str, rows: Sequence[Values]) -> Iterator[Values]:
    """Yield participants with what the form does not ask: what they wanted to learn."""
    now = {
        one["person_id"]: {name: value for name, value in one.items() if value is not None}
        for one in (recording.rows("participants", "session_id", {session_id}) if rows else ())
    }
    for row in rows:
        said = {name: value for name, value in row.items() if value is not None}
        yield {**now.get(row["person_id"], {}), **said, "session_id": session_id}


DECISION_KIND = FormKind(
    check=_check,
    contract=_contract,
    decides=True,
    # the state of an action goes on after the session
    elsewhere=frozenset({"status"}),
)
