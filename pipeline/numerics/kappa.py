"""Kappa: how far two raters agree beyond chance on the same subjects.

Cohen's kappa compares the disagreement seen between two raters with the disagreement their
own score distributions would give if they rated independently; weighted kappa counts a large
difference as more disagreement than a small one.

Assumes pairs of scores are independent of each other. It cannot tell *why* two raters differ:
a strict rater and an erratic one can have the same kappa. It depends on how the scores are
spread: when nearly everybody gets the same score kappa is low although the raters mostly
agree (Feinstein & Cicchetti 1990), so show the share of agreement beside it.

Sources: Cohen (1960, 1968); Fleiss, Cohen & Everitt (1969) for the large-sample error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import stats

from pipeline.numerics.rating_table import (
    DegenerateTable,
    FloatArray,
    ScoresLike,
    check_level,
    no_disagreement_low,
    read_scores,
)

KappaWeights = Literal["unweighted", "linear", "quadratic"]


@dataclass(frozen=True)
class KappaInterval:
    """Weighted kappa with its large-sample interval.

    Attributes
    ----------
    kappa : float
        Agreement beyond chance: 1 full agreement, 0 what chance gives, below 0 worse.
    se : float
        Large-sample standard error of `kappa` (not the error under "kappa is 0"); 0 only when
        every pair agrees.
    ci_low, ci_high : float
        Limits of the interval for `kappa`, within -1 to 1.
    level : float
        Confidence level of the interval.
    weights : {"unweighted", "linear", "quadratic"}
        How a difference counts as disagreement.
    n_pairs : int
        Subjects scored by both raters.
    """

    kappa: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    weights: KappaWeights
    n_pairs: int


def weighted_kappa(
    a: ScoresLike,
    b: ScoresLike,
    weights: KappaWeights = "unweighted",
    categories: Sequence[float] | None = None,
) -> float:
    """Cohen's kappa, plain or weighted, between two raters.

    Parameters
    ----------
    a, b : array-like of float, shape (n,)
        The scores of the two raters for the same subjects, matched by position. Pairs with a
        missing score are left out.
    weights : {"unweighted", "linear", "quadratic"}
        Disagreement of a pair: 1 if the scores differ, their absolute difference, or its
        square.
    categories : sequence of float, optional
        All points of the scale in order. When given, difference is counted in steps along this
        list, as for a scale whose numbers are only labels. When not, in the scores' own units,
        so that a scale point nobody used still counts in the distance. On an evenly spaced
        scale the two are the same.

    Returns
    -------
    float
        1 for full agreement, 0 for what chance gives, negative below chance.

    Raises
    ------
    DegenerateTable
        Unknown weights; lists of unequal length; fewer than two shared subjects; a rater who
        gave one score throughout (kappa is then 0 whatever the other rater did); scores not
        among `categories`.

    Notes
    -----
    kappa = 1 - D_o / D_e with D_o the mean disagreement of the pairs and D_e that of all
    combinations of one score of each rater. With quadratic weights this is close to the
    intraclass correlation ICC(A,1) (Fleiss & Cohen 1973).
    """
    observed, expected, _ = _disagreements(a, b, weights, categories)
    return float(1 - observed.mean() / expected)


def weighted_kappa_interval(
    a: ScoresLike,
    b: ScoresLike,
    weights: KappaWeights = "unweighted",
    categories: Sequence[float] | None = None,
    level: float = 0.95,
) -> KappaInterval:
    """Weighted kappa with the large-sample interval of Fleiss, Cohen & Everitt (1969).

    Parameters
    ----------
    a, b, weights, categories
        As for `weighted_kappa`.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    KappaInterval
        ``kappa ± z · se``, cut off at -1 and 1. When every pair agrees the formula gives no
        width; then the lower limit is that of `no_disagreement_low`.

    Raises
    ------
    DegenerateTable
        As for `weighted_kappa`; or the pairs differ but leave no variation for an error.

    Notes
    -----
    The approximation wants some tens of pairs; on fewer the interval is too narrow.
    """
    level = check_level(level)
    observed, expected, chance = _disagreements(a, b, weights, categories)
    n_pairs = observed.size
    ratio = float(observed.mean() / expected)
    kappa = 1 - ratio
    if not observed.any():
        low = no_disagreement_low(n_pairs, level)
        return KappaInterval(kappa, 0.0, low, 1.0, level, weights, n_pairs)
    # Influence of each pair on D_o / D_e; its spread is the published variance, written per
    # pair instead of per cell of the cross-table.
    influence = (observed - ratio * chance) / expected
    se = float(np.sqrt(influence.var() / n_pairs))
    if se < 1e-10:
        raise DegenerateTable("the pairs of scores vary too little to give kappa an interval")
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    return KappaInterval(
        kappa, se, max(kappa - half, -1.0), min(kappa + half, 1.0), level, weights, n_pairs
    )


def _disagreements(
    a: ScoresLike, b: ScoresLike, weights: KappaWeights, categories: Sequence[float] | None
) -> tuple[FloatArray, float, FloatArray]:
    """Disagreement of each pair, its chance expectation, and each pair's chance terms.

    Returns ``observed`` (n_pairs,), ``expected`` > 0, and ``chance`` (n_pairs,): the mean
    disagreement of this pair's first score with all second scores plus that of its second
    score with all first scores.
    """
    if weights not in get_args(KappaWeights):
        raise DegenerateTable(f"weights must be one of {', '.join(get_args(KappaWeights))}")
    first, second = _read_pairs(a, b)
    if categories is not None:
        first, second = _steps(first, second, categories)
    values, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    code_a, code_b = codes[: first.size], codes[first.size :]
    # On the range 0 to 1, so that neither the size of the scale nor its square matters.
    points = (values - values[0]) / (values[-1] - values[0]) if values.size > 1 else values * 0
    difference = np.abs(points[:, None] - points[None, :])
    distance = {
        "unweighted": (difference > 0).astype(np.float64),
        "linear": difference,
        "quadratic": difference**2,
    }[weights]
    share_a = np.bincount(code_a, minlength=values.size) / first.size
    share_b = np.bincount(code_b, minlength=values.size) / first.size
    if share_a.max() == 1 or share_b.max() == 1:
        raise DegenerateTable(
            "a rater gave the same score throughout, so agreement beyond chance cannot be judged"
        )
    to_b, to_a = distance @ share_b, distance @ share_a
    return distance[code_a, code_b], float(share_a @ to_b), to_b[code_a] + to_a[code_b]


def _read_pairs(a: ScoresLike, b: ScoresLike) -> tuple[FloatArray, FloatArray]:
    """Scores of the subjects that both raters scored."""
    first, second = read_scores(a), read_scores(b)
    if first.ndim != 1 or first.shape != second.shape:
        raise DegenerateTable("expected two lists of scores of equal length, one per rater")
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < 2:
        raise DegenerateTable(f"the two raters share {both.sum()} subject(s); two are needed")
    return first[both], second[both]


def _steps(
    first: FloatArray, second: FloatArray, categories: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """Replace scores by their position in the list of categories."""
    scale = read_scores(categories)
    if (
        scale.ndim != 1
        or scale.size < 2
        or np.isnan(scale).any()
        or np.unique(scale).size != scale.size
    ):
        raise DegenerateTable("categories must be a list of two or more different numbers")
    order = np.argsort(scale)
    placed = []
    for scores in (first, second):
        at = np.searchsorted(scale[order], scores).clip(max=scale.size - 1)
        if np.any(scale[order][at] != scores):
            raise DegenerateTable("a score is not among the categories given")
        placed.append(order[at].astype(np.float64))
    return placed[0], placed[1]
