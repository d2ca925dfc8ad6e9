"""Does treating the scale as a ladder of categories change the picture?

Scores 3 and 4 need not lie as far apart as 4 and 5, and who already has the highest score cannot
get a higher one. Here scores are only in order, and severity is in logits.

Model: the many-facet rating-scale model by marginal maximum likelihood (`numerics.rating_scale`)
on the largest group of raters who are linked by shared subjects. Small crossed designs, where
every rater gave every subject the same criteria and subjects have at least eight scores each or
are described by given terms, use a cumulative logit with rater, criterion and subject terms
instead (statsmodels `OrderedModel`, as `clm` in R).

Every different score is a step of the ladder, half points too; scale points that nobody used are
left out and named. More than ten different scores are no ladder. Left out with a reason: raters
with fewer than three scores, raters and criteria whose scores all lie at one end (their severity
has no limit), raters without a link.

The comparison with the linear severities is Spearman's correlation, with severities in logits
shrunken like the linear ones, for else it would be about who gave few ratings. Both come from the
same scores, so it has no interval.

Sources: Linacre (1989), *Many-Facet Rasch Measurement*; Wright & Linacre (1994), *Rasch
Measurement Transactions* 8, 370 (guide to infit and outfit); McCullagh (1980).

Assumes one ladder for all criteria, and that a rater's scores of one subject hang together
through the subject only: with halo standard errors are too small. It cannot tell severity that all
raters share. Raters without a criterion in common are taken to be equally strict on average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.given_ratings import rated_once
from pipeline.numerics.linkage import linked_groups
from pipeline.numerics.ordered_logit import OrderedLogitError
from pipeline.numerics.ordinal_engines import (
    ORDERED,
    RATING_SCALE,
    OrdinalFit,
    by_ordered_logit,
    by_rating_scale,
)
from pipeline.numerics.rating_scale import RatingScaleError

FloatArray = npt.NDArray[np.float64]

__all__ = ["ORDERED", "RATING_SCALE", "Ordinal", "estimate_ordinal"]

MOST_CATEGORIES = 10
MUTED, NOISY, DEGRADING = 0.5, 1.5, 2.0
"""Infit and outfit: below the first scores are too predictable, above the others too erratic."""

_LEAST_RATINGS = 3
_LEAST_SUBJECTS = 3
_LEAST_COMPARED = 5  # raters that a rank correlation needs
_MOST_CROSSED = 600  # ratings
_LEAST_PER_SUBJECT = 8  # scores that a fixed term per subject needs
_MOST_CELLS = 1_000_000  # subjects x raters, which bounds time and memory


@dataclass(frozen=True)
class Ordinal:
    """Severities on a ladder of categories, and how they compare with the linear ones.

    Attributes
    ----------
    raters
        One row per rater, ordered by identifier: rater_id; severity (logits, positive = gives
        lower scores, mean 0); se; ci_low; ci_high; severity_shrunk (pulled to 0 where se is
        large); infit, outfit (mean squares, 0 or more, 1 expected); fit (worst of both:
        "productive" .5-1.5, "muted" below, "noisy" above, "degrading" above 2); n_ratings; reason
        (a Message where there is no severity, all else then missing; None otherwise).
    criteria
        The same for criteria: criterion_id, difficulty (logits, positive = gets lower scores,
        mean 0; missing with one criterion), se, ci_low, ci_high, infit, outfit, fit, n_ratings,
        reason.
    thresholds
        One row per step of the ladder: from_score, to_score (scale points), threshold (logits;
        where both are equally likely, around the mean threshold), se, ci_low, ci_high; numbers
        missing where there is one step only. Thresholds that do not increase: a category is never
        the most likely one.
    unexpected
        Ratings at least `unexpected_z` standard deviations from what the model expects, farthest
        first: subject_id, rater_id, criterion_id, observed, expected (scale points), z (positive
        = higher than expected).
    share_floor, share_ceiling
        Share (0-1) of all scores at the lowest and at the highest scale point.
    crowded
        Whether more than `most_at_ends` of the scores lie there.
    unused
        Scale points that nobody used, among those given; they are no steps of the ladder.
    spearman
        Rank correlation (-1 to 1) with the linear severities; None where not to be compared.
    spearman_reason
        Why there is none, else None.
    disagrees
        Whether `spearman` is below `least_agreement`.
    sigma
        SD of the subjects in logits; None with engine ``"ordered logit"``.
    engine
        ``"ordered logit"`` or ``"rating scale"``.
    n_groups
        Groups of raters without a criterion in common.
    n_subjects, n_raters, n_ratings
        What the model was fitted on.
    n_left_out
        Raters without a severity.
    level
        Confidence level of the intervals.
    """

    raters: pd.DataFrame
    criteria: pd.DataFrame
    thresholds: pd.DataFrame
    unexpected: pd.DataFrame
    share_floor: float
    share_ceiling: float
    crowded: bool
    unused: tuple[float, ...]
    spearman: float | None
    spearman_reason: Message | None
    disagrees: bool
    sigma: float | None
    engine: str
    n_groups: int
    n_subjects: int
    n_raters: int
    n_ratings: int
    n_left_out: int
    level: float


@dataclass(frozen=True)
class _Used:
    """The ratings that take part, as codes, and why raters and criteria do not."""

    rated: pd.DataFrame
    points: FloatArray
    category: npt.NDArray[np.intp]
    codes: dict[str, npt.NDArray[np.intp]]
    levels: dict[str, pd.Index]
    reasons: dict[str, dict[str, Message]]
    given: dict[str, pd.Series]  # all ratings per rater and criterion, also of those left out


def estimate_ordinal(
    ratings: pd.DataFrame,
    *,
    severity: pd.Series | None = None,
    points: list[float] | None = None,
    subject_terms: pd.DataFrame | None = None,
    level: float = 0.95,
    least_agreement: float = 0.9,
    most_at_ends: float = 0.2,
    unexpected_z: float = 3.0,
) -> Ordinal:
    """Estimate severity on an ordered scale and compare it with the linear severity.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    severity
        Linear severities in scale points, indexed by rater_id; without them nothing is compared.
    points
        All points of the scale; the lowest and highest score given where not known.
    subject_terms
        Numbers that describe subjects, one column each, indexed by subject_id: replace the fixed
        term per subject in small crossed designs.
    level
        Confidence level of the intervals.
    least_agreement
        Rank correlation below which the two pictures disagree.
    most_at_ends
        Share of scores on floor and ceiling above which the scale is crowded.
    unexpected_z
        Standard deviations at which a rating is unexpected.

    Returns
    -------
    Ordinal

    Raises
    ------
    NotEstimable
        Nobody to compare with, no ladder, or nothing left that has a finite answer.
    """
    rated = _checked(ratings)
    score = rated["score"].to_numpy(dtype=float)
    scale = np.unique(score if points is None else np.asarray(points, dtype=float))
    floor, ceiling = float((score <= scale[0]).mean()), float((score >= scale[-1]).mean())
    used = _usable(rated)
    fit = _fit(used, subject_terms)
    shrunk = _shrunken(fit.severity, fit.severity_se)
    raters = _level_rows(used, "rater", "severity", fit, level, shrunk)
    spearman, why_not = _compared(raters, severity)
    return Ordinal(
        raters=raters,
        criteria=_level_rows(used, "criterion", "difficulty", fit, level),
        thresholds=_threshold_rows(used.points, fit, level),
        unexpected=_unexpected(used, fit, unexpected_z),
        share_floor=floor,
        share_ceiling=ceiling,
        crowded=floor + ceiling > most_at_ends,
        unused=tuple(float(p) for p in scale if p not in used.points),
        spearman=spearman,
        spearman_reason=why_not,
        disagrees=spearman is not None and spearman < least_agreement,
        sigma=fit.sigma,
        engine=fit.engine,
        n_groups=fit.n_groups,
        n_subjects=len(used.levels["subject"]),
        n_raters=len(used.levels["rater"]),
        n_ratings=len(used.rated),
        n_left_out=len(used.reasons["rater"]),
        level=level,
    )


def _checked(ratings: pd.DataFrame) -> pd.DataFrame:
    rated = rated_once(ratings)
    if rated["rater_id"].nunique() == 1:
        raise NotEstimable(
            msg(
                "There is only one rater. Severity shows only beside others who rated the same "
                "people."
            )
        )
    n_scores = rated["score"].nunique()
    if n_scores == 1:
        raise NotEstimable(
            msg("All scores that could be compared are the same: no severity can show.")
        )
    if n_scores > MOST_CATEGORIES:
        raise NotEstimable(
            msg(
                "There are {n} different scores. Only a scale of at most {most} steps can be read "
                "as a ladder of categories.",
                n=n_scores,
                most=MOST_CATEGORIES,
            )
        )
    return rated.sort_values(["subject_id", "rater_id", "criterion_id"], ignore_index=True)


def _usable(rated: pd.DataFrame) -> _Used:
    """Leave out, with a reason, what has no link or no finite answer, until nothing has to go."""
    reasons: dict[str, dict[str, Message]] = {"rater": {}, "criterion": {}}
    left = rated
    while True:
        before = len(left)
        if left["rater_id"].nunique() < 2 or left["score"].nunique() < 2:
            raise NotEstimable(
                msg(
                    "Too few raters share people and use more than one end of the scale, so no "
                    "severity on the ladder can be calculated."
                )
            )
        left = _main_part(left, reasons["rater"])
        for name in ("rater", "criterion"):
            left = _without_limitless(left, name, reasons[name])
        if len(left) == before:
            break
    if left["subject_id"].nunique() < _LEAST_SUBJECTS:
        raise NotEstimable(
            msg(
                "Raters who can be compared share fewer than {least} people or conversations.",
                least=_LEAST_SUBJECTS,
            )
        )
    points, category = np.unique(left["score"].to_numpy(dtype=float), return_inverse=True)
    codes, levels = {}, {}
    for name in ("subject", "rater", "criterion"):
        codes[name], levels[name] = pd.factorize(left[f"{name}_id"], sort=True)
    given = {name: rated.groupby(f"{name}_id").size() for name in reasons}
    return _Used(left, points, category, codes, levels, reasons, given)


def _main_part(left: pd.DataFrame, reasons: dict[str, Message]) -> pd.DataFrame:
    """Keep the raters linked by subjects with most ratings, and of those by criteria in pairs."""
    rater, ids = pd.factorize(left["rater_id"], sort=True)
    part = linked_groups(rater, pd.factorize(left["subject_id"])[0])
    size = np.bincount(part[rater])
    linked = np.bincount(part) >= 2
    if not linked.any():
        raise NotEstimable(
            msg(
                "From these ratings alone a strict manager and a weaker team look the same: nobody "
                "was rated by two raters. A second rater for some people, or a few cases that all "
                "raters score, would tell them apart."
            )
        )
    main = int(np.argmax(np.where(linked, size, -1)))
    no_link = msg("Shares no person or conversation with the raters who can be compared.")
    outside = part != main
    reasons.update(dict.fromkeys(ids[outside], no_link))
    if outside.any():
        return left.loc[~outside[rater]]
    group = linked_groups(rater, pd.factorize(left["criterion_id"])[0])
    alone = np.bincount(group)[group] == 1
    own = msg("Shares no criterion with another rater.")
    reasons.update(dict.fromkeys(ids[alone], own))
    return left.loc[~alone[rater]]


def _without_limitless(left: pd.DataFrame, name: str, reasons: dict[str, Message]) -> pd.DataFrame:
    """Leave out raters or criteria with too few scores or scores at one end only."""
    if left.empty or left[f"{name}_id"].nunique() == 1:
        return left
    own = left["score"].groupby(left[f"{name}_id"], sort=True).agg(["min", "max", "size"])
    low, high = left["score"].min(), left["score"].max()
    few = own.index[own["size"] < _LEAST_RATINGS]
    at_top = own.index[(own["min"] == high) & (own["size"] >= _LEAST_RATINGS)]
    at_bottom = own.index[(own["max"] == low) & (own["size"] >= _LEAST_RATINGS)]
    reasons.update(dict.fromkeys(few, msg("Fewer than {least} scores.", least=_LEAST_RATINGS)))
    top = msg("All scores are the highest score in use, so there is no limit to how mild.")
    bottom = msg("All scores are the lowest score in use, so there is no limit to how strict.")
    reasons.update(dict.fromkeys(at_top, top))
    reasons.update(dict.fromkeys(at_bottom, bottom))
    return left.loc[~left[f"{name}_id"].isin([*few, *at_top, *at_bottom])]


def _fit(used: _Used, subject_terms: pd.DataFrame | None) -> OrdinalFit:
    crossed = _crossed_terms(used, subject_terms)
    if crossed is not None:
        try:
            return by_ordered_logit(
                used.category, used.codes["rater"], used.codes["criterion"], crossed
            )
        except OrderedLogitError:  # subjects whose scores all lie at one end, for one
            pass
    if len(used.levels["subject"]) * len(used.levels["rater"]) > _MOST_CELLS:
        raise NotEstimable(
            msg(
                "These are too many raters and people at once for the check on the ladder of "
                "categories. It can be done per session or department."
            )
        )
    try:
        return by_rating_scale(used.category, *(used.codes[name] for name in _FACETS))
    except RatingScaleError:
        raise NotEstimable(
            msg("The scores are too few, or too regular, for a ladder of categories.")
        ) from None


_FACETS = ("subject", "rater", "criterion")


def _crossed_terms(used: _Used, subject_terms: pd.DataFrame | None) -> FloatArray | None:
    """Columns that describe the subjects, or None where the design is not small and crossed."""
    n, subject = len(used.category), used.codes["subject"]
    n_subjects, n_raters, n_criteria = (len(used.levels[f]) for f in _FACETS)
    if n > _MOST_CROSSED or n != n_subjects * n_raters * n_criteria:
        return None
    if subject_terms is not None:
        terms = subject_terms.reindex(used.levels["subject"]).to_numpy(dtype=float)
        return terms[subject] if np.isfinite(terms).all() else None
    if n_raters * n_criteria < _LEAST_PER_SUBJECT:
        return None
    return np.eye(n_subjects)[:, 1:][subject]


def _shrunken(severity: FloatArray, se: FloatArray) -> FloatArray:
    """Severities times their reliability, with the true variance by moments."""
    variance = max(float(np.mean(severity**2) - np.mean(se**2)), 0.0)
    total = variance + se**2
    shrunk: FloatArray = severity * np.divide(
        variance, total, out=np.zeros_like(se), where=total > 0
    )
    return shrunk


def _level_rows(
    used: _Used,
    name: str,
    effect: str,
    fit: OrdinalFit,
    level: float,
    shrunk: FloatArray | None = None,
) -> pd.DataFrame:
    code, ids = used.codes[name], used.levels[name]
    value = fit.severity if name == "rater" else fit.difficulty
    se = fit.severity_se if name == "rater" else fit.difficulty_se
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    infit = np.bincount(code, fit.square) / np.bincount(code, fit.weight)
    outfit = np.bincount(code, fit.standard_square) / np.bincount(code)
    rows = pd.DataFrame({effect: value, "se": se, "ci_low": value - half, "ci_high": value + half})
    if shrunk is not None:
        rows["severity_shrunk"] = shrunk
    rows["infit"], rows["outfit"] = infit, outfit
    rows["fit"] = [_fit_word(*pair) for pair in zip(infit, outfit, strict=True)]
    rows.index = ids
    given = used.given[name]
    rows = rows.reindex(given.index)  # with those left out, missing
    rows["fit"] = rows["fit"].astype(object).where(rows["fit"].notna(), None)
    rows["n_ratings"] = given.astype("int64")
    why: list[Message | None] = [used.reasons[name].get(one) for one in given.index]
    if len(ids) == 1:
        rows.loc[ids, [effect, "se", "ci_low", "ci_high"]] = np.nan
        only = msg("There is only one criterion, so none to compare it with.")
        why = [only if one in ids else reason for one, reason in zip(given.index, why, strict=True)]
    rows["reason"] = pd.Series(why, index=rows.index, dtype=object)
    rows.index.name = f"{name}_id"
    return rows.reset_index()


def _fit_word(infit: float, outfit: float) -> str:
    """Guide to the worst of the two mean squares."""
    worst = max(infit, outfit)
    if worst > DEGRADING:
        return "degrading"
    if worst > NOISY:
        return "noisy"
    return "muted" if min(infit, outfit) < MUTED else "productive"


def _threshold_rows(points: FloatArray, fit: OrdinalFit, level: float) -> pd.DataFrame:
    half = float(stats.norm.ppf((1 + level) / 2)) * fit.threshold_se
    rows = pd.DataFrame(
        {
            "from_score": points[:-1],
            "to_score": points[1:],
            "threshold": fit.threshold,
            "se": fit.threshold_se,
            "ci_low": fit.threshold - half,
            "ci_high": fit.threshold + half,
        }
    )
    if len(rows) == 1:  # around its own mean, so 0 by definition
        rows[["threshold", "se", "ci_low", "ci_high"]] = np.nan
    return rows


def _unexpected(used: _Used, fit: OrdinalFit, limit: float) -> pd.DataFrame:
    far = np.flatnonzero(np.abs(fit.z) >= limit)
    rows = used.rated.iloc[far][["subject_id", "rater_id", "criterion_id"]].assign(
        observed=used.points[used.category[far]],
        expected=np.interp(fit.expected[far], np.arange(len(used.points)), used.points),
        z=fit.z[far],
    )
    order = np.argsort(-np.abs(fit.z[far]).round(9), kind="stable")
    return rows.iloc[order].reset_index(drop=True)


def _compared(
    raters: pd.DataFrame, severity: pd.Series | None
) -> tuple[float | None, Message | None]:
    """Rank correlation with the linear severities, or why there is none."""
    if severity is None:
        return None, msg("There are no severities in scale points to compare with.")
    own = raters.set_index("rater_id")["severity_shrunk"].dropna()
    both = pd.concat([own, severity.rename("linear")], axis=1, join="inner").dropna().round(9)
    if len(both) < _LEAST_COMPARED:
        return None, msgn(
            "Only {n} rater has a severity both ways; at least {least} are needed to compare.",
            "Only {n} raters have a severity both ways; at least {least} are needed to compare.",
            len(both),
            least=_LEAST_COMPARED,
        )
    if (both.nunique() == 1).any():
        return None, msg("No differences in severity were found, so there is no order to compare.")
    return float(stats.spearmanr(both.iloc[:, 0], both.iloc[:, 1]).statistic), None
