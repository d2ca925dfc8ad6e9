"""Does a rater score the criteria of one person too much alike?

Model: M2, ``score ~ criterion + component + (1|subject) + (1|rater) + (1|subject:rater) +
(1|subject:criterion) + (1|rater:criterion)`` by REML. Over all raters: the share of variance of
``subject:rater`` (a general impression of the person that this rater alone has) beside that of
``subject:criterion`` (real differences between criteria that raters agree on), with a
likelihood-ratio test on the boundary. Per rater: the SD of the scores of one subject over the
criteria (the criterion's and the rater's own level on that criterion taken out), divided by what
M2 expects on this rater's own design. Null: 199 parametric bootstrap draws of M2 with subjects and
raters as strict and as high as they were, cut to the points of the scale; normal on cube roots of
the mean squares. False discoveries over raters by Benjamini-Hochberg.

Sources: Cooper (1981), Psychol. Bull. 90, 218-244; Lance, LaPointe & Stewart (1994), J. Appl.
Psychol. 79, 332-340; Self & Liang (1987), JASA 82, 605-610; Benjamini & Hochberg (1995).

Assumes that most raters tell criteria apart as well as the model says: the expectation comes from
all raters. With few raters it contains much of the rater compared and ratios lie nearer 1.

It cannot tell halo from true consistency for a single rater or a single person: people may really
be good at everything. A screen, no proof. With one rater per person it cannot tell them at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError
from pipeline.numerics.false_discovery import benjamini_hochberg
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.model_bootstrap import (
    N_DRAWS,
    FittedModel,
    indicator,
    smallest_step,
    spread_ratio,
)
from pipeline.numerics.rating_input import NOTHING_LEFT, linked_ratings
from pipeline.numerics.rating_model import (
    RATER,
    SUBJECT,
    SUBJECT_CRITERION,
    SUBJECT_RATER,
    CodedRatings,
    boundary_test,
    codes_of,
    crossed,
    fit_terms,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_LEAST_CRITERIA = 3
_UNLINKED = msg(
    "With one rater per person, halo and true consistency cannot be told apart: a rater who scores "
    "all criteria alike may be right. A second rater for some people would show it."
)


@dataclass(frozen=True)
class Halo:
    """How alike the criteria of one person are scored.

    Attributes
    ----------
    raters
        One row per rater who shares subjects, ordered by identifier: rater_id; n_subjects (with at
        least three criteria rated); sd (of the scores of one subject over the criteria, scale
        points); sd_expected (by the model); ratio (sd / sd_expected; below 1 = criteria scored more
        alike than comparable raters do); ci_low, ci_high (of ratio; ci_high may be infinite); p
        (two-sided, not corrected); flagged (bool: ratio at most ``practical_ratio`` and among
        false discoveries of at most ``q``); reason (Message where a ratio is not estimable).
    var_subject_rater, var_subject_criterion
        Variance components, squared scale points, 0 or more; 0: none found.
    share_subject_rater, share_low, share_high
        Share (0-1) of the variance of a single score that is subject:rater, with its interval (by
        profile likelihood, the other variances as estimated).
    share_subject_criterion
        The same for subject:criterion, without an interval.
    statistic, p_halo
        Likelihood-ratio statistic of no subject:rater variance and its p-value (boundary).
    practical_ratio, q, level
        Thresholds used.
    n_left_out
        Raters without an answer because they share no subject with others.
    """

    raters: pd.DataFrame
    var_subject_rater: float
    var_subject_criterion: float
    share_subject_rater: float
    share_low: float
    share_high: float
    share_subject_criterion: float
    statistic: float
    p_halo: float
    practical_ratio: float
    q: float
    level: float
    n_left_out: int


def estimate_halo(
    ratings: pd.DataFrame,
    *,
    level: float = 0.95,
    q: float = 0.10,
    practical_ratio: float = 0.8,
    least_subjects: int = 5,
    seed: int = 20_260_401,
) -> Halo:
    """Estimate how much scores hang together within rater and subject.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted among flagged raters.
    practical_ratio
        Ratio of SDs at or below which a rater may be flagged.
    least_subjects
        Subjects with three criteria or more that a rater needs.
    seed
        Of the simulations.

    Returns
    -------
    Halo

    Raises
    ------
    NotEstimable
        Fewer than three criteria, or nobody rated by two raters.
    """
    rated = ratings.loc[ratings["score"].notna()]
    coded = linked_ratings(ratings, unlinked=_UNLINKED)
    if len(coded.criterion_ids) < _LEAST_CRITERIA:
        raise NotEstimable(
            msg(
                "Halo shows in scores that are too alike over the criteria: at least {least} "
                "criteria are needed.",
                least=_LEAST_CRITERIA,
            )
        )
    X, codes = fixed_columns(coded.part, coded.criterion), codes_of(coded)
    needed = (SUBJECT, RATER, SUBJECT_RATER, SUBJECT_CRITERION)
    try:
        fit = fit_terms(coded.score, X, codes, needed)
        statistic, p_halo, _ = boundary_test(fit, SUBJECT_RATER, coded.score, X, codes)
    except CrossedModelError:
        raise NotEstimable(NOTHING_LEFT) from None
    total = sum(fit.variance.values())
    low, high = _share_interval(fit, level)
    return Halo(
        raters=_raters(coded, fit, X, codes, level, q, practical_ratio, least_subjects, seed),
        var_subject_rater=fit.variance[SUBJECT_RATER],
        var_subject_criterion=fit.variance[SUBJECT_CRITERION],
        share_subject_rater=fit.variance[SUBJECT_RATER] / total,
        share_low=low,
        share_high=high,
        share_subject_criterion=fit.variance[SUBJECT_CRITERION] / total,
        statistic=statistic,
        p_halo=p_halo,
        practical_ratio=practical_ratio,
        q=q,
        level=level,
        n_left_out=int(rated["rater_id"].nunique()) - len(coded.rater_ids),
    )


def _share_interval(fit: CrossedFit, level: float) -> tuple[float, float]:
    rest = sum(fit.variance.values()) - fit.variance[SUBJECT_RATER]
    try:
        low, high = fit.profile_interval(SUBJECT_RATER, level)
    except CrossedModelError:
        return 0.0, 1.0
    return low / (low + rest), high / (high + rest) if np.isfinite(high) else 1.0


def _raters(
    coded: CodedRatings, fit: CrossedFit, X: FloatArray, codes: dict[str, IntArray],
    level: float, q: float, practical_ratio: float, least_subjects: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Compare each rater's spread over criteria with the model's."""
    model = FittedModel(X, codes, fit.variance)
    rng = np.random.default_rng(seed)
    mean = X @ fit.beta
    draws = model.simulate_like(coded.score, mean, N_DRAWS, rng, (SUBJECT, RATER))
    pair = coded.pair
    of_pair = np.bincount(pair)
    used = of_pair[pair] >= _LEAST_CRITERIA
    n_raters = len(coded.rater_ids)
    met = np.unique(pair, return_index=True)[1]
    n_subjects = np.bincount(coded.rater[met[of_pair >= _LEAST_CRITERIA]], minlength=n_raters)
    enough = n_subjects >= least_subjects
    rows = pd.DataFrame({"rater_id": coded.rater_ids, "n_subjects": n_subjects})
    numbers = ["sd", "sd_expected", "ratio", "ci_low", "ci_high", "p"]
    rows[numbers] = np.nan
    if enough.any():
        scores = np.column_stack([coded.score, draws]) - mean[:, None]
        squares = _spread(scores[used], coded, used)
        seen, expected = squares[enough, 0], squares[enough, 1:]
        least = (smallest_step(coded.score) ** 2 / 2) / np.bincount(
            coded.rater[used], minlength=n_raters
        )[enough]
        ratio, low, high, p = spread_ratio(seen, expected, least, level)
        found = [np.sqrt(seen), np.sqrt(expected.mean(axis=1)), ratio, low, high, p]
        rows.loc[enough, numbers] = np.column_stack(found)
    rejected = benjamini_hochberg(rows["p"]) <= q
    rows["flagged"] = rejected & (rows["ratio"] <= practical_ratio).to_numpy()
    short = msg(
        "Fewer than {least} people or conversations with three criteria or more.",
        least=least_subjects,
    )
    rows["reason"] = pd.Series([None if one else short for one in enough], dtype=object)
    return rows.sort_values("rater_id", ignore_index=True)


def _spread(scores: FloatArray, coded: CodedRatings, used: npt.NDArray[np.bool_]) -> FloatArray:
    """Mean square over criteria within subject by rater, (n_raters, columns)."""
    rater = coded.rater[used]
    for code in (crossed(rater, coded.criterion[used]), crossed(coded.subject[used], rater)):
        member = indicator(code)
        scores = scores - member @ ((member.T @ scores) / np.bincount(code)[:, None])
    of_rater = indicator(rater, len(coded.rater_ids))
    mean_square: FloatArray = (of_rater.T @ scores**2) / np.maximum(of_rater.sum(axis=0), 1)[
        :, None
    ]
    return mean_square
