"""Fit a cumulative logit model with fixed terms: an ordered outcome without a scale of its own.

Model: logit P(x <= k) = threshold_k - X beta (proportional odds), by maximum likelihood with
statsmodels' `OrderedModel`; the same model and signs as `clm` of the R package *ordinal*.

Source: McCullagh (1980), J. R. Stat. Soc. B 42, 109-142. It cannot cope with many fixed terms
per observation: estimates then are too large (incidental parameters), or infinite.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special
from statsmodels.miscmodels.ordinal_model import OrderedModel

FloatArray = npt.NDArray[np.float64]

_NO_ESTIMATE = 12.0  # logits beyond which an estimate is on its way to infinity


class OrderedLogitError(ValueError):
    """The model has no finite or no unique answer for these scores."""


@dataclass(frozen=True, eq=False)
class OrderedLogitFit:
    """A fitted cumulative logit model; all in logits.

    Attributes
    ----------
    beta : ndarray, (p,)
        Per unit of X; positive raises the score.
    threshold : ndarray, (K,)
        Between category k - 1 and k, increasing.
    cov : ndarray, (p + K, p + K)
        Covariance of beta and the thresholds.
    loglik : float
    probability : ndarray, (n, K + 1)
        Of each category for each row.
    """

    beta: FloatArray
    threshold: FloatArray
    cov: FloatArray = field(repr=False)
    loglik: float
    probability: FloatArray = field(repr=False)


def fit_ordered_logit(category: npt.ArrayLike, x: npt.ArrayLike) -> OrderedLogitFit:
    """Fit categories 0 .. K, each used, on the columns of `x` (no intercept).

    Parameters
    ----------
    category : array_like of int, (n,)
    x : array_like, (n, p)

    Returns
    -------
    OrderedLogitFit

    Raises
    ------
    OrderedLogitError
        Columns that depend on each other, an estimate that tends to infinity, no convergence.
    """
    codes, columns = np.asarray(category, dtype=np.intp), np.asarray(x, dtype=float)
    n, p = columns.shape
    if np.linalg.matrix_rank(np.column_stack([np.ones(n), columns])) < p + 1:
        raise OrderedLogitError("the columns depend on each other")
    model = OrderedModel(codes, columns, distr="logit")
    with warnings.catch_warnings():
        # it is judged below by what it found, not by what it warned of
        warnings.simplefilter("ignore")
        try:
            found = model.fit(method="bfgs", maxiter=1000, gtol=1e-8, disp=0, skip_hessian=True)
        except (np.linalg.LinAlgError, ValueError):
            raise OrderedLogitError("no convergence") from None
    beta = np.asarray(found.params[:p], dtype=float)
    threshold = np.asarray(model.transform_threshold_params(found.params)[1:-1], dtype=float)
    largest = max(float(np.abs(beta).max(initial=0.0)), float(np.abs(threshold).max()))
    if not np.isfinite(found.llf) or not largest < _NO_ESTIMATE * 2:
        raise OrderedLogitError("an estimate tends to infinity")
    below = special.expit(threshold - (columns @ beta)[:, None])
    below = np.column_stack([np.zeros(n), below, np.ones(n)])
    probability = np.diff(below, axis=1)
    slope = below * (1 - below)
    cov = _covariance(codes, columns, probability, slope)
    return OrderedLogitFit(beta, threshold, cov, float(found.llf), probability)


def _covariance(
    codes: npt.NDArray[np.intp], columns: FloatArray, probability: FloatArray, slope: FloatArray
) -> FloatArray:
    """Inverse of the observed information of beta and the thresholds."""
    n, p = columns.shape
    n_steps = slope.shape[1] - 2
    rows = np.arange(n)
    # derivative of each of the two limits of a score to beta and the thresholds
    limit = np.zeros((2, n, p + n_steps))
    limit[:, :, :p] = -columns
    for side, at in enumerate((codes, codes + 1)):
        inner = (at > 0) & (at <= n_steps)
        limit[side, rows[inner], p + at[inner] - 1] = 1.0
        limit[side, ~inner] = 0.0
    p_given = probability[rows, codes]
    information = np.zeros((p + n_steps, p + n_steps))
    score = np.zeros((n, p + n_steps))
    for side, (at, sign) in enumerate(((codes, -1.0), (codes + 1, 1.0))):
        first = slope[rows, at]
        # F'' = F'(1 - 2F) of the logistic distribution
        score += sign * (first / p_given)[:, None] * limit[side]
        second = sign * first * _bend(probability, at) / p_given
        information -= (limit[side] * second[:, None]).T @ limit[side]
    information += score.T @ score
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        raise OrderedLogitError("the scores do not determine all parameters") from None
    inverse: FloatArray = np.linalg.inv(information)
    return inverse


def _bend(probability: FloatArray, at: npt.NDArray[np.intp]) -> FloatArray:
    """1 - 2F at a limit."""
    below = np.column_stack([np.zeros(len(probability)), np.cumsum(probability, axis=1)])
    bend: FloatArray = 1 - 2 * below[np.arange(len(at)), at]
    return bend
