"""Which of many tests stand when false discoveries are to stay rare?

Source: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.

Assumes independent or positively dependent tests within one family: one question × one department.
It cannot tell how large an effect is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def benjamini_hochberg(p: FloatArray, q: float) -> BoolArray:
    """Reject the hypotheses whose expected share of false discoveries stays below ``q``.

    Parameters
    ----------
    p : ndarray, (n,)
        p-values, 0-1; NaN where no test was possible. NaN counts in no family.
    q : float
        Share of false discoveries accepted, between 0 and 1.

    Returns
    -------
    ndarray of bool, (n,)
        True where rejected; never where ``p`` is NaN.
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"expected a share between 0 and 1, got {q}")
    values = np.asarray(p, dtype=float)
    known = np.flatnonzero(~np.isnan(values))
    ordered = np.sort(values[known])
    passes = np.flatnonzero(ordered <= q * np.arange(1, len(ordered) + 1) / max(len(ordered), 1))
    rejected = np.zeros(len(values), dtype=bool)
    if len(passes):
        rejected[known] = values[known] <= ordered[passes[-1]]
    return rejected


def bayesian_discoveries(probability: FloatArray, q: float) -> BoolArray:
    """Accept the surest statements whose expected share of errors stays at most ``q``.

    Source: Newton, Noueiry, Sarkar & Ahlquist (2004), Biostatistics 5, 155-176.

    Parameters
    ----------
    probability : ndarray, (n,)
        Posterior probability that each statement is true, 0-1; NaN is never accepted.
    q : float
        Share of errors accepted, between 0 and 1.

    Returns
    -------
    ndarray of bool, (n,)
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"expected a share between 0 and 1, got {q}")
    values = np.asarray(probability, dtype=float)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(-values[known], kind="stable")]
    error = np.cumsum(1.0 - values[order]) / np.arange(1, len(order) + 1)
    accepted = np.zeros(len(values), dtype=bool)
    # the mean error only grows along the list
    accepted[order[error <= q]] = True
    return accepted
