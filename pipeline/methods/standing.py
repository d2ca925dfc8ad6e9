"""With whom can a person be compared, and where does the person stand among them?

Model: none; a score is the weighted mean over criteria of the mean over raters. A criterion
without a weight counts as the average of the weights given (all without: equal). Criteria that a
subject was not rated on are left out and the others reweighted.

Comparable people share job level and job family. Groups below the floor are merged with the
nearest wider group, always in the same way:

1. families below the floor are taken together within their level; if they are still too few,
   they join the smallest family of that level;
2. a level below the floor as a whole joins the adjacent level (levels in natural order), the
   smaller neighbour first, the lower one at a tie; there it joins the group that holds most
   people of its families, else the smallest;
3. what remains is one group. People without a job level are adjacent to nobody and stay apart;
   where nobody has a level or family, all are one group.

Source: the smallest group follows vivainsights' ``mingroup`` convention.

Assumes that levels sort in natural order ("9" before "10"). Raw means are compared: severity of
raters is not taken out, so in an unlinked design a position also says who the rater was. An
earlier score is the plain mean over raters and criteria of that cycle, unweighted, of the last
earlier cycle that occurs for these people; with unequal weights or other criteria a change also
holds that difference. Mean and SD beside a person are those of the others. It cannot tell whether a
difference in position is more than chance.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import NotEstimable, msg

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Each subject beside comparable ones.

    Attributes
    ----------
    subjects
        One row per subject, ordered by identifier: subject_id, employee_id, score (weighted mean
        over criteria of the mean over raters, scale points; missing if all criteria rated have
        weight 0), n_raters, n_ratings, spread (largest difference, in scale points and 0 or more,
        between two raters' means over the criteria both rated; missing with one rater), group
        (number of the comparable group), position (1 = highest score in the group, ties share the
        middle rank; missing below the floor), previous (score in the last earlier cycle, missing
        without one), change (score minus previous), n_others, others_mean, others_sd (subjects of
        other people in the group, their mean and SD; missing below the floor, the SD with one).
    groups
        One row per comparable group: group (from 0, by level and family), label (levels and
        families it holds, such as "B · Verkoop"; empty where nobody has either), job_levels,
        job_families (tuples), n (people), mean, sd (of the scores; missing with one), merged
        (bool: made of groups too small by themselves), shown (bool: n reaches the floor).
    earlier
        One row per employee and earlier cycle, oldest cycle first: employee_id, cycle, score
        (weighted as the score of now; missing if all criteria rated have weight 0).
    floor
        Smallest group within which a position is given.
    """

    subjects: pd.DataFrame
    groups: pd.DataFrame
    earlier: pd.DataFrame
    floor: int


def estimate_standing(
    ratings: pd.DataFrame,
    *,
    employees: pd.DataFrame,
    criteria: pd.DataFrame,
    history: pd.DataFrame,
    floor: int = 5,
    cycle_order: list[str] | None = None,
) -> Standing:
    """Score every subject and place it among comparable people.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    employees
        employee_id, job_level and job_family; people, levels and families may be missing.
    criteria
        criterion_id and weight; criteria and weights may be missing.
    history
        Judgements of earlier cycles: employee_id, cycle, criterion_id, score; weighted alike.
    floor
        Smallest group within which a position is given.
    cycle_order
        Cycles, oldest first; by name where not given.

    Returns
    -------
    Standing

    Raises
    ------
    NotEstimable
        There are no ratings, all weights are 0, or one subject belongs to several people.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    owner = rated.drop_duplicates(["subject_id", "employee_id"])
    if owner["subject_id"].duplicated().any():
        raise NotEstimable(
            msg("The same conversation number is used for several people, so scores would mix.")
        )
    owner = owner.set_index("subject_id")["employee_id"].sort_index()
    scores = _scores(rated, criteria)
    if scores.isna().all():
        raise NotEstimable(
            msg("All criteria have weight 0. Give at least one criterion a weight above 0.")
        )
    by_subject = rated.groupby("subject_id", sort=True)
    subjects = pd.DataFrame(
        {
            "subject_id": pd.Series(owner.index),
            "employee_id": owner.to_numpy(),
            "score": scores.reindex(owner.index).to_numpy(),
            "n_raters": by_subject["rater_id"].nunique().to_numpy(),
            "n_ratings": by_subject.size().to_numpy(),
            "spread": _spreads(rated).reindex(owner.index).to_numpy(),
        }
    )
    subjects["employee_id"] = subjects["employee_id"].astype(rated["employee_id"].dtype)
    people = subjects["employee_id"].drop_duplicates().sort_values()
    grouped = _comparable_groups(people, employees, floor)
    member = {person: number for number, group in enumerate(grouped) for person in group.people}
    subjects["group"] = subjects["employee_id"].map(member).astype("int64")
    large = np.array([len(group.people) >= floor for group in grouped])
    # sums in another order differ in the last digit, which is no difference in position
    rank = subjects["score"].round(9).groupby(subjects["group"]).rank(ascending=False)
    subjects["position"] = rank.where(large[subjects["group"]])
    earlier = _earlier(history, criteria, cycle_order)
    last = earlier.loc[earlier["cycle"].eq(earlier["cycle"].iloc[-1])] if len(earlier) else earlier
    previous = last.set_index("employee_id")["score"]
    subjects["previous"] = subjects["employee_id"].map(previous).astype("float64")
    subjects["change"] = subjects["score"] - subjects["previous"]
    others = beside_others(subjects["score"], subjects["group"], subjects["employee_id"])
    others.loc[~large[subjects["group"]]] = np.nan
    subjects = subjects.join(others)
    groups = _described(grouped, subjects, floor)
    return Standing(subjects=subjects, groups=groups, earlier=earlier, floor=floor)


def beside_others(score: pd.Series, group: pd.Series, person: pd.Series) -> pd.DataFrame:
    """Describe, for each score, those of the other people in the same group.

    Whoever is compared is left out: else somebody far from a small group pulls the mean along,
    widens the SD, and seems closer than he or she is.

    Parameters
    ----------
    score, group, person
        One row per subject, of one index; a score that is missing does not count.

    Returns
    -------
    pandas.DataFrame
        On that index: n_others (scores), others_mean, others_sd (missing where too few).
    """
    own = [group, person]
    # around the mean of the group, so that sums of squares lose no digits
    centre = score.groupby(group).transform("mean")
    away = score - centre

    def rest(of: pd.Series) -> pd.Series:
        return of.groupby(group).transform("sum") - of.groupby(own).transform("sum")

    n = rest(score.notna().astype("float64"))
    shift = rest(away) / n.where(n > 0)
    squares = (rest(away**2) - n * shift**2).round(9).clip(lower=0)
    return pd.DataFrame(
        {
            "n_others": n,
            "others_mean": centre + shift,
            "others_sd": (squares / (n - 1).where(n > 1)) ** 0.5,
        }
    )


def _scores(rated: pd.DataFrame, criteria: pd.DataFrame) -> pd.Series:
    """Weighted mean over criteria of the mean over raters, by subject; missing without weight."""
    means = rated.groupby(["subject_id", "criterion_id"])["score"].mean().reset_index()
    used = pd.Index(means["criterion_id"].unique())
    weight = _weights(used, criteria)
    means["weight"] = means["criterion_id"].map(weight).astype("float64")
    means["part"] = means["score"] * means["weight"]
    sums = means.groupby("subject_id")[["part", "weight"]].sum()
    return sums["part"] / sums["weight"].where(sums["weight"] > 0)


def _weights(used: pd.Index, criteria: pd.DataFrame) -> pd.Series:
    """Weight of each criterion in use, 0 or more."""
    if "weight" not in criteria:
        return pd.Series(1.0, index=used)
    known = criteria.drop_duplicates("criterion_id").set_index("criterion_id")["weight"]
    weight = known.reindex(used).astype("float64")
    given = weight[weight > 0]
    return weight.fillna(given.mean() if len(given) else 1.0)


def _spreads(rated: pd.DataFrame) -> pd.Series:
    """Largest difference between two raters' means over criteria both rated, by subject."""
    cells = rated.groupby(["subject_id", "rater_id", "criterion_id"])["score"].mean().reset_index()
    of_rater = cells.groupby(["subject_id", "rater_id"])["score"].agg(["mean", "size"])
    per_subject = of_rater.groupby("subject_id").agg(
        low=("mean", "min"), high=("mean", "max"), n=("mean", "size"), least=("size", "min")
    )
    n_criteria = cells.groupby("subject_id")["criterion_id"].nunique()
    spread = (per_subject["high"] - per_subject["low"]).where(per_subject["n"] > 1)
    incomplete = (per_subject["least"] < n_criteria) & (per_subject["n"] > 1)
    some = cells[cells["subject_id"].map(incomplete).astype(bool)]
    if len(some):
        of_rater = pd.factorize(some["rater_id"])[0]
        of_criterion = pd.factorize(some["criterion_id"])[0]
        of_subject, subjects = pd.factorize(some["subject_id"], sort=True)
        score = some["score"].to_numpy(dtype=float)
        table = np.full((of_rater.max() + 1, of_criterion.max() + 1), np.nan)
        gaps = []
        for number in range(len(subjects)):
            own = of_subject == number
            given = table.copy()
            given[of_rater[own], of_criterion[own]] = score[own]
            gaps.append(_largest_gap(given[~np.isnan(given).all(axis=1)]))
        spread.loc[subjects] = gaps
    return spread


def _largest_gap(table: FloatArray) -> float:
    """Largest difference of two rows' means over the columns both have; missing if none."""
    given = (~np.isnan(table)).astype(float)
    filled = np.nan_to_num(table)
    common = given @ given.T
    np.fill_diagonal(common, 0)
    own = filled @ given.T
    gap = np.abs(own - own.T) / np.where(common > 0, common, np.nan)
    return float(np.nanmax(gap)) if common.any() else float("nan")


@dataclass
class _Group:
    """People of one or more level × family cells."""

    levels: set[str] = field(default_factory=set)
    families: Counter[str | None] = field(default_factory=Counter)
    people: list[str] = field(default_factory=list)
    n_cells: int = 0

    def __len__(self) -> int:
        return len(self.people)

    def join(self, other: _Group) -> None:
        self.levels |= other.levels
        self.families += other.families
        self.people += other.people
        self.n_cells += other.n_cells


def _comparable_groups(people: pd.Series, employees: pd.DataFrame, floor: int) -> list[_Group]:
    """Divide people into groups of at least ``floor`` where that is possible."""
    known = employees.drop_duplicates("employee_id").set_index("employee_id")
    known = known.reindex(index=pd.Index(people), columns=["job_level", "job_family"])
    cells: dict[Any, dict[Any, _Group]] = {}
    for person, level, family in known.itertuples():
        level, family = (None if pd.isna(one) else str(one) for one in (level, family))
        cell = cells.setdefault(level, {}).setdefault(family, _Group(n_cells=1))
        if level is not None:
            cell.levels.add(level)
        cell.families[family] += 1
        cell.people.append(person)
    bands = [
        _within_level([families[f] for f in sorted(families, key=_natural)], floor)
        for _, families in sorted(cells.items(), key=lambda item: _natural(item[0]))
    ]
    unknown = [bands.pop()] if None in cells else []  # a missing level sorts last
    _merge_levels(bands, floor)
    groups = [group for band in bands + unknown for group in band]
    return sorted(groups, key=_place)


def _place(group: _Group) -> Any:
    # a group of several cells comes after those with which it shares its lowest level
    level = min(map(_natural, group.levels), default=_natural(None))
    family = min(map(_natural, group.families))
    return level, group.n_cells > 1, family


def _within_level(families: list[_Group], floor: int) -> list[_Group]:
    """Take families below the floor together, and with the smallest other if still too few."""
    large = [group for group in families if len(group) >= floor]
    small = [group for group in families if len(group) < floor]
    if not small:
        return large
    pool = small[0]
    for group in small[1:]:
        pool.join(group)
    if large and len(pool) < floor:
        min(large, key=len).join(pool)
        return large
    return [*large, pool]


def _merge_levels(bands: list[list[_Group]], floor: int) -> None:
    """Join levels below the floor to an adjacent one until none is left, in place."""

    def size(band: list[_Group]) -> int:
        return sum(len(group) for group in band)

    while len(bands) > 1 and min(map(size, bands)) < floor:
        at = min(range(len(bands)), key=lambda i: size(bands[i]))
        near = [i for i in (at - 1, at + 1) if 0 <= i < len(bands)]
        to = min(near, key=lambda i: size(bands[i]))
        (own,) = bands[at]  # a level below the floor is one group
        shared = [sum((group.families & own.families).values()) for group in bands[to]]
        best = min(range(len(shared)), key=lambda i: (-shared[i], len(bands[to][i])))
        bands[to][best].join(own)
        del bands[at]


def _natural(label: str | None) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Key that sorts "9" before "10", and missing last."""
    if label is None:
        return True, []
    parts = re.split(r"([0-9]+)", label)
    return False, [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts if p]


def _described(grouped: list[_Group], subjects: pd.DataFrame, floor: int) -> pd.DataFrame:
    levels = [tuple(sorted(group.levels, key=_natural)) for group in grouped]
    families = [
        tuple(sorted((f for f in group.families if f is not None), key=_natural))
        for group in grouped
    ]
    by_group = subjects["score"].groupby(subjects["group"])
    numbers = range(len(grouped))
    return pd.DataFrame(
        {
            "group": numbers,
            "label": pd.Series(
                [
                    " · ".join(", ".join(part) for part in both if part)
                    for both in zip(levels, families, strict=True)
                ],
                dtype="str",
            ),
            "job_levels": levels,
            "job_families": families,
            "n": [len(group) for group in grouped],
            "mean": by_group.mean().reindex(numbers).to_numpy(),
            "sd": by_group.std().reindex(numbers).to_numpy(),
            "merged": [group.n_cells > 1 for group in grouped],
            "shown": [len(group) >= floor for group in grouped],
        }
    )


def _earlier(
    history: pd.DataFrame, criteria: pd.DataFrame, cycle_order: list[str] | None
) -> pd.DataFrame:
    """Score per employee in each earlier cycle, weighted as the score of now."""
    known = history.loc[history["score"].notna()] if len(history) else history
    rank = {cycle: i for i, cycle in enumerate(cycle_order or [])}
    found = [pd.DataFrame({"employee_id": [], "cycle": [], "score": []})]
    for cycle in sorted(set(known["cycle"]), key=lambda one: (rank.get(one, -1), _natural(one))):
        rated = known.loc[known["cycle"].eq(cycle)]
        # of conversations the mean over all of an employee's
        score = _scores(rated.assign(subject_id=rated["employee_id"]), criteria)
        found.append(score.rename_axis("employee_id").reset_index(name="score").assign(cycle=cycle))
    return pd.concat(found[1:] or found, ignore_index=True)
