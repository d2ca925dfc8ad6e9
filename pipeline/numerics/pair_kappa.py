"""Weighted kappa over all pairs of raters at once: agreement beyond chance, pair by pair.

For each pair of raters quadratic-weighted kappa is ``1 - D_o / D_e`` (`numerics.kappa`), with D_o
the mean squared difference on shared subjects and D_e what their two sets of scores would give
independently. The pooled value is ``1 - sum(n D_o) / sum(n D_e)`` over pairs, and over criteria
where there are several, each beside its own chance.

Sources: Cohen (1968); Schouten (1982), Statistica Neerlandica 36, 45-61 (pooling pairs).

Assumes that who rated whom does not depend on the scores. It cannot tell which of two raters
deviates. Like every kappa it is low where subjects hardly differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.numerics.rating_table import (
    DegenerateTable,
    FloatArray,
    TableLike,
    check_level,
    no_disagreement_low,
    read_scores,
)


@dataclass(frozen=True)
class PairKappa:
    """Quadratic-weighted kappa of all pairs of raters.

    Attributes
    ----------
    kappa : float
        Pooled over pairs: 1 full agreement, 0 what chance gives, below 0 worse.
    ci_low, ci_high : float
        Limits for these raters, from the influence of each subject, within -1 to 1.
    level : float
        Confidence level of the interval.
    median, lowest, highest : float
        Of the kappas of single pairs with at least `least_shared` shared scores; NaN where no
        pair has as many.
    n_pairs : int
        Pairs of raters with at least two shared scores on a criterion.
    n_single : int
        Pairs that `median`, `lowest` and `highest` are about.
    n_subjects : int
        Subjects scored by a pair.
    """

    kappa: float
    ci_low: float
    ci_high: float
    level: float
    median: float
    lowest: float
    highest: float
    n_pairs: int
    n_single: int
    n_subjects: int


def pair_kappa(
    tables: Sequence[TableLike], level: float = 0.95, *, least_shared: int = 10
) -> PairKappa:
    """Weighted kappa over all pairs of raters.

    Parameters
    ----------
    tables : sequence of array-like, each (n_subjects, n_raters)
        One per criterion, NaN where a rater gave no score; rows and columns are the same subjects
        and raters in all.
    level : float
        Confidence level, between 0 and 1.
    least_shared : int
        Shared scores, over criteria, that the kappa of a single pair needs.

    Returns
    -------
    PairKappa

    Raises
    ------
    DegenerateTable
        No pair shares two scores, or the scores of all pairs are the same.
    """
    level = check_level(level)
    first = read_scores(tables[0])
    n_subjects, n_raters = first.shape
    observed, expected = np.zeros((n_raters, n_raters)), np.zeros((n_raters, n_raters))
    shared = np.zeros((n_raters, n_raters))
    of_observed, of_expected = np.zeros(n_subjects), np.zeros(n_subjects)
    seen = np.zeros(n_subjects, dtype=bool)
    for table in tables:
        scores = read_scores(table)
        given = (~np.isnan(scores)).astype(float)
        # around the middle, for the sums of squares of large numbers lose their digits
        x = np.nan_to_num(scores - np.nanmean(scores)) if given.any() else np.zeros_like(scores)
        own = _sums(x, given)
        observed += own[0]
        expected += own[1]
        shared += own[2]
        influence = _influence(x, given, *own[2:])
        of_observed += influence[0]
        of_expected += influence[1]
        seen |= (given * (given @ (own[2] > 0))).sum(axis=1) > 0
    upper = np.triu_indices(n_raters, 1)
    total_observed, total_expected = observed[upper].sum(), expected[upper].sum()
    if not (shared[upper] > 0).any():
        raise DegenerateTable("no two raters share two subjects")
    if total_expected <= 1e-12:
        raise DegenerateTable("all shared scores are the same, so agreement is no choice")
    n = int(seen.sum())
    ratio = float(total_observed / total_expected)
    low, high = _limits(ratio, (of_observed - ratio * of_expected)[seen] / total_expected, level)
    enough = (shared[upper] >= least_shared) & (expected[upper] > 1e-12)
    single = 1 - observed[upper][enough] / expected[upper][enough]
    some = single.size > 0
    return PairKappa(
        kappa=1 - ratio,
        ci_low=low,
        ci_high=high,
        level=level,
        median=float(np.median(single)) if some else float("nan"),
        lowest=float(single.min()) if some else float("nan"),
        highest=float(single.max()) if some else float("nan"),
        n_pairs=int((shared[upper] > 0).sum()),
        n_single=int(single.size),
        n_subjects=n,
    )


def _sums(
    x: FloatArray, given: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Per pair: n D_o, n D_e, n and the mean of the row's rater on what both scored; 0 if n < 2.

    Returns
    -------
    tuple of ndarray, (n_raters, n_raters) each
    """
    n = given.T @ given
    n *= n >= 2
    np.fill_diagonal(n, 0.0)
    squares = (x**2).T @ given
    per_pair = squares + squares.T
    mean = np.divide(x.T @ given, n, out=np.zeros_like(n), where=n > 0)
    observed = np.where(n > 0, np.maximum(per_pair - 2 * x.T @ x, 0.0), 0.0)
    expected = np.where(n > 0, np.maximum(per_pair - 2 * n * mean * mean.T, 0.0), 0.0)
    return observed, expected, n, mean


def _influence(
    x: FloatArray, given: FloatArray, n: FloatArray, mean: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find what each subject adds to the sums of n D_o and n D_e over pairs, (n_subjects,) each."""
    linked = (n > 0).astype(float)
    partners = given * (given @ linked)
    squares = (partners * x**2).sum(axis=1)
    observed = squares - (x * (x @ linked)).sum(axis=1)
    # derivative of -2 S_a S_b / n to a subject with scores a and b
    cross = (given * (x @ mean)).sum(axis=1) - (given * (given @ (mean * mean.T))).sum(axis=1) / 2
    return observed, squares - 2 * cross


def _limits(ratio: float, influence: FloatArray, level: float) -> tuple[float, float]:
    n = influence.size
    if ratio <= 1e-12:
        return no_disagreement_low(n, level), 1.0
    if n < 2:
        raise DegenerateTable("only one subject was scored by two raters or more; two are needed")
    se = float(np.sqrt(n / (n - 1) * np.sum((influence - influence.mean()) ** 2)))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * se
    return max(1 - ratio - half, -1.0), min(1 - ratio + half, 1.0)
