"""Are there groups of people whose ratings over the criteria follow another pattern?

No structure is the default: one profile, unless four conditions all hold.

Model: a subject's scores (per criterion the mean over raters) come from one of k normal
distributions with means of their own and one shared covariance, so that a general factor (people
who score high tend to do so on every criterion) is not a profile in itself. More than one profile
is claimed only if

1. BIC improves on one component by more than 10 (Kass & Raftery 1995: "very strong");
2. the gap statistic with the one-standard-error rule counts more than one cluster
   (Tibshirani, Walther & Hastie 2001);
3. the likelihood ratio of k against one component is larger than in data drawn from the fitted
   one-component model seen through the scale as it was used: its steps, ceiling and skew
   (McLachlan 1987), p < .05;
4. each cluster returns when subjects are drawn anew: mean Jaccard >= .75 (Hennig 2007).

They are tried in this order and the first that fails ends the search. Silhouettes are not used:
they cannot say "one" (8 clusters on both `nostructure` files).

Assumes that people are rated independently of each other and that a score is missing for reasons
unrelated to its height (missing scores are integrated out by EM, no subject is dropped for them).

Cannot tell why profiles differ: a profile may come from the raters (their severity or halo) or
from the jobs, as well as from the people. "No profiles" is not proof that all follow one pattern:
small groups, or small differences, are not found. A gradual difference is not a profile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.errors import Message, NotEstimable, WrongUse, msg
from pipeline.numerics.cluster_search import search_clusters
from pipeline.numerics.k_means import FloatArray, IntArray
from pipeline.numerics.mixture import Layout
from pipeline.numerics.mixture_checks import Lattice

FEWEST_SUBJECTS, FEWEST_CRITERIA = 30, 2
FEWEST_SCORES = 10
"""Subjects with a score that a criterion needs to take part."""

MOST_PROFILES, FEWEST_MEMBERS = 5, 5
NOTABLE = 0.3
"""Scale points from the overall mean that are worth a word: the practical size of section 3."""

_FEWEST_DRAWS = 39
_LEAST_VARIANCE = 0.01  # of the mean variance of a criterion, in any direction within a profile


@dataclass(frozen=True)
class Profiles:
    """Profiles of ratings over criteria; ``n_profiles`` is 1 where no structure is claimed.

    Attributes
    ----------
    n_profiles
        Number of profiles; 1 means that no structure was found.
    members
        subject_id, profile (0 = the largest), p (posterior probability 0-1 of membership).
    profiles
        One row per profile × criterion: profile, n, criterion_id, mean (scale points; missing
        where no member has a score), difference (profile mean minus mean over all, scale points).
    description
        Per profile what sets it apart, as messages, in order of profile. ``{higher}`` and
        ``{lower}`` hold criterion ids joined by ", ", largest difference first.
    checks
        The four conditions in order: name (``"bic_gain"``, ``"gap_clusters"``, ``"bootstrap_p"``,
        ``"jaccard"`` of the least stable profile), value, threshold, passed (bool). After the
        first that fails the others are not needed: value missing, passed False.
    n_subjects, n_criteria
        Subjects and criteria that took part: criteria with at least 10 scores that differ, and
        subjects with a score on one of these.
    """

    n_profiles: int
    members: pd.DataFrame
    profiles: pd.DataFrame
    description: tuple[Message, ...]
    checks: pd.DataFrame
    n_subjects: int
    n_criteria: int


@dataclass(frozen=True)
class _Table:
    """Subjects × criteria, both in an order that depends on the scores and not on their names."""

    scores: pd.DataFrame
    x: FloatArray
    layout: Layout
    lattice: Lattice
    floor: float


def estimate_profiles(ratings: pd.DataFrame, *, seed: int = 1, n_bootstrap: int = 199) -> Profiles:
    """Look for profiles over criteria; the default answer is that there is one.

    Parameters
    ----------
    ratings
        One row per rater × subject × criterion: subject_id, rater_id, criterion_id, score.
        The order of rows, and how subjects, raters and criteria are named, do not matter.
    seed
        Of the random draws: the same seed gives the same answer.
    n_bootstrap
        Data sets drawn for the likelihood ratio; at least 39. At most 50 for the stability.

    Returns
    -------
    Profiles

    Raises
    ------
    NotEstimable
        Fewer than 30 subjects, fewer than 2 criteria, or no differences to explain.
    """
    if n_bootstrap < _FEWEST_DRAWS:
        raise WrongUse(
            msg(
                "Profiles need at least {needed} bootstrap draws; {n} were asked for.",
                needed=_FEWEST_DRAWS,
                n=n_bootstrap,
            )
        )
    table = _table(ratings)
    found = search_clusters(
        table.x,
        table.layout,
        table.lattice,
        table.floor,
        most=min(MOST_PROFILES, len(table.x) // 15),
        fewest_members=FEWEST_MEMBERS,
        seed=seed,
        n_bootstrap=n_bootstrap,
    )
    ids = table.scores.index
    members = pd.DataFrame({"subject_id": ids, "profile": found.group, "p": found.posterior})
    profiles = _profile_means(table.scores, found.group)
    return Profiles(
        n_profiles=int(found.group.max()) + 1,
        members=members.sort_values("subject_id", ignore_index=True),
        profiles=profiles,
        description=_describe(profiles),
        checks=pd.DataFrame(found.checks, columns=["name", "value", "threshold", "passed"]),
        n_subjects=len(ids),
        n_criteria=table.x.shape[1],
    )


def _table(ratings: pd.DataFrame) -> _Table:
    rated = ratings.dropna(subset=["score"])
    if rated.duplicated(["subject_id", "rater_id", "criterion_id"]).any():
        raise NotEstimable(
            msg("Some raters scored the same subject twice on a criterion; keep one of the scores.")
        )
    cells = rated.groupby(["subject_id", "criterion_id"], observed=True)["score"]
    # rounded, for means of equal scores may differ in their last digit
    scores = cells.mean().unstack().astype("float64").round(9)
    _refuse_too_few(len(scores))
    if scores.shape[1] < FEWEST_CRITERIA:
        raise NotEstimable(
            msg(
                "A profile is a pattern over criteria, so at least {needed} are needed; "
                "there is {n}.",
                needed=FEWEST_CRITERIA,
                n=scores.shape[1],
            )
        )
    used = scores.loc[:, (scores.count() >= FEWEST_SCORES) & (scores.nunique() > 1)]
    used = used.loc[used.notna().any(axis=1)]
    if used.shape[1] < FEWEST_CRITERIA:
        raise NotEstimable(
            msg(
                "There are too few differences between people: at least {needed} criteria on "
                "which scores differ are needed to see a pattern.",
                needed=FEWEST_CRITERIA,
            )
        )
    _refuse_too_few(len(used))
    n_raters = cells.count().unstack().loc[used.index, used.columns].to_numpy(dtype="float64")
    points = np.unique(np.round(rated["score"].to_numpy(dtype="float64"), 9))
    step = float(np.diff(points).min())
    # Shifted to mean 0 and rounded, so that a shifted scale gives the same numbers to the digit.
    middle = np.nanmean(used.to_numpy(), axis=0)
    values = np.round(used.to_numpy() - middle, 9)
    columns = sorted(range(values.shape[1]), key=lambda j: np.sort(values[:, j]).tolist())
    values = values[:, columns]
    observed = ~np.isnan(values)
    rows = np.lexsort([*np.where(observed, values, 0.0).T, *observed.T])
    values, observed = values[rows], observed[rows]
    # The mean of m scores that were rounded to this step has at least this much variance.
    rounding = step**2 / 12 * float(np.nanmean(1 / n_raters))
    return _Table(
        scores=scores.loc[used.index[rows]],
        x=np.where(observed, values, 0.0),
        layout=Layout.of(observed),
        lattice=Lattice(
            np.round(points[0] - middle[columns], 9),
            step / np.nan_to_num(n_raters, nan=1.0)[rows][:, columns],
        ),
        floor=max(rounding, _LEAST_VARIANCE * float(np.nanvar(values, axis=0).mean())),
    )


def _refuse_too_few(n: int) -> None:
    if n < FEWEST_SUBJECTS:
        raise NotEstimable(
            msg(
                "Profiles need at least {needed} rated subjects; there are {n}.",
                needed=FEWEST_SUBJECTS,
                n=n,
            )
        )


def _profile_means(scores: pd.DataFrame, group: IntArray) -> pd.DataFrame:
    overall = scores.mean()
    parts = []
    for profile in range(int(group.max()) + 1):
        mine = scores.loc[group == profile]
        mean = mine.mean()
        parts.append(
            pd.DataFrame(
                {
                    "profile": profile,
                    "n": len(mine),
                    "criterion_id": scores.columns,
                    "mean": mean.to_numpy(),
                    "difference": (mean - overall).to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _describe(profiles: pd.DataFrame) -> tuple[Message, ...]:
    if profiles["profile"].max() == 0:
        return (msg("One profile: no group of people with a pattern of its own was found."),)
    return tuple(_sets_apart(part) for _, part in profiles.groupby("profile"))


def _sets_apart(part: pd.DataFrame) -> Message:
    ranked = part.sort_values(["difference", "criterion_id"])
    # differences are sums of scores: 0.3 may arrive as 0.29999999
    size = ranked["difference"].round(9)
    lower = ", ".join(ranked.loc[size <= -NOTABLE, "criterion_id"].astype(str))
    higher = ", ".join(ranked.loc[size >= NOTABLE, "criterion_id"].astype(str)[::-1])
    if higher and lower:
        return msg(
            "Higher than the overall average on {higher}; lower on {lower}.",
            higher=higher,
            lower=lower,
        )
    if higher:
        return msg("Higher than the overall average on {higher}.", higher=higher)
    if lower:
        return msg("Lower than the overall average on {lower}.", lower=lower)
    return msg("Close to the overall average on every criterion.")
