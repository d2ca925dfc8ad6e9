"""Find the variance ratios at which the data are most likely.

Projected Newton steps (`_projected_newton`) with average-information curvature (Gilmour, Thompson
& Cullis 1995, *Biometrics* 51, 1440-1450), from a moment estimate. A variance whose ratio reaches
zero while the likelihood still rises towards zero is held there, and released if that changes.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.numerics._crossed_design import DegenerateResponse, FloatArray
from pipeline.numerics._crossed_likelihood import CrossedLikelihood, LikelihoodPoint
from pipeline.numerics._projected_newton import BoolArray, descend, projected_step

# Predicted further decrease of the criterion at which it counts as reached.
_TOLERANCE = 1e-9
# Residual variance, as a share of that of the response, that is only rounding error.
_NO_RESIDUAL = 1e-9
# The same where the search ended: a likelihood that rises ever more slowly as the residual variance
# goes to zero looks flat long before, and what is known of it (divided by its cube) is rounding.
_VANISHED_RESIDUAL = 1e-4
# The same where the search has failed: it was following the residual variance towards zero.
_FADING_RESIDUAL = 1e-3
# Smallest eigenvalue, relative to average information, that a corrected curvature may have.
_LEAST_CURVATURE = 0.05
# The same once this many steps show that average information misleads: the true curvature of a
# small table can be nearly flat where the average is not.
_SLOW, _LEAST_WHEN_SLOW = 12, 1e-4
# Ratios that a slow search may be on its way to zero with.
_FADING_RATIO = 0.1
# Rows up to which a second start is cheap, and its ratios: small tables can have two optima, one
# on the boundary.
_FEW_ROWS, _SECOND_START, _CLEAR_GAIN = 150, 3.0, 1e-6


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the search ended.

    Attributes
    ----------
    point : LikelihoodPoint
        The likelihood there; ratios on the boundary are exactly 0.
    interior : LikelihoodPoint
        The same with tiny positive ratios instead of 0, where derivatives can be had.
    converged : bool
    n_steps : int
        Newton steps taken.
    """

    point: LikelihoodPoint
    interior: LikelihoodPoint
    converged: bool
    n_steps: int


def maximise(model: CrossedLikelihood, start: FloatArray, max_steps: int) -> Optimum:
    """Find the variance ratios that minimise the criterion.

    Parameters
    ----------
    model : CrossedLikelihood
    start : ndarray, (K,)
        Ratios to start from, positive.
    max_steps : int
        Newton steps allowed.

    Returns
    -------
    Optimum

    Raises
    ------
    DegenerateResponse
        If the random terms reproduce the response, so that no residual variance is left.
    """
    first = _search(model, start, max_steps)
    if model.design.n > _FEW_ROWS or not first.converged or first.point.ratios.all():
        return first
    try:
        second = _search(model, np.full(len(start), _SECOND_START), max_steps)
    except DegenerateResponse:
        return first
    gain = first.point.criterion - second.point.criterion
    return second if second.converged and gain > _CLEAR_GAIN else first


def _search(model: CrossedLikelihood, start: FloatArray, max_steps: int) -> Optimum:
    """Go down from one start."""

    def evaluate(ratios: FloatArray) -> tuple[LikelihoodPoint, float]:
        at = model.at(ratios)
        return at, at.criterion

    point = model.at(np.maximum(start, model.floor))
    shift = 1.0 / model.mean_count
    sizes = np.array(model.design.sizes, dtype=float)
    none_fixed = np.zeros(len(start), dtype=bool)
    correction = np.zeros((len(start), len(start)))
    converged = False
    n_steps = 0
    while True:
        _require_residual(point, _NO_RESIDUAL)
        held = (point.ratios <= model.floor) & (point.gradient >= 0)
        slow = n_steps >= _SLOW
        curvature = _corrected(
            point.curvature, correction, held, _LEAST_WHEN_SLOW if slow else _LEAST_CURVATURE
        )
        step, decrease = projected_step(
            point.gradient, curvature, point.ratios, shift, model.floor, none_fixed
        )
        if decrease < _TOLERANCE:
            converged = True
            break
        if n_steps == max_steps:
            break
        if slow and n_steps % _SLOW == 0 and (nearer := _at_zero(model, point)) is not None:
            point = nearer
            n_steps += 1
            continue
        found = descend(
            evaluate, point.ratios, point.criterion, point.gradient, step, shift, model.floor
        )
        if found is None:
            # With so few levels that average information is singular, its step may lead nowhere;
            # the expected information of separate one-way layouts is always regular.
            cautious = -point.gradient * (point.ratios + shift) ** 2 / sizes
            step = np.where(step == 0.0, 0.0, cautious)
            found = descend(
                evaluate, point.ratios, point.criterion, point.gradient, step, shift, model.floor
            )
        if found is None:
            # Rounding hides any further decrease; that is the optimum only if little was left.
            converged = decrease < 1e-5
            break
        correction = _learned(point, found[1], correction, point.ratios + shift)
        point = found[1]
        n_steps += 1
    _require_residual(point, _VANISHED_RESIDUAL if converged else _FADING_RESIDUAL)
    interior = point
    # at the lowest ratio the gradient of a flat optimum may have any sign
    held = (point.ratios <= model.floor) if converged else held
    if held.any():
        point = model.at(np.where(held, 0.0, point.ratios))
    return Optimum(point, interior, converged, n_steps)


def _at_zero(model: CrossedLikelihood, point: LikelihoodPoint) -> LikelihoodPoint | None:
    """Return the likelihood with small ratios at their lowest, where that is no worse."""
    small = (point.ratios < _FADING_RATIO) & (point.ratios > model.floor)
    if not small.any():
        return None
    try:
        trial = model.at(np.where(small, model.floor, point.ratios))
    except np.linalg.LinAlgError:  # the other ratios are too large for that
        return None
    return trial if trial.criterion <= point.criterion + _TOLERANCE else None


def _require_residual(point: LikelihoodPoint, share: float) -> None:
    """Refuse a response that the terms reproduce: its likelihood has no maximum."""
    design = point.model.design
    if not point.rss > share * design.sum_squares:
        raise DegenerateResponse(
            f"terms {', '.join(map(repr, design.names))} and the fixed effects reproduce the "
            f"{design.n} responses: the residual variance tends to 0; expected ratings that vary "
            "within the levels of all terms together"
        )


def _corrected(
    curvature: FloatArray, correction: FloatArray, held: BoolArray, least: float
) -> FloatArray:
    """Add what was learned to the average information where that keeps it positive definite."""
    free = np.flatnonzero(~held)
    if len(free) == 0 or not correction.any():
        return curvature
    better = curvature + correction
    block = curvature[np.ix_(free, free)]
    scale = np.sqrt(np.maximum(np.diag(block), np.finfo(float).tiny))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = better[np.ix_(free, free)] / scale / scale[:, None]
    # where average information has all but vanished there is nothing to correct
    if not np.isfinite(scaled).all():
        return curvature
    return better if np.linalg.eigvalsh(scaled)[0] > least else curvature


def _learned(
    before: LikelihoodPoint, after: LikelihoodPoint, correction: FloatArray, level: FloatArray
) -> FloatArray:
    """Update the difference between true and average curvature from one step (symmetric rank 1).

    Average information equals the true curvature only in expectation; the change of the gradient
    over a step shows the rest, and turns linear into faster convergence on small data.
    """
    step = after.ratios - before.ratios
    if np.abs(step / level).max() > 0.5:
        return correction
    missed = after.gradient - before.gradient - (after.curvature + correction) @ step
    missed = np.where(step == 0.0, 0.0, missed)
    along = float(missed @ step)
    if abs(along) <= 1e-8 * float(np.linalg.norm(missed) * np.linalg.norm(step)):
        return correction
    updated: FloatArray = correction + np.outer(missed, missed) / along
    return updated
