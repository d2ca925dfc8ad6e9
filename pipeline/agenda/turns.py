"""Who takes a turn in a session, and in which order: by lot, the same for everybody."""

from __future__ import annotations

import hashlib

from pipeline.store import SessionData

_ASIDE = ("facilitator", "process_guard", "observer")


def by_lot(*words: str) -> str:
    """Return what to sort by: an order that follows from neither names nor numbers of people."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def turn_order(data: SessionData) -> list[str]:
    """Return who speaks first, second and so on: fixed per session, by nobody's choice.

    The facilitator and the process guard take no turn. Without a list of participants the raters
    do. Experts come last: the others would follow.
    """
    session, rows = data.session, data.participants
    speaking = rows[~rows["role"].isin(_ASIDE)]
    people = set(speaking["person_id"]) or set(data.ratings["rater_id"])
    people -= {session.facilitator_id, session.process_guard_id}
    ratings = data.ratings
    experts = set(ratings.loc[ratings["rater_role"].eq("expert"), "rater_id"])
    return sorted(people, key=lambda one: (one in experts, by_lot(session.session_id, one)))
