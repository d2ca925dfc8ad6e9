"""What bears on one session, read from the store by query and nothing beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import sqlalchemy as sa

from pipeline.errors import WrongUse, msg
from pipeline.store import schema
from pipeline.store.load import Batch, FileRecord

_ratings = schema.contract["ratings"]
_employees = schema.contract["employees"]
_EARLIEST = dt.date(1, 1, 1)


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


@dataclass(frozen=True)
class SessionData:
    """Everything that bears on one session.

    Attributes
    ----------
    session
        The session.
    ratings
        One row per judgement by others: employee_id, subject_id (the employee where people are
        rated), rater_id, criterion_id, score, rater_role, rated_on, rationale.
    self_ratings
        The same columns for what employees gave themselves.
    employees
        Everyone in the department in this cycle, rated or not.
    people
        employee_id, name, department and job_level of everyone who occurs: employees, raters,
        managers and participants.
    criteria
        The criteria of these ratings, one row each, in order of identifier.
    cycle
        The row of the cycle; missing values where there is no cycles table.
    participants, evidence, goals, results, opinions
        Rows of the contract that bear on the session.
    cycles
        Cycles with ratings, oldest first.
    history
        Earlier cycles: employee_id, cycle, score (mean over raters and criteria), n.
    organisation_scores
        criterion_id, score, n over the whole organisation in this cycle.
    previous_scores
        score, n of this department in the cycle before.
    last_session, last_actions, last_norms
        The department's session before this one, what it agreed and the norms it set.
    n_rejected
        Rows about this department that the last import of ratings refused.
    data_stamp, loaded_at
        The last import.
    """

    session: Session
    ratings: pd.DataFrame
    self_ratings: pd.DataFrame
    employees: pd.DataFrame
    people: pd.DataFrame
    criteria: pd.DataFrame
    cycle: pd.DataFrame
    participants: pd.DataFrame
    evidence: pd.DataFrame
    goals: pd.DataFrame
    results: pd.DataFrame
    opinions: pd.DataFrame
    cycles: tuple[str, ...]
    history: pd.DataFrame
    organisation_scores: pd.DataFrame
    previous_scores: pd.DataFrame
    last_session: Session | None
    last_actions: pd.DataFrame
    last_norms: pd.DataFrame
    n_rejected: int
    data_stamp: str
    loaded_at: dt.datetime | None


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


def _columns(table: str) -> list[sa.Column[Any]]:
    return [schema.contract[table].c[column.name] for column in schema.contract_columns(table)]


def held_now(table: sa.Table) -> sa.ColumnElement[bool]:
    """Tell whether a row holds now, or was replaced."""
    return table.c.to_batch.is_(None)


def _rows(connection: sa.Connection, table: str, *where: sa.ColumnElement[bool]) -> pd.DataFrame:
    kept = schema.contract[table]
    query = sa.select(*_columns(table)).where(held_now(kept), *where).order_by(kept.c.row_key)
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
        sa.select(*_columns("employees"), *more)
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
    found = connection.scalars(sa.select(_ratings.c.cycle).where(held_now(_ratings)).distinct())
    return sorted(found, key=lambda cycle: (starts.get(cycle) or _EARLIEST, cycle))


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
        named = _rows(connection, "sessions", schema.contract["sessions"].c.cycle == one)
        found += (
            [_session(row) for row in named.to_dict("records")]
            if len(named)
            else _default_sessions(connection, one)
        )
    order = {one: i for i, one in enumerate(every)}
    return sorted(found, key=lambda s: (order[s.cycle], s.department, s.kind, s.session_id))


def _session(row: dict[str, Any]) -> Session:
    given = {name: value for name, value in row.items() if not pd.isna(value)}
    if "held_on" in given:
        given["held_on"] = given["held_on"].date()
    if "minutes" in given:
        given["minutes"] = int(given["minutes"])
    return Session(**given)


def _default_sessions(connection: sa.Connection, cycle: str) -> list[Session]:
    staff = employees_of(cycle)
    has_subject = (_ratings.c.subject_id != "").label("has_subject")
    query = (
        sa.select(staff.c.department, has_subject)
        .join_from(_ratings, staff, staff.c.employee_id == _ratings.c.employee_id)
        .where(held_now(_ratings), _ratings.c.cycle == cycle)
        .distinct()
    )
    made = []
    for department, conversations in connection.execute(query):
        kind = "conversation" if conversations else "performance"
        suffix = "-conversation" if conversations else ""
        made.append(
            Session(f"{cycle}-{department}{suffix}", cycle, department, kind, is_default=True)
        )
    return made


def session_data(connection: sa.Connection, session: Session) -> SessionData:
    """Read everything that bears on one session."""
    cycle, every = session.cycle, cycles(connection)
    staff = employees_of(cycle)
    ids = sa.select(staff.c.employee_id).where(staff.c.department == session.department)
    employees = frame(
        connection,
        sa.select(staff).where(staff.c.department == session.department)
        .order_by(staff.c.employee_id),
    )  # fmt: skip
    rated = _ratings_of(connection, session, ids)
    by_self = rated["rater_role"].eq("self") | rated["rater_id"].eq(rated["employee_id"])
    ratings = rated[~by_self].reset_index(drop=True)

    t = schema.contract
    one_session = session.session_id
    participants = _rows(connection, "participants", t["participants"].c.session_id == one_session)
    cycle_row = _rows(connection, "cycles", t["cycles"].c.cycle == cycle)
    last = _last_session(connection, session, every)
    last_id = last.session_id if last else ""
    batch = connection.execute(
        sa.select(schema.batches.c.batch_id, schema.batches.c.loaded_at)
        .order_by(schema.batches.c.batch_id.desc())
        .limit(1)
    ).first()
    return SessionData(
        session=session,
        ratings=ratings,
        self_ratings=rated[by_self].reset_index(drop=True),
        employees=employees,
        people=_people(connection, staff, session, employees, ratings, participants),
        criteria=_criteria(connection, cycle, ratings),
        cycle=cycle_row,
        participants=participants,
        evidence=_evidence(connection, ids, cycle_row),
        goals=_rows(connection, "goals", t["goals"].c.owner_id.in_(ids)),
        results=_rows(
            connection, "results", t["results"].c.cycle == cycle,
            t["results"].c.employee_id.in_(ids),
        ),
        opinions=_rows(connection, "opinions", t["opinions"].c.session_id == one_session),
        cycles=tuple(every),
        history=_history(connection, session, every, ids),
        organisation_scores=_organisation_scores(connection, session),
        previous_scores=_previous_scores(connection, session, every),
        last_session=last,
        last_actions=_rows(connection, "actions", t["actions"].c.session_id == last_id),
        last_norms=_rows(connection, "norms", t["norms"].c.session_id == last_id),
        n_rejected=_n_rejected(connection, ids),
        data_stamp=batch.batch_id if batch else "",
        loaded_at=batch.loaded_at if batch else None,
    )  # fmt: skip


def _ratings_of(connection: sa.Connection, session: Session, ids: sa.Select[Any]) -> pd.DataFrame:
    wanted = [c for c in _columns("ratings") if c.name != "cycle"]
    query = (
        sa.select(*wanted)
        .where(
            held_now(_ratings),
            _ratings.c.cycle == session.cycle,
            _ratings.c.employee_id.in_(ids),
            of_kind(session.kind),
        )
        .order_by(
            _ratings.c.employee_id,
            _ratings.c.subject_id,
            _ratings.c.rater_id,
            _ratings.c.criterion_id,
        )
    )
    rated = frame(connection, query)
    rated["subject_id"] = rated["subject_id"].fillna(rated["employee_id"])
    return rated


def _people(
    connection: sa.Connection,
    staff: sa.Subquery,
    session: Session,
    employees: pd.DataFrame,
    ratings: pd.DataFrame,
    participants: pd.DataFrame,
) -> pd.DataFrame:
    named = {session.facilitator_id, session.process_guard_id}
    others = (
        set(ratings["rater_id"]) | set(participants["person_id"])
        | set(employees["manager_id"].dropna()) | {one for one in named if one}
    ) - set(employees["employee_id"])  # fmt: skip
    columns = ["employee_id", "name", "department", "job_level", "manager_id"]
    parts = [employees[columns]]
    wanted = sorted(others)
    for start in range(0, len(wanted), 500):  # databases bound the number of parameters
        query = sa.select(*(staff.c[name] for name in columns)).where(
            staff.c.employee_id.in_(wanted[start : start + 500])
        )
        parts.append(frame(connection, query))
    return pd.concat(parts, ignore_index=True)


def _criteria(connection: sa.Connection, cycle: str, ratings: pd.DataFrame) -> pd.DataFrame:
    """One row per criterion in use: its wording in this cycle, else the one without a cycle."""
    kept = schema.contract["criteria"]
    rows = _rows(connection, "criteria", kept.c.cycle.in_([cycle, ""]))
    rows = rows.sort_values("cycle", na_position="last").drop_duplicates("criterion_id")
    used = pd.DataFrame({"criterion_id": sorted(set(ratings["criterion_id"]))}, dtype="str")
    return used.merge(rows, on="criterion_id", how="left")


def _evidence(
    connection: sa.Connection, ids: sa.Select[Any], cycle_row: pd.DataFrame
) -> pd.DataFrame:
    kept = schema.contract["evidence"]
    within: list[sa.ColumnElement[bool]] = [kept.c.employee_id.in_(ids)]
    if len(cycle_row) and cycle_row["starts_on"].notna().all():
        within.append(kept.c.dated_on >= cycle_row["starts_on"].iloc[0].date())
    if len(cycle_row) and cycle_row["ends_on"].notna().all():
        within.append(kept.c.dated_on <= cycle_row["ends_on"].iloc[0].date())
    return _rows(connection, "evidence", *within)


def _history(
    connection: sa.Connection, session: Session, every: list[str], ids: sa.Select[Any]
) -> pd.DataFrame:
    earlier = every[: every.index(session.cycle)] if session.cycle in every else []
    query = (
        sa.select(
            _ratings.c.employee_id,
            _ratings.c.cycle,
            sa.func.avg(_ratings.c.score, type_=sa.Float).label("score"),
            sa.func.count().label("n"),
        )
        .where(
            held_now(_ratings),
            _ratings.c.cycle.in_(earlier),
            _ratings.c.employee_id.in_(ids),
            _ratings.c.rater_id != _ratings.c.employee_id,
            sa.func.coalesce(_ratings.c.rater_role, "") != "self",
            of_kind(session.kind),
        )
        .group_by(_ratings.c.employee_id, _ratings.c.cycle)
        .order_by(_ratings.c.employee_id, _ratings.c.cycle)
    )
    return frame(connection, query)


def _organisation_scores(connection: sa.Connection, session: Session) -> pd.DataFrame:
    query = (
        sa.select(_ratings.c.criterion_id, _ratings.c.score, sa.func.count().label("n"))
        .where(
            held_now(_ratings),
            _ratings.c.cycle == session.cycle,
            sa.func.coalesce(_ratings.c.rater_role, "") != "self",
            of_kind(session.kind),
        )
        .group_by(_ratings.c.criterion_id, _ratings.c.score)
        .order_by(_ratings.c.criterion_id, _ratings.c.score)
    )
    return frame(connection, query)


def _previous_scores(connection: sa.Connection, session: Session, every: list[str]) -> pd.DataFrame:
    position = every.index(session.cycle) if session.cycle in every else 0
    before = every[position - 1] if position else ""
    staff = employees_of(before)
    query = (
        sa.select(_ratings.c.score, sa.func.count().label("n"))
        .where(
            held_now(_ratings),
            _ratings.c.cycle == before,
            _ratings.c.employee_id.in_(
                sa.select(staff.c.employee_id).where(staff.c.department == session.department)
            ),
            sa.func.coalesce(_ratings.c.rater_role, "") != "self",
            of_kind(session.kind),
        )
        .group_by(_ratings.c.score)
        .order_by(_ratings.c.score)
    )
    return frame(connection, query)


def _last_session(connection: sa.Connection, session: Session, every: list[str]) -> Session | None:
    kept = schema.contract["sessions"]
    rows = _rows(
        connection, "sessions", kept.c.department == session.department,
        sa.func.coalesce(kept.c.kind, "performance") == session.kind,
    )  # fmt: skip
    return session_before(session, [_session(row) for row in rows.to_dict("records")], every)


def named_sessions(connection: sa.Connection) -> list[Session]:
    """Return every session of the sessions table, whatever its cycle."""
    return [_session(row) for row in _rows(connection, "sessions").to_dict("records")]


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
        earlier, key=lambda s: (order[s.cycle], s.held_on or _EARLIEST, s.session_id), default=None
    )


def _n_rejected(connection: sa.Connection, ids: sa.Select[Any]) -> int:
    refused = schema.rejections
    last_refused = connection.scalar(
        sa.select(sa.func.max(refused.c.batch_id)).where(refused.c.table_name == "ratings")
    )
    last_loaded = connection.scalar(sa.select(sa.func.max(_ratings.c.from_batch)))
    if last_refused is None or last_refused < (last_loaded or ""):
        return 0
    lines = (
        sa.select(refused.c.file, refused.c.line)
        .where(
            refused.c.batch_id == last_refused,
            refused.c.table_name == "ratings",
            refused.c.employee_id.in_(ids),
        )
        .distinct()
        .subquery()
    )
    return int(connection.scalar(sa.select(sa.func.count()).select_from(lines)) or 0)


def batches(connection: sa.Connection) -> list[Batch]:
    """Return the record of every import, oldest first."""
    by_batch: dict[str, list[FileRecord]] = {}
    for row in connection.execute(sa.select(schema.batch_files)):
        by_batch.setdefault(row.batch_id, []).append(
            FileRecord(row.name, row.sha256, row.n_read, row.n_rejected)
        )
    rows = connection.execute(sa.select(schema.batches).order_by(schema.batches.c.batch_id))
    made = [Batch(**row._mapping, files=()) for row in rows]
    return [replace(batch, files=tuple(by_batch.get(batch.batch_id, []))) for batch in made]


def rated_counts(
    connection: sa.Connection, wanted: list[str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return per cycle, department and kind: people with a rating, people in the department."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for cycle in wanted:
        staff = employees_of(cycle)
        sizes: dict[str, int] = dict(
            connection.execute(
                sa.select(staff.c.department, sa.func.count()).group_by(staff.c.department)
            ).all()
        )
        for kind in ("performance", "conversation"):
            query = (
                sa.select(staff.c.department, sa.func.count(sa.distinct(_ratings.c.employee_id)))
                .join_from(_ratings, staff, staff.c.employee_id == _ratings.c.employee_id)
                .where(held_now(_ratings), _ratings.c.cycle == cycle, of_kind(kind))
                .group_by(staff.c.department)
            )
            for department, rated in connection.execute(query):
                found[(cycle, department, kind)] = (rated, sizes[department])
    return found
