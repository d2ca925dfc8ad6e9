"""How far each session is, from its ratings to what came of its actions; and what is late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import Message, msgn
from pipeline.run.due import (
    EVIDENCE_AHEAD,
    FOLLOW_UP_AFTER,
    PACK_AHEAD,
    RECORD_AFTER,
    Due,
    after_state,
    state_of,
)
from pipeline.run.key import is_current, with_keys
from pipeline.run.lock import Owner, held
from pipeline.run.outcome import FAILED, MADE, read_record
from pipeline.run.plan import PackJob, plan_packs
from pipeline.run.product import FOLLOW_UP
from pipeline.settings import LanguageCode, Settings
from pipeline.store import Recorded, Session, Store

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
    pack_due, evidence_due, record_due, follow_up_due
        Whether what is still missing should be there.
    recorded
        What is known of its decisions; None where nothing is.
    follow_up
        As ``pack``, of the follow-up pack.
    n_overdue
        Actions that are open past their date.
    n_without_check_in
        People without a check-in within `[progress] check_in_days`, in the newest cycle.
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
    record_due: Due
    follow_up_due: Due
    recorded: Recorded | None
    follow_up: str
    n_overdue: int
    n_without_check_in: int
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
            "n_decisions": self.recorded.n_decisions if self.recorded else 0,
            "locked": self.recorded is not None and self.recorded.locked,
            "record_due": self.record_due.value,
            "follow_up": self.follow_up,
            "follow_up_due": self.follow_up_due.value,
            "n_actions": self.recorded.n_actions if self.recorded else 0,
            "n_open": self.recorded.n_open if self.recorded else 0,
            "n_overdue": self.n_overdue,
            "n_without_check_in": self.n_without_check_in,
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
    since = now.date() - dt.timedelta(days=settings.progress.check_in_days)
    silent = store.without_check_in(store.cycles()[-1:], since)  # earlier cycles are over
    jobs = with_keys(settings, store, plan_packs(settings, sessions, language))
    later = plan_packs(settings, sessions, language, product=FOLLOW_UP)
    afterwards = {job.place: job for job in with_keys(settings, store, later)}
    makers, decided = held(settings.reports), store.recorded_sessions()
    found = []
    for job in jobs:
        session, maker = job.session, makers.get(job.place)
        pack, record = _state(job, maker)
        follow_up, _ = _state(afterwards[job.place], maker)
        recorded = decided.get(session.session_id)
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
                record_due=Due.NOT_YET
                if recorded is not None
                else after_state(session, RECORD_AFTER, now),
                follow_up_due=Due.NOT_YET
                if recorded is None or follow_up in (MADE, OUTDATED)
                else after_state(session, FOLLOW_UP_AFTER, now),
                recorded=recorded,
                follow_up=follow_up,
                n_overdue=sum(day < now.date() for day in recorded.open_due) if recorded else 0,
                n_without_check_in=0
                if session.kind == "conversation"
                else silent.get((session.cycle, session.department), 0),
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
    unrecorded = sum(one.record_due is Due.LATE for one in found)
    unfollowed = sum(one.follow_up_due is Due.LATE for one in found)
    overdue = sum(one.n_overdue for one in found)
    if unrecorded:
        said.append(
            msgn(
                "{n} session was held, and nothing of it is recorded. Run: calibrate record FORM",
                "{n} sessions were held, and nothing of them is recorded."
                " Run: calibrate record FORM",
                unrecorded,
            )
        )
    if unfollowed:
        said.append(
            msgn(
                "{n} follow-up pack is late: changed ratings are talked about within two weeks."
                " Run: calibrate follow-up",
                "{n} follow-up packs are late: changed ratings are talked about within two weeks."
                " Run: calibrate follow-up",
                unfollowed,
            )
        )
    silent = sum(one.n_without_check_in for one in found)
    if silent:
        said.append(
            msgn(
                "{n} person has had no check-in for longer than agreed; the team overviews say"
                " who.",
                "{n} people have had no check-in for longer than agreed; the team overviews say"
                " who.",
                silent,
            )
        )
    if overdue:
        said.append(
            msgn(
                "{n} action is open past its date.",
                "{n} actions are open past their date.",
                overdue,
            )
        )
    return said


def _state(job: PackJob, maker: Owner | None) -> tuple[str, dict[str, Any] | None]:
    record = read_record(job.output.parent, job.product)
    return _pack(is_current(job, record, any_day=True), record, maker), record


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
