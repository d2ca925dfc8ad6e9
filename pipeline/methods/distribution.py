"""How are the scores spread: over the scale, per level, per rater?

Model: none; counts, shares, means and standard deviations of the scores as given. The interval
of a mean treats the subjects as drawn at random and keeps the ratings of one subject together:
the linearised ratio estimator with a t quantile on subjects minus one. Where all subjects have
equally many ratings it is the t interval of the subject means. It is cut off at the ends of the
scale.

Source: Cochran (1977), Sampling Techniques, section 9A.1 (means over clusters of unequal size).

Assumes subjects that are rated independently of each other. A score between two scale points
counts at the nearest, halfway at the higher, so that counts always add up.

It cannot tell why distributions differ: a strict rater and a weaker team look the same here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Distribution:
    """Distribution of scores.

    Attributes
    ----------
    overall
        score, n, share: every point of the scale, n may be 0.
    by_level
        job_level, score, n, share within the level. Levels in natural order; the level is
        missing, and last, for subjects without one.
    by_criterion
        criterion_id, score, n, share within the criterion.
    by_rater
        One row per rater: rater_id, n_ratings, n_subjects, mean, ci_low, ci_high (interval of the
        mean over subjects; missing with fewer than two subjects, and where all of them have the
        same mean, which says nothing about others), sd (of all scores; missing with one),
        share_top, share_bottom (share 0-1 at the ends of the scale).
    mean, ci_low, ci_high, sd
        Of all scores; the interval takes ratings of one subject together. Missing (NaN) where
        those of ``by_rater`` would be.
    n_ratings, n_subjects
        Counts.
    level
        Confidence level of the intervals.
    """

    overall: pd.DataFrame
    by_level: pd.DataFrame
    by_criterion: pd.DataFrame
    by_rater: pd.DataFrame
    mean: float
    ci_low: float
    ci_high: float
    sd: float
    n_ratings: int
    n_subjects: int
    level: float


def estimate_distribution(
    ratings: pd.DataFrame,
    *,
    employees: pd.DataFrame,
    points: list[float],
    level: float = 0.95,
) -> Distribution:
    """Count the scores over the scale and describe where they lie.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    employees
        employee_id and job_level of the people rated; may lack people or levels.
    points
        Every point of the scale, lowest first.
    level
        Confidence level of the intervals.

    Returns
    -------
    Distribution

    Raises
    ------
    NotEstimable
        There are no ratings.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    scale = np.asarray(points, dtype=float)
    score = rated["score"].to_numpy(dtype=float)
    point = _nearest(score, scale)
    subject, subjects = pd.factorize(rated["subject_id"])
    bounds = (min(scale[0], score.min()), max(scale[-1], score.max()))

    everything = np.zeros(len(rated), dtype=np.intp)
    whole = _means(score, everything, subject, 1, level, bounds)
    return Distribution(
        overall=_counts(point, pd.Series("", index=rated.index), scale, "all").drop(columns="all"),
        by_level=_counts(point, _levels(rated, employees), scale, "job_level"),
        by_criterion=_counts(point, rated["criterion_id"], scale, "criterion_id"),
        by_rater=_by_rater(rated, score, point, subject, len(scale), level, bounds),
        mean=float(whole["mean"].iloc[0]),
        ci_low=float(whole["ci_low"].iloc[0]),
        ci_high=float(whole["ci_high"].iloc[0]),
        sd=float(whole["sd"].iloc[0]),
        n_ratings=len(rated),
        n_subjects=len(subjects),
        level=level,
    )


def _nearest(score: FloatArray, scale: FloatArray) -> npt.NDArray[np.intp]:
    """Position of the nearest scale point; halfway counts as the higher."""
    halfway = (scale[1:] + scale[:-1]) / 2
    # steps such as 0.1 carry rounding: a hair below halfway is halfway
    return np.searchsorted(halfway, score + 1e-9, side="right")


def _levels(rated: pd.DataFrame, employees: pd.DataFrame) -> pd.Series:
    """Job level of who is rated, per row of the ratings; missing where unknown."""
    if "job_level" not in employees:
        return pd.Series(None, index=rated.index, dtype="str")
    known = employees.drop_duplicates("employee_id").set_index("employee_id")["job_level"]
    return rated["employee_id"].map(known)


def _counts(
    point: npt.NDArray[np.intp], group: pd.Series, scale: FloatArray, name: str
) -> pd.DataFrame:
    """Count every scale point in every group, groups in natural order, a missing one last."""
    code, labels = pd.factorize(group, use_na_sentinel=False)
    table = np.zeros((len(labels), len(scale)), dtype=np.int64)
    np.add.at(table, (code, point), 1)
    order = sorted(range(len(labels)), key=lambda i: _natural(labels[i]))
    table = table[order]
    n = table.ravel()
    return pd.DataFrame(
        {
            name: pd.Series(labels.take(np.repeat(order, len(scale)))),
            "score": np.tile(scale, len(labels)),
            "n": n,
            "share": n / np.repeat(table.sum(axis=1), len(scale)),
        }
    )


def _natural(label: Any) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Key that sorts "9" before "10", and missing last."""
    if pd.isna(label):
        return True, []
    parts = re.split(r"([0-9]+)", str(label))
    return False, [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts if p]


def _by_rater(
    rated: pd.DataFrame,
    score: FloatArray,
    point: npt.NDArray[np.intp],
    subject: npt.NDArray[np.intp],
    n_points: int,
    level: float,
    bounds: tuple[float, float],
) -> pd.DataFrame:
    rater, rater_ids = pd.factorize(rated["rater_id"], sort=True)
    n_raters = len(rater_ids)
    n_ratings = np.bincount(rater, minlength=n_raters)
    means = _means(score, rater, subject, n_raters, level, bounds)
    at_top = np.bincount(rater, weights=point == n_points - 1, minlength=n_raters)
    at_bottom = np.bincount(rater, weights=point == 0, minlength=n_raters)
    return pd.DataFrame(
        {
            "rater_id": pd.Series(rater_ids),
            "n_ratings": n_ratings,
            "n_subjects": means["n_subjects"],
            "mean": means["mean"],
            "ci_low": means["ci_low"],
            "ci_high": means["ci_high"],
            "sd": means["sd"],
            "share_top": at_top / n_ratings,
            "share_bottom": at_bottom / n_ratings,
        }
    )


def _means(
    score: FloatArray,
    group: npt.NDArray[np.intp],
    subject: npt.NDArray[np.intp],
    n_groups: int,
    level: float,
    bounds: tuple[float, float],
) -> pd.DataFrame:
    """Mean, its interval with subjects as clusters, and SD of the scores in each group."""
    n = np.bincount(group, minlength=n_groups)
    # the first score as origin: sums of squares keep their digits
    origin = score[0]
    shift = np.bincount(group, weights=score - origin, minlength=n_groups) / n
    off = score - origin - shift[group]
    squares = np.bincount(group, weights=off**2, minlength=n_groups)
    sd = _root_of_ratio(squares, n - 1)

    cells, cell = np.unique(group * (subject.max() + 1) + subject, return_inverse=True)
    of_group = cells // (subject.max() + 1)
    total = np.bincount(cell, weights=off)
    n_subjects = np.bincount(of_group, minlength=n_groups)
    between = np.bincount(of_group, weights=total**2, minlength=n_groups)
    between[between <= 1e-18 * (n * max(1.0, float(np.abs(score).max()))) ** 2] = 0.0
    se = _root_of_ratio(n_subjects * between, (n_subjects - 1) * n**2)
    quantile = stats.t.ppf((1 + level) / 2, np.maximum(n_subjects - 1, 1))
    half = np.where(se > 0, quantile * se, np.nan)
    mean = origin + shift
    return pd.DataFrame(
        {
            "mean": mean,
            "ci_low": np.maximum(mean - half, bounds[0]),
            "ci_high": np.minimum(mean + half, bounds[1]),
            "sd": sd,
            "n_subjects": n_subjects,
        }
    )


def _root_of_ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> FloatArray:
    """Square root of a ratio, missing where there is nothing to divide by."""
    root: FloatArray = np.sqrt(np.where(below > 0, above / np.maximum(below, 1), np.nan))
    return root
