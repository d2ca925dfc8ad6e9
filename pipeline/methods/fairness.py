"""Do groups of employees get different scores, and how large a difference can be ruled out?

Model: ``score ~ criterion + component + legitimate differences + group + (1|employee) +
(1|rater) + (1|employee:rater)`` by REML; a random term that these ratings cannot tell apart is
left out. The group belongs to the employee, so ten scores of one person count as one person, not
as ten. The gap is group minus reference. Its interval uses Student's t with Satterthwaite degrees
of freedom: they fall with the number of employees and raters that really tell about the gap.
Where design components are given, only people within the same component are compared; in a nested
design that is: within the same manager's team, and nothing is said across teams.

Beside it stand the raw gap (means per employee, Welch's interval), the smallest gap that would
have been detected four times out of five, and the selection rate of the top category with the
parity ratio (rate of the group / rate of the reference; logarithm with half a person added).

Sources: Satterthwaite (1946), Biometrics Bull. 2, 110-114; Giesbrecht & Burns (1985), Biometrics
41, 477-486; Welch (1947), Biometrika 34, 28-35; Wilson (1927), JASA 22, 209-212; Walter (1975),
Biometrika 62, 371-374; Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.

Assumes normal effects; selection rates take employees as independent. It cannot tell whether a gap
is deserved, and an adjusted gap can hide what all raters share, or what was adjusted for. Absence
of a finding is no proof: what cannot be ruled out is always given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.false_discovery import benjamini_hochberg
from pipeline.numerics.fixed_columns import fixed_columns, independent_columns
from pipeline.numerics.fixed_effects import estimate_fixed_effects

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

GAP, NO_GAP_FOUND, INTERVAL_ONLY = "gap", "no_gap_found", "interval_only"
_RATE, _POWER = 0.10, 0.80
_NUMBERS = ("gap", "se", "ci_low", "ci_high", "df", "p_value", "detectable", "cannot_rule_out")
_TERMS = {"subject": "employee", "pair": "employee:rater"}


@dataclass(frozen=True)
class Fairness:
    """Differences between groups, in scale points.

    Attributes
    ----------
    groups
        One row per group, ordered by name: group; suppressed (bool: fewer people than the floor;
        all numbers are then missing); n_employees; mean and sd (of employees' mean scores); rate
        (0-1: share in the top category) with rate_low and rate_high; missing without ``top``.
    gaps
        One row per shown group but the reference: group; reference; raw_gap (group minus
        reference, positive = group higher) with raw_low, raw_high; gap (adjusted) with se, ci_low,
        ci_high, df (degrees of freedom), p_value and q_value (Benjamini-Hochberg over the
        groups); detectable (smallest gap found with 80 % power, above 0); cannot_rule_out
        (largest gap, in size, within the interval); parity_ratio (above 0; 1 = same rate) with
        parity_low, parity_high; verdict: ``"gap"`` (interval without 0 and q at most .10),
        ``"no_gap_found"`` or ``"interval_only"`` (too few people for a verdict); reason (why
        there is no adjusted gap, or None); sentence.
    reference
        Group that the others are compared with: the largest shown, unless given.
    terms
        Random terms of the model, with their variances in squared scale points.
    n_unknown
        Rated employees without a group.
    floor
        Fewest people of a group that is shown.
    level
        Confidence level of the intervals.
    """

    groups: pd.DataFrame
    gaps: pd.DataFrame
    reference: str
    terms: dict[str, float]
    n_unknown: int
    floor: int
    level: float


def estimate_fairness(
    ratings: pd.DataFrame,
    *,
    groups: pd.Series,
    component: pd.Series | None = None,
    legitimate: pd.DataFrame | None = None,
    top: float | None = None,
    reference: str | None = None,
    floor: int = 10,
    verdict_floor: int = 30,
    level: float = 0.95,
) -> Fairness:
    """Compare the scores, or the changes of scores, of groups of employees.

    Parameters
    ----------
    ratings
        A judgement a row: employee_id, score, and where they exist rater_id, criterion_id and
        subject_id. For the changes of a session: a row per employee with the change as score.
    groups
        Group by employee_id; employees without one do not count.
    component
        Connected part of the design per subject, indexed by subject_id (by employee_id where
        there is no subject_id). Without it all are taken as comparable.
    legitimate
        What may shift performance (job level, job family, tenure), indexed by employee_id;
        numbers are used as numbers, all else as categories. Never a protected attribute.
    top
        Lowest score of the top category; an employee's mean score is rounded to the nearest whole
        point. Without it there are no selection rates.
    reference
        Group to compare with; the largest one if not given.
    floor
        Groups of fewer employees are suppressed.
    verdict_floor
        With fewer employees in either group an interval is given but no verdict.
    level
        Confidence level of the intervals.

    Returns
    -------
    Fairness

    Raises
    ------
    NotEstimable
        There are no two groups of enough people, or nothing to compare.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    group = rated["employee_id"].map(groups)
    n_unknown = int(rated.loc[group.isna(), "employee_id"].nunique())
    rated = rated.assign(group=group.astype(object)).loc[group.notna()]
    sizes = rated.groupby("group", sort=True)["employee_id"].nunique()
    shown = sizes.index[sizes >= floor]
    if len(shown) < 2:
        raise NotEstimable(
            msg("There are no two groups of at least {floor} people to compare.", floor=floor)
        )
    used = rated.loc[rated["group"].isin(shown)]
    if np.ptp(used["score"]) == 0:
        raise NotEstimable(msg("All scores are the same, so groups cannot differ."))
    base = str(sizes[shown].idxmax()) if reference is None else reference
    if base not in shown:
        raise NotEstimable(msg("The group to compare with has too few people to be shown."))
    people = _people(used)
    described = _describe(sizes, shown, people, top, level)
    others = [name for name in shown if name != base]
    adjusted, terms = _adjusted(used, component, legitimate, base, others, level)
    rows = [
        {
            "group": name,
            "reference": base,
            **_raw_gap(people, name, base, level),
            **adjusted[name],
            **_parity(people, name, base, top, level),
        }
        for name in others
    ]
    gaps = pd.DataFrame(rows)
    gaps.insert(gaps.columns.get_loc("p_value") + 1, "q_value", benjamini_hochberg(gaps["p_value"]))
    fewest = np.minimum(sizes[others].to_numpy(), int(sizes[base]))
    return Fairness(
        groups=described,
        gaps=_with_verdict(gaps, fewest < verdict_floor),
        reference=base,
        terms=terms,
        n_unknown=n_unknown,
        floor=floor,
        level=level,
    )


# Raw numbers, an employee a row


def _people(rated: pd.DataFrame) -> pd.DataFrame:
    """Return group and mean score (over raters of the mean over criteria) by employee."""
    by = ["employee_id", "rater_id"] if "rater_id" in rated else ["employee_id"]
    cells = rated.groupby([*by, "group"], dropna=False)["score"].mean()
    return cells.groupby(["employee_id", "group"]).mean().reset_index()


def _in_top(people: pd.DataFrame, group: str, top: float) -> tuple[int, int]:
    own = people.loc[people["group"] == group, "score"]
    return int((np.floor(own + 0.5) >= top).sum()), len(own)


def _describe(
    sizes: pd.Series, shown: pd.Index, people: pd.DataFrame, top: float | None, level: float
) -> pd.DataFrame:
    rows = []
    for name in sizes.index:
        row: dict[str, object] = {"group": name, "suppressed": name not in shown}
        if name in shown:
            own = people.loc[people["group"] == name, "score"]
            row |= {"n_employees": len(own), "mean": own.mean(), "sd": own.std()}
            if top is not None:
                row |= _wilson(*_in_top(people, name, top), level)
        rows.append(row)
    columns = [
        "group", "suppressed", "n_employees", "mean", "sd", "rate", "rate_low", "rate_high",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"n_employees": "Int64"})


def _wilson(hits: int, n: int, level: float) -> dict[str, float]:
    z = float(stats.norm.ppf((1 + level) / 2))
    share = hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    low, high = max(centre - half, 0.0), min(centre + half, 1.0)
    return {"rate": share, "rate_low": min(low, share), "rate_high": max(high, share)}


def _raw_gap(people: pd.DataFrame, group: str, base: str, level: float) -> dict[str, float]:
    """Compare mean scores, with Welch's interval."""
    one = people.loc[people["group"] == group, "score"]
    two = people.loc[people["group"] == base, "score"]
    gap = float(one.mean() - two.mean())
    parts = np.array([one.var() / len(one), two.var() / len(two)])
    if parts.sum() == 0:
        return {"raw_gap": gap, "raw_low": gap, "raw_high": gap}
    df = parts.sum() ** 2 / (parts**2 / [len(one) - 1, len(two) - 1]).sum()
    half = float(stats.t.ppf((1 + level) / 2, df) * parts.sum() ** 0.5)
    return {"raw_gap": gap, "raw_low": gap - half, "raw_high": gap + half}


def _parity(
    people: pd.DataFrame, group: str, base: str, top: float | None, level: float
) -> dict[str, float]:
    """Return the ratio of selection rates, missing where nobody is in the top category."""
    names = ("parity_ratio", "parity_low", "parity_high")
    if top is None:
        return dict.fromkeys(names, np.nan)
    (one, n_one), (two, n_two) = _in_top(people, group, top), _in_top(people, base, top)
    if one + two == 0:
        return dict.fromkeys(names, np.nan)
    log = np.log((one + 0.5) / (n_one + 0.5)) - np.log((two + 0.5) / (n_two + 0.5))
    spread = 1 / (one + 0.5) - 1 / (n_one + 0.5) + 1 / (two + 0.5) - 1 / (n_two + 0.5)
    half = stats.norm.ppf((1 + level) / 2) * spread**0.5
    ends = (log, log - half, log + half)
    return {name: float(np.exp(end)) for name, end in zip(names, ends, strict=True)}


# The adjusted gap


def _adjusted(
    rated: pd.DataFrame,
    component: pd.Series | None,
    legitimate: pd.DataFrame | None,
    base: str,
    others: list[str],
    level: float,
) -> tuple[dict[str, dict[str, object]], dict[str, float]]:
    """Return the adjusted gap per group, and the random terms of the model."""
    fixed = _fixed(rated, component, legitimate)
    kept: dict[str, int] = {}
    for name in others:
        column = (rated["group"] == name).to_numpy(dtype=float)
        wider = independent_columns(fixed, column[:, None])
        if wider.shape[1] > fixed.shape[1]:
            fixed, kept[name] = wider, fixed.shape[1]
    score = rated["score"].to_numpy(dtype=float)
    if not kept or len(score) <= fixed.shape[1]:
        raise NotEstimable(
            msg("Nobody of one group can be compared with somebody of another in the same part.")
        )
    fit = estimate_fixed_effects(score, fixed, _codes(rated))
    if sum(fit.variance.values()) <= 1e-9 * float(np.var(score)):
        raise NotEstimable(
            msg(
                "These ratings are too few, or too regular, to tell rater, rated person and "
                "chance apart."
            )
        )
    found: dict[str, dict[str, object]] = {}
    for name in others:
        row: dict[str, object] = dict.fromkeys(_NUMBERS, np.nan)
        row["reason"] = msg("This group cannot be compared with the others in the same part.")
        if name in kept:
            at = kept[name]
            se = float(fit.covariance[at, at] ** 0.5)
            numbers = _gap(float(fit.beta[at]), se, fit.degrees_of_freedom(at), level)
            row |= {**numbers, "reason": None}
        found[name] = row
    return found, {_TERMS.get(name, name): value for name, value in fit.variance.items()}


def _fixed(
    rated: pd.DataFrame, component: pd.Series | None, legitimate: pd.DataFrame | None
) -> FloatArray:
    """Code the parts, the criteria, and what may legitimately shift performance."""
    part = np.zeros(len(rated), dtype=np.int64)
    if component is not None:
        subject = rated["subject_id" if "subject_id" in rated else "employee_id"].map(component)
        if subject.isna().any():
            n_lacking = subject.isna().sum()
            raise ValueError(f"expected a component of every subject, {n_lacking} rows lack it")
        part = subject.to_numpy(dtype=np.int64)
    factors = []
    if "criterion_id" in rated:
        factors.append(pd.factorize(rated["criterion_id"], sort=True)[0])
    fixed = fixed_columns(part, *factors)
    if legitimate is None:
        return fixed
    for name in legitimate.columns:
        values = rated["employee_id"].map(legitimate[name])
        if pd.api.types.is_numeric_dtype(values):
            known = values.astype(float)
            # somebody without a value counts as average, apart from the others
            columns = np.column_stack([known.fillna(known.mean()).fillna(0.0), known.isna()])
        else:
            columns = pd.get_dummies(values, dummy_na=True).to_numpy()
        fixed = independent_columns(fixed, columns.astype(float))
    return fixed


def _codes(rated: pd.DataFrame) -> dict[str, IntArray]:
    """Return the levels of employee, rater and their combination, by the names of the solver."""
    employee = pd.factorize(rated["employee_id"], sort=True)[0]
    if "rater_id" not in rated or rated["rater_id"].isna().any():
        return {"subject": employee}
    rater = pd.factorize(rated["rater_id"], sort=True)[0]
    pair = np.unique(employee * (int(rater.max()) + 1) + rater, return_inverse=True)[1]
    return {"subject": employee, "rater": rater, "pair": pair}


def _gap(gap: float, se: float, df: float, level: float) -> dict[str, float]:
    reach = float(stats.t.ppf((1 + level) / 2, df))
    low, high = gap - reach * se, gap + reach * se
    return {
        "gap": gap,
        "se": se,
        "ci_low": low,
        "ci_high": high,
        "df": df,
        "p_value": float(2 * stats.t.sf(abs(gap) / se, df)),
        "detectable": (reach + float(stats.t.ppf(_POWER, df))) * se,
        "cannot_rule_out": max(abs(low), abs(high)),
    }


def _with_verdict(gaps: pd.DataFrame, small: npt.NDArray[np.bool_]) -> pd.DataFrame:
    found = ((gaps["ci_low"] > 0) | (gaps["ci_high"] < 0)) & (gaps["q_value"] <= _RATE)
    verdict = np.where(found, GAP, NO_GAP_FOUND)
    verdict = np.where(small | gaps["gap"].isna(), INTERVAL_ONLY, verdict)
    sentences: list[Message] = []
    for row, said in zip(gaps.itertuples(), verdict, strict=True):
        if row.reason is not None:
            sentences.append(row.reason)
        elif said == GAP:
            sentences.append(
                msg(
                    "A difference was found: between {low} and {high} points.",
                    low=row.ci_low,
                    high=row.ci_high,
                )
            )
        else:
            sentences.append(
                msg(
                    "These ratings cannot rule out a gap up to {gap} points.",
                    gap=row.cannot_rule_out,
                )
            )
    return gaps.assign(
        verdict=pd.Series(verdict, index=gaps.index, dtype="str"),
        sentence=pd.Series(sentences, index=gaps.index, dtype=object),
        reason=gaps["reason"].astype(object),
    )
