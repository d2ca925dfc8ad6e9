"""Does a rater use less of the scale than others do for the same people?

Model: M2 by REML (see `halo`). Per rater: *central tendency*, the share of scores on the middle
points of the scale minus the share that M2 expects of a rater as strict who rates these people;
the same for the two ends of the scale; *range restriction*, the SD of the scores (criterion and
component taken out) divided by its expectation; and the slope of the rater's mean score of a person
on the consensus of the other raters (their severity taken out), divided by the slope expected.
Null: 199 parametric bootstrap draws of M2 with subjects and raters as high and as strict as they
were, cut to the points of the scale.

Sources: Saal, Downey & Lahey (1980), Psychol. Bull. 88, 413-428; Wolfe & Song (2015), J. Appl.
Meas. 16, 228-241 (slope and threshold spread); Benjamini & Hochberg (1995).

Assumes a linear model cut into points. The expectation contains the rater, so with few raters a
difference looks smaller than it is.

It cannot tell a careful rater from a group that really lies close together unless others rated the
same people: from teams that only their own manager rated it is not identified, and refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.crossed_reml import CrossedModelError
from pipeline.numerics.false_discovery import benjamini_hochberg
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.model_bootstrap import (
    N_DRAWS,
    FittedModel,
    against_draws,
    indicator,
    smallest_step,
    spread_ratio,
)
from pipeline.numerics.rating_input import NOTHING_LEFT, linked_ratings
from pipeline.numerics.rating_model import (
    RATER,
    SUBJECT,
    CodedRatings,
    codes_of,
    fit_terms,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_UNLINKED = msg(
    "Nobody was rated by two raters, so a rater who uses little of the scale cannot be told from a "
    "team whose members are alike. A second rater for some people would show it."
)


@dataclass(frozen=True)
class RangeUse:
    """How much of the scale each rater uses.

    Attributes
    ----------
    raters
        One row per rater who shares subjects, ordered by identifier: rater_id; n_subjects;
        n_shared (subjects that another rater rated too); n_ratings; share_middle and
        share_extreme (0-1, of the rater's scores); middle_expected and extreme_expected (0-1, by
        the model); middle_difference and extreme_difference (share minus expected, -1 to 1),
        each with _low, _high and _p (two-sided, not corrected); sd_ratio (SD of the scores divided
        by its expectation, below 1 = less spread than the model expects for the same people) with
        sd_ratio_low, sd_ratio_high, sd_ratio_p; slope_ratio (slope on the consensus of the others
        divided by the slope expected; 1 = as others, 0 = does not follow the others) with
        slope_ratio_low, slope_ratio_high, slope_ratio_p; central (bool: more in the middle than
        expected by at least ``practical_share`` and among false discoveries of at most ``q``);
        restricted (bool: sd_ratio at most ``practical_ratio``, likewise); reason (Message
        where nothing is estimable, else None). Slopes are missing where others rated too few of
        the rater's subjects.
    middle_points, end_points
        The points of the scale that count as middle and as ends.
    practical_share, practical_ratio, q, level
        Thresholds used.
    n_left_out
        Raters without an answer because they share no subject with others.
    """

    raters: pd.DataFrame
    middle_points: tuple[float, ...]
    end_points: tuple[float, ...]
    practical_share: float
    practical_ratio: float
    q: float
    level: float
    n_left_out: int


def estimate_range_use(
    ratings: pd.DataFrame,
    *,
    points: Sequence[float],
    level: float = 0.95,
    q: float = 0.10,
    practical_share: float = 0.15,
    practical_ratio: float = 0.8,
    least_shared: int = 5,
    seed: int = 20_260_403,
) -> RangeUse:
    """Estimate how much of the scale every rater uses beside what the model expects.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    points
        Every point of the scale, lowest first; three or more. The middle is the middle point, or
        with an even number the two middle points.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted within one measure.
    practical_share
        Share above expectation from which a rater may be marked central.
    practical_ratio
        Ratio of SDs at or below which a rater may be marked restricted.
    least_shared
        Shared subjects that a rater needs.
    seed
        Of the simulations.

    Returns
    -------
    RangeUse

    Raises
    ------
    NotEstimable
        Nobody rated by two raters, too few points, or no rater with enough shared subjects.
    """
    scale = np.asarray(points, dtype=float)
    if len(scale) < 3:
        raise NotEstimable(msg("A scale of two points has no middle."))
    rated = ratings.loc[ratings["score"].notna()]
    coded = linked_ratings(ratings, unlinked=_UNLINKED)
    shared, n_shared, n_subjects = _shared(coded)
    enough = n_shared >= least_shared
    if not enough.any():
        raise NotEstimable(
            msg(
                "No rater shares {least} people or conversations with others, which is too few to "
                "compare how they use the scale.",
                least=least_shared,
            )
        )
    middle, ends = _middle(scale), scale[[0, -1]]
    scores, centred, lenient = _simulated(coded, seed)
    nearest = _nearest(scores, scale)
    reach = float(stats.norm.ppf((1 + level) / 2))
    numbers = {
        **_share("middle", np.isin(nearest, middle), coded, reach),
        **_share("extreme", np.isin(nearest, ends), coded, reach),
        **_spread(centred, coded, smallest_step(coded.score), level),
        **_slope(lenient, coded, shared, reach),
    }
    rows = pd.DataFrame(
        {
            "rater_id": coded.rater_ids,
            "n_subjects": n_subjects,
            "n_shared": n_shared,
            "n_ratings": np.bincount(coded.rater),
            **{name: np.where(enough, value, np.nan) for name, value in numbers.items()},
        }
    )
    above = (rows["middle_difference"] >= practical_share).to_numpy()
    narrow = (rows["sd_ratio"] <= practical_ratio).to_numpy()
    rows["central"] = above & (benjamini_hochberg(rows["middle_p"]) <= q)
    rows["restricted"] = narrow & (benjamini_hochberg(rows["sd_ratio_p"]) <= q)
    short = msg(
        "Fewer than {least} people or conversations shared with others.", least=least_shared
    )
    rows["reason"] = pd.Series([None if one else short for one in enough], dtype=object)
    return RangeUse(
        raters=rows.sort_values("rater_id", ignore_index=True),
        middle_points=tuple(map(float, middle)),
        end_points=tuple(map(float, ends)),
        practical_share=practical_share,
        practical_ratio=practical_ratio,
        q=q,
        level=level,
        n_left_out=int(rated["rater_id"].nunique()) - len(coded.rater_ids),
    )


def _middle(scale: FloatArray) -> FloatArray:
    n = len(scale)
    points: FloatArray = scale[(n - 1) // 2 : n // 2 + 1]
    return points


def _nearest(scores: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the nearest point of the scale, halfway the higher."""
    point: FloatArray = scale[np.searchsorted((scale[1:] + scale[:-1]) / 2, scores, side="right")]
    return point


def _shared(coded: CodedRatings) -> tuple[BoolArray, IntArray, IntArray]:
    """Whether each pair's subject has two raters; shared and all subjects by rater."""
    first = np.unique(coded.pair, return_index=True)[1]
    subject, rater = coded.subject[first], coded.rater[first]
    shared = np.bincount(subject)[subject] >= 2
    n_raters = len(coded.rater_ids)
    n_shared = np.bincount(rater[shared], minlength=n_raters)
    return shared, n_shared.astype(np.intp), np.bincount(rater).astype(np.intp)


def _simulated(coded: CodedRatings, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores seen (first column) and drawn; without the fixed part; without severity as well."""
    X, codes = fixed_columns(coded.part, coded.criterion), codes_of(coded)
    try:
        fit = fit_terms(coded.score, X, codes)
    except CrossedModelError:
        raise NotEstimable(NOTHING_LEFT) from None
    model = FittedModel(X, codes, fit.variance)
    mean = X @ fit.beta
    rng = np.random.default_rng(seed)
    draws = model.simulate_like(coded.score, mean, N_DRAWS, rng, (SUBJECT, RATER))
    scores = np.column_stack([coded.score, draws])
    return scores, scores - mean[:, None], model.without(scores, (RATER,))


def _share(
    name: str, chosen: BoolArray, coded: CodedRatings, reach: float
) -> dict[str, FloatArray]:
    """Share of scores on some points, seen and expected, by rater."""
    shares = (indicator(coded.rater).T @ chosen) / np.bincount(coded.rater)[:, None]
    seen, drawn = shares[:, 0], shares[:, 1:]
    expected = drawn.mean(axis=1)
    se, p = against_draws(seen, drawn)
    return {
        f"share_{name}": seen,
        f"{name}_expected": expected,
        f"{name}_difference": seen - expected,
        f"{name}_low": np.maximum(seen - expected - reach * se, -1.0),
        f"{name}_high": np.minimum(seen - expected + reach * se, 1.0),
        f"{name}_p": p,
    }


def _spread(
    centred: FloatArray, coded: CodedRatings, step: float, level: float
) -> dict[str, FloatArray]:
    """SD of each rater's scores beside its expectation."""
    member, size = indicator(coded.rater), np.bincount(coded.rater)
    away = centred - member @ ((member.T @ centred) / size[:, None])
    squares = (member.T @ away**2) / size[:, None]
    found = spread_ratio(squares[:, 0], squares[:, 1:], step**2 / 2 / size, level)
    names = ("sd_ratio", "sd_ratio_low", "sd_ratio_high", "sd_ratio_p")
    return dict(zip(names, found, strict=True))


def _slope(
    lenient: FloatArray, coded: CodedRatings, shared: BoolArray, reach: float
) -> dict[str, FloatArray]:
    """Slope of a rater's mean score of a subject on the mean of the others."""
    pair = coded.pair
    first = np.unique(pair, return_index=True)[1]
    own = (indicator(pair).T @ lenient) / np.bincount(pair)[:, None]
    subject, rater = coded.subject[first], coded.rater[first]
    of_subject = indicator(subject)
    others = np.bincount(subject)[subject][:, None] - 1
    consensus = (of_subject @ (of_subject.T @ own) - own) / np.maximum(others, 1)
    own, consensus = own[shared], consensus[shared]
    member = indicator(rater[shared], len(coded.rater_ids))
    size = np.maximum(member.sum(axis=0), 1)[:, None]
    away = consensus - member @ ((member.T @ consensus) / size)
    spread = member.T @ away**2
    slopes = (member.T @ (away * own)) / np.where(spread > 1e-9, spread, np.nan)
    seen, drawn = slopes[:, 0], slopes[:, 1:]
    # a slope of exactly equal consensus in one draw is no slope
    known = ~np.isnan(slopes).any(axis=1)
    se, p = against_draws(np.where(known, seen, 0.0), np.where(known[:, None], drawn, 0.0))
    expected = np.where(known, drawn.mean(axis=1), np.nan)
    # a ratio to a slope near 0 says nothing
    expected = np.where(expected > 2 * se / np.sqrt(N_DRAWS), expected, np.nan)
    return {
        "slope_ratio": seen / expected,
        "slope_ratio_low": (seen - reach * se) / expected,
        "slope_ratio_high": (seen + reach * se) / expected,
        "slope_ratio_p": np.where(np.isnan(expected), np.nan, p),
    }
