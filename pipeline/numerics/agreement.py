"""How far raters agree: the statistics of agreement in one place.

===============================  ==========================================================
`icc`                            share of score variance that is due to subjects
                                 (`numerics.icc`)
`krippendorff_alpha`             agreement beyond chance, many raters, missing scores
                                 (`numerics.alpha`)
`pooled_alpha_interval`          the same over several criteria (`numerics.alpha`)
`weighted_kappa`                 agreement beyond chance of two raters (`numerics.kappa`)
`pair_kappa`                     the same over all pairs of raters (`numerics.pair_kappa`)
`within_one_point`               share of rater pairs that differ at most one point (here)
===============================  ==========================================================

All take a table of subjects x raters (kappa: two lists), NaN for a missing score, never change
it, and raise `DegenerateTable` with a plain reason when the scores cannot answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.numerics.alpha import (
    AlphaInterval,
    Metric,
    krippendorff_alpha,
    krippendorff_alpha_interval,
    pooled_alpha_interval,
)
from pipeline.numerics.icc import IccResult, icc
from pipeline.numerics.kappa import (
    KappaInterval,
    KappaWeights,
    weighted_kappa,
    weighted_kappa_interval,
)
from pipeline.numerics.pair_kappa import PairKappa, pair_kappa
from pipeline.numerics.rating_table import (
    DegenerateTable,
    FloatArray,
    Interval,
    TableLike,
    check_level,
    read_table,
)

__all__ = [
    "AlphaInterval",
    "DegenerateTable",
    "IccResult",
    "Interval",
    "KappaInterval",
    "KappaWeights",
    "Metric",
    "PairKappa",
    "WithinOnePoint",
    "icc",
    "krippendorff_alpha",
    "krippendorff_alpha_interval",
    "pair_kappa",
    "pooled_alpha_interval",
    "weighted_kappa",
    "weighted_kappa_interval",
    "within_one_point",
]

# Scores such as 0.1 + 0.2 carry rounding; a difference of one point may come out a hair above.
_ONE_POINT = 1 + 1e-9


@dataclass(frozen=True)
class WithinOnePoint:
    """Share of rater pairs whose scores for a subject differ at most one point.

    Attributes
    ----------
    share : float
        Pairs that differ at most one point over all pairs, 0 to 1.
    ci_low, ci_high : float
        Limits of the interval for `share`, within 0 to 1.
    level : float
        Confidence level of the interval.
    n_pairs : int
        Pairs of scores of the same subject.
    n_subjects : int
        Subjects with at least two scores.
    """

    share: float
    ci_low: float
    ci_high: float
    level: float
    n_pairs: int
    n_subjects: int


def within_one_point(table: TableLike, level: float = 0.95) -> WithinOnePoint:
    """Share of rater pairs within subjects that differ at most one scale point.

    Parameters
    ----------
    table : array-like or pandas.DataFrame, shape (n_subjects, n_raters)
        Scores in scale points, NaN where a rater gave none.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    WithinOnePoint

    Raises
    ------
    DegenerateTable
        One rater, one subject, or fewer than two subjects with two scores.

    Notes
    -----
    Easy to read, but not corrected for chance: on a five-point scale where most scores are 3
    or 4 it is high without any real agreement. Show it beside alpha or an ICC.

    Pairs of one subject depend on each other, so the interval is Wilson's with an effective
    number of pairs: the number of independent pairs that would give the variance between
    subjects that was seen (ratio estimator over subjects, t instead of normal quantiles; Korn &
    Graubard 1998). It is at most the number of scores beyond the first per subject. When
    subjects do not vary at all, it is the number of subjects. That a strict rater lowers many
    pairs at once is not covered: the interval is about these raters.
    """
    level = check_level(level)
    scores = read_table(table)
    n_scores = np.sum(~np.isnan(scores), axis=1)
    scores, n_scores = scores[n_scores >= 2], n_scores[n_scores >= 2]
    n_subjects = n_scores.size
    if n_subjects < 2:
        raise DegenerateTable(
            f"{n_subjects} subject(s) were scored by two raters or more; two are needed"
        )
    pairs = n_scores * (n_scores - 1) / 2
    close = _close_pairs(scores)
    n_pairs = int(pairs.sum())
    share = float(close.sum() / n_pairs)

    residual = close - share * pairs
    variance = n_subjects / (n_subjects - 1) * float(residual @ residual) / n_pairs**2
    tail = (1 + level) / 2
    z = float(stats.norm.ppf(tail))
    if variance > 0:
        few_subjects = (z / float(stats.t.ppf(tail, n_subjects - 1))) ** 2
        n_effective = share * (1 - share) / variance * few_subjects
        n_effective = min(n_effective, float(np.sum(n_scores - 1)))
    else:
        n_effective = float(n_subjects)
    centre = (share + z**2 / (2 * n_effective)) / (1 + z**2 / n_effective)
    half = (
        z
        / (1 + z**2 / n_effective)
        * float(np.sqrt(share * (1 - share) / n_effective + (z / (2 * n_effective)) ** 2))
    )
    # The limits pass 0 and 1 by rounding when the share is 0 or 1.
    return WithinOnePoint(
        share=share,
        ci_low=max(0.0, min(centre - half, share)),
        ci_high=min(1.0, max(centre + half, share)),
        level=level,
        n_pairs=n_pairs,
        n_subjects=n_subjects,
    )


def _close_pairs(scores: FloatArray) -> FloatArray:
    """Pairs per subject that differ at most one point, shape (n_subjects,)."""
    close = np.empty(scores.shape[0])
    for row, own in enumerate(np.sort(scores, axis=1)):
        given = own[~np.isnan(own)]
        reach = np.searchsorted(given, given + _ONE_POINT, side="right")
        close[row] = np.sum(reach - np.arange(1, given.size + 1))
    return close
