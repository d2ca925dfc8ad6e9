"""How strict is each rater, once who was rated is taken into account?

Model: ``score ~ criterion + component + (1|subject) + (1|rater)`` by REML.
A fixed intercept per component centres severity within it: variances are fitted over all
components together, no contrast runs across them, and components with one rater are left out.
Where several criteria were rated, ``(1|subject:rater)`` (halo) is added: a rater's
scores of one subject hang together, and without it M1 reads halo as severity. Severity is minus
the rater's BLUP, so it is shrunken: pulled to 0 for raters with few ratings.

The standard error is the conditional SD from 15 raters on. With fewer that is too small, because
it takes the variances as known; then errors are averaged over all variances the ratings allow
(`numerics.averaged_effects`). Simulated with 2 to 10 raters, 95 % intervals then cover 92-97 %;
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

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.averaged_effects import averaged_errors
from pipeline.numerics.crossed_reml import (
    CrossedFit,
    CrossedModelError,
    boundary_p_value,
    fit_crossed,
)
from pipeline.numerics.fit_once import fit_once
from pipeline.numerics.linked_ratings import LinkedRatings, link_ratings
from pipeline.numerics.variance_shares import profile, profile_high, variance_share

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STATSMODELS, CROSSED = "statsmodels MixedLM", "crossed REML"
FEW_RATERS = 15
"""Below this the uncertainty of the variances themselves counts."""
_CRITERION_TOLERANCE = 1e-3
_LEVEL_OF_ERRORS = 0.95
"""Of the interval that tells how far the SD of raters may reach when errors are averaged."""
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
    fit = _fit(linked)
    variance, severity, engine = _estimates(linked, fit, statsmodels_most_ratings)
    of_variance = profile(fit, "rater", level)
    high = of_variance.high if level == _LEVEL_OF_ERRORS else None
    share = variance["rater"] / sum(variance.values())
    shares = variance_share(fit, "rater", of_variance, level)
    return Severity(
        raters=_raters(linked, fit, severity, practical_difference, level, high),
        var_subject=variance["subject"],
        var_rater=variance["rater"],
        var_residual=variance["residual"],
        share_rater=share,
        share_rater_low=min(shares.low, share),
        share_rater_high=max(shares.high, share),
        p_rater=_p_rater(linked, fit),
        practical_difference=practical_difference,
        level=level,
        engine=engine,
        n_left_out=linked.n_left_out,
        var_subject_rater=variance.get("pair", 0.0),
    )


def severity_again(
    ratings: pd.DataFrame,
    *,
    component: pd.Series,
    level: float = 0.95,
    practical_difference: float = 0.3,
    near: Severity | None = None,
) -> pd.DataFrame:
    """Estimate `Severity.raters` alone, for estimates made again on part of the ratings.

    By the workbench's own solver, without the share, the test and their cost. The search starts
    from the variances of ``near``, what was found on all ratings.

    Raises
    ------
    NotEstimable
        As `estimate_severity`.
    """
    linked = _linked(ratings, component)
    start = None
    if near is not None and near.var_rater > 0 and near.var_subject > 0:
        start = {
            "rater": near.var_rater, "subject": near.var_subject,
            "pair": near.var_subject_rater or near.var_residual / 10, "residual": near.var_residual,
        }  # fmt: skip
    fit = _fit(linked, start)
    severity = 0.0 - fit.effects["rater"].blup
    return _raters(linked, fit, severity, practical_difference, level, None)


def _linked(ratings: pd.DataFrame, component: pd.Series) -> LinkedRatings:
    return link_ratings(
        ratings["score"],
        ratings["rater_id"],
        ratings["subject_id"],
        ratings["criterion_id"],
        part=ratings["subject_id"].map(component),
    )


def _raters(
    linked: LinkedRatings, fit: CrossedFit, severity: FloatArray, practical_difference: float,
    level: float, high: float | None,
) -> pd.DataFrame:  # fmt: skip
    """Return a row per rater; ``high`` is the upper end of the variance where it is known."""
    se = _standard_errors(linked, fit, severity, high)
    half = float(stats.norm.ppf((1 + level) / 2)) * se
    beyond = stats.norm.sf((practical_difference - severity) / se)
    below = stats.norm.cdf((-practical_difference - severity) / se)
    of_rater, n_raters = linked.codes["rater"], len(linked.rater_ids)
    cells = np.unique(linked.codes["pair"], return_index=True)[1]
    return pd.DataFrame(
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
    )


def _fit(linked: LinkedRatings, near: dict[str, float] | None = None) -> CrossedFit:
    """Fit the random terms, with subject:rater where the ratings show it."""

    def fitted(codes: dict[str, IntArray]) -> CrossedFit:
        if near is None:
            return fit_once(linked.score, linked.fixed, codes)
        return fit_crossed(linked.score, linked.fixed, codes, near=near)

    codes = {name: linked.codes[name] for name in ("rater", "subject")}
    try:
        fit = fitted({**codes, "pair": linked.codes["pair"]})
        if fit.converged and fit.variance["pair"] > 0:
            return _usable(linked, fit)
    except CrossedModelError:  # one criterion, or nothing left beside the halo
        pass
    try:
        return _usable(linked, fitted(codes))
    except CrossedModelError:
        raise NotEstimable(_NOTHING_LEFT) from None


def _usable(linked: LinkedRatings, fit: CrossedFit) -> CrossedFit:
    # a residual that is rounding error only leaves nothing to judge uncertainty by
    if fit.variance["residual"] <= 1e-9 * float(np.var(linked.score)):
        raise NotEstimable(_NOTHING_LEFT)
    if not fit.converged:
        raise NotEstimable(msg("The calculation of severity did not end, so there is no answer."))
    return fit


def _estimates(
    linked: LinkedRatings, fit: CrossedFit, most: int
) -> tuple[dict[str, float], FloatArray, str]:
    """Variances and severities, from statsmodels where it reaches the same optimum."""
    if len(linked.score) <= most and not fit.boundary:
        found = _by_statsmodels(linked, fit)
        if found is not None:
            return *found, STATSMODELS
    # 0.0 minus: never a minus 0, which would read as a sign
    return fit.variance, 0.0 - fit.effects["rater"].blup, CROSSED


def _by_statsmodels(
    linked: LinkedRatings, check: CrossedFit
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


def _standard_errors(
    linked: LinkedRatings, fit: CrossedFit, severity: FloatArray, high: float | None
) -> FloatArray:
    """How far a severity is off, root mean square, scale points."""
    if len(severity) >= FEW_RATERS and fit.variance["rater"] > 0:
        return fit.effects["rater"].sd
    # the interval may have no upper end; severities cannot spread more than the scores do
    if high is None:
        high = profile_high(fit, "rater", _LEVEL_OF_ERRORS)
    upper = np.sqrt(min(high, 4 * float(np.var(linked.score))))
    if len(severity) >= FEW_RATERS:
        # nothing found: what every severity may still be
        return np.full(len(severity), upper)
    codes = {name: linked.codes[name] for name in fit.effects}
    return averaged_errors(
        linked.score, linked.fixed, codes, fit.variance, -severity, 1.6 * float(upper)
    )


def _p_rater(linked: LinkedRatings, fit: CrossedFit) -> float:
    if fit.variance["rater"] == 0:
        return 1.0
    try:
        statistic = fit.likelihood_ratio("rater")
    except CrossedModelError:  # not from these estimates: fit again
        codes = {name: linked.codes[name] for name in fit.effects if name != "rater"}
        without = fit_once(linked.score, linked.fixed, codes)
        statistic = max(without.criterion - fit.criterion, 0.0)
    return boundary_p_value(statistic)
