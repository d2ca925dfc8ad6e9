"""Which cells of a fitted model stand out, and how far, taken by themselves and shrunken?

Model: a crossed random-intercept model at given variances (`model_bootstrap.FittedModel`) with one
further column at a time. The estimate is generalised least squares, so that its standard error on
the observed design is exact given the variances.

Sources: Cook, Holschuh & Weisberg (1982), Technometrics 24, 23-33 (one mean shifted); Benjamini &
Hochberg (1995), J. R. Stat. Soc. B 57, 289-300; Gelman (2006), Bayesian Analysis 1, 515-534 (flat
in the SD).

Assumes normal effects and that few cells are shifted. It cannot tell a shift of one cell from the
opposite shift of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from pipeline.numerics.crossed_reml import CrossedFit
from pipeline.numerics.false_discovery import benjamini_hochberg
from pipeline.numerics.model_bootstrap import FittedModel, indicator

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_MOST_STEPS = 10


@dataclass(frozen=True)
class Shifts:
    """Coefficients of columns, each beside a model with those that stand out.

    Attributes
    ----------
    value, se, p : ndarray, (m,)
        Coefficient, standard error (units of y per unit of the column) and two-sided p-value; NaN
        where the model cannot tell it.
    chosen : ndarray of bool, (m,)
        Whether it stands out.
    """

    value: FloatArray
    se: FloatArray
    p: FloatArray
    chosen: npt.NDArray[np.bool_]


def forward_shifts(
    y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray], variance: Mapping[str, float],
    columns: sparse.csc_array, *, q: float, least: float,
) -> Shifts:  # fmt: skip
    """Find the columns that shift the scores, the surest first.

    Severities are relative, so one rater who drifts makes all others seem to drift the other way.
    Therefore the column that stands out most (Benjamini-Hochberg at ``q``, at least ``least``) is
    given to the model before the others are judged again, until none stands out; then each chosen
    one is estimated beside the others chosen.

    Parameters
    ----------
    y, X, codes, variance
        Scores and the model without any shift.
    columns : sparse array, (n, m)
        Columns to be judged.
    q, least : float
        Share of false discoveries, and smallest coefficient that counts.
    """
    m = columns.shape[1]
    chosen = np.zeros(m, dtype=bool)
    value, se = FittedModel(X, codes, variance).shift(y, columns)
    for _ in range(min(m // 2, _MOST_STEPS)):
        p = 2 * stats.norm.sf(np.abs(value) / se)
        stands = (benjamini_hochberg(p) <= q) & ~chosen & (np.abs(value) >= least)
        if not stands.any():
            break
        z = np.where(stands, (np.abs(value) / se).round(6), 0.0)
        # of two mirrored columns the later one
        chosen[m - 1 - int(np.argmax(z[::-1]))] = True
        value, se = _beside(y, X, codes, variance, columns, chosen, (value, se))
    return Shifts(value, se, 2 * stats.norm.sf(np.abs(value) / se), chosen)


def _beside(
    y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray], variance: Mapping[str, float],
    columns: sparse.csc_array, chosen: npt.NDArray[np.bool_], before: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Estimate every column beside the chosen ones, and those beside each other."""
    value, se = (one.copy() for one in before)
    given = np.asarray(columns[:, np.flatnonzero(chosen)].todense())
    places = np.flatnonzero(chosen)
    asked = [(np.flatnonzero(~chosen), given)]
    asked += [(places[[k]], np.delete(given, k, axis=1)) for k in range(len(places))]
    for where, beside in asked:
        model = FittedModel(np.column_stack([X, beside]), codes, variance)
        found, error = model.shift(y, columns[:, where])
        # a mirror image of what was chosen keeps its first estimate
        known = ~np.isnan(found)
        value[where[known]], se[where[known]] = found[known], error[known]
    return value, se


def wald(value: FloatArray, se: FloatArray, level: float) -> dict[str, FloatArray]:
    """Return ``ci_low``, ``ci_high`` and two-sided ``p`` of normal estimates."""
    reach = float(stats.norm.ppf((1 + level) / 2)) * se
    p = 2 * stats.norm.sf(np.abs(value) / se)
    return {"ci_low": value - reach, "ci_high": value + reach, "p": p}


def averaged_contrasts(
    fit: CrossedFit, y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray], name: str,
    owner: IntArray, most: float, n_grid: int = 7,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Predict each level of a term minus the mean of its owner's other levels.

    Averaged over how much the levels may differ: flat in the SD of the term, weighted by the
    restricted likelihood; the other variances are taken as fitted. So a variance estimated at 0
    does not end in certainty.

    Parameters
    ----------
    fit, y, X, codes
        The fitted model and what it was fitted to.
    name : str
        The term.
    owner : ndarray of int, (levels,)
        Whose level it is, counted from 0. The only level of an owner is taken as it is.
    most : float
        Upper end of an interval of the term's variance, squared units of y; may be infinite.
    n_grid : int
        Values of the SD.

    Returns
    -------
    mean, sd : ndarray, (levels,)
        Units of y.
    """
    # a little beyond the interval; levels cannot spread more than the scores do
    top = min(1.5 * most, 4 * float(np.var(y)))
    contrast = _against_others(owner)
    logs, means, squares = [], [], []
    for sd in np.linspace(0.0, np.sqrt(top), n_grid):
        variance = {**fit.variance, name: float(sd**2)}
        logs.append(-fit.criterion_at(variance) / 2)
        if sd == 0:
            means.append(np.zeros(len(owner)))
            squares.append(means[-1])
            continue
        model = FittedModel(X, codes, variance)
        means.append(contrast @ model.coefficients(y)[model.where[name]])
        spread = contrast @ model.prediction_covariance(name)
        squares.append(np.asarray(contrast.multiply(spread).sum(axis=1)) + means[-1] ** 2)
    weight = np.exp(np.array(logs) - max(logs))
    weight /= weight.sum()
    mean = weight @ np.array(means)
    return mean, np.sqrt(np.maximum(weight @ np.array(squares) - mean**2, 0.0))


def _against_others(owner: IntArray) -> sparse.csr_array:
    """Contrasts of each level with the mean of its owner's other levels, (levels, levels)."""
    member = indicator(owner)
    others = np.maximum(np.bincount(owner)[owner] - 1, 1)
    alone = np.bincount(owner)[owner] == 1
    own = 1.0 + np.where(alone, 0.0, 1.0 / others)
    same = sparse.diags_array(np.where(alone, 0.0, 1.0 / others)) @ (member @ member.T)
    return sparse.csr_array(sparse.diags_array(own) - same)
