"""Are there groups of people whose ratings over the criteria follow another pattern?

No structure is the default.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.errors import Message


@dataclass(frozen=True)
class Profiles:
    """Profiles of ratings over criteria; ``n_profiles`` is 1 where no structure is claimed.

    Attributes
    ----------
    n_profiles
        Number of profiles; 1 means that no structure was found.
    members
        subject_id, profile (0 = the largest), p (posterior probability 0-1 of membership).
    profiles
        One row per profile × criterion: profile, n, criterion_id, mean (scale points),
        difference (profile mean minus mean over all, scale points).
    description
        Per profile what sets it apart, as messages, in order of profile.
    checks
        The four conditions: name (``"bic_gain"``, ``"gap_clusters"``, ``"bootstrap_p"``,
        ``"jaccard"``), value, threshold, passed (bool).
    n_subjects, n_criteria
        Counts.
    """

    n_profiles: int
    members: pd.DataFrame
    profiles: pd.DataFrame
    description: tuple[Message, ...]
    checks: pd.DataFrame
    n_subjects: int
    n_criteria: int


def estimate_profiles(
    ratings: pd.DataFrame, *, seed: int = 1, n_bootstrap: int = 199
) -> Profiles:
    """See module; filled in by the methods work."""
    raise NotImplementedError
