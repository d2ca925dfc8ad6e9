"""What do given variances imply for subjects, raters and fixed effects, errors included?

Model: ``y = X beta + subject + rater + subject:rater + e`` with known variances: Henderson's
mixed model equations, with subjects eliminated (their block is diagonal once scores of one
subject:rater cell are decorrelated). Gives best linear unbiased predictions and the joint
covariance of all their errors, the fixed effects' included, which conditional SDs leave out.

Sources: Henderson (1975), Biometrics 31, 423-447; Searle, Casella & McCulloch (1992), Variance
Components, ch. 7.

Assumes known variances: their own uncertainty is not in it. Dense in fixed effects and raters:
for a department, not for an organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SubjectRaterSolution:
    """Predictions under known variances, and the covariance of their errors.

    The p fixed effects and q raters together are the *head*; subjects stand apart because their
    errors are ``diag(subject_own) + subject_head @ head_cov @ subject_head.T``.

    Attributes
    ----------
    beta : ndarray, (p,)
    rater, subject : ndarray, (q,), (s,)
        Predicted effects, units of y, positive raises y.
    head_cov : ndarray, (p + q, p + q)
        Covariance of the errors ``estimate - truth`` of fixed effects, then raters.
    subject_own : ndarray, (s,)
        Variance of a subject's error if fixed effects and raters were known: squared units of y.
    subject_head : ndarray, (s, p + q)
        How an error in the head moves the prediction of a subject (with a minus sign).
    """

    beta: FloatArray
    rater: FloatArray
    subject: FloatArray
    head_cov: FloatArray = field(repr=False)
    subject_own: FloatArray = field(repr=False)
    subject_head: FloatArray = field(repr=False)

    @property
    def rater_cov(self) -> FloatArray:
        """Covariance of the errors of the raters, (q, q)."""
        p = len(self.beta)
        return self.head_cov[p:, p:]

    @property
    def beta_cov(self) -> FloatArray:
        """Covariance of the fixed effects, (p, p)."""
        p = len(self.beta)
        return self.head_cov[:p, :p]


def solve_subject_rater(
    y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray], variance: Mapping[str, float]
) -> SubjectRaterSolution:
    """Solve the mixed model equations at given variances.

    Parameters
    ----------
    y : ndarray, (n,)
        Scores.
    X : ndarray, (n, p)
        Fixed effects of full rank.
    codes : mapping of str to ndarray of int, each (n,)
        ``"subject"``, ``"rater"`` and, where cells hold several scores, ``"pair"``: levels
        counted from 0, each in use.
    variance : mapping of str to float
        ``"residual"`` > 0 and the others 0 or more; a name left out is 0. Squared units of y.

    Returns
    -------
    SubjectRaterSolution
    """
    residual = variance["residual"]
    subject, rater = codes["subject"], codes["rater"]
    n_subjects, n_raters = int(subject.max()) + 1, int(rater.max()) + 1
    p = X.shape[1]
    pair, pair_ratio = codes.get("pair"), variance.get("pair", 0.0) / residual
    dense = _decorrelated(np.column_stack([X, y, np.ones(len(y))]), pair, pair_ratio)
    # a cell has one rater and one subject, so their columns decorrelate as the ones do
    dense, ones = dense[:, :-1], dense[:, -1]
    of_rater = _indicator(rater, ones, n_raters)
    of_subject = _indicator(subject, ones, n_subjects)
    by_rater, by_subject = of_rater.T @ dense, of_subject.T @ dense
    fixed = dense[:, :-1]
    cross = np.block(
        [
            [fixed.T @ fixed, by_rater[:, :-1].T, fixed.T @ dense[:, -1:]],
            [by_rater[:, :-1], (of_rater.T @ of_rater).toarray(), by_rater[:, -1:]],
        ]
    )
    met = (of_subject.T @ of_rater).toarray()
    sums = np.hstack([by_subject[:, :-1], met, by_subject[:, -1:]])
    weight = np.bincount(subject, weights=ones**2)
    ratio = variance.get("subject", 0.0) / residual
    shrink: FloatArray = np.asarray(ratio / (1.0 + ratio * weight), dtype=np.float64)
    cross -= sums[:, :-1].T @ (sums * shrink[:, None])
    # spherical raters keep the system regular at a rater variance of 0
    scale = np.ones(p + n_raters)
    scale[p:] = np.sqrt(variance.get("rater", 0.0) / residual)
    left = cross[:, :-1] * np.outer(scale, scale)
    left[np.arange(p, len(left)), np.arange(p, len(left))] += 1.0
    inverse = linalg.inv(left) if len(left) else left
    head_cov = inverse * np.outer(scale, scale)
    head = head_cov @ cross[:, -1]
    pull = sums[:, :-1] * shrink[:, None]
    return SubjectRaterSolution(
        beta=head[:p],
        rater=head[p:],
        subject=sums[:, -1] * shrink - pull @ head,
        head_cov=residual * head_cov,
        subject_own=residual * shrink,
        subject_head=pull,
    )


def _indicator(code: IntArray, values: FloatArray, n_levels: int) -> sparse.csr_array:
    """Levels as columns, with values for ones, (n, n_levels)."""
    rows = np.arange(len(code))
    return sparse.csr_array((values, (rows, code)), shape=(len(code), n_levels))


def _decorrelated(columns: FloatArray, pair: IntArray | None, ratio: float) -> FloatArray:
    """Multiply by the inverse root of ``I + ratio J`` within each subject:rater cell."""
    if pair is None or ratio == 0:
        return columns
    size = np.bincount(pair)
    sums = np.zeros((len(size), columns.shape[1]))
    np.add.at(sums, pair, columns)
    part = (1.0 - 1.0 / np.sqrt(1.0 + ratio * size)) / size
    decorrelated: FloatArray = columns - (sums * part[:, None])[pair]
    return decorrelated
