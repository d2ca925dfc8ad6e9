"""Find the profile-likelihood interval of one variance: the values within reach of the data.

That is all values of a variance for which the criterion, minimised over
the other variances and the fixed effects, exceeds its minimum by at most the chi-squared(1)
quantile. Its end points are found by Newton steps on the signed root of that excess, which is
nearly a straight line in the logarithm of the variance (Bates et al. 2015, section 5.1; Venzon &
Moolgavkar 1988, *Appl. Statist.* 37, 87-94).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from pipeline.numerics._crossed_design import FloatArray, NoInterval
from pipeline.numerics._crossed_likelihood import CrossedLikelihood, LikelihoodPoint
from pipeline.numerics._projected_newton import descend, moved, projected_step

# Predicted decrease at which a minimum counts as found: on the way to an end point, and as an
# answer by itself. What is left is taken off the criterion, so that an end point is accurate to
# about 1e-5 standard-normal units.
_NEAR_ENOUGH, _EXACT = 2e-4, 1e-9
# Distance from the target, in the same units, from which one more step needs no check: where it
# rests on two points it leaves about the fourth power of this.
_LAST_STEP = 2e-2
_MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class _Constrained:
    """The criterion with one variance fixed, minimised over the others."""

    variances: FloatArray  # (K + 1,), residual last
    criterion: float
    slope: float  # derivative of the minimum with respect to the fixed variance
    bend: float  # its second derivative, by average information
    tangent: FloatArray  # change of the other variances per unit of the fixed one


class Profile:
    """What the likelihood says of each variance, beyond its estimate.

    Parameters
    ----------
    model : CrossedLikelihood
    estimate : ndarray, (K + 1,)
        Estimated variances, the residual last; zeros are on the boundary.
    """

    def __init__(self, model: CrossedLikelihood, estimate: FloatArray) -> None:
        self._model = model
        self._estimate = estimate
        self._zero: dict[int, _Constrained] = {}

    def interval(self, index: int, level: float) -> tuple[float, float]:
        """Return the interval of one variance.

        Parameters
        ----------
        index : int
            Which of them.
        level : float
            Confidence level between 0 and 1.

        Returns
        -------
        low, high : float
            `low` is 0 if 0 is within the interval.

        Raises
        ------
        NoInterval
            If the search for an end point does not converge, or the interval has no upper end.
        """
        high = self.high(index, level)
        if self._estimate[index] == 0:
            return 0.0, high
        target = _distance(level)
        if index < len(self._estimate) - 1 and self.rise_without(index) <= target**2:
            return 0.0, high
        return self._end_point(index, target, -1.0), high

    def high(self, index: int, level: float) -> float:
        """Return the upper end of `interval` alone."""
        return self._end_point(index, _distance(level), 1.0)

    def rise_without(self, index: int) -> float:
        """Return by how much the criterion rises, at least 0, when one variance is set to 0.

        Raises
        ------
        NoInterval
            If the minimum over the other variances is not found.
        """
        found = self._without(index)
        # evaluated next to 0, where derivatives can be had
        beside = float(self._model.floor[index] * found.variances[-1])
        return max(found.criterion - found.slope * beside - self._lowest, 0.0)

    def variances_without(self, index: int) -> FloatArray:
        """Return all variances, (K + 1,), where one is set to 0; raises as `rise_without`."""
        found = self._without(index).variances
        lowest = np.append(self._model.floor, 0.0) * found[-1]
        return np.where(found > lowest, found, 0.0)

    def _without(self, index: int) -> _Constrained:
        if index not in self._zero:
            self._zero[index] = self._minimise(self._estimate, index, 0.0, _EXACT)
        return self._zero[index]

    @cached_property
    def _best(self) -> LikelihoodPoint:
        """The likelihood at the estimates."""
        return self._evaluate(self._estimate)[0]

    @cached_property
    def _lowest(self) -> float:
        return self._best.criterion_at(float(self._estimate[-1]))

    def _evaluate(self, variances: FloatArray) -> tuple[LikelihoodPoint, float]:
        residual = float(variances[-1])
        point = self._model.at(np.maximum(variances[:-1] / residual, self._model.floor))
        return point, point.criterion_at(residual)

    def _end_point(self, index: int, target: float, side: float) -> float:
        """Find where the root of the excess reaches the target, on the log(c + shift) scale."""
        estimate = self._estimate
        last = self._minimise(estimate, index, float(estimate[index]), _NEAR_ENOUGH)
        centre = float(estimate[index])
        is_term = index < len(estimate) - 1
        shift = float(estimate[-1] / self._model.mean_count[index]) if is_term else 0.0
        inner, outer = np.log(centre + shift), side * np.inf
        spread = self._spread(index, last, centre + shift)
        at = _Place(inner, 0.0, side * spread if centre > 0 else None)
        scale = inner + side * target * spread
        for _ in range(_MOST_STEPS):
            value = float(np.exp(scale) - shift)
            if value <= 0.0:
                value = 0.5 * float(np.exp(inner) - shift)
                scale = np.log(value + shift)
            start = last.variances + (value - last.variances[index]) * last.tangent
            start = np.where(start > 0.2 * last.variances, start, last.variances)
            last = self._minimise(start, index, value, _NEAR_ENOUGH)
            root = float(np.sqrt(max(last.criterion - self._lowest, 0.0)))
            if root < target:
                inner = scale
            else:
                outer = scale
            rate = last.slope * np.exp(scale) / (2.0 * root) if root > 0 else 0.0
            before, at = at, _Place(scale, root, 1.0 / rate if rate * side > 0 else None)
            scale = _step(before, at, target, side * 2.0 * spread)
            if abs(root - target) < _LAST_STEP:
                return max(float(np.exp(scale) - shift), 0.0)
            between = min(inner, outer) < scale < max(inner, outer)
            if not between:
                scale = 0.5 * (inner + outer) if np.isfinite(outer) else inner + side * 1.0
        raise NoInterval(
            "expected a likelihood that falls off on both sides of the estimate; found no end of "
            f"the interval in {_MOST_STEPS} steps"
        )

    def _spread(self, index: int, best: _Constrained, level: float) -> float:
        """Guess the standard error of the logarithm, to take a first step with."""
        sizes = self._model.design.sizes
        levels = float(sizes[index] if index < len(sizes) else self._model.nu)
        # a variance from q levels has a logarithm with variance near 2 / q
        spread = float(np.sqrt(2.0 / max(levels - 1.0, 1.0)))
        if self._estimate[index] > 0 and best.bend > 0:
            spread = max(spread, float(np.sqrt(2.0 / best.bend)) / level)
        return min(spread, 1.0)

    def _minimise(
        self, start: FloatArray, index: int, value: float, tolerance: float
    ) -> _Constrained:
        """Minimise the criterion over all variances but one, fixed at value."""
        model = self._model
        variances = start.copy()
        variances[index] = value
        shift = np.append(1.0 / model.mean_count, 0.0)
        fixed = np.arange(len(start)) == index
        if np.array_equal(variances, self._estimate):
            point, criterion = self._best, self._lowest
        else:
            point, criterion = self._evaluate(variances)
        for _ in range(_MOST_STEPS):
            residual = float(variances[-1])
            gradient, curvature = point.by_variance_at(residual)
            low = np.append(model.floor, 0.0) * residual
            step, decrease = projected_step(
                gradient, curvature, variances, shift * residual, low, fixed
            )
            if decrease < tolerance:
                break
            found = descend(
                self._evaluate, variances, criterion, gradient, step, shift * residual, low
            )
            if found is None:
                raise NoInterval(
                    "expected a likelihood with a maximum where one variance is fixed; the search "
                    f"for it stopped with a predicted decrease of {decrease:.1e} in the criterion"
                )
            variances, point, criterion = found
        tangent = np.zeros(len(start))
        free = np.flatnonzero((step != 0.0) & (variances > low))
        if len(free):
            block = curvature[np.ix_(free, free)]
            tangent[free] = -np.linalg.lstsq(block, curvature[free, index], rcond=None)[0]
        # what the last step would still have changed
        left = moved(variances, step, shift * residual, low) - variances
        turned = curvature @ left
        return _Constrained(
            variances + left,
            criterion + float(gradient @ left + 0.5 * left @ turned),
            float(gradient[index] + turned[index]),
            float(curvature[index, index] + curvature[index] @ tangent),
            tangent,
        )


@dataclass(frozen=True)
class _Place:
    """A point on the way to an end: scale, root of the excess, and scale per unit of root."""

    scale: float
    root: float
    slope: float | None


def _step(before: _Place, at: _Place, target: float, blind: float) -> float:
    """Return the scale where the root is expected to reach the target.

    The cubic through both points and slopes, or Newton's step where one slope is not known.
    """
    move = blind
    if at.slope is not None:
        move = at.slope * (target - at.root)
        apart = at.root - before.root
        if before.slope is not None and abs(target - at.root) < abs(apart):
            secant = (at.scale - before.scale) / apart
            second = (at.slope - secant) / apart
            third = (before.slope - 2.0 * secant + at.slope) / apart**2
            on = target - at.root
            move = on * (secant + (on + apart) * (second + on * third))
    return at.scale + float(np.clip(move, -3.0, 3.0))


def _distance(level: float) -> float:
    """Return the root of the chi-squared(1) quantile."""
    return float(np.sqrt(stats.chi2.ppf(level, 1)))
