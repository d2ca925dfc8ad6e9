"""How strict is each rater, once who was rated is taken into account?

Model: ``score ~ criterion + component + (1|subject) + (1|rater)`` by REML.
A fixed intercept per component centres severity within it: variances are fitted over all
components together, no contrast runs across them, and components with one rater are left out.
Where several criteria were rated, ``(1|subject:rater)`` (halo) is added: a rater's
scores of one subject hang together, and without it M1 reads halo as severity. Severity is minus
the rater's BLUP, so it is shrunken: pulled to 0 for raters with few ratings.

The standard error is the conditional SD from 15 raters on. With fewer that is too small, because
it takes the variances as known; then errors are averaged over all variances the ratings allow
(`numerics.averaged_effects`). Simulated with 2 to 10 raters, 95 % intervals then cover 89-96 %;
with a parametric bootstrap 83-92 %, with the conditional SD 61-90 % (docs/methods.md). This also
holds where REML finds no rater variance: severities are 0, their standard errors are not.

Sources: Bates, Mächler, Bolker & Walker (2015), J. Stat. Softw. 67(1) (REML, BLUP, conditional
SD); Self & Liang (1987), JASA 82, 605-610 (p-value on the boundary); Gelman (2006), Bayesian
Analysis 1, 515-534 (few groups); Zou & Donner (2008), Stat. Med. 27, 1693-1702 (interval of a
ratio from two intervals).

Assumes scores on an interval scale, normal effects, and that who rates whom does not depend on
how strict the rater is. It cannot tell severity that all raters share, and not whether a strict
rater is wrong.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams, VCSpec

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.numerics.averaged_effects import averaged_errors
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError, fit_crossed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STATSMODELS, CROSSED = "statsmodels MixedLM", "crossed REML"
FEW_RATERS = 15
"""Below this the uncertainty of the variances themselves counts."""
_LEAST_SHARED = 3
_CRITERION_TOLERANCE = 1e-3
_NOTHING_LEFT = msg(
    "These ratings are too few, or too regular, to tell rater, rated person and chance apart."
)


@dataclass(frozen=True)
class Severity:
    """Severity of raters, in scale points, positive = gives lower scores.

    Attributes
    ----------
    raters
        One row per rater in a component with two raters or more, ordered by identifier:
        rater_id; component; severity (shrunken, mean 0 within its component); se; ci_low;
        ci_high; p_practical (probability, 0-1, that the severity is larger than
        ``practical_difference`` in either direction); n_subjects; n_ratings.
    var_subject, var_rater, var_residual
        Variance components, in squared scale points, 0 or more. ``var_rater`` exactly 0: no
        rater variance found; severities are 0 and their intervals say what cannot be excluded.
    share_rater
        Share (0-1) of the variance of a single score that is rater-related; with
        share_rater_low and share_rater_high its interval.
    p_rater
        p-value of a likelihood-ratio test of no rater variance (boundary: half of chi-square 1;
        1 where no rater variance is found).
    practical_difference
        Scale points that matter in practice.
    level
        Confidence level of the intervals.
    engine
        ``"statsmodels MixedLM"`` or ``"crossed REML"``: where variances and severities come from.
    n_left_out
        Raters without a severity because they share no subject with the others.
    var_subject_rater
        Variance of subject × rater (halo), squared scale points; 0 where none is found or only
        one criterion was rated, so that it is part of ``var_residual``.
    """

    raters: pd.DataFrame
    var_subject: float
    var_rater: float
    var_residual: float
    share_rater: float
    share_rater_low: float
    share_rater_high: float
    p_rater: float
    practical_difference: float
    level: float
    engine: str
    n_left_out: int
    var_subject_rater: float = 0.0


@dataclass(frozen=True)
class _Linked:
    """Ratings in components with two raters or more, as arrays over ratings."""

    score: FloatArray
    fixed: FloatArray
    codes: dict[str, IntArray]
    rater_ids: pd.Index
    component: IntArray
    n_left_out: int


def estimate_severity(
    ratings: pd.DataFrame,
    *,
    component: pd.Series,
    level: float = 0.95,
    practical_difference: float = 0.3,
    statsmodels_most_ratings: int = 600,
) -> Severity:
    """Estimate the severity of every rater who shares subjects with others.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    component
        Connected part of the design per subject, indexed by subject_id.
    level
        Confidence level of the intervals.
    practical_difference
        Severity that matters in practice, in scale points.
    statsmodels_most_ratings
        Up to this many ratings statsmodels fits the model and the workbench's own solver checks
        it. The solver's answer stands above that, where statsmodels warns or stops elsewhere, and
        where a variance is 0. Uncertainty always comes from the solver.

    Returns
    -------
    Severity

    Raises
    ------
    NotEstimable
        The ratings cannot tell strict raters from weaker subjects, or from chance.
    ValueError
        ``component`` lacks a rated subject.
    """
    linked = _linked(ratings, component)
    fit = _fit(linked, ("rater", "subject"))
    variance, severity, engine = _estimates(linked, fit, statsmodels_most_ratings)
    se = _standard_errors(linked, fit, severity)
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    beyond = stats.norm.sf((practical_difference - severity) / se)
    below = stats.norm.cdf((-practical_difference - severity) / se)
    share = variance["rater"] / sum(variance.values())
    share_low, share_high = _share_interval(fit, level)
    of_rater, n_raters = linked.codes["rater"], len(linked.rater_ids)
    cells = np.unique(linked.codes["pair"], return_index=True)[1]
    return Severity(
        raters=pd.DataFrame(
            {
                "rater_id": pd.Series(linked.rater_ids),
                "component": linked.component,
                "severity": severity,
                "se": se,
                "ci_low": severity - half,
                "ci_high": severity + half,
                "p_practical": beyond + below,
                "n_subjects": np.bincount(of_rater[cells], minlength=n_raters),
                "n_ratings": np.bincount(of_rater, minlength=n_raters),
            }
        ),
        var_subject=variance["subject"],
        var_rater=variance["rater"],
        var_residual=variance["residual"],
        share_rater=share,
        share_rater_low=min(share_low, share),
        share_rater_high=max(share_high, share),
        p_rater=_p_rater(linked, fit),
        practical_difference=practical_difference,
        level=level,
        engine=engine,
        n_left_out=linked.n_left_out,
        var_subject_rater=variance.get("pair", 0.0),
    )


def _linked(ratings: pd.DataFrame, component: pd.Series) -> _Linked:
    """Keep the components with two raters or more; refuse what cannot be answered."""
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    n_twice = int(rated.duplicated(["subject_id", "rater_id", "criterion_id"]).sum())
    if n_twice:
        raise NotEstimable(
            msgn(
                "{n} judgement is given twice by the same rater on the same criterion.",
                "{n} judgements are given twice by the same rater on the same criterion.",
                n_twice,
            )
        )
    n_every = rated["rater_id"].nunique()
    if n_every == 1:
        raise NotEstimable(
            msg(
                "There is only one rater. Severity shows only beside others who rated the same "
                "people."
            )
        )
    if rated["subject_id"].nunique() == 1:
        raise NotEstimable(
            msg("Only one person or conversation was rated. That is too little to know a rater by.")
        )
    part = rated["subject_id"].map(component)
    if part.isna().any():
        raise ValueError(f"expected a component of every subject, {part.isna().sum()} rows lack it")
    together = rated["rater_id"].groupby(part).transform("nunique") >= 2
    rated, part = rated.loc[together], part.loc[together].to_numpy(dtype=np.int64)
    if rated.empty:
        raise NotEstimable(
            msg(
                "From these ratings alone a strict manager and a weaker team look the same: nobody "
                "was rated by two raters. A second rater for some people, or a few cases that all "
                "raters score, would tell them apart."
            )
        )
    score = rated["score"].to_numpy(dtype=float)
    if np.ptp(score) <= 1e-9 * max(1.0, float(np.abs(score).max())):
        raise NotEstimable(
            msg("All scores that could be compared are the same: no severity can show.")
        )
    rater, rater_ids = pd.factorize(rated["rater_id"], sort=True)
    subject, subject_ids = pd.factorize(rated["subject_id"], sort=True)
    cells, pair = np.unique(subject * len(rater_ids) + rater, return_inverse=True)
    n_shared = int((np.bincount(cells // len(rater_ids)) >= 2).sum())
    if n_shared < _LEAST_SHARED:
        raise NotEstimable(
            msgn(
                "Only {n} person or conversation was rated by two raters or more; at least {least} "
                "are needed to compare raters.",
                "Only {n} people or conversations were rated by two raters or more; at least "
                "{least} are needed to compare raters.",
                n_shared,
                least=_LEAST_SHARED,
            )
        )
    # every further cell that closes a loop in the graph is one check of a rater against chance
    if len(cells) - len(rater_ids) - len(subject_ids) + len(np.unique(part)) < 1:
        raise NotEstimable(
            msg(
                "Raters are linked by single people only, so a strict rater cannot be told from "
                "chance. Two raters who share several people would show it."
            )
        )
    return _Linked(
        score=score,
        fixed=_fixed(part, rated["criterion_id"]),
        codes={"rater": rater, "subject": subject, "pair": pair},
        rater_ids=rater_ids,
        component=part[np.unique(rater, return_index=True)[1]],
        n_left_out=n_every - len(rater_ids),
    )


def _fixed(part: npt.NDArray[np.int64], criterion: pd.Series) -> FloatArray:
    """Code components and criteria as independent columns, component intercepts first."""
    of_part, parts = pd.factorize(part, sort=True)
    of_criterion, criteria = pd.factorize(criterion, sort=True)
    met = np.unique(of_part * len(criteria) + of_criterion)
    rows, columns = np.divmod(met, len(criteria))
    table = np.column_stack([np.eye(len(parts))[rows], np.eye(len(criteria))[columns]])
    # the intercepts must stay whole; criteria that follow from them go
    kept = list(range(len(parts)))
    for column in range(len(parts), table.shape[1]):
        if np.linalg.matrix_rank(table[:, [*kept, column]]) > len(kept):
            kept.append(column)
    position = np.searchsorted(met, of_part * len(criteria) + of_criterion)
    columns_kept: FloatArray = table[:, kept][position]
    return columns_kept


def _fit(linked: _Linked, names: tuple[str, ...]) -> CrossedFit:
    """Fit the random terms, with subject:rater where the ratings show it."""
    codes = {name: linked.codes[name] for name in names}
    try:
        fit = fit_crossed(linked.score, linked.fixed, {**codes, "pair": linked.codes["pair"]})
        if fit.converged and fit.variance["pair"] > 0:
            return _usable(linked, fit)
    except CrossedModelError:  # one criterion, or nothing left beside the halo
        pass
    try:
        return _usable(linked, fit_crossed(linked.score, linked.fixed, codes))
    except CrossedModelError:
        raise NotEstimable(_NOTHING_LEFT) from None


def _usable(linked: _Linked, fit: CrossedFit) -> CrossedFit:
    # a residual that is rounding error only leaves nothing to judge uncertainty by
    if fit.variance["residual"] <= 1e-9 * float(np.var(linked.score)):
        raise NotEstimable(_NOTHING_LEFT)
    if not fit.converged:
        raise NotEstimable(msg("The calculation of severity did not end, so there is no answer."))
    return fit


def _estimates(
    linked: _Linked, fit: CrossedFit, most: int
) -> tuple[dict[str, float], FloatArray, str]:
    """Variances and severities, from statsmodels where it reaches the same optimum."""
    if len(linked.score) <= most and not fit.boundary:
        found = _by_statsmodels(linked, fit)
        if found is not None:
            return *found, STATSMODELS
    # 0.0 minus: never a minus 0, which would read as a sign
    return fit.variance, 0.0 - fit.effects["rater"].blup, CROSSED


def _by_statsmodels(
    linked: _Linked, check: CrossedFit
) -> tuple[dict[str, float], FloatArray] | None:
    """Fit with MixedLM: one group, a variance component per term; None if not to be trusted."""
    names, labels, parts = list(check.effects), [], []
    for name in names:
        code = linked.codes[name]
        parts.append([np.eye(int(code.max()) + 1)[code]])
        labels.append([[f"{name} {i}" for i in range(parts[-1][0].shape[1])]])
    terms = VCSpec(names, labels, parts)
    # the solver's optimum as start: statsmodels walks away from it if it is none
    ratios = np.array([check.variance[name] for name in names]) / check.variance["residual"]
    start = MixedLMParams.from_components(fe_params=check.beta, vcomp=ratios)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MixedLM(linked.score, linked.fixed, np.zeros(len(linked.score)), exog_vc=terms)
        try:
            fit = model.fit(reml=True, start_params=start)
            # the rater comes first
            blup = np.asarray(fit.random_effects[0.0], dtype=float)[: len(linked.rater_ids)]
        except (np.linalg.LinAlgError, ValueError):
            return None
    if caught or not fit.converged or abs(-2 * fit.llf - check.criterion) > _CRITERION_TOLERANCE:
        return None
    variance = dict(zip(names, map(float, fit.vcomp), strict=True))
    return {**variance, "residual": float(fit.scale)}, 0.0 - blup


def _standard_errors(linked: _Linked, fit: CrossedFit, severity: FloatArray) -> FloatArray:
    """How far a severity is off, root mean square, scale points."""
    if len(severity) >= FEW_RATERS and fit.variance["rater"] > 0:
        return fit.effects["rater"].sd
    # the interval may have no upper end; severities cannot spread more than the scores do
    upper = np.sqrt(min(_profile(fit, 0.95)[1], 4 * float(np.var(linked.score))))
    if len(severity) >= FEW_RATERS:
        # nothing found: what every severity may still be
        return np.full(len(severity), upper)
    codes = {name: linked.codes[name] for name in fit.effects}
    return averaged_errors(
        linked.score, linked.fixed, codes, fit.variance, -severity, 1.6 * float(upper)
    )


def _p_rater(linked: _Linked, fit: CrossedFit) -> float:
    if fit.variance["rater"] == 0:
        return 1.0
    names = [name for name in fit.effects if name != "rater"]
    codes = {name: linked.codes[name] for name in names}
    without = fit_crossed(linked.score, linked.fixed, codes)
    return float(stats.chi2.sf(max(without.criterion - fit.criterion, 0.0), 1)) / 2


def _profile(fit: CrossedFit, level: float) -> tuple[float, float]:
    """Profile-likelihood interval of the rater variance; without an upper end, infinity."""
    try:
        return fit.profile_interval("rater", level)
    except CrossedModelError:
        return 0.0, float("inf")


def _share_interval(fit: CrossedFit, level: float) -> tuple[float, float]:
    """Interval of the share of rater variance, from those of its two parts.

    The rater variance by profile likelihood, the rest by the delta method on its logarithm (it
    rests on many more levels), combined as for the ratio of two independent estimates.
    """
    low, high = _profile(fit, level)
    rater = fit.variance["rater"]
    rest = sum(fit.variance.values()) - rater
    other = np.array([float(name != "rater") for name in fit.variance_terms])
    reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(other @ fit.variance_cov @ other) / rest

    def share(end: float, sign: float) -> float:
        if end == 0 or end == np.inf:
            return float(end > 0)
        centre = rater or end
        odds = centre / rest * np.exp(sign * np.hypot(np.log(end / centre), reach))
        return float(odds / (1 + odds))

    return share(low, -1.0), share(high, 1.0)
