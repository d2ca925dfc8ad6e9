"""What happened since a session: check-ins, goals and their history, actions, feedback.

Facts that are counted, from what people wrote down; nothing is estimated, and nobody is ordered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.progress_form import agreement_text, called
from pipeline.store.outcome import SessionOutcome

QUARTERS = 4
"""Quarters that evidence is counted in, this one included."""


@dataclass(frozen=True)
class GoalState:
    """A goal as it is now, and what it was before it was revised.

    Attributes
    ----------
    goal_id, text, measure, target, due_on, status
        Of the contract; ``status`` is ``"open"`` where nobody told.
    is_late
        Open, and past its date.
    earlier
        Goals that this one replaced, newest first.
    """

    goal_id: str
    text: str | None
    measure: str | None
    target: str | None
    due_on: dt.date | None
    status: str
    is_late: bool
    earlier: tuple[GoalState, ...] = ()


@dataclass(frozen=True)
class ActionState:
    """An action as it is now; ``is_late`` where it is open and past its date."""

    owner_id: str
    kind: str
    text: str
    measure: str | None
    due_on: dt.date | None
    status: str
    done_on: dt.date | None
    is_late: bool


@dataclass(frozen=True)
class CheckIn:
    """A conversation between two sessions: when, and what each wrote about it, by whom."""

    dated_on: dt.date
    said: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True)
class Feedback:
    """Feedback of one person to another; who it was is None where the reader may not know."""

    dated_on: dt.date
    from_id: str | None
    to_id: str | None
    text: str | None


@dataclass(frozen=True)
class PersonProgress:
    """What happened since the session, of one employee.

    Attributes
    ----------
    employee_id
        Who.
    check_ins
        Newest first.
    check_in_due
        By when the next check-in is to be held: as agreed in the last one, else so many days after
        the last one or the session, whichever came later; None where neither is known.
    is_overdue
        Whether that day has passed.
    goals
        As they are now; open ones first.
    actions
        That this employee does.
    agreements
        Of the conversation with this employee, whoever does them.
    received, given
        Feedback to and from this employee, newest first.
    quarters
        Evidence of any kind per quarter, oldest first: its first day, and how many.
    """

    employee_id: str
    check_ins: tuple[CheckIn, ...]
    check_in_due: dt.date | None
    is_overdue: bool
    goals: tuple[GoalState, ...]
    actions: tuple[ActionState, ...]
    agreements: tuple[ActionState, ...]
    received: tuple[Feedback, ...]
    given: tuple[Feedback, ...]
    quarters: tuple[tuple[dt.date, int], ...]

    @property
    def last_check_in(self) -> dt.date | None:
        """Day of the last check-in."""
        return self.check_ins[0].dated_on if self.check_ins else None


@dataclass(frozen=True)
class Progress:
    """What happened since a session: everybody who is still there, by number."""

    today: dt.date
    people: tuple[PersonProgress, ...]


def names_of(outcome: SessionOutcome) -> dict[str, str]:
    """Return what everybody of a session is called in forms and overviews; see `called`."""
    people = outcome.data.people.drop_duplicates("employee_id")
    return called(
        (str(who), None if pd.isna(name) else str(name))
        for who, name in zip(people["employee_id"], people["name"], strict=True)
    )


def progress_of(outcome: SessionOutcome, today: dt.date, *, check_in_days: int) -> Progress:
    """Tell what happened since a session.

    Parameters
    ----------
    outcome
        What it decided and what came after it, cut for who reads this.
    today
        What is dated later does not count yet.
    check_in_days
        After how many days without one a check-in is overdue.
    """
    staff = outcome.data.employees
    there = staff[staff["left_on"].isna() | staff["left_on"].gt(pd.Timestamp(today))]
    evidence = _evidence(outcome, today)
    about, by = _by(evidence, "employee_id"), _by(evidence, "from_id")
    goals = _by(outcome.data.goals, "owner_id")
    actions = {who: _actions(rows, today) for who, rows in _by(outcome.actions, "owner_id").items()}
    agreed = _by(outcome.agreements, "employee_id")
    planned = _by(outcome.check_ins, "employee_id")
    people = []
    for one in sorted(map(str, there["employee_id"])):
        own = about.get(one, [])
        check_ins = _check_ins(own)
        due = _due(check_ins, planned.get(one, []), outcome, check_in_days)
        people.append(
            PersonProgress(
                employee_id=one,
                check_ins=check_ins,
                check_in_due=due,
                is_overdue=due is not None and due < today,
                goals=_goals(goals.get(one, []), today),
                actions=tuple(a for a in actions.get(one, ()) if a.kind != "agreement"),
                agreements=_agreements(agreed.get(one, []), actions, one),
                received=_feedback(own),
                given=_feedback(by.get(one, [])),
                quarters=_quarters(own, today),
            )
        )
    return Progress(today, tuple(people))


def _evidence(outcome: SessionOutcome, today: dt.date) -> pd.DataFrame:
    parts = [outcome.data.evidence, outcome.later_evidence]
    filled = [part for part in parts if len(part)]
    both = pd.concat(filled, ignore_index=True) if filled else outcome.data.evidence
    both = both[both["dated_on"].le(pd.Timestamp(today))]
    return both.sort_values(["dated_on", "from_id", "text"], ascending=[False, True, True])


def _by(table: pd.DataFrame, column: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows about each person, as plain values."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        plain = {str(name): _plain(value) for name, value in row.items()}
        if plain[column] is not None:
            found.setdefault(str(plain[column]), []).append(plain)
    return found


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


# check-ins -----------------------------------------------------------------------------------


def _check_ins(rows: list[dict[str, Any]]) -> tuple[CheckIn, ...]:
    by_day: dict[dt.date, list[tuple[str | None, str]]] = {}
    for row in rows:
        if row["kind"] == "check-in":
            said = by_day.setdefault(row["dated_on"], [])
            if row["text"] is not None:
                said.append((row["from_id"], row["text"]))
    return tuple(CheckIn(day, tuple(said)) for day, said in by_day.items())


def _due(
    held: tuple[CheckIn, ...],
    planned: list[dict[str, Any]],
    outcome: SessionOutcome,
    check_in_days: int,
) -> dt.date | None:
    last = held[0].dated_on if held else None
    agreed: list[dt.date] = [
        one["next_on"] for one in planned if one["dated_on"] == last and one["next_on"]
    ]
    if agreed:
        return max(agreed)
    known = [day for day in (last, _began(outcome)) if day is not None]
    return max(known) + dt.timedelta(days=check_in_days) if known else None


def _began(outcome: SessionOutcome) -> dt.date | None:
    """Return from when check-ins are counted: the session, else the end of its cycle."""
    ends = outcome.data.cycle["ends_on"].dropna()
    end = ends.iloc[0].date() if len(ends) else None
    return outcome.sitting.held_on or outcome.session.held_on or end


# goals and actions ---------------------------------------------------------------------------


def _goals(rows: list[dict[str, Any]], today: dt.date) -> tuple[GoalState, ...]:
    known = {str(row["goal_id"]): row for row in rows}
    replaced = {str(row["revised_from"]) for row in rows if row["revised_from"]}
    now = [_goal(known, one, today) for one in known if one not in replaced]
    told = {state.goal_id for one in now for state in (one, *one.earlier)}
    now += [_goal_alone(known[one], today) for one in known if one not in told]
    return tuple(
        sorted(now, key=lambda g: (g.status != "open", g.due_on or dt.date.max, g.goal_id))
    )


def _goal(known: Mapping[str, dict[str, Any]], goal_id: str, today: dt.date) -> GoalState:
    earlier: list[GoalState] = []
    seen, before = {goal_id}, known[goal_id]["revised_from"]
    while before in known and before not in seen:  # imported goals may refer in a circle
        seen.add(before)
        earlier.append(_goal_alone(known[before], today))
        before = known[before]["revised_from"]
    return _goal_alone(known[goal_id], today, tuple(earlier))


def _goal_alone(
    row: Mapping[str, Any], today: dt.date, earlier: tuple[GoalState, ...] = ()
) -> GoalState:
    status = row["status"] or "open"
    return GoalState(
        goal_id=str(row["goal_id"]),
        text=row["text"],
        measure=row["measure"],
        target=row["target"],
        due_on=row["due_on"],
        status=status,
        is_late=_is_late(status, row["due_on"], today),
        earlier=earlier,
    )


def _actions(rows: list[dict[str, Any]], today: dt.date) -> tuple[ActionState, ...]:
    found = []
    for row in rows:
        status = row["status"] or "open"
        found.append(
            ActionState(
                owner_id=str(row["owner_id"]),
                kind=str(row["kind"]),
                text=str(row["text"]),
                measure=row["measure"],
                due_on=row["due_on"],
                status=status,
                done_on=row["done_on"],
                is_late=_is_late(status, row["due_on"], today),
            )
        )
    order = {"open": 0, "done": 1, "dropped": 2}
    return tuple(sorted(found, key=lambda a: (order[a.status], a.due_on or dt.date.max, a.text)))


def _agreements(
    agreed: list[dict[str, Any]], actions: Mapping[str, tuple[ActionState, ...]], employee_id: str
) -> tuple[ActionState, ...]:
    """Return what was agreed with an employee, as the actions that came of it."""
    wanted = {
        (str(one["owner_id"]), agreement_text(one["owner_id"], employee_id, one["text"]))
        for one in agreed
    }
    wanted |= {
        (employee_id, one.text) for one in actions.get(employee_id, ()) if one.kind == "agreement"
    }
    return tuple(
        action
        for owner in sorted({owner for owner, _ in wanted})
        for action in actions.get(owner, ())
        if action.kind == "agreement" and (owner, action.text) in wanted
    )


def _is_late(status: str, due_on: dt.date | None, today: dt.date) -> bool:
    return status == "open" and due_on is not None and due_on < today


# feedback and evidence -----------------------------------------------------------------------


def _feedback(rows: list[dict[str, Any]]) -> tuple[Feedback, ...]:
    return tuple(
        Feedback(row["dated_on"], row["from_id"], row["employee_id"], row["text"])
        for row in rows
        if row["kind"] == "feedback" and row["from_id"] != row["employee_id"]
    )


def _quarters(rows: list[dict[str, Any]], today: dt.date) -> tuple[tuple[dt.date, int], ...]:
    firsts = []
    year, quarter = today.year, (today.month - 1) // 3
    for _ in range(QUARTERS):
        firsts.append(dt.date(year, 1 + 3 * quarter, 1))
        year, quarter = (year, quarter - 1) if quarter else (year - 1, 3)
    firsts.reverse()
    ends = [*firsts[1:], dt.date.max]
    return tuple(
        (first, sum(1 for row in rows if first <= row["dated_on"] < end))
        for first, end in zip(firsts, ends, strict=True)
    )
