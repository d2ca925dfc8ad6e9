"""How far each session is: ratings in, evidence in, pack made, held; and what is late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Message, msgn
from pipeline.run.due import EVIDENCE_AHEAD, PACK_AHEAD, Due, state_of
from pipeline.run.key import is_current, with_keys
from pipeline.run.lock import Owner, held
from pipeline.run.outcome import FAILED, MADE, read_record
from pipeline.run.plan import plan_packs
from pipeline.settings import LanguageCode, Settings
from pipeline.store import Session, Store

OUTDATED, NONE, MAKING = "outdated", "none", "making"


@dataclass(frozen=True)
class SessionStatus:
    """The state of one session.

    Attributes
    ----------
    session
        The session.
    n_rated, n_employees
        People with a rating, and people in the department.
    n_with_evidence
        People with dated evidence in the cycle.
    pack
        ``"made"``, ``"failed"``, ``"outdated"`` (`calibrate packs` would make it again),
        ``"making"`` (by another run, now) or ``"none"``.
    made_at
        When the pack was made, in UTC.
    held
        Whether the day of the session has passed; missing without a date.
    pack_due, evidence_due
        Whether what is still missing should be there.
    maker
        The run that is making the pack now.
    """

    session: Session
    n_rated: int
    n_employees: int
    n_with_evidence: int
    pack: str
    made_at: dt.datetime | None
    held: bool | None
    pack_due: Due
    evidence_due: Due
    maker: Owner | None = None

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
            "n_with_evidence": self.n_with_evidence,
            "pack": self.pack,
            "made_at": self.made_at.isoformat() if self.made_at else None,
            "held": self.held,
            "pack_due": self.pack_due.value,
            "evidence_due": self.evidence_due.value,
            "maker": self.maker.plain() if self.maker else None,
        }


def session_status(
    settings: Settings,
    store: Store,
    sessions: list[Session],
    now: dt.datetime,
    language: LanguageCode | None = None,
) -> list[SessionStatus]:
    """Return the state of each session.

    Parameters
    ----------
    settings, store, sessions
        Of the home folder.
    now
        Local time.
    language
        Of the packs, where it was chosen on the command line.
    """
    cycles = sorted({session.cycle for session in sessions})
    counts, evidence = store.rated_counts(cycles), store.evidence_counts(cycles)
    jobs = with_keys(settings, store, plan_packs(settings, sessions, language))
    makers = held(settings.reports)
    found = []
    for job in jobs:
        session, maker = job.session, makers.get(job.place)
        record = read_record(job.output.parent)
        pack = _pack(is_current(job, record), record, maker)
        rated, employees = counts.get((session.cycle, session.department, session.kind), (0, 0))
        with_evidence = evidence.get((session.cycle, session.department), 0)
        found.append(
            SessionStatus(
                session=session,
                n_rated=rated,
                n_employees=employees,
                n_with_evidence=with_evidence,
                pack=pack,
                made_at=_made_at(record),
                held=None if session.held_on is None else session.held_on < now.date(),
                pack_due=Due.NOT_YET if pack == MADE else state_of(session, PACK_AHEAD, now),
                evidence_due=Due.NOT_YET
                if with_evidence >= employees
                else state_of(session, EVIDENCE_AHEAD, now),
                maker=maker,
            )
        )
    return found


def late_warnings(found: Sequence[SessionStatus]) -> list[Message]:
    """Say what should have been there by now, and what to do."""
    packs = sum(one.pack_due is Due.LATE for one in found)
    gaps = sum(one.evidence_due is Due.LATE for one in found)
    said = []
    if packs:
        said.append(
            msgn(
                "{n} pack is late: readers need it 48 hours ahead. Run: calibrate packs --due 48h",
                "{n} packs are late: readers need them 48 hours ahead."
                " Run: calibrate packs --due 48h",
                packs,
            )
        )
    if gaps:
        said.append(
            msgn(
                "{n} session is within a week, and not everybody in it has dated evidence.",
                "{n} sessions are within a week, and not everybody in them has dated evidence.",
                gaps,
            )
        )
    return said


def _pack(current: bool, record: dict[str, Any] | None, maker: Owner | None) -> str:
    if maker is not None:
        return MAKING
    if current:
        return MADE
    if record is None:
        return NONE
    return FAILED if record.get("status") == FAILED else OUTDATED


def _made_at(record: dict[str, Any] | None) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(record["made_at"]) if record else None
    except (KeyError, TypeError, ValueError):
        return None  # a record of another version
