"""Is a rater stricter on one criterion, or for one group, than on others?

Model: M2 by REML (see `halo`). By criterion: the variance of ``(1|rater:criterion)`` with a
likelihood-ratio test on the boundary; per rater and criterion the shift of that cell beside the
rater's other criteria, by generalised least squares in M2 without the term (its exact distribution
on the observed design is the null, so that unequal numbers of ratings are honoured), the rater's
own level taken as unknown; and the shrunken form, averaged over how large the variance may be.
Cells that stand out (Benjamini-Hochberg) are taken into the model before the others are judged. By
group of subjects: M2 with a fixed effect of the group and ``(1|rater:group)``, which is ``(0 +
group | rater)`` with equal variances; shown only shrunken, and only for cells at or above the
privacy floor. Cells below the floor are not in the model at all, so nothing about them can be
worked out from the others.

Sources: Engelhard (2007), J. Appl. Meas. 8, 252-267 (differential rater functioning); Cook,
Holschuh & Weisberg (1982), Technometrics 24, 23-33; Self & Liang (1987), JASA 82, 605-610;
Benjamini & Hochberg (1995); Newton et al. (2004), Biostatistics 5, 155-176 (flags of groups).

Assumes that who rates whom does not depend on severity.

It cannot tell what all raters share: a criterion that everybody finds hard, or a group that
everybody rates lower, shows nowhere here. It cannot tell who is right either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError
from pipeline.numerics.false_discovery import bayesian_discoveries
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.model_bootstrap import FittedModel, indicator
from pipeline.numerics.model_shifts import averaged_contrasts, forward_shifts, wald
from pipeline.numerics.rating_input import NOTHING_LEFT, linked_ratings
from pipeline.numerics.rating_model import (
    RATER,
    RATER_CRITERION,
    SUBJECT,
    CodedRatings,
    boundary_test,
    codes_of,
    crossed,
    fit_terms,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_RATER_GROUP = "rater:group"
_LASTING = 1e4
"""Variance ratio that takes a rater's own level as unknown."""
_LEAST_SUBJECTS = 5
_UNLINKED = msg(
    "Nobody was rated by two raters, so a rater who is stricter on one point cannot be told from a "
    "team that is weaker on it. A second rater for some people would show it."
)


@dataclass(frozen=True)
class DifferentialSeverity:
    """Severity that differs within a rater, in scale points, positive = stricter there.

    Attributes
    ----------
    cells
        One row per rater and criterion, ordered by identifier: rater_id; criterion_id; n_subjects;
        difference (severity on this criterion minus that on the rater's other criteria, flagged
        ones left out, not shrunken); se; ci_low, ci_high; p (two-sided, not corrected);
        difference_shrunk, se_shrunk (the same, pulled to 0); flagged (bool: among false discoveries
        of at most ``q`` and difference_shrunk at least ``practical_difference`` either way); reason
        (Message where the cell has too few subjects, else None).
    var_differential
        Variance of the term, squared scale points, 0 or more; 0: none found.
    sd_differential, sd_low, sd_high
        Its square root with the profile-likelihood interval; ``sd_high`` may be infinite.
    statistic, p_differential
        Likelihood-ratio statistic of no such variance and its p-value (boundary).
    practical_difference, q, level
        Thresholds used.
    """

    cells: pd.DataFrame
    var_differential: float
    sd_differential: float
    sd_low: float
    sd_high: float
    statistic: float
    p_differential: float
    practical_difference: float
    q: float
    level: float


@dataclass(frozen=True)
class GroupSeverity(DifferentialSeverity):
    """Severity that differs within a rater by group of subjects.

    Attributes
    ----------
    cells
        One row per rater and group at or above the floor, ordered by identifier: rater_id; group;
        n_subjects; difference_shrunk (severity for this group minus that for the rater's other
        groups, pulled to 0); se_shrunk; ci_low, ci_high (of it); p_practical (probability, 0-1, of
        more than ``practical_difference`` either way); flagged (bool, by p_practical).
    n_raters
        Raters in ``cells``.
    n_flagged
        Raters with a flagged cell; None where it may not be told.
    n_suppressed
        Rater × group cells below the floor; None where it may not be told.
    """

    n_raters: int
    n_flagged: int | None
    n_suppressed: int | None


def estimate_differential_severity(
    ratings: pd.DataFrame,
    *,
    level: float = 0.95,
    q: float = 0.10,
    practical_difference: float = 0.3,
) -> DifferentialSeverity:
    """Estimate on which criteria each rater is stricter or milder than on the others.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    level
        Confidence level of the intervals.
    q
        Share of false discoveries accepted among flagged cells.
    practical_difference
        Difference that matters in practice, in scale points.

    Returns
    -------
    DifferentialSeverity

    Raises
    ------
    NotEstimable
        One criterion, or nobody rated by two raters.
    """
    coded = linked_ratings(ratings, unlinked=_UNLINKED)
    if len(coded.criterion_ids) < 2:
        raise NotEstimable(
            msg("Only one criterion was rated, so a rater cannot be stricter on one than another.")
        )
    X, codes = fixed_columns(coded.part, coded.criterion), codes_of(coded)
    if int(codes[RATER_CRITERION].max()) + 1 == len(coded.rater_ids):
        raise NotEstimable(
            msg(
                "Every rater rated one criterion only, so none can be stricter on one than another."
            )
        )
    fit, (statistic, p, without), ends = _tested(coded, X, codes, RATER_CRITERION, level)
    own = FittedModel(X, codes, {**without, RATER: _LASTING * without["residual"]})
    found = forward_shifts(
        own, coded.score, indicator(codes[RATER_CRITERION]), q=q, least=practical_difference
    )
    shift, se = 0.0 - found.value, found.se
    first = np.unique(codes[RATER_CRITERION], return_index=True)[1]
    owner = coded.rater[first]
    shrunk, se_shrunk = averaged_contrasts(
        fit, coded.score, X, codes, RATER_CRITERION, owner, ends[1] ** 2
    )
    n_subjects = np.bincount(codes[RATER_CRITERION])
    numbers = pd.DataFrame({"difference": shift, "se": se, **wald(shift, se, level)})
    numbers["difference_shrunk"], numbers["se_shrunk"] = 0.0 - shrunk, se_shrunk
    numbers.loc[(n_subjects < _LEAST_SUBJECTS) | np.isnan(shift)] = np.nan
    cells = pd.DataFrame(
        {
            "rater_id": coded.rater_ids[owner],
            "criterion_id": coded.criterion_ids[coded.criterion[first]],
            "n_subjects": n_subjects,
            **numbers,
        }
    )
    large = (cells["difference_shrunk"].abs() >= practical_difference).to_numpy()
    cells["flagged"] = found.chosen & large
    short = msg(
        "Fewer than {least} people or conversations rated on this criterion, or nothing to "
        "compare with.",
        least=_LEAST_SUBJECTS,
    )
    gaps = cells["difference"].isna()
    cells["reason"] = pd.Series([short if gap else None for gap in gaps], dtype=object)
    return DifferentialSeverity(
        cells=cells.sort_values(["rater_id", "criterion_id"], ignore_index=True),
        var_differential=fit.variance[RATER_CRITERION],
        sd_differential=float(np.sqrt(fit.variance[RATER_CRITERION])),
        sd_low=ends[0],
        sd_high=ends[1],
        statistic=statistic,
        p_differential=p,
        practical_difference=practical_difference,
        q=q,
        level=level,
    )


def estimate_group_severity(
    ratings: pd.DataFrame,
    *,
    group: pd.Series,
    floor: int = 10,
    level: float = 0.95,
    q: float = 0.10,
    practical_difference: float = 0.3,
) -> GroupSeverity:
    """Estimate for which groups of subjects each rater is stricter or milder.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    group
        Group of each subject, indexed by subject_id; subjects without one do not count.
    floor
        Smallest number of subjects of one group rated by one rater that may be used or shown.
    level
        Confidence level of the intervals.
    q
        Expected share of errors accepted among flagged cells.
    practical_difference
        Difference that matters in practice, in scale points.

    Returns
    -------
    GroupSeverity

    Raises
    ------
    NotEstimable
        Fewer than two raters have two groups at or above the floor, or nobody was rated by two.
    """
    rated = ratings.loc[ratings["score"].notna()].reset_index(drop=True)
    rated = rated.assign(group=rated["subject_id"].map(group))
    rated = rated.loc[rated["group"].notna()]
    size = rated.groupby(["rater_id", "group"])["subject_id"].transform("nunique")
    n_suppressed = len(rated.loc[size < floor, ["rater_id", "group"]].drop_duplicates())
    rated = rated.loc[size >= floor].reset_index(drop=True)
    few = msg(
        "Fewer than two raters rated at least {least} people of two groups, so differences per "
        "group would say too much about single people.",
        least=floor,
    )
    if (rated.groupby("rater_id")["group"].nunique() >= 2).sum() < 2:
        raise NotEstimable(few)
    coded = linked_ratings(rated, unlinked=_UNLINKED)
    of_group, groups = pd.factorize(rated["group"].astype(str).to_numpy()[coded.row], sort=True)
    X = fixed_columns(coded.part, coded.criterion, of_group)
    codes = {**codes_of(coded), _RATER_GROUP: crossed(coded.rater, of_group)}
    fit, (statistic, p, _), ends = _tested(coded, X, codes, _RATER_GROUP, level)
    first = np.unique(codes[_RATER_GROUP], return_index=True)[1]
    owner = coded.rater[first]
    shrunk, se = averaged_contrasts(fit, coded.score, X, codes, _RATER_GROUP, owner, ends[1] ** 2)
    met = np.unique(np.column_stack([codes[_RATER_GROUP], coded.subject]), axis=0)[:, 0]
    cells = pd.DataFrame(
        {
            "rater_id": coded.rater_ids[owner],
            "group": groups[of_group[first]],
            "n_subjects": np.bincount(met),
            "difference_shrunk": 0.0 - shrunk,
            "se_shrunk": se,
        }
    )
    cells = cells.loc[cells.groupby("rater_id")["group"].transform("size") >= 2]
    if cells["rater_id"].nunique() < 2:
        raise NotEstimable(few)
    value, spread = cells["difference_shrunk"].to_numpy(), cells["se_shrunk"].to_numpy()
    bounds = wald(value, spread, level)
    beyond = stats.norm.sf((practical_difference - value) / spread)
    below = stats.norm.cdf((-practical_difference - value) / spread)
    cells = cells.assign(
        ci_low=bounds["ci_low"], ci_high=bounds["ci_high"], p_practical=beyond + below,
        flagged=bayesian_discoveries(beyond + below, q)[0],
    )  # fmt: skip
    return GroupSeverity(
        cells=cells.sort_values(["rater_id", "group"], ignore_index=True),
        var_differential=fit.variance[_RATER_GROUP],
        sd_differential=float(np.sqrt(fit.variance[_RATER_GROUP])),
        sd_low=ends[0],
        sd_high=ends[1],
        statistic=statistic,
        p_differential=p,
        practical_difference=practical_difference,
        q=q,
        level=level,
        n_raters=int(cells["rater_id"].nunique()),
        n_flagged=int(cells.loc[cells["flagged"], "rater_id"].nunique()),
        n_suppressed=n_suppressed,
    )


def _tested(
    coded: CodedRatings, X: FloatArray, codes: dict[str, IntArray], name: str, level: float
) -> tuple[CrossedFit, tuple[float, float, dict[str, float]], tuple[float, float]]:
    """Fit with the term and test it: fit, what `boundary_test` says, interval of the SD."""
    try:
        fit = fit_terms(coded.score, X, codes, (SUBJECT, RATER, name))
        tested = boundary_test(fit, name, coded.score, X, codes)
        low, high = fit.profile_interval(name, level)
    except CrossedModelError:
        raise NotEstimable(NOTHING_LEFT) from None
    return fit, tested, (float(np.sqrt(low)), float(np.sqrt(high)))
