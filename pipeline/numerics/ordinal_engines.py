"""Two engines for severity on an ordered scale, with one kind of answer.

The rating-scale model (`rating_scale`) integrates subjects out; the cumulative logit
(`ordered_logit`) describes them by fixed terms, for small crossed designs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.numerics.ordered_logit import fit_ordered_logit
from pipeline.numerics.rating_scale import fit_rating_scale

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

ORDERED, RATING_SCALE = "ordered logit", "rating scale"


@dataclass(frozen=True, eq=False)
class OrdinalFit:
    """What both engines give, in logits and categories.

    Attributes
    ----------
    severity, severity_se : ndarray, (n_raters,)
        Positive = gives lower scores; sums to zero.
    difficulty, difficulty_se : ndarray, (n_criteria,)
        Positive = gets lower scores; sums to zero.
    threshold, threshold_se : ndarray, (K,)
        Per step, around their mean.
    expected, z : ndarray, (n,)
        Expected category of each rating, and its standardised residual.
    square, weight, standard_square : ndarray, (n,)
        Squared residual, its variance, and the squared standardised residual.
    sigma : float or None
        SD of the subjects, where they are integrated out.
    n_groups : int
        Groups of raters without a criterion in common.
    engine : str
        `ORDERED` or `RATING_SCALE`.
    """

    severity: FloatArray
    severity_se: FloatArray
    difficulty: FloatArray
    difficulty_se: FloatArray
    threshold: FloatArray
    threshold_se: FloatArray
    expected: FloatArray
    z: FloatArray
    square: FloatArray
    weight: FloatArray
    standard_square: FloatArray
    sigma: float | None
    n_groups: int
    engine: str


def by_rating_scale(
    category: IntArray, subject: IntArray, rater: IntArray, criterion: IntArray
) -> OrdinalFit:
    """Fit the rating-scale model; parameters and errors as for `fit_rating_scale`."""
    fit = fit_rating_scale(category, subject, rater, criterion)
    same = [name for name in OrdinalFit.__dataclass_fields__ if name != "engine"]
    return OrdinalFit(**{name: getattr(fit, name) for name in same}, engine=RATING_SCALE)


def by_ordered_logit(
    category: IntArray, rater: IntArray, criterion: IntArray, terms: FloatArray
) -> OrdinalFit:
    """Fit a cumulative logit with rater, criterion and subject terms.

    Parameters
    ----------
    category, rater, criterion : ndarray of int, (n,)
        Codes from 0, each used.
    terms : ndarray, (n, p)
        Columns that describe the subject of each rating.

    Returns
    -------
    OrdinalFit

    Raises
    ------
    OrderedLogitError
        As for `fit_ordered_logit`.
    """
    n_raters, n_criteria = int(rater.max()) + 1, int(criterion.max()) + 1
    columns = [
        np.eye(n_raters)[:, 1:][rater],
        np.eye(n_criteria)[:, 1:][criterion],
        terms,
    ]
    fit = fit_ordered_logit(category, np.column_stack(columns))
    cuts = np.arange(n_raters + n_criteria - 2 + terms.shape[1], len(fit.cov))
    value = np.append(fit.beta, fit.threshold)

    def centred(at: IntArray, size: int, sign: float) -> tuple[FloatArray, FloatArray]:
        """Effects around their mean, the first level being 0 where it has no column."""
        turn = sign * (np.eye(size) - 1 / size)[:, size - len(at) :]
        se = np.sqrt(np.einsum("ij,jk,ik->i", turn, fit.cov[np.ix_(at, at)], turn))
        return turn @ value[at], se

    severity, severity_se = centred(np.arange(n_raters - 1), n_raters, -1.0)
    of_criteria = np.arange(n_raters - 1, n_raters + n_criteria - 2)
    difficulty, difficulty_se = centred(of_criteria, n_criteria, -1.0)
    threshold, threshold_se = centred(cuts, len(cuts), 1.0)
    steps = np.arange(fit.probability.shape[1])
    expected = fit.probability @ steps
    weight = fit.probability @ steps**2 - expected**2
    square = (category - expected) ** 2
    return OrdinalFit(
        severity,
        severity_se,
        difficulty,
        difficulty_se,
        threshold,
        threshold_se,
        expected,
        (category - expected) / np.sqrt(weight),
        square,
        weight,
        square / weight,
        None,
        1,
        ORDERED,
    )
