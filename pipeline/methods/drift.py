"""Does a rater become stricter or milder over time?

Model: M2 by REML (see `halo`) on the ratings of all periods, with ``(1|rater:period)`` beside the
rater's lasting level, and a fixed intercept per period × connected part. A period is a cycle or,
with dated ratings, a calendar quarter; a subject is what was rated within one cycle. Drift as a
whole: the variance of rater:period with a likelihood-ratio test on the boundary. Per rater and
period: the shift of that cell beside the rater's other periods, by generalised least squares in M2
without drift (its exact distribution on the observed design is the null, so that unequal numbers
of ratings are honoured), the rater's lasting level taken as unknown; and its shrunken form from
the model with drift, averaged over how large drift may be. Per rater in the same way: a straight
trend over periods, which a steady change shows better than single cells do. False discoveries by
Benjamini-Hochberg, over cells and over trends; one that stands out is taken into the model before
the others are judged, because severity is relative and one rater's drift makes all others seem to
drift the other way.

Sources: Myford & Wolfe (2009), J. Educ. Meas. 46, 371-389 (drift); Cook, Holschuh & Weisberg
(1982), Technometrics 24, 23-33 (shift of a mean); Self & Liang (1987), JASA 82, 605-610;
Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.

Assumes that in every period raters share subjects, directly or through others; only then is
severity within it identified. With two periods the two cells of a rater are one number.

It cannot tell a drift that all raters share, and not which period was right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.crossed_reml import CrossedModelError
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.model_bootstrap import FittedModel, indicator
from pipeline.numerics.model_shifts import averaged_contrasts, forward_shifts, wald
from pipeline.numerics.rating_input import NOTHING_LEFT, linked_ratings
from pipeline.numerics.rating_model import (
    RATER,
    SUBJECT,
    CodedRatings,
    boundary_test,
    codes_of,
    connected_parts,
    crossed,
    fit_terms,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_RATER_PERIOD = "rater:period"
_LEAST_SHARED = 3
_LASTING = 1e4
"""Variance ratio that takes a rater's lasting level as unknown."""
_UNLINKED = msg(
    "Nobody was rated by two raters, so a rater who becomes stricter cannot be told from a team "
    "that becomes weaker. A second rater for some people in each period would show it."
)
_ONE_PERIOD = msg(
    "Change over time needs two periods in which the same raters share people with others."
)


@dataclass(frozen=True)
class Drift:
    """Change of severity over time, in scale points, positive = stricter than otherwise.

    Attributes
    ----------
    cells
        One row per rater with two periods or more and period, ordered: rater_id; period; n_shared
        (subjects that another rater rated too, in that cycle); n_ratings; change (severity in this
        period minus that in the rater's other periods, not shrunken); se; ci_low, ci_high; p (two-
        sided, not corrected); change_shrunk, se_shrunk (the same, pulled to 0); flagged (bool:
        among false discoveries of at most ``q`` and change_shrunk at least ``practical_difference``
        either way); reason (Message where a cell has too few shared subjects, else None).
    raters
        One row per rater with two usable periods or more: rater_id; n_periods; trend (change of
        severity from the rater's first usable period to the last along a straight line, scale
        points, positive = becomes stricter, not shrunken); se; ci_low, ci_high; p (two-sided, not
        corrected); flagged (bool: among false discoveries of at most ``q`` and trend at least
        ``practical_difference`` either way).
    var_drift
        Variance of rater:period, squared scale points, 0 or more; 0: no drift found.
    sd_drift, sd_low, sd_high
        Its square root with the profile-likelihood interval; ``sd_high`` may be infinite.
    statistic, p_drift
        Likelihood-ratio statistic of no drift and its p-value (boundary).
    periods
        Periods in order.
    practical_difference, q, level
        Thresholds used.
    """

    cells: pd.DataFrame
    raters: pd.DataFrame
    var_drift: float
    sd_drift: float
    sd_low: float
    sd_high: float
    statistic: float
    p_drift: float
    periods: tuple[str, ...]
    practical_difference: float
    q: float
    level: float


def estimate_drift(
    ratings: pd.DataFrame,
    *,
    by_quarter: bool = False,
    cycle_order: list[str] | None = None,
    level: float = 0.95,
    q: float = 0.10,
    practical_difference: float = 0.3,
) -> Drift:
    """Estimate how the severity of every rater changes over periods.

    Parameters
    ----------
    ratings
        Judgements of one department over its cycles, with cycle, or rated_on for quarters; rows
        without a score, or without a date where quarters are asked for, do not count.
    by_quarter
        Take calendar quarters of rated_on as periods rather than cycles.
    cycle_order
        Cycles, oldest first; by name where not given.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted among flagged cells.
    practical_difference
        Change that matters in practice, in scale points.

    Returns
    -------
    Drift

    Raises
    ------
    NotEstimable
        Fewer than two periods with shared subjects, or no rater in two of them.
    """
    rated = _with_period(ratings, by_quarter)
    coded = linked_ratings(rated, unlinked=_UNLINKED, subject=("cycle", "subject_id"))
    names = _ordered(rated["period"].unique(), None if by_quarter else cycle_order)
    place = {name: i for i, name in enumerate(names)}
    period = rated["period"].map(place).to_numpy(dtype=np.intp)[coded.row]
    n_shared = _shared(coded, period, len(names))
    usable = n_shared >= _LEAST_SHARED
    if (usable.sum(axis=1) >= 2).sum() < 2:
        raise NotEstimable(_ONE_PERIOD)
    X = fixed_columns(_within(coded, period), coded.criterion)
    codes = {**codes_of(coded), _RATER_PERIOD: crossed(coded.rater, period)}
    try:
        fit = fit_terms(coded.score, X, codes, (SUBJECT, RATER, _RATER_PERIOD))
        statistic, p_drift, without = boundary_test(fit, _RATER_PERIOD, coded.score, X, codes)
        low, high = fit.profile_interval(_RATER_PERIOD, level)
    except CrossedModelError:
        raise NotEstimable(NOTHING_LEFT) from None
    lasting = FittedModel(X, codes, {**without, RATER: _LASTING * without["residual"]})
    found = forward_shifts(
        lasting, coded.score, indicator(codes[_RATER_PERIOD]), q=q, least=practical_difference
    )
    change, se = 0.0 - found.value, found.se
    first = np.unique(codes[_RATER_PERIOD], return_index=True)[1]
    of_rater, of_period = coded.rater[first], period[first]
    shrunk, se_shrunk = averaged_contrasts(
        fit, coded.score, X, codes, _RATER_PERIOD, of_rater, high
    )
    cells = pd.DataFrame(
        {
            "rater_id": coded.rater_ids[of_rater],
            "period": np.array(names, dtype=object)[of_period],
            "n_shared": n_shared[of_rater, of_period],
            "n_ratings": np.bincount(codes[_RATER_PERIOD]),
            "place": of_period,
            "chosen": found.chosen,
        }
    )
    # positive = lower scores
    numbers = pd.DataFrame({"change": change, "se": se, **wald(change, se, level)})
    numbers["change_shrunk"], numbers["se_shrunk"] = 0.0 - shrunk, se_shrunk
    known = usable[of_rater, of_period] & ~np.isnan(change)
    numbers.loc[~known] = np.nan
    cells[list(numbers)] = numbers
    twice = np.bincount(of_rater[known], minlength=len(coded.rater_ids))[of_rater] >= 2
    cells = cells.loc[twice].sort_values(["rater_id", "place"], ignore_index=True)
    cells["flagged"] = cells["chosen"] & (cells["change_shrunk"].abs() >= practical_difference)
    short = msg(
        "Fewer than {least} people shared with other raters in this period.", least=_LEAST_SHARED
    )
    cells["reason"] = pd.Series(
        [short if gap else None for gap in cells["change"].isna()], dtype=object
    )
    return Drift(
        cells=cells.drop(columns=["place", "chosen"]),
        raters=_trends(coded, period, usable, lasting, level, q, practical_difference),
        var_drift=fit.variance[_RATER_PERIOD],
        sd_drift=float(np.sqrt(fit.variance[_RATER_PERIOD])),
        sd_low=float(np.sqrt(low)),
        sd_high=float(np.sqrt(high)),
        statistic=statistic,
        p_drift=p_drift,
        periods=tuple(names),
        practical_difference=practical_difference,
        q=q,
        level=level,
    )


def _trends(
    coded: CodedRatings, period: IntArray, usable: npt.NDArray[np.bool_],
    model: FittedModel, level: float, q: float, practical_difference: float,
) -> pd.DataFrame:  # fmt: skip
    """Straight trend of each rater over usable periods."""
    n_periods = usable.sum(axis=1)
    first = np.argmax(usable, axis=1)
    span = usable.shape[1] - 1 - np.argmax(usable[:, ::-1], axis=1) - first
    # periods that are not usable stay at the start of the line, beside the lasting level
    time = (period - first[coded.rater]) / np.maximum(span, 1)[coded.rater]
    kept = usable[coded.rater, period] * time
    columns = sparse.csc_array(indicator(coded.rater).multiply(kept[:, None]))
    asked = np.flatnonzero(n_periods >= 2)
    found = forward_shifts(model, coded.score, columns[:, asked], q=q, least=practical_difference)
    trend, se = 0.0 - found.value, found.se
    rows = pd.DataFrame(
        {
            "rater_id": coded.rater_ids[asked],
            "n_periods": n_periods[asked],
            "trend": trend,
            "se": se,
            **wald(trend, se, level),
            "flagged": found.chosen,
        }
    )
    return rows.loc[rows["trend"].notna()].sort_values("rater_id", ignore_index=True)


def _with_period(ratings: pd.DataFrame, by_quarter: bool) -> pd.DataFrame:
    """Rows with a score and a period, which is text."""
    column = "rated_on" if by_quarter else "cycle"
    if column not in ratings:
        raise NotEstimable(_ONE_PERIOD)
    rated = ratings.loc[ratings["score"].notna() & ratings[column].notna()]
    if by_quarter:
        period = pd.to_datetime(rated[column]).dt.to_period("Q").astype(str)
    else:
        period = rated[column].astype(str)
    if rated.empty or period.nunique() < 2:
        raise NotEstimable(_ONE_PERIOD)
    cycle = rated["cycle"].astype(str) if "cycle" in rated else ""
    return rated.assign(period=period, cycle=cycle).reset_index(drop=True)


def _ordered(names: npt.NDArray, order: list[str] | None) -> list[str]:
    place = {name: i for i, name in enumerate(order or [])}
    return sorted(names, key=lambda name: (place.get(name, -1), name))


def _shared(coded: CodedRatings, period: IntArray, n_periods: int) -> IntArray:
    """Subjects per rater and period that another rater rated too, (n_raters, n_periods)."""
    met = np.unique(np.column_stack([coded.subject, coded.rater, period]), axis=0)
    raters = np.unique(met[:, :2], axis=0)[:, 0]
    shared = met[np.bincount(raters)[met[:, 0]] >= 2]
    counts = np.zeros((len(coded.rater_ids), n_periods), dtype=np.intp)
    np.add.at(counts, (shared[:, 1], shared[:, 2]), 1)
    return counts


def _within(coded: CodedRatings, period: IntArray) -> IntArray:
    """Give each row its connected part within its period, numbered over all periods."""
    # the same rater in another period is another node, so periods fall apart unless subjects join
    return crossed(connected_parts(crossed(coded.rater, period), coded.subject), period)
