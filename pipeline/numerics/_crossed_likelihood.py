"""Compute how likely the data are under given variances of crossed random intercepts.

With variance ratios ``g_k = var_k / var_residual`` and ``V = I + sum_k g_k Z_k Z_k'``, fixed
effects and residual variance profiled out, -2 log (restricted) likelihood is

``log|V| + log|X'V^-1 X| + nu (1 + log(2 pi s / nu))``, ``s = y'Py``, ``nu = n - p`` (REML),

without ``log|X'V^-1 X|`` and with ``nu = n`` for maximum likelihood: exactly lme4's REMLcrit and
deviance (Bates et al. 2015, eq. 39-42). Derivatives are analytic; the second derivatives are the
average of observed and expected information (Gilmour, Thompson & Cullis 1995, *Biometrics* 51,
1440-1450; Johnson & Thompson 1995, *J. Dairy Sci.* 78, 449-456).

Everything is computed from ``A = I + L Z'Z L`` with ``L = diag(sqrt(g))``, which stays regular when
a ratio is zero.
"""

from functools import cached_property

import numpy as np
from scipy import sparse

from pipeline.numerics._block_factor import BlockFactor
from pipeline.numerics._crossed_design import CrossedDesign, FloatArray, IntArray
from pipeline.numerics._elimination_order import order_fronts

# Ratios times rows per level below this are treated as zero: derivatives there are exact to about
# ten digits, while zero itself would need parts of the inverse that are never computed.
NEGLIGIBLE = 1e-6


class CrossedLikelihood:
    """The likelihood of a design as a function of its variance ratios.

    Parameters
    ----------
    design : CrossedDesign
    reml : bool
        Restricted rather than full likelihood.

    Attributes
    ----------
    floor : ndarray, (K,)
        Ratio that stands in for zero where a derivative is needed.
    nu : int
        Residual degrees of freedom: n - p (REML) or n.
    """

    def __init__(self, design: CrossedDesign, reml: bool) -> None:
        self.design = design
        self.reml = reml
        self.nu = design.n - design.p if reml else design.n
        sizes = np.array(design.sizes)
        self.mean_count = design.n / sizes
        self.floor = NEGLIGIBLE / self.mean_count
        fronts = order_fronts(design)
        self.layout = BlockFactor(fronts)
        position = fronts.position
        offset = np.concatenate([[0], np.cumsum(sizes)])
        self.where = [position[offset[k] : offset[k + 1]] for k in range(len(sizes))]
        self._term = np.repeat(np.arange(len(sizes)), sizes)[fronts.pivots]
        self._place_cross_products(fronts.pivots)
        right = np.column_stack([np.concatenate(design.z_basis), np.concatenate(design.z_response)])
        self.right = right[fronts.pivots]
        self.log_det_r = 2.0 * float(np.log(np.abs(np.diag(design.r_factor))).sum())

    def _place_cross_products(self, pivots: IntArray) -> None:
        """Find where each entry of Z'Z goes in the factor's storage, and what scales it."""
        design, layout = self.design, self.layout
        k_terms = len(design.names)
        places = [layout.diagonal]
        values = [np.concatenate(design.counts)[pivots]]
        scales = [self._term * (k_terms + 1)]
        for (j, k), table in design.cross.items():
            left, right = self.where[j][table.left], self.where[k][table.right]
            places.append(layout.locate(np.maximum(left, right), np.minimum(left, right)))
            values.append(table.count)
            scales.append(np.full(len(table), j * k_terms + k))
        self._places = np.concatenate(places)
        self._values = np.concatenate(values)
        self._scales = np.concatenate(scales).astype(np.int32)

    @cached_property
    def _products(self) -> sparse.csr_array:
        """``Z'Z`` in elimination order, (q, q)."""
        size = self.layout.size
        every = np.arange(size)
        rows, columns, counts = [every], [every], [np.empty(size)]
        for k, own in enumerate(self.design.counts):
            counts[0][self.where[k]] = own
        for (j, k), table in self.design.cross.items():
            left, right = self.where[j][table.left], self.where[k][table.right]
            rows += [left, right]
            columns += [right, left]
            counts += [table.count, table.count]
        at = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_array((np.concatenate(counts), at), shape=(size, size))

    def at(self, ratios: FloatArray) -> "LikelihoodPoint":
        """Evaluate the likelihood at variance ratios (K,), each at least 0.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the ratios are so large that the matrix is numerically singular.
        """
        return LikelihoodPoint(self, ratios)

    def storage(self, ratios: FloatArray) -> FloatArray:
        """Return the lower triangle of I + L Z'Z L, in the factor's storage."""
        root = np.sqrt(ratios)
        table = np.outer(root, root).ravel()
        storage: FloatArray = np.zeros(self.layout.n_storage)
        storage[self._places] = self._values * table[self._scales]
        storage[self.layout.diagonal] += 1.0
        return storage

    def scale(self, ratios: FloatArray) -> FloatArray:
        """Return the diagonal of L in elimination order, (q,)."""
        scale: FloatArray = np.sqrt(ratios)[self._term]
        return scale

    def sum_by_term(self, values: FloatArray) -> FloatArray:
        """Sum values (q,) in elimination order by factor, (K,)."""
        sums: FloatArray = np.bincount(
            self._term, weights=values, minlength=len(self.design.names)
        ).astype(float)
        return sums

    def spread(self, level_values: list[FloatArray]) -> FloatArray:
        """Return ``Z' Z_k a_k`` as columns k, (q, K) in elimination order.

        Parameters
        ----------
        level_values : list of ndarray, each (q_k,)
            The vectors a_k.
        """
        apart: FloatArray = np.zeros((self.layout.size, len(level_values)))
        for k, values in enumerate(level_values):
            apart[self.where[k], k] = values
        spread: FloatArray = self._products @ apart
        return spread


class LikelihoodPoint:
    """The likelihood, its derivatives and predictions at one set of variance ratios.

    Attributes
    ----------
    ratios : ndarray, (K,)
    log_determinants : float
        ``log|V| + log|X'V^-1 X|`` (REML) or ``log|V|``.
    rss : float
        Penalised residual sum of squares ``s = y'Py``, squared units of y.
    beta : ndarray, (p,)
        Coefficients of the *residual* response on the orthonormal basis of X.
    """

    def __init__(self, model: CrossedLikelihood, ratios: FloatArray) -> None:
        design = model.design
        self.model = model
        self.ratios = ratios
        self.factor = model.layout.factor(model.storage(ratios))
        self._scale = model.scale(ratios)[:, None]
        scaled = self._scale * model.right
        self._solved = self.factor.solve(scaled)
        p = design.p
        inner = -(scaled.T @ self._solved)
        inner[:p, :p] += np.eye(p)
        inner[p, p] += design.sum_squares
        self._chol = np.linalg.cholesky(inner[:p, :p])
        half = np.linalg.solve(self._chol, np.column_stack([inner[:p, p], np.eye(p)]))
        self.beta: FloatArray = half[:, 1:].T @ half[:, 0]
        self.basis_cov: FloatArray = half[:, 1:].T @ half[:, 1:]
        self.rss = float(inner[p, p] - half[:, 0] @ half[:, 0])
        self.log_determinants = self.factor.log_determinant
        if model.reml:
            fixed = 2.0 * float(np.log(np.diag(self._chol)).sum())
            self.log_determinants += fixed + model.log_det_r

    @cached_property
    def criterion(self) -> float:
        """-2 log (restricted) likelihood, fixed effects and residual variance profiled out."""
        nu = self.model.nu
        if self.rss <= 0.0:
            return np.inf
        return self.log_determinants + nu * (1.0 + float(np.log(2.0 * np.pi * self.rss / nu)))

    def criterion_at(self, residual: float) -> float:
        """-2 log (restricted) likelihood at a given residual variance, beta profiled out."""
        constant = self.model.nu * float(np.log(2.0 * np.pi * residual))
        return self.log_determinants + constant + self.rss / residual

    @cached_property
    def spherical(self) -> FloatArray:
        """Spherical random effects ``L^-1 b`` in elimination order, (q,), in units of y."""
        p = self.model.design.p
        effects: FloatArray = self._solved[:, p] - self._solved[:, :p] @ self.beta
        return effects

    @cached_property
    def inverse_diagonal(self) -> FloatArray:
        """Diagonal of ``A^-1`` in elimination order, (q,): conditional variances before scaling."""
        return self.factor.inverse_diagonal()

    @cached_property
    def _forms(self) -> tuple[FloatArray, list[FloatArray]]:
        """Quadratic forms ``y'P V_k P y`` (K,) and the vectors ``Z_k' P y``."""
        root = np.sqrt(self.ratios)
        scores = [self.spherical[where] / root[k] for k, where in enumerate(self.model.where)]
        return np.array([float(a @ a) for a in scores]), scores

    @property
    def quadratic(self) -> FloatArray:
        """Quadratic forms ``y'P Z_k Z_k' P y``, (K,); needs positive ratios."""
        return self._forms[0]

    @cached_property
    def traces(self) -> FloatArray:
        """``tr(P Z_k Z_k')`` (REML) or ``tr(V^-1 Z_k Z_k')``, (K,); needs positive ratios."""
        model = self.model
        left = model.sum_by_term(1.0 - self.inverse_diagonal)
        if model.reml:
            p = model.design.p
            fixed = self._solved[:, :p]
            left -= model.sum_by_term(np.einsum("qi,ij,qj->q", fixed, self.basis_cov, fixed))
        traces: FloatArray = left / self.ratios
        return traces

    @cached_property
    def cubic(self) -> FloatArray:
        """``y'P V_j P V_k P y``, (K, K): the data's part of the average information."""
        model = self.model
        scores = self._forms[1]
        spread = model.spread(scores)
        scaled = self._scale * spread
        solved = self.factor.solve(scaled)
        direct = np.array([[float(a @ spread[w, k]) for k in range(len(scores))]
                           for a, w in zip(scores, model.where, strict=True)])  # fmt: skip
        p = model.design.p
        on_basis = np.column_stack(
            [basis.T @ a for basis, a in zip(model.design.z_basis, scores, strict=True)]
        )
        on_basis = on_basis - (self._scale * model.right[:, :p]).T @ solved
        cubic: FloatArray = direct - scaled.T @ solved - on_basis.T @ self.basis_cov @ on_basis
        return 0.5 * (cubic + cubic.T)

    @cached_property
    def gradient(self) -> FloatArray:
        """Derivatives of the criterion with respect to the ratios, (K,)."""
        slope: FloatArray = self.traces - self.model.nu * self.quadratic / self.rss
        return slope

    @cached_property
    def curvature(self) -> FloatArray:
        """Average-information second derivatives with respect to the ratios, (K, K)."""
        share = self.quadratic / self.rss
        curve: FloatArray = self.model.nu * (self.cubic / self.rss - np.outer(share, share))
        return curve

    def by_variance(self) -> tuple[FloatArray, FloatArray]:
        """Return gradient and curvature with respect to the variances themselves.

        The K variances and then the residual variance, here at ``rss / nu``; needs positive ratios.

        Returns
        -------
        gradient : ndarray, (K + 1,)
            Of ``nu log var_residual + log determinants + rss / var_residual``.
        curvature : ndarray, (K + 1, K + 1)
            Average information of the same, twice the information of the log likelihood.
        """
        return self.by_variance_at(self.rss / self.model.nu)

    def by_variance_at(self, residual: float) -> tuple[FloatArray, FloatArray]:
        """Return the same as `by_variance` for any residual variance, at these ratios."""
        k_terms = len(self.ratios)
        ratios, cubic, quadratic = self.ratios, self.cubic, self.quadratic
        slope = self.traces - quadratic / residual
        gradient = np.empty(k_terms + 1)
        gradient[:-1] = slope / residual
        gradient[-1] = (self.model.nu - self.rss / residual - float(ratios @ slope)) / residual
        # V - sum g_k V_k = I gives the forms of the residual from those of the terms.
        with_residual = quadratic - cubic @ ratios
        curvature = np.empty((k_terms + 1, k_terms + 1))
        curvature[:-1, :-1] = cubic
        curvature[-1, :-1] = curvature[:-1, -1] = with_residual
        curvature[-1, -1] = self.rss - float(ratios @ (quadratic + with_residual))
        return gradient, curvature / residual**3
