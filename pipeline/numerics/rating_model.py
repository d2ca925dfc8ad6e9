"""What do the ratings of one question come to, as a crossed model?

Model M2: ``score ~ criterion + part + (1|subject) + (1|rater) + (1|subject:rater) +
(1|subject:criterion) + (1|rater:criterion)`` by REML, where a *part* is a connected part of the
rater × subject graph. A term that the design cannot tell from others is left out.

Sources: Bates, Mächler, Bolker & Walker (2015), J. Stat. Softw. 67(1); Brennan (2001),
Generalizability Theory, ch. 4 (subject × rater × criterion); Self & Liang (1987), JASA 82, 605-610.

Assumes scores on an interval scale and normal effects. Rows are put in an order that depends on
the design and the scores, so that simulations do not depend on labels or on the order of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.numerics.crossed_reml import (
    CrossedFit,
    CrossedModelError,
    boundary_p_value,
)
from pipeline.numerics.fit_once import fit_once

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

SUBJECT, RATER = "subject", "rater"
SUBJECT_RATER, SUBJECT_CRITERION = "subject:rater", "subject:criterion"
RATER_CRITERION = "rater:criterion"


@dataclass(frozen=True)
class CodedRatings:
    """Ratings as arrays over rows, labels counted from 0.

    Attributes
    ----------
    score : ndarray, (n,)
    subject, rater, criterion : ndarray of int, (n,)
        Every level is in use.
    subject_ids, rater_ids, criterion_ids : ndarray
        Label of each level.
    part : ndarray of int, (n,)
        Connected part of the rater × subject graph.
    row : ndarray of int, (n,)
        Where each row stood in the input.
    """

    score: FloatArray
    subject: IntArray
    rater: IntArray
    criterion: IntArray
    subject_ids: npt.NDArray[Any]
    rater_ids: npt.NDArray[Any]
    criterion_ids: npt.NDArray[Any]
    part: IntArray
    row: IntArray

    @property
    def pair(self) -> IntArray:
        """Subject × rater, counted from 0."""
        return crossed(self.subject, self.rater)

    @property
    def constant(self) -> bool:
        """Whether all scores are the same."""
        return bool(np.ptp(self.score) <= 1e-9 * max(1.0, float(np.abs(self.score).max())))


def code_ratings(
    score: npt.ArrayLike, subject: npt.ArrayLike, rater: npt.ArrayLike, criterion: npt.ArrayLike
) -> CodedRatings:
    """Code rows as numbers, ordered by design and score rather than by label.

    Parameters
    ----------
    score, subject, rater, criterion : array_like, each (n,)
        Rows with a score; labels that sort.
    """
    y = np.asarray(score, dtype=float)
    coded = []
    for labels in (subject, rater, criterion):
        ids, code = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
        order = _by_content(code, y, len(ids))
        place = np.empty(len(ids), dtype=np.intp)
        place[order] = np.arange(len(ids))
        coded.append((place[code], ids[order]))
    (of_subject, subjects), (of_rater, raters), (of_criterion, criteria) = coded
    row = np.lexsort((y, of_criterion, of_rater, of_subject))
    return CodedRatings(
        score=y[row],
        subject=of_subject[row],
        rater=of_rater[row],
        criterion=of_criterion[row],
        subject_ids=subjects,
        rater_ids=raters,
        criterion_ids=criteria,
        part=connected_parts(of_rater, of_subject)[row],
        row=row,
    )


def keep(coded: CodedRatings, rows: BoolArray) -> CodedRatings:
    """Keep some rows, with levels and parts counted anew."""
    kept = code_ratings(
        coded.score[rows],
        coded.subject_ids[coded.subject[rows]],
        coded.rater_ids[coded.rater[rows]],
        coded.criterion_ids[coded.criterion[rows]],
    )
    return replace(kept, row=coded.row[rows][kept.row])


def linked_rows(coded: CodedRatings) -> BoolArray:
    """Find the rows in parts with two raters or more."""
    met = np.unique(np.column_stack([coded.part, coded.rater]), axis=0)
    per_part = np.bincount(met[:, 0], minlength=int(coded.part.max()) + 1)
    linked: BoolArray = per_part[coded.part] >= 2
    return linked


def raters_per_subject(coded: CodedRatings) -> IntArray:
    """Count the raters of each subject, (n_subjects,)."""
    met = np.unique(np.column_stack([coded.subject, coded.rater]), axis=0)
    return np.bincount(met[:, 0], minlength=len(coded.subject_ids)).astype(np.intp)


def connected_parts(rater: IntArray, subject: IntArray) -> IntArray:
    """Give each row the number of its connected part of the rater × subject graph."""
    n_raters, n_subjects = int(rater.max()) + 1, int(subject.max()) + 1
    size = n_raters + n_subjects
    graph = sparse.coo_array((np.ones(len(rater)), (rater, n_raters + subject)), shape=(size, size))
    part = csgraph.connected_components(graph, directed=False)[1][rater]
    _, part, count = np.unique(part, return_inverse=True, return_counts=True)
    place = np.empty(len(count), dtype=np.intp)
    place[np.argsort(-count, kind="stable")] = np.arange(len(count))
    parts: IntArray = place[part]
    return parts


def crossed(*codes: IntArray) -> IntArray:
    """Code the combinations of several factors, counted from 0."""
    code = codes[0].astype(np.int64)
    for other in codes[1:]:
        code = code * (int(other.max()) + 1) + other
    combined: IntArray = np.unique(code, return_inverse=True)[1].astype(np.intp)
    return combined


def codes_of(coded: CodedRatings) -> dict[str, IntArray]:
    """Code the terms of M2, in its order."""
    codes = {
        SUBJECT: coded.subject,
        RATER: coded.rater,
        SUBJECT_RATER: coded.pair,
        SUBJECT_CRITERION: crossed(coded.subject, coded.criterion),
        RATER_CRITERION: crossed(coded.rater, coded.criterion),
    }
    if len(coded.criterion_ids) == 1:
        return {name: codes[name] for name in (SUBJECT, RATER)}
    return codes


def fit_terms(
    y: FloatArray,
    X: FloatArray,
    codes: Mapping[str, IntArray],
    needed: tuple[str, ...] = (SUBJECT, RATER),
) -> CrossedFit:
    """Fit by REML, without the terms that the design cannot tell from the others.

    Parameters
    ----------
    y, X : ndarray, (n,), (n, p)
        Scores and fixed columns of full rank.
    codes : mapping of str to ndarray of int
        Terms; those not ``needed`` are left out, last ones first, where they are not identified.
    needed : tuple of str
        Terms without which there is no answer.

    Raises
    ------
    CrossedModelError
        A needed term cannot be estimated, nothing is left for chance, or the search did not end.
    """
    try:
        return _usable(fit_once(y, X, codes), y)
    except CrossedModelError:
        chosen = {name: codes[name] for name in needed}
    fit = _usable(fit_once(y, X, chosen), y)
    for name in codes:
        if name in chosen:
            continue
        try:
            fit = _usable(fit_once(y, X, {**chosen, name: codes[name]}), y)
        except CrossedModelError:
            continue
        chosen[name] = codes[name]
    return fit


def _usable(fit: CrossedFit, y: FloatArray) -> CrossedFit:
    # a residual that is rounding error only leaves nothing to judge chance by
    if not fit.converged or fit.variance["residual"] <= 1e-9 * float(np.var(y)):
        raise CrossedModelError("no usable optimum")
    return fit


def boundary_test(
    fit: CrossedFit, name: str, y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray]
) -> tuple[float, float, dict[str, float]]:
    """Test a term: the likelihood ratio of no variance, its p-value, the variances without it.

    The statistic is half a point mass at 0, half chi-squared(1); p is 1 where it is 0.
    """
    if fit.variance[name] == 0:  # the others are what they would be
        return 0.0, 1.0, fit.variance
    if len(fit.effects) == 1:
        raise CrossedModelError("expected another term beside the one tested")
    try:
        statistic, variance = fit.likelihood_ratio(name), fit.variance_without(name)
    except CrossedModelError:  # not from these estimates: fit again
        without = fit_terms(y, X, {term: codes[term] for term in fit.effects if term != name})
        statistic, variance = max(without.criterion - fit.criterion, 0.0), without.variance
    return statistic, boundary_p_value(statistic) if statistic > 0 else 1.0, variance


def _by_content(code: IntArray, y: FloatArray, n: int) -> IntArray:
    """Order levels by how many ratings they have and what these are."""
    shifted = y - y.mean() if len(y) else y
    keys = [np.bincount(code, weights=shifted**k, minlength=n).round(6) for k in (4, 3, 2, 1)]
    order: IntArray = np.lexsort((*keys, np.bincount(code, minlength=n)))
    return order
