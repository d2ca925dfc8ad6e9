"""Which sessions there are, and who was where: what slices and stamps of sessions begin from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from pipeline.errors import WrongUse, msg
from pipeline.store import schema

_ratings = schema.contract["ratings"]
_employees = schema.contract["employees"]
EARLIEST = dt.date(1, 1, 1)


@dataclass(frozen=True)
class Session:
    """A calibration session; ``is_default`` where no sessions table named it."""

    session_id: str
    cycle: str
    department: str
    kind: str = "performance"
    focus: str = "performance"
    theme: str | None = None
    held_on: dt.date | None = None
    minutes: int | None = None
    facilitator_id: str | None = None
    process_guard_id: str | None = None
    is_default: bool = False


def frame(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Read a query; dates become timestamps, missing texts stay missing, numbers are floats."""
    result = connection.execute(query)
    columns = list(query.selected_columns)
    names = [column.name for column in columns]
    table = pd.DataFrame.from_records(result.fetchall(), columns=names, coerce_float=True)
    for column in columns:
        if isinstance(column.type, sa.Date):
            table[column.name] = pd.to_datetime(table[column.name])
        elif isinstance(column.type, sa.Text):
            table[column.name] = table[column.name].astype("str").replace("", None)
        elif isinstance(column.type, sa.Float):
            table[column.name] = table[column.name].astype("float64")
        elif isinstance(column.type, sa.Boolean):
            table[column.name] = table[column.name].astype("boolean")
    return table


def columns_of(table: str) -> list[sa.Column[Any]]:
    """Return the columns of the contract, as they are kept."""
    return [schema.contract[table].c[column.name] for column in schema.contract_columns(table)]


def held_now(table: sa.Table) -> sa.ColumnElement[bool]:
    """Tell whether a row holds now, or was replaced."""
    return table.c.to_batch.is_(None)


def rows_of(connection: sa.Connection, table: str, *where: sa.ColumnElement[bool]) -> pd.DataFrame:
    """Read the rows of a table that hold now."""
    kept = schema.contract[table]
    query = sa.select(*columns_of(table)).where(held_now(kept), *where).order_by(kept.c.row_key)
    return frame(connection, query)


def employees_of(cycle: str, *more: sa.Column[Any]) -> sa.Subquery:
    """Everyone as they were in a cycle: the row of that cycle, else the row without a cycle."""
    specific = _employees.alias("specific")
    has_specific = sa.exists().where(
        specific.c.employee_id == _employees.c.employee_id,
        specific.c.cycle == cycle,
        specific.c.to_batch.is_(None),
    )
    return (
        sa.select(*columns_of("employees"), *more)
        .where(
            held_now(_employees),
            sa.or_(_employees.c.cycle == cycle, sa.and_(_employees.c.cycle == "", ~has_specific)),
        )
        .subquery("staff")
    )


def of_kind(kind: str) -> sa.ColumnElement[bool]:
    """Tell ratings of people from ratings of conversations."""
    with_subject = _ratings.c.subject_id != ""
    return with_subject if kind == "conversation" else ~with_subject


def cycles(connection: sa.Connection) -> list[str]:
    """Return the cycles with ratings, oldest first by start date, then by name."""
    kept = schema.contract["cycles"]
    starts: dict[str, dt.date | None] = dict(
        connection.execute(sa.select(kept.c.cycle, kept.c.starts_on).where(held_now(kept))).all()
    )
    found = connection.scalars(sa.select(schema.score_counts.c.cycle).distinct())
    return sorted(found, key=lambda cycle: (starts.get(cycle) or EARLIEST, cycle))


def sessions(connection: sa.Connection, cycle: str | None = None) -> list[Session]:
    """Return the sessions, by cycle and department.

    A cycle without any session in the sessions table gets one default session per department and
    kind of rating.
    """
    every = cycles(connection)
    found: list[Session] = []
    for one in every if cycle is None else [cycle]:
        if one not in every:
            raise WrongUse(
                msg(
                    "There are no ratings of cycle {cycle}. Cycles with ratings: {known}.",
                    cycle=one[:100],
                    known=", ".join(every) or "-",
                )
            )
        named = rows_of(connection, "sessions", schema.contract["sessions"].c.cycle == one)
        found += (
            [_session(row) for row in named.to_dict("records")]
            if len(named)
            else _default_sessions(connection, one)
        )
    order = {one: i for i, one in enumerate(every)}
    return sorted(found, key=lambda one: (order[one.cycle], *_order_in_cycle(one)))


def find_session(connection: sa.Connection, session_id: str) -> Session | None:
    """Return the session of this name as `sessions` would list it, without listing the others."""
    named: dict[str, list[Session]] = {}
    for one in named_sessions(connection):
        named.setdefault(one.cycle, []).append(one)
    for cycle in cycles(connection):
        candidates = named[cycle] if cycle in named else _by_default_name(cycle, session_id)
        for one in sorted(candidates, key=_order_in_cycle):
            if one.session_id == session_id and (not one.is_default or _is_rated(connection, one)):
                return one
    return None


def _order_in_cycle(session: Session) -> tuple[str, str, str]:
    return session.department, session.kind, session.session_id


_SUFFIX = {"performance": "", "conversation": "-conversation"}


def _default(cycle: str, department: str, kind: str) -> Session:
    name = f"{cycle}-{department}{_SUFFIX[kind]}"
    return Session(name, cycle, department, kind, is_default=True)


def _by_default_name(cycle: str, session_id: str) -> list[Session]:
    """Return the default sessions that this name could belong to."""
    start = f"{cycle}-"
    return [
        _default(cycle, session_id.removeprefix(start).removesuffix(suffix), kind)
        for kind, suffix in _SUFFIX.items()
        if session_id.startswith(start) and session_id.endswith(suffix)
    ]


def _is_rated(connection: sa.Connection, session: Session) -> bool:
    staff, people = employees_of(session.cycle), schema.rated_people
    query = (
        sa.select(people.c.employee_id)
        .join_from(staff, people, staff.c.employee_id == people.c.employee_id)
        .where(
            staff.c.department == session.department,
            people.c.cycle == session.cycle,
            people.c.has_subject == (session.kind == "conversation"),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _default_sessions(connection: sa.Connection, cycle: str) -> list[Session]:
    staff, people = employees_of(cycle), schema.rated_people
    query = (
        sa.select(staff.c.department, people.c.has_subject)
        .join_from(people, staff, staff.c.employee_id == people.c.employee_id)
        .where(people.c.cycle == cycle)
        .distinct()
    )
    return [
        _default(cycle, department, "conversation" if has_subject else "performance")
        for department, has_subject in connection.execute(query)
    ]


def rated_counts(
    connection: sa.Connection, wanted: list[str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return per cycle, department and kind: people with a rating, people in the department."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    people = schema.rated_people
    for cycle in wanted:
        staff = employees_of(cycle)
        sizes: dict[str, int] = dict(
            connection.execute(
                sa.select(staff.c.department, sa.func.count()).group_by(staff.c.department)
            ).all()
        )
        query = (
            sa.select(staff.c.department, people.c.has_subject, sa.func.count())
            .join_from(people, staff, staff.c.employee_id == people.c.employee_id)
            .where(people.c.cycle == cycle)
            .group_by(staff.c.department, people.c.has_subject)
        )
        for department, has_subject, rated in connection.execute(query):
            kind = "conversation" if has_subject else "performance"
            found[cycle, department, kind] = (rated, sizes[department])
    return found


def _session(row: dict[str, Any]) -> Session:
    given = {name: value for name, value in row.items() if not pd.isna(value)}
    if "held_on" in given:
        given["held_on"] = given["held_on"].date()
    if "minutes" in given:
        given["minutes"] = int(given["minutes"])
    return Session(**given)


def last_session(connection: sa.Connection, session: Session, every: list[str]) -> Session | None:
    """Return the department's session before this one."""
    kept = schema.contract["sessions"]
    rows = rows_of(
        connection, "sessions", kept.c.department == session.department,
        sa.func.coalesce(kept.c.kind, "performance") == session.kind,
    )  # fmt: skip
    return session_before(session, [_session(row) for row in rows.to_dict("records")], every)


def named_sessions(connection: sa.Connection) -> list[Session]:
    """Return every session of the sessions table, whatever its cycle."""
    return [_session(row) for row in rows_of(connection, "sessions").to_dict("records")]


def session_before(
    session: Session, candidates: Iterable[Session], every: list[str]
) -> Session | None:
    """Return the last session of this department and kind before this one."""
    order = {cycle: i for i, cycle in enumerate(every)}
    here = (order.get(session.cycle, 0), session.held_on or dt.date.max)
    earlier = [
        one
        for one in candidates
        if one.session_id != session.session_id
        and (order.get(one.cycle, len(order)), one.held_on or dt.date.max) < here
    ]
    return max(
        earlier, key=lambda s: (order[s.cycle], s.held_on or EARLIEST, s.session_id), default=None
    )


def session_after(
    session: Session, candidates: Iterable[Session], every: list[str]
) -> Session | None:
    """Return the first session of this department and kind after this one."""
    order = {cycle: i for i, cycle in enumerate(every)}

    def place(one: Session) -> tuple[int, dt.date]:
        return order.get(one.cycle, len(order)), one.held_on or dt.date.max

    later = [
        one
        for one in candidates
        if (one.department, one.kind) == (session.department, session.kind)
        and one.session_id != session.session_id
        and place(one) > place(session)
    ]
    return min(later, key=lambda one: (*place(one), one.session_id), default=None)
