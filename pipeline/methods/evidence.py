"""Is each rating substantiated, and by evidence from the whole cycle?

Counts rationales and dated evidence per subject. No model. A rating is a number and
a substantiation. It cannot tell whether a rationale is good,
only whether there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.clustered_share import clustered_share

RECENT_DAYS = 60


@dataclass(frozen=True)
class Evidence:
    """Substantiation of the ratings of one session.

    Attributes
    ----------
    subjects
        One row per subject: subject_id, employee_id, n_raters, n_with_rationale (raters who wrote
        any rationale), n_evidence (dated pieces of evidence about the employee), last_on (date of
        the newest, missing without any).
    unrated
        employee_id of people in the department without any rating.
    share_rationale
        Share (0-1) of rater × subject pairs with a rationale.
    share_recent, share_recent_low, share_recent_high
        Share (0-1) of the evidence that is dated in the last 60 days of the cycle, with its
        interval; missing without evidence or without the end of the cycle.
    n_evidence
        Dated pieces of evidence.
    """

    subjects: pd.DataFrame
    unrated: tuple[str, ...]
    share_rationale: float
    share_recent: float | None
    share_recent_low: float | None
    share_recent_high: float | None
    n_evidence: int


def estimate_evidence(
    ratings: pd.DataFrame,
    *,
    evidence: pd.DataFrame,
    employees: pd.DataFrame,
    ends_on: pd.Timestamp | None = None,
    level: float = 0.95,
) -> Evidence:
    """Count what substantiates each rating.

    Parameters
    ----------
    ratings
        employee_id, subject_id, rater_id, rationale.
    evidence
        employee_id, dated_on.
    employees
        employee_id of everyone in the department; left_on where known.
    ends_on
        Last day of the cycle.
    level
        Confidence level of the interval.

    Raises
    ------
    NotEstimable
        There are no ratings.
    """
    if ratings.empty:
        raise NotEstimable(msg("There are no ratings in this session."))
    pairs = (
        ratings.assign(has=ratings["rationale"].notna())
        .groupby(["subject_id", "employee_id", "rater_id"], as_index=False)["has"]
        .any()
    )
    subjects = pairs.groupby(["subject_id", "employee_id"], as_index=False).agg(
        n_raters=("rater_id", "size"), n_with_rationale=("has", "sum")
    )
    counted = evidence.groupby("employee_id", as_index=False).agg(
        n_evidence=("dated_on", "size"), last_on=("dated_on", "max")
    )
    subjects = subjects.merge(counted, on="employee_id", how="left")
    subjects["n_evidence"] = subjects["n_evidence"].fillna(0).astype("int64")
    share, low, high = None, None, None
    if ends_on is not None and len(evidence):
        start = ends_on - pd.Timedelta(days=RECENT_DAYS)
        share, low, high = clustered_share(
            evidence["dated_on"].gt(start), evidence["employee_id"], level
        )
    present = employees[employees["left_on"].isna()] if "left_on" in employees else employees
    unrated = sorted(set(present["employee_id"]) - set(ratings["employee_id"]))
    return Evidence(
        subjects=subjects,
        unrated=tuple(unrated),
        share_rationale=float(pairs["has"].mean()),
        share_recent=share,
        share_recent_low=low,
        share_recent_high=high,
        n_evidence=len(evidence),
    )
