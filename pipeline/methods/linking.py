"""Who should rate which shared cases so that raters become comparable, and what would it buy?

Two ways are worked out. *Second ratings*: in every round each rater also rates one person of
another rater, in a ring: the first round goes to the next rater and by itself links all, later
rounds go to raters further on. Nobody rates himself or herself, nor somebody by whom he or she
was rated, and second ratings are spread evenly over people. *Shared cases*: all raters score the
same invented cases (vignettes).

The precision is exact for the variances stated, for severities estimated as the workbench does
(``score ~ 1 + (1|subject) + (1|rater)``) while true levels of teams differ too: the expected
error of a severity around the mean of all raters, the reliability of severities, and which share
of a team's true level would be booked as the severity of its rater.

Sources: Henderson (1975), Biometrics 31, 423-447; Weeks & Williams (1964), Technometrics 6,
319-324 (connected designs). Variances where these ratings give none: team .10, employee .45,
severity .15, error .30 (docs/methods.md).

Assumes one score per rater and person (the mean over criteria), variances as stated, and that
cases are rated as people are. It cannot tell whether the proposed raters know the people enough;
change the table where they do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.linking_precision import linking_precision

IntArray = npt.NDArray[np.intp]

PRESENT, SECOND_RATINGS, SHARED_CASES = "present", "second_ratings", "shared_cases"
ASSUMED = {"team": 0.10, "employee": 0.45, "severity": 0.15, "error": 0.30}
"""Variances in squared scale points of a five-point scale, where nothing better is known."""
_GOLDEN = 0.618034


@dataclass(frozen=True)
class Linking:
    """A design that links raters, and its worth.

    Attributes
    ----------
    proposals
        One row per extra rating: kind (``"second_ratings"`` or ``"shared_cases"``), round (from
        1: the first n rounds are the design of size n), rater_id (who rates), subject_id (whom;
        missing for a case), case (number of the case; missing for people), beside (the present
        rater of that person; missing for a case).
    plans
        One row per kind and size, the present ratings first: kind; size (extra ratings per
        rater); n_extra (in all); linked (bool: all raters hang together); se (root mean squared
        error of a severity, scale points) with se_low, se_high (best and worst rater);
        reliability (0-1); team_as_severity (share, about 0-1, of a team's true level that is
        booked as severity).
    variances
        One row per source of differences: source, variance (squared scale points), assumed
        (False where given).
    n_raters, n_subjects
        Raters in the design, and people they rated.
    """

    proposals: pd.DataFrame
    plans: pd.DataFrame
    variances: pd.DataFrame
    n_raters: int
    n_subjects: int


@dataclass(frozen=True)
class _Present:
    """Who rated whom, as codes; subjects and raters in order of their identifiers."""

    rater_ids: pd.Index
    subject_ids: pd.Index
    rater: IntArray
    subject: IntArray
    owner: IntArray
    forbidden: set[tuple[int, int]]


def estimate_linking(
    ratings: pd.DataFrame,
    *,
    variances: Mapping[str, float] | None = None,
    sizes: tuple[int, ...] = (1, 2, 3, 5, 8),
    most_raters: int = 400,
) -> Linking:
    """Propose shared ratings that link all raters, with the precision they would buy.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score, and of oneself, do not count.
    variances
        What is known of ``team``, ``employee``, ``severity`` and ``error`` (of a mean over
        criteria), squared scale points; the rest is assumed. ``severity`` and ``error`` above 0.
    sizes
        Numbers of extra ratings per rater to work out.
    most_raters
        No plan is made for more.

    Returns
    -------
    Linking

    Raises
    ------
    NotEstimable
        There is only one rater, so there is nobody to link; or there are more than
        ``most_raters``, of whom nobody would read such a table.
    """
    used = {**ASSUMED, **(variances or {})}
    present = _present(ratings)
    if len(present.rater_ids) > most_raters:
        raise NotEstimable(
            msg(
                "A plan of who rates whom is made for at most {most} raters; take a part of the"
                " department.",
                most=most_raters,
            )
        )
    rounds = max(sizes)
    seconds = _second_ratings(present, rounds)
    rows = [{"kind": PRESENT, "size": 0, **_worth(present, present.rater, present.subject, used)}]
    n_raters, n_subjects = len(present.rater_ids), len(present.subject_ids)
    for size in sorted(sizes):
        extra = seconds[seconds[:, 0] <= size]
        rows.append({"kind": SECOND_RATINGS, "size": size} | _extended(present, extra, used))
    every = np.arange(n_raters)
    cases = np.array([(k, r, n_subjects + k - 1) for k in range(1, rounds + 1) for r in every])
    for size in sorted(sizes):
        extra = cases[cases[:, 0] <= size]
        rows.append({"kind": SHARED_CASES, "size": size} | _extended(present, extra, used))
    return Linking(
        proposals=_table(present, seconds, cases),
        plans=pd.DataFrame(rows),
        variances=pd.DataFrame(
            {
                "source": list(used),
                "variance": list(used.values()),
                "assumed": [name not in (variances or {}) for name in used],
            }
        ),
        n_raters=n_raters,
        n_subjects=n_subjects,
    )


def _present(ratings: pd.DataFrame) -> _Present:
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    person = rated["employee_id" if "employee_id" in rated else "subject_id"]
    rated = rated.assign(person=person).loc[person != rated["rater_id"]]
    if rated["rater_id"].nunique() < 2:
        raise NotEstimable(msg("There is only one rater, so there is nobody to be linked with."))
    is_manager = (
        rated["rater_role"].eq("manager").fillna(False)
        if "rater_role" in rated
        else pd.Series(False, index=rated.index)
    )
    cells = rated.assign(later=~is_manager.astype(bool)).sort_values(
        ["subject_id", "later", "rater_id"]
    )
    cells = cells.drop_duplicates(["subject_id", "rater_id"])
    rater, rater_ids = pd.factorize(cells["rater_id"], sort=True)
    subject, subject_ids = pd.factorize(cells["subject_id"], sort=True)
    first = np.unique(subject, return_index=True)[1]
    # whom a rater may not rate: himself or herself, and who rated him or her
    as_rater = rater_ids.get_indexer(pd.Index(cells["person"].iloc[first]))
    rated_by = set(zip(as_rater[subject].tolist(), rater.tolist(), strict=True))
    forbidden = {
        (rater_code, subject_code)
        for subject_code, own in enumerate(as_rater.tolist())
        if own >= 0
        for rater_code in [own, *(r for r, by in rated_by if by == own)]
    }
    return _Present(rater_ids, subject_ids, rater, subject, rater[first], forbidden)


def _second_ratings(present: _Present, rounds: int) -> IntArray:
    """Extra ratings as rows of round, rater, subject: a ring that reaches further each round."""
    n_raters = len(present.rater_ids)
    done = set(zip(present.rater.tolist(), present.subject.tolist(), strict=True))
    done |= present.forbidden
    people: list[list[int]] = [[] for _ in range(n_raters)]
    for subject, owner in enumerate(present.owner.tolist()):
        people[owner].append(subject)
    load = np.bincount(present.subject, minlength=len(present.subject_ids)).tolist()
    rows = []
    for number in range(1, rounds + 1):
        reach = round((number - 1) * _GOLDEN * (n_raters - 1))
        for rater in range(n_raters):
            person = _next_person(rater, reach, people, done, load)
            if person is not None:
                done.add((rater, person))
                load[person] += 1
                rows.append((number, rater, person))
    return np.array(rows, dtype=np.intp).reshape(-1, 3)


def _next_person(
    rater: int,
    reach: int,
    people: list[list[int]],
    done: set[tuple[int, int]],
    load: list[int],
) -> int | None:
    """Return the least rated person of the first other rater who has one left."""
    n_raters = len(people)
    for step in range(n_raters - 1):
        other = (rater + 1 + (reach + step) % (n_raters - 1)) % n_raters
        free = [subject for subject in people[other] if (rater, subject) not in done]
        if free:
            return min(free, key=lambda subject: (load[subject], subject))
    return None


def _extended(present: _Present, extra: IntArray, used: Mapping[str, float]) -> dict[str, object]:
    rater = np.concatenate([present.rater, extra[:, 1]])
    subject = np.concatenate([present.subject, extra[:, 2]])
    return _worth(present, rater, subject, used) | {"n_extra": len(extra)}


def _worth(
    present: _Present, rater: IntArray, subject: IntArray, used: Mapping[str, float]
) -> dict[str, object]:
    n_raters, n_subjects = len(present.rater_ids), int(subject.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(rater)), (rater, n_raters + subject)), shape=(n_raters + n_subjects,) * 2
    )
    found = linking_precision(
        subject,
        rater,
        np.append(present.owner, np.full(n_subjects - len(present.owner), -1)),
        var_team=used["team"],
        var_subject=used["employee"],
        var_rater=used["severity"],
        var_error=used["error"],
    )
    return {
        "n_extra": 0,
        "linked": bool(csgraph.connected_components(graph, directed=False)[0] == 1),
        "se": float(np.sqrt(np.mean(found.se**2))),
        "se_low": float(found.se.min()),
        "se_high": float(found.se.max()),
        "reliability": found.reliability,
        "team_as_severity": found.team_share,
    }


def _table(present: _Present, seconds: IntArray, cases: IntArray) -> pd.DataFrame:
    made = []
    for kind, rows in ((SECOND_RATINGS, seconds), (SHARED_CASES, cases)):
        part = pd.DataFrame({"kind": kind, "round": rows[:, 0]})
        part["rater_id"] = present.rater_ids[rows[:, 1]]
        part["subject_id"], part["beside"] = None, None
        part["case"] = pd.array([pd.NA] * len(rows), dtype="Int64")
        if kind == SHARED_CASES:
            part["case"] = pd.array(rows[:, 0], dtype="Int64")
        else:
            part["subject_id"] = present.subject_ids[rows[:, 2]]
            part["beside"] = present.rater_ids[present.owner[rows[:, 2]]]
        made.append(part.astype({"subject_id": object, "beside": object}))
    columns = ["kind", "round", "rater_id", "subject_id", "case", "beside"]
    return pd.concat([part for part in made if len(part)], ignore_index=True)[columns]
