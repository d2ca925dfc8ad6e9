"""The scores of a session as they are now, which a form has to hold too."""

from __future__ import annotations

from pipeline.errors import NotEstimable
from pipeline.methods.standing import estimate_standing
from pipeline.record.check import Expected
from pipeline.store import SessionData
from pipeline.tables import OVERALL


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
