"""What bears on one session, read from the store by query and nothing beside it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd
import sqlalchemy as sa

from pipeline.store import history, schema
from pipeline.store.counts import last_ratings_batch
from pipeline.store.load import Batch, FileRecord
from pipeline.store.sessions import (
    Session,
    columns_of,
    cycles,
    employees_of,
    frame,
    held_now,
    last_session,
    named_sessions,
    of_kind,
    rows_of,
    session_before,
)

__all__ = [
    "Session", "SessionData", "batches", "cycles", "employees_of", "held_now", "named_sessions",
    "of_kind", "session_before", "session_data",
]  # fmt: skip

_ratings = schema.contract["ratings"]


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
    past_ratings
        Judgements by others of these employees in earlier cycles: employee_id, cycle, subject_id,
        rater_id, criterion_id, score.
    past_results
        Results of these employees in earlier cycles, as in `results`.
    organisation_scores
        criterion_id, score, n over the whole organisation in this cycle.
    previous_scores
        score, n of this department in the cycle before.
    last_session, last_actions, last_norms
        The department's session before this one, what it agreed and the norms it set.
    last_parked
        What it put off: text, owner_id, due_on.
    past_decisions
        What the department's sessions of earlier cycles decided, without arguments; see
        `store.history`.
    past_norms
        Norms of earlier cycles on these criteria, in the whole organisation; see `store.history`.
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
    past_ratings: pd.DataFrame
    past_results: pd.DataFrame
    organisation_scores: pd.DataFrame
    previous_scores: pd.DataFrame
    last_session: Session | None
    last_actions: pd.DataFrame
    last_norms: pd.DataFrame
    last_parked: pd.DataFrame
    past_decisions: pd.DataFrame
    past_norms: pd.DataFrame
    n_rejected: int
    data_stamp: str
    loaded_at: dt.datetime | None

    @cached_property
    def history(self) -> pd.DataFrame:
        """Earlier cycles: employee_id, cycle, score (mean over raters and criteria), n."""
        grouped = self.past_ratings.groupby(["employee_id", "cycle"], sort=True)["score"]
        return grouped.agg(score="mean", n="size").reset_index()


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
    participants = rows_of(
        connection, "participants", t["participants"].c.session_id == one_session
    )
    cycle_row = rows_of(connection, "cycles", t["cycles"].c.cycle == cycle)
    last = last_session(connection, session, every)
    earlier, past = _earlier(session, every), _past_ratings(connection, session, every, ids)
    before = history.earlier_sessions(session, named_sessions(connection), earlier)
    criteria = _criteria(connection, cycle, ratings)
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
        criteria=criteria,
        cycle=cycle_row,
        participants=participants,
        evidence=_evidence(connection, ids, cycle_row),
        goals=rows_of(connection, "goals", t["goals"].c.owner_id.in_(ids)),
        results=rows_of(
            connection, "results", t["results"].c.cycle == cycle,
            t["results"].c.employee_id.in_(ids),
        ),
        opinions=rows_of(connection, "opinions", t["opinions"].c.session_id == one_session),
        cycles=tuple(every),
        past_ratings=past,
        past_results=rows_of(
            connection, "results", t["results"].c.cycle.in_(earlier),
            t["results"].c.employee_id.in_(ids),
        ),
        organisation_scores=_organisation_scores(connection, session),
        previous_scores=_previous_scores(connection, session, every),
        last_session=last,
        last_actions=rows_of(connection, "actions", t["actions"].c.session_id == last_id),
        last_norms=rows_of(connection, "norms", t["norms"].c.session_id == last_id),
        last_parked=history.parked_table(
            history.parked_items(connection, [last_id]).get(last_id, [])
        ),
        past_decisions=history.past_decisions(
            connection, before,
            past.drop_duplicates("subject_id").set_index("subject_id")["employee_id"],
        ),
        past_norms=history.past_norms(
            connection, session, earlier, list(criteria["criterion_id"])
        ),
        n_rejected=_n_rejected(connection, ids),
        data_stamp=batch.batch_id if batch else "",
        loaded_at=batch.loaded_at if batch else None,
    )  # fmt: skip


def _ratings_of(connection: sa.Connection, session: Session, ids: sa.Select[Any]) -> pd.DataFrame:
    wanted = [c for c in columns_of("ratings") if c.name != "cycle"]
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
    rows = rows_of(connection, "criteria", kept.c.cycle.in_([cycle, ""]))
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
    return rows_of(connection, "evidence", *within)


def _earlier(session: Session, every: list[str]) -> list[str]:
    return every[: every.index(session.cycle)] if session.cycle in every else []


def _past_ratings(
    connection: sa.Connection, session: Session, every: list[str], ids: sa.Select[Any]
) -> pd.DataFrame:
    earlier = _earlier(session, every)
    names = ("employee_id", "cycle", "subject_id", "rater_id", "criterion_id", "score")
    query = (
        sa.select(*(_ratings.c[name] for name in names))
        .where(
            held_now(_ratings),
            _ratings.c.cycle.in_(earlier),
            _ratings.c.employee_id.in_(ids),
            _ratings.c.rater_id != _ratings.c.employee_id,
            sa.func.coalesce(_ratings.c.rater_role, "") != "self",
            of_kind(session.kind),
        )
        .order_by(*(_ratings.c[name] for name in names[:-1]))
    )
    rated = frame(connection, query)
    rated["subject_id"] = rated["subject_id"].fillna(rated["employee_id"])
    return rated


def _organisation_scores(connection: sa.Connection, session: Session) -> pd.DataFrame:
    counts = schema.score_counts
    query = (
        sa.select(counts.c.criterion_id, counts.c.score, counts.c.n)
        .where(
            counts.c.cycle == session.cycle,
            counts.c.by_self.is_(False),
            counts.c.has_subject == (session.kind == "conversation"),
        )
        .order_by(counts.c.criterion_id, counts.c.score)
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


def _n_rejected(connection: sa.Connection, ids: sa.Select[Any]) -> int:
    refused = schema.rejections
    last_refused = connection.scalar(
        sa.select(sa.func.max(refused.c.batch_id)).where(refused.c.table_name == "ratings")
    )
    if last_refused is None or last_refused < last_ratings_batch(connection):
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
