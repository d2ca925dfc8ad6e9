"""What would each person score with the average rater, and how sure is that?

Model: ``score ~ criterion + component + (1|subject) + (1|rater)``, with ``(1|subject:rater)``
where several criteria show it, by REML. The expected score is ``X beta + BLUP(subject)`` at the
reference rater: the mean of the raters of that component, criteria counted equally. It is pulled
to the mean of the component as far as the person's own ratings say little; that part is borrowed.

Errors are those of the mixed model equations, raters and fixed effects included, so a difference
between two people knows which raters they share. Two people are ordered only where their
difference exceeds t x SE, with t at least 1.96 for 95 % (degrees of freedom: people less
components). The interval is about the expected score, not about a next score.

Sources: Henderson (1975), Biometrics 31, 423-447; Searle, Casella & McCulloch (1992), Variance
Components, ch. 7; Harville (1976), Ann. Stat. 4, 384-395.

Assumes normal effects, and that who rates whom does not depend on severity. Variances are taken
as known, so with few raters intervals are somewhat narrow (docs/methods.md). It cannot
tell what all raters overlook or share, and it says nothing about people in parts of the design
with one rater: there a strict manager and a weaker team look the same. Evidence for a
conversation, never a grade.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError
from pipeline.numerics.fit_once import fit_once
from pipeline.numerics.linked_ratings import LinkedRatings, link_ratings
from pipeline.numerics.subject_rater import SubjectRaterSolution, solve_subject_rater

FloatArray = npt.NDArray[np.float64]
_NOTHING_LEFT = msg(
    "These ratings are too few, or too regular, to tell rater, rated person and chance apart."
)


@dataclass(frozen=True)
class Expected:
    """Expected scores with the average rater.

    Attributes
    ----------
    subjects
        One row per rated subject, ordered by identifier: subject_id; component; mean (of the
        scores as given: mean over raters of the mean over criteria); expected (scale points, may
        lie slightly off the scale's ends); se; ci_low; ci_high; n_raters; n_ratings; borrowed
        (0-1: share of the information that comes from the others in the component); reason (why
        there is no expected score, then it and its errors are missing; else None).
    var_subject
        Variance between subjects, squared scale points, above 0.
    level
        Confidence level of the intervals.
    """

    subjects: pd.DataFrame
    var_subject: float
    level: float
    _own: FloatArray = field(repr=False)
    _head: FloatArray = field(repr=False)
    _head_root: FloatArray = field(repr=False)
    _reach: float = field(repr=False)

    def se_of_difference(self, one: str, other: str) -> float:
        """Return the standard error of the difference between two people, scale points.

        Raises
        ------
        NotEstimable
            One of them has no expected score, or nothing links the two.
        """
        first, second = self._place(one), self._place(other)
        part, linked, _ = self._columns
        if not (linked[first] and linked[second]) or part[first] != part[second]:
            raise NotEstimable(msg("Nothing links the raters of these two people."))
        if first == second:
            return 0.0
        shared = (self._head[first] - self._head[second]) @ self._head_root
        return float(np.sqrt(self._own[first] + self._own[second] + shared @ shared))

    def distinguishable(self, one: str, other: str) -> bool:
        """Whether two people may be put in an order: their difference exceeds its uncertainty.

        Where nothing links them the answer is no.
        """
        try:
            se = self.se_of_difference(one, other)
        except NotEstimable:
            return False
        scores = self._columns[2]
        gap = abs(float(scores[self._place(one)] - scores[self._place(other)]))
        return gap > self._reach * se

    @cached_property
    def _columns(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], FloatArray]:
        """Component, whether there is a score, and the score: arrays, since pairs are many."""
        rows = self.subjects
        linked = rows["reason"].isna().to_numpy()
        return rows["component"].to_numpy(), linked, rows["expected"].to_numpy(dtype=float)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(one): at for at, one in enumerate(self.subjects["subject_id"])}

    def _place(self, subject: str) -> int:
        if subject not in self._places:
            raise KeyError("expected a rated subject, got another")
        return self._places[subject]


def estimate_expected(
    ratings: pd.DataFrame, *, component: pd.Series, level: float = 0.95
) -> Expected:
    """Estimate what each subject would score with the average rater.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    component
        Connected part of the design per subject, indexed by subject_id.
    level
        Confidence level of the intervals and of `Expected.distinguishable`.

    Returns
    -------
    Expected

    Raises
    ------
    NotEstimable
        No part of the ratings can tell strict raters from weaker subjects, or no differences
        between people are found.
    """
    linked = link_ratings(
        ratings["score"],
        ratings["rater_id"],
        ratings["subject_id"],
        ratings["criterion_id"],
        part=ratings["subject_id"].map(component),
    )
    fit = _fit(linked)
    if fit.variance["subject"] <= 1e-9 * float(np.var(linked.score)):
        raise NotEstimable(
            msg("These ratings show no differences between people, beyond raters and chance.")
        )
    codes = {name: linked.codes[name] for name in fit.effects}
    solved = solve_subject_rater(linked.score, linked.fixed, codes, fit.variance)
    weights, centre = _reference(linked, solved)
    # a little wider where few people tell how much people differ
    df = len(linked.subject_ids) - len(np.unique(linked.part))
    half = float(stats.t.ppf((1 + level) / 2, df))
    root = _root(solved.head_cov)
    se = np.sqrt(solved.subject_own + ((weights @ root) ** 2).sum(axis=1))
    known = pd.DataFrame(
        {
            "expected": centre + solved.subject,
            "se": se,
            "ci_low": centre + solved.subject - half * se,
            "ci_high": centre + solved.subject + half * se,
            "borrowed": np.minimum(
                (solved.subject_own + ((solved.subject_head @ root) ** 2).sum(axis=1))
                / fit.variance["subject"],
                1.0,
            ),
        },
        index=linked.subject_ids,
    )
    subjects = _as_given(ratings, component)
    at = linked.subject_ids.get_indexer(pd.Index(subjects["subject_id"]))
    return Expected(
        subjects=_with_reasons(subjects, known),
        var_subject=fit.variance["subject"],
        level=level,
        _own=np.append(solved.subject_own, np.nan)[at],
        _head=np.vstack([weights, np.full(weights.shape[1], np.nan)])[at],
        _head_root=root,
        _reach=half,
    )


def _fit(linked: LinkedRatings) -> CrossedFit:
    """Fit with subject:rater where the ratings show it, as the severities are."""
    codes = {name: linked.codes[name] for name in ("rater", "subject")}
    for terms in ({**codes, "pair": linked.codes["pair"]}, codes):
        try:
            fit = fit_once(linked.score, linked.fixed, terms)
        except CrossedModelError:
            continue
        shows = fit.variance.get("pair", 1.0) > 0
        if shows and fit.converged and fit.variance["residual"] > 1e-9 * np.var(linked.score):
            return fit
    raise NotEstimable(_NOTHING_LEFT)


def _reference(
    linked: LinkedRatings, solved: SubjectRaterSolution
) -> tuple[FloatArray, FloatArray]:
    """Weights of each subject's expected score on the head, (s, p + q), and its level, (s,).

    The level is ``x beta`` plus the mean rater of the component, x the mean over its criteria.
    """
    p, n_raters = linked.fixed.shape[1], len(linked.rater_ids)
    of_subject = linked.part[np.unique(linked.codes["subject"], return_index=True)[1]]
    weights = -solved.subject_head.copy()
    centre = np.empty(len(of_subject))
    head = np.concatenate([solved.beta, solved.rater])
    for part in np.unique(linked.part):
        rows = np.flatnonzero(linked.part == part)
        first = rows[np.unique(linked.criterion[rows], return_index=True)[1]]
        level = np.zeros(p + n_raters)
        level[:p] = linked.fixed[first].mean(axis=0)
        own = np.flatnonzero(linked.component == part)
        level[p + own] = 1.0 / len(own)
        weights[of_subject == part] += level
        centre[of_subject == part] = level @ head
    return weights, centre


def _root(covariance: FloatArray) -> FloatArray:
    """Return a root of a covariance matrix, also where it is singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _as_given(ratings: pd.DataFrame, component: pd.Series) -> pd.DataFrame:
    """Return every rated subject with its mean and counts."""
    rated = ratings.loc[ratings["score"].notna()]
    cells = rated.groupby(["subject_id", "rater_id"])["score"].agg(["mean", "size"])
    found = cells.groupby("subject_id", sort=True).agg(
        mean=("mean", "mean"), n_raters=("size", "size"), n_ratings=("size", "sum")
    )
    found.insert(0, "component", component.reindex(found.index).to_numpy())
    return found.reset_index()


def _with_reasons(subjects: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    made = subjects.join(known, on="subject_id")
    reason: list[Message | None] = [
        None
        if there
        else msg(
            "Only one rater in this part: a strict manager and a weaker team look the same, so "
            "there is no expected score."
        )
        for there in made["expected"].notna()
    ]
    columns = [
        "subject_id", "component", "mean", "expected", "se", "ci_low", "ci_high", "n_raters",
        "n_ratings", "borrowed",
    ]  # fmt: skip
    return made[columns].assign(reason=pd.Series(reason, index=made.index, dtype=object))
