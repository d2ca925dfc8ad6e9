"""Did the spread of paired values change?

The ratio of two correlated standard deviations with the interval of Pitman and Morgan: the ratios
at which the correlation of sum and difference is not significant.

Sources: Morgan (1939), Biometrika 31, 13-19; Pitman (1939), Biometrika 31, 9-12.

Assumes pairs near to normal. Where several pairs belong to one unit, the interval has the degrees
of freedom of the units: exact where the pairs of a unit are equal, wide where they are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpreadRatio:
    """Standard deviation after divided by before, above 0, with its interval."""

    ratio: float
    low: float
    high: float


def spread_ratio(
    before: FloatArray, after: FloatArray, *, n_units: int, level: float
) -> SpreadRatio:
    """Compare the spread of paired values, neither of them constant.

    Parameters
    ----------
    before, after
        Paired values.
    n_units
        Independent units behind the pairs, three or more.
    level
        Confidence level.
    """
    ratio = float(after.var(ddof=1) / before.var(ddof=1))
    r = float(np.corrcoef(before, after)[0, 1])
    df = n_units - 2
    t = float(stats.t.ppf((1 + level) / 2, df))
    k = 1 + 2 * (1 - min(r * r, 1.0)) * t * t / df
    half = float(np.sqrt(max(k * k - 1, 0.0)))
    # the two limits multiply to 1, and the smaller is small where r is near 0
    low, high = ratio / (k + half), ratio * (k + half)
    return SpreadRatio(ratio**0.5, low**0.5, high**0.5)
