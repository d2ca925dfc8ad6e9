"""Do raters differ less on the criteria for which the session before this one set a norm?

Model: difference in differences. Disagreement is the mean absolute difference between the raters of
one person (or conversation) on one criterion. Per person: mean disagreement on criteria with a norm
minus that on the others, so that what holds for all criteria (other raters, other people) drops
out. The effect is the mean of that difference in this cycle, before its session, minus its mean in
the cycle of the norm, with Welch's interval over people. Negative: raters came closer together on
the criteria with a norm than on the others.

Sources: Angrist & Pischke (2009), Mostly Harmless Econometrics, ch. 5 (difference in differences);
Welch (1947), Biometrika 34, 28-35.

Assumes that without the norms both sorts of criteria would have moved alike. Sessions set norms
where raters differ most, and what differs most tends to differ less the next time whatever is done:
part of any fall is that. With one or two criteria nothing tells the norm from whatever else befell
these criteria. People who are in both cycles count as independent, which makes intervals a little
wide. It needs two raters a person, which most reviews lack.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg

LEAST_SHARED = 10
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NormEffect:
    """Change of disagreement on criteria with a norm beside the others, in scale points.

    Attributes
    ----------
    effect, ci_low, ci_high, df, p_value
        Difference in differences, negative = raters came closer together where there was a norm;
        its interval, degrees of freedom and two-sided p-value.
    criteria
        One row per criterion, ordered by identifier: criterion_id; with_norm (bool); before, after
        (mean disagreement, scale points); n_before, n_after (people or conversations).
    n_before, n_after
        People or conversations that two raters rated on both sorts of criteria.
    norm_cycle, cycle
        The two cycles.
    level
        Confidence level of the interval.
    """

    effect: float
    ci_low: float
    ci_high: float
    df: float
    p_value: float
    criteria: pd.DataFrame
    n_before: int
    n_after: int
    norm_cycle: str
    cycle: str
    level: float


def estimate_norm_effect(
    ratings: pd.DataFrame,
    *,
    with_norm: Collection[str],
    norm_cycle: str,
    cycle: str,
    level: float = 0.95,
) -> NormEffect:
    """Compare disagreement before and after norms were set, on these criteria and the others.

    Parameters
    ----------
    ratings
        As given before the sessions: cycle, subject_id, rater_id, criterion_id, score.
    with_norm
        Criteria for which a norm was set.
    norm_cycle
        Cycle of the session that set them.
    cycle
        Cycle to compare with.
    level
        Confidence level of the interval.

    Raises
    ------
    NotEstimable
        No norms, no criteria beside them, or too few people with two raters in a cycle.
    """
    if not with_norm:
        raise NotEstimable(msg("The session before this one set no norm."))
    wanted = ratings[ratings["score"].notna() & ratings["cycle"].isin([norm_cycle, cycle])]
    keys = ["cycle", "subject_id", "criterion_id"]
    cells = wanted.groupby(keys, sort=True)["score"].agg([_disagreement, "size"]).reset_index()
    cells = cells[cells["size"] >= 2].rename(columns={"_disagreement": "apart"})
    cells = cells.assign(with_norm=cells["criterion_id"].isin(set(with_norm)))
    if len(cells) and cells["with_norm"].nunique() < 2:
        raise NotEstimable(
            msg("A norm needs criteria without one beside it, rated in both cycles, to compare.")
        )
    sides = cells.groupby(["cycle", "subject_id", "with_norm"])["apart"].mean().unstack()
    sides = sides.reindex(columns=[False, True]).dropna()
    gap = (sides[True] - sides[False]).groupby("cycle")
    before, after = (
        gap.get_group(name).to_numpy(dtype=float) if name in gap.groups else np.empty(0)
        for name in (norm_cycle, cycle)
    )
    n_least = min(len(before), len(after))
    if n_least < LEAST_SHARED:
        raise NotEstimable(
            msg(
                "Rated by two raters on criteria with and without a norm: {n} in the cycle with the"
                " fewest. {least} are needed in both cycles to see whether norms worked.",
                n=n_least,
                least=LEAST_SHARED,
            )
        )
    if np.ptp(before) == 0 and np.ptp(after) == 0:
        raise NotEstimable(msg("Raters differ equally on every person, so there is no interval."))
    found = stats.ttest_ind(after, before, equal_var=False)
    low, high = found.confidence_interval(level)
    return NormEffect(
        effect=float(after.mean() - before.mean()),
        ci_low=float(low),
        ci_high=float(high),
        df=float(found.df),
        p_value=float(found.pvalue),
        criteria=_criteria(cells, norm_cycle, cycle),
        n_before=len(before),
        n_after=len(after),
        norm_cycle=norm_cycle,
        cycle=cycle,
        level=level,
    )


def _disagreement(score: pd.Series) -> float:
    """Mean absolute difference over pairs of raters."""
    x = np.sort(score.to_numpy(dtype=float))
    n = len(x)
    if n < 2:
        return float("nan")
    return float((x * (2 * np.arange(n) - n + 1)).sum() / (n * (n - 1) / 2))


def _criteria(cells: pd.DataFrame, norm_cycle: str, cycle: str) -> pd.DataFrame:
    grouped = cells.groupby(["criterion_id", "with_norm", "cycle"])["apart"]
    means, sizes = grouped.mean().unstack(), grouped.size().unstack()
    names = {norm_cycle: "before", cycle: "after"}
    made = means.rename(columns=names)[["before", "after"]]
    counts = sizes.rename(columns=names)[["before", "after"]].fillna(0).astype("int64")
    return made.join(counts.add_prefix("n_")).rename_axis(columns=None).reset_index()
