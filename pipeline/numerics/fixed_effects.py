"""How sure is a fixed effect when scores share subjects and raters?

Model: ``y = X beta + subject + rater + subject:rater + e`` by REML, with as many of the random
terms as the data can tell apart; with none of them, least squares. Degrees of freedom of one
coefficient by Satterthwaite: twice the squared variance of the estimate over the variance of that
variance, which follows from the covariance of the variance components.

Sources: Satterthwaite (1946), Biometrics Bull. 2, 110-114; Giesbrecht & Burns (1985), Biometrics
41, 477-486; Kuznetsova, Brockhoff & Christensen (2017), J. Stat. Softw. 82(13) (lmerTest).

Assumes normal effects. Variances found to be 0 are taken as 0. Dense in fixed effects and raters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.numerics.crossed_reml import CrossedModelError, fit_crossed
from pipeline.numerics.subject_rater import solve_subject_rater

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_TRIED = (("subject", "rater", "pair"), ("subject", "rater"), ("subject",), ("rater",))
_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class FixedEffects:
    """Fixed effects with their uncertainty.

    Attributes
    ----------
    beta : ndarray, (p,)
        Units of y per unit of X.
    covariance : ndarray, (p, p)
        Given the variances.
    variance : dict of str to float
        The random terms in the model and ``"residual"``, squared units of y.
    """

    beta: FloatArray
    covariance: FloatArray
    variance: dict[str, float]
    _y: FloatArray = field(repr=False)
    _X: FloatArray = field(repr=False)
    _codes: Mapping[str, IntArray] = field(repr=False)
    _variance_terms: tuple[str, ...] = field(repr=False)
    _variance_cov: FloatArray = field(repr=False)

    def degrees_of_freedom(self, at: int) -> float:
        """Return the Satterthwaite degrees of freedom of coefficient ``at``, above 0."""
        if len(self.variance) == 1:
            return float(len(self._y) - len(self.beta))
        slopes = np.array([self._slope(name, at) for name in self._variance_terms])
        spread = float(slopes @ self._variance_cov @ slopes)
        return float(2.0 * self.covariance[at, at] ** 2 / spread)

    def _slope(self, name: str, at: int) -> float:
        """Return the derivative of the coefficient's variance with respect to one variance."""
        step = _STEP * self.variance[name]
        up, down = (
            _solve_covariance(self._y, self._X, self._codes, self.variance | {name: moved})[at, at]
            for moved in (self.variance[name] + step, self.variance[name] - step)
        )
        return float(up - down) / (2.0 * step)


def estimate_fixed_effects(
    y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray]
) -> FixedEffects:
    """Fit with as many of the random terms as can be told apart.

    Parameters
    ----------
    y : ndarray, (n,)
    X : ndarray, (n, p)
        Of full rank, p < n.
    codes : mapping of str to ndarray of int, each (n,)
        ``"subject"`` and, if any, ``"rater"`` and ``"pair"`` (their combination), from 0.

    Returns
    -------
    FixedEffects
    """
    for names in _TRIED:
        if not set(names) <= set(codes):
            continue
        used = {name: codes[name] for name in names}
        try:
            fit = fit_crossed(y, X, used)
        except CrossedModelError:
            continue
        if fit.converged and fit.variance["residual"] > 1e-9 * float(np.var(y)):
            return FixedEffects(
                fit.beta, fit.beta_cov, fit.variance, y, X, _both(used), fit.variance_terms,
                fit.variance_cov,
            )  # fmt: skip
    inverse = np.linalg.inv(X.T @ X)
    beta: FloatArray = np.asarray(inverse @ X.T @ y, dtype=np.float64)
    residual = float(((y - X @ beta) ** 2).sum() / (len(y) - X.shape[1]))
    covariance: FloatArray = np.asarray(residual * inverse, dtype=np.float64)
    return FixedEffects(beta, covariance, {"residual": residual}, y, X, {}, (), np.zeros((0, 0)))


def _both(codes: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Add a factor of one level, with variance 0, where the model has only the other."""
    some = next(iter(codes.values()))
    return {name: np.zeros_like(some) for name in ("subject", "rater")} | dict(codes)


def _solve_covariance(
    y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray], variance: Mapping[str, float]
) -> FloatArray:
    return solve_subject_rater(y, X, codes, variance).beta_cov
