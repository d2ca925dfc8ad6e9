"""Which raters can be compared: who shares subjects with whom?

Model: the graph of raters and subjects, joined where a rater rated a subject. Raters in one
connected part share subjects, directly or through others. Only within a part can a strict rater
be told from a weaker team (METHODS section 0; Weeks & Williams 1964 on connected designs).

Assumes that ratings of one session and cycle come in. It cannot tell whether shared subjects are
typical of what a rater rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Design:
    """The design of the ratings of one session.

    Attributes
    ----------
    raters
        One row per rater, ordered by identifier: rater_id; component (0 is the largest, by
        ratings); n_subjects; n_ratings; n_shared (subjects that another rater rated too);
        n_partners (other raters of these subjects); verdict, one of ``"comparable"``,
        ``"weakly_linked"``, ``"not_comparable"``.
    subjects
        One row per subject: subject_id, component, n_raters.
    verdict
        ``"linked"``: one part; ``"unlinked_groups"``: several parts with shared subjects in at
        least one of them; ``"nested"``: no subject has two raters; ``"one_rater"``: there is only
        one rater.
    n_components, n_raters, n_subjects, n_ratings
        Counts.
    share_shared
        Share (0–1) of the subjects that have two raters or more.
    """

    raters: pd.DataFrame
    subjects: pd.DataFrame
    verdict: str
    n_components: int
    n_raters: int
    n_subjects: int
    n_ratings: int
    share_shared: float


def estimate_design(
    ratings: pd.DataFrame, *, minimum_shared: int = 3, minimum_partners: int = 2
) -> Design:
    """See module; filled in by the methods work."""
    raise NotImplementedError
