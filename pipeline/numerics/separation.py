"""How many levels of severity (or ability) can be told apart?

Separation G is the true spread in units of the measurement error, ``adjSD / RMSE`` with
``adjSD^2 = SD^2 - RMSE^2``; strata ``(4 G + 1) / 3``; reliability ``G^2 / (1 + G^2)``.

Source: Linacre, FACETS manual, table 7 (winsteps.com/facetman/table7summarystatistics.htm);
Wright & Masters (1982), Rating Scale Analysis, p. 92, 105-106.

Assumes errors independent of what is measured. It cannot tell real differences from a misfitting
model's.
"""

from __future__ import annotations

from typing import NamedTuple


class Separation(NamedTuple):
    """Separation of measures, all 0 or more.

    Attributes
    ----------
    separation
        True spread over error.
    strata
        Levels that can be told apart, centres three errors from each other.
    reliability
        True variance over observed variance, below 1.
    """

    separation: float
    strata: float
    reliability: float


def separation_of_measures(observed_sd: float, rmse: float) -> Separation:
    """Separation of unshrunken measures.

    Parameters
    ----------
    observed_sd
        SD of the measures as they stand, error included; 0 or more.
    rmse
        Root mean square of their standard errors, above 0, in the same units.
    """
    true_variance = max(observed_sd**2 - rmse**2, 0.0)
    return _from_separation(true_variance**0.5 / rmse)


def separation_of_reliability(reliability: float) -> Separation:
    """Separation that belongs to a reliability from 0 to just below 1."""
    return _from_separation((reliability / (1.0 - reliability)) ** 0.5)


def _from_separation(g: float) -> Separation:
    return Separation(g, (4.0 * g + 1.0) / 3.0, g**2 / (1.0 + g**2))
