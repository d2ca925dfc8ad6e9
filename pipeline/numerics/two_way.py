"""Two-way layout: how much scores vary between subjects, between raters, and within both.

Model: score = mean + subject + rater + residual, all three random and independent, at most one
score per subject and rater. The answer is given as mean squares, from which intraclass
correlations and their intervals follow: those of the table itself when it is complete, and
those implied by REML variance components when it is not.

Assumes that who rated whom does not depend on the scores, and that groups of raters without
shared subjects are alike: nothing in the ratings can show whether they are.

Sources: Shrout & Fleiss (1979); Thomas & Hultquist (1978) for harmonic means; REML by
`crossed_reml`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.numerics.crossed_reml import CrossedModelError, fit_crossed
from pipeline.numerics.rating_table import DegenerateTable, FloatArray

BoolArray = npt.NDArray[np.bool_]

# On scores of range -1 to 1: a mean square below this is rounding of an exact 0.
_ZERO = 1e-20


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of the two-way layout, or what they would be given variance components.

    Attributes
    ----------
    subject, rater, residual : float
        Mean squares, 0 or more, in squared units of the scores.
    df_subject, df_rater, df_residual : int
        Their degrees of freedom, at least 1.
    k : float
        Scores per subject, or the harmonic mean over subjects.
    n : float
        Scores per rater, or the harmonic mean over raters.
    """

    subject: float
    rater: float
    residual: float
    df_subject: int
    df_rater: int
    df_residual: int
    k: float
    n: float


def linked_groups(scores: FloatArray) -> int:
    """Count the groups of subjects and raters that are linked by shared ratings.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n_subjects, n_raters)
        NaN where a rater gave no score.

    Returns
    -------
    int
        1 when every rater can be reached from every other through shared subjects.
    """
    n_subjects, n_raters = scores.shape
    subject, rater = np.nonzero(~np.isnan(scores))
    size = n_subjects + n_raters
    graph = sparse.coo_array((np.ones(subject.size), (subject, n_subjects + rater)), (size, size))
    return int(csgraph.connected_components(graph, directed=False, return_labels=False))


def observed_squares(scores: FloatArray) -> MeanSquares:
    """Compute the mean squares of a complete table.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n_subjects, n_raters)
        Without NaN, on the range -1 to 1.

    Returns
    -------
    MeanSquares
        A mean square that is only rounding is exactly 0.
    """
    n, k = scores.shape
    centred = scores - scores.mean()
    of_subject, of_rater = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - of_subject[:, None] - of_rater[None, :]
    df_residual = (n - 1) * (k - 1)
    return MeanSquares(
        subject=_clean(k * float(of_subject @ of_subject) / (n - 1)),
        rater=_clean(n * float(of_rater @ of_rater) / (k - 1)),
        residual=_clean(float(np.sum(residual**2)) / df_residual),
        df_subject=n - 1,
        df_rater=k - 1,
        df_residual=df_residual,
        k=float(k),
        n=float(n),
    )


def _clean(mean_square: float) -> float:
    """Return the mean square, or exactly 0 where it is only rounding."""
    return mean_square if mean_square > _ZERO else 0.0


def implied_squares(scores: FloatArray, n_components: int) -> MeanSquares:
    """Compute the mean squares that the variance components of an incomplete table imply.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n_subjects, n_raters)
        At least one score per row and column, on the range -1 to 1.
    n_components : int
        Of `linked_groups`.

    Returns
    -------
    MeanSquares
        With the harmonic-mean numbers of scores per subject and per rater.

    Raises
    ------
    DegenerateTable
        Too little overlap to separate subjects, raters and residual.
    """
    present = ~np.isnan(scores)
    n_subjects, n_raters = scores.shape
    per_subject, per_rater = present.sum(axis=1), present.sum(axis=0)
    df_residual = int(present.sum()) - n_subjects - n_raters + n_components
    if per_subject.max() < 2:
        raise DegenerateTable("no subject was scored by two raters, so there is no overlap")
    if per_rater.max() < 2:
        raise DegenerateTable(
            "every rater scored one subject only, so severity and chance cannot be separated"
        )
    if df_residual < 1:
        raise DegenerateTable(
            "too few subjects were scored by the same raters to separate severity from chance"
        )
    var_subject, var_rater, var_residual = _variances(scores, present, n_components)
    k = n_subjects / float(np.sum(1 / per_subject))
    n = n_raters / float(np.sum(1 / per_rater))
    return MeanSquares(
        subject=_clean(var_residual + k * var_subject),
        rater=_clean(var_residual + n * var_rater),
        residual=var_residual,
        df_subject=n_subjects - 1,
        df_rater=n_raters - 1,
        df_residual=df_residual,
        k=k,
        n=n,
    )


def _variances(
    scores: FloatArray, present: BoolArray, n_components: int
) -> tuple[float, float, float]:
    """Variance of subjects, raters and residual by REML, each ≥ 0."""
    of_subject, of_rater, residual = _additive_fit(scores, present)
    if float(residual @ residual) <= _ZERO * residual.size:
        # Without residual the likelihood has no maximum; the effects themselves are then known
        # and their sample variances are its limit.
        if n_components > 1 and float(np.ptp(of_rater)) > 1e-9:
            raise DegenerateTable(
                "raters in unlinked groups differ by constants only, so severity and true "
                "differences between the groups cannot be separated"
            )
        return float(of_subject.var(ddof=1)), float(of_rater.var(ddof=1)), 0.0
    subject, rater = np.nonzero(present)
    try:
        fit = fit_crossed(
            scores[present],
            np.ones((subject.size, 1)),
            {"subject": subject, "rater": rater},
            reml=True,
        )
    except CrossedModelError:
        raise DegenerateTable(
            "the ratings do not allow the variance of subjects, raters and chance to be separated"
        ) from None
    if not fit.converged:
        raise DegenerateTable("the search for the variances did not settle on these ratings")
    return (
        float(fit.variance["subject"]),
        float(fit.variance["rater"]),
        float(fit.variance["residual"]),
    )


def _additive_fit(
    scores: FloatArray, present: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least-squares fit of subject plus rater: both effects, and the residuals (n_ratings,)."""
    if scores.shape[1] > scores.shape[0]:
        of_rater, of_subject, _ = _additive_fit(scores.T, present.T)
    else:
        # Eliminate the subjects; what is left is a system of the size of the raters.
        weight = present.astype(np.float64)
        filled = np.where(present, scores, 0.0)
        per_subject = weight.sum(axis=1)
        means = filled.sum(axis=1) / per_subject
        system = np.diag(weight.sum(axis=0)) - weight.T @ (weight / per_subject[:, None])
        of_rater = np.linalg.lstsq(system, filled.sum(axis=0) - weight.T @ means, rcond=None)[0]
        of_subject = means - weight @ of_rater / per_subject
    fitted = of_subject[:, None] + of_rater[None, :]
    return of_subject, of_rater, (scores - fitted)[present]
