"""Which columns stand for fixed factors, so that none follows from the others?

Assumes codes counted from 0. It cannot tell which of two columns that say the same matters: the
first is kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def fixed_columns(part: npt.NDArray[np.integer], *factors: IntArray) -> FloatArray:
    """Code components and further fixed factors as independent columns, intercepts first.

    Parameters
    ----------
    part : ndarray of int, (n,)
        Component of each rating.
    *factors : ndarray of int, each (n,)
        Levels counted from 0, such as the criterion; levels that follow from columns before them
        are left out.

    Returns
    -------
    ndarray, (n, p)
        Zeros and ones, of full rank.
    """
    of_part = pd.factorize(part, sort=True)[0]
    met, position = np.unique(np.column_stack([of_part, *factors]), axis=0, return_inverse=True)
    table = np.column_stack([np.eye(int(codes.max()) + 1)[codes] for codes in met.T])
    # the intercepts must stay whole; columns that follow from them go
    kept = list(range(int(of_part.max()) + 1))
    basis = np.linalg.qr(table[:, kept])[0]
    for column in range(len(kept), table.shape[1]):
        rest = table[:, column] - basis @ (basis.T @ table[:, column])
        rest = rest - basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > 1e-8:
            basis = np.column_stack([basis, rest / length])
            kept.append(column)
    columns: FloatArray = table[:, kept][position.ravel()]
    return columns


def independent_columns(X: FloatArray, more: FloatArray) -> FloatArray:
    """Append the columns of ``more`` (n, m) that do not follow from those before them."""
    for column in more.T:
        length = float(np.linalg.norm(column))
        if length == 0:
            continue
        rest = column - X @ np.linalg.lstsq(X, column, rcond=None)[0]
        if np.linalg.norm(rest) > 1e-8 * length:
            X = np.column_stack([X, column])
    return X
