"""Which levels of one factor hang together through the levels of another?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

IntArray = npt.NDArray[np.intp]


def linked_groups(left: IntArray, right: IntArray) -> IntArray:
    """Give the number of the connected groups of the levels of `left`.

    Parameters
    ----------
    left, right : ndarray of int, (n,)
        Codes from 0, each used: two levels of `left` are linked where they meet the same level
        of `right`, directly or through others.

    Returns
    -------
    ndarray of int, (levels of left,)
        Group of each level, from 0.
    """
    n_left, n_right = int(left.max()) + 1, int(right.max()) + 1
    met = np.unique(left * n_right + right)
    ends = met // n_right, n_left + met % n_right
    graph = sparse.coo_array((np.ones(len(met)), ends), shape=(n_left + n_right,) * 2)
    labels = sparse.csgraph.connected_components(graph, directed=False)[1][:n_left]
    group: IntArray = np.unique(labels, return_inverse=True)[1].astype(np.intp)
    return group
