"""How far should separate estimates be pulled to what they have in common?

Model: ``estimate_i ~ N(true_i, error_variance_i)``, ``true_i ~ N(centre, spread²)``. The spread is
estimated by restricted likelihood on a grid, flat in the spread, and averaged over, so that few
estimates give wide intervals and an estimated spread of 0 does not end in certainty.

Sources: Morris (1983), JASA 78, 47-65; Gelman (2006), Bayesian Analysis 1, 515-534.

Assumes known error variances and normal deviations. It cannot tell why estimates differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_N_GRID = 81


@dataclass(frozen=True)
class Shrunken:
    """Estimates pulled to their common centre.

    Attributes
    ----------
    value, sd
        Posterior mean and SD of each true value, unit of the estimates, (n,).
    centre
        Posterior mean of the common centre.
    spread
        Posterior mean of the SD of the true values, 0 or more.
    """

    value: FloatArray
    sd: FloatArray
    centre: float
    spread: float


def shrink(
    estimate: FloatArray, error_variance: FloatArray, *, centre: float | None = None
) -> Shrunken:
    """Average normal-normal posteriors over the spread that the estimates allow.

    Parameters
    ----------
    estimate, error_variance : ndarray, (n,)
        Estimates and their error variances, above 0; n at least 2.
    centre : float, optional
        Known centre; estimated where not given.
    """
    if len(estimate) < 2:
        raise ValueError(f"expected at least two estimates, got {len(estimate)}")
    most = 2.0 * float(np.std(estimate)) + float(np.sqrt(np.median(error_variance)))
    spread = np.linspace(0.0, most, _N_GRID)
    weight = 1.0 / (spread[:, None] ** 2 + error_variance)
    total = weight.sum(axis=1)
    if centre is None:
        middle = (weight * estimate).sum(axis=1) / total
        of_middle = 1.0 / total
        penalty = np.log(total)
    else:
        middle, of_middle, penalty = np.full(_N_GRID, centre), np.zeros(_N_GRID), np.zeros(_N_GRID)
    away = estimate - middle[:, None]
    log = 0.5 * (np.log(weight).sum(axis=1) - penalty - (weight * away**2).sum(axis=1))
    likelihood = np.exp(log - log.max())
    likelihood /= likelihood.sum()
    pull = spread[:, None] ** 2 * weight
    mean = middle[:, None] + pull * away
    variance = pull * error_variance + (1.0 - pull) ** 2 * of_middle[:, None]
    value = likelihood @ mean
    second = likelihood @ (variance + (mean - value) ** 2)
    return Shrunken(
        value=value,
        sd=np.sqrt(second),
        centre=float(likelihood @ middle),
        spread=float(likelihood @ spread),
    )
