"""What the slice of each session holds, as a short stamp: equal as long as nothing in it changed.

The stamps tell which packs an import has left alone. They are read for all sessions of a cycle
together, a few queries whatever the number of sessions, and stand for contents (the keys and hashes
of the rows), so that a store filled anew from the same exports gives the same stamps.

A stamp covers what `slices.session_data` reads, with two exceptions: when the data were loaded, and
the score shares of the whole organisation (`organisation_counts`), which change with every rating
anywhere. docs/decisions/ says how packs are kept in step with those.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from pipeline.store import schema
from pipeline.store.counts import last_ratings_batch
from pipeline.store.history import earlier_sessions, parked_items
from pipeline.store.slices import (
    Session,
    cycles,
    employees_of,
    held_now,
    named_sessions,
    session_before,
)

_tables = schema.contract
_ratings = _tables["ratings"]
_WIDTH = 64
"""Characters of a row in a stamp: its key and its content, 32 each."""
_MOST_PARAMETERS = 500

Group = tuple[Any, ...]
Rows = dict[Group, str]
"""Per group the marks of its rows, or a digest of them that does not depend on their order."""


def slice_stamps(connection: sa.Connection, sessions: Sequence[Session]) -> dict[str, str]:
    """Return a stamp per session, by its identifier.

    Parameters
    ----------
    connection
        Open for reading; one transaction, so that the stamps belong together.
    sessions
        As `slices.sessions` gives them.
    """
    every = cycles(connection)
    named = defaultdict(list)
    for one in named_sessions(connection):
        named[one.department, one.kind].append(one)
    last = {
        one.session_id: session_before(one, named[one.department, one.kind], every)
        for one in sessions
    }
    agreed = [one.session_id for one in last.values() if one is not None]
    decided = {
        one.session_id: earlier_sessions(
            one, named[one.department, one.kind], _earlier(one.cycle, every)
        )
        for one in sessions
    }
    by_session = {
        **_by_session(connection, ("participants", "opinions"), [s.session_id for s in sessions]),
        **_by_session(connection, ("actions", "norms"), agreed),
        **_by_session(
            connection,
            ("decisions",),
            list(dict.fromkeys(one.session_id for before in decided.values() for one in before)),
        ),
    }
    parked = {
        session_id: items
        for part in _chunks(agreed)
        for session_id, items in parked_items(connection, part).items()
    }
    found = {}
    for cycle in dict.fromkeys(session.cycle for session in sessions):
        of_cycle = [session for session in sessions if session.cycle == cycle]
        shared = _read_cycle(connection, cycle, every, of_cycle)
        for session in of_cycle:
            before = last[session.session_id]
            found[session.session_id] = _digest(
                _plain(session),
                shared.parts(session),
                [by_session.get((t, session.session_id)) for t in ("participants", "opinions")],
                _plain(before),
                [
                    *(by_session.get((t, before.session_id)) for t in ("actions", "norms")),
                    parked.get(before.session_id),
                ]
                if before
                else [],
                [
                    [one.session_id, one.cycle, by_session.get(("decisions", one.session_id))]
                    for one in decided[session.session_id]
                ],
            )
    return found


def organisation_counts(
    connection: sa.Connection, sessions: Iterable[Session]
) -> dict[tuple[str, str], dict[float, int]]:
    """Return per cycle and kind how often each score was given in the whole organisation."""
    counts, found = schema.score_counts, {}
    for cycle, kind in sorted({(session.cycle, session.kind) for session in sessions}):
        query = (
            sa.select(counts.c.score, sa.func.sum(counts.c.n))
            .where(
                counts.c.cycle == cycle,
                counts.c.has_subject == (kind == "conversation"),
                ~counts.c.by_self,
            )
            .group_by(counts.c.score)
        )
        found[cycle, kind] = {score: int(n) for score, n in connection.execute(query)}
    return found


def evidence_counts(connection: sa.Connection, wanted: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return per cycle and department how many people have dated evidence in the cycle."""
    kept, found = _tables["evidence"], {}
    for cycle in wanted:
        staff = employees_of(cycle)
        query = (
            sa.select(staff.c.department, sa.func.count(sa.distinct(kept.c.employee_id)))
            .join_from(kept, staff, staff.c.employee_id == kept.c.employee_id)
            .where(held_now(kept), *_dated_within(connection, cycle))
            .group_by(staff.c.department)
        )
        for department, n in connection.execute(query):
            found[cycle, department] = n
    return found


@dataclass(frozen=True)
class _Cycle:
    """What was read for all sessions of one cycle."""

    earlier: list[str]
    cycle: Rows
    criteria: dict[str, Rows]
    employees: Rows
    others: Rows
    history: Rows
    norms: Rows
    ratings: Rows = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    previous: dict[Group, list[Any]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    in_use: dict[Group, set[str]] = field(default_factory=lambda: defaultdict(set))
    named: dict[Group, set[str]] = field(default_factory=lambda: defaultdict(set))

    def parts(self, session: Session) -> list[Any]:
        """Return what bears on one session, as plain values."""
        department, conversation = session.department, session.kind == "conversation"
        both = (department, conversation)
        people = self.named[both] | self.named[department,] | self.named["", session.session_id]
        people |= {one for one in (session.facilitator_id, session.process_guard_id) if one}
        return [
            self.cycle.get(()),
            # the wording of this cycle, else the one without a cycle
            [
                [criterion, self.criteria["own"].get((criterion,))
                 or self.criteria["any"].get((criterion,))]
                for criterion in sorted(self.in_use[both])
            ],
            [self.persons[one] for one in sorted(people) if one in self.persons],
            self.employees.get((department,)),
            [self.others.get((table, department)) for table in ("evidence", "goals", "results")],
            self.ratings.get(both),
            [
                [cycle, self.history[*both, cycle]]
                for cycle in self.earlier
                if (*both, cycle) in self.history
            ],
            [
                [cycle, criterion, self.norms[session.kind, cycle, criterion]]
                for cycle in self.earlier
                for criterion in sorted(self.in_use[both])
                if (session.kind, cycle, criterion) in self.norms
            ],
            sorted(self.previous[both]),
            self.refused[department],
        ]  # fmt: skip


def _read_cycle(
    connection: sa.Connection, cycle: str, every: list[str], sessions: Sequence[Session]
) -> _Cycle:
    keyed = _tables["employees"]
    staff = employees_of(cycle, keyed.c.row_key, keyed.c.row_hash)
    earlier = _earlier(cycle, every)
    criteria, own = _tables["criteria"], _tables["cycles"]
    conversation = (_ratings.c.subject_id != "").label("conversation")
    wording = {
        name: _digests(
            _grouped(connection, criteria, [criteria.c.criterion_id], criteria.c.cycle == which)
        )
        for name, which in (("own", cycle), ("any", ""))
    }
    others: Rows = {}
    for table, person, where in (
        ("evidence", "employee_id", _dated_within(connection, cycle)),
        ("goals", "owner_id", []),
        ("results", "employee_id", [_tables["results"].c.cycle.in_([*earlier, cycle])]),
    ):
        kept = _tables[table]
        found = _grouped(
            connection, kept, [staff.c.department], *where,
            join=(staff, staff.c.employee_id == kept.c[person]),
        )  # fmt: skip
        others |= {(table, *group): rows for group, rows in _digests(found).items()}
    rated = (staff, staff.c.employee_id == _ratings.c.employee_id)
    made = _Cycle(
        earlier=earlier,
        cycle=_digests(_grouped(connection, own, [], own.c.cycle == cycle)),
        criteria=wording,
        employees=_digests(_grouped(connection, staff, [staff.c.department])),
        others=others,
        history=_digests(
            _grouped(
                connection,
                _ratings,
                [staff.c.department, conversation, _ratings.c.cycle],
                _ratings.c.cycle.in_(earlier),
                _by_others(),
                join=rated,
            )
        ),
        norms=_read_norms(connection, earlier),
    )
    _read_ratings(connection, made, cycle, staff)
    _read_people(connection, made, staff, sessions)
    if earlier:
        _read_previous(connection, made, earlier[-1])
    _read_refused(connection, made, staff)
    return made


def _earlier(cycle: str, every: list[str]) -> list[str]:
    return every[: every.index(cycle)] if cycle in every else []


def _read_norms(connection: sa.Connection, earlier: list[str]) -> Rows:
    """Stamp the norms of earlier cycles per kind, cycle and criterion, over all departments."""
    norms, held = _tables["norms"], _tables["sessions"]
    kind = sa.func.coalesce(held.c.kind, "performance")
    marks: dict[Group, list[Any]] = defaultdict(list)
    for (*group, department), rows in _grouped(
        connection,
        norms,
        [kind, held.c.cycle, norms.c.criterion_id, held.c.department],
        held_now(held),
        held.c.cycle.in_(earlier),
        join=(held, held.c.session_id == norms.c.session_id),
    ).items():
        marks[tuple(group)].append([department, _of_rows(rows)])
    return {group: _digest(sorted(of_group)) for group, of_group in marks.items()}


def _read_ratings(connection: sa.Connection, made: _Cycle, cycle: str, staff: sa.Subquery) -> None:
    """Stamp the ratings of each department, and note which criteria and raters occur in them."""
    conversation = (_ratings.c.subject_id != "").label("conversation")
    marks: dict[Group, list[str]] = defaultdict(list)
    for (department, of_conversations, rater, criterion), rows in _grouped(
        connection,
        _ratings,
        [staff.c.department, conversation, _ratings.c.rater_id, _ratings.c.criterion_id],
        _ratings.c.cycle == cycle,
        join=(staff, staff.c.employee_id == _ratings.c.employee_id),
    ).items():
        group = (department, of_conversations)
        marks[group].append(rows)
        made.in_use[group].add(criterion)
        made.named[group].add(rater)
    made.ratings.update({group: _of_rows("".join(rows)) for group, rows in marks.items()})


def _read_people(
    connection: sa.Connection, made: _Cycle, staff: sa.Subquery, sessions: Sequence[Session]
) -> None:
    """Note what packs tell of people who may be of another department: name, place and level."""
    managers = sa.select(staff.c.department, staff.c.manager_id).distinct()
    for department, manager in connection.execute(managers.where(staff.c.manager_id.is_not(None))):
        made.named[department,].add(manager)
    kept = _tables["participants"]
    for part in _chunks([session.session_id for session in sessions]):
        present = sa.select(kept.c.session_id, kept.c.person_id).where(
            held_now(kept), kept.c.session_id.in_(part)
        )
        for session_id, person in connection.execute(present):
            made.named["", session_id].add(person)
    named = {one for people in made.named.values() for one in people}
    named |= {s.facilitator_id for s in sessions if s.facilitator_id}
    named |= {s.process_guard_id for s in sessions if s.process_guard_id}
    shown = ("employee_id", "name", "department", "job_level", "manager_id")
    for part in _chunks(sorted(named)):
        query = sa.select(*(staff.c[name] for name in shown)).where(staff.c.employee_id.in_(part))
        made.persons.update({row[0]: _digest(list(row)) for row in connection.execute(query)})


def _read_previous(connection: sa.Connection, made: _Cycle, before: str) -> None:
    """Note how the department of the cycle before was scored."""
    staff = employees_of(before)
    conversation = (_ratings.c.subject_id != "").label("conversation")
    query = (
        sa.select(staff.c.department, conversation, _ratings.c.score, sa.func.count())
        .join_from(_ratings, staff, staff.c.employee_id == _ratings.c.employee_id)
        .where(held_now(_ratings), _ratings.c.cycle == before, _by_others())
        .group_by(staff.c.department, conversation, _ratings.c.score)
    )
    for department, of_conversations, score, n in connection.execute(query):
        made.previous[department, bool(of_conversations)].append([score, n])


def _read_refused(connection: sa.Connection, made: _Cycle, staff: sa.Subquery) -> None:
    """Count the refused rows per department, where the last import of ratings had any."""
    refused = schema.rejections
    of_ratings = refused.c.table_name == "ratings"
    last = connection.scalar(sa.select(sa.func.max(refused.c.batch_id)).where(of_ratings))
    if last is None or last < last_ratings_batch(connection):
        return
    query = (
        sa.select(staff.c.department, refused.c.file, refused.c.line)
        .join_from(refused, staff, staff.c.employee_id == refused.c.employee_id)
        .where(refused.c.batch_id == last, of_ratings)
        .distinct()
    )
    for department, _, _ in connection.execute(query):
        made.refused[department] += 1


# reading rows as stamps --------------------------------------------------------------------


def _grouped(
    connection: sa.Connection,
    kept: sa.FromClause,
    by: Sequence[sa.ColumnElement[Any]],
    *where: sa.ColumnElement[bool],
    join: tuple[sa.FromClause, sa.ColumnElement[bool]] | None = None,
) -> Rows:
    """Return the marks of the rows that hold now, per group.

    The database only puts them one after the other, in whatever order, which both SQLite and
    PostgreSQL do fast.
    """
    # a table of which every column is in the key has no hash of the rest
    content = sa.func.coalesce(sa.func.nullif(kept.c.row_hash, ""), kept.c.row_key)
    rows = sa.func.aggregate_strings(kept.c.row_key + content, "")
    query = sa.select(*by, rows).select_from(kept)
    if join is not None:
        query = query.join(*join)
    if "to_batch" in kept.c:
        query = query.where(kept.c.to_batch.is_(None))
    query = query.where(*where).group_by(*by)
    return {
        tuple(bool(value) if isinstance(value, int) else value for value in group): rows
        for *group, rows in connection.execute(query)
        if rows
    }


def _digests(grouped: Rows) -> Rows:
    return {group: _of_rows(rows) for group, rows in grouped.items()}


def _of_rows(marks: str) -> str:
    each = sorted(marks[i : i + _WIDTH] for i in range(0, len(marks), _WIDTH))
    return hashlib.blake2b("".join(each).encode(), digest_size=16).hexdigest()


def _by_session(
    connection: sa.Connection, tables: Sequence[str], wanted: Sequence[str]
) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for table in tables:
        column = _tables[table].c.session_id
        for part in _chunks(wanted):
            rows = _digests(_grouped(connection, _tables[table], [column], column.in_(part)))
            found |= {(table, str(session_id)): stamp for (session_id,), stamp in rows.items()}
    return found


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    # databases bound the number of parameters
    for start in range(0, len(values), _MOST_PARAMETERS):
        yield values[start : start + _MOST_PARAMETERS]


def _by_others() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(_ratings.c.rater_role, "") != "self"


def _dated_within(connection: sa.Connection, cycle: str) -> list[sa.ColumnElement[bool]]:
    own, dated = _tables["cycles"], _tables["evidence"].c.dated_on
    query = sa.select(own.c.starts_on, own.c.ends_on).where(held_now(own), own.c.cycle == cycle)
    starts, ends = connection.execute(query).first() or (None, None)
    within = []
    if starts is not None:
        within.append(dated >= starts)
    if ends is not None:
        within.append(dated <= ends)
    return within


def _plain(session: Session | None) -> dict[str, Any] | None:
    return None if session is None else asdict(session)


def _digest(*parts: Any) -> str:
    def known(value: object) -> str:
        if isinstance(value, dt.date):
            return value.isoformat()
        raise TypeError(type(value).__name__)

    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=known)
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()
