"""Find the profile-likelihood interval of one variance: the values within reach of the data.

That is all values of a variance for which the criterion, minimised over
the other variances and the fixed effects, exceeds its minimum by at most the chi-squared(1)
quantile. Its end points are found by Newton steps on the signed root of that excess, which is
nearly a straight line in the logarithm of the variance (Bates et al. 2015, section 5.1; Venzon &
Moolgavkar 1988, *Appl. Statist.* 37, 87-94).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipeline.numerics._crossed_design import FloatArray, NoInterval
from pipeline.numerics._crossed_likelihood import CrossedLikelihood, LikelihoodPoint
from pipeline.numerics._projected_newton import descend, projected_step

# Accuracy of an end point in standard-normal units.
_ROOT_TOLERANCE = 5e-5
_INNER_TOLERANCE = 1e-6
_MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class _Constrained:
    """The criterion with one variance fixed, minimised over the others."""

    variances: FloatArray  # (K + 1,), residual last
    criterion: float
    slope: float  # derivative of the minimum with respect to the fixed variance
    tangent: FloatArray  # change of the other variances per unit of the fixed one


def profile_interval(
    model: CrossedLikelihood,
    estimate: FloatArray,
    index: int,
    level: float,
    only_high: bool = False,
) -> tuple[float, float]:
    """Return the interval of one variance.

    Parameters
    ----------
    model : CrossedLikelihood
    estimate : ndarray, (K + 1,)
        Estimated variances, the residual last; zeros are on the boundary.
    index : int
        Which of them.
    level : float
        Confidence level between 0 and 1.
    only_high : bool
        Spare the search for the lower end, which is then NaN.

    Returns
    -------
    low, high : float
        `low` is 0 if 0 is within the interval.

    Raises
    ------
    NoInterval
        If the search for an end point does not converge, or the interval has no upper end.
    """
    target = float(np.sqrt(stats.chi2.ppf(level, 1)))
    best = _minimise(model, estimate, index, float(estimate[index]))
    is_term = index < len(estimate) - 1
    shift = float(estimate[-1] / model.mean_count[index]) if is_term else 0.0
    high = _end_point(model, best, index, target, shift, 1.0)
    low = 0.0
    if only_high:
        return np.nan, high
    if estimate[index] > 0:
        if is_term:
            at_zero = _minimise(model, best.variances, index, 0.0)
            if at_zero.criterion - best.criterion <= target**2:
                return 0.0, high
        low = _end_point(model, best, index, target, shift, -1.0)
    return low, high


def without_term(model: CrossedLikelihood, estimate: FloatArray, index: int) -> float:
    """Return by how much the criterion rises, at least 0, when one variance is set to 0.

    Raises
    ------
    NoInterval
        If the minimum over the other variances is not found.
    """
    best = _minimise(model, estimate, index, float(estimate[index]))
    return max(_minimise(model, estimate, index, 0.0).criterion - best.criterion, 0.0)


def _end_point(
    model: CrossedLikelihood,
    best: _Constrained,
    index: int,
    target: float,
    shift: float,
    side: float,
) -> float:
    """Find where the signed root of the excess reaches the target, on the log(c + shift) scale."""
    centre = float(best.variances[index])
    inner, outer = np.log(centre + shift), side * np.inf
    # A variance from q levels has a logarithm with variance near 2 / q.
    spread = np.sqrt(2.0 / max(_levels(model, index) - 1.0, 1.0))
    scale = inner + side * target * spread
    last = best
    for _ in range(_MOST_STEPS):
        value = float(np.exp(scale) - shift)
        if value <= 0.0:
            value = 0.5 * float(np.exp(inner) - shift)
            scale = np.log(value + shift)
        start = last.variances + (value - last.variances[index]) * last.tangent
        start = np.where(start > 0.2 * last.variances, start, last.variances)
        last = _minimise(model, start, index, value)
        root = np.sqrt(max(last.criterion - best.criterion, 0.0))
        if abs(root - target) < _ROOT_TOLERANCE:
            return value
        if root < target:
            inner = scale
        else:
            outer = scale
        rate = last.slope * np.exp(scale) / (2.0 * root) if root > 0 else 0.0
        move = (target - root) / rate if rate * side > 0 else side * 2.0 * spread
        scale = scale + float(np.clip(move, -3.0, 3.0))
        between = min(inner, outer) < scale < max(inner, outer)
        if not between:
            scale = 0.5 * (inner + outer) if np.isfinite(outer) else inner + side * 1.0
    raise NoInterval(
        "expected a likelihood that falls off on both sides of the estimate; found no end of the "
        f"interval in {_MOST_STEPS} steps"
    )


def _levels(model: CrossedLikelihood, index: int) -> float:
    sizes = model.design.sizes
    return float(sizes[index] if index < len(sizes) else model.nu)


def _minimise(
    model: CrossedLikelihood, start: FloatArray, index: int, value: float
) -> _Constrained:
    """Minimise the criterion over all variances but one, fixed at value."""
    k_terms = len(start) - 1
    variances = start.copy()
    variances[index] = value
    shift = np.append(1.0 / model.mean_count, 0.0)
    fixed = np.arange(k_terms + 1) == index

    def evaluate(at: FloatArray) -> tuple[LikelihoodPoint, float]:
        point = model.at(np.maximum(at[:-1] / at[-1], model.floor))
        return point, point.criterion_at(float(at[-1]))

    point, criterion = evaluate(variances)
    for _ in range(_MOST_STEPS):
        residual = float(variances[-1])
        gradient, curvature = point.by_variance_at(residual)
        low = np.append(model.floor, 0.0) * residual
        step, decrease = projected_step(
            gradient, curvature, variances, shift * residual, low, fixed
        )
        if decrease < _INNER_TOLERANCE:
            break
        found = descend(evaluate, variances, criterion, gradient, step, shift * residual, low)
        if found is None:
            raise NoInterval(
                "expected a likelihood with a maximum where one variance is fixed; the search for "
                f"it stopped with a predicted decrease of {decrease:.1e} in the criterion"
            )
        variances, point, criterion = found
    free = np.flatnonzero((step != 0.0) & (variances > low))
    tangent = np.zeros(k_terms + 1)
    if len(free):
        block = curvature[np.ix_(free, free)]
        tangent[free] = -np.linalg.lstsq(block, curvature[free, index], rcond=None)[0]
    return _Constrained(variances, criterion, float(gradient[index]), tangent)
