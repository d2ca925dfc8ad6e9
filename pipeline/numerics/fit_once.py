"""Fit the same model to the same ratings once, whoever asks.

Several methods rest on one model of the same scores, and do not know of each other. So a fit is
recognised by its content, and the last few are kept: the answer is the one that would be computed
again, with the profiles already found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.numerics.crossed_reml import CrossedFit, fit_crossed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_KEPT = 4


def fit_once(y: FloatArray, X: FloatArray, codes: Mapping[str, IntArray]) -> CrossedFit:
    """Fit by REML, or return the fit made before of equal arrays.

    Parameters
    ----------
    y, X : ndarray, (n,), (n, p)
        Scores and fixed columns.
    codes : mapping of str to ndarray of int, each (n,)
        Levels of each random term, counted from 0.

    Raises
    ------
    CrossedModelError
        As `fit_crossed`.
    """
    levels = tuple((name, code.astype(np.intp).tobytes()) for name, code in codes.items())
    return _fit(y.astype(float).tobytes(), X.astype(float).tobytes(), levels)


@lru_cache(maxsize=_KEPT)
def _fit(y: bytes, X: bytes, levels: tuple[tuple[str, bytes], ...]) -> CrossedFit:
    score = np.frombuffer(y)
    codes = {name: np.frombuffer(code, dtype=np.intp) for name, code in levels}
    return fit_crossed(score, np.frombuffer(X).reshape(len(score), -1), codes)
