"""Who is doing better than the ratings of today show, while little is written down?

Model: someone is under the radar who (a) is rising or has results above what the rating leads to
expect, (b) is not in the top category, and (c) has little evidence recorded. *Rising*: the slope of
the mean score over cycles, at least three, beside the mean of colleagues with at least three
cycles, so that a general rise does not count. Severity is taken out of the scores of the cycle it
was estimated in and of no other, and out of slopes only where every cycle has its own: out of some
cycles only, a rater who stays as strict as ever would look like a rise. Slopes are not shrunken:
most people hardly change, so shrinkage would hide the one who does (docs/methods.md).
The error comes from the pooled residual variance; false discoveries among all slopes of a
department are held by Benjamini-Hochberg. *Results*: the mean over metrics and cycles of the
distance from target in SDs of colleagues (`numerics.attainment`), beyond what the line of results
on ratings gives to somebody with that rating, pulled to 0 by empirical Bayes; the interval must lie
above 0. No bootstrap: errors of slopes and means are known from the pooled residual variance.

Sources: Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300; Morris (1983), JASA 78, 47-65;
Laird & Ware (1982), Biometrics 38, 963-974 (least squares slopes per person).

Assumes that cycles are equally far apart. Where severity is not known, a milder new rater looks
like a rise. The clearest of those who rise are named, so their slopes are on average somewhat too
large.

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
from pipeline.numerics.false_discovery import benjamini_hochberg
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
        cycle beside colleagues), slope_low, slope_high (its interval), p_rising (one-sided p-value
        of no rise, not corrected) (missing below three cycles); rising (bool: among false
        discoveries of at most ``q``); n_results; result (SDs of colleagues, beyond what the rating
        leads to expect, pulled to 0), result_low, result_high, p_result (probability, 0-1, that
        it is above 0) (missing without results); results_above (bool: result_low above 0);
        under_the_radar (bool).
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
    severity: pd.Series | None = None,
    top_from: float | None = None,
    top_share: float = 0.2,
    most_evidence: int = 2,
    lower_is_better: Collection[str] = (),
    level: float = 0.95,
    q: float = 0.10,
) -> UnderTheRadar:
    """Find people who rise or have good results, outside the top and with little evidence.

    Parameters
    ----------
    ratings
        Judgements of this cycle; rows without a score do not count.
    history
        Earlier cycles: employee_id, cycle, score, and rater_id where severity is to be taken out.
    evidence
        employee_id, dated_on, of this cycle.
    results
        cycle, employee_id, metric, value, target, of this and earlier cycles.
    cycle
        The cycle of the ratings.
    cycle_order
        Cycles, oldest first; by name where not given.
    severity
        Severity by cycle and rater_id, positive = gives lower scores: that of this cycle is taken
        out before results are judged, those of all cycles before slopes are, if each has some;
        raters without one count as 0.
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
    q
        Share of false discoveries accepted among those said to rise.

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
    now = rated.assign(cycle=cycle)
    beside = _without_severity(now, severity).groupby("employee_id")["score"].mean()
    earlier = history.loc[history["score"].notna() & (history["cycle"] != cycle)]
    every = pd.concat([earlier, now], join="inner", ignore_index=True) if len(earlier) else now
    known = set() if severity is None else set(severity.index.get_level_values(0))
    every = _without_severity(every, severity if set(every["cycle"]) <= known else None)
    rising, reason_rising = _rising(every, score.index, cycle, cycle_order, level)
    above, reason_results = _results(beside, results, lower_is_better, level)
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
    people["rising"] = benjamini_hochberg(people["p_rising"]) <= q
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


def _without_severity(rows: pd.DataFrame, severity: pd.Series | None) -> pd.DataFrame:
    if severity is None or "rater_id" not in rows:
        return rows
    place = pd.MultiIndex.from_frame(rows[["cycle", "rater_id"]])
    known = severity.reindex(place).astype(float).fillna(0.0).to_numpy()
    return rows.assign(score=rows["score"].astype(float) + known)


def _rising(
    scores: pd.DataFrame, now: pd.Index, cycle: str, order: list[str] | None, level: float
) -> tuple[pd.DataFrame, Message | None]:
    """Slope over cycles beside colleagues, by employee rated now."""
    scores = scores.loc[scores["employee_id"].isin(now)]
    rows = scores.groupby(["employee_id", "cycle"], as_index=False)["score"].mean()
    n_cycles = rows.groupby("employee_id").size().reindex(now)
    found = pd.DataFrame(np.nan, index=now, columns=_NUMBERS).assign(n_cycles=n_cycles)
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
    se = np.sqrt(residual / sxx)
    reach = float(stats.t.ppf((1 + level) / 2, df)) * se
    found.loc[people, _NUMBERS] = np.column_stack(
        [slope, slope - reach, slope + reach, stats.t.sf(slope / se, df)]
    )
    return found, None


def _results(
    score: pd.Series, results: pd.DataFrame, lower_is_better: Collection[str], level: float
) -> tuple[pd.DataFrame, Message | None]:
    """Shrunken mean result beyond what the score leads to expect, by employee."""
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
    beyond = _beyond(mean.to_numpy(dtype=float), score.reindex(mean.index).to_numpy(dtype=float))
    shrunken = shrink(beyond, errors, centre=0.0)
    reach = float(stats.t.ppf((1 + level) / 2, df)) * shrunken.sd
    p = stats.t.cdf(shrunken.value / shrunken.sd, df)
    found.loc[mean.index, _RESULTS] = np.column_stack(
        [shrunken.value, shrunken.value - reach, shrunken.value + reach, p]
    )
    return found, None


def _beyond(result: FloatArray, score: FloatArray) -> FloatArray:
    """Distance of each result from the line of results on scores."""
    away, x = result - result.mean(), score - score.mean()
    sxx = float(x @ x)
    # where better results go with lower ratings, ratings lead to expect nothing
    slope = max(float(x @ away) / sxx, 0.0) if sxx > 1e-12 else 0.0
    beyond: FloatArray = away - slope * x
    return beyond


def _ordered(names: set[str], order: list[str] | None, last: str) -> list[str]:
    """Cycles, oldest first; the present one is the last."""
    place = {name: i for i, name in enumerate(order or [])}
    return [*sorted(names - {last}, key=lambda one: (place.get(one, -1), one)), last]
