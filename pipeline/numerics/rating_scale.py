"""Many-facet rating-scale model: how strict is each rater on a ladder of categories?

Model: with x the category (0 .. K) that rater r gives subject s on criterion i,

    log P(x = k) / P(x = k - 1) = theta_s - severity_r - difficulty_i - threshold_k,

``theta ~ N(0, sigma^2)``; severities and difficulties sum to zero, thresholds are common to all
(rating scale) or, on request, own to each criterion (partial credit). Where groups of raters have
no criterion in common, each group's severities sum to zero: the groups are taken to be equally
strict on average.

Marginal maximum likelihood: subjects are integrated out by adaptive Gauss-Hermite quadrature
(nodes follow each subject's posterior), parameters found by Newton steps with the exact gradient
and the observed information (Louis 1982), whose inverse gives the standard errors. Missing
ratings are simply not there.

Sources: Andrich (1978), Psychometrika 43, 561-573; Linacre (1989), *Many-Facet Rasch
Measurement*; Pinheiro & Bates (1995), J. Comput. Graph. Stat. 4, 12-35 (adaptive quadrature);
Wright & Masters (1982) for infit and outfit.

Assumes that ratings of one subject hang together through theta only (no halo): with halo standard
errors are too small. It cannot tell severity from level between raters who share no subject: the
caller passes one connected component.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from pipeline.numerics.linkage import linked_groups

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_NODES = 15
_MOST_STEPS = 60
_DONE = 1e-8  # predicted gain of the log-likelihood
_LONGEST = 1.5  # logits that a parameter moves in one step
_NO_ESTIMATE = 12.0  # logits beyond which an estimate is on its way to infinity
_LEAST_SIGMA = 0.01
_ROOM = 1e-10


class RatingScaleError(ValueError):
    """The model has no finite or no unique answer for these ratings."""


@dataclass(frozen=True, eq=False)
class RatingScaleFit:
    """A fitted rating-scale model; all in logits.

    Attributes
    ----------
    severity, severity_se : ndarray, (n_raters,)
        Positive = gives lower scores; sums to zero.
    severity_cov : ndarray, (n_raters, n_raters)
        Covariance of the severities.
    difficulty, difficulty_se : ndarray, (n_criteria,)
        Positive = gets lower scores; sums to zero.
    threshold, threshold_se : ndarray, (K,) or with own thresholds (n_criteria, K)
        Step from category k - 1 to k, relative to `location` and, with own thresholds, to the
        difficulty of the criterion; a row sums to zero.
    location : float
        Mean of the thresholds: how far the middle of the scale lies above the mean subject.
    n_groups : int
        Groups of raters without a criterion in common; severities sum to zero in each.
    sigma : float
        SD of the subjects, 0.01 or more; 0.01 means that no differences were found.
    theta, theta_sd : ndarray, (n_subjects,)
        Posterior mean and SD of each subject.
    deviance : float
        -2 log marginal likelihood.
    expected : ndarray, (n,)
        Expected category of each rating.
    z : ndarray, (n,)
        Standardised residual of each rating: given minus expected over its model SD.
    square, weight : ndarray, (n,)
        Squared residual and its variance, both averaged over the subject's posterior.
    standard_square : ndarray, (n,)
        Squared standardised residual, averaged over the subject's posterior; 1 expected.
    n_steps : int
        Newton steps taken.
    """

    severity: FloatArray
    severity_se: FloatArray
    severity_cov: FloatArray = field(repr=False)
    difficulty: FloatArray
    difficulty_se: FloatArray
    threshold: FloatArray
    threshold_se: FloatArray
    location: float
    n_groups: int
    sigma: float
    theta: FloatArray = field(repr=False)
    theta_sd: FloatArray = field(repr=False)
    deviance: float
    expected: FloatArray = field(repr=False)
    z: FloatArray = field(repr=False)
    square: FloatArray = field(repr=False)
    weight: FloatArray = field(repr=False)
    standard_square: FloatArray = field(repr=False)
    n_steps: int

    def infit(self, code: IntArray) -> FloatArray:
        """Information-weighted mean square per level of `code`, (n_levels,); 1 expected."""
        fit: FloatArray = np.bincount(code, self.square) / np.bincount(code, self.weight)
        return fit

    def outfit(self, code: IntArray) -> FloatArray:
        """Plain mean square per level of `code`, (n_levels,); 1 expected, led by far misses."""
        fit: FloatArray = np.bincount(code, self.standard_square) / np.bincount(code)
        return fit


@dataclass(frozen=True, eq=False)
class _Data:
    """Ratings as codes, and the sums over ratings that do not change."""

    category: IntArray
    subject: IntArray
    rater: IntArray
    criterion: IntArray
    n_subjects: int
    n_raters: int
    n_criteria: int
    n_groups: int
    n_steps: int
    ladder: IntArray  # (n,): which thresholds a rating meets
    n_ladders: int
    given: FloatArray  # (K, n): 1 where the category is k or more
    of_subject: sparse.csr_array  # (n_subjects, n)
    of_fixed: sparse.csr_array  # (n, n_raters + n_criteria)
    of_ladder: sparse.csr_array  # (n, n_ladders)
    fixed_cells: sparse.csr_array  # (n_subjects * n_fixed, n)
    ladder_cells: sparse.csr_array  # (n_subjects * n_ladders, n)
    free: FloatArray  # all parameters (raters, criteria, thresholds, log sigma) from the free ones

    @property
    def n_fixed(self) -> int:
        return self.n_raters + self.n_criteria

    def thresholds(self, every: FloatArray) -> FloatArray:
        """Thresholds among all parameters, (n_ladders, K)."""
        return every[self.n_fixed : -1].reshape(self.n_ladders, self.n_steps)


@dataclass(frozen=True, eq=False)
class _Point:
    """The marginal likelihood at some parameters, with nodes per subject."""

    loglik: float
    theta: FloatArray  # (n_subjects, Q)
    posterior: FloatArray  # (n_subjects, Q)
    beyond: FloatArray  # (K, n, Q): probability of category k or more


def fit_rating_scale(
    category: npt.ArrayLike,
    subject: npt.ArrayLike,
    rater: npt.ArrayLike,
    criterion: npt.ArrayLike,
    *,
    own_thresholds: bool = False,
) -> RatingScaleFit:
    """Fit the rating-scale model to ratings of one connected component.

    Parameters
    ----------
    category : array_like of int, (n,)
        0 .. K, each used at least once.
    subject, rater, criterion : array_like of int, (n,)
        Codes from 0, each used at least once.
    own_thresholds : bool
        Thresholds per criterion instead of common ones; every criterion then needs all categories.

    Returns
    -------
    RatingScaleFit

    Raises
    ------
    RatingScaleError
        A rater or criterion whose scores all lie at one end of the scale, a rater who shares no
        criterion with another, or a search that did not end.
    """
    codes = (np.asarray(a, dtype=np.intp) for a in (category, subject, rater, criterion))
    data = _read(*codes, own_thresholds=own_thresholds)
    params = _start(data)
    nodes = np.zeros(data.n_subjects), np.full(data.n_subjects, np.exp(params[-1]))
    point = _evaluate(data, params, *nodes)
    for n_steps in range(_MOST_STEPS):
        # two looks at the posterior: the first from the nodes of the parameters before
        point = _evaluate(data, params, *_moments(point))
        gradient, complete, missing = _derivatives(data, params, point)
        held = params[-1] <= np.log(_LEAST_SIGMA) + _ROOM and gradient[-1] <= 0
        step, gain = _newton(gradient, complete, missing, held=held)
        if gain < _DONE:
            return _result(data, params, point, complete - missing, held=held, n_steps=n_steps)
        params, point = _climb(data, params, step, gain, point)
        if np.abs(data.free @ params)[: data.n_fixed].max() > _NO_ESTIMATE:
            raise RatingScaleError("an estimate tends to infinity")
    raise RatingScaleError(f"no optimum within {_MOST_STEPS} steps")


def _read(
    category: IntArray,
    subject: IntArray,
    rater: IntArray,
    criterion: IntArray,
    *,
    own_thresholds: bool,
) -> _Data:
    n_steps = int(category.max())
    n_subjects, n_raters, n_criteria = (int(c.max()) + 1 for c in (subject, rater, criterion))
    ladder = criterion if own_thresholds else np.zeros_like(criterion)
    n_ladders = n_criteria if own_thresholds else 1
    if n_steps < 1 or len(np.unique(ladder * (n_steps + 1) + category)) < n_ladders * (n_steps + 1):
        raise RatingScaleError("expected two categories or more, all of them used")
    for code in (rater, criterion):
        at_end = np.stack([np.bincount(code, category == end) for end in (0, n_steps)])
        if len(at_end[0]) > 1 and (at_end == np.bincount(code)).any():
            raise RatingScaleError("a rater or criterion has scores at one end of the scale only")
    group = linked_groups(rater, criterion)
    if n_raters > 1 and (np.bincount(group) == 1).any():
        raise RatingScaleError("a rater shares no criterion with another")
    # own thresholds hold the difficulty of their criterion
    of_criteria = _contrast(np.zeros(n_criteria, dtype=np.intp))[:, : 0 if own_thresholds else None]
    return _Data(
        category=category,
        subject=subject,
        rater=rater,
        criterion=criterion,
        n_subjects=n_subjects,
        n_raters=n_raters,
        n_criteria=n_criteria,
        n_groups=int(group.max()) + 1,
        n_steps=n_steps,
        ladder=ladder,
        n_ladders=n_ladders,
        given=(category > np.arange(n_steps)[:, None]).astype(float),
        of_subject=_indicators(subject, n_subjects).T.tocsr(),
        of_fixed=sparse.hstack(
            [_indicators(rater, n_raters), _indicators(criterion, n_criteria)], format="csr"
        ),
        of_ladder=_indicators(ladder, n_ladders),
        fixed_cells=_cells(
            subject, [rater, n_raters + criterion], n_subjects, n_raters + n_criteria
        ),
        ladder_cells=_cells(subject, [ladder], n_subjects, n_ladders),
        free=linalg.block_diag(_contrast(group), of_criteria, np.eye(n_ladders * n_steps + 1)),
    )


def _indicators(code: IntArray, size: int) -> sparse.csr_array:
    """1 where a row has a level, (n, size)."""
    n = len(code)
    return sparse.csr_array((np.ones(n), code, np.arange(n + 1)), shape=(n, size))


def _cells(
    subject: IntArray, columns: list[IntArray], n_subjects: int, size: int
) -> sparse.csr_array:
    """1 where a rating counts for a subject and a column, (n_subjects * size, n)."""
    n = len(subject)
    at = np.concatenate([subject * size + column for column in columns])
    rating = np.tile(np.arange(n), len(columns))
    return sparse.csr_array((np.ones(len(at)), (at, rating)), shape=(n_subjects * size, n))


def _contrast(group: IntArray) -> FloatArray:
    """Levels that sum to zero in each group, from all but the last of each, (n, n - groups)."""
    every = np.eye(len(group))
    last = {g: np.flatnonzero(group == g)[-1] for g in np.unique(group)}
    columns = [every[i] - every[last[g]] for i, g in enumerate(group) if i != last[g]]
    return np.array(columns).T.reshape(len(group), -1)


def _start(data: _Data) -> FloatArray:
    """Thresholds from the shares of the categories; raters and criteria alike."""
    share = np.bincount(data.category) / len(data.category)
    thresholds = np.tile(np.clip(np.log(share[:-1] / share[1:]), -3, 3), data.n_ladders)
    return np.concatenate([np.zeros(data.free.shape[1] - len(thresholds) - 1), thresholds, [0.0]])


def _evaluate(data: _Data, params: FloatArray, centre: FloatArray, spread: FloatArray) -> _Point:
    """Evaluate the likelihood with quadrature nodes around a centre per subject."""
    x, w = np.polynomial.hermite_e.hermegauss(_NODES)
    theta = centre[:, None] + spread[:, None] * x
    log_weight = np.log(w) + x**2 / 2 + np.log(spread)[:, None] - 0.5 * np.log(2 * np.pi)
    every = data.free @ params
    sigma = np.exp(params[-1])
    prior = -0.5 * (theta / sigma) ** 2 - params[-1]
    eta = theta[data.subject] - (data.of_fixed @ every[: data.n_fixed])[:, None]
    thresholds = data.thresholds(every)[data.ladder]
    # categories from the bottom: log numerators are running sums of steps
    numerator = np.zeros((data.n_steps + 1, *eta.shape))
    for k in range(data.n_steps):
        numerator[k + 1] = numerator[k] + (eta - thresholds[:, [k]])
    highest = numerator.max(axis=0)
    given = np.take_along_axis(numerator, data.category[None, :, None], axis=0)[0]
    beyond = np.exp(numerator - highest)
    for k in range(data.n_steps - 1, -1, -1):
        beyond[k] += beyond[k + 1]
    log_p = given - highest - np.log(beyond[0])
    log_joint = data.of_subject @ log_p + prior + log_weight
    top = log_joint.max(axis=1)
    posterior = np.exp(log_joint - top[:, None])
    total = posterior.sum(axis=1)
    # the weights of the nodes hold 1 / sqrt(2 pi), as does the prior
    loglik = float((top + np.log(total)).sum())
    return _Point(loglik, theta, posterior / total[:, None], beyond[1:] / beyond[0])


def _moments(point: _Point) -> tuple[FloatArray, FloatArray]:
    """Posterior mean and SD of each subject."""
    mean = (point.posterior * point.theta).sum(axis=1)
    variance = (point.posterior * (point.theta - mean[:, None]) ** 2).sum(axis=1)
    return mean, np.sqrt(np.maximum(variance, 1e-12))


def _derivatives(
    data: _Data, params: FloatArray, point: _Point
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradient of the log-likelihood, complete-data information and missing information."""
    n_fixed, n_steps, n_nodes = data.n_fixed, data.n_steps, point.theta.shape[1]
    post = point.posterior[data.subject]
    miss = data.given[:, :, None] - point.beyond  # (K, n, Q)
    residual = miss.sum(axis=0)
    sigma = np.exp(params[-1])
    square = (point.theta / sigma) ** 2
    size = len(data.free)
    # where the thresholds of step k are, (n_ladders,)
    places = [n_fixed + np.arange(data.n_ladders) * n_steps + k for k in range(n_steps)]
    # score of the complete data at each node of each subject
    score = np.empty((data.n_subjects, n_nodes, size))
    score[:, :, :n_fixed] = _by_subject(data.fixed_cells @ residual, data.n_subjects)
    for k in range(n_steps):
        score[:, :, places[k]] = _by_subject(data.ladder_cells @ miss[k], data.n_subjects)
    score[:, :, -1] = square - 1
    mean = np.einsum("sq,sqp->sp", point.posterior, score)
    gradient = mean.sum(axis=0)
    score -= mean[:, None]
    score *= np.sqrt(point.posterior)[:, :, None]
    flat = score.reshape(-1, size)
    missing = flat.T @ flat
    complete = np.zeros((size, size))
    between = _indicator_covariance(point, post)
    whole = between.sum(axis=(0, 1))
    fixed, ladder = data.of_fixed, data.of_ladder
    complete[:n_fixed, :n_fixed] = (fixed.T @ fixed.multiply(whole[:, None])).toarray()
    for k, at in enumerate(places):
        part = (fixed.T @ ladder.multiply(between[k].sum(axis=0)[:, None])).toarray()
        complete[:n_fixed, at] = part
        complete[at, :n_fixed] = part.T
        for h, other in enumerate(places):
            complete[at, other] = ladder.T @ between[k, h]
    complete[-1, -1] = 2 * float((point.posterior * square).sum())
    free = data.free
    return free.T @ gradient, free.T @ complete @ free, free.T @ missing @ free


def _by_subject(sums: FloatArray, n_subjects: int) -> FloatArray:
    """Turn minus the sums per cell and node into (n_subjects, nodes, columns)."""
    return -sums.reshape(n_subjects, -1, sums.shape[1]).transpose(0, 2, 1)


def _indicator_covariance(point: _Point, post: FloatArray) -> FloatArray:
    """Covariance of "category k or more" and "h or more", averaged over the posterior.

    Returns
    -------
    ndarray, (K, K, n)
    """
    expected = np.einsum("nq,knq->kn", post, point.beyond)
    out = np.empty((len(expected), *expected.shape))
    for k in range(len(expected)):
        for h in range(k + 1):
            product = np.einsum("nq,nq,nq->n", post, point.beyond[k], point.beyond[h])
            out[k, h] = out[h, k] = expected[k] - product
    return out


def _newton(
    gradient: FloatArray, complete: FloatArray, missing: FloatArray, *, held: bool
) -> tuple[FloatArray, float]:
    """Find the step with the observed information, or where that is indefinite the complete."""
    moving = slice(None, -1) if held else slice(None)
    step = np.zeros(len(gradient))
    for information in (complete - missing, complete + 1e-8 * np.diag(np.diag(complete))):
        try:
            factor = linalg.cho_factor(information[moving, moving])
        except linalg.LinAlgError:
            continue
        step[moving] = linalg.cho_solve(factor, gradient[moving])
        gain = float(gradient @ step) / 2
        longest = float(np.abs(step).max())
        return step * min(1.0, _LONGEST / max(longest, 1e-12)), gain
    raise RatingScaleError("the ratings do not determine all parameters")


def _climb(
    data: _Data, params: FloatArray, step: FloatArray, gain: float, point: _Point
) -> tuple[FloatArray, _Point]:
    """Go along the step as far as the likelihood does not fall."""
    nodes = _moments(point)
    for halvings in range(20):
        trial = params + 0.5**halvings * step
        trial[-1] = max(trial[-1], np.log(_LEAST_SIGMA))
        found = _evaluate(data, trial, *nodes)
        # quadrature error is what may be lost
        if found.loglik >= point.loglik - 1e-7 * (1 + abs(point.loglik) * 1e-3):
            return trial, found
    raise RatingScaleError(f"no step raises the likelihood, {gain:.2g} was promised")


def _result(
    data: _Data,
    params: FloatArray,
    point: _Point,
    information: FloatArray,
    *,
    held: bool,
    n_steps: int,
) -> RatingScaleFit:
    """Translate the optimum into severities, fit and residuals."""
    moving = slice(None, -1) if held else slice(None)
    try:
        factor = linalg.cho_factor(information[moving, moving])
    except linalg.LinAlgError:
        raise RatingScaleError("the ratings do not determine all parameters") from None
    report = _reported(data)
    free = (report @ data.free)[:, moving]
    every = report @ (data.free @ params)
    cov = free @ linalg.cho_solve(factor, free.T)
    se = np.sqrt(np.maximum(np.diag(cov), 0.0))
    n_raters, n_fixed = data.n_raters, data.n_fixed
    form = (data.n_ladders, data.n_steps) if data.n_ladders > 1 else (data.n_steps,)
    post = point.posterior[data.subject]
    mean = point.beyond.sum(axis=0)
    # variance of a sum of nested indicators: E[x^2] = sum (2k - 1) P(x >= k)
    odd = 2 * np.arange(1, data.n_steps + 1) - 1
    variance = np.einsum("k,knq->nq", odd, point.beyond) - mean**2
    variance = np.maximum(variance, 1e-12)
    residual = data.category[:, None] - mean
    expected = (post * mean).sum(axis=1)
    weight = (post * variance).sum(axis=1)
    theta, theta_sd = _moments(point)
    return RatingScaleFit(
        severity=every[:n_raters],
        severity_se=se[:n_raters],
        severity_cov=cov[:n_raters, :n_raters],
        difficulty=every[n_raters:n_fixed],
        difficulty_se=se[n_raters:n_fixed],
        threshold=every[n_fixed:-1].reshape(form),
        threshold_se=se[n_fixed:-1].reshape(form),
        location=float((data.free @ params)[n_fixed:-1].mean()),
        n_groups=data.n_groups,
        sigma=float(np.exp(params[-1])),
        theta=theta,
        theta_sd=theta_sd,
        deviance=-2 * point.loglik,
        expected=expected,
        z=(data.category - expected) / np.sqrt(weight),
        square=(post * residual**2).sum(axis=1),
        weight=weight,
        standard_square=(post * residual**2 / variance).sum(axis=1),
        n_steps=n_steps,
    )


def _reported(data: _Data) -> FloatArray:
    """Thresholds around their criterion's mean, which joins the difficulty; square."""
    report = np.eye(len(data.free))
    n_thresholds = data.n_ladders * data.n_steps
    means = np.kron(np.eye(data.n_ladders), np.full((1, data.n_steps), 1 / data.n_steps))
    own = slice(data.n_fixed, data.n_fixed + n_thresholds)
    report[own, own] -= np.repeat(means, data.n_steps, axis=0)
    if data.n_ladders > 1:
        report[data.n_raters : data.n_fixed, own] = means - means.mean(axis=0)
    return report
