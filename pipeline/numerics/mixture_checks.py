"""Does a mixture with several components say more than one that comes from chance?

Three checks on arrays: the gap statistic, a bootstrap of the likelihood ratio under one
component, and the stability of clusters under resampling. Each sees the scores as they are:
incomplete and on a scale with steps, and builds its comparison data with the same gaps and steps.

Sources: Tibshirani, Walther & Hastie (2001) for the gap; McLachlan (1987) for the likelihood
ratio; Besag & Clifford (1991) for stopping it early; Hennig (2007) for stability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.numerics.k_means import (
    FloatArray,
    IntArray,
    axis_groups,
    k_means,
    lloyd,
    one_hot,
)
from pipeline.numerics.mixture import Layout, fit_mixture, fit_one

_ROWS_AT_ONCE = 20_000  # rows of a batch of data sets: bounds memory, keeps arrays in cache
_HERMITE = 24  # terms of the expansion of a marginal; the rest adds less than .001
_CORRELATIONS = np.linspace(-0.999, 0.999, 401)


@dataclass(frozen=True)
class Lattice:
    """The values that a score can take: a mean of m scores moves in steps of 1/m.

    Attributes
    ----------
    origin : numpy.ndarray, shape (n_criteria,)
        A possible score, on the shifted scale of the data.
    step : numpy.ndarray, shape (n_subjects, n_criteria)
        Distance between possible scores, above 0.
    """

    origin: FloatArray
    step: FloatArray

    def round(self, x: FloatArray) -> FloatArray:
        """Return the nearest possible scores."""
        return np.round((x - self.origin) / self.step) * self.step + self.origin


def gap_clusters(
    x: FloatArray,
    layout: Layout,
    floor: float,
    lattice: Lattice,
    most: int,
    n_references: int,
    rng: np.random.Generator,
) -> int:
    """Count clusters by the gap statistic with the one-standard-error rule.

    Parameters
    ----------
    x : numpy.ndarray, shape (n_subjects, n_criteria)
        Scores, 0 where not observed.
    layout : Layout
    floor : float
        As for `fit_one`, which fills gaps in the scores with their expectation under one
        component; the reference data lose the same scores and are filled in the same way.
    lattice : Lattice
        Reference scores are rounded to it.
    most : int
        Largest number of clusters to consider.
    n_references : int
        Reference data sets: uniform over the box along the principal axes of the scores.
    rng : numpy.random.Generator

    Returns
    -------
    int
        The smallest k with gap(k) >= gap(k + 1) - s(k + 1), or `most`.
    """
    one = np.ones((1, len(x)))
    _, filled = fit_one(x[None], layout, one, floor)
    centre = filled[0].mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(filled[0], rowvar=False))
    turned = (filled[0] - centre) @ vectors
    low, high = turned.min(axis=0), turned.max(axis=0)
    reference = rng.uniform(low, high, (n_references, *x.shape)) @ vectors.T + centre
    reference = lattice.round(reference)
    if not layout.observed.all():
        reference = np.where(layout.observed, reference, 0.0)
        weights = np.ones(reference.shape[:2])
        reference = fit_one(reference, layout, weights, floor)[1]
    before: float | None = None
    for k in range(1, most + 1):
        own = float(_log_within(filled, k, rng)[0])
        chance = np.concatenate([_log_within(part, k, rng) for part in _batches(reference)])
        gap = float(chance.mean()) - own
        spread = float(chance.std()) * math.sqrt(1 + 1 / n_references)
        if before is not None and before >= gap - spread:
            return k - 1
        before = gap
    return most


def _batches(x: FloatArray) -> list[FloatArray]:
    return np.array_split(x, math.ceil(x.shape[0] * x.shape[1] / _ROWS_AT_ONCE))


def _log_within(x: FloatArray, k: int, rng: np.random.Generator) -> FloatArray:
    """Log of the sum of squares within the best of a few k-means solutions."""
    weights = np.ones(x.shape[:2])
    total = ((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    if k == 1:
        return np.asarray(np.log(total))
    _, vectors = np.linalg.eigh(np.swapaxes(x, 1, 2) @ (x - x.mean(axis=1, keepdims=True)))
    axes = (x @ vectors)[..., ::-1]
    tries = [
        lloyd(x, axis_groups(axes[..., j], k), k, weights, 20) for j in range(min(2, x.shape[2]))
    ]
    tries += [k_means(x, k, weights, rng) for _ in range(k - 1)]
    least = np.full(len(x), np.inf)
    for group in tries:
        belongs = one_hot(group, k)
        size = np.maximum(belongs.sum(axis=1), 1e-12)
        centres = (belongs.swapaxes(1, 2) @ x) / size[..., None]
        within = (x**2).sum(axis=(1, 2)) - (size[..., None] * centres**2).sum(axis=(1, 2))
        least = np.minimum(least, within)
    return np.asarray(np.log(np.maximum(least, 1e-9 * total)))


def likelihood_ratio_p(
    x: FloatArray,
    layout: Layout,
    floor: float,
    k: int,
    n_bootstrap: int,
    level: float,
    rng: np.random.Generator,
    *,
    normal: bool = False,
) -> float:
    """p-value of `k` components against one, by a bootstrap under one component.

    Parameters
    ----------
    x, layout, floor
        As for `gap_clusters`.
    k : int
        Components, at least 2.
    n_bootstrap : int
        Data sets drawn under one component, at most.
    level : float
        Drawing stops once p cannot fall below this; p is then of the draws made.
    rng : numpy.random.Generator
    normal : bool
        Whether one component is plainly normal, for values without a scale of their own; else it
        is seen through the scale as it was used (`OneComponent`).

    Returns
    -------
    float
        (1 + draws with a likelihood ratio at least as large) / (1 + draws).
    """
    observed = _ratio(x[None], layout, floor, k, rng)[0]
    draw = (NormalComponent if normal else OneComponent)(x, layout, floor)
    enough = math.ceil(level * (n_bootstrap + 1)) - 1
    larger = done = 0
    most = max(1, _ROWS_AT_ONCE // len(x))
    while done < n_bootstrap and larger < enough:
        size = min(n_bootstrap - done, most, 20 if done == 0 else most)
        larger += int((_ratio(draw(size, rng), layout, floor, k, rng) >= observed).sum())
        done += size
    return (larger + 1) / (done + 1)


def _ratio(
    x: FloatArray, layout: Layout, floor: float, k: int, rng: np.random.Generator
) -> FloatArray:
    weights = np.ones(x.shape[:2])
    one = fit_one(x, layout, weights, floor)
    return 2 * (fit_mixture(x, k, layout, weights, floor, rng, one=one).loglik - one[0].loglik)


class OneComponent:
    """Draws scores as one component would give them, on the scale as it was used.

    One normal distribution seen through a scale: each criterion keeps the scores that were
    given, as often as they were given (steps, ceiling and skew included), and the correlations
    between criteria are those of the fitted component. A plain normal null would book steps
    and ceiling as structure.
    """

    def __init__(self, x: FloatArray, layout: Layout, floor: float) -> None:
        self._layout = layout
        fit, _ = fit_one(x[None], layout, np.ones((1, len(x))), floor)
        sd = np.sqrt(np.diagonal(fit.covariance[0]))
        wanted = fit.covariance[0] / np.outer(sd, sd)
        self._scores = [
            np.sort(column[seen]) for column, seen in zip(x.T, layout.observed.T, strict=True)
        ]
        terms = np.stack([_hermite_terms(scores) for scores in self._scores])
        powers = _CORRELATIONS[:, None] ** np.arange(1, _HERMITE + 1)
        latent = np.eye(x.shape[1])
        for a in range(x.shape[1]):
            for b in range(a):
                seen_through = powers @ (terms[a] * terms[b])
                latent[a, b] = latent[b, a] = np.interp(wanted[a, b], seen_through, _CORRELATIONS)
        values, vectors = np.linalg.eigh(latent)
        root = vectors * np.sqrt(np.maximum(values, 1e-6))
        self._root = root / np.sqrt((root**2).sum(axis=1, keepdims=True))

    def __call__(self, n_sets: int, rng: np.random.Generator) -> FloatArray:
        """Draw data sets, shape (n_sets, n_subjects, n_criteria), 0 where not observed."""
        observed = self._layout.observed
        place = special.ndtr(rng.standard_normal((n_sets, *observed.shape)) @ self._root.T)
        out = np.empty_like(place)
        for j, scores in enumerate(self._scores):
            at = np.minimum((place[..., j] * scores.size).astype(np.intp), scores.size - 1)
            out[..., j] = scores[at]
        return np.where(observed, out, 0.0)


class NormalComponent:
    """Draws values from the fitted normal distribution: two humps are not part of one component."""

    def __init__(self, x: FloatArray, layout: Layout, floor: float) -> None:
        self._observed = layout.observed
        fit, _ = fit_one(x[None], layout, np.ones((1, len(x))), floor)
        self._mean = fit.mean[0, 0]
        self._root = np.linalg.cholesky(fit.covariance[0])

    def __call__(self, n_sets: int, rng: np.random.Generator) -> FloatArray:
        """Draw data sets, shape (n_sets, n_subjects, n_criteria), 0 where not observed."""
        out = rng.standard_normal((n_sets, *self._observed.shape)) @ self._root.T + self._mean
        return np.where(self._observed, out, 0.0)


def _hermite_terms(scores: FloatArray) -> FloatArray:
    """Coefficients of the standardised quantile function of sorted scores in normal deviates.

    The correlation of two criteria is then the sum of a_r * b_r * rho**r over r = 1, 2, ...,
    rho being the correlation of their normal deviates (Cario & Nelson 1997).
    """
    cut = special.ndtri(np.arange(1, scores.size) / scores.size)
    density = np.exp(-0.5 * cut**2) / math.sqrt(2 * math.pi)
    jumps = np.diff(scores)
    # Integrating by parts leaves one term per jump: He_(r-1)(cut) * density / sqrt(r!)
    terms = np.empty(_HERMITE)
    previous, current = np.zeros_like(cut), np.ones_like(cut)
    for r in range(1, _HERMITE + 1):
        terms[r - 1] = (jumps * density * current).sum() / math.sqrt(r)
        # normalised polynomials h_r = He_r / sqrt(r!), which do not overflow
        previous, current = (
            current,
            (cut * current - math.sqrt(r - 1) * previous) / math.sqrt(r),
        )
    return np.asarray(terms / scores.std())


def cluster_jaccard(
    x: FloatArray,
    layout: Layout,
    floor: float,
    group: IntArray,
    k: int,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Mean Jaccard similarity of each cluster with its best match in resampled subjects.

    Parameters
    ----------
    x, layout, floor, rng
        As for `gap_clusters`.
    group : numpy.ndarray of int, shape (n_subjects,)
        The clusters found, 0 to `k` - 1.
    k : int
    n_bootstrap : int
        Times the subjects are drawn with replacement and clustered anew.

    Returns
    -------
    numpy.ndarray, shape (k,)
        0-1 per cluster, over the different subjects drawn.
    """
    n = len(x)
    own = one_hot(group, k)
    total = np.zeros(k)
    most = max(1, _ROWS_AT_ONCE // n)
    for done in range(0, n_bootstrap, most):
        size = min(most, n_bootstrap - done)
        weights = rng.multinomial(n, np.full(n, 1 / n), size=size).astype(float)
        many = np.broadcast_to(x, (size, *x.shape))
        found = fit_mixture(many, k, layout, weights, floor, rng).posterior.argmax(axis=2)
        new = one_hot(found, k)
        drawn = (weights > 0).astype(float)[..., None]
        both = (drawn * own).swapaxes(1, 2) @ new
        either = (drawn * own).sum(axis=1)[:, :, None] + (drawn * new).sum(axis=1)[:, None] - both
        total += (both / np.maximum(either, 1e-12)).max(axis=2).sum(axis=0)
    return total / n_bootstrap
