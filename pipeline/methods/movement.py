"""What did a session change: how many scores, which way, and did they move together?

Model: none; counts of decisions, a mean change and a ratio of standard deviations with percentile
bootstrap intervals over people, a share with Wilson's interval. A ratio below 1 is compression:
scores lie closer together after the session than before.

Sources: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile interval);
Wilson (1927), JASA 22, 209-212; Demeré, Sedatole & Woods (2019), The Accounting Review 94, on
committees that raise centrality and adjust mostly downwards.

Assumes that each decision is about another person, or several of one person belong together; people
are drawn anew, not decisions. It cannot tell whether a change was right, and fewer differences are
not automatically better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg

LEAST_DECIDED = 5
_DRAWS, _SEED = 2_000, 20_260_711
_SAME = 1e-9
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Movement:
    """What a session changed.

    Attributes
    ----------
    n_up, n_down, n_upheld, n_parked
        Decisions that raised a score, lowered one, upheld one, or were put off.
    mean_change, change_low, change_high
        Mean of after minus before over decided scores, scale points, positive = higher, with its
        interval.
    sd_before, sd_after
        Standard deviation of the decided scores, scale points.
    sd_ratio, ratio_low, ratio_high
        After divided by before, with its interval; missing where all scores were equal before.
    share_to_middle, middle_low, middle_high
        Share (0-1) of the changed scores that came nearer to the middle of the scale, with its
        interval; missing without a change.
    groups
        One row per group of `by`, ordered by name: by, group, n, n_up, n_down, mean_change.
    level
        Confidence level of the intervals.
    """

    n_up: int
    n_down: int
    n_upheld: int
    n_parked: int
    mean_change: float
    change_low: float
    change_high: float
    sd_before: float
    sd_after: float
    sd_ratio: float
    ratio_low: float
    ratio_high: float
    share_to_middle: float
    middle_low: float
    middle_high: float
    groups: pd.DataFrame
    level: float


def estimate_movement(
    decisions: pd.DataFrame,
    *,
    middle: float,
    by: tuple[str, ...] = (),
    level: float = 0.95,
) -> Movement:
    """Count and measure what a session changed.

    Parameters
    ----------
    decisions
        One row per decision: employee_id, outcome (upheld, adjusted, parked), score_before,
        score_after (missing where parked), and the columns of ``by``.
    middle
        Middle of the scale, scale points.
    by
        Columns to group by, such as manager_id, job_level or criterion_id.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        Fewer than five scores were decided on.
    """
    decided = decisions[decisions["outcome"].isin(["upheld", "adjusted"])]
    decided = decided.dropna(subset=["score_before", "score_after"])
    if len(decided) < LEAST_DECIDED:
        raise NotEstimable(
            msg(
                "Decided in this session: {n} scores. {floor} are needed to say how scores moved.",
                n=len(decided),
                floor=LEAST_DECIDED,
            )
        )
    # a fixed order, so that the draws do not depend on that of the rows
    decided = decided.sort_values(["employee_id", "score_before", "score_after"], kind="stable")
    before = decided["score_before"].to_numpy(dtype=float)
    after = decided["score_after"].to_numpy(dtype=float)
    change = after - before
    means, ratios = _bootstrap(before, after, decided["employee_id"].to_numpy())
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(means, ends)
    sd_before, sd_after = _sd(before), _sd(after)
    known = ratios[np.isfinite(ratios)]
    ratio_low, ratio_high = (
        np.quantile(known, ends) if sd_before > _SAME and len(known) else (np.nan, np.nan)
    )
    moved = np.abs(change) > _SAME
    nearer = np.abs(after - middle) < np.abs(before - middle) - _SAME
    share = middle_low = middle_high = float("nan")
    if moved.any():
        share = float(nearer[moved].mean())
        interval = stats.binomtest(int(nearer[moved].sum()), int(moved.sum())).proportion_ci(
            level, method="wilson"
        )
        middle_low, middle_high = float(interval.low), float(interval.high)
    return Movement(
        n_up=int((change > _SAME).sum()),
        n_down=int((change < -_SAME).sum()),
        n_upheld=int(decisions["outcome"].eq("upheld").sum()),
        n_parked=int(decisions["outcome"].eq("parked").sum()),
        mean_change=float(change.mean()),
        change_low=float(low),
        change_high=float(high),
        sd_before=sd_before,
        sd_after=sd_after,
        sd_ratio=sd_after / sd_before if sd_before > _SAME else float("nan"),
        ratio_low=float(ratio_low),
        ratio_high=float(ratio_high),
        share_to_middle=share,
        middle_low=middle_low,
        middle_high=middle_high,
        groups=_groups(decided.assign(change=change), by),
        level=level,
    )


def _bootstrap(
    before: FloatArray, after: FloatArray, person: npt.NDArray[np.object_]
) -> tuple[FloatArray, FloatArray]:
    """Draw people anew: mean changes and ratios of standard deviations."""
    code, names = pd.factorize(person, sort=True)
    rows = [np.flatnonzero(code == one) for one in range(len(names))]
    rng = np.random.default_rng(_SEED)
    means, ratios = np.empty(_DRAWS), np.empty(_DRAWS)
    for draw in range(_DRAWS):
        chosen = np.concatenate([rows[one] for one in rng.integers(len(rows), size=len(rows))])
        means[draw] = (after[chosen] - before[chosen]).mean()
        spread = _sd(before[chosen])
        ratios[draw] = _sd(after[chosen]) / spread if spread > _SAME else np.nan
    return means, ratios


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _groups(decided: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    rows = []
    for name in by:
        for group, part in decided.groupby(name, sort=True):
            change = part["change"]
            rows.append(
                {
                    "by": name,
                    "group": str(group),
                    "n": len(part),
                    "n_up": int((change > _SAME).sum()),
                    "n_down": int((change < -_SAME).sum()),
                    "mean_change": float(change.mean()),
                }
            )
    return pd.DataFrame(rows, columns=["by", "group", "n", "n_up", "n_down", "mean_change"])
