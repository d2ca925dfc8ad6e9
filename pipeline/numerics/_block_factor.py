"""Factor, solve and partly invert a sparse, symmetric, positive definite matrix.

A block ``L D L'`` factorisation along given fronts. Fronts of the same shape are handled together
as stacks of small dense matrices; one large front goes to LAPACK. Besides solutions and the log
determinant it gives the *selected inverse*: the entries of the inverse on the factor's pattern,
exactly, at about the cost of the factorisation (Takahashi, Fagan & Chin 1973; Erisman & Tinney
1975, *Commun. ACM* 18, 177-179; Misztal & Perez-Enciso 1993, *J. Dairy Sci.* 76, 1479-1483 for
mixed models).

For a front with pivot block ``F`` and border block ``B`` (rows of later columns):
``G = B F^-1``; later columns are reduced by ``G B'``; the inverse has ``Z21 = -Z22 G`` and
``Z11 = F^-1 - G' Z21`` with ``Z22`` the inverse on the border, known from later fronts.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import lapack

from pipeline.numerics._crossed_design import FloatArray, IntArray
from pipeline.numerics._elimination_order import Fronts

# Pivot blocks from this size on go to LAPACK one by one instead of in stacks.
_LARGE = 64


@dataclass(frozen=True, eq=False)
class _Batch:
    """Fronts of one level and one shape: k fronts of m pivots and b border columns."""

    shape: tuple[int, int, int]
    panel: slice  # of the storage: k panels of (m + b, m), row by row
    rows: slice  # of the eliminated positions, k * m
    border: IntArray  # (k, b) positions
    target: IntArray  # (k, b (b + 1) / 2) storage positions of the border's lower triangle
    lower: tuple[IntArray, IntArray]  # row and column of that triangle's entries
    unfold: IntArray  # (b, b) place of each entry of the full square in that triangle


@dataclass(frozen=True, eq=False)
class _Level:
    """Batches that do not depend on each other, and where their updates go."""

    batches: list[_Batch]
    gather: sparse.csr_array  # sums the border rows of all fronts by position
    target_rows: IntArray
    first: int
    last: int
    index: IntArray  # update entries' place in storage less `first`, batch after batch


class BlockFactor:
    """Where every number of the matrix, its factor and its inverse is stored.

    Parameters
    ----------
    fronts : Fronts
        Elimination order and pattern.

    Attributes
    ----------
    size : int
        Order q of the matrix.
    n_storage : int
        Numbers stored for a factor.
    diagonal : ndarray of int, (q,)
        Storage position of each diagonal entry, in elimination order.
    """

    def __init__(self, fronts: Fronts) -> None:
        self.size = len(fronts.pivots)
        m = np.diff(fronts.pivot_start)
        b = np.diff(fronts.border_start)
        self._start = fronts.pivot_start
        self._pivots = m
        self._front_of = np.repeat(np.arange(len(m)), m)
        lengths = (m + b) * m
        self._panel = np.concatenate([[0], np.cumsum(lengths)])
        self.n_storage = int(self._panel[-1])
        position = fronts.position
        border = position[fronts.border]
        self._border_start = fronts.border_start
        # Sorted by front and, within it, by position: found by bisection.
        self._border_key = np.repeat(np.arange(len(m)), b) * self.size + border
        at = np.arange(self.size)
        self.diagonal = self.locate(at, at)
        change = np.flatnonzero(
            (np.diff(fronts.level) != 0) | (np.diff(m) != 0) | (np.diff(b) != 0)
        )
        edges = np.concatenate([[0], change + 1, [len(m)]])
        self._triangles: dict[int, tuple[tuple[IntArray, IntArray], IntArray]] = {}
        batches: dict[int, list[_Batch]] = {}
        for low, high in pairwise(edges):
            batch = self._batch(int(low), int(high), border)
            batches.setdefault(int(fronts.level[low]), []).append(batch)
        self._levels = [self._level(batches[key]) for key in sorted(batches)]

    def locate(self, row: IntArray, column: IntArray) -> IntArray:
        """Return the storage position of entries, given by elimination positions row >= column."""
        front = self._front_of[column]
        place = row - self._start[front]
        m = self._pivots[front]
        outside = np.flatnonzero(place >= m)
        key = front[outside] * self.size + row[outside]
        found = np.searchsorted(self._border_key, key)
        place[outside] = m[outside] + found - self._border_start[front[outside]]
        place *= m
        place += self._panel[front] + column - self._start[front]
        return place

    def _batch(self, low: int, high: int, border: IntArray) -> _Batch:
        k, m = high - low, int(self._pivots[low])
        b = int(self._border_start[low + 1] - self._border_start[low])
        own = border[self._border_start[low] : self._border_start[high]].reshape(k, b)
        if b not in self._triangles:
            self._triangles[b] = _triangle(b)
        (later, earlier), unfold = self._triangles[b]
        target = self.locate(own[:, later].ravel(), own[:, earlier].ravel())
        return _Batch(
            (k, m, b),
            slice(int(self._panel[low]), int(self._panel[high])),
            slice(int(self._start[low]), int(self._start[high])),
            own,
            target.reshape(k, len(later)),
            (later, earlier),
            unfold,
        )

    def _level(self, batches: list[_Batch]) -> _Level:
        index = np.concatenate([batch.target.ravel() for batch in batches])
        border = np.concatenate([batch.border.ravel() for batch in batches])
        rows, place = np.unique(border, return_inverse=True)
        gather = sparse.coo_array(
            (np.ones(len(border)), (place, np.arange(len(border)))), shape=(len(rows), len(border))
        ).tocsr()
        first = int(index.min(initial=self.n_storage))
        last = int(index.max(initial=-1)) + 1
        return _Level(batches, gather, rows, first, last, index - first)

    def factor(self, storage: FloatArray) -> "Factor":
        """Factor a matrix.

        Parameters
        ----------
        storage : ndarray, (n_storage,)
            Lower triangle of the matrix at the positions given by `locate`, zero elsewhere.
            Overwritten.

        Returns
        -------
        Factor

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is not positive definite to working precision.
        """
        result = Factor(self)
        for level in self._levels:
            updates: list[FloatArray] = []
            for batch in level.batches:
                k, m, b = batch.shape
                panel = storage[batch.panel].reshape(k, m + b, m)
                block = _factor_pivots(panel, m, b)
                result.log_determinant += block.log_determinant
                result.blocks.append(block)
                if b:
                    later, earlier = batch.lower
                    reduction = block.gain @ panel[:, m:, :].transpose(0, 2, 1)
                    updates.append(reduction[:, later, earlier].ravel())
            if updates:
                storage[level.first : level.last] -= np.bincount(
                    level.index, weights=np.concatenate(updates), minlength=level.last - level.first
                )
        return result


@dataclass(eq=False)
class _Block:
    """Factored pivots of a batch: the inverse (k, m, m) or a Cholesky factor, and G (k, b, m)."""

    log_determinant: float
    gain: FloatArray
    inverse: FloatArray | None = None
    chol: list[FloatArray] = field(default_factory=list)

    def solve(self, right: FloatArray) -> FloatArray:
        """Return F^-1 times (k, m, c)."""
        if self.inverse is not None:
            product: FloatArray = self.inverse @ right
            return product
        return np.stack([_potrs(c, r) for c, r in zip(self.chol, right, strict=True)])

    def invert_pivots(self, out: FloatArray) -> None:
        """Write F^-1 into (k, m, m), of which only the lower triangle counts."""
        if self.inverse is not None:
            out[:] = self.inverse
            return
        for chol, one in zip(self.chol, out, strict=True):
            one.T[:] = chol
            lapack.dpotri(one.T, lower=0, overwrite_c=1)


def _factor_pivots(panel: FloatArray, m: int, b: int) -> _Block:
    """Factor the pivot blocks of panels (k, m + b, m), of which the lower triangle counts."""
    pivots, border = panel[:, :m, :], panel[:, m:, :]
    if m == 1:
        if not (pivots > 0).all():
            raise np.linalg.LinAlgError("matrix is not positive definite")
        return _Block(float(np.log(pivots).sum()), border / pivots, 1.0 / pivots)
    if m >= _LARGE:
        chol = []
        gain = np.empty((len(panel), b, m))
        log_determinant = 0.0
        for i in range(len(panel)):
            # The transpose is column-major, as LAPACK stores it, with its upper triangle filled;
            # it is factored in place, in the storage handed over.
            factor, info = lapack.dpotrf(pivots[i].T, lower=0, clean=0, overwrite_a=1)
            if info:
                raise np.linalg.LinAlgError("matrix is not positive definite")
            log_determinant += 2.0 * float(np.log(np.diag(factor)).sum())
            chol.append(factor)
            if b:
                gain[i] = _potrs(factor, border[i].T).T
        return _Block(log_determinant, gain, None, chol)
    lower = np.linalg.cholesky(pivots)
    half = np.linalg.inv(lower)
    inverse = half.transpose(0, 2, 1) @ half
    diagonal = np.diagonal(lower, axis1=1, axis2=2)
    return _Block(2.0 * float(np.log(diagonal).sum()), border @ inverse, inverse)


def _potrs(chol: FloatArray, right: FloatArray) -> FloatArray:
    solution: FloatArray = lapack.dpotrs(chol, right, lower=0)[0]
    return solution


def _triangle(b: int) -> tuple[tuple[IntArray, IntArray], IntArray]:
    """Return the lower triangle of a (b, b) square and how to unfold it into the square."""
    later, earlier = np.tril_indices(b)
    unfold = np.empty((b, b), dtype=np.intp)
    unfold[later, earlier] = unfold[earlier, later] = np.arange(len(later))
    return (later, earlier), unfold


class Factor:
    """A factored matrix.

    Attributes
    ----------
    log_determinant : float
        Natural logarithm of the determinant.
    """

    def __init__(self, layout: BlockFactor) -> None:
        self._layout = layout
        self.blocks: list[_Block] = []
        self.log_determinant = 0.0

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the solution for right-hand sides (q, c) in elimination order."""
        work = right.copy()
        columns = right.shape[1]
        blocks = iter(self.blocks)
        used: list[tuple[_Batch, _Block]] = []
        for level in self._layout._levels:
            passed = []
            for batch in level.batches:
                block = next(blocks)
                used.append((batch, block))
                k, m, b = batch.shape
                if b:
                    own = work[batch.rows].reshape(k, m, columns)
                    passed.append((block.gain @ own).reshape(k * b, columns))
            if passed:
                work[level.target_rows] -= level.gather @ np.concatenate(passed)
        for batch, block in reversed(used):
            k, m, b = batch.shape
            own = block.solve(work[batch.rows].reshape(k, m, columns))
            if b:
                own -= block.gain.transpose(0, 2, 1) @ work[batch.border]
            work[batch.rows] = own.reshape(k * m, columns)
        return work

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal of the inverse, (q,) in elimination order."""
        layout = self._layout
        storage: npt.NDArray[np.float64] = np.empty(layout.n_storage)
        blocks = reversed(self.blocks)
        for level in reversed(layout._levels):
            for batch in reversed(level.batches):
                block = next(blocks)
                k, m, b = batch.shape
                panel = storage[batch.panel].reshape(k, m + b, m)
                block.invert_pivots(panel[:, :m, :])
                if b:
                    known = storage[batch.target][:, batch.unfold]
                    across = known @ block.gain
                    panel[:, m:, :] = -across
                    panel[:, :m, :] += block.gain.transpose(0, 2, 1) @ across
        diagonal: FloatArray = storage[layout.diagonal]
        return diagonal
