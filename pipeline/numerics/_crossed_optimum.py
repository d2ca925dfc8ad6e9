"""Find the variance ratios at which the data are most likely.

Projected Newton steps with average-information curvature (Gilmour, Thompson & Cullis 1995), taken
in the precision scale ``1 / (g_k + 1 / rows per level)``: there a single step is exact for a
balanced one-way layout, from above as from below. A variance whose ratio reaches zero while the
likelihood still rises towards zero is held there and released if that changes (Bertsekas 1982,
*SIAM J. Control Optim.* 20, 221-246).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.numerics._crossed_design import DegenerateResponse, FloatArray
from pipeline.numerics._crossed_likelihood import CrossedLikelihood, LikelihoodPoint

BoolArray = npt.NDArray[np.bool_]

# Predicted further decrease of the criterion at which it counts as reached.
_TOLERANCE = 1e-9
_SHORTEST_STEP = 2.0**-20
_LARGEST_GROWTH = 0.9
_LONGEST_STEP = 1e4
# Distance from its bound, relative to its level, at which a coordinate counts as all but there.
_AT_BOUND = 1e-3
# Residual variance, as a share of that of the response, that is only rounding error.
_NO_RESIDUAL = 1e-9
# The same where the search has failed: it was following the residual variance towards zero.
_FADING_RESIDUAL = 1e-3
# Smallest eigenvalue, relative to average information, that a corrected curvature may have.
_LEAST_CURVATURE = 0.05


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
    point = model.at(np.maximum(start, model.floor))
    shift = 1.0 / model.mean_count
    none_fixed = np.zeros(len(start), dtype=bool)
    correction = np.zeros((len(start), len(start)))
    converged = False
    n_steps = 0
    while True:
        _require_residual(point, _NO_RESIDUAL)
        held = (point.ratios <= model.floor) & (point.gradient >= 0)
        curvature = _corrected(point.curvature, correction, held)
        step, decrease = projected_step(
            point.gradient, curvature, point.ratios, shift, model.floor, none_fixed
        )
        if decrease < _TOLERANCE:
            converged = True
            break
        if n_steps == max_steps:
            break
        found = _search(model, point, step, decrease)
        if found is None:
            # Rounding hides any further decrease; that is the optimum only if little was left.
            converged = decrease < 1e-5
            break
        correction = _learned(point, found, correction, point.ratios + shift)
        point = found
        n_steps += 1
    if not converged:
        _require_residual(point, _FADING_RESIDUAL)
    interior = point
    if held.any():
        point = model.at(np.where(held, 0.0, point.ratios))
    return Optimum(point, interior, converged, n_steps)


def _require_residual(point: LikelihoodPoint, share: float) -> None:
    """Refuse a response that the terms reproduce: its likelihood has no maximum."""
    design = point.model.design
    if not point.rss > share * design.sum_squares:
        raise DegenerateResponse(
            f"terms {', '.join(map(repr, design.names))} and the fixed effects reproduce the "
            f"{design.n} responses: the residual variance tends to 0; expected ratings that vary "
            "within the levels of all terms together"
        )


def _corrected(curvature: FloatArray, correction: FloatArray, held: BoolArray) -> FloatArray:
    """Add what was learned to the average information where that keeps it positive definite."""
    free = np.flatnonzero(~held)
    if len(free) == 0 or not correction.any():
        return curvature
    better = curvature + correction
    block = curvature[np.ix_(free, free)]
    scale = np.sqrt(np.maximum(np.diag(block), np.finfo(float).tiny))
    scaled = better[np.ix_(free, free)] / np.outer(scale, scale)
    return better if np.linalg.eigvalsh(scaled)[0] > _LEAST_CURVATURE else curvature


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


def projected_step(
    gradient: FloatArray,
    curvature: FloatArray,
    values: FloatArray,
    shift: FloatArray,
    lowest: FloatArray,
    fixed: BoolArray,
) -> tuple[FloatArray, float]:
    """Return a Newton step that respects lower bounds, and the decrease it predicts.

    Coordinates at their bound stay there while the criterion rises from it. One that is all but at
    its bound and would run into it is put there, and the others' step is found without it: cut
    short by the bound, the joint step need not lead downwards.
    """
    level = values + shift
    held = fixed | ((values <= lowest) & (gradient >= 0))
    landing = np.zeros(len(values), dtype=bool)
    while True:
        step = _newton_step(gradient, curvature, level, held | landing)
        blocked = (gradient > 0) & (values - lowest <= _AT_BOUND * level) & (step < 0)
        blocked &= moved(values, step, shift, lowest) <= lowest
        if not blocked.any():
            break
        landing |= blocked
    decrease = -float(gradient @ step) + float(gradient[landing] @ (values - lowest)[landing])
    step[landing] = -_LONGEST_STEP * level[landing]
    return step, decrease


def _newton_step(
    gradient: FloatArray, curvature: FloatArray, level: FloatArray, held: BoolArray
) -> FloatArray:
    """Return a descent step on the coordinates that are not held, zero on the others.

    Where the data's curvature vanishes (no variation of a term is left to explain), it is raised
    so that no step exceeds `_LONGEST_STEP` times the level of its coordinate.
    """
    step: FloatArray = np.zeros(len(gradient))
    free = np.flatnonzero(~held)
    if len(free) == 0:
        return step
    block = curvature[np.ix_(free, free)]
    least = np.abs(gradient[free]) / (_LONGEST_STEP * level[free])
    scale = np.sqrt(np.maximum(np.diag(block), np.maximum(least, np.finfo(float).tiny)))
    values, vectors = np.linalg.eigh(block / np.outer(scale, scale))
    # Average information can be nearly singular far from the optimum.
    values = np.maximum(values, 1e-8)
    slope = gradient[free] / scale
    step[free] = -(vectors @ ((vectors.T @ slope) / values)) / scale
    return step


def moved(
    values: FloatArray, step: FloatArray, shift: FloatArray, lowest: FloatArray
) -> FloatArray:
    """Take a step in the scale ``1 / (value + shift)``, to no less than the lowest values."""
    level = values + shift
    growth = np.minimum(step / level, _LARGEST_GROWTH)
    return np.where(step == 0.0, values, np.maximum(level / (1.0 - growth) - shift, lowest))


def _search(
    model: CrossedLikelihood, point: LikelihoodPoint, step: FloatArray, decrease: float
) -> LikelihoodPoint | None:
    """Return a point with a lower criterion along the step, or None."""
    shift = 1.0 / model.mean_count
    length = 1.0
    noise = 1e-13 * abs(point.criterion)
    while length >= _SHORTEST_STEP:
        ratios = moved(point.ratios, length * step, shift, model.floor)
        try:
            trial = model.at(ratios)
        except np.linalg.LinAlgError:
            trial = None
        if trial is not None and (
            trial.criterion <= point.criterion - 1e-4 * length * decrease + noise
        ):
            return trial
        length *= 0.5
    return None
