"""How are the scores spread: over the scale, per level, per rater?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Distribution:
    """Distribution of scores.

    Attributes
    ----------
    overall
        score, n, share: every point of the scale, n may be 0.
    by_level
        job_level, score, n, share within the level.
    by_criterion
        criterion_id, score, n, share within the criterion.
    by_rater
        One row per rater: rater_id, n_ratings, n_subjects, mean, ci_low, ci_high (interval of the
        mean over subjects; missing with fewer than two subjects), sd (of all scores; missing with
        one), share_top, share_bottom (share 0-1 at the ends of the scale).
    mean, ci_low, ci_high, sd
        Of all scores; the interval takes ratings of one subject together.
    n_ratings, n_subjects
        Counts.
    level
        Confidence level of the intervals.
    """

    overall: pd.DataFrame
    by_level: pd.DataFrame
    by_criterion: pd.DataFrame
    by_rater: pd.DataFrame
    mean: float
    ci_low: float
    ci_high: float
    sd: float
    n_ratings: int
    n_subjects: int
    level: float


def estimate_distribution(
    ratings: pd.DataFrame,
    *,
    employees: pd.DataFrame,
    points: list[float],
    level: float = 0.95,
) -> Distribution:
    """See module; filled in by the methods work."""
    raise NotImplementedError
