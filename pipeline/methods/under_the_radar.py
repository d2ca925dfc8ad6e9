"""Who is doing better than the ratings of today show, while little is written down?

Model: someone is under the radar who (a) is rising or has results above those of colleagues, (b) is
not in the top category, and (c) has little evidence recorded. *Rising*: the slope of the mean
score over cycles, at least three, beside the mean of colleagues with at least three cycles,
so that a general rise does not count; slopes are pulled to 0 by empirical Bayes with the pooled
residual variance, and the interval must lie above 0. *Results*: the mean over metrics and cycles
of the distance from target in SDs of colleagues (`numerics.attainment`), pulled to 0 in the same
way. No bootstrap: errors of slopes and means are known from the pooled residual variance.

Sources: Morris (1983), JASA 78, 47-65; Laird & Ware (1982), Biometrics 38, 963-974 (slopes as
random effects).

Assumes that cycles are equally far apart, and that raters of one person in different cycles are
about as strict; a milder new rater looks like a rise.

It cannot tell why little was recorded, and whether results are the person's own. A reason to look,
not a verdict.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.attainment import standardised_results
from pipeline.numerics.shrinkage import shrink

FloatArray = npt.NDArray[np.float64]

_LEAST_CYCLES = 3
_LEAST_PEOPLE = 8
_LEAST_DF = 8
_NUMBERS = ["slope", "slope_low", "slope_high", "p_rising"]
_RESULTS = ["result", "result_low", "result_high", "p_result"]


@dataclass(frozen=True)
class UnderTheRadar:
    """Who deserves a second look, and why.

    Attributes
    ----------
    employees
        One row per rated employee, ordered by identifier: employee_id; score (plain mean of this
        cycle, scale points); in_top (bool); n_evidence (dated pieces of this cycle);
        little_evidence (bool); n_cycles (with a score, this one included); slope (scale points per
        cycle beside colleagues, pulled to 0), slope_low, slope_high, p_rising (probability, 0-1,
        that the slope is above 0) (missing below three cycles);
        rising (bool: slope_low above 0); n_results; result (SDs of colleagues, pulled to 0),
        result_low, result_high, p_result (likewise; missing without results); results_above (bool:
        result_low above 0); under_the_radar (bool).
    top_from
        Score from which someone is in the top category.
    most_evidence
        Pieces of evidence that still count as little.
    reason_rising, reason_results
        Why slopes or results are missing for everyone; None if they are not.
    level
        Level of the intervals.
    """

    employees: pd.DataFrame
    top_from: float
    most_evidence: int
    reason_rising: Message | None
    reason_results: Message | None
    level: float


def estimate_under_the_radar(
    ratings: pd.DataFrame,
    *,
    history: pd.DataFrame,
    evidence: pd.DataFrame,
    results: pd.DataFrame,
    cycle: str,
    cycle_order: list[str] | None = None,
    top_from: float | None = None,
    top_share: float = 0.2,
    most_evidence: int = 2,
    lower_is_better: Collection[str] = (),
    level: float = 0.95,
) -> UnderTheRadar:
    """Find people who rise or have good results, outside the top and with little evidence.

    Parameters
    ----------
    ratings
        Judgements of this cycle; rows without a score do not count.
    history
        Earlier cycles: employee_id, cycle, score.
    evidence
        employee_id, dated_on, of this cycle.
    results
        cycle, employee_id, metric, value, target, of this and earlier cycles.
    cycle
        The cycle of the ratings.
    cycle_order
        Cycles, oldest first; by name where not given.
    top_from
        Score from which someone is in the top category; by default the score that the
        ``top_share`` highest reach.
    top_share
        See ``top_from``.
    most_evidence
        Pieces of evidence that still count as little.
    lower_is_better
        Metrics of which less is better.
    level
        Level of the intervals.

    Returns
    -------
    UnderTheRadar

    Raises
    ------
    NotEstimable
        No ratings, no evidence about anyone, or neither three cycles nor results.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    score = rated.groupby("employee_id")["score"].mean().astype(float)
    counted = evidence.loc[evidence["employee_id"].isin(score.index)]
    if counted.empty:
        raise NotEstimable(
            msg("No evidence was recorded about anyone, so little evidence says nothing.")
        )
    if top_from is None:
        top_from = float(np.quantile(score, 1 - top_share))
    rising, reason_rising = _rising(score, history, cycle, cycle_order, level)
    above, reason_results = _results(score, results, lower_is_better, level)
    if reason_rising is not None and reason_results is not None:
        raise NotEstimable(
            msg(
                "There are neither three cycles of ratings nor comparable results for enough "
                "people to see who does better than ratings show."
            )
        )
    people = pd.DataFrame({"score": score}).join(rising).join(above)
    people["n_evidence"] = counted.groupby("employee_id").size().reindex(score.index, fill_value=0)
    # a mean that reaches the boundary but for rounding is in the top
    people["in_top"] = people["score"] >= top_from - 1e-9
    people["little_evidence"] = people["n_evidence"] <= most_evidence
    people["rising"] = people["slope_low"] > 0
    people["results_above"] = people["result_low"] > 0
    people["under_the_radar"] = (
        (people["rising"] | people["results_above"]) & ~people["in_top"] & people["little_evidence"]
    )
    return UnderTheRadar(
        employees=people.sort_index().rename_axis("employee_id").reset_index(),
        top_from=top_from,
        most_evidence=most_evidence,
        reason_rising=reason_rising,
        reason_results=reason_results,
        level=level,
    )


def _rising(
    score: pd.Series, history: pd.DataFrame, cycle: str, order: list[str] | None, level: float
) -> tuple[pd.DataFrame, Message | None]:
    """Shrunken slope over cycles beside colleagues, by employee."""
    earlier = history.loc[history["score"].notna() & (history["cycle"] != cycle)]
    earlier = earlier.loc[earlier["employee_id"].isin(score.index)]
    now = pd.DataFrame({"employee_id": score.index, "cycle": cycle, "score": score.to_numpy()})
    rows = now
    if len(earlier):
        kept = earlier.groupby(["employee_id", "cycle"], as_index=False)["score"].mean()
        rows = pd.concat([kept, now], ignore_index=True)
    n_cycles = rows.groupby("employee_id").size().reindex(score.index)
    found = pd.DataFrame(np.nan, index=score.index, columns=_NUMBERS).assign(n_cycles=n_cycles)
    panel = rows.loc[rows["employee_id"].map(n_cycles) >= _LEAST_CYCLES]
    code, people = pd.factorize(panel["employee_id"], sort=True)
    df = len(panel) - 2 * len(people)
    if len(people) < _LEAST_PEOPLE or df < _LEAST_DF:
        return found, msg(
            "Fewer than {least} people have ratings in three cycles.", least=_LEAST_PEOPLE
        )
    place = {name: i for i, name in enumerate(_ordered(set(rows["cycle"]), order, cycle))}
    time = panel["cycle"].map(place).to_numpy(dtype=float)
    y = (panel["score"] - panel["score"].groupby(panel["cycle"]).transform("mean")).to_numpy(float)
    size = np.bincount(code)
    time = time - (np.bincount(code, weights=time) / size)[code]
    y = y - (np.bincount(code, weights=y) / size)[code]
    sxx = np.bincount(code, weights=time**2)
    slope = np.bincount(code, weights=time * y) / sxx
    residual = float(np.sum((y - slope[code] * time) ** 2)) / df
    if residual <= 1e-12:
        return found, msg("Scores over the cycles lie on lines, so chance cannot be judged.")
    found.loc[people, _NUMBERS] = _interval(slope, residual / sxx, df, level)
    return found, None


def _results(
    score: pd.Series, results: pd.DataFrame, lower_is_better: Collection[str], level: float
) -> tuple[pd.DataFrame, Message | None]:
    """Shrunken mean result beside colleagues, by employee."""
    measured = standardised_results(
        results.loc[results["employee_id"].isin(score.index)], lower_is_better=lower_is_better
    )
    size = measured.groupby("employee_id").size()
    found = pd.DataFrame(np.nan, index=score.index, columns=_RESULTS)
    found["n_results"] = size.reindex(score.index, fill_value=0)
    mean = measured.groupby("employee_id")["z"].mean()
    df = len(measured) - len(mean)
    if len(mean) < _LEAST_PEOPLE or df < _LEAST_DF:
        return found, msg(
            "Fewer than {least} people have results on several measures or cycles.",
            least=_LEAST_PEOPLE,
        )
    away = measured["z"] - measured["employee_id"].map(mean)
    residual = max(float(away @ away) / df, 1e-6)
    errors = residual / size.to_numpy(dtype=float)
    found.loc[mean.index, _RESULTS] = _interval(mean.to_numpy(), errors, df, level)
    return found, None


def _interval(estimate: FloatArray, errors: FloatArray, df: int, level: float) -> FloatArray:
    shrunken = shrink(estimate, errors, centre=0.0)
    reach = float(stats.t.ppf((1 + level) / 2, df)) * shrunken.sd
    p = stats.t.cdf(shrunken.value / shrunken.sd, df)
    return np.column_stack([shrunken.value, shrunken.value - reach, shrunken.value + reach, p])


def _ordered(names: set[str], order: list[str] | None, last: str) -> list[str]:
    """Cycles, oldest first; the present one is the last."""
    place = {name: i for i, name in enumerate(order or [])}
    return [*sorted(names - {last}, key=lambda one: (place.get(one, -1), one)), last]
