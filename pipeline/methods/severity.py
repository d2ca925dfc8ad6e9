"""How strict is each rater, once who was rated is taken into account?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Severity:
    """Severity of raters, in scale points, positive = gives lower scores.

    Attributes
    ----------
    raters
        One row per rater in a comparable part: rater_id; component; severity (shrunken, mean
        0 within its component); se; ci_low; ci_high; p_practical (probability, 0-1, that the
        severity is larger than ``practical_difference`` in either direction); n_subjects;
        n_ratings.
    var_subject, var_rater, var_residual
        Variance components, in squared scale points, 0 or more.
    share_rater
        Share (0-1) of the variance of a single score that is rater-related; with
        share_rater_low and share_rater_high its interval.
    p_rater
        p-value of a likelihood-ratio test of no rater variance (boundary: half of chi-square 1).
    practical_difference
        Scale points that matter in practice.
    level
        Confidence level of the intervals.
    engine
        ``"statsmodels MixedLM"`` or ``"crossed REML"``.
    n_left_out
        Raters without a severity because they share no subject with the others.
    """

    raters: pd.DataFrame
    var_subject: float
    var_rater: float
    var_residual: float
    share_rater: float
    share_rater_low: float
    share_rater_high: float
    p_rater: float
    practical_difference: float
    level: float
    engine: str
    n_left_out: int


def estimate_severity(
    ratings: pd.DataFrame,
    *,
    component: pd.Series,
    level: float = 0.95,
    practical_difference: float = 0.3,
    statsmodels_most_ratings: int = 600,
) -> Severity:
    """See module; filled in by the methods work."""
    raise NotImplementedError
