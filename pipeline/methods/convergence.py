"""Did a session bring managers closer together, and how far do raters agree over the cycles?

Three things, none of which says that a session worked:

spread    Standard deviation of managers' mean scores (each of the own people's overall scores)
          before and after the session, paired. After: a decision on all criteria together moves
          the person's overall score by what was decided; a decision on one criterion moves it by
          that criterion's share of the weight; where both were decided the former counts alone.
          Differences are put in place, not levels, for a form may round what it shows. The ratio
          has the interval of Pitman and Morgan for two correlated variances, managers as units;
          three managers' means must have moved, or one decision would carry the verdict.
distance  Mean distance of raters' scores from the score that the session decided on, over people
          or conversations, with a t interval over them (cut at 0). Zero means that the session
          confirmed what all had given. Afterwards one score holds, so raters then agree by
          construction: there is no agreement "after".
cycles    Per cycle, before its session: ICC(A,1) of raters' means of the subjects they share, the
          share of pairs of raters within one point, and the standard deviation of raters.

Sources: Morgan (1939), Biometrika 31, 13-19; Pitman (1939), Biometrika 31, 9-12; McGraw & Wong
(1996), Psychol. Methods 1, 30-46.

Assumes managers' means near to normal, and that managers are a sample of those who might sit there.
Where each person has one manager's ratings only, the spread holds true differences between teams
as well as severity: nothing here tells them apart. It cannot tell whether the score that was
decided is right, and managers who come closer together need not judge better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.agreement_by_cycle import agreement_by_cycle
from pipeline.numerics.paired_spread import spread_ratio

LEAST_MANAGERS, LEAST_MOVED, LEAST_PEOPLE, LEAST_DECIDED = 4, 3, 2, 5
_SAME = 1e-9


@dataclass(frozen=True)
class Spread:
    """Standard deviation of managers' means before and after, in scale points.

    Attributes
    ----------
    before, after
        0 or more.
    ratio, ratio_low, ratio_high
        After divided by before, below 1 = closer together, with its interval.
    n_managers, n_people
        Managers with at least two rated people, and these people.
    """

    before: float
    after: float
    ratio: float
    ratio_low: float
    ratio_high: float
    n_managers: int
    n_people: int


@dataclass(frozen=True)
class Distance:
    """Mean distance of raters from the decided score, in scale points.

    Attributes
    ----------
    mean, low, high
        0 or more, with its interval.
    n_subjects, n_scores
        People or conversations decided on, and the scores that were compared.
    """

    mean: float
    low: float
    high: float
    n_subjects: int
    n_scores: int


@dataclass(frozen=True)
class Convergence:
    """How close together managers and raters are.

    Attributes
    ----------
    spread
        Or the reason why there is none.
    distance
        Or the reason why there is none.
    cycles
        Agreement before each session; see `numerics.agreement_by_cycle`.
    nested
        Whether nobody was rated by two raters in the last cycle: teams and severity are one then.
    level
        Confidence level of the intervals.
    """

    spread: Spread | Message
    distance: Distance | Message
    cycles: pd.DataFrame
    nested: bool
    level: float


def estimate_convergence(
    ratings: pd.DataFrame,
    *,
    decisions: pd.DataFrame,
    managers: pd.Series,
    cycle_order: list[str],
    weights: pd.Series | None = None,
    overall: str = "overall",
    level: float = 0.95,
) -> Convergence:
    """Compare managers before and after a session, and raters over the cycles.

    Parameters
    ----------
    ratings
        As given before the sessions: cycle, subject_id, rater_id, criterion_id, score. Decisions
        are about subjects of the last cycle.
    decisions
        subject, criterion_id, outcome, score_before, score_after.
    managers
        Manager by subject_id; empty where the question does not arise (conversations).
    cycle_order
        Cycles of the ratings, oldest first; the last is the session's own.
    weights
        Weight by criterion_id in the overall score; equal where not given.
    overall
        What stands for all criteria together in ``decisions``.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        There are no ratings of the session's own cycle.
    """
    rated = ratings[ratings["score"].notna()]
    rated = rated.assign(cycle=rated["cycle"].astype(str))
    own = rated[rated["cycle"] == cycle_order[-1]] if cycle_order else rated.iloc[:0]
    if own.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    decided = decisions[decisions["outcome"].isin(["upheld", "adjusted"])]
    decided = decided.dropna(subset=["score_before", "score_after"])
    return Convergence(
        spread=_spread(own, decided, managers, weights, overall, level),
        distance=_distance(own, decided, overall, level),
        cycles=agreement_by_cycle(rated, cycle_order, level),
        nested=bool((own.groupby("subject_id")["rater_id"].nunique() < 2).all()),
        level=level,
    )


# managers, before and after ----------------------------------------------------------------


def _spread(
    own: pd.DataFrame, decided: pd.DataFrame, managers: pd.Series, weights: pd.Series | None,
    overall: str, level: float,
) -> Spread | Message:  # fmt: skip
    if managers.empty:
        return msg("This session is about conversations, so no manager's team is compared.")
    means = own.groupby(["subject_id", "criterion_id"])["score"].mean().reset_index()
    weight = _weight(means["criterion_id"], weights)
    means = means.assign(weight=weight, part=means["score"] * weight)
    sums = means.groupby("subject_id")[["part", "weight"]].sum()
    sums = sums[sums["weight"] > 0]
    people = pd.DataFrame({"before": sums["part"] / sums["weight"]})
    shift = _shifts(decided, means, sums["weight"], overall)
    people["after"] = people["before"] + shift.reindex(people.index).fillna(0.0)
    people["manager"] = people.index.map(managers)
    people = people.dropna(subset=["manager"])
    grouped = people.groupby("manager", sort=True)
    sizes = grouped.size()
    teams = grouped[["before", "after"]].mean()[sizes >= LEAST_PEOPLE]
    if len(teams) < LEAST_MANAGERS:
        return msg(
            "Managers with at least {people} rated people: {n}. {least} are needed to say whether"
            " managers came closer together.",
            people=LEAST_PEOPLE,
            n=len(teams),
            least=LEAST_MANAGERS,
        )
    x, y = teams["before"].to_numpy(dtype=float), teams["after"].to_numpy(dtype=float)
    n_moved = int((np.abs(y - x) > _SAME).sum())
    if not n_moved:
        return msg("The session changed no manager's mean, so there is nothing to compare.")
    if n_moved < LEAST_MOVED:
        # one mean that moves is as sure a change of spread as that manager is far from the others
        return msgn(
            "The session changed the mean of {n} manager. {least} are needed to say whether"
            " managers came closer together.",
            "The session changed the means of {n} managers. {least} are needed to say whether"
            " managers came closer together.",
            n_moved,
            least=LEAST_MOVED,
        )
    if min(x.std(), y.std()) < _SAME:
        return msg("All managers' means are the same, so their spread has no ratio.")
    found = spread_ratio(x, y, n_units=len(teams), level=level)
    return Spread(
        before=float(x.std(ddof=1)),
        after=float(y.std(ddof=1)),
        ratio=found.ratio,
        ratio_low=found.low,
        ratio_high=found.high,
        n_managers=len(teams),
        n_people=int(sizes[sizes >= LEAST_PEOPLE].sum()),
    )


def _weight(criterion: pd.Series, weights: pd.Series | None) -> pd.Series:
    """Weigh each row; a criterion without a weight counts as much as the others do on average."""
    if weights is None:
        return pd.Series(1.0, index=criterion.index)
    known = weights.astype("float64")
    given = known[known > 0]
    found = criterion.map(known).astype("float64")
    return found.fillna(given.mean() if len(given) else 1.0)


def _shifts(
    decided: pd.DataFrame, means: pd.DataFrame, total: pd.Series, overall: str
) -> pd.Series:
    """By how much the decisions move each person's overall score."""
    change = (decided["score_after"] - decided["score_before"]).astype(float)
    rows = pd.DataFrame(
        {
            "subject_id": decided["subject"].astype(str),
            "criterion_id": decided["criterion_id"].astype(str),
            "change": change,
        }
    )
    on_all = rows[rows["criterion_id"] == overall].groupby("subject_id")["change"].mean()
    one = rows[rows["criterion_id"] != overall].merge(
        means[["subject_id", "criterion_id", "weight"]], on=["subject_id", "criterion_id"]
    )
    share = one["weight"] / one["subject_id"].map(total).astype("float64")
    on_one = (one["change"] * share).groupby(one["subject_id"]).sum()
    return pd.concat([on_all, on_one[~on_one.index.isin(on_all.index)]])


# raters, from what was decided --------------------------------------------------------------


def _distance(
    own: pd.DataFrame, decided: pd.DataFrame, overall: str, level: float
) -> Distance | Message:
    keys = ["subject_id", "rater_id"]
    each = own.assign(subject_id=own["subject_id"].astype(str))
    together = each.groupby(keys)["score"].mean().reset_index().assign(criterion_id=overall)
    given = pd.concat([each[[*keys, "criterion_id", "score"]], together], ignore_index=True)
    wanted = decided[["subject", "criterion_id", "score_after"]].rename(
        columns={"subject": "subject_id"}
    )
    both = given.merge(wanted, on=["subject_id", "criterion_id"])
    away = (both["score"] - both["score_after"]).abs()
    per = away.groupby(both["subject_id"], sort=True).mean().to_numpy(dtype=float)
    if len(per) < LEAST_DECIDED:
        return msg(
            "Decided in this session and rated before it: {n}. {least} are needed to say how far"
            " raters were from what was decided.",
            n=len(per),
            least=LEAST_DECIDED,
        )
    if np.ptp(per) < _SAME:
        return msg("Raters were equally far from every decided score, so there is no interval.")
    mean = float(per.mean())
    half = float(stats.t.ppf((1 + level) / 2, len(per) - 1) * stats.sem(per))
    return Distance(mean, max(mean - half, 0.0), mean + half, len(per), len(both))
