"""Take one step towards the minimum of a criterion over variances, which are never negative.

Newton steps in the precision scale ``1 / (value + shift)``, with ``shift`` the variance that the
rows per level leave unresolved: there a single step is exact for a balanced one-way layout, from
above as from below. Bounds are respected by projection (Bertsekas 1982, *SIAM J. Control Optim.*
20, 221-246).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipeline.numerics._crossed_design import FloatArray
from pipeline.numerics._crossed_likelihood import LikelihoodPoint

BoolArray = npt.NDArray[np.bool_]

_MOST_HALVINGS = 20
_LARGEST_GROWTH = 0.9
_LONGEST_STEP = 1e4
# Distance from its bound, relative to its level, at which a coordinate counts as all but there.
_AT_BOUND = 1e-3
# Average information can be nearly singular far from the optimum.
_LEAST_EIGENVALUE = 1e-7


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
    values = np.maximum(values, _LEAST_EIGENVALUE)
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


def descend(
    evaluate: Callable[[FloatArray], tuple[LikelihoodPoint, float]],
    values: FloatArray,
    criterion: float,
    gradient: FloatArray,
    step: FloatArray,
    shift: FloatArray,
    lowest: FloatArray,
) -> tuple[FloatArray, LikelihoodPoint, float] | None:
    """Return values with a lower criterion along a step, with what was found there, or None.

    Parameters
    ----------
    evaluate : callable
        Gives the likelihood and the criterion at values; may raise LinAlgError far out.
    values, criterion, gradient : ndarray (m,), float, ndarray (m,)
        Where the search is.
    step, shift, lowest : ndarray, (m,)
        The step to try, and the scale and bounds as for `moved`.

    Returns
    -------
    tuple or None
        None if no part of the step lowers the criterion by what its gradient promises.
    """
    noise = 1e-13 * abs(criterion)
    for halvings in range(_MOST_HALVINGS):
        trial = moved(values, 0.5**halvings * step, shift, lowest)
        try:
            point, found = evaluate(trial)
        except np.linalg.LinAlgError:
            continue
        # The slope over the way actually gone, which a bound may have cut short.
        promised = min(float(gradient @ (trial - values)), 0.0)
        if found <= criterion + 1e-4 * promised + noise:
            return trial, point, found
    return None
