"""What the progress form of one session holds: its actions, the goals of its people, their names.

It names everybody of the department, so it is for who follows the session up.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from pipeline.decision_form import ACTION_WORDS
from pipeline.errors import msg
from pipeline.locale import Language
from pipeline.pack.form.model import FormContent, FormRow, Value
from pipeline.pack.form.workbook import form_bytes
from pipeline.pack.wording import shorten
from pipeline.progress import names_of
from pipeline.progress_form import (
    ACTION_STATE_WORDS,
    ACTIONS,
    GOAL_STATE_WORDS,
    GOALS,
    PROGRESS_FORM,
    action_id,
    shown,
)
from pipeline.settings import Settings
from pipeline.store.outcome import SessionOutcome

_INSTRUCTIONS = (
    msg(
        "By this form comes back what happens after the session: what became of its actions, goals"
        " that are followed and revised, check-ins, feedback, and what was agreed in conversations."
    ),
    msg(
        "Fill in what happened, save it and record it as often as you like: what is there already"
        " stays as it is, what is new is added. A cell that stays empty changes nothing."
    ),
    msg(
        "Both sides count: what the employee said stands beside what the manager said. Write as if"
        " both read it; about wellbeing only what the employee wants to be written down."
    ),
    msg("Grey cells are fixed. Confidential: it names everybody of the department."),
)


def progress_bytes(outcome: SessionOutcome, settings: Settings, language: Language) -> bytes:
    """Return the progress form of a session, as a workbook.

    Parameters
    ----------
    outcome
        What the session decided, and what came after it.
    settings
        How often there is a check-in.
    language
        Of its titles and lists.
    """
    content = progress_content(outcome, settings, language)
    return form_bytes(content, language, outcome.data.loaded_at)


def progress_content(
    outcome: SessionOutcome, settings: Settings, language: Language
) -> FormContent:
    """Gather what the progress form of a session holds."""
    data, session, say = outcome.data, outcome.session, language.say
    names = names_of(outcome)
    staff = data.employees.loc[data.employees["left_on"].isna(), "employee_id"]
    lists: dict[str, list[Value]] = {
        "employees": [*sorted(names[str(one)] for one in staff)],
        "people": [*sorted(names.values())],
    }
    rows: dict[str, list[FormRow]] = {sheet.name: [] for sheet in PROGRESS_FORM.sheets}
    rows[ACTIONS.name] = [_action(row, names, language) for row in _ordered(outcome.actions)]
    rows[GOALS.name] = [
        _goal(row, names, language)
        for row in _ordered(data.goals[data.goals["owner_id"].isin(staff)])
        if row["status"] != "revised"
    ]
    often = msg(
        "Everybody has a check-in at least every {days} days.",
        days=settings.progress.check_in_days,
    )
    return FormContent(
        layout=PROGRESS_FORM,
        columns={sheet.name: sheet.columns for sheet in PROGRESS_FORM.sheets},
        rows=rows,
        lists=lists,
        identity={
            "form": PROGRESS_FORM.name,
            "form_version": str(PROGRESS_FORM.version),
            "session_id": session.session_id,
            "cycle": session.cycle,
            "department": shorten(session.department, 120),
            "kind": session.kind,
            "language": language.code,
            "data_stamp": data.data_stamp,
        },
        instructions=(*(say(one) for one in _INSTRUCTIONS), say(often)),
    )


def _ordered(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return what is open first, then by who does it and by when."""
    done = table["status"].fillna("open").ne("open")
    order = ["done", "owner_id", "due_on", "text"]
    found: list[dict[Any, Any]] = (
        table.assign(done=done).sort_values(order, kind="stable").to_dict("records")
    )
    return found


def _action(row: dict[Any, Any], names: dict[str, str], language: Language) -> FormRow:
    owner, kind, text = str(row["owner_id"]), str(row["kind"]), str(row["text"])
    return {
        "action_id": action_id(owner, kind, text),
        "owner_name": names.get(owner, owner),
        "kind": language.say(ACTION_WORDS[kind]),
        "text": shown(text),
        "due_on": _day(row["due_on"]),
        "state": _state(row, language),
    }


def _goal(row: dict[Any, Any], names: dict[str, str], language: Language) -> FormRow:
    owner = str(row["owner_id"])
    return {
        "goal_id": str(row["goal_id"]),
        "owner_name": names.get(owner, owner),
        "text": _text(row["text"]),
        "old_measure": _text(row["measure"]),
        "old_due_on": _day(row["due_on"]),
        "state": _state(row, language),
    }


def _state(row: dict[Any, Any], language: Language) -> str:
    words = {**ACTION_STATE_WORDS, **GOAL_STATE_WORDS}
    return language.say(words["open" if pd.isna(row["status"]) else row["status"]])


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else shown(str(value))


def _day(value: Any) -> dt.date | None:
    found: dt.date | None = None if pd.isna(value) else value.date()
    return found
