"""The scores of a session as they are now, which a form has to hold too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import NotEstimable
from pipeline.methods.standing import estimate_standing
from pipeline.store import SessionData
from pipeline.tables import OVERALL


@dataclass(frozen=True)
class Expected:
    """What the form of a session would hold if it were made now.

    Attributes
    ----------
    scores
        Current score per subject and criterion; all criteria together are one of them.
    subjects
        Everybody, or every conversation, that the session can decide about.
    held_on
        Day for which the session is planned, if it is.
    """

    scores: Mapping[tuple[str, str], float]
    subjects: frozenset[str]
    held_on: dt.date | None


def expected_of(data: SessionData) -> Expected:
    """Return what a form made now would hold.

    Parameters
    ----------
    data
        Slice of the session.
    """
    rated = data.ratings[data.ratings["score"].notna()]
    means = rated.groupby(["subject_id", "criterion_id"])["score"].mean()
    scores = {(str(a), str(b)): round(float(value), 4) for (a, b), value in means.items()}
    try:
        standing = estimate_standing(
            data.ratings,
            employees=data.employees,
            criteria=data.criteria,
            history=data.past_ratings,
            cycle_order=list(data.cycles),
        ).subjects
        overall = standing.dropna(subset=["score"])
        scores |= {
            (str(subject), OVERALL): round(float(score), 4)
            for subject, score in zip(overall["subject_id"], overall["score"], strict=True)
        }
    except NotEstimable:
        pass
    subjects = set(data.ratings["subject_id"])
    if data.session.kind != "conversation":
        subjects |= set(data.employees["employee_id"])
    return Expected(scores, frozenset(map(str, subjects)), data.session.held_on)
