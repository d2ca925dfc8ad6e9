"""Where do differences between scores come from, and how many raters are enough?

Model: ``score ~ criterion + component + (1|subject) + (1|rater) + (1|subject:rater) +
(1|subject:criterion) + (1|rater:criterion)`` by REML; with two periods or more a fixed shift per
period and ``(1|rater:period)`` too, and where employees have several conversations
``(1|employee)``. A term that these ratings cannot tell from the others is left out, with the
reason. Intervals of variances are by profile likelihood (with
many levels, far from 0: delta method on the logarithm), those of shares and coefficients
recover the variance of a ratio from the intervals of its parts. Each term is tested by the
likelihood ratio without it; at the edge of 0 the p-value is half that of chi-square 1.

D study, for the mean over the n_c criteria of k raters (or of k conversations with a rater each):
relative error is what changes the order of people, absolute error also who happens to rate.

- universe = subject + subject:criterion / n_c (criteria as they are; with ``criteria_random``
  subject:criterion counts as error instead);
- relative error = (subject:rater + residual / n_c) / k;
- absolute error = relative error + (rater + rater:criterion / n_c + rater:period) / k;
- E rho^2 = universe / (universe + relative error), Phi the same with the absolute error.

Sources: Brennan (2001), Generalizability Theory; Cronbach, Gleser, Nanda & Rajaratnam (1972);
Self & Liang (1987), JASA 82, 605-610; Zou & Donner (2008), Stat. Med. 27, 1693-1702.

Assumes an interval scale, normal effects, and further raters like these. It cannot tell rater
differences from team differences where nobody shares subjects, and with one criterion, or
one rater per subject, it cannot tell halo from chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.crossed_reml import (
    CrossedFit,
    CrossedModelError,
    boundary_p_value,
    fit_crossed,
)
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.linked_ratings import LinkedRatings, link_ratings
from pipeline.numerics.variance_shares import (
    Bounded,
    as_share,
    bounded_variance,
    ratio,
    weighted_sum,
)

IntArray = npt.NDArray[np.intp]

TERMS = (
    "subject", "rater", "employee", "subject:rater", "subject:criterion", "rater:criterion",
    "rater:period",
)  # fmt: skip
"""Every term the model can have, in the order in which they are tried."""
RATERS, CONVERSATIONS = "raters", "conversations"
_MOST = 100


@dataclass(frozen=True)
class Components:
    """Variance components, and what more raters would give.

    Attributes
    ----------
    terms
        One row per term of `TERMS` and ``"residual"``: term; variance (squared scale points, 0 or
        more) with ci_low, ci_high (infinite where the ratings set no upper end); share (0-1) of
        the variance of a single score with share_low, share_high; statistic (likelihood ratio)
        and p_value (0-1; missing for the residual and subject, which is not tested); reason (why
        the term is not in the model, then all numbers are missing; else None).
    study
        One row per facet and k: facet (``"raters"``, or ``"conversations"`` where employees have
        several), k, e_rho2 (0-1: does the order stay the same with other raters) and phi (0-1: do
        the numbers stay the same), each with _low and _high.
    enough
        One row per facet, coefficient (``"e_rho2"``, ``"phi"``) and target: k (fewest raters or
        conversations that reach the target), k_low, k_high (at the ends of the interval);
        missing where more than 100 are needed, with the reason.
    n_criteria
        Criteria whose mean is the score of the D study.
    criterion
        REML criterion of the model (-2 log restricted likelihood), as lme4 gives it.
    level
        Confidence level of the intervals.
    """

    terms: pd.DataFrame
    study: pd.DataFrame
    enough: pd.DataFrame
    n_criteria: int
    criterion: float
    level: float


def estimate_components(
    ratings: pd.DataFrame,
    *,
    component: pd.Series,
    level: float = 0.95,
    counts: tuple[int, ...] = (1, 2, 3, 4, 5),
    targets: tuple[float, ...] = (0.70, 0.80),
    period: pd.Series | None = None,
    criteria_random: bool = False,
) -> Components:
    """Split the variance of scores, and say how many raters are enough.

    Parameters
    ----------
    ratings
        Judgements; rows without a score do not count.
    component
        Connected part of the design per subject, indexed by subject_id.
    level
        Confidence level of the intervals.
    counts
        Numbers of raters (or conversations) in the D study.
    targets
        Values of the coefficients that count as enough, between 0 and 1.
    period
        Cycle or quarter per row of ``ratings``, with its index. Subjects must then be the same
        across periods (an employee, not an employee in a cycle) for raters to be followed.
    criteria_random
        Treat the criteria as a sample of all that might be asked.

    Returns
    -------
    Components

    Raises
    ------
    NotEstimable
        The ratings cannot tell raters from rated people, or from chance.
    """
    given = ratings if period is None else ratings.assign(period=period)
    # the same judgement in another period is another judgement
    criterion = given["criterion_id"]
    seen = criterion if period is None else criterion + "\0" + given["period"].astype("str")
    linked = link_ratings(
        given["score"],
        given["rater_id"],
        given["subject_id"],
        seen,
        part=given["subject_id"].map(component),
    )
    rows = given.iloc[linked.rows]
    codes, refused = _codes(rows, linked)
    fixed = _fixed(rows, linked)
    fit, kept = _largest_model(linked.score, fixed, codes, refused)
    bounded = {name: bounded_variance(fit, name, level) for name in (*kept, "residual")}
    n_criteria = int(rows["criterion_id"].nunique())
    parts = _study_parts(bounded, n_criteria, criteria_random)
    return Components(
        terms=_terms(linked.score, fixed, fit, kept, bounded, refused),
        study=_study(parts, counts),
        enough=_enough(parts, targets),
        n_criteria=n_criteria,
        criterion=fit.criterion,
        level=level,
    )


def _fixed(rows: pd.DataFrame, linked: LinkedRatings) -> npt.NDArray[np.float64]:
    factors = [pd.factorize(rows["criterion_id"], sort=True)[0]]
    if "period" in rows:
        factors.append(pd.factorize(rows["period"], sort=True)[0])
    return fixed_columns(linked.part, *factors)


def _codes(
    rows: pd.DataFrame, linked: LinkedRatings
) -> tuple[dict[str, IntArray], dict[str, Message]]:
    """Return the levels of the terms that make sense at all, and why the others do not."""
    subject, rater = linked.codes["subject"], linked.codes["rater"]
    criterion = pd.factorize(rows["criterion_id"], sort=True)[0]
    codes = {"subject": subject, "rater": rater, "subject:rater": linked.codes["pair"]}
    refused = {}
    if criterion.max() > 0:
        codes["subject:criterion"] = _cross(subject, criterion)
        codes["rater:criterion"] = _cross(rater, criterion)
    else:
        for name in ("subject:criterion", "rater:criterion"):
            refused[name] = msg("Only one criterion was rated.")
    if "period" in rows and rows["period"].nunique() >= 2:
        codes["rater:period"] = _cross(rater, pd.factorize(rows["period"], sort=True)[0])
    else:
        refused["rater:period"] = msg("Only one period was rated.")
    employee = pd.factorize(rows["employee_id"], sort=True)[0] if "employee_id" in rows else subject
    if len(np.unique(employee)) < len(linked.subject_ids):
        codes["employee"] = employee
    else:
        refused["employee"] = msg("Nobody was rated on several conversations.")
    return {name: codes[name] for name in TERMS if name in codes}, refused


def _cross(left: IntArray, right: IntArray) -> IntArray:
    code: IntArray = np.unique(left * (int(right.max()) + 1) + right, return_inverse=True)[1]
    return code


def _largest_model(
    score: npt.NDArray[np.float64],
    fixed: npt.NDArray[np.float64],
    codes: dict[str, IntArray],
    refused: dict[str, Message],
) -> tuple[CrossedFit, dict[str, IntArray]]:
    """Fit all terms; where they cannot be told apart, as many as can, in order.

    ``refused`` gains the reasons of those left out.
    """
    try:
        return _usable(fit_crossed(score, fixed, codes), score), codes
    except CrossedModelError:
        pass
    fit, kept = None, {name: codes[name] for name in ("subject", "rater")}
    try:
        fit = _usable(fit_crossed(score, fixed, kept), score)
    except CrossedModelError:
        raise NotEstimable(
            msg(
                "These ratings are too few, or too regular, to tell rater, rated person and "
                "chance apart."
            )
        ) from None
    for name, code in codes.items():
        if name in kept:
            continue
        try:
            fit = _usable(fit_crossed(score, fixed, {**kept, name: code}), score)
            kept[name] = code
        except (CrossedModelError, NotEstimable):
            refused[name] = msg("In these ratings it cannot be told from the other sources.")
    return fit, kept


def _usable(fit: CrossedFit, score: npt.NDArray[np.float64]) -> CrossedFit:
    if fit.variance["residual"] <= 1e-9 * float(np.var(score)):
        raise NotEstimable(
            msg(
                "These ratings are too few, or too regular, to tell rater, rated person and "
                "chance apart."
            )
        )
    if not fit.converged:
        raise NotEstimable(msg("The calculation did not end, so there is no answer."))
    return fit


def _terms(
    score: npt.NDArray[np.float64],
    fixed: npt.NDArray[np.float64],
    fit: CrossedFit,
    kept: dict[str, IntArray],
    bounded: Mapping[str, Bounded],
    refused: Mapping[str, Message],
) -> pd.DataFrame:
    rows = []
    for name in (*TERMS, "residual"):
        row: dict[str, object] = {"term": name, "reason": refused.get(name)}
        if name in bounded:
            row |= dict(zip(("variance", "ci_low", "ci_high"), bounded[name], strict=True))
            others = {other: 1.0 for other in bounded if other != name}
            share = as_share(ratio(bounded[name], weighted_sum(bounded, others)))
            row |= dict(zip(("share", "share_low", "share_high"), share, strict=True))
        if name in kept and name != "subject":
            statistic = _likelihood_ratio(score, fixed, fit, kept, name)
            half = boundary_p_value(statistic)
            row |= {"statistic": statistic, "p_value": half if statistic > 0 else 1.0}
        rows.append(row)
    columns = [
        "term", "variance", "ci_low", "ci_high", "share", "share_low", "share_high", "statistic",
        "p_value", "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _likelihood_ratio(
    score: npt.NDArray[np.float64],
    fixed: npt.NDArray[np.float64],
    fit: CrossedFit,
    kept: dict[str, IntArray],
    name: str,
) -> float:
    if fit.variance[name] == 0:
        return 0.0
    try:
        return fit.likelihood_ratio(name)
    except CrossedModelError:  # not from these estimates: fit again
        without = {other: code for other, code in kept.items() if other != name}
    return max(fit_crossed(score, fixed, without).criterion - fit.criterion, 0.0)


def _study_parts(
    bounded: Mapping[str, Bounded], n_criteria: int, criteria_random: bool
) -> dict[str, tuple[Bounded, Bounded, Bounded, Bounded]]:
    """Per facet: universe, error that more criteria only would lessen, relative, absolute error."""
    each = 1.0 / n_criteria
    relative = {"subject:rater": 1.0, "residual": each}
    absolute = {**relative, "rater": 1.0, "rater:criterion": each, "rater:period": 1.0}
    wanted = {RATERS: ({"subject": 1.0, "employee": 1.0}, relative, absolute)}
    of_criteria = {"subject:criterion": each}
    parts = {}
    if "employee" in bounded:
        between = {"subject": 1.0, **of_criteria}
        wanted[CONVERSATIONS] = ({"employee": 1.0}, between | relative, between | absolute)
    for facet, (universe, rel, total) in wanted.items():
        fixed_error: dict[str, float] = {}
        if facet == RATERS and criteria_random:
            fixed_error = of_criteria
        elif facet == RATERS:
            universe = universe | of_criteria
        parts[facet] = (
            _sum(bounded, universe), _sum(bounded, fixed_error), _sum(bounded, rel),
            _sum(bounded, total),
        )  # fmt: skip
    return parts


def _sum(bounded: Mapping[str, Bounded], weights: Mapping[str, float]) -> Bounded:
    return weighted_sum(bounded, {name: w for name, w in weights.items() if name in bounded})


def _coefficient(universe: Bounded, fixed_error: Bounded, error: Bounded, k: int) -> Bounded:
    """Universe / (universe + fixed error + error / k), 0 to 1."""
    named = {"fixed": fixed_error, "error": error}
    return as_share(ratio(universe, weighted_sum(named, {"fixed": 1.0, "error": 1.0 / k})))


def _study(
    parts: Mapping[str, tuple[Bounded, Bounded, Bounded, Bounded]], counts: tuple[int, ...]
) -> pd.DataFrame:
    rows = []
    for facet, (universe, fixed_error, relative, absolute) in parts.items():
        for k in counts:
            row: dict[str, object] = {"facet": facet, "k": k}
            for name, error in (("e_rho2", relative), ("phi", absolute)):
                found = _coefficient(universe, fixed_error, error, k)
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
            rows.append(row)
    return pd.DataFrame(rows)


def _enough(
    parts: Mapping[str, tuple[Bounded, Bounded, Bounded, Bounded]], targets: tuple[float, ...]
) -> pd.DataFrame:
    rows = []
    for facet, (universe, fixed_error, relative, absolute) in parts.items():
        for name, error in (("e_rho2", relative), ("phi", absolute)):
            curve = [_coefficient(universe, fixed_error, error, k) for k in range(1, _MOST + 1)]
            for target in targets:
                k, k_high, k_low = (
                    next(
                        (float(n) for n, one in enumerate(curve, 1) if one[end] >= target), math.nan
                    )
                    for end in range(3)
                )
                row: dict[str, object] = {"facet": facet, "coefficient": name, "target": target}
                reason = None
                if math.isnan(k):
                    reason = msg("Even {most} would not be enough.", most=_MOST)
                rows.append(row | {"k": k, "k_low": k_low, "k_high": k_high, "reason": reason})
    return pd.DataFrame(rows).astype({"reason": object})
