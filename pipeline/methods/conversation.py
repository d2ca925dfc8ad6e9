"""How far does each rater score conversations from the expert or the panel, and on which criteria?

Model: deviation = score - reference, per conversation and criterion. The reference is the score of
the expert (mean of several) where a rater has the role "expert"; else the panel: the mean of the
*other* raters of that conversation. A rater's deviation is the mean over conversations of the mean
over criteria, with a t interval over conversations, for criteria of one conversation hang
together. Equal deviations throughout give no spread: then that of all raters together counts, at
least that of rounding to scale points.

Per criterion, score ~ conversation + rater + residual among raters without the expert. The ratio
of the variance of *these* raters to the residual follows from F = MSR / MSE, noncentral (Steiger
2004), and disagreement = var_rater + var_residual has Satterthwaite's interval; both exact or
nearly so on balanced tables. var_rater reads "some raters are stricter", var_residual "the
criterion is unclear". Over all criteria and for raters in general: (1|rater) +
(1|rater:criterion) + (1|conversation) + (1|conversation:criterion) + (1|rater:conversation), by
REML; intervals of the first two, and of what is 0, by profile likelihood, else on the logarithm.

Sources: Searle, Casella & McCulloch (1992), *Variance Components*; Steiger (2004), Psychological
Methods 9, 164-182 (noncentral F); Satterthwaite (1946), Biometrics Bulletin 2, 110-114; verdicts
as in equivalence testing (interval inside the band).

Assumes that conversations are a fair sample of what a rater scores. It cannot tell who is right:
the expert is the norm by agreement, the panel only because it is the others. Panel deviations of
raters who share no conversation cannot be compared. Residual is also carelessness, and difficult
conversations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from pipeline.errors import Message, NotEstimable, WrongUse, msg, msgn
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError, fit_crossed

FloatArray = npt.NDArray[np.float64]

EXPERT, PANEL = "expert", "panel"
INSIDE, OUTSIDE, CANNOT_TELL = "inside", "outside", "cannot tell"
RATERS_DIFFER, UNCLEAR = "raters differ", "criterion unclear"

_LEAST_CONVERSATIONS = 3
_LEAST_TO_SPLIT = 5
_KEYS = ["subject_id", "rater_id", "criterion_id"]


@dataclass(frozen=True)
class Conversation:
    """Deviations from the reference, and where disagreement comes from.

    Attributes
    ----------
    reference
        ``"expert"`` or ``"panel"``.
    raters
        One row per rater (not the expert), ordered by identifier: rater_id; deviation (scale
        points, positive = scores **higher** than the reference); se; ci_low; ci_high; verdict
        ("inside" the tolerance band, "outside", or "cannot tell": the interval crosses its
        edge); n_conversations; n_scores (with a reference); reason (a Message where there are
        too few conversations, numbers and verdict then missing; else None).
    cells
        The same per rater × criterion, with criterion_id.
    criteria
        One row per criterion, most disagreement first, then those without an answer:
        criterion_id; deviation, ci_low, ci_high (of all raters together from the expert, scale
        points, over conversations; missing with a panel, where it is 0 by construction);
        disagreement (SD of raters' scores of one conversation, scale points), disagreement_low,
        disagreement_high; var_rater, var_residual (squared scale points, 0 or more); share_rater
        (0-1, of disagreement that is raters being stricter or milder), share_low, share_high;
        cause ("raters differ" where share_low > .5, "criterion unclear" where share_high < .5,
        else "cannot tell"); n_conversations (with two raters or more); reason.
    components
        Over all criteria: term ("rater", "rater:criterion", "conversation",
        "conversation:criterion", "rater:conversation" (halo) where the ratings allow it,
        "residual"), variance (squared scale points), ci_low, ci_high (missing where they cannot
        be had), share (0-1). No rows where not estimable.
    components_reason
        Why there are none, else None.
    tolerance
        Half width of the band, scale points.
    level
        Confidence level of the intervals.
    n_conversations, n_raters
        Conversations with a reference, and raters without the expert.
    n_left_out
        Conversations without a reference.
    """

    reference: str
    raters: pd.DataFrame
    cells: pd.DataFrame
    criteria: pd.DataFrame
    components: pd.DataFrame
    components_reason: Message | None
    tolerance: float
    level: float
    n_conversations: int
    n_raters: int
    n_left_out: int


def estimate_conversation(
    ratings: pd.DataFrame, *, tolerance: float = 0.5, level: float = 0.95
) -> Conversation:
    """Compare raters of conversations with the expert, or with the rest of the panel.

    Parameters
    ----------
    ratings
        Judgements of one session; subject_id is the conversation. Rows without a score do not
        count; without a column rater_role there is no expert.
    tolerance
        Deviation that is accepted, in scale points, above 0.
    level
        Confidence level of the intervals.

    Returns
    -------
    Conversation

    Raises
    ------
    NotEstimable
        No ratings, doubled ratings, or no conversation with a reference.
    """
    if not tolerance > 0:
        raise WrongUse(
            msg("The tolerance must be above 0 points; {given} was given.", given=tolerance)
        )
    rated = _checked(ratings)
    expert = (
        (rated["rater_role"] == EXPERT).fillna(False).astype(bool)
        if "rater_role" in rated
        else pd.Series(False, index=rated.index)
    )
    own = rated.loc[~expert]
    deviating = _against_expert(own, rated.loc[expert]) if expert.any() else _against_panel(own)
    deviating = deviating.loc[deviating["deviation"].notna()]
    if deviating.empty:
        raise NotEstimable(
            msg("No conversation was scored by both a rater and the expert.")
            if expert.any()
            else msg("No conversation was scored by two raters, so there is no panel.")
        )
    rounding = _rounding_variance(rated["score"])
    every = own[["rater_id"]].drop_duplicates()
    components, why_not = _components(own, level)
    return Conversation(
        reference=EXPERT if expert.any() else PANEL,
        raters=_deviations(deviating, ["rater_id"], every, tolerance, level, rounding),
        cells=_deviations(
            deviating,
            ["rater_id", "criterion_id"],
            own[["rater_id", "criterion_id"]].drop_duplicates(),
            tolerance,
            level,
            rounding,
        ),
        criteria=_criteria(own, deviating if expert.any() else None, level, rounding),
        components=components,
        components_reason=why_not,
        tolerance=tolerance,
        level=level,
        n_conversations=deviating["subject_id"].nunique(),
        n_raters=len(every),
        n_left_out=own["subject_id"].nunique() - deviating["subject_id"].nunique(),
    )


def _checked(ratings: pd.DataFrame) -> pd.DataFrame:
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    n_twice = int(rated.duplicated(_KEYS).sum())
    if n_twice:
        raise NotEstimable(
            msgn(
                "{n} judgement is given twice by the same rater on the same criterion.",
                "{n} judgements are given twice by the same rater on the same criterion.",
                n_twice,
            )
        )
    return rated.sort_values(_KEYS, ignore_index=True)


def _against_expert(own: pd.DataFrame, expert: pd.DataFrame) -> pd.DataFrame:
    norm = expert.groupby(["subject_id", "criterion_id"])["score"].mean().rename("norm")
    joined = own[[*_KEYS, "score"]].join(norm, on=["subject_id", "criterion_id"])
    return joined.assign(deviation=joined["score"] - joined["norm"])


def _against_panel(own: pd.DataFrame) -> pd.DataFrame:
    by_cell = own.groupby(["subject_id", "criterion_id"])["score"]
    total, n = by_cell.transform("sum"), by_cell.transform("size")
    others = (total - own["score"]) / (n - 1).where(n > 1)
    return own[[*_KEYS, "score"]].assign(deviation=own["score"] - others)


def _rounding_variance(score: pd.Series) -> float:
    """Variance of scores that are rounded to the points in use: 1/12 of a step squared."""
    points = np.unique(score.to_numpy(dtype=float).round(9))
    step = float(np.diff(points).min()) if len(points) > 1 else 1.0
    return step**2 / 12


def _deviations(
    deviating: pd.DataFrame,
    keys: list[str],
    every: pd.DataFrame,
    tolerance: float,
    level: float,
    rounding: float,
) -> pd.DataFrame:
    """Mean deviation with its interval and verdict, per level of the keys."""
    each = deviating.groupby([*keys, "subject_id"])["deviation"].agg(["mean", "size"]).reset_index()
    by_key = each.groupby(keys)
    rows = pd.DataFrame(
        {
            "deviation": by_key["mean"].mean(),
            "variance": by_key["mean"].var(),
            "n_conversations": by_key["mean"].size(),
            "n_scores": by_key["size"].sum(),
        }
    )
    rows = every.set_index(keys).join(rows).sort_index().reset_index()
    n = rows["n_conversations"].fillna(0).astype("int64")
    enough = n >= _LEAST_CONVERSATIONS
    df = (n - 1).where(enough)
    pooled = float((rows["variance"] * df).sum() / max(df.sum(), 1))
    # the mean over criteria is rounded less, but one step of one criterion still shows
    least = max(pooled, rounding)
    variance = rows["variance"].where(rows["variance"] > 1e-12, least)
    se = np.sqrt(variance / n.where(enough))
    half = se * stats.t.ppf((1 + level) / 2, df.fillna(1))
    deviation = rows["deviation"].where(enough)
    low, high = deviation - half, deviation + half
    verdict = pd.Series(CANNOT_TELL, index=rows.index, dtype=object)
    verdict = verdict.mask((low >= -tolerance) & (high <= tolerance), INSIDE)
    verdict = verdict.mask((low > tolerance) | (high < -tolerance), OUTSIDE).where(enough, None)
    few = [
        None if ok else _too_few(int(k), _LEAST_CONVERSATIONS)
        for ok, k in zip(enough, n, strict=True)
    ]
    return rows[keys].assign(
        deviation=deviation,
        se=se,
        ci_low=low,
        ci_high=high,
        verdict=verdict,
        n_conversations=n,
        n_scores=rows["n_scores"].fillna(0).astype("int64"),
        reason=pd.Series(few, index=rows.index, dtype=object),
    )


def _too_few(n: int, least: int) -> Message:
    return msgn(
        "Only {n} conversation to compare; at least {least} are needed.",
        "Only {n} conversations to compare; at least {least} are needed.",
        n,
        least=least,
    )


_SPLIT = (
    "disagreement",
    "disagreement_low",
    "disagreement_high",
    "var_rater",
    "var_residual",
    "share_rater",
    "share_low",
    "share_high",
)


def _criteria(
    own: pd.DataFrame, deviating: pd.DataFrame | None, level: float, rounding: float
) -> pd.DataFrame:
    rows = []
    for criterion, scores in own.groupby("criterion_id", sort=True):
        row: dict[str, object] = {"criterion_id": criterion}
        row |= {"deviation": np.nan, "ci_low": np.nan, "ci_high": np.nan}
        if deviating is not None:
            row |= _together(deviating.loc[deviating["criterion_id"] == criterion], level, rounding)
        n_raters = scores.groupby("subject_id")["score"].transform("size")
        shared = scores.loc[n_raters >= 2]
        found = _split(shared, level)
        row |= found if isinstance(found, dict) else dict.fromkeys(_SPLIT, np.nan)
        row["cause"] = _cause(found) if isinstance(found, dict) else None
        row["n_conversations"] = shared["subject_id"].nunique()
        row["reason"] = found if isinstance(found, Message) else None
        rows.append(row)
    criteria = pd.DataFrame(rows).astype({"reason": object, "cause": object})
    criteria["criterion_id"] = criteria["criterion_id"].astype(own["criterion_id"].dtype)
    rank = criteria["disagreement"].round(9)
    order = rank.sort_values(ascending=False, kind="stable", na_position="last").index
    return criteria.loc[order].reset_index(drop=True)


def _together(deviating: pd.DataFrame, level: float, rounding: float) -> dict[str, object]:
    """Mean deviation of all raters from the expert on one criterion."""
    each = deviating.groupby("subject_id")["deviation"].mean()
    n = len(each)
    if n < _LEAST_CONVERSATIONS:
        return {}
    variance = float(each.var())
    se = float(np.sqrt((variance if variance > 1e-12 else rounding) / n))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * se
    mean = float(each.mean())
    return {"deviation": mean, "ci_low": mean - half, "ci_high": mean + half}


def _split(shared: pd.DataFrame, level: float) -> dict[str, float] | Message:
    """Variance between raters and of the residual, beside conversations; or why not."""
    subject, subjects = pd.factorize(shared["subject_id"], sort=True)
    rater, raters = pd.factorize(shared["rater_id"], sort=True)
    if len(subjects) < _LEAST_TO_SPLIT:
        return _too_few(len(subjects), _LEAST_TO_SPLIT)
    given = np.zeros((len(subjects), len(raters)))
    scores = np.zeros_like(given)
    given[subject, rater] = 1.0
    scores[subject, rater] = shared["score"].to_numpy(dtype=float)
    n = given.sum(axis=1)
    centred = given * (scores - (scores.sum(axis=1) / n)[:, None])
    cross = np.diag(given.sum(axis=0)) - (given / n[:, None]).T @ given
    pull = centred.sum(axis=0)
    rank = int(np.linalg.matrix_rank(cross, hermitian=True))
    df = len(shared) - len(subjects) - rank
    if df < 2:
        return msg(
            "Raters share too few conversations to tell strictness from an unclear criterion."
        )
    ssr = float(pull @ np.linalg.pinv(cross, hermitian=True) @ pull)
    sse = max(float((centred**2).sum()) - ssr, 0.0)
    if sse <= 1e-12 * max(ssr, 1.0):
        return msg("Raters agree, or differ by a fixed amount each: there is no noise to split by.")
    ms_rater, ms_rest, per_rater = ssr / rank, sse / df, float(np.trace(cross)) / rank
    tail = np.array([(1 + level) / 2, (1 - level) / 2])
    observed, reach = ms_rater / ms_rest, per_rater * rank
    noncentral = np.array(
        [max(rank * (observed - 1), 0.0), *_noncentrality(observed, rank, df, tail)]
    )
    share, share_low, share_high = noncentral / (reach + noncentral)
    share_low, share_high = min(share_low, share), max(share_high, share)
    var_rater = max((ms_rater - ms_rest) / per_rater, 0.0)
    if var_rater == 0:
        parts, dfs = np.array([(ssr + sse) / (rank + df)]), np.array([rank + df])
    else:
        parts = np.array([ms_rater / per_rater, ms_rest * (1 - 1 / per_rater)])
        dfs = np.array([(rank + noncentral[0]) ** 2 / (rank + 2 * noncentral[0]), df])
    total = float(parts.sum())
    # Satterthwaite: as if the sum were one mean square
    df_total = total**2 / float((parts**2 / dfs).sum())
    low, high = np.sqrt(total * df_total / stats.chi2.ppf(tail, df_total))
    return dict(
        zip(
            _SPLIT,
            (np.sqrt(total), low, high, var_rater, total - var_rater, share, share_low, share_high),
            strict=True,
        )
    )


def _noncentrality(observed: float, dfn: int, dfd: int, tail: FloatArray) -> list[float]:
    """Noncentralities at which the observed F lies at these quantiles, 0 where none does."""
    ends = []
    for p in tail:
        high = 1.0
        if special.fdtr(dfn, dfd, observed) <= p:
            ends.append(0.0)
            continue
        while special.ncfdtr(dfn, dfd, high, observed) > p:
            high *= 2
        ends.append(float(optimize.brentq(_missed, 0, high, args=(observed, dfn, dfd, p))))
    return ends


def _missed(noncentral: float, observed: float, dfn: int, dfd: int, p: float) -> float:
    return float(special.ncfdtr(dfn, dfd, noncentral, observed)) - p


def _cause(found: dict[str, float]) -> str:
    if found["share_low"] > 0.5:
        return RATERS_DIFFER
    return UNCLEAR if found["share_high"] < 0.5 else CANNOT_TELL


def _components(own: pd.DataFrame, level: float) -> tuple[pd.DataFrame, Message | None]:
    """Variance components over all criteria, with as many terms as the ratings allow."""
    columns = ["term", "variance", "ci_low", "ci_high", "share"]
    none = pd.DataFrame(columns=columns).astype({c: "float64" for c in columns[1:]})
    terms = {
        "rater": ["rater_id"],
        "rater:criterion": ["rater_id", "criterion_id"],
        "conversation": ["subject_id"],
        "conversation:criterion": ["subject_id", "criterion_id"],
        "rater:conversation": ["rater_id", "subject_id"],
    }
    if own["criterion_id"].nunique() < 2:
        return none, msg("There is only one criterion, so none to compare it with.")
    codes = {name: own.groupby(keys, sort=True).ngroup().to_numpy() for name, keys in terms.items()}
    criterion = pd.factorize(own["criterion_id"], sort=True)[0]
    fixed = np.eye(criterion.max() + 1)[criterion]
    score = own["score"].to_numpy(dtype=float)
    fit = _ended(score, fixed, codes)
    if fit is None:
        del codes["rater:conversation"]
        fit = _ended(score, fixed, codes)
    if fit is None:
        return none, msg(
            "The ratings are too few to divide disagreement over raters and criteria together."
        )
    total = sum(fit.variance.values())
    rows = [
        (name, value, *_variance_interval(fit, name, level), value / total)
        for name, value in fit.variance.items()
    ]
    return pd.DataFrame(rows, columns=columns), None


def _ended(
    score: FloatArray, fixed: FloatArray, codes: dict[str, npt.NDArray[np.intp]]
) -> CrossedFit | None:
    try:
        fit = fit_crossed(score, fixed, codes)
    except CrossedModelError:
        return None
    return fit if fit.converged else None


def _variance_interval(fit: CrossedFit, name: str, level: float) -> tuple[float, float]:
    """Profile interval where levels are few or the variance is 0, else on the logarithm."""
    if name in ("rater", "rater:criterion") or name not in fit.variance_terms:
        try:
            low, high = fit.profile_interval(name, level)
        except CrossedModelError:
            return float("nan"), float("nan")
        return low, high if np.isfinite(high) else float("nan")
    at = fit.variance_terms.index(name)
    reach = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(fit.variance_cov[at, at]))
    factor = np.exp(min(reach / fit.variance[name], 50.0))
    return fit.variance[name] / factor, fit.variance[name] * factor
