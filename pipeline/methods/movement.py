"""What did a session change: how many scores, which way, and did they move together?

Model: none; counts of decisions; a mean change with a t interval over people (a ratio of sums where
people have several decisions); a ratio of standard deviations with the interval of Pitman and
Morgan; a share with Wilson's interval, widened where one person's changes hang together. A ratio
below 1 is compression: scores lie closer together after the session than before.

Sources: Cochran (1977), Sampling Techniques, ch. 6 (ratio of sums); Morgan (1939), Biometrika 31,
13-19; Pitman (1939), Biometrika 31, 9-12; Wilson (1927), JASA 22, 209-212; Demeré, Sedatole & Woods
(2019), The Accounting Review 94, on committees that raise centrality and adjust mostly downwards.

Assumes that people are independent; several decisions about one person belong together. It
cannot tell whether a change was right, and fewer differences are not automatically better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.clustered_share import clustered_share
from pipeline.numerics.paired_spread import spread_ratio

LEAST_DECIDED, LEAST_CHANGED = 5, 3
_SAME = 1e-9
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Movement:
    """What a session changed.

    Attributes
    ----------
    n_up, n_down, n_upheld, n_parked
        Decisions that raised a score, lowered one, upheld one, or were put off.
    mean_change, change_low, change_high
        Mean of after minus before over decided scores, scale points, positive = higher, with its
        interval; that is missing where all changes are the same, none among them.
    sd_before, sd_after
        Standard deviation of the decided scores, scale points.
    sd_ratio, ratio_low, ratio_high
        After divided by before, with its interval; missing where all scores were equal before. The
        interval is missing too where the scores of fewer than three people changed.
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
    before = decided["score_before"].to_numpy(dtype=float)
    after = decided["score_after"].to_numpy(dtype=float)
    change = after - before
    of_person = pd.factorize(decided["employee_id"], use_na_sentinel=False)[0]
    mean, low, high = _mean(change, of_person, level)
    ratio, ratio_low, ratio_high = _ratio(before, after, of_person, level)
    moved = np.abs(change) > _SAME
    nearer = pd.Series(np.abs(after - middle) < np.abs(before - middle) - _SAME)
    share = middle_low = middle_high = float("nan")
    if moved.any():
        person = pd.Series(of_person)
        share, middle_low, middle_high = clustered_share(nearer[moved], person[moved], level)
    return Movement(
        n_up=int((change > _SAME).sum()),
        n_down=int((change < -_SAME).sum()),
        n_upheld=int(decisions["outcome"].eq("upheld").sum()),
        n_parked=int(decisions["outcome"].eq("parked").sum()),
        mean_change=mean,
        change_low=low,
        change_high=high,
        sd_before=_sd(before),
        sd_after=_sd(after),
        sd_ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        share_to_middle=share,
        middle_low=middle_low,
        middle_high=middle_high,
        groups=_groups(decided.assign(change=change), by),
        level=level,
    )


def _mean(change: FloatArray, of_person: IntArray, level: float) -> tuple[float, float, float]:
    """Return the mean change with its interval; no interval where all changes are the same."""
    mean = float(change.mean())
    n = int(of_person.max()) + 1
    if n < 2 or np.ptp(change) < _SAME:
        return mean, float("nan"), float("nan")
    # a ratio of sums over people: changes and decisions
    away = np.bincount(of_person, weights=change - mean)
    se = float(np.sqrt(n / (n - 1) * (away**2).sum()) / len(change))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * se
    return mean, mean - half, mean + half


def _ratio(
    before: FloatArray, after: FloatArray, of_person: IntArray, level: float
) -> tuple[float, float, float]:
    """Return the ratio of standard deviations, with an interval where enough people changed."""
    sd_before, sd_after = _sd(before), _sd(after)
    if sd_before < _SAME:
        return float("nan"), float("nan"), float("nan")
    n_changed = len(np.unique(of_person[np.abs(after - before) > _SAME]))
    if n_changed < LEAST_CHANGED or sd_after < _SAME:
        return sd_after / sd_before, float("nan"), float("nan")
    n = int(of_person.max()) + 1
    found = spread_ratio(before, after, n_units=n, level=level)
    return found.ratio, found.low, found.high


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
