"""Choose the order in which random effects are eliminated, so that little fills in.

The random effects' cross-product matrix ``Z'Z`` is sparse. Its block Cholesky factor is described
by *fronts*: groups of columns eliminated together (the pivots) with the later columns they touch
(the border). Three ideas make the fronts small, and the same for any design:

1. One factor (the *root*) and all factors nested in it fall apart into one small block per level,
   for example a subject with its subject:rater and subject:criterion effects. These are eliminated
   first, all at once.
2. What remains (raters with their rater:criterion effects, departments, ...) is grouped the same
   way into nodes of a graph, joined where a block of the first stage touches both, and eliminated
   by minimum degree, department by department as it turns out.
3. As soon as dense arithmetic on everything left is cheaper, it becomes one dense front.

Sources: George & Liu (1989), *SIAM Review* 31, 1-19 (minimum degree); Liu (1992), *SIAM Review*
34, 82-109 (fronts); Ashcraft & Grimes (1989), *ACM Trans. Math. Softw.* 15, 291-309 (merging
fronts). The order never changes a result, only time and memory.
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipeline.numerics._crossed_design import CrossedDesign, IntArray

# Nested effects join their parent's node up to this mean size; larger ones keep their own nodes.
_NODE_COLUMNS = 64
# Columns up to which one dense front beats any order.
_ONE_FRONT = 96
# Seconds, measured on one core, rounded; only their ratios matter.
_FRONT_SECONDS = 2e-5  # handling one more front
_UPDATE_SECONDS = 8e-9  # adding one entry of a front's update into later fronts
_SMALL_FLOP_SECONDS = 2e-10  # arithmetic in small fronts
_LARGE_FLOP_SECONDS = 5e-11  # arithmetic in the final dense front


@dataclass(frozen=True, eq=False)
class Fronts:
    """Groups of columns in elimination order; ragged rows are stored one after the other.

    Attributes
    ----------
    pivot_start, pivots : ndarray of int, (n_fronts + 1,) and (q,)
        Front f eliminates columns ``pivots[pivot_start[f]:pivot_start[f + 1]]``.
    border_start, border : ndarray of int, (n_fronts + 1,) and (any,)
        The later columns that front f touches, in elimination order.
    level : ndarray of int, (n_fronts,)
        Never decreasing; fronts of one level are independent of each other.
    """

    pivot_start: IntArray
    pivots: IntArray
    border_start: IntArray
    border: IntArray
    level: IntArray

    @property
    def position(self) -> IntArray:
        """Position of each column in the order of elimination, (q,)."""
        return invert(self.pivots)


def invert(order: IntArray) -> IntArray:
    """Return the inverse of a permutation."""
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = np.arange(len(order))
    return inverse


def order_fronts(design: CrossedDesign) -> Fronts:
    """Choose the fronts of a design; columns count through the factors in the order given.

    Parameters
    ----------
    design : CrossedDesign

    Returns
    -------
    Fronts
    """
    sizes = np.array(design.sizes)
    offset = np.concatenate([[0], np.cumsum(sizes)])
    if offset[-1] <= _ONE_FRONT:
        none = np.zeros(0, dtype=np.intp)
        whole = (offset[[0, -1]], np.arange(offset[-1]))
        return _assemble(whole, (np.zeros(2, dtype=np.intp), none), [], [])
    parents = _nesting(design)
    root = _choose_root(design, parents)
    family = [k for k in range(len(sizes)) if k == root or k in parents[root]]
    rest = [k for k in range(len(sizes)) if k not in family]

    leaf_of = np.concatenate([_level_in(design, k, root) for k in family])
    leaf_columns = np.concatenate([offset[k] + np.arange(sizes[k]) for k in family])
    leaf_pivots = _ragged(leaf_of, leaf_columns, int(sizes[root]))
    if not rest:
        empty = (np.zeros(sizes[root] + 1, dtype=np.intp), np.zeros(0, dtype=np.intp))
        return _assemble(leaf_pivots, empty, [], [])

    touched = [_met(design, root, k) for k in rest]
    border_leaf = np.concatenate([leaf for leaf, _ in touched])
    border_column = np.concatenate(
        [offset[k] + level for k, (_, level) in zip(rest, touched, strict=True)]
    )
    leaf_border = _ragged(border_leaf, border_column, int(sizes[root]))

    node_of, members = _group_nodes(design, parents, rest, offset)
    weights = np.array([len(columns) for columns in members])
    pivots, borders = _order_nodes(border_leaf, node_of[border_column], int(sizes[root]), weights)
    pivots, borders = _merge_fronts(pivots, borders, weights)
    later_pivots = [np.concatenate([members[node] for node in nodes]) for nodes in pivots]
    later_borders = [
        np.concatenate([members[node] for node in nodes]) if len(nodes) else leaf_columns[:0]
        for nodes in borders
    ]
    return _assemble(leaf_pivots, leaf_border, later_pivots, later_borders)


def _met(design: CrossedDesign, j: int, k: int) -> tuple[IntArray, IntArray]:
    """Return the levels of factors j and k that meet, for any order of j and k."""
    if j < k:
        return design.cross[j, k].left, design.cross[j, k].right
    return design.cross[k, j].right, design.cross[k, j].left


def _nesting(design: CrossedDesign) -> list[set[int]]:
    """Return for each factor the factors nested in it: whose levels each meet one level of it."""
    sizes = design.sizes
    nested: list[set[int]] = [set() for _ in sizes]
    for (j, k), table in design.cross.items():
        if len(table) == sizes[k]:
            nested[j].add(k)
        if len(table) == sizes[j]:
            nested[k].add(j)
    return nested


def _level_in(design: CrossedDesign, child: int, parent: int) -> IntArray:
    """Return for each level of a nested factor the level of the factor it is nested in."""
    if child == parent:
        return np.arange(design.sizes[child])
    level: IntArray = np.empty(design.sizes[child], dtype=np.intp)
    own, above = _met(design, child, parent)
    level[own] = above
    return level


def _choose_root(design: CrossedDesign, nested: list[set[int]]) -> int:
    """Return the factor whose family is cheapest to eliminate first."""
    costs = []
    everything = sum(design.sizes)
    for root, size in enumerate(design.sizes):
        pivots = np.ones(size)
        border = np.zeros(size)
        for k in range(len(design.sizes)):
            if k != root:
                meets = np.bincount(_met(design, root, k)[0], minlength=size)
                if k in nested[root]:
                    pivots += meets
                else:
                    border += meets
        first = float((pivots**3 + pivots**2 * border + pivots * border**2 + border**2).sum())
        left = everything - float(pivots.sum())
        costs.append(first + left**2)
    return int(np.argmin(costs))


def _group_nodes(
    design: CrossedDesign, nested: list[set[int]], rest: list[int], offset: IntArray
) -> tuple[IntArray, list[IntArray]]:
    """Join columns of the remaining factors into nodes: a level with what is nested in it.

    Returns the node of each column (-1 for eliminated ones) and the columns of each node.
    """
    node_of = np.full(offset[-1], -1, dtype=np.intp)
    n_nodes = 0
    free = set(rest)
    while free:
        most, head, family = 0, -1, [-1]
        for k in sorted(free):
            candidate = [k, *sorted(nested[k] & free)]
            width = sum(design.sizes[member] for member in candidate)
            if width > _NODE_COLUMNS * design.sizes[k]:
                candidate, width = [k], design.sizes[k]
            if width > most:
                most, head, family = width, k, candidate
        for member in family:
            columns_of = offset[member] + np.arange(design.sizes[member])
            node_of[columns_of] = n_nodes + _level_in(design, member, head)
        n_nodes += design.sizes[head]
        free -= set(family)
    columns_left = np.flatnonzero(node_of >= 0)
    start, columns = _ragged(node_of[columns_left], columns_left, n_nodes)
    return node_of, np.split(columns, start[1:-1])


def _ragged(row: IntArray, value: IntArray, n_rows: int) -> tuple[IntArray, IntArray]:
    """Gather values by row: starts (n_rows + 1,) and values in row order."""
    start = np.zeros(n_rows + 1, dtype=np.intp)
    np.cumsum(np.bincount(row, minlength=n_rows), out=start[1:])
    return start, value[np.argsort(row, kind="stable")]


def _order_nodes(
    leaf: IntArray, node: IntArray, n_leaves: int, weights: npt.NDArray[np.int_]
) -> tuple[list[list[int]], list[list[int]]]:
    """Return pivot and border nodes of the later fronts, component by component."""
    n_nodes = len(weights)
    incidence = sparse.coo_array(
        (np.ones(len(leaf), dtype=np.float32), (leaf, node)), shape=(n_leaves, n_nodes)
    ).tocsr()
    n_found, component = sparse.csgraph.connected_components(
        sparse.block_array([[None, incidence], [incidence.T, None]]), directed=False
    )
    component = component[n_leaves:]
    pivots: list[list[int]] = []
    borders: list[list[int]] = []
    start, members = _ragged(component, np.arange(n_nodes), n_found)
    graph: sparse.csr_array | None = None
    for c in range(n_found):
        nodes = members[start[c] : start[c + 1]]
        if len(nodes) == 0:
            continue
        total = int(weights[nodes].sum())
        if _keep_dense(1, 0, total):
            pivots.append(nodes.tolist())
            borders.append([])
            continue
        if graph is None:
            graph = (incidence.T @ incidence).tocsr()
        _minimum_degree(graph[nodes][:, nodes], nodes, weights[nodes], pivots, borders)
    return pivots, borders


def _front_cost(pivots: float, border: float) -> float:
    """Return the rough time of eliminating one front, in seconds."""
    flops = pivots**3 + 2 * pivots**2 * border + 2 * pivots * border**2
    return _FRONT_SECONDS + _SMALL_FLOP_SECONDS * flops + _UPDATE_SECONDS * border**2


def _keep_dense(pivots: float, border: float, left: float) -> bool:
    """Say whether leaving columns to the final dense front is cheaper than one more front."""
    return _front_cost(pivots, border) > _LARGE_FLOP_SECONDS * 3 * left**2 * pivots


def _minimum_degree(
    graph: sparse.csr_array,
    nodes: IntArray,
    weights: npt.NDArray[np.int_],
    pivots: list[list[int]],
    borders: list[list[int]],
) -> None:
    """Eliminate one connected graph by minimum degree and append its fronts.

    Neighbours are kept as bits of one integer per node, so that joining two neighbourhoods is a
    single operation.
    """
    n = len(nodes)
    neighbours = []
    for v in range(n):
        row = np.zeros(n, dtype=np.uint8)
        row[graph.indices[graph.indptr[v] : graph.indptr[v + 1]]] = 1
        row[v] = 0
        neighbours.append(_to_bits(row))
    queue = [(bits.bit_count(), v) for v, bits in enumerate(neighbours)]
    heapq.heapify(queue)
    alive = np.ones(n, dtype=bool)
    left = int(weights.sum())
    while queue:
        degree, v = heapq.heappop(queue)
        if not alive[v] or degree != neighbours[v].bit_count():
            continue
        touched = _from_bits(neighbours[v], n)
        if _keep_dense(float(weights[v]), float(weights[touched].sum()), left):
            break
        closed = neighbours[v] | (1 << v)
        gone = [v]
        gone_bits = 1 << v
        for u in touched.tolist():
            if neighbours[u] | (1 << u) | closed == closed:
                # u has no neighbours beyond those of v: eliminate it in the same front.
                gone.append(u)
                gone_bits |= 1 << u
        border_bits = closed & ~gone_bits
        border = _from_bits(border_bits, n)
        for u in border.tolist():
            neighbours[u] = ((neighbours[u] | border_bits) & ~gone_bits) & ~(1 << u)
            heapq.heappush(queue, (neighbours[u].bit_count(), u))
        alive[gone] = False
        left -= int(weights[gone].sum())
        pivots.append(nodes[gone].tolist())
        borders.append(nodes[border].tolist())
    if alive.any():
        pivots.append(nodes[alive].tolist())
        borders.append([])


def _to_bits(row: npt.NDArray[np.uint8]) -> int:
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")


def _from_bits(bits: int, n: int) -> IntArray:
    raw = np.frombuffer(bits.to_bytes((n + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(raw, count=n, bitorder="little"))


def _merge_fronts(
    pivots: list[list[int]], borders: list[list[int]], weights: npt.NDArray[np.int_]
) -> tuple[list[list[int]], list[list[int]]]:
    """Merge a front into the one that follows it where handling both together is cheaper."""
    owner = np.full(len(weights), -1, dtype=np.intp)
    for f, nodes in enumerate(pivots):
        owner[nodes] = f
    own = [float(weights[nodes].sum()) for nodes in pivots]
    touched = [float(weights[nodes].sum()) if nodes else 0.0 for nodes in borders]
    kept = [list(nodes) for nodes in pivots]
    merged = np.zeros(len(pivots), dtype=bool)
    for f, border in enumerate(borders):
        if not border:
            continue
        parent = int(owner[border].min())
        if own[parent] > 4 * (own[f] + touched[f]) + _NODE_COLUMNS:
            continue  # the parent is the large dense front
        together = _front_cost(own[f] + own[parent], touched[parent])
        apart = _front_cost(own[f], touched[f]) + _front_cost(own[parent], touched[parent])
        if together <= apart:
            kept[parent] = kept[f] + kept[parent]
            owner[kept[f]] = parent
            own[parent] += own[f]
            merged[f] = True
    keep = np.flatnonzero(~merged)
    return [kept[f] for f in keep], [borders[f] for f in keep]


def _assemble(
    leaf_pivots: tuple[IntArray, IntArray],
    leaf_border: tuple[IntArray, IntArray],
    later_pivots: list[IntArray],
    later_borders: list[IntArray],
) -> Fronts:
    """Put all fronts in order of level and size, with borders in elimination order."""
    n_leaves = len(leaf_pivots[0]) - 1
    n_fronts = n_leaves + len(later_pivots)
    pivots = np.concatenate([leaf_pivots[1], *later_pivots]).astype(np.intp)
    border = np.concatenate([leaf_border[1], *later_borders]).astype(np.intp)
    n_pivots = np.empty(n_fronts, dtype=np.intp)
    n_border = np.empty(n_fronts, dtype=np.intp)
    n_pivots[:n_leaves], n_border[:n_leaves] = np.diff(leaf_pivots[0]), np.diff(leaf_border[0])
    n_pivots[n_leaves:] = [len(columns) for columns in later_pivots]
    n_border[n_leaves:] = [len(columns) for columns in later_borders]
    front_of = np.empty(len(pivots), dtype=np.intp)
    front_of[pivots] = np.repeat(np.arange(n_fronts), n_pivots)

    # A front comes after every front whose border it eliminates: after its children in the tree.
    level = np.zeros(n_fronts, dtype=np.intp)
    level[n_leaves:] = 1
    for f, columns in enumerate(later_borders, start=n_leaves):
        if len(columns):
            parent = front_of[columns].min()
            level[parent] = max(level[parent], level[f] + 1)

    order = np.lexsort((n_border, n_pivots, level))
    rank = invert(order)
    pivot_front = np.repeat(rank, n_pivots)
    pivot_order = np.argsort(pivot_front, kind="stable")
    pivots = pivots[pivot_order]
    position = invert(pivots)
    border_front = np.repeat(rank, n_border)
    border_order = np.lexsort((position[border], border_front))
    pivot_start = np.concatenate([[0], np.cumsum(n_pivots[order])])
    border_start = np.concatenate([[0], np.cumsum(n_border[order])])
    return Fronts(pivot_start, pivots, border_start, border[border_order], level[order])
