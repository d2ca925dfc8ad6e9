"""Did a session treat groups of employees alike: who was discussed, and what changed?

Two questions per group, each against the reference group (the largest shown, unless given):

selection  share of the group's rated people about whom the session decided; the gap in shares with
           Newcombe's interval and Fisher's exact test
change     mean change (after minus before) of the people decided on, one number a person; the gap
           with Welch's interval and test

Beside them the shares raised and lowered of the people decided on, with Wilson's interval.
Benjamini-Hochberg over all questions of one attribute; each further attribute adds to the number of
comparisons that is to be expected to stand out by chance.

Sources: Newcombe (1998), Statist. Med. 17, 873-890; Fisher (1922), J. R. Stat. Soc. 85, 87-94;
Welch (1947), Biometrika 34, 28-35; Wilson (1927), JASA 22, 209-212; Benjamini & Hochberg (1995),
J. R. Stat. Soc. B 57, 289-300.

Assumes that people are independent, though a session discusses them one after the other. Who stands
out is put on the agenda, so a group with more of the highest and lowest scores is discussed more
often; and scores that stand out move to the middle more often. It cannot tell whether a change was
deserved, and no finding is no proof: what cannot be ruled out is always given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.false_discovery import benjamini_hochberg

GAP, NO_GAP_FOUND = "gap", "no_gap_found"
SELECTION, CHANGE = "selection", "change"
_RATE, _SAME = 0.10, 1e-9
_GROUP_NUMBERS = (
    "share_discussed", "discussed_low", "discussed_high", "share_raised", "raised_low",
    "raised_high", "share_lowered", "lowered_low", "lowered_high", "mean_change", "change_low",
    "change_high",
)  # fmt: skip


@dataclass(frozen=True)
class ChangeFairness:
    """What a session did per group of employees.

    Attributes
    ----------
    groups
        One row per group, ordered by name: group; suppressed (bool: fewer people than the floor;
        all numbers are then missing); changes_suppressed (bool: fewer people decided on than the
        floor); n_people (with a rating); n_discussed, n_raised, n_lowered (people decided on, and
        those of them whose score went up or down); share_discussed (0-1, of n_people) with
        discussed_low, discussed_high; share_raised and share_lowered (0-1, of n_discussed) with
        _low and _high; mean_change (scale points, positive = higher) with change_low, change_high.
    gaps
        One row per shown group but the reference, and question: question (``"selection"`` or
        ``"change"``); group; reference; gap (group minus reference: shares, 0-1, or scale points)
        with ci_low, ci_high, p_value, q_value; cannot_rule_out (largest gap, in size, within the
        interval); verdict (``"gap"`` or ``"no_gap_found"``; missing without a gap); reason (a
        Message where there is no gap, else None).
    reference
        Group that the others are compared with.
    n_comparisons
        Comparisons made on this attribute.
    n_unknown
        Rated people without a group.
    floor
        Fewest people of a cell that is shown.
    level
        Confidence level of the intervals.
    """

    groups: pd.DataFrame
    gaps: pd.DataFrame
    reference: str
    n_comparisons: int
    n_unknown: int
    floor: int
    level: float


def estimate_change_fairness(
    changes: pd.DataFrame,
    *,
    people: list[str],
    groups: pd.Series,
    reference: str | None = None,
    floor: int = 10,
    level: float = 0.95,
) -> ChangeFairness:
    """Compare what a session did to groups of employees.

    Parameters
    ----------
    changes
        One row per decided score: employee_id, change (after minus before, scale points).
    people
        employee_id of everybody who was rated and could have been discussed.
    groups
        Group by employee_id; people without one do not count.
    reference
        Group to compare with; the largest one if not given.
    floor
        Groups of fewer people are suppressed; so are the changes of fewer people decided on.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        Nothing was decided, or there are no two groups of enough people.
    """
    known = changes.dropna(subset=["employee_id", "change"])
    if known.empty:
        raise NotEstimable(msg("The session decided on no score."))
    rated = pd.DataFrame({"employee_id": sorted(set(people) | set(known["employee_id"]))})
    rated["group"] = rated["employee_id"].map(groups).astype(object)
    rated["change"] = rated["employee_id"].map(known.groupby("employee_id")["change"].mean())
    n_unknown = int(rated["group"].isna().sum())
    rated = rated[rated["group"].notna()]
    sizes = rated.groupby("group", sort=True).size()
    shown = [str(name) for name in sizes.index[sizes >= floor]]
    if len(shown) < 2:
        raise NotEstimable(
            msg("There are no two groups of at least {floor} people to compare.", floor=floor)
        )
    base = str(sizes[shown].idxmax()) if reference is None else reference
    if base not in shown:
        raise NotEstimable(msg("The group to compare with has too few people to be shown."))
    parts = {str(name): part["change"] for name, part in rated.groupby("group", sort=True)}
    described = pd.DataFrame([_describe(name, parts[name], floor, level) for name in parts])
    gaps = pd.DataFrame(
        [
            {"question": question, "group": name, "reference": base, **gap}
            for name in shown
            if name != base
            for question, gap in (
                (SELECTION, _selection_gap(parts[name], parts[base], level)),
                (CHANGE, _change_gap(parts[name], parts[base], floor, level)),
            )
        ]
    )
    return ChangeFairness(
        groups=described.astype(
            {name: "Int64" for name in ("n_people", "n_discussed", "n_raised", "n_lowered")}
        ),
        gaps=_with_verdict(gaps),
        reference=base,
        n_comparisons=int(gaps["p_value"].notna().sum()),
        n_unknown=n_unknown,
        floor=floor,
        level=level,
    )


def _describe(name: str, change: pd.Series, floor: int, level: float) -> dict[str, object]:
    """Describe one group: a missing change means that the person was not decided on."""
    made = change.dropna().to_numpy(dtype=float)
    n, n_discussed = len(change), len(made)
    row: dict[str, object] = {
        "group": name, "suppressed": n < floor, "changes_suppressed": n_discussed < floor,
        **dict.fromkeys(("n_people", "n_discussed", "n_raised", "n_lowered")),
        **dict.fromkeys(_GROUP_NUMBERS, float("nan")),
    }  # fmt: skip
    if n < floor:
        return row
    row |= {"n_people": n, "n_discussed": n_discussed}
    row |= _share("discussed", n_discussed, n, level)
    if n_discussed < floor:
        return row
    n_raised, n_lowered = int((made > _SAME).sum()), int((made < -_SAME).sum())
    half = float(stats.t.ppf((1 + level) / 2, n_discussed - 1) * stats.sem(made))
    mean = float(made.mean())
    known = half > _SAME
    return row | {
        "n_raised": n_raised, "n_lowered": n_lowered,
        **_share("raised", n_raised, n_discussed, level),
        **_share("lowered", n_lowered, n_discussed, level),
        "mean_change": mean,
        "change_low": mean - half if known else float("nan"),
        "change_high": mean + half if known else float("nan"),
    }  # fmt: skip


def _share(name: str, hits: int, n: int, level: float) -> dict[str, float]:
    low, high = proportion_confint(hits, n, 1 - level, method="wilson")
    return {
        f"share_{name}": hits / n,
        f"{name}_low": min(float(low), hits / n),
        f"{name}_high": max(float(high), hits / n),
    }


def _selection_gap(one: pd.Series, two: pd.Series, level: float) -> dict[str, object]:
    """Compare the shares that were discussed."""
    hits = np.array([one.notna().sum(), two.notna().sum()], dtype=int)
    n = np.array([len(one), len(two)], dtype=int)
    low, high = confint_proportions_2indep(
        hits[0], n[0], hits[1], n[1], method="newcomb", compare="diff", alpha=1 - level
    )
    p_value = float(stats.fisher_exact([hits, n - hits]).pvalue)
    gap = float(hits[0] / n[0] - hits[1] / n[1])
    return _gap(gap, float(low), float(high), p_value)


def _change_gap(one: pd.Series, two: pd.Series, floor: int, level: float) -> dict[str, object]:
    """Compare the mean changes of the people decided on."""
    x, y = one.dropna().to_numpy(dtype=float), two.dropna().to_numpy(dtype=float)
    if min(len(x), len(y)) < floor:
        return _no_gap(
            msg("The session decided on fewer than {floor} people of a group.", floor=floor)
        )
    if np.ptp(x) < _SAME and np.ptp(y) < _SAME:
        return _no_gap(msg("All changes within each group are the same, so there is no interval."))
    found = stats.ttest_ind(x, y, equal_var=False)
    low, high = found.confidence_interval(level)
    return _gap(float(x.mean() - y.mean()), float(low), float(high), float(found.pvalue))


def _gap(gap: float, low: float, high: float, p_value: float) -> dict[str, object]:
    return {
        "gap": gap, "ci_low": low, "ci_high": high, "p_value": p_value,
        "cannot_rule_out": max(abs(low), abs(high)), "reason": None,
    }  # fmt: skip


def _no_gap(reason: Message) -> dict[str, object]:
    names = ("gap", "ci_low", "ci_high", "p_value", "cannot_rule_out")
    return {**dict.fromkeys(names, float("nan")), "reason": reason}


def _with_verdict(gaps: pd.DataFrame) -> pd.DataFrame:
    q_value = benjamini_hochberg(gaps["p_value"])
    found = ((gaps["ci_low"] > 0) | (gaps["ci_high"] < 0)) & (q_value <= _RATE)
    verdict = pd.Series(np.where(found, GAP, NO_GAP_FOUND), index=gaps.index, dtype=object)
    return gaps.assign(
        q_value=q_value,
        verdict=verdict.where(gaps["gap"].notna(), None),
        reason=gaps["reason"].astype(object),
    )
