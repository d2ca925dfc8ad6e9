"""Group complete rows around centres (k-means), in many data sets at once.

Lloyd's steps from k-means++ seeds (Arthur & Vassilvitskii 2007) or from equal groups along an
axis. Serves as a start for mixtures and inside the gap statistic; it always finds the number of
groups it is asked for, so it cannot tell whether there are any.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def one_hot(group: IntArray, k: int) -> FloatArray:
    """Return 1 where a row belongs to a group, else 0; shape of `group` with an axis for k."""
    return np.asarray(group[..., None] == np.arange(k), dtype=np.float64)


def axis_groups(axis: FloatArray, k: int) -> IntArray:
    """Cut the subjects into `k` equally large groups along an axis, shape (n_sets, n_subjects)."""
    rank = axis.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    groups: IntArray = (rank * k // axis.shape[1]).astype(np.intp)
    return groups


def k_means(
    x: FloatArray,
    k: int,
    weights: FloatArray,
    rng: np.random.Generator,
    *,
    steps: int = 20,
) -> IntArray:
    """Assign complete rows to `k` centres (Lloyd's steps from k-means++ seeds).

    Parameters
    ----------
    x : numpy.ndarray, shape (n_sets, n_subjects, n_criteria)
    k : int
    weights : numpy.ndarray, shape (n_sets, n_subjects)
    rng : numpy.random.Generator
    steps : int
        Lloyd's steps.

    Returns
    -------
    numpy.ndarray of int, shape (n_sets, n_subjects)
    """
    sets = np.arange(len(x))
    chance = weights.astype(float)
    nearest = np.full(x.shape[:2], np.inf)
    centres = np.empty((len(x), k, x.shape[2]))
    for j in range(k):
        reach = np.cumsum(chance, axis=1)
        drawn = rng.random((len(x), 1)) * reach[:, -1:]
        seed = np.minimum((reach < drawn).sum(axis=1), x.shape[1] - 1)
        centres[:, j] = x[sets, seed]
        nearest = np.minimum(nearest, ((x - centres[:, j][:, None]) ** 2).sum(axis=2))
        # a set with fewer different rows than k keeps drawing among all of them
        chance = np.where(nearest.any(axis=1, keepdims=True), weights * nearest, weights)
    return lloyd(x, nearest_centre(x, centres), k, weights, steps)


def lloyd(x: FloatArray, group: IntArray, k: int, weights: FloatArray, steps: int) -> IntArray:
    """Improve an assignment by `steps` of moving the centres and reassigning the rows."""
    for _ in range(steps):
        belongs = one_hot(group, k) * weights[..., None]
        size = np.maximum(belongs.sum(axis=1), 1e-12)
        centres = (belongs.swapaxes(1, 2) @ x) / size[..., None]
        moved = nearest_centre(x, centres)
        if np.array_equal(moved, group):
            break
        group = moved
    return group


def nearest_centre(x: FloatArray, centres: FloatArray) -> IntArray:
    """Index of the nearest centre of each row, shape (n_sets, n_subjects)."""
    near = x @ centres.swapaxes(1, 2) - 0.5 * (centres**2).sum(axis=2)[:, None]
    found: IntArray = near.argmax(axis=2)
    return found
