"""What a sort of form has of its own, beside what the recorder does for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.record.form import FilledForm
from pipeline.record.rows import Found, Said, Values
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.store.outcome import Key
from pipeline.store.recording import Recording
from pipeline.store.register import NewEntry
from pipeline.tables import key_of

Known = Mapping[tuple[str, Key], Mapping[str, Any]]
"""What is known of everything, by kind and key."""


@dataclass
class Contract:
    """Rows of the data contract by table, each once: those that hold, and those that no longer do.

    Attributes
    ----------
    held, withdrawn
        By table and key.
    """

    held: dict[str, dict[Key, Values]] = field(default_factory=dict)
    withdrawn: dict[str, dict[Key, Values]] = field(default_factory=dict)

    def hold(self, table: str, row: Values) -> None:
        """Keep a row."""
        self.held.setdefault(table, {})[_key(table, row)] = row

    def withdraw(self, table: str, rows: Iterable[Values]) -> None:
        """Let rows hold no longer, but those that are kept."""
        for row in rows:
            if _key(table, row) not in self.held.get(table, {}):
                self.withdrawn.setdefault(table, {})[_key(table, row)] = row


def _key(table: str, row: Values) -> Key:
    return tuple(str(row.get(name) or "") for name in key_of(table))


@dataclass(frozen=True)
class FormKind:
    """One sort of form.

    Attributes
    ----------
    check
        Whether it is complete, possible, and about its session: what it says, and what is wrong.
    states
        What the store holds now about what a form says, where the register does not tell.
    contract
        Rows of the data contract for what is new, beside what was recorded before.
    decides
        Whether it holds decisions, which a locked session no longer takes.
    states_of
        Kinds of entries that say what became of something; a new one says all there is to say.
    goes_on
        Values that go on from ``"open"`` to another one without a contradiction.
    elsewhere
        Values that are not compared, since they go on elsewhere.
    """

    check: Callable[[FilledForm, Store, Settings, dt.date], Found]
    contract: Callable[[Recording, str, Sequence[NewEntry], Known], Contract]
    states: Callable[[Recording, str, Sequence[Said]], Known] = lambda *_: {}
    decides: bool = False
    states_of: frozenset[str] = frozenset()
    goes_on: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()


def with_state(recording: Recording, session_id: str, rows: Sequence[Values]) -> list[Values]:
    """Return actions with the state that they have now; new ones are open."""
    now = {
        (row["owner_id"], row["kind"], row["text"]): row
        for row in (recording.rows("actions", "session_id", {session_id}) if rows else ())
    }
    found = []
    for row in rows:
        old = now.get((row["owner_id"], row["kind"], row["text"]), {})
        state = {"status": old.get("status") or "open", "done_on": old.get("done_on")}
        found.append({**row, **state, "session_id": session_id})
    return found
