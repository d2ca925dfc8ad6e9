"""Is there more than one cluster? Four conditions, tried in order; the first that fails ends it.

1. BIC improves on one component by more than 10 (Kass & Raftery 1995: "very strong");
2. the gap statistic with the one-standard-error rule counts more than one cluster
   (Tibshirani, Walther & Hastie 2001);
3. the likelihood ratio of k against one component is larger than in data drawn from the fitted
   one-component model (McLachlan 1987), p < .05;
4. each cluster returns when rows are drawn anew: mean Jaccard >= .75 (Hennig 2007).

No structure is the default. Silhouettes are not used: they cannot say "one".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.numerics.k_means import FloatArray, IntArray
from pipeline.numerics.mixture import Layout, MixtureFit, fit_mixture, fit_one
from pipeline.numerics.mixture_checks import (
    Lattice,
    cluster_jaccard,
    gap_clusters,
    likelihood_ratio_p,
)

BIC_GAIN, GAP_CLUSTERS, BOOTSTRAP_P, JACCARD = 10.0, 1.0, 0.05, 0.75
"""What each condition has to pass: above, above, below, at least."""

_REFERENCES, _RESAMPLES = 50, 50
_MOST_COUNTED = 6  # clusters that the gap statistic tries


@dataclass(frozen=True, eq=False)
class ClusterSearch:
    """Where the search ended.

    Attributes
    ----------
    checks : list of tuple
        The four conditions in order: name (``"bic_gain"``, ``"gap_clusters"``,
        ``"bootstrap_p"``, ``"jaccard"`` of the least stable cluster), value, threshold, passed.
        After the first that fails the others are not needed: value NaN, passed False.
    group : ndarray of int, (n,)
        Cluster of each row, 0 the largest; all 0 where no structure is claimed.
    posterior : ndarray, (n,)
        Probability of that cluster, 0-1.
    """

    checks: list[tuple[str, float, float, bool]]
    group: IntArray
    posterior: FloatArray


def search_clusters(
    x: FloatArray,
    layout: Layout,
    lattice: Lattice,
    floor: float,
    *,
    most: int,
    fewest_members: int,
    seed: int,
    n_bootstrap: int,
    normal: bool = False,
) -> ClusterSearch:
    """Look for clusters of rows; the default answer is that there is one.

    Parameters
    ----------
    x : ndarray, (n, p)
        Values, 0 where not observed; rows in the order of `layout`.
    layout, lattice, floor
        As for `gap_clusters`.
    most : int
        Largest number of clusters that is tried; below 2 none is.
    fewest_members : int
        Rows that a cluster needs.
    seed : int
        Of the random draws.
    n_bootstrap : int
        Data sets drawn for the likelihood ratio; at most 50 for the stability.
    normal : bool
        As for `likelihood_ratio_p`.

    Returns
    -------
    ClusterSearch
    """
    n, p = x.shape
    rng = np.random.default_rng(seed)
    nobody = np.zeros(n, dtype=np.intp), np.ones(n)
    one = fit_one(x[None], layout, np.ones((1, n)), floor)
    fits: dict[int, MixtureFit] = {}
    gains: dict[int, float] = {}
    for k in range(2, most + 1):
        fit = fit_mixture(x[None], k, layout, np.ones((1, n)), floor, rng, one=one)
        if np.bincount(fit.posterior[0].argmax(axis=1), minlength=k).min() >= fewest_members:
            fits[k] = fit
            more_parameters = (k - 1) * (p + 1)
            gains[k] = float(2 * (fit.loglik - one[0].loglik)[0] - more_parameters * np.log(n))
    if not fits:
        return ClusterSearch(_checks({}), *nobody)
    # The fewest clusters that are not clearly worse than the best number.
    k = min(k for k in fits if gains[k] >= max(gains.values()) - BIC_GAIN)
    best = fits[k]
    values = {"bic_gain": gains[k]}
    if gains[k] <= BIC_GAIN:
        return ClusterSearch(_checks(values), *nobody)
    values["gap_clusters"] = gap_clusters(
        x, layout, floor, lattice, _MOST_COUNTED, _REFERENCES, rng
    )
    if values["gap_clusters"] <= GAP_CLUSTERS:
        return ClusterSearch(_checks(values), *nobody)
    values["bootstrap_p"] = likelihood_ratio_p(
        x, layout, floor, k, n_bootstrap, BOOTSTRAP_P, rng, normal=normal
    )
    if values["bootstrap_p"] >= BOOTSTRAP_P:
        return ClusterSearch(_checks(values), *nobody)
    group = best.posterior[0].argmax(axis=1)
    resamples = min(n_bootstrap, _RESAMPLES)
    values["jaccard"] = float(cluster_jaccard(x, layout, floor, group, k, resamples, rng).min())
    if values["jaccard"] < JACCARD:
        return ClusterSearch(_checks(values), *nobody)
    size = np.bincount(group, minlength=k)
    order = np.lexsort([-best.mean[0].sum(axis=1), -size])
    rank = np.argsort(order)
    return ClusterSearch(_checks(values), rank[group], best.posterior[0].max(axis=1))


def _checks(values: dict[str, float]) -> list[tuple[str, float, float, bool]]:
    not_needed = float("nan")  # fails every comparison
    gain, clusters, p, jaccard = (
        values.get(name, not_needed)
        for name in ("bic_gain", "gap_clusters", "bootstrap_p", "jaccard")
    )
    return [
        ("bic_gain", gain, BIC_GAIN, gain > BIC_GAIN),
        ("gap_clusters", clusters, GAP_CLUSTERS, clusters > GAP_CLUSTERS),
        ("bootstrap_p", p, BOOTSTRAP_P, p < BOOTSTRAP_P),
        ("jaccard", jaccard, JACCARD, jaccard >= JACCARD),
    ]
