"""How strict is each rater, once who was rated is taken into account?

Model: ``score ~ criterion + component + (1|subject) + (1|rater)`` by REML (M1 of METHODS section
1). A fixed intercept per component centres severity within it: variances are fitted over all
components together, no contrast runs across them, and components with one rater are left out.
Severity is minus the rater's BLUP, so it is shrunken: pulled to 0 for raters with few ratings.

Uncertainty. A rater's scores of one subject hang together over criteria (halo), which M1 does not
know; where several criteria show it, standard errors, p-value and the interval of the share come
from M1 with ``(1|subject:rater)`` added. From 15 raters on, the standard error is the conditional
SD. With fewer, that SD is too small, because it takes the variances as known; then posterior
moments are averaged over all variances the ratings allow, each weighted by its restricted
likelihood (flat in the SD of the raters). In simulations with 2 to 10 raters this covers 89-96 %
for a 95 % interval, a parametric bootstrap 83-92 %, the conditional SD 61-90 %
(docs/methods.md). It also holds where no rater variance is found: severities are then 0 with a
standard error that is not.

Sources: Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67(1) (REML, BLUP, conditional
SD); Self & Liang (1987), JASA 82, 605-610 (p-value on the boundary); Gelman (2006), Bayesian
Analysis 1, 515-534 (flat in the SD); Zou & Donner (2008), Stat. Med. 27, 1693-1702 (interval of a
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
from scipy import linalg, stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from pipeline.errors import NotEstimable, msg, msgn
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError, fit_crossed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STATSMODELS, CROSSED = "statsmodels MixedLM", "crossed REML"
FEW_RATERS = 15
"""Below this the uncertainty of the variances themselves counts."""
_LEAST_SHARED = 3
_CRITERION_TOLERANCE = 1e-3


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


@dataclass(frozen=True)
class _Linked:
    """Ratings in components with two raters or more, as arrays over ratings."""

    rated: pd.DataFrame
    score: FloatArray
    fixed: FloatArray
    subject: IntArray
    rater: IntArray
    pair: IntArray
    rater_ids: pd.Index
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
        Connected part of the design per rater, indexed by rater_id.
    level
        Confidence level of the intervals.
    practical_difference
        Severity that matters in practice, in scale points.
    statsmodels_most_ratings
        Up to this many ratings statsmodels fits the model, and the workbench's own solver only
        checks it; the solver's own answer stands above it, where statsmodels warns or stops
        elsewhere, and where a variance is 0.

    Returns
    -------
    Severity

    Raises
    ------
    NotEstimable
        The ratings cannot tell strict raters from weaker subjects, or from chance.
    """
    linked = _linked(ratings, component)
    by = {"subject": linked.subject, "rater": linked.rater, "pair": linked.pair}
    fit = _fit(linked, by)
    variance, severity, engine = _estimates(linked, fit, by, statsmodels_most_ratings)
    share = variance["rater"] / sum(variance.values())
    within = _profile(fit, level)
    share_low, share_high = _share_interval(fit, within, level)
    se = _standard_errors(linked, fit, by, severity, within[1])
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    beyond = stats.norm.sf((practical_difference - severity) / se)
    below = stats.norm.cdf((-practical_difference - severity) / se)
    n_raters = len(linked.rater_ids)
    cells = np.unique(linked.pair, return_index=True)[1]
    return Severity(
        raters=pd.DataFrame(
            {
                "rater_id": pd.Series(linked.rater_ids),
                "component": component.reindex(linked.rater_ids).to_numpy(dtype=np.int64),
                "severity": severity,
                "se": se,
                "ci_low": severity - half,
                "ci_high": severity + half,
                "p_practical": beyond + below,
                "n_subjects": np.bincount(linked.rater[cells], minlength=n_raters),
                "n_ratings": np.bincount(linked.rater, minlength=n_raters),
            }
        ),
        var_subject=variance["subject"],
        var_rater=variance["rater"],
        var_residual=variance["residual"],
        share_rater=share,
        share_rater_low=min(share_low, share),
        share_rater_high=max(share_high, share),
        p_rater=_p_rater(linked, honest),
        practical_difference=practical_difference,
        level=level,
        engine=engine,
        n_left_out=linked.n_left_out,
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
                "{n} judgement occurs twice: same rater, same subject, same criterion.",
                "{n} judgements occur twice: same rater, same subject, same criterion.",
                n_twice,
            )
        )
    every = rated["rater_id"].drop_duplicates()
    if len(every) == 1:
        raise NotEstimable(
            msg(
                "There is only one rater. Severity shows only next to others who rated the same "
                "people."
            )
        )
    if rated["subject_id"].nunique() == 1:
        raise NotEstimable(
            msg("Only one person or conversation was rated. That is too little to know a rater by.")
        )
    part = component.reindex(every)
    n_in_part = part.map(part.value_counts())
    kept = every[(n_in_part >= 2).to_numpy()]
    if kept.empty:
        raise NotEstimable(
            msg(
                "From these ratings alone a strict manager and a weaker team look the same: nobody "
                "was rated by two raters. A second rater for some people, or a few cases that all "
                "raters score, would tell them apart."
            )
        )
    rated = rated.loc[rated["rater_id"].isin(kept)]
    score = rated["score"].to_numpy(dtype=float)
    if np.ptp(score) <= 1e-9 * max(1.0, float(np.abs(score).max())):
        raise NotEstimable(
            msg(
                "All scores that could be compared are the same, so no difference in severity can "
                "show."
            )
        )
    rater, rater_ids = pd.factorize(rated["rater_id"], sort=True)
    subject, subject_ids = pd.factorize(rated["subject_id"], sort=True)
    cells, pair = np.unique(subject * len(rater_ids) + rater, return_inverse=True)
    parts = component.reindex(pd.Index(rated["rater_id"])).to_numpy()
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
    if len(cells) - len(rater_ids) - len(subject_ids) + len(np.unique(parts)) < 1:
        raise NotEstimable(
            msg(
                "Raters are linked by single people only, so a strict rater cannot be told from "
                "chance. Two raters who share several people would show it."
            )
        )
    return _Linked(
        rated=rated,
        score=score,
        fixed=_fixed(parts, rated["criterion_id"]),
        subject=subject,
        rater=rater,
        pair=pair,
        rater_ids=rater_ids,
        n_left_out=len(every) - len(kept),
    )


def _fixed(part: npt.NDArray[np.int64], criterion: pd.Series) -> FloatArray:
    """Intercepts of components and differences between criteria, as independent columns."""
    of_part, parts = pd.factorize(part, sort=True)
    of_criterion, criteria = pd.factorize(criterion, sort=True)
    met = np.unique(of_part * len(criteria) + of_criterion)
    rows, columns = np.divmod(met, len(criteria))
    table = np.column_stack([np.eye(len(parts))[rows], np.eye(len(criteria))[columns]])
    # components first: the intercepts must stay whole, criteria that follow from them go
    kept = list(range(len(parts)))
    for column in range(len(parts), table.shape[1]):
        if np.linalg.matrix_rank(table[:, [*kept, column]]) > len(kept):
            kept.append(column)
    position = np.searchsorted(met, of_part * len(criteria) + of_criterion)
    return table[:, kept][position]


def _fit(linked: _Linked, factors: dict[str, IntArray]) -> CrossedFit:
    try:
        fit = fit_crossed(linked.score, linked.fixed, factors)
    except CrossedModelError:
        fit = None
    # a residual that is rounding error only leaves nothing to judge uncertainty by
    if fit is None or fit.variance["residual"] <= 1e-9 * float(np.var(linked.score)):
        raise NotEstimable(
            msg(
                "These ratings are too few, or too regular, to tell the rater, the person rated "
                "and chance apart."
            )
        )
    if not fit.converged:
        raise NotEstimable(
            msg("The calculation of severity did not come to an end, so there is no answer.")
        )
    return fit


def _with_halo(linked: _Linked, by: dict[str, IntArray]) -> CrossedFit | None:
    """Add (1|subject:rater); None where the ratings cannot show it, or do not."""
    try:
        fit = fit_crossed(linked.score, linked.fixed, {**by, "pair": linked.pair})
    except CrossedModelError:  # one criterion, or nothing left beside the halo
        return None
    return fit if fit.converged and fit.variance["pair"] > 0 else None


def _estimates(
    linked: _Linked, fit: CrossedFit, by: dict[str, IntArray], most: int
) -> tuple[dict[str, float], FloatArray, str]:
    """Variances and severities, from statsmodels where it reaches the same optimum."""
    if len(linked.score) <= most and not fit.boundary:
        found = _by_statsmodels(linked, fit.criterion, {name: by[name] for name in fit.effects})
        if found is not None:
            return *found, STATSMODELS
    # 0.0 minus: never a minus 0, which would read as a sign
    return fit.variance, 0.0 - fit.effects["rater"].blup, CROSSED


def _by_statsmodels(
    linked: _Linked, criterion: float, by: dict[str, IntArray]
) -> tuple[dict[str, float], FloatArray] | None:
    """Fit with MixedLM: one group, a variance component per factor; None if not to be trusted."""
    names = sorted(by, key=lambda name: name != "rater")
    indicator = [np.eye(int(by[name].max()) + 1)[by[name]] for name in names]
    labels = [[f"{name}{i}" for i in range(z.shape[1])] for name, z in zip(names, indicator, strict=True)]
    parts = VCSpec(names, [[own] for own in labels], [[z] for z in indicator])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MixedLM(linked.score, linked.fixed, np.zeros(len(linked.score)), exog_vc=parts)
        try:
            fit = model.fit(reml=True)
            blup = np.asarray(fit.random_effects[0.0], dtype=float)[: len(linked.rater_ids)]
        except (np.linalg.LinAlgError, ValueError):
            return None
    if caught or not fit.converged or abs(-2 * fit.llf - criterion) > _CRITERION_TOLERANCE:
        return None
    variance = dict(zip(names, map(float, fit.vcomp), strict=True))
    return {**variance, "residual": float(fit.scale)}, 0.0 - blup


def _p_rater(linked: _Linked, fit: CrossedFit) -> float:
    if fit.variance["rater"] == 0:
        return 1.0
    codes = {"subject": linked.subject, "pair": linked.pair}
    without = _fit(linked, {name: codes[name] for name in fit.effects if name != "rater"})
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
    rests on many more levels), combined as for a ratio of independent estimates.
    """
    low, high = _profile(fit, level)
    rest = sum(value for name, value in fit.variance.items() if name != "rater")
    other = np.array([float(name != "rater") for name in fit.variance_terms])
    sd = float(np.sqrt(other @ fit.variance_cov @ other)) / rest
    reach = float(stats.norm.ppf((1 + level) / 2)) * sd
    rater = fit.variance["rater"]

    def share(end: float, sign: float) -> float:
        if end == 0 or not np.isfinite(end):
            return float(end > 0)
        own = np.log(end / rater) if rater > 0 else 0.0
        start = rater if rater > 0 else end
        return float(1 / (1 + rest / start * np.exp(-sign * np.hypot(own, reach))))

    return share(low, -1.0), share(high, 1.0)


def _standard_errors(
    linked: _Linked, fit: CrossedFit, severity: FloatArray, upper: float
) -> FloatArray:
    """Root mean squared difference between the severities given and the true ones."""
    if len(severity) < FEW_RATERS:
        return _averaged_errors(linked, fit, severity, upper)
    if fit.variance["rater"] == 0:
        # no severity is known to be other than 0, nor to be smaller than what is left
        return np.full(len(severity), np.sqrt(min(upper, float(np.var(linked.score)))))
    effect = fit.effects["rater"]
    return np.sqrt(effect.sd**2 + (-effect.blup - severity) ** 2)
