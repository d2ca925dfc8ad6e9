"""Can these ratings tell strict raters from mild ones at all?

Model: none of its own; it judges the severities of ``methods/severity``. Separation reliability
is ``1 - mean(se^2) / var_rater``: which part of the differences in severity is known. From it
follow separation ``G = sqrt(reliability / (1 - reliability))``, true spread over error, and
strata ``(4 G + 1) / 3``, the number of levels of severity that can be told apart. High is no
praise: it says that raters differ and that we can see it.

Source: Linacre, FACETS manual, table 7; Wright & Masters (1982), Rating Scale Analysis.

Assumes the standard errors given. With few raters these hold the uncertainty of the variances
too, so that reliability is lower than FACETS would say, and 0 where nothing is known. The interval
comes from that of the rater variance, with the information about each rater kept. Per rater the
same share is ``1 - se^2 / var_rater``, what the ratings know of that one severity. From 15 raters
on ``se`` is the conditional SD, given the fixed part; around the mean of the component the error is
a little smaller (4 to 8 % in variance with 16 to 40 raters), so these shares are cautious. It
cannot tell who is strict, nor compare components with each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.separation import separation_of_reliability

_BELOW_ONE = 1.0 - 1e-12


@dataclass(frozen=True)
class Reliability:
    """How well raters are told apart.

    Attributes
    ----------
    components
        One row per component of two raters or more: component, n_raters, reliability (0-1) with
        reliability_low and reliability_high, separation (0 or more) and strata (at least 1/3)
        with the same ends, rmse (root mean squared standard error, scale points).
    overall
        The same in one row over all raters, without ``component``.
    raters
        One row per rater: rater_id, component, precision (0-1: share of the rater variance that the
        ratings resolve for this rater; 0: the severity could be anything that severities are) with
        precision_low and precision_high.
    sd_rater
        SD of severity between raters, scale points, above 0.
    """

    components: pd.DataFrame
    overall: pd.DataFrame
    raters: pd.DataFrame
    sd_rater: float


def estimate_reliability(
    raters: pd.DataFrame, *, var_rater: float, var_rater_low: float, var_rater_high: float
) -> Reliability:
    """Say how well severities of raters are told apart.

    Parameters
    ----------
    raters
        Severities: columns rater_id, component and se (scale points, above 0), a row per rater.
    var_rater, var_rater_low, var_rater_high
        Rater variance with its interval, squared scale points; the upper end may be infinite.

    Returns
    -------
    Reliability

    Raises
    ------
    NotEstimable
        There are no severities, or no differences between raters to be told apart.
    """
    if raters.empty:
        raise NotEstimable(msg("No rater has a severity, so there is nothing to tell apart."))
    if var_rater <= 0:
        raise NotEstimable(
            msg("The ratings show no differences in severity, so there is nothing to tell apart.")
        )
    ends = (var_rater, var_rater_low, var_rater_high)
    rows = [
        {"component": component, **_row(own["se"].to_numpy(dtype=float), ends)}
        for component, own in raters.groupby("component", sort=True)
    ]
    return Reliability(
        components=pd.DataFrame(rows),
        overall=pd.DataFrame([_row(raters["se"].to_numpy(dtype=float), ends)]),
        raters=_precision(raters, ends),
        sd_rater=var_rater**0.5,
    )


def _precision(raters: pd.DataFrame, ends: tuple[float, float, float]) -> pd.DataFrame:
    """Per rater what is known of the severity, with its interval."""
    made = raters[["rater_id", "component"]].reset_index(drop=True)
    errors = raters["se"].to_numpy(dtype=float)
    for name, variance in zip(("", "_low", "_high"), ends, strict=True):
        made[f"precision{name}"] = [
            _reliability(errors[i : i + 1], ends[0], variance) for i in range(len(errors))
        ]
    return made


def _row(se: npt.NDArray[np.float64], ends: tuple[float, float, float]) -> dict[str, float]:
    row: dict[str, float] = {"n_raters": len(se)}
    for name, variance in zip(("", "_low", "_high"), ends, strict=True):
        found = separation_of_reliability(_reliability(se, ends[0], variance))
        row |= {f"{field}{name}": value for field, value in found._asdict().items()}
    return row | {"rmse": float(np.sqrt(np.mean(se**2)))}


def _reliability(se: npt.NDArray[np.float64], estimate: float, variance: float) -> float:
    """Reliability if the rater variance were ``variance``, with the information as it is."""
    known = 1.0 - float(np.mean(se**2)) / estimate
    if known <= 0 or variance == 0:
        return 0.0
    if variance == np.inf:
        return _BELOW_ONE
    # information about a rater relative to the prior: se^2 = estimate / (1 + information)
    information = known / (1.0 - known) * variance / estimate
    return float(min(information / (1.0 + information), _BELOW_ONE))
