"""Where does somebody stand on performance and on potential, and how sure is that place?

Model: two means per person, one over the criteria that the organisation names as potential and one
over all others, each placed in a low, middle or high band of the scale; together the 9-box. The
error of a mean follows from the variance components of the session: raters and subject × rater
divided by the number of raters, the rest by the number of scores. A place is sure where neither
interval reaches another band.

Source: the grid is McKinsey's and GE's of about 1970, for business units; as a tool for people it
has no known validity for the future of a career (Silzer & Church 2009, Ind. Organ. Psychol. 2,
377-412, on how unlike the meanings of potential are).

Assumes that the chosen criteria say something about what a person could do next; it cannot tell
whether they do. A score of one moment is no prediction of a person, and no box is a proposed
decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg

LOW, MIDDLE, HIGH = 0, 1, 2
_BORDERS = (3 / 8, 5 / 8)
"""Where the bands meet, as a share of the scale: 2.5 and 3.5 on 1 to 5."""


@dataclass(frozen=True)
class NineBox:
    """Places of people on two axes.

    Attributes
    ----------
    people
        One row per person with scores on both axes, ordered by identifier: employee_id;
        performance and potential, means in scale points; performance_band and potential_band
        (0 low, 1 middle, 2 high); performance_error and potential_error, half of their intervals
        (NaN where the session tells nothing of error); sure (bool, or missing where nothing is
        known of error).
    borders
        Where low meets middle and middle meets high, in scale points.
    potential
        The criteria of the axis of potential.
    level
        Confidence level of the intervals.
    n_left_out
        People without a score on one of the axes.
    """

    people: pd.DataFrame
    borders: tuple[float, float]
    potential: tuple[str, ...]
    level: float
    n_left_out: int


def estimate_nine_box(
    ratings: pd.DataFrame,
    *,
    potential: Collection[str],
    ends: tuple[float, float],
    variance: Mapping[str, float] | None,
    level: float = 0.95,
) -> NineBox:
    """Place everybody on two axes.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    potential
        Criteria that count as potential.
    ends
        Lowest and highest score of the scale.
    variance
        Variance of ``rater``, ``pair`` (subject × rater) and ``residual``, squared scale points;
        None where the session cannot tell them.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        No criterion is named as potential, or nobody has scores on both axes.
    """
    if not potential:
        raise NotEstimable(
            msg(
                "No criterion is named as potential. Name the ones that are under [talent] in"
                " workbench.toml, so that performance and potential are not one score."
            )
        )
    scored = ratings[ratings["score"].notna()]
    on = scored["criterion_id"].isin(list(potential))
    if not on.any():
        raise NotEstimable(
            msg(
                "Nobody was rated on what [talent] in workbench.toml names as potential: {names}.",
                names=", ".join(potential),
            )
        )
    axes = {"performance": scored[~on], "potential": scored[on]}
    half = float(stats.norm.ppf((1 + level) / 2))
    low, high = ends
    borders = (low + _BORDERS[0] * (high - low), low + _BORDERS[1] * (high - low))
    parts = []
    for name, rows in axes.items():
        of_person = rows.groupby("employee_id")
        mean = of_person["score"].mean()
        error = half * _errors(of_person["rater_id"].nunique(), of_person.size(), variance)
        parts.append(
            pd.DataFrame(
                {
                    name: mean,
                    f"{name}_band": np.searchsorted(borders, mean, side="right"),
                    f"{name}_error": error,
                    f"{name}_sure": _reaches_no_border(mean, error, borders),
                }
            )
        )
    everybody = pd.concat(parts, axis=1, join="outer")
    people = everybody.dropna(subset=["performance", "potential"]).sort_index()
    if people.empty:
        raise NotEstimable(
            msg("Nobody has scores on criteria of potential and on others, so there is no grid.")
        )
    sure = people["performance_sure"].astype("boolean") & people["potential_sure"].astype("boolean")
    bands = people[["performance_band", "potential_band"]].astype(int)
    kept = people.drop(columns=["performance_sure", "potential_sure"]).assign(**bands, sure=sure)
    return NineBox(
        people=kept.rename_axis("employee_id").reset_index(),
        borders=borders,
        potential=tuple(sorted(set(potential) & set(scored["criterion_id"]))),
        level=level,
        n_left_out=len(everybody) - len(people),
    )


def _errors(
    n_raters: pd.Series, n_scores: pd.Series, variance: Mapping[str, float] | None
) -> pd.Series:
    """Return standard errors of means, NaN where nothing is known of error."""
    if variance is None:
        return pd.Series(np.nan, index=n_raters.index)
    of_rater = variance["rater"] + variance["pair"]
    return np.sqrt(of_rater / n_raters + variance["residual"] / n_scores)


def _reaches_no_border(
    mean: pd.Series, error: pd.Series, borders: tuple[float, float]
) -> pd.Series:
    """Tell whether an interval stays in one band; missing where there is no interval."""
    low, high = (np.searchsorted(borders, mean + sign * error, side="right") for sign in (-1, 1))
    same = pd.Series(low == high, index=mean.index, dtype="boolean")
    return same.mask(error.isna())
