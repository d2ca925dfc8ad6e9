"""Whose rating is far from what measured results would lead to expect?

Model: least squares over employees, ``score ~ result``. The result is the mean over metrics of
the distance from target, in SDs of colleagues with the same metric (`numerics.attainment`). Each
person's score is compared with the prediction from all others, with its prediction interval; the
externally studentised residual gives the p-value, false discoveries by Benjamini-Hochberg. No
bootstrap of M2: a score per person has an exact t distribution here.

Sources: Belsley, Kuh & Welsch (1980), Regression Diagnostics, ch. 2 (deleted residuals); Benjamini
& Hochberg (1995), J. R. Stat. Soc. B 57, 289-300; Bommer et al. (1995), Personnel Psychol. 48,
587-605 (results and ratings correlate about .4).

Assumes that more is better except for the metrics named, that the relation is a straight line, and
that people with different metrics may be set beside each other. People are named only where
ratings follow results in this department at all.

It cannot tell which of the two is right. Results measure part of the work, and
also luck, the market and the team; ratings may rightly see what is not measured.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.numerics.attainment import standardised_results
from pipeline.numerics.false_discovery import benjamini_hochberg
from pipeline.numerics.rating_input import person_scores

FloatArray = npt.NDArray[np.float64]

CAVEAT = msg(
    "Results measure part of the work, and luck, the market and the team as well. A rating that "
    "differs may be the better judgement."
)
_LEAST_PEOPLE = 10


@dataclass(frozen=True)
class ResultsMismatch:
    """Ratings beside measured results.

    Attributes
    ----------
    employees
        One row per employee with ratings and results, ordered by identifier: employee_id;
        n_metrics; result (SDs of colleagues, positive = better); score (scale points); predicted
        (scale points, from the others); pi_low, pi_high (prediction interval of the score);
        mismatch (score minus predicted, positive = rated higher than results lead to expect); p
        (two-sided, not corrected); flagged (bool: among false discoveries of at most ``q``,
        mismatch at least ``practical_difference`` either way, and slope_low above 0).
    slope, slope_low, slope_high
        Scale points per SD of result, with its interval.
    correlation
        Of score and result, -1 to 1.
    follows
        Whether slope_low is above 0: ratings follow results here.
    n_without
        Rated employees without usable results.
    practical_difference, q, level
        Thresholds used.
    """

    employees: pd.DataFrame
    slope: float
    slope_low: float
    slope_high: float
    correlation: float
    follows: bool
    n_without: int
    practical_difference: float
    q: float
    level: float


def estimate_results_mismatch(
    ratings: pd.DataFrame,
    *,
    results: pd.DataFrame,
    cycle: str | None = None,
    severity: pd.Series | None = None,
    lower_is_better: Collection[str] = (),
    level: float = 0.95,
    q: float = 0.10,
    practical_difference: float = 0.5,
) -> ResultsMismatch:
    """Compare every score with what results lead to expect.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    results
        cycle, employee_id, metric, value, target.
    cycle
        Cycle of the session; all results where not given.
    severity
        Severity by rater_id to take out of the scores, where estimable.
    lower_is_better
        Metrics of which less is better.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted among flagged employees.
    practical_difference
        Mismatch that matters in practice, in scale points.

    Returns
    -------
    ResultsMismatch

    Raises
    ------
    NotEstimable
        Too few people with comparable results, or equal scores.
    """
    score = person_scores(ratings, severity)
    kept = results if cycle is None else results.loc[results["cycle"] == cycle]
    measured = standardised_results(
        kept.loc[kept["employee_id"].isin(score.index)], lower_is_better=lower_is_better
    )
    result = measured.groupby("employee_id")["z"].agg(["mean", "size"])
    if len(result) < _LEAST_PEOPLE:
        raise NotEstimable(
            msgn(
                "Only {n} rated person has results that can be set beside those of colleagues; at "
                "least {least} are needed.",
                "Only {n} rated people have results that can be set beside those of colleagues; "
                "at least {least} are needed.",
                len(result),
                least=_LEAST_PEOPLE,
            )
        )
    x, y = result["mean"].to_numpy(dtype=float), score.reindex(result.index).to_numpy(dtype=float)
    if np.ptp(y) <= 1e-9 * max(1.0, float(np.abs(y).max())):
        raise NotEstimable(msg("All ratings are the same, so they follow nothing."))
    if np.ptp(x) <= 1e-9:
        raise NotEstimable(msg("All results are the same, so ratings cannot follow them."))
    slope, low, high, numbers = _regression(x, y, level)
    employees = pd.DataFrame(
        {
            "employee_id": result.index.to_numpy(),
            "n_metrics": result["size"].to_numpy(),
            "result": x,
            "score": y,
            **numbers,
        }
    )
    employees["flagged"] = (
        (benjamini_hochberg(employees["p"]) <= q)
        & (employees["mismatch"].abs() >= practical_difference)
        & (low > 0)
    )
    return ResultsMismatch(
        employees=employees,
        slope=slope,
        slope_low=low,
        slope_high=high,
        correlation=float(np.corrcoef(x, y)[0, 1]),
        follows=low > 0,
        n_without=len(score) - len(result),
        practical_difference=practical_difference,
        q=q,
        level=level,
    )


def _regression(
    x: FloatArray, y: FloatArray, level: float
) -> tuple[float, float, float, dict[str, FloatArray]]:
    """Slope with interval, and each point beside the line through all others."""
    n = len(x)
    away = x - x.mean()
    sxx = float(away @ away)
    slope = float(away @ y) / sxx
    residual = y - y.mean() - slope * away
    rss = float(residual @ residual)
    # a perfect line leaves rounding only
    rss = max(rss, 1e-18 * float(np.var(y)) * n)
    leverage = 1 / n + away**2 / sxx
    left = 1 - leverage
    deleted = np.maximum(rss - residual**2 / left, 1e-12 * rss) / (n - 3)
    mismatch = residual / left
    se = np.sqrt(deleted / left)
    reach = float(stats.t.ppf((1 + level) / 2, n - 3)) * se
    slope_reach = float(stats.t.ppf((1 + level) / 2, n - 2)) * np.sqrt(rss / (n - 2) / sxx)
    predicted = y - mismatch
    return slope, slope - float(slope_reach), slope + float(slope_reach), {
        "predicted": predicted,
        "pi_low": predicted - reach,
        "pi_high": predicted + reach,
        "mismatch": mismatch,
        "p": 2 * stats.t.sf(np.abs(mismatch) / se, n - 3),
    }  # fmt: skip
