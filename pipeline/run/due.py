"""What has to be there when: before a session its evidence and pack, after it what it decided.

A session has a day and no hour, so it counts as beginning with its day: what is due is due a little
early, never late.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from enum import StrEnum

from pipeline.errors import WrongUse, msg
from pipeline.store import Session

PACK_AHEAD = dt.timedelta(hours=48)
"""Readers need two days (docs/methods.md names the practice)."""
EVIDENCE_AHEAD = dt.timedelta(days=7)
"""Raters need a week to fill gaps in the evidence."""
RECORD_AFTER = dt.timedelta(days=3)
"""A session is remembered well for a few days."""
FOLLOW_UP_AFTER = dt.timedelta(days=7)
"""Changed ratings are talked about within two weeks, with their cards at hand."""
NOTICE = dt.timedelta(days=7)
"""How long before something is late it counts as due."""

_UNITS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), "w": dt.timedelta(weeks=1)}
_LONGEST = 3650


class Due(StrEnum):
    """Whether something that is not there yet should be."""

    NOT_YET = "not yet"
    DUE = "due"
    LATE = "late"


def read_span(text: str) -> dt.timedelta:
    """Read a span of time such as ``48h``, ``14d`` or ``2w``.

    Raises
    ------
    WrongUse
        The text is no span of time, or one of more than ten years.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*([hdw])\s*", text, re.IGNORECASE | re.ASCII)
    span = int(found[1]) * _UNITS[found[2].lower()] if found else None
    if span is None or span > dt.timedelta(days=_LONGEST):
        raise WrongUse(
            msg("--due takes a span such as 48h, 14d or 2w; {given} is none.", given=text[:40])
        )
    return span


def due_within(sessions: Iterable[Session], span: dt.timedelta, now: dt.datetime) -> list[Session]:
    """Return the sessions that are held within a span of time from now, the first one first.

    Parameters
    ----------
    sessions
        Those without a date are never due.
    span
        From ``now``; a session of today is due until the day is over.
    now
        Local time: sessions are held on local days.
    """
    chosen = [
        session
        for session in sessions
        if session.held_on is not None
        and now.date() <= session.held_on
        and _begins(session.held_on) <= now + span
    ]
    return sorted(chosen, key=lambda one: (one.held_on or dt.date.max, one.session_id))


def state_of(session: Session, ahead: dt.timedelta, now: dt.datetime) -> Due:
    """Tell whether what is needed so long ahead of a session should be there by now."""
    if session.held_on is None or session.held_on < now.date():
        return Due.NOT_YET
    late = _begins(session.held_on) - ahead
    if now >= late:
        return Due.LATE
    return Due.DUE if now >= late - NOTICE else Due.NOT_YET


def after_state(session: Session, within: dt.timedelta, now: dt.datetime) -> Due:
    """Tell whether what is needed so soon after a session should be there by now."""
    if session.held_on is None or now < _begins(session.held_on) + dt.timedelta(days=1):
        return Due.NOT_YET
    late = _begins(session.held_on) + dt.timedelta(days=1) + within
    return Due.LATE if now >= late else Due.DUE


def _begins(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())
