"""Do raters give the same score to the same subject?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Agreement:
    """Agreement between raters on shared subjects.

    Attributes
    ----------
    overall
        icc_a1, icc_a1_low, icc_a1_high: absolute agreement of one rater (Shrout & Fleiss
        ICC(2,1)) on the mean over criteria; icc_ak with its interval: of the mean of k raters;
        icc_c1, icc_ck: consistency. A one-row frame.
    criteria
        One row per criterion: criterion_id, icc_a1, ci_low, ci_high (missing where not
        estimable), within_one, within_one_low, within_one_high (share 0-1 of pairs of raters of a
        subject at most one point apart), n_subjects, n_pairs, reason (a Message where an ICC
        cannot be estimated, else None).
    k
        Raters per subject that the k-forms are about.
    n_subjects, n_raters
        Shared subjects (two raters or more) and their raters.
    level
        Confidence level of the intervals.
    """

    overall: pd.DataFrame
    criteria: pd.DataFrame
    k: float
    n_subjects: int
    n_raters: int
    level: float


def estimate_agreement(ratings: pd.DataFrame, *, level: float = 0.95) -> Agreement:
    """See module; filled in by the methods work."""
    raise NotImplementedError
