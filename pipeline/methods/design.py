"""Which raters can be compared: who shares subjects with whom?

Model: the graph of raters and subjects, joined where a rater rated a subject. Raters in one
connected part (component) share subjects, directly or through others. Only within a component
can a strict rater be told from a weaker team.

Source: Weeks & Williams (1964), Technometrics 6, 319-324, on connected
designs.

Assumes that the ratings of one session and cycle come in, and that a ``subject_id`` is the same
subject wherever it occurs. The main component is the one with most ratings among those that hold
two raters or more. A rater is

- comparable: in the main component, with at least ``minimum_shared`` shared subjects and
  ``minimum_partners`` partners; where the main component has fewer other raters than that, all
  of them are asked for (two raters can only have each other);
- weakly linked: in the main component, below one of these minima;
- not comparable: outside the main component, so that nothing leads from this rater to the rest.

It cannot tell whether shared subjects are typical of what a rater rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.errors import NotEstimable, msg

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """The design of the ratings of one session.

    Attributes
    ----------
    raters
        One row per rater, ordered by identifier: rater_id; component (0 is the main one: the
        largest, by ratings, of those with two raters or more; then by ratings, those with one
        rater last); n_subjects; n_ratings; n_shared (subjects that another rater rated too);
        n_partners (other raters of these subjects); verdict, one of ``"comparable"``,
        ``"weakly_linked"``, ``"not_comparable"``.
    subjects
        One row per subject, ordered by identifier: subject_id, component, n_raters.
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
    """Find which raters share subjects, directly or through others.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    minimum_shared
        Shared subjects that make a rater comparable.
    minimum_partners
        Other raters of these subjects that make a rater comparable.

    Returns
    -------
    Design

    Raises
    ------
    NotEstimable
        There are no ratings.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    rater, rater_ids = pd.factorize(rated["rater_id"], sort=True)
    subject, subject_ids = pd.factorize(rated["subject_id"], sort=True)
    n_raters, n_subjects = len(rater_ids), len(subject_ids)
    met = _incidence(rater, subject, n_raters, n_subjects)
    per_subject = np.asarray(met.sum(axis=0), dtype=np.int64)
    shared = per_subject >= 2
    n_shared = np.asarray(met[:, shared].sum(axis=1), dtype=np.int64)
    n_partners = _partners(met[:, shared])
    n_ratings = np.bincount(rater, minlength=n_raters)
    of_rater, of_subject = _components(met, n_ratings)
    in_main = (of_rater == 0) & (n_shared > 0)
    partners_needed = min(minimum_partners, int(in_main.sum()) - 1)
    enough = (n_shared >= minimum_shared) & (n_partners >= partners_needed)
    verdict = np.where(in_main & enough, "comparable", "weakly_linked")
    verdict = np.where(in_main, verdict, "not_comparable")
    n_components = int(of_rater.max()) + 1
    return Design(
        raters=pd.DataFrame(
            {
                "rater_id": pd.Series(rater_ids),
                "component": of_rater,
                "n_subjects": np.asarray(met.sum(axis=1), dtype=np.int64),
                "n_ratings": n_ratings,
                "n_shared": n_shared,
                "n_partners": n_partners,
                "verdict": pd.Series(verdict, dtype="str"),
            }
        ),
        subjects=pd.DataFrame(
            {
                "subject_id": pd.Series(subject_ids),
                "component": of_subject,
                "n_raters": per_subject,
            }
        ),
        verdict=_verdict(n_raters, n_components, bool(shared.any())),
        n_components=n_components,
        n_raters=n_raters,
        n_subjects=n_subjects,
        n_ratings=len(rated),
        share_shared=float(shared.mean()),
    )


def _verdict(n_raters: int, n_components: int, any_shared: bool) -> str:
    if n_raters == 1:
        return "one_rater"
    if not any_shared:
        return "nested"
    return "linked" if n_components == 1 else "unlinked_groups"


def _incidence(
    rater: npt.NDArray[Any], subject: npt.NDArray[Any], n_raters: int, n_subjects: int
) -> sparse.csr_array:
    """Who rated whom: 1 where a rater rated a subject, (n_raters, n_subjects)."""
    cells = np.unique(rater.astype(np.int64) * n_subjects + subject)
    ones = np.ones(len(cells), dtype=np.int32)
    where = (cells // n_subjects, cells % n_subjects)
    return sparse.csr_array((ones, where), shape=(n_raters, n_subjects))


def _partners(met: sparse.csr_array) -> IntArray:
    """Count the other raters that each rater shares a subject with, (n_raters,)."""
    together = met @ met.T
    # every rater with a shared subject meets itself once
    others: IntArray = np.diff(together.indptr).astype(np.int64) - (together.diagonal() > 0)
    return others


def _components(met: sparse.csr_array, n_ratings: npt.NDArray[Any]) -> tuple[IntArray, IntArray]:
    """Return the number of the connected part of each rater and of each subject."""
    n_raters = met.shape[0]
    graph = sparse.block_array([[None, met], [met.T, None]])
    n_parts, part = csgraph.connected_components(graph, directed=False)
    of_rater, of_subject = part[:n_raters], part[n_raters:]
    size = np.bincount(of_rater, weights=n_ratings, minlength=n_parts)
    linked = np.bincount(of_rater, minlength=n_parts) >= 2
    first = np.full(n_parts, n_raters)
    np.minimum.at(first, of_rater, np.arange(n_raters))
    number = np.empty(n_parts, dtype=np.int64)
    number[np.lexsort((first, -size, ~linked))] = np.arange(n_parts)
    return number[of_rater], number[of_subject]
