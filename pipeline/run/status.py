"""How far each session is: ratings in, pack made, held."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from pipeline.run.outcome import RECORD
from pipeline.run.plan import session_folder
from pipeline.settings import Settings
from pipeline.store import Session, Store


@dataclass(frozen=True)
class SessionStatus:
    """The state of one session.

    Attributes
    ----------
    session
        The session.
    n_rated, n_employees
        People with a rating, and people in the department.
    pack
        ``"made"``, ``"failed"``, ``"outdated"`` (there was an import since) or ``"none"``.
    made_at
        When the pack was made, in UTC.
    held
        Whether the day of the session has passed; missing without a date.
    """

    session: Session
    n_rated: int
    n_employees: int
    pack: str
    made_at: dt.datetime | None
    held: bool | None

    def plain(self) -> dict[str, Any]:
        """Return plain values for machines."""
        return {
            "session_id": self.session.session_id,
            "department": self.session.department,
            "cycle": self.session.cycle,
            "kind": self.session.kind,
            "held_on": self.session.held_on.isoformat() if self.session.held_on else None,
            "n_rated": self.n_rated,
            "n_employees": self.n_employees,
            "pack": self.pack,
            "made_at": self.made_at.isoformat() if self.made_at else None,
            "held": self.held,
        }


def session_status(
    settings: Settings, store: Store, sessions: list[Session], today: dt.date
) -> list[SessionStatus]:
    """Return the state of each session."""
    batches = store.batches()
    last_import = batches[-1].loaded_at.replace(tzinfo=dt.UTC) if batches else None
    counts = store.rated_counts(sorted({session.cycle for session in sessions}))
    found = []
    for session in sessions:
        record = _pack_record(settings, session)
        made_at = dt.datetime.fromisoformat(record["made_at"]) if record else None
        pack = str(record["status"]) if record else "none"
        if pack == "made" and made_at and last_import and made_at < last_import:
            pack = "outdated"
        rated, employees = counts.get((session.cycle, session.department, session.kind), (0, 0))
        held = None if session.held_on is None else session.held_on < today
        found.append(SessionStatus(session, rated, employees, pack, made_at, held))
    return found


def _pack_record(settings: Settings, session: Session) -> dict[str, Any] | None:
    """Return what is known of a session's pack, if it was ever tried."""
    path = session_folder(settings, session) / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
