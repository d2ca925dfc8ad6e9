"""What earlier sessions decided, agreed and put off, as far as the next one needs it.

Decisions come without their arguments and objections, which are about a person and belong to the
session that wrote them; norms are about criteria and go round.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import sqlalchemy as sa

from pipeline.store import schema
from pipeline.store.sessions import Session, frame, held_now

DECIDED = (
    "session_id", "cycle", "subject", "employee_id", "criterion_id", "score_before", "score_after",
    "outcome",
)  # fmt: skip
NORMS = ("cycle", "department", "criterion_id", "job_level", "text", "n_sessions", "is_own")
PARKED = ("text", "owner_id", "due_on")

People = list[tuple[str, str | None]]
"""Number and name of each."""


def earlier_sessions(
    session: Session, candidates: Sequence[Session], earlier: Sequence[str]
) -> list[Session]:
    """Return the sessions of this department and kind in earlier cycles, oldest first."""
    place = {cycle: i for i, cycle in enumerate(earlier)}
    own = [
        one
        for one in candidates
        if (one.department, one.kind) == (session.department, session.kind) and one.cycle in place
    ]
    return sorted(own, key=lambda one: (place[one.cycle], one.session_id))


def past_decisions(
    connection: sa.Connection, sessions: Sequence[Session], owners: pd.Series
) -> pd.DataFrame:
    """Return what sessions decided: `DECIDED`.

    Parameters
    ----------
    connection
        Open for reading.
    sessions
        Sessions of one department and kind.
    owners
        employee_id by conversation; where people are rated a subject is its own owner.
    """
    kept = schema.contract["decisions"]
    names = ("session_id", "subject", "criterion_id", "score_before", "score_after", "outcome")
    query = (
        sa.select(*(kept.c[name] for name in names))
        .where(held_now(kept), kept.c.session_id.in_([one.session_id for one in sessions]))
        .order_by(kept.c.session_id, kept.c.subject, kept.c.criterion_id)
    )
    found = frame(connection, query)
    cycle = {one.session_id: one.cycle for one in sessions}
    about_people = not sessions or sessions[0].kind != "conversation"
    owner = found["subject"] if about_people else found["subject"].map(owners)
    made = found.assign(
        cycle=found["session_id"].map(cycle).astype("str"), employee_id=owner.astype("str")
    )
    return made[list(DECIDED)]


def past_norms(
    connection: sa.Connection, session: Session, earlier: Sequence[str], criteria: Sequence[str]
) -> pd.DataFrame:
    """Return the norms of earlier cycles on these criteria, in the whole organisation: `NORMS`.

    One row per norm of the own department, newest first; then one per text of other departments,
    with how many of their sessions agreed on it, and the cycle and department of the newest.
    """
    norms, held = schema.contract["norms"], schema.contract["sessions"]
    query = (
        sa.select(
            held.c.cycle, held.c.department, norms.c.criterion_id, norms.c.job_level, norms.c.text
        )
        .join_from(norms, held, norms.c.session_id == held.c.session_id)
        .where(
            held_now(norms),
            held_now(held),
            held.c.cycle.in_(list(earlier)),
            sa.func.coalesce(held.c.kind, "performance") == session.kind,
            norms.c.criterion_id.in_(list(criteria)),
        )
    )
    found = frame(connection, query)
    place = {cycle: i for i, cycle in enumerate(earlier)}
    is_own = found["department"].eq(session.department)
    found = found.assign(is_own=is_own, at=found["cycle"].map(place).astype("float64"))
    # other departments that said the same are one row, as is the own one within a cycle
    same = ["is_own", "criterion_id", "job_level", "text"]
    whose = found["cycle"].where(is_own, "").rename("of")
    found = found.sort_values(
        ["is_own", "at", "criterion_id", "job_level", "text", "department"],
        ascending=[False, False, True, True, True, True],
        kind="stable",
    )
    n = found.groupby([*same, whose], dropna=False, sort=False)["text"].transform("size")
    found = found.assign(n_sessions=n.astype("int64"), of=whose)
    found = found.drop_duplicates([*same, "of"])
    return found[list(NORMS)].reset_index(drop=True)


def parked_items(
    connection: sa.Connection, session_ids: Sequence[str]
) -> dict[str, list[tuple[object, ...]]]:
    """Return what each session put off, in order: `PARKED`; the last version of each text holds."""
    kept = schema.register
    query = (
        sa.select(kept.c.session_id, kept.c.content)
        .where(
            kept.c.kind == "parked",
            kept.c.content.is_not(None),
            kept.c.session_id.in_(list(session_ids)),
        )
        .order_by(kept.c.number)
    )
    found: dict[str, dict[str, tuple[object, ...]]] = {}
    for session_id, content in connection.execute(query):
        item = json.loads(content)
        found.setdefault(session_id, {})[str(item.get("text") or "")] = tuple(
            item.get(name) for name in PARKED
        )
    return {session_id: list(items.values()) for session_id, items in found.items()}


def parked_table(items: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Return parked items as a table: `PARKED`."""
    made = pd.DataFrame(list(items), columns=list(PARKED))
    return made.astype({"text": "str", "owner_id": "str"}).assign(
        due_on=pd.to_datetime(made["due_on"])
    )


def every_norm(connection: sa.Connection) -> pd.DataFrame:
    """Return all norms: cycle, department, session_kind, criterion_id, job_level, text."""
    norms, held = schema.contract["norms"], schema.contract["sessions"]
    query = sa.select(
        held.c.cycle, held.c.department, _KIND, norms.c.criterion_id, norms.c.job_level,
        norms.c.text,
    )  # fmt: skip
    return frame(connection, query.where(held_now(norms), held_now(held), *_of_session(norms)))


def every_argument(connection: sa.Connection) -> pd.DataFrame:
    """Return why scores were decided, without whom: as `every_norm`, with score_after, outcome."""
    kept, held = schema.contract["decisions"], schema.contract["sessions"]
    query = sa.select(
        held.c.cycle, held.c.department, _KIND, kept.c.criterion_id, kept.c.score_after,
        kept.c.outcome, kept.c.argument.label("text"),
    )  # fmt: skip
    return frame(connection, query.where(held_now(kept), held_now(held), *_of_session(kept)))


def people_named(connection: sa.Connection) -> People:
    """Return the number and each name of everybody who is known, in any cycle."""
    kept = schema.contract["employees"]
    query = sa.select(kept.c.employee_id, kept.c.name).where(held_now(kept)).distinct()
    return [(row.employee_id, row.name) for row in connection.execute(query)]


_KIND = sa.func.coalesce(schema.contract["sessions"].c.kind, "performance").label("session_kind")


def _of_session(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [table.c.session_id == schema.contract["sessions"].c.session_id]
