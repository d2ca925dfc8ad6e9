"""What happened after the session: is what a progress form says possible, and what it leads to.

Everything is checked before anything is kept, and every fault says sheet, row and column. Nothing
is decided here, so a locked session takes progress too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.errors import Message, msg
from pipeline.progress import names_of
from pipeline.progress_form import (
    ACTIONS,
    AGREEMENTS,
    CHECK_INS,
    FEEDBACK,
    GOALS,
    NEW_GOALS,
    action_id,
    agreement_text,
    new_goal_id,
    revision_id,
    shown,
)
from pipeline.record.cells import date_of, text_of
from pipeline.record.form import FilledForm
from pipeline.record.model import Contract, FormKind, Known, with_state
from pipeline.record.rows import Found, Row, Said, Values, choice, iso, rows_of
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.store.outcome import Key, SessionOutcome, key_of_entry
from pipeline.store.recording import Recording
from pipeline.store.register import NewEntry

_GOAL_TEXTS = ("text", "measure", "target", "due_on")


@dataclass(frozen=True)
class _About:
    """What there is to say something about.

    Attributes
    ----------
    actions, goals
        Text of each, by number; an action's key too.
    agreed
        By the key of an action the agreement that it came from, those of this form too; None where
        the session itself decided it.
    staff
        Everybody of the department: the manager of each, by number.
    people
        Number of everybody by number and by name.
    earliest, today
        Between which days something can have happened.
    """

    actions: Mapping[str, Key]
    goals: Mapping[str, str]
    agreed: dict[Key, Key | None]
    staff: Mapping[str, str | None]
    people: Mapping[str, str]
    earliest: dt.date
    today: dt.date


def _check(form: FilledForm, store: Store, settings: Settings, today: dt.date) -> Found:
    """Check every cell of a progress form."""
    about = _about(store.session_outcome(form.identity["session_id"]), today)
    found = Found(faults=list(form.faults))
    for sheet, check in (
        (ACTIONS, _action),
        (GOALS, _goal),
        (NEW_GOALS, _new_goal),
        (CHECK_INS, _check_in),
        (FEEDBACK, _feedback),
        (AGREEMENTS, _agreement),
    ):
        for row in rows_of(form, sheet, found):
            check(row, about)
    return found


def _about(outcome: SessionOutcome, today: dt.date) -> _About:
    data = outcome.data
    keys = [
        (str(row["owner_id"]), str(row["kind"]), str(row["text"]))
        for row in outcome.actions.to_dict("records")
    ]
    names = names_of(outcome)
    goals = _plain(data.goals, "goal_id", "text")
    starts = data.cycle["starts_on"].dropna()
    return _About(
        actions={action_id(*key): key for key in keys},
        goals={one: text or "" for one, text in goals.items()},
        agreed={
            _action_key(one): key_of_entry("agreement", one)
            for one in outcome.agreements.to_dict("records")
        },
        staff=_plain(data.employees, "employee_id", "manager_id"),
        people={name: who for who, name in names.items()} | {who: who for who in names},
        earliest=starts.iloc[0].date() if len(starts) else dt.date.min,
        today=today,
    )


def _plain(table: pd.DataFrame, key: str, value: str) -> dict[str, str | None]:
    return {
        str(one): None if pd.isna(said) else str(said)
        for one, said in zip(table[key], table[value], strict=True)
    }


# rows ----------------------------------------------------------------------------------------


def _action(row: Row, about: _About) -> None:
    key = about.actions.get(row.read("action_id", text_of) or "")
    if _is_other(row, "action_id", None if key is None else key[2]):
        return
    status = row.read("status", choice(ACTIONS, "status"))
    done_on = _past(row, "done_on", about)
    if status == "done" and done_on is None:
        row.fault("done_on", msg("When was it done?"))
    if status != "done" and done_on is not None:
        row.fault("status", msg("A day on which it was done goes with the state “done” only."))
    if status is not None and key is not None:
        names = zip(("owner_id", "kind", "text"), key, strict=True)
        row.say("action_state", {**dict(names), "status": status, "done_on": iso(done_on)})


def _goal(row: Row, about: _About) -> None:
    goal_id = row.read("goal_id", text_of)
    if _is_other(row, "goal_id", about.goals.get(goal_id or "")):
        return
    status = row.read("status", choice(GOALS, "status"))
    values: Values = {
        "text": row.read("new_text", text_of),
        "measure": row.read("measure", text_of),
        "target": row.read("target", text_of),
        "due_on": iso(row.read("due_on", date_of)),
    }
    if status == "revised":
        if values["text"] is None:
            row.fault("new_text", msg("What is the goal now?"))
        if values["due_on"] is None:
            row.fault("due_on", msg("By when? Without a date nobody comes back to it."))
    elif any(value is not None for value in values.values()):
        row.fault("status", msg("A new text, measure or date goes with the state “revised” only."))
    if status is not None:
        row.say("goal_state", {"goal_id": goal_id, "status": status, **values})


def _is_other(row: Row, number: str, text: str | None) -> bool:
    """Tell whether a row is of nothing that this session knows, or its text was changed."""
    if text is None:
        row.fault(number, msg("The session does not know this number. Put back what was there."))
    elif shown(row.read("text", text_of) or "") != shown(text):
        row.fault("text", msg("This cell was changed, or its text was since. Make the form again."))
    return row.n_faults > 0


def _new_goal(row: Row, about: _About) -> None:
    owner = _employee(row, "owner_id", about)
    text = row.needed("text", msg("What is to be reached?"))
    values = {
        "measure": row.needed("measure", msg("How does it show that this goal is reached?")),
        "target": row.read("target", text_of),
        "due_on": _due(row),
    }
    if owner is not None and text is not None:
        goal = {"goal_id": new_goal_id(owner, text), "owner_id": owner, "text": text}
        row.say("goal", {**goal, **values})


def _check_in(row: Row, about: _About) -> None:
    employee = _employee(row, "employee_id", about)
    day = _past(row, "dated_on", about, msg("On which day?"))
    next_on = row.read("next_on", date_of)
    if day is not None and next_on is not None and next_on <= day:
        row.fault("next_on", msg("The next check-in comes after this one."))
    row.say(
        "check_in",
        {
            "employee_id": employee,
            "dated_on": iso(day),
            "manager_id": about.staff.get(employee or ""),
            "employee_text": row.read("employee_text", text_of),
            "manager_text": row.read("manager_text", text_of),
            "next_on": iso(next_on),
        },
    )


def _feedback(row: Row, about: _About) -> None:
    giver = _person(row, "from_id", about, msg("Who gave it?"))
    receiver = _person(row, "employee_id", about, msg("To whom?"))
    if giver is not None and giver == receiver:
        row.fault("employee_id", msg("Nobody gives feedback to himself or herself."))
    elif giver and receiver and not {giver, receiver} & set(about.staff):
        row.fault("employee_id", msg("One of the two is of this department."))
    row.say(
        "feedback",
        {
            "from_id": giver,
            "employee_id": receiver,
            "dated_on": iso(_past(row, "dated_on", about, msg("On which day?"))),
            "text": row.needed("text", msg("What was seen, and what did it bring about?")),
        },
    )


def _agreement(row: Row, about: _About) -> None:
    values: Values = {
        "employee_id": _employee(row, "employee_id", about),
        "owner_id": _person(row, "owner_id", about, msg("Who does it?")),
        "text": row.needed("text", msg("What was agreed?")),
        "due_on": _due(row),
        "measure": row.read("measure", text_of),
    }
    if not row.n_faults:
        action, agreement = _action_key(values), key_of_entry("agreement", values)
        theirs = action in about.actions.values()
        if about.agreed.setdefault(action, None if theirs else agreement) != agreement:
            row.fault(
                "text",
                msg("The session has this action already. Say on the sheet of actions how it is."),
            )
    row.say("agreement", values)


def _due(row: Row) -> str | None:
    before = row.n_faults
    found = row.read("due_on", date_of)
    if found is None and row.n_faults == before:
        row.fault("due_on", msg("By when? Without a date nobody comes back to it."))
    return iso(found)


def _past(row: Row, column: str, about: _About, needed: Message | None = None) -> dt.date | None:
    """Return a day on which something can have happened."""
    before = row.n_faults
    found = row.read(column, date_of)
    if found is None:
        if needed is not None and row.n_faults == before:
            row.fault(column, needed)
    elif found > about.today:
        row.fault(column, msg("This day is still to come."))
    elif found < about.earliest:
        row.fault(column, msg("This day is before the cycle of this session began."))
    return found


def _person(row: Row, column: str, about: _About, needed: Message) -> str | None:
    written = row.needed(column, needed)
    if written is None:
        return None
    found = about.people.get(written)
    if found is None:
        row.fault(
            column,
            msg("This is nobody of this session. Choose from the list, or write the number."),
        )
    return found


def _employee(row: Row, column: str, about: _About) -> str | None:
    found = _person(row, column, about, msg("About whom? Choose a name."))
    if found is not None and found not in about.staff:
        row.fault(column, msg("This is nobody of this department."))
    return found


# what it leads to ----------------------------------------------------------------------------


def _states(recording: Recording, session_id: str, said: Sequence[Said]) -> Known:
    """Return how actions and goals stand now: imports tell of them too."""
    known: dict[tuple[str, Key], dict[str, Any]] = {}
    if any(one.kind == "action_state" for one in said):
        for row in recording.rows("actions", "session_id", {session_id}):
            key = (row["owner_id"], row["kind"], row["text"])
            known["action_state", key] = {**row, "status": row["status"] or "open"}
    goals = _goals(recording, [one.values for one in said if one.kind in ("goal", "goal_state")])
    for one, row in goals.items():
        after = goals.get(revision_id(one), {}) if row["status"] == "revised" else {}
        texts = {name: after.get(name) for name in _GOAL_TEXTS}
        known["goal", (one,)] = row
        state = {"goal_id": one, "status": row["status"] or "open"}
        known["goal_state", (one,)] = {**state, **texts}
    return known


def _goals(recording: Recording, values: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return goals and what they were revised to, by number."""
    wanted = {str(one["goal_id"]) for one in values}
    wanted |= {revision_id(one) for one in wanted}
    return {str(row["goal_id"]): row for row in recording.rows("goals", "goal_id", wanted)}


def _contract(
    recording: Recording, session_id: str, entries: Sequence[NewEntry], before: Known
) -> Contract:
    """Return the rows of the data contract for what is new."""
    made = Contract()
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        by_kind.setdefault(entry.kind, []).append(entry.content)
    states = by_kind.get("action_state", ())
    actions = recording.rows("actions", "session_id", {session_id}) if states else []
    now = {(row["owner_id"], row["kind"], row["text"]): row for row in actions}
    for one in states:
        old = now[one["owner_id"], one["kind"], one["text"]]
        made.hold("actions", {**old, "status": one["status"], "done_on": one["done_on"]})
    agreed = [_as_action(one) for one in by_kind.get("agreement", ())]
    for row in with_state(recording, session_id, agreed):
        made.hold("actions", row)
    _hold_goals(recording, by_kind, made)
    for one in by_kind.get("feedback", ()):
        made.hold("evidence", {**one, "kind": "feedback"})
    for one in by_kind.get("check_in", ()):
        for row in _evidence(one):
            made.hold("evidence", row)
    for one in by_kind.get("check_in", ()):
        earlier = before.get(("check_in", (one["employee_id"], one["dated_on"])))
        made.withdraw("evidence", _evidence(earlier) if earlier else ())
    return made


def _as_action(agreement: Mapping[str, Any]) -> Values:
    text = agreement_text(agreement["owner_id"], agreement["employee_id"], agreement["text"])
    return {**agreement, "kind": "agreement", "text": text}


def _action_key(agreement: Mapping[str, Any]) -> Key:
    return key_of_entry("action", _as_action(agreement))


def _hold_goals(
    recording: Recording, by_kind: Mapping[str, Sequence[Mapping[str, Any]]], made: Contract
) -> None:
    new, states = by_kind.get("goal", ()), by_kind.get("goal_state", ())
    now = _goals(recording, [*new, *states])
    for one in new:
        state = now.get(one["goal_id"], {}).get("status") or "open"
        made.hold("goals", {**one, "status": state})
    for one in states:
        old = now[one["goal_id"]]
        after = now.get(revision_id(one["goal_id"]), {})
        made.hold("goals", {**old, "status": one["status"]})
        if one["status"] == "revised":
            texts = {name: one[name] for name in _GOAL_TEXTS}
            made.hold(
                "goals",
                {
                    "goal_id": revision_id(one["goal_id"]),
                    "owner_id": old["owner_id"],
                    **texts,
                    "status": after.get("status") or "open",
                    "revised_from": one["goal_id"],
                },
            )
        elif after:
            # the revision was taken back
            made.hold("goals", {**after, "status": "dropped"})


def _evidence(check_in: Mapping[str, Any]) -> list[Values]:
    """Return a check-in as evidence: what each of the two said; that it was held, where neither."""
    base = {
        "employee_id": check_in["employee_id"],
        "dated_on": check_in["dated_on"],
        "kind": "check-in",
    }
    own, other = check_in.get("employee_text"), check_in.get("manager_text")
    found = [{**base, "from_id": check_in["employee_id"], "text": own}] if own else []
    if other or not own:
        found.append({**base, "from_id": check_in.get("manager_id"), "text": other})
    return found


PROGRESS_KIND = FormKind(
    check=_check,
    contract=_contract,
    states=_states,
    states_of=frozenset({"action_state", "goal_state"}),
    goes_on=frozenset({"status"}),
    # somebody may get another manager later
    elsewhere=frozenset({"manager_id"}),
)
