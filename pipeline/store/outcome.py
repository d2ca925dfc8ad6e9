"""What one session decided, read from the store: decisions, agreements, and how it went."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import sqlalchemy as sa

from pipeline.store import register, schema
from pipeline.store.register import Entry
from pipeline.store.sessions import (
    Session,
    cycles,
    employees_of,
    named_sessions,
    rows_of,
    session_after,
)
from pipeline.store.slices import SessionData, session_data

KEYS = {
    "decision": ("subject", "criterion_id"),
    "action": ("owner_id", "kind", "text"),
    "norm": ("criterion_id", "job_level", "text"),
    "parked": ("text",),
    "attendance": ("person_id",),
    "sitting": (),
    # what happened after the session
    "action_state": ("owner_id", "kind", "text"),
    "goal_state": ("goal_id",),
    "goal": ("goal_id",),
    "check_in": ("employee_id", "dated_on"),
    "feedback": ("from_id", "employee_id", "dated_on", "text"),
    "agreement": ("employee_id", "owner_id", "text"),
}
"""What makes two entries of a session speak of the same thing."""

Key = tuple[str, ...]
_PARKED = ("text", "owner_id", "due_on")
_AGREED = ("employee_id", "owner_id", "text", "due_on", "measure")
_CHECKED_IN = ("employee_id", "dated_on", "next_on")


@dataclass(frozen=True)
class Sitting:
    """How a session went; None where nobody told.

    Attributes
    ----------
    held, held_on
        Whether it was held, and when.
    planned_minutes, spent_minutes
        Its length.
    remark
        Of the facilitator.
    """

    held: bool | None = None
    held_on: dt.date | None = None
    planned_minutes: int | None = None
    spent_minutes: int | None = None
    remark: str | None = None


@dataclass(frozen=True)
class Recorded:
    """How much is known of what a session decided.

    Attributes
    ----------
    n_decisions, n_actions, n_open
        Decisions, actions, and the actions that are open.
    open_due
        When the open ones are due, the first one first.
    in_register
        Whether it was recorded with `calibrate record`, and not imported.
    locked
        Whether nothing is recorded any more.
    """

    n_decisions: int
    n_actions: int
    n_open: int
    open_due: tuple[dt.date, ...]
    in_register: bool
    locked: bool


@dataclass(frozen=True)
class SessionOutcome:
    """What a session decided, beside what it began with.

    Attributes
    ----------
    data
        What bears on the session; its ratings are those before the session.
    decisions, actions, norms
        Rows of the contract of this session, as they hold now.
    parked
        text, owner_id, due_on: what was put off.
    sitting
        How it went.
    n_superseded
        Entries of the register that a later version replaced.
    locked
        Whether nothing is recorded any more.
    recorded_at
        Last record, in UTC; None where nothing was recorded with `calibrate record`.
    head
        Hash of the session's last entry in the register; empty without one.
    next_session
        The department's next session of this kind that is planned.
    later_evidence
        Rows of `evidence` about these people or from them after the cycle, such as check-ins.
    agreements
        employee_id, owner_id, text, due_on, measure: what employee and manager agreed.
    check_ins
        employee_id, dated_on, next_on: conversations, and for when the next one was agreed.
    locked_at
        When it was locked, in UTC; None where it is not.
    """

    data: SessionData
    decisions: pd.DataFrame
    actions: pd.DataFrame
    norms: pd.DataFrame
    parked: pd.DataFrame
    sitting: Sitting
    n_superseded: int
    locked: bool
    recorded_at: dt.datetime | None
    head: str
    next_session: Session | None
    later_evidence: pd.DataFrame
    agreements: pd.DataFrame = field(default_factory=lambda: _table((), _AGREED))
    check_ins: pd.DataFrame = field(default_factory=lambda: _table((), _CHECKED_IN))
    locked_at: dt.datetime | None = None

    @property
    def session(self) -> Session:
        """The session."""
        return self.data.session

    @property
    def is_known(self) -> bool:
        """Whether anything is known of what the session decided."""
        found = (self.decisions, self.actions, self.norms, self.parked)
        return any(len(table) for table in found) or self.sitting.held is not None


def session_outcome(connection: sa.Connection, session: Session) -> SessionOutcome:
    """Read what one session decided."""
    data = session_data(connection, session)
    kept = register.entries(connection, session.session_id)
    found = latest(kept)
    t = schema.contract
    tables = {
        name: rows_of(connection, name, t[name].c.session_id == session.session_id)
        for name in ("decisions", "actions", "norms")
    }
    of_kind: dict[str, list[dict[str, Any]]] = {}
    for (kind, _), content in found.items():
        of_kind.setdefault(kind, []).append(content)
    return SessionOutcome(
        data=data,
        decisions=tables["decisions"],
        actions=tables["actions"],
        norms=tables["norms"],
        parked=_table(of_kind.get("parked", ()), _PARKED),
        sitting=_sitting(found.get(("sitting", ())), session),
        n_superseded=sum(bool((entry.content or {}).get("supersedes")) for entry in kept),
        locked=is_locked(kept),
        recorded_at=kept[-1].recorded_at if kept else None,
        head=kept[-1].hash if kept else "",
        next_session=session_after(session, named_sessions(connection), cycles(connection)),
        later_evidence=_later_evidence(connection, session, data),
        agreements=_table(of_kind.get("agreement", ()), _AGREED),
        check_ins=_table(of_kind.get("check_in", ()), _CHECKED_IN),
        locked_at=_locked_at(kept),
    )


def _table(contents: Sequence[Mapping[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    made = pd.DataFrame(
        [[one.get(name) for name in columns] for one in contents], columns=list(columns)
    )
    days = [name for name in columns if name.endswith("_on")]
    return made.assign(**{name: pd.to_datetime(made[name]) for name in days})


def outcome_stamps(connection: sa.Connection, sessions: Sequence[Session]) -> dict[str, str]:
    """Return per session a stamp of what it decided and of what came after it."""
    every, named = cycles(connection), named_sessions(connection)
    t, found = schema.contract, {}
    for session in sessions:
        marks: list[Any] = []
        for name in ("decisions", "actions", "norms"):
            kept = t[name]
            query = (
                sa.select(kept.c.row_key, kept.c.row_hash)
                .where(kept.c.session_id == session.session_id, kept.c.to_batch.is_(None))
                .order_by(kept.c.row_key)
            )
            marks.append([list(row) for row in connection.execute(query)])
        evidence = t["evidence"]
        query = sa.select(evidence.c.row_key).where(
            evidence.c.to_batch.is_(None), *_after_cycle(connection, session)
        )
        marks.append(sorted(connection.scalars(query)))
        last = sa.select(sa.func.max(schema.register.c.number)).where(
            schema.register.c.session_id == session.session_id
        )
        marks.append(connection.scalar(last))
        after = session_after(session, named, every)
        marks.append(None if after is None else [after.session_id, str(after.held_on)])
        text = json.dumps(marks, ensure_ascii=False)
        found[session.session_id] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return found


def recorded_sessions(connection: sa.Connection) -> dict[str, Recorded]:
    """Return what is known of each session that decided something, by its identifier."""
    decisions, actions = schema.contract["decisions"], schema.contract["actions"]
    is_open = sa.func.coalesce(actions.c.status, "open") == "open"
    n_decided = _counted(connection, decisions)
    n_actions, n_open = _counted(connection, actions), _counted(connection, actions, is_open)
    due: dict[str, list[dt.date]] = {}
    query = sa.select(actions.c.session_id, actions.c.due_on).where(
        actions.c.to_batch.is_(None), actions.c.due_on.is_not(None), is_open
    )
    for session_id, day in connection.execute(query):
        due.setdefault(session_id, []).append(day)
    recorded = set(connection.scalars(sa.select(schema.register.c.session_id).distinct()))
    locked = locked_sessions(connection)
    return {
        one: Recorded(
            n_decisions=n_decided.get(one, 0),
            n_actions=n_actions.get(one, 0),
            n_open=n_open.get(one, 0),
            open_due=tuple(sorted(due.get(one, ()))),
            in_register=one in recorded,
            locked=one in locked,
        )
        for one in {*n_decided, *n_actions, *recorded}
    }


def without_check_in(
    connection: sa.Connection, wanted: Sequence[str], since: dt.date
) -> dict[tuple[str, str], int]:
    """Return, per cycle and department, who had no check-in since a day and is still there."""
    evidence, found = schema.contract["evidence"], dict[tuple[str, str], int]()
    for cycle in wanted:
        staff = employees_of(cycle)
        recent = sa.exists().where(
            evidence.c.employee_id == staff.c.employee_id,
            evidence.c.to_batch.is_(None),
            evidence.c.kind == "check-in",
            evidence.c.dated_on >= since,
        )
        query = (
            sa.select(staff.c.department, sa.func.count())
            .where(staff.c.left_on.is_(None), ~recent)
            .group_by(staff.c.department)
        )
        found |= {(cycle, department): int(n) for department, n in connection.execute(query)}
    return found


def locked_sessions(connection: sa.Connection) -> frozenset[str]:
    """Return the sessions of which nothing is recorded any more."""
    kept = schema.register
    query = (
        sa.select(kept.c.session_id, kept.c.kind)
        .where(kept.c.kind.in_(("locked", "unlocked")))
        .order_by(kept.c.number)
    )
    last = {session_id: kind for session_id, kind in connection.execute(query)}
    return frozenset(one for one, kind in last.items() if kind == "locked")


def _counted(
    connection: sa.Connection, kept: sa.Table, *where: sa.ColumnElement[bool]
) -> dict[str, int]:
    query = (
        sa.select(kept.c.session_id, sa.func.count())
        .where(kept.c.to_batch.is_(None), *where)
        .group_by(kept.c.session_id)
    )
    return {one: int(n) for one, n in connection.execute(query)}


def latest(entries: Sequence[Entry]) -> dict[tuple[str, Key], dict[str, Any]]:
    """Return the version that holds of everything a session recorded, by kind and key."""
    found: dict[tuple[str, Key], dict[str, Any]] = {}
    for entry in entries:
        if entry.kind in KEYS and entry.content is not None:
            found[entry.kind, key_of_entry(entry.kind, entry.content)] = entry.content
    return found


def key_of_entry(kind: str, content: Mapping[str, Any]) -> Key:
    """Return what an entry speaks of, within its kind."""
    return tuple(str(content.get(name) or "") for name in KEYS[kind])


def is_locked(entries: Sequence[Entry]) -> bool:
    """Tell whether a session was locked, and not unlocked after it."""
    last = [entry.kind for entry in entries if entry.kind in ("locked", "unlocked")][-1:]
    return last == ["locked"]


def _locked_at(entries: Sequence[Entry]) -> dt.datetime | None:
    """Return when a session was locked, whatever was recorded after it."""
    if not is_locked(entries):
        return None
    return [entry.recorded_at for entry in entries if entry.kind == "locked"][-1]


def _sitting(content: Mapping[str, Any] | None, session: Session) -> Sitting:
    if content is None:
        return Sitting(planned_minutes=session.minutes)
    day = content.get("held_on")
    return Sitting(
        held=content.get("held"),
        held_on=dt.date.fromisoformat(day) if day else None,
        planned_minutes=content.get("planned_minutes") or session.minutes,
        spent_minutes=content.get("spent_minutes"),
        remark=content.get("remark"),
    )


def _later_evidence(connection: sa.Connection, session: Session, data: SessionData) -> pd.DataFrame:
    if data.cycle.empty or data.cycle["ends_on"].isna().any():
        return data.evidence.iloc[:0]
    return rows_of(connection, "evidence", *_after_cycle(connection, session))


def _after_cycle(connection: sa.Connection, session: Session) -> list[sa.ColumnElement[bool]]:
    """Keep what is dated after the cycle, about or from the department's people."""
    staff, evidence = employees_of(session.cycle), schema.contract["evidence"]
    own = schema.contract["cycles"]
    ends = connection.scalar(
        sa.select(own.c.ends_on).where(own.c.cycle == session.cycle, own.c.to_batch.is_(None))
    )
    if ends is None:
        return [sa.false()]
    ids = sa.select(staff.c.employee_id).where(staff.c.department == session.department)
    theirs = sa.or_(evidence.c.employee_id.in_(ids), evidence.c.from_id.in_(ids))
    return [theirs, evidence.c.dated_on > ends]
