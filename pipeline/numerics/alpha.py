"""Krippendorff's alpha: how far raters agree beyond chance, with any scores missing.

Krippendorff's alpha compares the disagreement within subjects with the disagreement between
any two scores of the whole table. It takes any number of raters, missing scores, and nominal,
ordinal, interval or ratio scores.

Assumes raters are exchangeable: a consistently strict rater counts as disagreement, and alpha
does not say which rater it was. Subjects with a single score say nothing about agreement and
are left out. Alpha depends on how much subjects differ: among equals it is low.

Sources: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability"; Krippendorff
(2004), *Content Analysis*, chapter 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from pipeline.numerics.rating_table import (
    DegenerateTable,
    FloatArray,
    TableLike,
    check_level,
    no_disagreement_low,
    read_scores,
    read_table,
    standardise,
)

IntArray = npt.NDArray[np.intp]
Metric = Literal["nominal", "ordinal", "interval", "ratio"]

# Bootstrap samples handled at once, and rows of the ratio metric's distance matrix at once:
# both only bound the memory.
_SAMPLES_AT_ONCE = 250
_ROWS_AT_ONCE = 256
# A resample of identical scores has no alpha. More of them than this share, and the rest are
# too selected a set for an interval.
_MOST_UNDEFINED = 0.1


@dataclass(frozen=True)
class AlphaInterval:
    """Krippendorff's alpha with a bootstrap interval.

    Attributes
    ----------
    alpha : float
        Agreement beyond chance: 1 full agreement, 0 what chance gives, below 0 worse.
    ci_low, ci_high : float
        Limits of the interval for `alpha`; at most 1.
    level : float
        Confidence level of the interval.
    metric : {"nominal", "ordinal", "interval", "ratio"}
        What a difference between two scores means.
    n_subjects : int
        Subjects with at least two scores, the only ones used.
    n_ratings : int
        Scores of those subjects.
    n_boot : int
        Bootstrap samples that had an alpha; a sample of identical scores has none.
    """

    alpha: float
    ci_low: float
    ci_high: float
    level: float
    metric: Metric
    n_subjects: int
    n_ratings: int
    n_boot: int


@dataclass(frozen=True)
class _Counts:
    """How often each subject got each score.

    Attributes: `values` (n_values,), sorted different scores; `by_subject`
    (n_subjects, n_values), counts; `n_scores` (n_subjects,), scores per subject, at least 2.
    """

    values: FloatArray
    by_subject: sparse.csr_array
    n_scores: FloatArray


_Part: TypeAlias = tuple[_Counts, IntArray]


def krippendorff_alpha(table: TableLike, metric: Metric = "nominal") -> float:
    """Krippendorff's alpha of a table of scores.

    Parameters
    ----------
    table : array-like or pandas.DataFrame, shape (n_subjects, n_raters)
        Scores, NaN where a rater gave none.
    metric : {"nominal", "ordinal", "interval", "ratio"}
        Difference between two scores: whether they differ; how many scores lie between them;
        their squared difference; their squared difference relative to their sum.

    Returns
    -------
    float
        1 for full agreement, 0 for what chance gives, negative below chance.

    Raises
    ------
    DegenerateTable
        Unknown metric; one rater; one subject, or only one with two scores; no subject with
        two scores; all scores the same; a negative score with the ratio metric.

    Notes
    -----
    alpha = 1 - D_o / D_e. With one usable subject the two are equal whatever the scores, so
    such a table is refused instead of given the value 0.
    """
    counts = _count(table, metric)
    observed, expected = _disagreement(counts, metric, np.ones((1, counts.n_scores.size)))
    return float(1 - observed[0] / expected[0])


def krippendorff_alpha_interval(
    table: TableLike,
    metric: Metric = "nominal",
    level: float = 0.95,
    n_boot: int = 2000,
    seed: int = 0,
) -> AlphaInterval:
    """Krippendorff's alpha with a bootstrap interval from resampled subjects.

    Parameters
    ----------
    table, metric
        As for `krippendorff_alpha`.
    level : float
        Confidence level, between 0 and 1.
    n_boot : int
        Bootstrap samples, at least 100.
    seed : int
        Seed of the resampling. The same seed gives the same interval, also when rows or
        columns of the table come in another order.

    Returns
    -------
    AlphaInterval
        When no subject shows any disagreement every sample gives 1; then the lower limit is
        that of `no_disagreement_low`.

    Raises
    ------
    DegenerateTable
        As for `krippendorff_alpha`; or more than one in ten samples hold only one score.

    Notes
    -----
    Whole subjects are drawn, because the scores of one subject depend on each other; raters
    are kept as they are, so the interval is about these raters. Plain percentiles are too low
    and too narrow on few subjects; these are corrected for bias (Efron 1987, without the
    acceleration) and widened to t quantiles (Hesterberg 2015). Simulated coverage of the 95 %
    interval with four raters and one cell in five missing: .80-.88 on 6 subjects, .90-.95 on
    10, .93-.96 from 15; plain percentiles .73-.81, .82-.88 and .89-.94.
    """
    counts = _count(table, metric)
    part = counts, np.arange(counts.n_scores.size)
    return _interval([part], counts.n_scores.size, metric, level, n_boot, seed)


def pooled_alpha_interval(
    tables: Sequence[TableLike],
    metric: Metric = "nominal",
    level: float = 0.95,
    n_boot: int = 2000,
    seed: int = 0,
) -> AlphaInterval:
    """Krippendorff's alpha over several criteria, each beside the chance of its own scores.

    Parameters
    ----------
    tables : sequence of array-like, each (n_subjects, n_raters)
        One table per criterion, NaN where a rater gave no score; a row is the same subject in
        all. The order of tables, rows and columns does not matter.
    metric, level, n_boot, seed
        As for `krippendorff_alpha_interval`.

    Returns
    -------
    AlphaInterval
        Of ``1 - sum(n D_o) / sum(n D_e)`` with n the scores of a criterion; with one table plain
        alpha. One table of all scores would take an easy criterion for agreement. Subjects are
        drawn with all their scores, for these depend on each other. `n_ratings` counts over
        criteria.

    Raises
    ------
    DegenerateTable
        As for `krippendorff_alpha_interval`, where no table is left that can answer.
    """
    shared = [_shared_rows(read_scores(table)) for table in tables]
    # an order of criteria and of subjects that depends on the scores only, not on their level
    shared.sort(key=_rank_key)
    everything = np.nan_to_num(np.concatenate(shared, axis=1), nan=np.inf)
    order = np.lexsort(everything.T[::-1])
    parts, used = [], np.zeros(len(order), dtype=bool)
    for scores in (rows[order] for rows in shared):
        usable = np.flatnonzero(~np.isnan(scores[:, 1]))
        used[usable] = True
        if usable.size and np.nanmin(scores[usable]) < np.nanmax(scores[usable]):
            parts.append((_counts_of(scores[usable], metric), usable))
    if not parts:
        raise DegenerateTable("no criterion has shared scores that differ")
    if used.sum() < 2:
        raise DegenerateTable("only one subject was scored by two raters or more; two are needed")
    place = np.cumsum(used) - 1
    parts = [(counts, place[rows]) for counts, rows in parts]
    return _interval(parts, int(used.sum()), metric, level, n_boot, seed)


def _rank_key(scores: FloatArray) -> list[float]:
    """Compare criteria by how far their scores lie above the lowest."""
    given = np.sort(scores[~np.isnan(scores)])
    key: list[float] = np.round(given - given[:1], 9).tolist()
    return key


def _shared_rows(scores: FloatArray) -> FloatArray:
    """Sort each row of two scores or more, missing last; others are missing as a whole."""
    rows = np.sort(scores, axis=1)
    if rows.shape[1] < 2:
        raise DegenerateTable("agreement needs at least two raters; only one gave scores")
    rows[np.isnan(rows[:, 1])] = np.nan
    return rows


def _interval(
    parts: list[_Part], n_subjects: int, metric: Metric, level: float, n_boot: int, seed: int
) -> AlphaInterval:
    """Bootstrap alpha over parts, each with the places of its rows among the subjects."""
    level = check_level(level)
    if n_boot < 100:
        raise ValueError("an interval needs at least 100 bootstrap samples")
    observed, expected = _pooled(parts, metric, np.ones((1, n_subjects)))
    alpha = float(1 - observed[0] / expected[0])
    n_ratings = int(sum(counts.n_scores.sum() for counts, _ in parts))
    # one different score per subject
    if all(counts.by_subject.nnz == counts.n_scores.size for counts, _ in parts):
        low = no_disagreement_low(n_subjects, level)
        return AlphaInterval(1.0, low, 1.0, level, metric, n_subjects, n_ratings, 0)

    rng = np.random.default_rng(seed)
    draws: list[FloatArray] = []
    for start in range(0, n_boot, _SAMPLES_AT_ONCE):
        size = min(_SAMPLES_AT_ONCE, n_boot - start)
        times = rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), size=size)
        observed, expected = _pooled(parts, metric, times.astype(np.float64))
        usable = expected > 0
        draws.append(1 - observed[usable] / expected[usable])
    alphas = np.concatenate(draws)
    if alphas.size < (1 - _MOST_UNDEFINED) * n_boot:
        raise DegenerateTable("too few subjects differ in their scores to give alpha an interval")
    low, high = _corrected_limits(alphas, alpha, n_subjects, level)
    return AlphaInterval(alpha, low, high, level, metric, n_subjects, n_ratings, alphas.size)


def _pooled(parts: list[_Part], metric: Metric, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Observed and expected disagreement of all scores of the parts, (n_samples,) each."""
    observed, expected = np.zeros(len(times)), np.zeros(len(times))
    for counts, places in parts:
        own = times[:, places]
        total = own @ counts.n_scores
        # a sample may hold nobody of this part
        some = total > 1
        within, between = _disagreement(counts, metric, own[some])
        observed[some] += total[some] * within
        expected[some] += total[some] * between
    return observed, expected


def _corrected_limits(
    alphas: FloatArray, alpha: float, n_subjects: int, level: float
) -> tuple[float, float]:
    """Quantiles of the bootstrap draws, moved for bias and widened for few subjects."""
    below = (np.sum(alphas < alpha) + np.sum(alphas == alpha) / 2) / alphas.size
    # Half a draw at either end, so that the correction stays finite.
    end = 0.5 / alphas.size
    shift = 2 * float(stats.norm.ppf(np.clip(below, end, 1 - end)))
    reach = float(stats.t.ppf((1 + level) / 2, n_subjects - 1))
    reach *= float(np.sqrt(n_subjects / (n_subjects - 1)))
    low, high = np.quantile(alphas, stats.norm.cdf([shift - reach, shift + reach]))
    return min(float(low), alpha), max(float(high), alpha)


def _count(table: TableLike, metric: Metric) -> _Counts:
    """Read the table, keep subjects with two scores or more, and count their scores."""
    if metric not in get_args(Metric):
        raise DegenerateTable(f"metric must be one of {', '.join(get_args(Metric))}")
    scores = read_table(table)
    scores = scores[np.sum(~np.isnan(scores), axis=1) >= 2]
    if scores.shape[0] == 0:
        raise DegenerateTable("no subject was scored by two raters, so there is no overlap")
    if scores.shape[0] == 1:
        raise DegenerateTable("only one subject was scored by two raters or more; two are needed")
    # A fixed order of subjects, so that the bootstrap does not depend on the order of rows or
    # columns.
    scores = np.sort(scores, axis=1)
    return _counts_of(scores[np.lexsort(scores.T[::-1])], metric)


def _counts_of(scores: FloatArray, metric: Metric) -> _Counts:
    """Count the scores of rows with two or more each."""
    subject, rater = np.nonzero(~np.isnan(scores))
    values, code = np.unique(scores[subject, rater], return_inverse=True)
    standard, _ = standardise(values)
    if metric == "interval":
        values = standard
    elif metric == "ratio":
        if values[0] < 0:
            raise DegenerateTable("the ratio metric needs scores of 0 or more")
        # A ratio has a fixed zero: scores may be scaled, not shifted.
        values = values / values[-1]
    by_subject = sparse.coo_array(
        (np.ones(code.size), (subject, code)), shape=(scores.shape[0], values.size)
    ).tocsr()
    return _Counts(values, by_subject, np.asarray(by_subject.sum(axis=1), dtype=np.float64))


def _disagreement(
    counts: _Counts, metric: Metric, times: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Observed and expected disagreement, subject u counted ``times[s, u]`` times in sample s.

    Parameters: `times` (n_samples, n_subjects). Returns two arrays (n_samples,), ≥ 0; the
    second is 0 only when all scores of the sample are the same.
    """
    n_scores = counts.n_scores
    total = times @ n_scores
    by_value = np.asarray((counts.by_subject.T @ times.T).T)
    if metric == "nominal":
        same = np.asarray(counts.by_subject.power(2).sum(axis=1))
        within = times @ ((n_scores**2 - same) / (n_scores - 1))
        between = total**2 - np.sum(by_value**2, axis=1)
    elif metric == "ratio":
        pair_sums, between = _ratio_sums(counts, by_value)
        within = times @ (pair_sums / (n_scores - 1))
    else:
        if metric == "ordinal":
            # Krippendorff's ordinal difference is that of mid-ranks, which depend on the sample.
            points = (np.cumsum(by_value, axis=1) - by_value / 2) / total[:, None] - 0.5
        else:
            points = np.broadcast_to(counts.values, by_value.shape)
        # The sum of squared differences over all ordered pairs is 2 m times the sum of squares.
        sums = np.asarray((counts.by_subject @ points.T).T)
        squares = np.asarray((counts.by_subject @ (points**2).T).T)
        spread = np.maximum(squares - sums**2 / n_scores, 0.0)
        within = np.sum(times * (2 * n_scores / (n_scores - 1)) * spread, axis=1)
        centred = points - np.sum(by_value * points, axis=1, keepdims=True) / total[:, None]
        between = 2 * total * np.sum(by_value * centred**2, axis=1)
    # A sample of identical scores has exactly no disagreement; rounding must not hide that.
    between[np.count_nonzero(by_value, axis=1) < 2] = 0.0
    return within / total, between / (total * (total - 1))


def _ratio_sums(counts: _Counts, by_value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum ((c - k) / (c + k))² over ordered pairs, per subject and per sample."""
    values = counts.values
    by_subject = counts.by_subject.tocsc()
    per_subject = np.zeros(counts.n_scores.size)
    per_sample = np.zeros(by_value.shape[0])
    for start in range(0, values.size, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        total = values[rows, None] + values[None, :]
        gap = values[rows, None] - values[None, :]
        ratio = np.divide(gap, total, out=np.zeros_like(gap), where=total > 0) ** 2
        per_subject += np.asarray(
            by_subject[:, rows].multiply(counts.by_subject @ ratio.T).sum(axis=1)
        ).ravel()
        per_sample += np.sum(by_value[:, rows] * (by_value @ ratio.T), axis=1)
    return per_subject, per_sample
