"""Read a subjects x raters table of scores, and refuse what cannot be answered.

Shared by the agreement statistics (`icc`, `alpha`, `kappa`, `agreement`): one place decides
what counts as a missing score, and one exception says why a table gives no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

_NOT_NUMBERS = "scores must be numbers, with NaN where a rater gave none"

# Squares of scores beyond this overflow; no rating scale comes near it.
_LARGEST_SCORE = 1e100
# Scores that differ by less than this share of their size differ by rounding only.
_ROUNDING = 1e-12

FloatArray: TypeAlias = npt.NDArray[np.float64]
TableLike: TypeAlias = npt.ArrayLike | pd.DataFrame
ScoresLike: TypeAlias = npt.ArrayLike | pd.Series | Sequence[float | None]


class DegenerateTable(ValueError):
    """The scores cannot answer the question; the text says why in plain words.

    The text names counts and causes, never a score, a subject or a rater.
    """


class Interval(NamedTuple):
    """A two-sided interval; unpacks as ``low, high``.

    Attributes
    ----------
    low, high : float
        Limits, ``low <= high``, in the unit of the statistic they belong to.
    """

    low: float
    high: float


def check_level(level: float) -> float:
    """Return `level` as a float when it is a confidence level strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise ValueError("the confidence level must lie strictly between 0 and 1")
    return float(level)


def read_scores(scores: TableLike | ScoresLike) -> FloatArray:
    """Return scores as a new float array, NaN for missing.

    Parameters
    ----------
    scores : array-like, pandas.Series or pandas.DataFrame
        Numbers of any shape; None, NaN, pandas.NA and masked entries are missing.

    Returns
    -------
    numpy.ndarray of float64
        A copy, so that the caller's data stay as they were.

    Raises
    ------
    DegenerateTable
        Entries are not numbers, or are infinite or beyond 1e100 in size.
    """
    out: FloatArray
    try:
        if isinstance(scores, (pd.DataFrame, pd.Series)):
            out = scores.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        elif isinstance(scores, np.ma.MaskedArray):
            out = np.ma.filled(scores.astype(np.float64), np.nan)
        else:
            raw = np.asarray(scores)
            if raw.dtype.kind not in "biufOSU":
                raise DegenerateTable(_NOT_NUMBERS)
            out = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError):
        # The original text would quote the offending entry, which may be a name.
        raise DegenerateTable(_NOT_NUMBERS) from None
    if np.any(np.abs(out[~np.isnan(out)]) > _LARGEST_SCORE):
        raise DegenerateTable("scores must be finite numbers of ordinary size")
    return out


def read_table(table: TableLike) -> FloatArray:
    """Return a subjects x raters table without its empty rows and columns.

    Parameters
    ----------
    table : array-like or pandas.DataFrame, shape (n_subjects, n_raters)
        One score per subject and rater, NaN where there is none.

    Returns
    -------
    numpy.ndarray of float64, shape (subjects with a score, raters with a score)

    Raises
    ------
    DegenerateTable
        Not a table, not numbers, fewer than two scores, one rater, or one subject.
    """
    scores = read_scores(table)
    if scores.ndim != 2:
        raise DegenerateTable(
            f"expected a table of subjects by raters, got {scores.ndim} dimension(s)"
        )
    present = ~np.isnan(scores)
    if present.sum() < 2:
        raise DegenerateTable("the table holds fewer than two scores")
    scores = scores[present.any(axis=1)][:, present.any(axis=0)]
    if scores.shape[1] < 2:
        raise DegenerateTable("agreement needs at least two raters; only one gave scores")
    if scores.shape[0] < 2:
        raise DegenerateTable("agreement needs at least two subjects; only one was rated")
    return scores


def standardise(scores: FloatArray) -> tuple[FloatArray, float]:
    """Return scores shifted and scaled to the range -1 to 1, and the scale used.

    Sums of squares of large numbers that differ little lose their digits; on the standard
    range they do not, and limits on "zero" mean the same for every rating scale.

    Parameters
    ----------
    scores : numpy.ndarray, any shape
        May hold NaN, not only NaN.

    Returns
    -------
    standard : numpy.ndarray
        ``(scores - centre) / scale``.
    scale : float
        Half the range of the scores, > 0.

    Raises
    ------
    DegenerateTable
        All scores are the same, so there is nothing to agree or disagree about.
    """
    low, high = float(np.nanmin(scores)), float(np.nanmax(scores))
    scale = (high - low) / 2
    if scale <= _ROUNDING * max(abs(low), abs(high)):
        raise DegenerateTable("all scores are the same, so agreement cannot be told from no choice")
    return (scores - (low + scale)) / scale, scale


def no_disagreement_low(n: int, level: float) -> float:
    """Lower limit for a chance-corrected agreement of 1 seen on `n` independent cases.

    Formulas and bootstraps alike give the interval [1, 1] when no disagreement was seen, even
    on three subjects. Here: if a share p of the cases were rated at chance level, agreement
    would be 1 - p; the largest p that `n` cases without disagreement do not exclude is
    ``1 - tail**(1 / n)`` (Clopper & Pearson 1934 with no events), with ``tail`` half of
    ``1 - level``.

    Parameters
    ----------
    n : int
        Independent cases (subjects, or pairs of scores), at least 1.
    level : float
        Confidence level.

    Returns
    -------
    float
        Between 0 and 1.
    """
    return float(((1 - level) / 2) ** (1 / n))
