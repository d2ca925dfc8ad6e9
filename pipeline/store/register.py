"""The decision register: append only, each entry chained by hash to the one before.

An entry's digest covers its content with a salt of its own; its hash covers the digest, its place,
and the hash of the entry before. So an entry that is altered, removed, inserted or moved breaks the
chain there. A person's texts can be erased (law) without breaking it: content and salt go, the
digest stays, and nothing can be told from it.

The chain cannot show that it was made anew as a whole. For that its last hash has to be known
elsewhere: `calibrate verify` prints it, and every follow-up pack shows it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.errors import Message, msg
from pipeline.store import schema

_START = ""
_CHUNK = 1_000
KINDS = (
    "decision", "action", "norm", "parked", "attendance", "sitting", "superseded", "locked",
    "unlocked", "action_state", "goal_state", "goal", "check_in", "feedback", "agreement",
)  # fmt: skip
"""Sorts of entries."""


@dataclass(frozen=True)
class NewEntry:
    """What is to be kept: its kind, and plain values by name."""

    kind: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """An entry of the register.

    Attributes
    ----------
    number
        Its place, from 1.
    recorded_at
        When, in UTC.
    session_id
        Which session.
    kind
        One of `KINDS`.
    content
        Plain values by name; None where they were erased.
    source
        SHA-256 of the file that it came from, in hexadecimal.
    hash
        In hexadecimal.
    """

    number: int
    recorded_at: dt.datetime
    session_id: str
    kind: str
    content: dict[str, Any] | None
    source: str
    hash: str


@dataclass(frozen=True)
class Verification:
    """Whether the register is as it was written.

    Attributes
    ----------
    n_entries, n_erased
        Entries, and those of which the content was erased.
    head
        Hash of the last entry; empty in an empty register.
    faults
        What is wrong, each with the number of the entry; empty if nothing is.
    """

    n_entries: int
    n_erased: int
    head: str
    faults: tuple[Message, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def append(
    connection: sa.Connection,
    session_id: str,
    entries: Sequence[NewEntry],
    *,
    source: str,
    now: dt.datetime,
) -> int:
    """Add entries at the end, within the transaction of ``connection``.

    Parameters
    ----------
    connection
        Open for writing. Others who append wait until it ends.
    session_id
        Which session.
    entries
        In order.
    source
        SHA-256 of the file that they came from.
    now
        In UTC.

    Returns
    -------
    int
        Number of the last entry.
    """
    kept = schema.register
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE register IN EXCLUSIVE MODE"))
    last = connection.execute(
        sa.select(kept.c.number, kept.c.hash).order_by(kept.c.number.desc()).limit(1)
    ).first()
    number, before = (last.number, last.hash) if last else (0, _START)
    rows = []
    moment = now.replace(tzinfo=None, microsecond=0)
    for entry in entries:
        number += 1
        content, salt = _plain(entry.content), secrets.token_hex(16)
        row = {
            "number": number,
            "recorded_at": moment,
            "session_id": session_id,
            "kind": entry.kind,
            "source": source,
            "digest": _digest(salt, content),
            "previous": before,
        }
        row["hash"] = before = _hash(row)
        rows.append({**row, "content": content, "salt": salt})
    if rows:
        connection.execute(kept.insert(), rows)
    return number


def entries(connection: sa.Connection, session_id: str | None = None) -> list[Entry]:
    """Return the entries of one session or of all, in order."""
    query = sa.select(schema.register).order_by(schema.register.c.number)
    if session_id is not None:
        query = query.where(schema.register.c.session_id == session_id)
    return [_entry(row) for row in connection.execute(query)]


def verify(connection: sa.Connection, head: str | None = None) -> Verification:
    """Tell whether anything was altered, removed, inserted or moved.

    Parameters
    ----------
    connection
        Open for reading.
    head
        A hash that was noted before, if it is to be found in the register.
    """
    faults: list[Message] = []
    n = erased = 0
    before, seen = _START, head is None
    for row in _all(connection):
        n += 1
        erased += row["content"] is None
        seen = seen or row["hash"] == head
        if row["number"] != n:
            faults.append(msg("Entry {n} is missing.", n=n))
            n = row["number"]
        if row["previous"] != before:
            faults.append(msg("Entry {n} does not follow the one before.", n=n))
        if row["hash"] != _hash(row):
            faults.append(msg("Entry {n} was altered.", n=n))
        elif row["content"] is not None and row["digest"] != _digest(row["salt"], row["content"]):
            faults.append(msg("The content of entry {n} was altered.", n=n))
        before = row["hash"]
    if not seen:
        faults.append(msg("The hash that was noted is not in the register."))
    return Verification(n, erased, before, tuple(faults))


def _all(connection: sa.Connection) -> Iterator[Mapping[str, Any]]:
    query = sa.select(schema.register).order_by(schema.register.c.number)
    result = connection.execution_options(yield_per=_CHUNK).execute(query)
    for row in result.mappings():
        yield {str(name): value for name, value in row.items()}


def _entry(row: Any) -> Entry:
    return Entry(
        number=row.number,
        recorded_at=row.recorded_at.replace(tzinfo=dt.UTC),
        session_id=row.session_id,
        kind=row.kind,
        content=None if row.content is None else json.loads(row.content),
        source=row.source,
        hash=row.hash,
    )


def _plain(content: Mapping[str, Any]) -> str:
    """Write values in one way only, so that equal contents have equal texts."""
    return json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _digest(salt: str | None, content: str) -> str:
    return hashlib.sha256(f"{salt}\n{content}".encode()).hexdigest()


def _hash(row: Mapping[str, Any]) -> str:
    chained = [
        row["number"],
        row["recorded_at"].isoformat(),
        *(row[name] for name in ("session_id", "kind", "source", "digest", "previous")),
    ]
    return hashlib.sha256(json.dumps(chained, ensure_ascii=False).encode()).hexdigest()
