"""Fit crossed random intercepts: variance between raters, subjects and their combinations.

Model: ``y = X beta + sum_k Z_k b_k + e``, any number of crossed or nested random intercepts
``b_k ~ N(0, var_k I)``, independent of each other and of ``e ~ N(0, var_residual I)``. Fitted by
restricted (REML) or full maximum likelihood; sparse, exact and deterministic.

Sources: Bates, Maechler, Bolker & Walker (2015), *J. Stat. Softw.* 67(1) (lme4, whose criterion
and conditional standard deviations these are); Searle, Casella & McCulloch (1992), *Variance
Components*; Gilmour, Thompson & Cullis (1995), *Biometrics* 51, 1440-1450 (average information).

Assumptions: scores on an interval scale, normal effects, one residual variance, factors
independent of the fixed effects. It cannot tell whether two levels may be compared at all
(disconnected designs fit without complaint), and its conditional standard deviations leave out the
uncertainty of the variances and of the fixed effects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from pipeline.numerics._crossed_design import (
    RESIDUAL,
    CrossedDesign,
    CrossedModelError,
    DegenerateResponse,
    FloatArray,
    InvalidInput,
    NoInterval,
    UnidentifiedTerm,
    build_design,
)
from pipeline.numerics._crossed_likelihood import CrossedLikelihood
from pipeline.numerics._crossed_optimum import Optimum, maximise
from pipeline.numerics._crossed_profile import Profile

__all__ = [
    "CrossedFit",
    "CrossedModelError",
    "DegenerateResponse",
    "InvalidInput",
    "NoInterval",
    "RandomEffect",
    "UnidentifiedTerm",
    "fit_crossed",
]


@dataclass(frozen=True, eq=False)
class RandomEffect:
    """Predicted effects of the levels of one factor.

    Attributes
    ----------
    levels : ndarray, (q,)
        The labels, sorted where they can be sorted.
    blup : ndarray, (q,)
        Conditional means (best linear unbiased predictions) in units of y; positive raises y.
        Severity of a rater is the negative of this.
    sd : ndarray, (q,)
        Conditional standard deviations given y, variances and fixed effects, in units of y: the
        square roots of the diagonal of ``var_residual L (L'Z'ZL + I)^-1 L'``, lme4's
        ``ranef(condVar = TRUE)``. The uncertainty of beta and of the variances is not in it.
    """

    levels: npt.NDArray[Any]
    blup: FloatArray
    sd: FloatArray


@dataclass(frozen=True, eq=False)
class CrossedFit:
    """A fitted model with crossed random intercepts.

    Attributes
    ----------
    variance : dict of str to float
        Variance of each factor in the order given, then ``"residual"``; squared units of y, >= 0.
    beta, beta_se : ndarray, (p,)
        Generalised least-squares estimates and their standard errors, in units of y per unit of X.
    beta_cov : ndarray, (p, p)
        Covariance of `beta` given the variances.
    criterion : float
        -2 log restricted likelihood (lme4's REMLcrit), or with ``reml=False`` -2 log likelihood
        (lme4's deviance). REML criteria compare only models with the same X.
    effects : dict of str to RandomEffect
    fitted, residual : ndarray, (n,)
        ``X beta + Z b`` and y minus it, in units of y.
    n : int
        Number of rows.
    reml : bool
    converged : bool
        False if the search stopped early: the numbers are then no estimates.
    boundary : tuple of str
        Factors whose variance is exactly 0: "no variance found".
    variance_terms : tuple of str
        The terms with a positive variance, with ``"residual"`` last.
    variance_cov : ndarray, (len(variance_terms), len(variance_terms))
        Large-sample covariance of their variances (inverse average information). Variances with
        few levels are skew: prefer `profile_interval`.
    n_steps : int
        Newton steps taken.
    """

    variance: dict[str, float]
    beta: FloatArray
    beta_se: FloatArray
    beta_cov: FloatArray
    criterion: float
    effects: dict[str, RandomEffect]
    fitted: FloatArray = field(repr=False)
    residual: FloatArray = field(repr=False)
    n: int
    reml: bool
    converged: bool
    boundary: tuple[str, ...]
    variance_terms: tuple[str, ...]
    variance_cov: FloatArray
    n_steps: int
    _model: CrossedLikelihood = field(repr=False)

    def criterion_at(self, variance: Mapping[str, float]) -> float:
        """Evaluate the criterion at other variances, with the fixed effects profiled out.

        Parameters
        ----------
        variance : mapping of str to float
            A variance per factor, >= 0, and ``"residual"`` > 0; if the residual is left out, the
            others are ratios to it and it is profiled out too.

        Returns
        -------
        float
            -2 log (restricted) likelihood.

        Raises
        ------
        InvalidInput
            If a factor is missing, unknown, negative or not finite.
        """
        names = self._model.design.names
        given = set(variance) - {RESIDUAL}
        if given != set(names):
            raise InvalidInput(f"expected a variance for each of {names}, got {sorted(given)}")
        values = np.array([float(variance[name]) for name in names])
        residual = float(variance.get(RESIDUAL, 1.0))
        if not (np.isfinite(values).all() and (values >= 0).all() and 0 < residual < np.inf):
            raise InvalidInput("expected finite variances, 0 or more, and a positive residual")
        try:
            point = self._model.at(values / residual)
        except np.linalg.LinAlgError:
            raise InvalidInput(
                "expected variances within about 15 digits of the residual, got a larger ratio"
            ) from None
        return point.criterion_at(residual) if RESIDUAL in variance else point.criterion

    def profile_interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the profile-likelihood interval of one variance.

        The variances for which twice the log (restricted) likelihood, maximised over everything
        else, lies within the chi-squared(1) quantile of its maximum. lme4's ``profile`` refits by
        ML first; here a REML fit gives the interval of the restricted likelihood.

        Parameters
        ----------
        name : str
            A factor, or ``"residual"``.
        level : float
            Confidence level between 0 and 1.

        Returns
        -------
        low, high : float
            Squared units of y; `low` is 0 if no variance is within the interval.

        Raises
        ------
        InvalidInput
            For an unknown name or a level outside (0, 1).
        NoInterval
            If the search for an end point does not converge.
        """
        if not 0.0 < level < 1.0:
            raise InvalidInput(f"expected a level between 0 and 1, got {level}")
        return self._profile.interval(self._place(name), level)

    def profile_high(self, name: str, level: float = 0.95) -> float:
        """Return the upper end of `profile_interval`, in half the time."""
        if not 0.0 < level < 1.0:
            raise InvalidInput(f"expected a level between 0 and 1, got {level}")
        return self._profile.high(self._place(name), level)

    def likelihood_ratio(self, name: str) -> float:
        """Return twice the log likelihood that leaving out one factor costs, 0 or more.

        Found from these estimates on the same design, which is quicker than another fit.

        Raises
        ------
        InvalidInput
            For an unknown name.
        NoInterval
            If the search over the other variances does not converge.
        """
        return self._profile.rise_without(self._factor_place(name))

    def variance_without(self, name: str) -> dict[str, float]:
        """Return the estimates of the other variances in the model without one factor.

        Found as in `likelihood_ratio`, and raises what it raises.
        """
        found = self._profile.variances_without(self._factor_place(name))
        return dict(zip((*self._model.design.names, RESIDUAL), map(float, found), strict=True))

    @cached_property
    def _profile(self) -> Profile:
        """Kept, because intervals and tests of several terms share their starting points."""
        names = (*self._model.design.names, RESIDUAL)
        return Profile(self._model, np.array([self.variance[term] for term in names]))

    def _factor_place(self, name: str) -> int:
        if name == RESIDUAL:
            raise InvalidInput("expected a factor, the residual cannot be left out")
        return self._place(name)

    def _place(self, name: str) -> int:
        """Return the place of a term among the variances, the residual last."""
        names = (*self._model.design.names, RESIDUAL)
        if name not in names:
            raise InvalidInput(f"expected one of {names}, got {name!r}")
        return names.index(name)

    def summary(self) -> str:
        """Return the fit as a small text table."""
        method = "REML" if self.reml else "maximum likelihood"
        label = "REML criterion" if self.reml else "deviance"
        total = sum(self.variance.values())
        se = dict(zip(self.variance_terms, np.sqrt(np.diag(self.variance_cov)), strict=True))
        width = max(len(name) for name in self.variance)
        lines = [
            f"Crossed random intercepts, {method}: {self.n} rows, {label} {self.criterion:.4f}",
            "",
            f"{'term':<{width}}  {'levels':>8}  {'variance':>11}  {'std.err.':>10}  {'share':>6}",
        ]
        for name, value in self.variance.items():
            q = f"{len(self.effects[name].levels):>8}" if name in self.effects else f"{'':>8}"
            error = f"{se[name]:>10.5g}" if name in se else f"{'boundary':>10}"
            lines.append(f"{name:<{width}}  {q}  {value:>11.6g}  {error}  {value / total:>6.1%}")
        lines += ["", f"{'column of X':<{width}}  {'estimate':>10}  {'std.err.':>10}"]
        for i, (value, error_of) in enumerate(zip(self.beta, self.beta_se, strict=True)):
            lines.append(f"{i:<{width}}  {value:>10.5g}  {error_of:>10.5g}")
        if self.boundary:
            lines += ["", f"no variance found (estimate 0): {', '.join(self.boundary)}"]
        if not self.converged:
            lines += ["", f"NOT CONVERGED after {self.n_steps} steps: these are no estimates"]
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()


def fit_crossed(
    y: npt.ArrayLike,
    X: npt.ArrayLike,
    factors: Mapping[str, Sequence[Any] | npt.ArrayLike],
    reml: bool = True,
    *,
    max_steps: int = 100,
    near: Mapping[str, float] | None = None,
) -> CrossedFit:
    """Fit a linear model with crossed or nested random intercepts.

    Time and memory grow about linearly with the rows as long as raters work within departments:
    no dense matrix of rows by rows or rows by levels is formed.

    Parameters
    ----------
    y : array_like, (n,)
        Response.
    X : array_like, (n, p) or (n,)
        Fixed effects; include a column of ones for the intercept. p may be 0.
    factors : mapping of str to array_like, each (n,)
        Labels of each random intercept: numbers, strings, tuples, pandas Series, ... An
        interaction is given by labels of its own, one per combination. The order does not matter.
    reml : bool
        Restricted likelihood (default; for variances) or full likelihood (for likelihood-ratio
        tests of fixed effects).
    max_steps : int
        Newton steps before the search gives up with ``converged=False``.
    near : mapping of str to float, optional
        Variances to start from, with ``"residual"``, such as those of nearly the same data; from
        moments if not given.

    Returns
    -------
    CrossedFit

    Raises
    ------
    InvalidInput
        For shapes that do not fit, missing labels or non-finite numbers.
    UnidentifiedTerm
        For a rank-deficient X, a factor with one level or as many levels as rows, two factors
        with the same partition, or variances that cannot be told apart.
    DegenerateResponse
        If fixed or random terms reproduce y exactly.
    """
    if max_steps < 0:
        raise InvalidInput(f"expected max_steps of at least 0, got {max_steps}")
    design = build_design(y, X, factors)
    model = CrossedLikelihood(design, reml)
    start = design.start
    if near is not None:
        start = np.array([near[name] for name in design.names]) / near[RESIDUAL]
    return _result(design, model, maximise(model, start, max_steps))


def _result(design: CrossedDesign, model: CrossedLikelihood, optimum: Optimum) -> CrossedFit:
    """Translate the optimum back to the units and labels of the data."""
    point = optimum.point
    residual_variance = point.rss / model.nu
    ratios = point.ratios
    scale = model.scale(ratios)
    blup = scale * point.spherical
    sd = np.sqrt(residual_variance * np.maximum(point.inverse_diagonal, 0.0)) * scale
    effects = {
        name: RandomEffect(design.levels[k], blup[where], sd[where])
        for k, (name, where) in enumerate(zip(design.names, model.where, strict=True))
    }
    beta = linalg.solve_triangular(design.r_factor, design.q_coef + point.beta)
    half = linalg.solve_triangular(design.r_factor, np.eye(design.p))
    beta_cov = residual_variance * (half @ point.basis_cov @ half.T)
    # `response` lacks its least-squares fit Q q_coef, which is added back with the labels' effects.
    residual = design.response - design.basis @ point.beta
    for name, code in zip(design.names, design.codes, strict=True):
        residual -= effects[name].blup[code]
    fitted = design.basis @ design.q_coef + (design.response - residual)
    variance = {
        name: float(value)
        for name, value in zip(design.names, ratios * residual_variance, strict=True)
    }
    variance[RESIDUAL] = residual_variance
    positive = np.flatnonzero(np.append(ratios, 1.0) > 0)
    curvature = optimum.interior.by_variance()[1][np.ix_(positive, positive)]
    variance_cov = 2.0 * _positive_inverse(curvature)
    names = tuple(variance)
    return CrossedFit(
        variance=variance,
        beta=beta,
        beta_se=np.sqrt(np.diag(beta_cov)),
        beta_cov=beta_cov,
        criterion=point.criterion,
        effects=effects,
        fitted=fitted,
        residual=residual,
        n=design.n,
        reml=model.reml,
        converged=optimum.converged,
        boundary=tuple(design.names[k] for k in np.flatnonzero(ratios == 0.0)),
        variance_terms=tuple(names[k] for k in positive),
        variance_cov=variance_cov,
        n_steps=optimum.n_steps,
        _model=model,
    )


def _positive_inverse(matrix: FloatArray) -> FloatArray:
    """Return the inverse of an information matrix, leaving out directions it knows nothing of."""
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    known = values > 1e-12
    half = vectors[:, known] / np.sqrt(values[known]) / scale[:, None]
    inverse: FloatArray = half @ half.T
    return inverse


def boundary_p_value(statistic: float) -> float:
    """Return the p-value of a likelihood ratio for one variance, which cannot be below 0.

    Half a point mass at 0, half chi-squared(1): Self & Liang (1987), JASA 82, 605-610.
    """
    return float(stats.chi2.sf(max(statistic, 0.0), 1)) / 2
