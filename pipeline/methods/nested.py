"""What can still be said when nobody shares subjects?

Where raters share no subjects, a strict manager and a weaker team look the same. No severity,
no expected score and no order across teams follow from such ratings. What remains:

- means per part with intervals (``part``: raters hanging together through shared subjects; in a
  nested design a manager with own reports). Model: employees vary around the mean of their part
  with one common variance, pooled over parts; plain t-intervals, not shrunken;
- the order of people within the ratings of one rater;
- how much of the scale each rater uses;
- halo as an upper bound: the mean correlation between criteria within the rater's own ratings
  (intraclass, consistency). Halo and true consistency of people both raise it;
- bounds per person: ``raw - lambda x (mean of the part - mean of all)`` for lambda 0 (all
  differences between parts are real), 1/2 and 1 (all are severity). Bounds, no adjusted ratings.

Sources: Shrout & Fleiss (1979), Psychol. Bull. 86, 420-428 (ICC(3,1) and its interval); Murphy,
Jako & Anhalt (1993), J. Appl. Psychol. 78, 218-225 (halo needs more than one rater); Manski
(2003), Partial Identification of Probability Distributions (bounds instead of assumptions).

Assumes that within the ratings of one rater the same yardstick was used. It cannot tell severity
from team level at all, in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg

FloatArray = npt.NDArray[np.float64]

_LEAST_FOR_HALO, _LEAST_CRITERIA, _LEAST_FOR_SPREAD = 4, 3, 3


@dataclass(frozen=True)
class Nested:
    """What ratings say without shared subjects.

    Attributes
    ----------
    groups
        One row per component, ordered by it: component; n_raters; n_subjects; mean (of the
        subjects' scores, scale points) with se, ci_low, ci_high (missing where no part has two
        subjects to see the spread by, with the reason); reason.
    raters
        One row per rater, ordered by identifier: rater_id; component; n_subjects; n_ratings;
        lowest, highest (scores given); points_used (different scores given); sd (of the
        subjects' mean scores by this rater, scale points, with sd_low and sd_high by
        chi-square; missing under 3 subjects); halo_most (at most 1: upper bound of halo, with
        halo_low and halo_high; missing under 4 subjects or 3 criteria); reason (why sd or
        halo_most is missing, or None).
    subjects
        One row per subject, ordered by identifier: subject_id; component; raw (mean over raters
        of the mean over criteria); at_half, at_one (the bounds for lambda 1/2 and 1; lambda 0 is
        ``raw``); bound_low, bound_high (their lowest and highest).
    order
        One row per rater and subject: rater_id; subject_id; score (mean over criteria); rank (1 =
        highest within this rater's ratings, ties share the middle rank); n (people ranked).
    mean
        Mean score over all subjects, scale points.
    sd_within
        SD of subjects around the mean of their part, scale points; None where it cannot be seen.
    level
        Confidence level of the intervals.
    """

    groups: pd.DataFrame
    raters: pd.DataFrame
    subjects: pd.DataFrame
    order: pd.DataFrame
    mean: float
    sd_within: float | None
    level: float


def estimate_nested(ratings: pd.DataFrame, *, component: pd.Series, level: float = 0.95) -> Nested:
    """Say what ratings tell when raters share no subjects.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    component
        Connected part of the design per subject, indexed by subject_id. Ratings of some parts
        only may be given; the mean of all is then that of these parts.
    level
        Confidence level of the intervals.

    Returns
    -------
    Nested

    Raises
    ------
    NotEstimable
        There are no ratings.
    ValueError
        ``component`` lacks a rated subject.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    cells = rated.groupby(["rater_id", "subject_id"], sort=True)["score"].mean().reset_index()
    cells["component"] = cells["subject_id"].map(component)
    if cells["component"].isna().any():
        n_lacking = cells["component"].isna().sum()
        raise ValueError(f"expected a component of every subject, {n_lacking} rows lack it")
    cells["component"] = cells["component"].astype("int64")
    subjects = (
        cells.groupby(["subject_id", "component"], sort=True)["score"]
        .mean()
        .rename("raw")
        .reset_index()
    )
    sd_within, df = _within(subjects)
    return Nested(
        groups=_groups(cells, subjects, sd_within, df, level),
        raters=_raters(rated, cells, level),
        subjects=_bounds(subjects),
        order=_order(cells),
        mean=float(subjects["raw"].mean()),
        sd_within=sd_within,
        level=level,
    )


def _within(subjects: pd.DataFrame) -> tuple[float | None, int]:
    """Return the pooled SD of subjects around the mean of their part, with its df."""
    by_part = subjects.groupby("component")["raw"]
    df = len(subjects) - by_part.ngroups
    if df == 0:
        return None, 0
    off = subjects["raw"] - by_part.transform("mean")
    return float(np.sqrt((off**2).sum() / df)), df


def _groups(
    cells: pd.DataFrame, subjects: pd.DataFrame, sd: float | None, df: int, level: float
) -> pd.DataFrame:
    made = subjects.groupby("component", sort=True)["raw"].agg(["size", "mean"]).reset_index()
    made = made.rename(columns={"size": "n_subjects"})
    made.insert(1, "n_raters", cells.groupby("component")["rater_id"].nunique().to_numpy())
    reason = None
    se = np.full(len(made), np.nan)
    reach = np.nan
    if sd is None:
        reason = msg("Every rater rated one person only, so how much people differ does not show.")
    elif sd <= 1e-9:
        reason = msg("People with the same rater all have the same score: no spread shows.")
    else:
        se = sd / np.sqrt(made["n_subjects"].to_numpy(dtype=float))
        reach = float(stats.t.ppf((1 + level) / 2, df))
    return made.assign(
        se=se,
        ci_low=made["mean"] - reach * se,
        ci_high=made["mean"] + reach * se,
        reason=pd.Series([reason] * len(made), index=made.index, dtype=object),
    )


def _bounds(subjects: pd.DataFrame) -> pd.DataFrame:
    part_mean = subjects.groupby("component")["raw"].transform("mean")
    off = part_mean - subjects["raw"].mean()
    made = subjects.assign(at_half=subjects["raw"] - off / 2, at_one=subjects["raw"] - off)
    # the middle bound lies between the other two
    ends = made[["raw", "at_one"]]
    return made.assign(bound_low=ends.min(axis=1), bound_high=ends.max(axis=1))


def _order(cells: pd.DataFrame) -> pd.DataFrame:
    # scores that differ by rounding error only are ties
    by_rater = cells["score"].round(9).groupby(cells["rater_id"])
    return cells[["rater_id", "subject_id", "score"]].assign(
        rank=by_rater.rank(ascending=False, method="average"), n=by_rater.transform("size")
    )


def _raters(rated: pd.DataFrame, cells: pd.DataFrame, level: float) -> pd.DataFrame:
    means = dict(tuple(cells.groupby("rater_id")["score"]))
    part = cells.drop_duplicates("rater_id").set_index("rater_id")["component"]
    rows = []
    for rater, own in rated.groupby("rater_id", sort=True):
        mean = means[rater].to_numpy(dtype=float)
        n_criteria = own["criterion_id"].nunique()
        enough = len(mean) >= _LEAST_FOR_HALO and n_criteria >= _LEAST_CRITERIA
        scores = _whole_table(own) if enough else None
        rows.append(
            {
                "rater_id": rater,
                "component": part[rater],
                "n_subjects": len(mean),
                "n_ratings": len(own),
                "lowest": own["score"].min(),
                "highest": own["score"].max(),
                "points_used": own["score"].nunique(),
                **_spread(mean, level),
                **_halo(scores, level),
                "reason": _reason(len(mean), n_criteria, scores),
            }
        )
    made = pd.DataFrame(rows).astype({"reason": object})
    made["rater_id"] = made["rater_id"].astype(rated["rater_id"].dtype)
    return made


def _reason(n_subjects: int, n_criteria: int, scores: FloatArray | None) -> Message | None:
    if n_subjects < _LEAST_FOR_SPREAD:
        return msg("Fewer than {least} people rated: no spread is given.", least=_LEAST_FOR_SPREAD)
    if n_criteria < _LEAST_CRITERIA:
        return msg("Fewer than {least} criteria: halo cannot show.", least=_LEAST_CRITERIA)
    if scores is None:
        return msg(
            "Fewer than {least} people with scores on the same criteria that differ: halo cannot "
            "show.",
            least=_LEAST_FOR_HALO,
        )
    return None


def _spread(mean: FloatArray, level: float) -> dict[str, float]:
    if len(mean) < _LEAST_FOR_SPREAD:
        return {"sd": np.nan, "sd_low": np.nan, "sd_high": np.nan}
    df, sd = len(mean) - 1, float(mean.std(ddof=1))
    low, high = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], df)
    return {"sd": sd, "sd_low": sd * (df / low) ** 0.5, "sd_high": sd * (df / high) ** 0.5}


def _whole_table(own: pd.DataFrame) -> FloatArray | None:
    """Subjects × criteria without gaps, if there are enough of them and they differ."""
    table = own.pivot_table(index="subject_id", columns="criterion_id", values="score")
    table = table.dropna()
    if len(table) < _LEAST_FOR_HALO or table.shape[1] < _LEAST_CRITERIA:
        return None
    scores: FloatArray = table.to_numpy(dtype=float)
    around = scores - scores.mean(axis=0)
    return scores if float((around**2).sum()) > 1e-9 else None


def _halo(scores: FloatArray | None, level: float) -> dict[str, float]:
    """Consistency of criteria over this rater's subjects, with the interval of ICC(3,1)."""
    names = ("halo_most", "halo_low", "halo_high")
    if scores is None:
        return dict.fromkeys(names, np.nan)
    n, k = scores.shape
    around = scores - scores.mean(axis=0)
    of_subject = around.mean(axis=1, keepdims=True)
    df_subject, df_rest = n - 1, (n - 1) * (k - 1)
    between = k * float((of_subject**2).sum()) / df_subject
    within = float(((around - of_subject) ** 2).sum()) / df_rest
    if within <= 1e-12 * between:
        return dict.fromkeys(names, 1.0)
    ratio = between / within
    reach = stats.f.ppf((1 + level) / 2, [df_subject, df_rest], [df_rest, df_subject])
    ends = (ratio, ratio / reach[0], ratio * reach[1])
    return {name: (f - 1) / (f + k - 1) for name, f in zip(names, ends, strict=True)}
