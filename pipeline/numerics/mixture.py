"""Fit normal mixtures with one shared covariance to incomplete scores, many data sets at once.

A subject's scores come from one of `k` normal distributions that differ in their means only.
Sharing the covariance keeps the likelihood bounded where scores are discrete, and lets the
strength of a general factor (halo) be the covariance's business and not the clusters'.

EM for missing scores: what is not scored is integrated out, never filled in (Little & Rubin 2002,
chapter 11), so it assumes that a score is missing for reasons unrelated to its height.
Everything has a leading axis for data sets, because the bootstraps of
`pipeline.numerics.mixture_checks` fit hundreds of small ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.numerics.k_means import FloatArray, IntArray, axis_groups, k_means, one_hot

BoolArray = npt.NDArray[np.bool_]

_SHORT, _LONG, _EVERY = 6, 60, 10  # EM steps: per start, for the best start, between checks
_GAINED_ENOUGH = 0.01  # log-likelihood per `_EVERY` steps
_AXES = 3  # principal axes that give a start each


@dataclass(frozen=True)
class Layout:
    """Which scores are there: the same for every data set of a batch.

    Attributes
    ----------
    observed : numpy.ndarray of bool, shape (n_subjects, n_criteria)
        Rows with the same pattern stand together.
    patterns : numpy.ndarray of bool, shape (n_patterns, n_criteria)
    pattern : numpy.ndarray of int, shape (n_subjects,)
        Pattern of each row.
    starts : numpy.ndarray of int, shape (n_patterns,)
        First row of each pattern.
    """

    observed: BoolArray
    patterns: BoolArray
    pattern: IntArray
    starts: IntArray

    @classmethod
    def of(cls, observed: BoolArray) -> Layout:
        """Read the layout from rows that are sorted by pattern."""
        changes = np.any(observed[1:] != observed[:-1], axis=1)
        pattern = np.concatenate([[0], np.cumsum(changes)]).astype(np.intp)
        starts = np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.intp)
        return cls(observed, observed[starts], pattern, starts)

    @property
    def slices(self) -> list[slice]:
        """Rows of each pattern."""
        ends = [*self.starts[1:].tolist(), len(self.observed)]
        return [slice(a, b) for a, b in zip(self.starts.tolist(), ends, strict=True)]


@dataclass(frozen=True)
class MixtureFit:
    """Mixtures fitted to a batch of data sets.

    Attributes
    ----------
    loglik : numpy.ndarray, shape (n_sets,)
        Log-likelihood of the observed scores.
    share : numpy.ndarray, shape (n_sets, k)
        Share of each component, 0-1.
    mean : numpy.ndarray, shape (n_sets, k, n_criteria)
        Scale points.
    covariance : numpy.ndarray, shape (n_sets, n_criteria, n_criteria)
        Within components, squared scale points.
    posterior : numpy.ndarray, shape (n_sets, n_subjects, k)
        Probability of each component, 0-1.
    """

    loglik: FloatArray
    share: FloatArray
    mean: FloatArray
    covariance: FloatArray
    posterior: FloatArray

    def take(self, which: npt.NDArray[np.generic]) -> MixtureFit:
        """Return the fits of some data sets."""
        return MixtureFit(*(getattr(self, name)[which] for name in _FIELDS))

    def where(self, keep: BoolArray, other: MixtureFit) -> MixtureFit:
        """Return these fits where `keep`, and those of `other` elsewhere."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in _FIELDS)
        return MixtureFit(
            *(np.where(keep.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs)
        )


_FIELDS = ("loglik", "share", "mean", "covariance", "posterior")


def fit_one(
    x: FloatArray, layout: Layout, weights: FloatArray, floor: float
) -> tuple[MixtureFit, FloatArray]:
    """Fit one normal distribution per data set.

    Parameters
    ----------
    x : numpy.ndarray, shape (n_sets, n_subjects, n_criteria)
        Scores, 0 where not observed.
    layout : Layout
    weights : numpy.ndarray, shape (n_sets, n_subjects)
        How often each subject counts.
    floor : float
        Smallest variance in any direction, squared scale points.

    Returns
    -------
    fit : MixtureFit
        With k = 1.
    filled : numpy.ndarray, shape of `x`
        Expected scores where none was observed; for starting values only.
    """
    posterior = np.ones((*x.shape[:2], 1))
    observed = layout.observed
    total = np.maximum(np.einsum("bn,np->bp", weights, observed.astype(float)), 1e-12)
    mean = np.einsum("bn,bnp->bp", weights, x) / total
    spread = np.where(observed, x - mean[:, None], 0.0)
    variance = np.einsum("bn,bnp->bp", weights, spread**2) / total
    covariance = np.eye(x.shape[2]) * np.maximum(variance, floor)[:, None]
    start = MixtureFit(
        np.full(len(x), -np.inf), np.ones((len(x), 1)), mean[:, None], covariance, posterior
    )
    # Complete rows have their answer after one step.
    steps = 2 if observed.all() else _LONG
    fit = _climb(x, layout, weights, floor, start, steps)
    if observed.all():
        return fit, x
    precision, _ = _precisions(fit.covariance, layout)
    gain = fit.covariance[:, None] @ precision
    centred = np.where(observed, x - fit.mean, 0.0)
    expected = fit.mean + np.einsum("bnpq,bnq->bnp", gain[:, layout.pattern], centred)
    return fit, np.where(observed, x, expected)


def fit_mixture(
    x: FloatArray,
    k: int,
    layout: Layout,
    weights: FloatArray,
    floor: float,
    rng: np.random.Generator,
    *,
    one: tuple[MixtureFit, FloatArray] | None = None,
) -> MixtureFit:
    """Fit `k` components per data set from several starts, and keep the most likely.

    Parameters
    ----------
    x, layout, weights, floor
        As for `fit_one`.
    k : int
        Components, at least 2.
    rng : numpy.random.Generator
        For the random starts.
    one : tuple, optional
        What `fit_one` gave, where it is at hand.

    Returns
    -------
    MixtureFit
        After a fixed largest number of EM steps, so that a data set and its bootstrap
        replicates are treated alike.
    """
    single, filled = one if one is not None else fit_one(x, layout, weights, floor)
    values, vectors = np.linalg.eigh(single.covariance)
    axes = ((filled - single.mean) @ vectors)[..., ::-1]
    white = axes / np.sqrt(values[:, None, ::-1])
    starts = [axis_groups(axes[..., j], k) for j in range(min(_AXES, x.shape[2]))]
    starts += [k_means(data, k, weights, rng, steps=5) for data in (axes, white)]
    tries = [
        _climb(x, layout, weights, floor, _start(filled, weights, one_hot(g, k), floor), _SHORT)
        for g in starts
    ]
    best = tries[0]
    for other in tries[1:]:
        best = best.where(best.loglik >= other.loglik, other)
    return _climb(x, layout, weights, floor, best, _LONG)


def _floored(covariance: FloatArray, floor: float) -> FloatArray:
    """Raise every eigenvalue to the floor: the maximum likelihood under that constraint."""
    values, vectors = np.linalg.eigh(covariance)
    if values.min() >= floor:
        return covariance
    raised: FloatArray = (vectors * np.maximum(values, floor)[:, None]) @ vectors.swapaxes(1, 2)
    return raised


def _start(
    filled: FloatArray, weights: FloatArray, posterior: FloatArray, floor: float
) -> MixtureFit:
    """Parameters that belong to an assignment of complete rows."""
    belongs = posterior * weights[..., None]
    size = np.maximum(belongs.sum(axis=1), 1e-12)
    total = weights.sum(axis=1)
    mean = (belongs.swapaxes(1, 2) @ filled) / size[..., None]
    square = (filled * weights[..., None]).swapaxes(1, 2) @ filled
    within = square - (mean * size[..., None]).swapaxes(1, 2) @ mean
    covariance = _floored(within / total[:, None, None], floor)
    share = np.maximum(size / total[:, None], 1e-12)
    return MixtureFit(np.full(len(filled), -np.inf), share, mean, covariance, posterior)


def _precisions(covariance: FloatArray, layout: Layout) -> tuple[FloatArray, FloatArray]:
    """Inverse covariance of the observed criteria of each pattern, 0 elsewhere; log determinant.

    Gauss-Jordan without pivots, safe because eigenvalues have a floor; over many small matrices
    at once it is ten times faster than `numpy.linalg.inv`.
    """
    both = layout.patterns[:, :, None] & layout.patterns[:, None, :]
    out = np.where(both, covariance[:, None], np.eye(covariance.shape[1]))
    logdet = np.zeros(out.shape[:2])
    for j in range(out.shape[2]):
        pivot = out[..., j, j].copy()
        logdet += np.log(pivot)
        row = out[..., j, :] / pivot[..., None]
        column = out[..., :, j].copy()
        out -= column[..., :, None] * row[..., None, :]
        out[..., j, :] = row
        out[..., :, j] = -column / pivot[..., None]
        out[..., j, j] = 1 / pivot
    return np.where(both, out, 0.0), logdet


def _climb(
    x: FloatArray,
    layout: Layout,
    weights: FloatArray,
    floor: float,
    start: MixtureFit,
    steps: int,
) -> MixtureFit:
    """Take EM steps; data sets that gain nothing more are left alone."""
    count, square = _moments(x, layout, weights)
    fit = start
    active = np.arange(len(x))
    for done in range(0, steps, _EVERY):
        part = fit.take(active)
        rows, weight = (x, weights) if len(active) == len(x) else (x[active], weights[active])
        moments = count[active], square[active]
        before = part.loglik
        for _ in range(min(_EVERY, steps - done)):
            part, precision = _expect(rows, layout, weight, moments, part)
            part = _maximise(rows, layout, weight, moments, part, precision, floor)
        part, _ = _expect(rows, layout, weight, moments, part)
        if len(active) == len(x):
            fit = part
        else:
            for name in _FIELDS:
                getattr(fit, name)[active] = getattr(part, name)
        active = active[part.loglik - before > _GAINED_ENOUGH]
        if not active.size:
            break
    return fit


def _moments(x: FloatArray, layout: Layout, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Per pattern the number of subjects and the sum of squares and products of their scores."""
    count = np.add.reduceat(weights, layout.starts, axis=1)
    square = [
        (x[:, rows] * weights[:, rows, None]).swapaxes(1, 2) @ x[:, rows] for rows in layout.slices
    ]
    return count, np.stack(square, axis=1)


def _expect(
    x: FloatArray,
    layout: Layout,
    weights: FloatArray,
    moments: tuple[FloatArray, FloatArray],
    fit: MixtureFit,
) -> tuple[MixtureFit, FloatArray]:
    """Find the posterior probabilities and the likelihood of these parameters; the precisions."""
    count, square = moments
    precision, logdet = _precisions(fit.covariance, layout)
    # With a shared covariance x'Px is the same for each component: linear terms are enough.
    slope = precision @ fit.mean.swapaxes(1, 2)[:, None]
    # (n_sets, n_patterns, k)
    level = np.log(fit.share)[:, None] - 0.5 * (fit.mean.swapaxes(1, 2)[:, None] * slope).sum(2)
    log_odds = np.empty((*x.shape[:2], fit.share.shape[1]))
    for m, rows in enumerate(layout.slices):
        log_odds[:, rows] = x[:, rows] @ slope[:, m] + level[:, m, None]
    highest = log_odds.max(axis=2)
    posterior = np.exp(log_odds - highest[..., None])
    total = posterior.sum(axis=2)
    posterior /= total[..., None]
    n_seen = layout.patterns.sum(axis=1)
    common = (precision * square).sum(axis=(2, 3)) + count * (logdet + n_seen * np.log(2 * np.pi))
    loglik = (weights * (highest + np.log(total))).sum(axis=1) - 0.5 * common.sum(axis=1)
    return MixtureFit(loglik, fit.share, fit.mean, fit.covariance, posterior), precision


def _maximise(
    x: FloatArray,
    layout: Layout,
    weights: FloatArray,
    moments: tuple[FloatArray, FloatArray],
    fit: MixtureFit,
    precision: FloatArray,
    floor: float,
) -> MixtureFit:
    """Find the parameters that fit these posterior probabilities best."""
    count, square = moments
    belongs = fit.posterior * weights[..., None]
    size = np.add.reduceat(belongs, layout.starts, axis=1)[..., None]
    turned = belongs.swapaxes(1, 2)
    sums = np.stack([turned[:, :, rows] @ x[:, rows] for rows in layout.slices], axis=1)
    n_k = np.maximum(size.sum(axis=1), 1e-10)
    mean = fit.mean[:, None]
    # The expected x is mean + covariance @ precision @ (x - mean); the precision's zeros keep
    # out what is not scored. Sums over patterns come first, for they are the cheap part.
    pulled = (sums - size * mean) @ precision
    pull = pulled.sum(axis=1) @ fit.covariance
    new_mean = fit.mean + pull / n_k
    cross = sums.swapaxes(2, 3) @ mean
    about = square - cross - cross.swapaxes(2, 3) + (size * mean).swapaxes(2, 3) @ mean
    learnt = (precision @ about @ precision - count[..., None, None] * precision).sum(axis=1)
    product = pull.swapaxes(1, 2) @ fit.mean
    second = (
        (n_k * fit.mean).swapaxes(1, 2) @ fit.mean
        + product
        + product.swapaxes(1, 2)
        + fit.covariance @ learnt @ fit.covariance
        + weights.sum(axis=1)[:, None, None] * fit.covariance
    )
    total = weights.sum(axis=1)[:, None, None]
    covariance = (second - (n_k * new_mean).swapaxes(1, 2) @ new_mean) / total
    covariance = _floored((covariance + covariance.swapaxes(1, 2)) / 2, floor)
    share = np.maximum(n_k[..., 0] / total[:, 0], 1e-12)
    return MixtureFit(fit.loglik, share, new_mean, covariance, fit.posterior)
