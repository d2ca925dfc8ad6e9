"""How far can predicted effects be off when the variances themselves are uncertain?

Model: ``y = X beta + subject + subject:rater + rater + e``, the random-intercept model of
`crossed_reml` with few levels of the rater. A conditional SD takes the variances as known and is
too small with few levels. Here the posterior second moment of each effect around a given
prediction is averaged over a grid of variances, each weighted by its restricted likelihood with
the residual variance integrated out: flat in the SDs of the raters and of subject:rater, flat in
the logarithm of the ratio of subjects, all relative to the residual. Flat in the logarithm also
of subject:rater would favour a halo near 0, and intervals of few raters would be too short.

Sources: Gelman (2006), Bayesian Analysis 1, 515-534 (flat in the SD); Searle, Casella &
McCulloch (1992), Variance Components, ch. 9 (the posterior of the effects).

Assumes normal effects. Effects are taken as deviations from their mean within each connected part
of the design, so directions without information do not count. The SD of the raters is cut off at
the end of the grid, which matters with two or three raters only. Dense in the raters: for some
tens of them at most.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_N_SD, _N_SUBJECT, _N_PAIR = 41, 13, 9
_REACH = 20.0
_LEAST_RATIO = 0.05


def averaged_errors(
    y: FloatArray,
    X: FloatArray,
    codes: Mapping[str, IntArray],
    variance: Mapping[str, float],
    predicted: FloatArray,
    most_sd: float,
) -> FloatArray:
    """Root mean squared difference between predicted and true rater effects.

    Parameters
    ----------
    y : ndarray, (n,)
        Scores.
    X : ndarray, (n, p)
        Fixed effects of full rank, with an intercept for each connected part.
    codes : mapping of str to ndarray of int, each (n,)
        ``"rater"``, ``"subject"`` and, if the model has it, ``"pair"`` (subject × rater): levels
        counted from 0, each level in use.
    variance : mapping of str to float
        Estimates for these names and ``"residual"`` > 0, squared units of y: where to look.
    predicted : ndarray, (q,)
        Predicted effect per rater, units of y, mean 0 within each connected part.
    most_sd : float
        End of the grid for the SD of the raters, units of y.

    Returns
    -------
    ndarray, (q,)
        Units of y, > 0.

    Notes
    -----
    Subject and subject:rater are nested, so they are eliminated block by block for each pair of
    ratios; fixed effects are swept out, and what is left of the raters is diagonalised. Every SD
    of the raters then costs only a sum over raters.
    """
    residual, n_raters = variance["residual"], len(predicted)
    sd_ratio = np.linspace(0.0, most_sd / np.sqrt(residual), _N_SD)[:, None]
    of_subject = _ratios(variance["subject"] / residual, _N_SUBJECT)
    of_pair, log_prior = np.zeros(1), np.zeros(1)
    if "pair" in codes:
        of_pair = _ratios(variance["pair"] / residual, _N_PAIR)[1:]
        # the grid is even in the logarithm, of which the SD is half the exponent
        log_prior = np.log(of_pair) / 2
    # without a subject:rater term each row is a pair of its own
    pair = codes.get("pair", np.arange(len(y)))

    columns = np.column_stack([X, np.eye(n_raters)[codes["rater"]], y - y.mean()])
    p, nu = X.shape[1], len(y) - X.shape[1]
    per_pair = np.bincount(pair).astype(float)
    subject_of = codes["subject"][np.unique(pair, return_index=True)[1]]
    pair_sums = _sums(pair, columns)
    whole = columns.T @ columns
    logs, squares = [], []
    for pair_ratio, log_weight in zip(of_pair, log_prior, strict=True):
        left = 1.0 / (1.0 + pair_ratio * per_pair)
        weight = np.bincount(subject_of, weights=per_pair * left)
        subject_sums = _sums(subject_of, pair_sums * left[:, None])
        products = whole - pair_sums.T @ (pair_sums * (pair_ratio * left)[:, None])
        shrink = of_subject[:, None] / (1.0 + of_subject[:, None] * weight)
        swept = (subject_sums.T * shrink[:, None, :]) @ subject_sums
        rest, log_fixed = _without_fixed(products - swept, p)
        root, basis = np.linalg.eigh(rest[:, :-1, :-1])
        # directions without information do not count
        root = np.where(root > 1e-9 * root[:, -1:], root, 0.0)
        seen = np.einsum("skq,sk->sq", basis, rest[:, :-1, -1])
        gain = 1.0 + sd_ratio**2 * root[:, None, :]
        shares = np.where(root > 0, 1.0, 0.0)[:, None, :] * sd_ratio**2 / gain
        rss = rest[:, -1, -1:] - np.einsum("sgq,sq->sg", shares, seen**2)
        log_det = (
            np.log1p(of_subject[:, None] * weight).sum(axis=1) - np.log(left).sum() + log_fixed
        )
        log_likelihood = -(nu * np.log(rss) + log_det[:, None] + np.log(gain).sum(axis=2)) / 2
        logs.append(log_likelihood + log_weight)
        turned = basis.transpose(0, 2, 1)
        own = (rss / max(nu - 2, 1))[:, :, None] * (shares @ turned**2)
        squares.append(own + ((shares * seen[:, None, :]) @ turned - predicted) ** 2)
    log = np.array(logs)
    likelihood = np.exp(log - log.max())
    total = np.einsum("psg,psgk->k", likelihood, np.array(squares))
    errors: FloatArray = np.sqrt(total / likelihood.sum())
    return errors


def _without_fixed(cross: FloatArray, p: int) -> tuple[FloatArray, FloatArray]:
    """Sweep the first p columns out of cross-products (m, c, c); with their log determinants."""
    lower = np.linalg.cholesky(cross[:, :p, :p])
    half = np.linalg.solve(lower, cross[:, :p, p:])
    log_det = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    return cross[:, p:, p:] - half.transpose(0, 2, 1) @ half, log_det


def _ratios(centre: float, n: int) -> FloatArray:
    """Ratios around an estimate, evenly on the log scale, and 0."""
    around = max(centre, _LEAST_RATIO) * np.geomspace(1 / _REACH, _REACH, n)
    return np.concatenate([[0.0], around])


def _sums(code: IntArray, values: FloatArray) -> FloatArray:
    """Sum each column by level, (levels, columns)."""
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    sums: FloatArray = np.add.reduceat(values[order], starts, axis=0)
    return sums
