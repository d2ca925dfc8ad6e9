"""What share of the variance in scores is due to the subjects, and not to raters or chance?

Model: score = mean + subject + rater + residual, subjects and raters both drawn at random
(two-way random effects, one score per cell, interaction and error together in the residual).
With variance components s (subject), r (rater), e (residual):

========  =========================  ====================================================
ICC(A,1)  s / (s + r + e)            absolute agreement of one rater; ICC(2,1)
ICC(A,k)  s / (s + (r + e) / k)      absolute agreement of the mean of k raters; ICC(2,k)
ICC(C,1)  s / (s + e)                consistency of one rater (severity ignored); ICC(3,1)
ICC(C,k)  s / (s + e / k)            consistency of the mean of k raters; ICC(3,k)
========  =========================  ====================================================

Assumes scores on an interval scale, roughly normal and equally noisy for all raters, and that
who rated whom does not depend on the scores. An ICC depends on how much subjects differ: among
equals it is low with the best of raters. It does not say which rater deviates.

Sources: Shrout & Fleiss (1979); McGraw & Wong (1996); Thomas & Hultquist (1978) for intervals
from harmonic means when counts are unequal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats
from scipy.sparse import csgraph

from pipeline.numerics.rating_table import (
    DegenerateTable,
    FloatArray,
    Interval,
    TableLike,
    check_level,
    no_disagreement_low,
    read_table,
    standardise,
)

# On scores of range −1 to 1: a mean square below this is rounding of an exact 0.
_ZERO = 1e-20


@dataclass(frozen=True)
class IccResult:
    """Intraclass correlations of a table of scores, with what they were computed from.

    Attributes
    ----------
    icc_a1, icc_ak : float
        Absolute agreement of one rater, and of the mean of `k` raters. At most 1; negative
        when raters agree less than chance gives (complete tables only).
    icc_c1, icc_ck : float
        The same for consistency: differences in severity between raters do not count.
    icc_a1_ci, icc_ak_ci, icc_c1_ci, icc_ck_ci : Interval
        ``(low, high)`` at `level`.
    level : float
        Confidence level of the intervals.
    k : float
        Raters averaged in the k-forms: the number of raters, or for an incomplete table the
        harmonic mean of the number of scores per subject.
    n_subjects, n_raters : int
        Subjects and raters with at least one score.
    n_ratings : int
        Scores in the table.
    n_components : int
        Groups of subjects and raters linked by shared ratings. Above 1 the components of
        variance rest on the assumption that the groups are alike: true differences between
        the groups cannot be told from severity.
    var_subject, var_rater, var_residual : float
        Variance components in squared scale points. For a complete table from the mean
        squares, so that var_subject and var_rater can come out negative: read "none found".
        For an incomplete one by REML, never negative.
    estimator : str
        "mean squares" for a complete table, "REML" for an incomplete one.
    """

    icc_a1: float
    icc_a1_ci: Interval
    icc_ak: float
    icc_ak_ci: Interval
    icc_c1: float
    icc_c1_ci: Interval
    icc_ck: float
    icc_ck_ci: Interval
    level: float
    k: float
    n_subjects: int
    n_raters: int
    n_ratings: int
    n_components: int
    var_subject: float
    var_rater: float
    var_residual: float
    estimator: str


@dataclass(frozen=True)
class _MeanSquares:
    """Mean squares of the two-way layout, or what they would be given variance components.

    Attributes: `subject`, `rater`, `residual`, mean squares ≥ 0; `df_rater`, `df_subject`,
    `df_residual`, degrees of freedom; `k` scores per subject and `n` scores per rater, the
    numbers themselves or their harmonic means.
    """

    subject: float
    rater: float
    residual: float
    df_subject: int
    df_rater: int
    df_residual: int
    k: float
    n: float


def icc(table: TableLike, level: float = 0.95) -> IccResult:
    """Intraclass correlations for agreement and consistency, with intervals.

    Parameters
    ----------
    table : array-like or pandas.DataFrame, shape (n_subjects, n_raters)
        Scores, NaN where a rater gave none.
    level : float
        Confidence level of the intervals, between 0 and 1.

    Returns
    -------
    IccResult

    Raises
    ------
    DegenerateTable
        One rater or one subject; all scores the same; subjects that do not differ at all;
        raters that contradict each other so strongly that a mean over them has no ICC; an
        incomplete table with too little overlap to separate subjects, raters and residual.

    Notes
    -----
    *Complete table*: point estimates from the mean squares (equal to Shrout & Fleiss, also when
    negative) and the F-based intervals of McGraw & Wong; ICC(A,k) limits are those of ICC(A,1)
    stepped up by Spearman-Brown, as R's psych does.

    *Incomplete table*: variance components by REML. Intervals use the same formulas on the mean
    squares that a layout with the harmonic-mean number of scores per subject and per rater
    would have, with degrees of freedom from the table itself. They are approximate; they
    converge to the exact ones as the table fills up.

    No interval says anything about raters or subjects unlike those in the table.
    """
    level = check_level(level)
    scores = read_table(table)
    standard, scale = standardise(scores)
    present = ~np.isnan(standard)
    complete = bool(present.all())
    n_components = _components(present)
    ms = _mean_squares(standard) if complete else _expected_squares(standard, n_components)
    total, total_of_mean = _refuse_undefined(ms)

    excess = ms.subject - ms.residual
    icc_a1 = excess / total
    icc_ak = excess / total_of_mean
    icc_c1 = excess / (ms.subject + (ms.k - 1) * ms.residual)
    icc_ck = excess / ms.subject
    c1, ck = _consistency_intervals(ms, level)
    a1, ak = _agreement_intervals(ms, icc_a1, icc_ak, level)
    unit = scale**2
    return IccResult(
        icc_a1=icc_a1,
        icc_a1_ci=a1,
        icc_ak=icc_ak,
        icc_ak_ci=ak,
        icc_c1=icc_c1,
        icc_c1_ci=c1,
        icc_ck=icc_ck,
        icc_ck_ci=ck,
        level=level,
        k=ms.k,
        n_subjects=scores.shape[0],
        n_raters=scores.shape[1],
        n_ratings=int(present.sum()),
        n_components=n_components,
        var_subject=unit * excess / ms.k,
        var_rater=unit * (ms.rater - ms.residual) / ms.n,
        var_residual=unit * ms.residual,
        estimator="mean squares" if complete else "REML",
    )


def _components(present: np.ndarray) -> int:
    """Count connected components of the graph that links subjects and raters by ratings."""
    n_subjects, n_raters = present.shape
    subject, rater = np.nonzero(present)
    size = n_subjects + n_raters
    graph = sparse.coo_array((np.ones(subject.size), (subject, n_subjects + rater)), (size, size))
    return int(csgraph.connected_components(graph, directed=False, return_labels=False))


def _mean_squares(scores: FloatArray) -> _MeanSquares:
    """Mean squares of a complete table."""
    n, k = scores.shape
    centred = scores - scores.mean()
    of_subject, of_rater = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - of_subject[:, None] - of_rater[None, :]
    df_residual = (n - 1) * (k - 1)

    def clean(value: float) -> float:
        return value if value > _ZERO else 0.0

    return _MeanSquares(
        subject=clean(k * float(of_subject @ of_subject) / (n - 1)),
        rater=clean(n * float(of_rater @ of_rater) / (k - 1)),
        residual=clean(float(np.sum(residual**2)) / df_residual),
        df_subject=n - 1,
        df_rater=k - 1,
        df_residual=df_residual,
        k=float(k),
        n=float(n),
    )
