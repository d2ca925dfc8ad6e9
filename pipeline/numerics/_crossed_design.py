"""Prepare a model with crossed random intercepts: what the data say before any fitting.

Checks and encodes the input of `fit_crossed`, collapses the rows to the cross-products the
likelihood needs, and decides whether every variance can be told apart from the others.

Model: ``y = X beta + sum_k Z_k b_k + e`` with independent ``b_k ~ N(0, var_k I)`` and
``e ~ N(0, var_residual I)``; ``Z_k`` is the n x q_k indicator matrix of factor k.

Sources: Bates, Maechler, Bolker & Walker (2015), *J. Stat. Softw.* 67(1) (the model and its
cross-products); Hartley, Rao & LaMotte (1978), *Biometrics* 34, 233-242 and Searle, Casella &
McCulloch (1992), *Variance Components*, ch. 11 (MIVQUE(0), used as start and for identifiability).

It cannot tell whether levels of a factor can be compared with each other: that is the question
of the connected components of the design, audited elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

RESIDUAL = "residual"
# A variance whose matrix is a linear combination of the others up to this relative size is aliased.
_ALIAS_TOLERANCE = 1e-10
_RANK_TOLERANCE = 1e-9
# Fixed effects that explain all but this share of the sum of squares leave only rounding error.
_EXACT_FIT = 1e-20
# Cells up to which counting all of them is quicker than sorting the rows.
_FEW_CELLS = 1_000_000


class CrossedModelError(ValueError):
    """The model cannot be fitted to these data; the text says what was expected and what came."""


class InvalidInput(CrossedModelError):
    """The arrays do not describe a model: wrong shape, missing or non-finite values."""


class UnidentifiedTerm(CrossedModelError):
    """A fixed or random term cannot be told apart from other terms, named in the text."""


class DegenerateResponse(CrossedModelError):
    """The response leaves no residual variation, so that no variance can be estimated."""


class NoInterval(CrossedModelError):
    """The likelihood has no interval for a variance, or none that could be found."""


@dataclass(frozen=True, eq=False)
class Meetings:
    """Which levels of two factors meet: ``Z_j' Z_k`` as its entries above 0.

    Plain arrays, because on the small tables of a session a sparse matrix costs more to make than
    to use.

    Attributes
    ----------
    left, right : ndarray of int, (m,)
        Levels of the first and of the second factor, ordered by the first, then the second.
    count : ndarray, (m,)
        Rows with both.
    """

    left: IntArray
    right: IntArray
    count: FloatArray

    def __len__(self) -> int:
        """Return the number of entries above 0."""
        return len(self.count)


@dataclass(frozen=True, eq=False)
class CrossedDesign:
    """The data of a crossed model, reduced to what its likelihood needs.

    Attributes
    ----------
    names : tuple of str
        The K factors, in the order given.
    levels : tuple of ndarray
        Per factor its q_k distinct labels, sorted where they can be sorted.
    codes : tuple of ndarray of int, each (n,)
        Per factor the position of each row's label in `levels`.
    cross : dict of (int, int) to Meetings
        ``Z_j' Z_k`` for ``j < k``: how often two levels meet.
    counts : tuple of ndarray, each (q_k,)
        Rows per level.
    basis : ndarray, (n, p)
        Orthonormal basis Q of the fixed effects, ``X = Q r_factor``.
    r_factor : ndarray, (p, p)
        Upper triangular.
    q_coef : ndarray, (p,)
        Least-squares coefficients of y on Q.
    response : ndarray, (n,)
        y less its least-squares fit on X: centred, so that sums of squares keep their digits.
    z_basis : tuple of ndarray, each (q_k, p)
        ``Z_k' Q``.
    z_response : tuple of ndarray, each (q_k,)
        ``Z_k'`` times `response`.
    sum_squares : float
        Sum of squares of `response`, in squared units of y.
    start : ndarray, (K,)
        First guess of the variance ratios var_k / var_residual, positive.
    """

    names: tuple[str, ...]
    levels: tuple[npt.NDArray[Any], ...]
    codes: tuple[IntArray, ...]
    cross: dict[tuple[int, int], Meetings]
    counts: tuple[FloatArray, ...]
    basis: FloatArray
    r_factor: FloatArray
    q_coef: FloatArray
    response: FloatArray
    z_basis: tuple[FloatArray, ...]
    z_response: tuple[FloatArray, ...]
    sum_squares: float
    start: FloatArray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.response)

    @property
    def p(self) -> int:
        """Number of fixed effects."""
        return int(self.basis.shape[1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of levels of each factor."""
        return tuple(len(count) for count in self.counts)


def build_design(
    y: npt.ArrayLike, X: npt.ArrayLike, factors: Mapping[str, Sequence[Any] | npt.ArrayLike]
) -> CrossedDesign:
    """Check, encode and collapse the data of a crossed model.

    Parameters
    ----------
    y : array_like, (n,)
        Response.
    X : array_like, (n, p) or (n,)
        Fixed effects, including the intercept if the model has one.
    factors : mapping of str to array_like, each (n,)
        Labels of each random intercept.

    Returns
    -------
    CrossedDesign

    Raises
    ------
    InvalidInput
        For shapes that do not fit, missing labels or non-finite numbers.
    UnidentifiedTerm
        For a rank-deficient X, a factor with one level or as many levels as rows, two factors
        with the same partition, or variances that are linear combinations of each other.
    DegenerateResponse
        If the fixed effects reproduce y exactly.
    """
    response, fixed = _check_numbers(y, X)
    n = len(response)
    if not factors:
        raise InvalidInput("expected at least one random factor, got none")
    names = tuple(str(name) for name in factors)
    if RESIDUAL in names or len(set(names)) < len(names):
        raise InvalidInput(f"factor names must be distinct and not {RESIDUAL!r}, got {names}")
    encoded = [_encode(name, labels, n) for name, labels in factors.items()]
    codes = tuple(code for code, _ in encoded)
    levels = tuple(level for _, level in encoded)
    for name, level in zip(names, levels, strict=True):
        _check_level_count(name, len(level), n)
    basis, r_factor = _orthonormal(fixed)
    sizes = [len(level) for level in levels]
    cross = {
        (j, k): _meetings(codes[j], codes[k], sizes[j], sizes[k])
        for k in range(len(names))
        for j in range(k)
    }
    for (j, k), table in cross.items():
        if len(table) == sizes[j] == sizes[k]:
            raise UnidentifiedTerm(
                f"terms {names[j]!r} and {names[k]!r} divide the {n} rows into the same "
                f"{sizes[j]} groups; expected factors with different partitions"
            )
    q_coef = basis.T @ response
    total = float(response @ response)
    response = response - basis @ q_coef
    # A second pass removes what rounding left of the fixed effects in the residuals.
    correction = basis.T @ response
    response = response - basis @ correction
    q_coef = q_coef + correction
    sum_squares = float(response @ response)
    if sum_squares <= _EXACT_FIT * total or sum_squares == 0.0:
        raise DegenerateResponse(
            f"the fixed effects reproduce all {n} responses exactly; expected a response that "
            "varies around them"
        )
    counts = tuple(
        np.bincount(code, minlength=q).astype(float) for code, q in zip(codes, sizes, strict=True)
    )
    z_basis = tuple(_column_sums(code, basis, q) for code, q in zip(codes, sizes, strict=True))
    z_response = tuple(
        np.bincount(code, weights=response, minlength=q).astype(float)
        for code, q in zip(codes, sizes, strict=True)
    )
    start = _moment_start(names, n, cross, counts, z_basis, z_response, sum_squares)
    return CrossedDesign(
        names, levels, codes, cross, counts, basis, r_factor, q_coef, response, z_basis,
        z_response, sum_squares, start,
    )  # fmt: skip


def _check_numbers(y: npt.ArrayLike, X: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return y and X as float arrays that fit each other and hold finite numbers only."""
    try:
        response = np.array(y, dtype=float)
        fixed = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        # The original message may quote a cell, and cells may hold anything.
        raise InvalidInput("expected y and X to hold numbers, got something else") from None
    if response.ndim != 1:
        raise InvalidInput(f"expected y with one dimension, got shape {response.shape}")
    if fixed.ndim == 1:
        fixed = fixed[:, None]
    if fixed.ndim != 2 or len(fixed) != len(response):
        raise InvalidInput(f"expected X of shape ({len(response)}, p), got {np.shape(X)}")
    if len(response) <= fixed.shape[1]:
        raise InvalidInput(
            f"expected more rows than fixed effects, got {len(response)} rows for "
            f"{fixed.shape[1]} fixed effects"
        )
    for name, values in (("y", response), ("X", fixed)):
        bad = int(np.size(values) - np.isfinite(values).sum())
        if bad:
            raise InvalidInput(f"expected finite numbers in {name}, got {bad} that are not")
    return response, fixed


def _encode(name: str, labels: Any, n: int) -> tuple[IntArray, npt.NDArray[Any]]:
    """Return the codes of labels and their distinct values, sorted where possible."""
    if not isinstance(labels, np.ndarray | pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        items = list(labels)
        # Tuples are labels, not rows of a matrix, and 1 and "1" are different labels.
        values = np.empty(len(items), dtype=object)
        values[:] = items
        labels = values
    if np.ndim(labels) != 1 or len(labels) != n:
        raise InvalidInput(
            f"expected {n} labels in one dimension for {name!r}, got shape {np.shape(labels)}"
        )
    codes, levels = pd.factorize(labels)
    if codes.min(initial=0) < 0:
        raise InvalidInput(
            f"expected a label in every row for {name!r}, got {int((codes < 0).sum())} missing"
        )
    found = np.asarray(levels)
    try:
        order = np.argsort(found, kind="stable")
    except TypeError:
        order = np.arange(len(found))
    rank = np.empty(len(found), dtype=np.intp)
    rank[order] = np.arange(len(found))
    return rank[codes], found[order]


def _check_level_count(name: str, q: int, n: int) -> None:
    """Refuse a factor that is constant or separates all rows."""
    if q < 2:
        raise UnidentifiedTerm(f"term {name!r}: expected at least 2 levels, got {q}")
    if q >= n:
        raise UnidentifiedTerm(
            f"term {name!r} has as many levels as there are rows ({n}): its variance cannot be "
            "told apart from the residual variance"
        )


def _orthonormal(fixed: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the thin QR factors of X; refuse columns that depend on others."""
    p = fixed.shape[1]
    norms = np.linalg.norm(fixed, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    basis, r_factor = np.linalg.qr(fixed / scale)
    if p:
        _, pivoted, order = linalg.qr(r_factor, mode="economic", pivoting=True)
        rank = int((np.abs(np.diag(pivoted)) > _RANK_TOLERANCE).sum())
        if rank < p:
            dependent = sorted(int(column) for column in order[rank:])
            raise UnidentifiedTerm(
                f"expected linearly independent columns of X, got rank {rank} for {p} columns: "
                f"columns {dependent} (counted from 0) follow from the others"
            )
    return basis, r_factor * scale


def _meetings(left: IntArray, right: IntArray, rows: int, columns: int) -> Meetings:
    """Count how often each pair of levels meets."""
    pair = left * columns + right
    if rows * columns <= _FEW_CELLS:
        cells = np.bincount(pair, minlength=rows * columns)
        met = np.flatnonzero(cells)
        count = cells[met]
    else:
        met, count = np.unique(pair, return_counts=True)
    return Meetings(*np.divmod(met, columns), count.astype(float))


def _column_sums(code: IntArray, values: FloatArray, q: int) -> FloatArray:
    """Sum each column of values by level."""
    sums = np.empty((q, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(code, weights=values[:, column], minlength=q)
    return sums


def _moment_start(
    names: tuple[str, ...],
    n: int,
    cross: dict[tuple[int, int], Meetings],
    counts: tuple[FloatArray, ...],
    z_basis: tuple[FloatArray, ...],
    z_response: tuple[FloatArray, ...],
    sum_squares: float,
) -> FloatArray:
    """Return MIVQUE(0) variance ratios, after checking that the variances are identified.

    With M the projection orthogonal to X, the expectation of ``y'M Z_k Z_k' M y`` is linear in
    the variances with coefficients ``tr(M V_j M V_k)``. Those form a Gram matrix: it is singular
    exactly when some combination of variances leaves the distribution of My unchanged.
    """
    k_terms = len(names)
    gram = np.empty((k_terms + 1, k_terms + 1))
    moments = [basis.T @ basis for basis in z_basis]
    for k in range(k_terms):
        for j in range(k + 1):
            if j == k:
                raw = float(counts[k] @ counts[k])
                mixed = float(counts[k] @ (z_basis[k] ** 2).sum(axis=1))
            else:
                met = cross[j, k]
                raw = float(met.count @ met.count)
                both = np.einsum("mp,mp->m", z_basis[j][met.left], z_basis[k][met.right])
                mixed = float(met.count @ both)
            value = raw - 2.0 * mixed + float((moments[j] * moments[k]).sum())
            if j == k and value <= _ALIAS_TOLERANCE * raw:
                raise UnidentifiedTerm(
                    f"term {names[k]!r}: the fixed effects already separate all its levels; "
                    "expected a random term that is not also fixed"
                )
            gram[j, k] = gram[k, j] = value
        gram[k, k_terms] = gram[k_terms, k] = n - float(np.trace(moments[k]))
    gram[k_terms, k_terms] = n - z_basis[0].shape[1]
    scale = np.sqrt(np.diag(gram))
    eigenvalues, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    if eigenvalues[0] < _ALIAS_TOLERANCE:
        labels = (*names, RESIDUAL)
        mixed_up = [repr(labels[i]) for i in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-3)]
        raise UnidentifiedTerm(
            f"the variances of {', '.join(mixed_up)} cannot be told apart in these {n} rows; "
            "expected terms whose groupings are not combinations of each other"
        )
    forms = np.array([*(float(z @ z) for z in z_response), sum_squares])
    variances = np.linalg.solve(gram, forms)
    total = sum_squares / (n - z_basis[0].shape[1])
    residual = max(float(variances[-1]), 0.05 * total)
    start: FloatArray = np.clip(variances[:-1] / residual, 0.01, 20.0)
    return start
