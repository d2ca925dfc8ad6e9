"""Which share of a variance is between what values, when its parts are uncertain?

Intervals of sums and ratios of variance components from the intervals of the components
themselves, so that they stay within their range and a component at 0 keeps its upper end.

Source: Zou & Donner (2008), Stat. Med. 27, 1693-1702 (recovering the variance of a sum or ratio
from two intervals).

Assumes that the estimates of the components are about independent. It cannot give an upper end
where the likelihood has none; that end is then infinite, or a share of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.numerics.crossed_reml import CrossedFit, CrossedModelError

_MANY_LEVELS, _FAR_FROM_ZERO = 30, 2.5


class Bounded(NamedTuple):
    """An estimate of 0 or more with its interval, in the units of the estimate."""

    estimate: float
    low: float
    high: float


def profile(fit: CrossedFit, name: str, level: float) -> Bounded:
    """Return a variance with its profile-likelihood interval; without an upper end, infinity."""
    try:
        low, high = fit.profile_interval(name, level)
    except CrossedModelError:
        low, high = 0.0, np.inf
    return Bounded(fit.variance[name], low, high)


def profile_high(fit: CrossedFit, name: str, level: float) -> float:
    """Return the upper end of `profile` alone, in half the time."""
    try:
        return fit.profile_high(name, level)
    except CrossedModelError:
        return float("inf")


def bounded_variance(fit: CrossedFit, name: str, level: float) -> Bounded:
    """Return a variance with its interval, by the quickest method that is right.

    Profile likelihood where the term has few levels or lies near 0. With many levels and at least
    2.5 standard errors from 0 the delta method on the logarithm gives the same within a few
    percent, without the search.
    """
    levels = len(fit.effects[name].levels) if name in fit.effects else fit.n
    if name in fit.variance_terms and levels >= _MANY_LEVELS:
        at = fit.variance_terms.index(name)
        spread = float(np.sqrt(fit.variance_cov[at, at])) / fit.variance[name]
        if spread <= 1 / _FAR_FROM_ZERO:
            reach = float(np.exp(stats.norm.ppf((1 + level) / 2) * spread))
            estimate = fit.variance[name]
            return Bounded(estimate, estimate / reach, estimate * reach)
    return profile(fit, name, level)


def weighted_sum(parts: Mapping[str, Bounded], weights: Mapping[str, float]) -> Bounded:
    """Return the sum of ``weights[name] * parts[name]``; weights are 0 or more."""
    used = [(weight, parts[name]) for name, weight in weights.items() if weight > 0]
    estimate = sum(weight * part.estimate for weight, part in used)
    below = sum((weight * (part.estimate - part.low)) ** 2 for weight, part in used)
    above = sum((weight * (part.high - part.estimate)) ** 2 for weight, part in used)
    return Bounded(estimate, max(estimate - below**0.5, 0.0), estimate + above**0.5)


def ratio(top: Bounded, bottom: Bounded) -> Bounded:
    """Return top / bottom, combined on the log scale; infinite where the bottom may be 0."""
    return Bounded(
        _divide(top.estimate, bottom.estimate),
        _ratio_end(top.estimate, top.low, bottom.estimate, bottom.high),
        _ratio_end(top.estimate, top.high, bottom.estimate, bottom.low),
    )


def _divide(top: float, bottom: float) -> float:
    if bottom == 0:
        return float("inf") if top > 0 else 0.0
    return top / bottom


def _ratio_end(top: float, top_end: float, bottom: float, bottom_end: float) -> float:
    """One end of a ratio: both ends where an estimate or an end is 0, else their square root."""
    if top_end == 0 or bottom_end == np.inf:
        return 0.0
    if top_end == np.inf or bottom_end == 0:
        return float("inf")
    # an estimate of 0 has no logarithm: its end stands by itself
    centre, centre_below = top or top_end, bottom or bottom_end
    reach = np.hypot(np.log(top_end / centre), np.log(bottom_end / centre_below))
    sign = 1.0 if top_end >= centre and bottom_end <= centre_below else -1.0
    return float(centre / centre_below * np.exp(sign * reach))


def as_share(odds: Bounded) -> Bounded:
    """Turn a ratio of a part to the rest into the share of that part, 0 to 1."""
    return Bounded(*(1.0 if end == np.inf else end / (1.0 + end) for end in odds))


def variance_share(fit: CrossedFit, name: str, own: Bounded, level: float) -> Bounded:
    """Return the share (0-1) of one term in the variance of a single score.

    The term by the interval given, the rest by the delta method on its logarithm (it rests on
    many more levels), combined as a ratio of two independent estimates.
    """
    rest = sum(fit.variance.values()) - own.estimate
    other = np.array([float(term != name) for term in fit.variance_terms])
    spread = np.sqrt(max(other @ fit.variance_cov @ other, 0.0)) / rest
    reach = np.exp(stats.norm.ppf((1 + level) / 2) * spread)
    share = as_share(ratio(own, Bounded(rest, rest / reach, rest * reach)))
    return Bounded(share.estimate, min(share.low, share.estimate), max(share.high, share.estimate))
