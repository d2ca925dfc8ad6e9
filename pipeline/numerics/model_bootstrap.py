"""What would the ratings look like if the fitted model were the whole truth?

Model: ``y = X beta + sum_k Z_k b_k + e`` with the fitted variances, on the observed design, so that
raters with few ratings vary as much as they should. Linear predictions at these variances come
from one sparse factorisation of Henderson's equations, so a simulated data set costs one solve and
not a refit: the uncertainty of the variances themselves is not in the simulations.

Sources: Davison & Hinkley (1997), Bootstrap Methods and their Application, ch. 4; Henderson
(1975), Biometrics 31, 423-447; Cook, Holschuh & Weisberg (1982), Technometrics 24, 23-33 (one mean
shifted); Journel & Huijbregts (1978), Mining Geostatistics, VII.A (simulation conditional on what
was seen); Sheppard (1898) (what rounding adds to a variance).

Assumes normal effects. Scores on a few points of a scale are made by cutting the simulated values
so that every point is used as often, over all, as it was observed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats
from scipy.sparse.linalg import splu

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

N_DRAWS = 199
_MOST_POINTS = 21


class FittedModel:
    """A model at given variances, ready to predict and to simulate.

    Parameters
    ----------
    X : ndarray, (n, p)
        Fixed columns of full rank.
    codes : mapping of str to ndarray of int, each (n,)
        Levels of each random term, counted from 0.
    variance : mapping of str to float
        Variance per term, 0 or more, and ``"residual"`` above 0; terms with 0 fall out.
    """

    def __init__(
        self, X: FloatArray, codes: Mapping[str, IntArray], variance: Mapping[str, float]
    ) -> None:
        self.residual_variance = variance["residual"]
        self.codes = {name: codes[name] for name in codes if variance.get(name, 0.0) > 0}
        self.variance = {name: variance[name] for name in self.codes}
        self.n, self.p = X.shape
        self.where: dict[str, slice] = {}
        blocks, penalty, start = [sparse.csc_array(X)], [np.zeros(self.p)], self.p
        for name, code in self.codes.items():
            q = int(code.max()) + 1
            blocks.append(indicator(code))
            penalty.append(np.full(q, self.residual_variance / variance[name]))
            self.where[name] = slice(start, start + q)
            start += q
        self._columns = sparse.csc_array(sparse.hstack(blocks))
        system = self._columns.T @ self._columns + sparse.diags_array(np.concatenate(penalty))
        self._factor = splu(
            sparse.csc_matrix(system),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    def coefficients(self, y: FloatArray) -> FloatArray:
        """Return fixed effects, then predicted effects by term, (p + q,) or (p + q, draws)."""
        solved: FloatArray = self._factor.solve(np.ascontiguousarray(self._columns.T @ y))
        return solved

    def residual(self, y: FloatArray) -> FloatArray:
        """Take fixed and predicted effects off, the shape of ``y``."""
        left: FloatArray = y - self._columns @ self.coefficients(y)
        return left

    def without(self, y: FloatArray, names: Collection[str]) -> FloatArray:
        """Take fixed and predicted effects of some terms off, the shape of ``y``."""
        solved = self.coefficients(y)
        left: FloatArray = y - self._columns[:, : self.p] @ solved[: self.p]
        for name in names:
            if name in self.where:
                left = left - solved[self.where[name]][self.codes[name]]
        return left

    def information(
        self, y: FloatArray, columns: sparse.csc_array
    ) -> tuple[FloatArray, FloatArray]:
        """Say what the scores tell of the coefficients of further columns, all together.

        Parameters
        ----------
        y : ndarray, (n,)
        columns : sparse array, (n, m)
            Such as indicators of cells: the coefficient is how far the cell's scores are shifted.

        Returns
        -------
        information : ndarray, (m, m)
            Inverse covariance of the generalised least-squares estimates.
        score : ndarray, (m,)
            Information times these estimates.
        """
        cross = sparse.csc_array(self._columns.T @ columns)
        taken = cross.T @ self._factor.solve(cross.toarray())
        information = ((columns.T @ columns).toarray() - taken) / self.residual_variance
        return information, (columns.T @ self.residual(y)) / self.residual_variance

    def simulate(
        self,
        mean: FloatArray,
        n_draws: int,
        rng: np.random.Generator,
        *,
        kept: Mapping[str, FloatArray] | None = None,
        rounding: float = 0.0,
    ) -> FloatArray:
        """Simulate scores on the observed design, (n, n_draws).

        Parameters
        ----------
        mean : ndarray, (n,)
            Fixed part.
        n_draws : int
        rng : numpy.random.Generator
        kept : mapping of str to ndarray, (levels, n_draws), optional
            Effects that are given rather than drawn.
        rounding : float
            Part of the residual variance that comes from rounding, so is not drawn.
        """
        drawn = self._draw(n_draws, rng)
        y = np.broadcast_to(mean[:, None], (self.n, n_draws)).copy()
        for name, code in self.codes.items():
            y += (kept or {}).get(name, drawn[name])[code]
        y += rng.normal(0.0, np.sqrt(self.residual_variance - rounding), y.shape)
        return y

    def simulate_like(
        self, y: FloatArray, mean: FloatArray, n_draws: int, rng: np.random.Generator,
        terms: Collection[str],
    ) -> FloatArray:  # fmt: skip
        """Simulate scores for effects of some terms that fit the scores seen, (n, n_draws).

        The effects of ``terms`` are drawn jointly from their distribution given ``y``, the others
        anew: the same raters and subjects, another day. Where the scores seen lie on a few points,
        the simulated ones lie on them too.
        """
        drawn = self._draw(n_draws, rng)
        made = np.broadcast_to(mean[:, None], (self.n, n_draws)).copy()
        for name, code in self.codes.items():
            made += drawn[name][code]
        made += rng.normal(0.0, np.sqrt(self.residual_variance), made.shape)
        seen, again = self.coefficients(y), self.coefficients(made)
        kept = {
            name: seen[self.where[name], None] + drawn[name] - again[self.where[name]]
            for name in terms
            if name in self.where
        }
        rounding = min(rounding_variance(y), 0.8 * self.residual_variance)
        again = self.simulate(mean, n_draws, rng, kept=kept, rounding=rounding)
        return on_scale(again, y)

    def _draw(self, n_draws: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        return {
            name: rng.normal(0.0, np.sqrt(value), (self._levels(name), n_draws))
            for name, value in self.variance.items()
        }

    def _levels(self, name: str) -> int:
        return int(self.where[name].stop - self.where[name].start)


def indicator(code: IntArray, levels: int | None = None) -> sparse.csc_array:
    """Make columns that are 1 where a row has the level, (n, levels)."""
    shape = (len(code), levels if levels is not None else int(code.max()) + 1)
    return sparse.csc_array((np.ones(len(code)), (np.arange(len(code)), code)), shape=shape)


def on_scale(draws: FloatArray, observed: FloatArray) -> FloatArray:
    """Cut simulated values into the observed scores, each used as often as observed.

    Unchanged where the scores take more than 21 values: then there is no scale to speak of.
    """
    points, counts = np.unique(observed, return_counts=True)
    if len(points) > _MOST_POINTS:
        return draws
    cuts = np.quantile(draws, np.cumsum(counts)[:-1] / counts.sum())
    cut: FloatArray = points[np.searchsorted(cuts, draws)]
    return cut


def rounding_variance(observed: FloatArray) -> float:
    """Return the variance that rounding to the points in use adds (Sheppard), 0 without points."""
    if len(np.unique(observed)) > _MOST_POINTS:
        return 0.0
    return smallest_step(observed) ** 2 / 12


def against_draws(observed: FloatArray, drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Judge numbers by their simulated values: standard error and two-sided normal p-value.

    Parameters
    ----------
    observed : ndarray, (q,)
    drawn : ndarray, (q, draws)

    Returns
    -------
    se, p : ndarray, (q,)
        ``p`` is NaN where simulated values do not vary.
    """
    se = drawn.std(axis=1, ddof=1)
    z = (observed - drawn.mean(axis=1)) / np.where(se > 0, se, np.nan)
    return se, 2 * stats.norm.sf(np.abs(z))


def spread_ratio(
    observed: FloatArray, drawn: FloatArray, least: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Compare mean squares with their simulated values, as a ratio of SDs.

    On the scale of cube roots a mean square is nearly normal (Wilson & Hilferty 1931), so a p-value
    can be smaller than one over the number of draws.

    Parameters
    ----------
    observed, drawn : ndarray, (q,), (q, draws)
        Mean squares, 0 or more.
    least : ndarray, (q,)
        Mean square if a single score had differed by one step; bounds the interval of a rater who
        shows no difference at all.
    level : float

    Returns
    -------
    ratio, low, high, p : ndarray, (q,)
        ``high`` is infinite where the simulated values come close to 0.
    """
    mean, root = drawn.mean(axis=1), np.cbrt(drawn)
    mean = np.where(mean > 0, mean, np.nan)
    centre, sd = root.mean(axis=1), root.std(axis=1, ddof=1)
    reach = float(stats.norm.ppf((1 + level) / 2)) * sd
    bound = np.where(centre > reach, centre - reach, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (np.cbrt(observed) / (centre + reach)) ** 1.5
        high = (np.cbrt(np.maximum(observed, least)) / bound) ** 1.5
    p = against_draws(np.cbrt(observed), root)[1]
    ratio = np.sqrt(observed / mean)
    # the mean of squares and that of roots differ a little
    return ratio, np.minimum(low, ratio), np.maximum(high, ratio), p


def smallest_step(observed: FloatArray) -> float:
    """Return the smallest difference between two different scores."""
    return float(np.diff(np.unique(observed)).min())
