"""Whose ratings scatter more around what the model expects than those of others?

Model: M2 by REML (see `halo`). A rater's residuals are what is left of the scores after criterion,
component, subject, rater and rater:criterion: chance together with what this rater alone sees in a
person. The mean square of a rater is divided by its expectation under M2 on the rater's own design
and by what raters have in common; the log of that is shrunken to 0 by empirical Bayes. Null: 199
parametric bootstrap draws of M2 with the fitted variances, subjects and raters as strict and as
high as they were, cut to the points of the scale; they give the expectation, the error variance of
the log and the test that raters differ at all.

Sources: Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1) (shrunken log variances); Morris (1983),
JASA 78, 47-65; Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.

Assumes that who rates whom does not depend on how predictable people are. With two raters per
subject part of one rater's scatter is booked with the other.

It cannot tell carelessness from seeing what others do not see: an unusual rating may be the right
one.
"""

from __future__ import annotations

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
    indicator,
    smallest_step,
)
from pipeline.numerics.rating_input import NOTHING_LEFT, linked_ratings
from pipeline.numerics.rating_model import (
    RATER,
    RATER_CRITERION,
    SUBJECT,
    CodedRatings,
    codes_of,
    fit_terms,
)
from pipeline.numerics.shrinkage import shrink

FloatArray = npt.NDArray[np.float64]

_UNLINKED = msg(
    "Nobody was rated by two raters, so a rater who scatters cannot be told from a team that "
    "differs. A second rater for some people would show it."
)


@dataclass(frozen=True)
class Consistency:
    """How much each rater scatters.

    Attributes
    ----------
    raters
        One row per rater who shares subjects, ordered by identifier: rater_id; n_ratings; sd
        (residual SD, scale points); sd_expected (by the model); ratio (sd / sd_expected, divided
        by its average over raters; above 1 = scatters more than others); p (two-sided, of ratio,
        not corrected); ratio_shrunk (pulled to 1, above 0); ci_low, ci_high (of ratio_shrunk);
        flagged (bool: ratio_shrunk at least ``practical_ratio``, its interval above 1 and p among
        false discoveries of at most ``q``); reason (Message where nothing is estimable, else
        None).
    spread
        SD of the true log ratios of SDs between raters; 0.1 = about 10 % apart; 0 or more.
    p_differ
        p-value (0-1) that raters scatter equally, from the bootstrap.
    practical_ratio, q, level
        Thresholds used.
    n_left_out
        Raters without an answer because they share no subject with others.
    """

    raters: pd.DataFrame
    spread: float
    p_differ: float
    practical_ratio: float
    q: float
    level: float
    n_left_out: int


def estimate_consistency(
    ratings: pd.DataFrame,
    *,
    level: float = 0.95,
    q: float = 0.10,
    practical_ratio: float = 1.2,
    least_ratings: int = 8,
    seed: int = 20_260_402,
) -> Consistency:
    """Estimate the residual spread of every rater beside what the model expects.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted among flagged raters.
    practical_ratio
        Shrunken ratio of SDs from which a rater may be flagged.
    least_ratings
        Ratings that a rater needs.
    seed
        Of the simulations.

    Returns
    -------
    Consistency

    Raises
    ------
    NotEstimable
        Nobody rated by two raters, or fewer than two raters with enough ratings.
    """
    rated = ratings.loc[ratings["score"].notna()]
    coded = linked_ratings(ratings, unlinked=_UNLINKED)
    n_ratings = np.bincount(coded.rater)
    enough = n_ratings >= least_ratings
    if enough.sum() < 2:
        raise NotEstimable(
            msg(
                "Fewer than two raters have {least} ratings of shared people or more, so their "
                "spread cannot be compared.",
                least=least_ratings,
            )
        )
    observed, drawn = _mean_squares(coded, seed)
    least = smallest_step(coded.score) ** 2 / n_ratings[enough]
    # a simulated or real mean square of 0 has no logarithm
    log_drawn = np.log(np.maximum(drawn[enough], least[:, None]))
    log_seen = np.log(np.maximum(observed[enough], least))
    away = log_seen - log_drawn.mean(axis=1)
    se = np.maximum(log_drawn.std(axis=1, ddof=1), 1e-6)
    # beside the other raters: what all have in common is no trait of one
    away = away - np.average(away, weights=1 / se**2)
    p = 2 * stats.norm.sf(np.abs(away) / se)
    shrunken = shrink(away, se**2, centre=0.0)
    reach = float(stats.norm.ppf((1 + level) / 2)) * shrunken.sd
    rows = pd.DataFrame({"rater_id": coded.rater_ids, "n_ratings": n_ratings})
    names = ["sd", "sd_expected", "ratio", "p", "ratio_shrunk", "ci_low", "ci_high"]
    rows[names] = np.nan
    ends = (shrunken.value, shrunken.value - reach, shrunken.value + reach)
    expected = np.exp(log_drawn.mean(axis=1) / 2)
    rows.loc[enough, names] = np.column_stack(
        [np.sqrt(observed[enough]), expected, np.exp(away / 2), p, *(np.exp(e / 2) for e in ends)]
    )
    rows["flagged"] = (
        (benjamini_hochberg(rows["p"]) <= q)
        & (rows["ratio_shrunk"] >= practical_ratio)
        & (rows["ci_low"] > 1)
    )
    short = msg(
        "Fewer than {least} ratings of shared people or conversations.", least=least_ratings
    )
    rows["reason"] = pd.Series([None if one else short for one in enough], dtype=object)
    return Consistency(
        raters=rows.sort_values("rater_id", ignore_index=True),
        spread=shrunken.spread / 2,
        p_differ=_p_differ(log_seen, log_drawn, se),
        practical_ratio=practical_ratio,
        q=q,
        level=level,
        n_left_out=int(rated["rater_id"].nunique()) - len(coded.rater_ids),
    )


def _mean_squares(coded: CodedRatings, seed: int) -> tuple[FloatArray, FloatArray]:
    """Residual mean square by rater, seen (n_raters,) and drawn (n_raters, draws)."""
    X, codes = fixed_columns(coded.part, coded.criterion), codes_of(coded)
    try:
        fit = fit_terms(coded.score, X, codes)
    except CrossedModelError:
        raise NotEstimable(NOTHING_LEFT) from None
    model = FittedModel(X, codes, fit.variance)
    rng = np.random.default_rng(seed)
    draws = model.simulate_like(coded.score, X @ fit.beta, N_DRAWS, rng, (SUBJECT, RATER))
    scores = np.column_stack([coded.score, draws])
    residual = model.without(scores, (SUBJECT, RATER, RATER_CRITERION))
    of_rater = indicator(coded.rater)
    squares = (of_rater.T @ residual**2) / np.bincount(coded.rater)[:, None]
    return squares[:, 0], squares[:, 1:]


def _p_differ(seen: FloatArray, drawn: FloatArray, se: FloatArray) -> float:
    """Bootstrap p-value of the weighted sum of squares of the logs around their centre."""
    weight = 1 / se**2
    away = np.column_stack([seen, drawn]) - drawn.mean(axis=1)[:, None]
    away = away - (weight @ away) / weight.sum()
    statistic = weight @ away**2
    return float((1 + (statistic[1:] >= statistic[0]).sum()) / len(statistic))
