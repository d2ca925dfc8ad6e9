"""Intraclass correlation: the share of score variance due to subjects, not to raters or chance.

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
import numpy.typing as npt
from scipy import sparse, stats
from scipy.sparse import csgraph

from pipeline.numerics.crossed_reml import CrossedModelError, fit_crossed
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

BoolArray = npt.NDArray[np.bool_]

# On scores of range -1 to 1: a mean square below this is rounding of an exact 0.
_ZERO = 1e-20
# Below this the quantiles of F leave the range of floating-point numbers.
_FEWEST_DF = 0.05


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


def _components(present: BoolArray) -> int:
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


def _expected_squares(scores: FloatArray, n_components: int) -> _MeanSquares:
    """Mean squares that the variance components of an incomplete table imply."""
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
    return _MeanSquares(
        subject=var_residual + k * var_subject,
        rater=var_residual + n * var_rater,
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


def _refuse_undefined(ms: _MeanSquares) -> tuple[float, float]:
    """Return the denominators of ICC(A,1) and ICC(A,k), both > 0, or refuse."""
    if ms.subject == 0 and ms.residual == 0:
        raise DegenerateTable("no rater told the subjects apart, so there is nothing to agree on")
    total = ms.subject + (ms.k - 1) * ms.residual + ms.k / ms.n * (ms.rater - ms.residual)
    total_of_mean = ms.subject + (ms.rater - ms.residual) / ms.n
    nothing = 1e-12 * (ms.subject + ms.rater + ms.residual)
    if ms.subject <= nothing or total_of_mean <= nothing or total <= nothing:
        raise DegenerateTable(
            "the raters contradict each other so strongly that their mean does not tell the "
            "subjects apart, so the agreement of that mean has no value"
        )
    return total, total_of_mean


def _consistency_intervals(ms: _MeanSquares, level: float) -> tuple[Interval, Interval]:
    """Intervals of ICC(C,1) and ICC(C,k); exact under normality for a complete table."""
    if ms.residual == 0:
        low = no_disagreement_low(ms.df_subject + 1, level)
        return Interval(low, 1.0), Interval(_stepped_up(low, ms.k), 1.0)
    tail = (1 + level) / 2
    ratio = ms.subject / ms.residual
    low = ratio / float(stats.f.ppf(tail, ms.df_subject, ms.df_residual))
    high = ratio * float(stats.f.ppf(tail, ms.df_residual, ms.df_subject))
    one = Interval((low - 1) / (low + ms.k - 1), (high - 1) / (high + ms.k - 1))
    return one, Interval(1 - 1 / low, 1 - 1 / high)


def _agreement_intervals(
    ms: _MeanSquares, icc_a1: float, icc_ak: float, level: float
) -> tuple[Interval, Interval]:
    """Intervals of ICC(A,1) and ICC(A,k), Satterthwaite as in McGraw & Wong (1996)."""
    k, n = ms.k, ms.n
    if ms.residual == 0 and ms.rater == 0:
        low = no_disagreement_low(ms.df_subject + 1, level)
        return Interval(low, 1.0), Interval(_stepped_up(low, k), 1.0)
    of_rater = k * icc_a1 * ms.rater
    of_residual = (n * (1 + (k - 1) * icc_a1) - k * icc_a1) * ms.residual
    df = (of_rater + of_residual) ** 2 / (
        of_rater**2 / ms.df_rater + of_residual**2 / ms.df_residual
    )
    low, high = _agreement_limits(ms, df, level) if df > _FEWEST_DF else (icc_a1, -np.inf)
    if not low <= icc_a1 <= high:
        # With a negative ICC the two terms can cancel until the limits miss the estimate; no sum
        # of mean squares has less than one degree of freedom.
        df = 1.0
        low, high = _agreement_limits(ms, df, level)
    if 1 + (k - 1) * low > 1e-9:
        low_of_mean = _stepped_up(low, k)
    else:
        # A negative component for raters makes the stepped-up limit run to minus infinity;
        # the component is then taken at its boundary, 0.
        down = float(stats.f.ppf((1 + level) / 2, ms.df_subject, df))
        low_of_mean = min(1 - down * ms.residual / ms.subject, icc_ak)
    return Interval(low, high), Interval(low_of_mean, _stepped_up(high, k))


def _agreement_limits(ms: _MeanSquares, df: float, level: float) -> tuple[float, float]:
    """Limits of ICC(A,1) when raters and residual together have `df` degrees of freedom."""
    k, n = ms.k, ms.n
    tail = (1 + level) / 2
    down = float(stats.f.ppf(tail, ms.df_subject, df))
    up = float(stats.f.ppf(tail, df, ms.df_subject))
    noise = k * ms.rater + (k * n - k - n) * ms.residual
    low = n * (ms.subject - down * ms.residual) / (down * noise + n * ms.subject)
    high = n * (up * ms.subject - ms.residual) / (noise + n * up * ms.subject)
    return low, high


def _stepped_up(icc_one: float, k: float) -> float:
    """Reliability of the mean of `k` raters from that of one (Spearman-Brown)."""
    return k * icc_one / (1 + (k - 1) * icc_one)
