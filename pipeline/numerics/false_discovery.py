"""Which of many findings may be named so that few of them are false?

`benjamini_hochberg` works on p-values of tests, `bayesian_discoveries` on probabilities that a
finding is real.

Sources: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300; Newton, Noueiry, Sarkar &
Ahlquist (2004), Biostatistics 5, 155-176 (mean of 1 - probability over the list).

Assumes independent or positively dependent tests, or probabilities that hold as stated. It cannot
tell which of the named findings are the false ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """Return adjusted p-values; those up to q make a list with false discovery rate q.

    Parameters
    ----------
    p_values : array_like, (n,)
        From 0 to 1, of one family of tests. NaN is no test: it stays NaN and does not count.

    Returns
    -------
    ndarray, (n,)
    """
    p = np.asarray(p_values, dtype=float)
    adjusted: FloatArray = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted


def bayesian_discoveries(probability: npt.ArrayLike, rate: float) -> tuple[BoolArray, FloatArray]:
    """Name the most probable findings while the expected share of false ones is at most a rate.

    Parameters
    ----------
    probability : array_like, (n,)
        That each finding is real, from 0 to 1; NaN is never named.
    rate : float
        Largest mean of ``1 - probability`` over the list.

    Returns
    -------
    named : ndarray of bool, (n,)
        Findings with the same probability are all named or all not.
    false_rate : ndarray, (n,)
        Mean of ``1 - probability`` over the findings at least as probable.
    """
    p = np.asarray(probability, dtype=float)
    order = np.argsort(-p, kind="stable")[: int(np.isfinite(p).sum())]  # NaN sorts last
    mean = np.cumsum(1.0 - p[order]) / np.arange(1, len(order) + 1)
    # equally probable findings stand or fall together
    last = np.searchsorted(-p[order], -p[order], side="right") - 1
    false_rate: FloatArray = np.full(len(p), np.nan)
    false_rate[order] = mean[last]
    return false_rate <= rate + 1e-12, false_rate
