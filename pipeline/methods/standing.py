"""With whom can a person be compared, and where does the person stand among them?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Standing:
    """Each subject beside comparable ones.

    Attributes
    ----------
    subjects
        One row per subject: subject_id, employee_id, score (weighted mean over criteria of the
        mean over raters, scale points), n_raters, n_ratings, spread (largest minus smallest
        rater mean over criteria both rated; missing with one rater), group (number of the comparable
        group), position (1 = highest score in the group, ties share the middle rank; missing
        below the floor), previous (score in the last earlier cycle, missing without one),
        change (score minus previous).
    groups
        One row per comparable group: group, label (levels and families it holds, such as
        "B · Verkoop"), job_levels, job_families (tuples), n, mean, sd, merged (bool: made
        of groups too small by themselves), shown (bool: n reaches the floor).
    floor
        Smallest group within which a position is given.
    """

    subjects: pd.DataFrame
    groups: pd.DataFrame
    floor: int


def estimate_standing(
    ratings: pd.DataFrame,
    *,
    employees: pd.DataFrame,
    criteria: pd.DataFrame,
    history: pd.DataFrame,
    floor: int = 5,
) -> Standing:
    """See module; filled in by the methods work."""
    raise NotImplementedError
