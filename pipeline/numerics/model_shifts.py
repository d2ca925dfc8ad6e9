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
_LEAST_KNOWN = 1e-6
"""Share of a column that must be left beside the model for its coefficient to be told."""


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
    model: FittedModel, y: FloatArray, columns: sparse.csc_array, *, q: float, least: float
) -> Shifts:
    """Find the columns that shift the scores, the surest first.

    Severities are relative, so one rater who drifts makes all others seem to drift the other way.
    Therefore the column that stands out most (Benjamini-Hochberg at ``q``, at least ``least``) is
    given to the model before the others are judged again, until none stands out; then each chosen
    one is estimated beside the others chosen.

    Parameters
    ----------
    model, y
        The model without any shift, and the scores.
    columns : sparse array, (n, m)
        Columns to be judged.
    q, least : float
        Share of false discoveries, and smallest coefficient that counts.
    """
    m = columns.shape[1]
    chosen = np.zeros(m, dtype=bool)
    information, score = model.information(y, columns)
    # what a column would tell beside nothing but chance
    whole = np.asarray((columns * columns).sum(axis=0), dtype=float) / model.residual_variance
    told = (information, score, _LEAST_KNOWN * whole)
    value, se = _beside(told, np.arange(m), chosen)
    for _ in range(min(m // 2, _MOST_STEPS)):
        p = 2 * stats.norm.sf(np.abs(value) / se)
        stands = (benjamini_hochberg(p) <= q) & ~chosen & (np.abs(value) >= least)
        if not stands.any():
            break
        z = np.where(stands, (np.abs(value) / se).round(6), 0.0)
        # of two mirrored columns the later one
        chosen[m - 1 - int(np.argmax(z[::-1]))] = True
        asked = [(np.flatnonzero(~chosen), chosen)]
        asked += [(np.array([k]), chosen & (np.arange(m) != k)) for k in np.flatnonzero(chosen)]
        for where, given in asked:
            found, error = _beside(told, where, given)
            # a mirror image of what was chosen keeps its estimate
            known = ~np.isnan(found)
            value[where[known]], se[where[known]] = found[known], error[known]
    return Shifts(value, se, 2 * stats.norm.sf(np.abs(value) / se), chosen)


def _beside(
    told: tuple[FloatArray, FloatArray, FloatArray], where: IntArray,
    given: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Estimate single columns beside the given ones: coefficient and standard error."""
    information, score, least = told
    known, sums = np.diag(information)[where], score[where]
    if given.any():
        across = information[np.ix_(where, given)]
        weight = np.linalg.solve(information[np.ix_(given, given)], across.T).T
        known = known - np.einsum("wg,wg->w", weight, across)
        sums = sums - weight @ score[given]
    known = np.where(known > least[where], known, np.nan)
    return sums / known, np.sqrt(1.0 / known)


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

    Notes
    -----
    What the scores tell of the levels beside the other terms is found once and diagonalised; every
    SD then costs only a sum over levels.
    """
    # a little beyond the interval; levels cannot spread more than the scores do
    top = min(1.5 * most, 4 * float(np.var(y)))
    contrast = _against_others(owner)
    without = FittedModel(
        X, {term: codes[term] for term in fit.effects if term != name}, fit.variance
    )
    information, score = without.information(y, indicator(codes[name]))
    root, basis = np.linalg.eigh(information)
    root, seen, basis = np.maximum(root, 0.0), basis.T @ score, contrast @ basis
    variance = np.linspace(0.0, np.sqrt(top), n_grid)[:, None] ** 2
    left = variance / (1.0 + variance * root)
    logs = (left @ seen**2 - np.log1p(variance * root).sum(axis=1)) / 2
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    means = (left * seen) @ basis.T
    squares = left @ (basis**2).T + means**2
    mean = weight @ means
    return mean, np.sqrt(np.maximum(weight @ squares - mean**2, 0.0))


def _against_others(owner: IntArray) -> sparse.csr_array:
    """Contrasts of each level with the mean of its owner's other levels, (levels, levels)."""
    member = indicator(owner)
    others = np.maximum(np.bincount(owner)[owner] - 1, 1)
    alone = np.bincount(owner)[owner] == 1
    own = 1.0 + np.where(alone, 0.0, 1.0 / others)
    same = sparse.diags_array(np.where(alone, 0.0, 1.0 / others)) @ (member @ member.T)
    return sparse.csr_array(sparse.diags_array(own) - same)
