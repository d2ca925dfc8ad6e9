"""Is a criterion itself unclear: too many, container words, no anchors, or the same as another?

Form: counts and fixed rules. A text of a criterion (what is observable, an anchor) is a container
text when it holds a quality that everybody fills in differently and no act; see `rationales`.

Apart: for each pair of criteria the correlation, over rater × subject, of scores with each rater's
own mean taken out, so that strict and mild raters do not make criteria look alike. Interval: t on
Fisher's z, with the standard error of a jackknife over subjects (all ratings of one subject hang
together), widened for the estimated means of raters. ``alike``: the interval lies at or above 0.7;
``apart``: below; ``open``: these ratings do not tell.

Sources: Fisher (1921), Metron 1, 3-32 (z); Efron & Tibshirani (1993), An Introduction to the
Bootstrap, ch. 11 (jackknife); Viswesvaran, Schmidt & Ones (2005), J. Appl. Psychol. 90, 108-131
(ratings on different dimensions largely share one factor); practice: at most five criteria.

Assumes that subjects are drawn independently and that scores have roughly the same spread on both
criteria. It cannot tell criteria that mean the same from people who are really good at both, nor
from halo; measurement error makes criteria look more apart than they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg
from pipeline.locale.words import Words, pattern_of

FloatArray = npt.NDArray[np.float64]

MOST_CRITERIA = 5
ALIKE = 0.7
"""Correlation from which two criteria share half of what they say, or more."""
_LEAST_SUBJECTS = 10
_AT_ONE = 1 - 1e-9


@dataclass(frozen=True)
class Criteria:
    """The criteria of one session, as a form and as they were used.

    Attributes
    ----------
    criteria
        One row per criterion, in the given order: criterion_id, words (tuple of container words in
        texts that name no act), missing_points (tuple of whole scale points without an anchor in
        any language), has_observable (whether it says what is observable).
    pairs
        One row per pair of criteria: first, second, n_subjects, n_ratings (rater × subject with
        both), correlation (−1 to 1, within raters), ci_low, ci_high, verdict (``"alike"``,
        ``"apart"``, ``"open"``; missing where not estimable), reason (why not estimable, or
        missing).
    level
        Confidence level of the intervals.
    """

    criteria: pd.DataFrame
    pairs: pd.DataFrame
    level: float

    @property
    def too_many(self) -> bool:
        """Whether there are more than people keep apart."""
        return len(self.criteria) > MOST_CRITERIA


def estimate_criteria(
    ratings: pd.DataFrame,
    *,
    criteria: pd.DataFrame,
    points: list[float],
    words: Words,
    level: float = 0.95,
) -> Criteria:
    """Look at the criteria themselves.

    Parameters
    ----------
    ratings
        subject_id, rater_id, criterion_id, score; rows without a score do not count.
    criteria
        criterion_id, label_*, observable, anchor_*_*.
    points
        Points of the scale.
    words
        Lists of words; see `pipeline.locale.words`.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        There are no criteria.
    """
    if criteria.empty:
        raise NotEstimable(msg("There are no criteria in these ratings."))
    form = [_form(row, points, words) for row in criteria.to_dict("records")]
    return Criteria(pd.DataFrame(form), _pairs(ratings, level), level)


def _form(row: dict[object, object], points: list[float], words: Words) -> dict[str, object]:
    def text(name: str) -> str:
        found = row.get(name)
        return found.strip() if isinstance(found, str) else ""

    anchors = {
        int(point): [text(f"anchor_{int(point)}_{code}") for code in ("nl", "en")]
        for point in points
        if float(point).is_integer()
    }
    told = [text("observable"), *(one for both in anchors.values() for one in both)]
    told = [one for one in told if one]
    names = [text("label_nl"), text("label_en")]
    with_act = [one for one in told if pattern_of(words.act).search(one)]
    # a container word as a name is no fault where behaviour is told below it
    vague = [one for one in told if one not in with_act] + ([] if with_act else names)
    found = [m.group().lower() for one in vague for m in pattern_of(words.container).finditer(one)]
    return {
        "criterion_id": row["criterion_id"],
        "words": tuple(dict.fromkeys(found)),
        "missing_points": tuple(point for point, both in anchors.items() if not any(both)),
        "has_observable": bool(text("observable")),
    }


def _pairs(ratings: pd.DataFrame, level: float) -> pd.DataFrame:
    scored = ratings.loc[ratings["score"].notna()]
    table = scored.pivot_table(
        index=["rater_id", "subject_id"], columns="criterion_id", values="score", aggfunc="mean"
    )
    rows = [
        {"first": a, "second": b, **_alike(table[[a, b]].dropna(), level)}
        for a, b in combinations(sorted(table.columns), 2)
    ]
    names = [
        "first", "second", "n_subjects", "n_ratings", "correlation", "ci_low", "ci_high", "verdict",
        "reason",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _alike(both: pd.DataFrame, level: float) -> dict[str, object]:
    """Correlate two criteria within raters."""
    subjects = both.index.get_level_values("subject_id")
    n, n_subjects = len(both), subjects.nunique()
    n_raters = both.index.get_level_values("rater_id").nunique()
    found: dict[str, object] = {"n_subjects": n_subjects, "n_ratings": n, "reason": None}
    reason: Message | None = None
    if n_subjects < _LEAST_SUBJECTS or n - n_raters < _LEAST_SUBJECTS:
        reason = msg("Too few were rated on both criteria.")
    deviations = both - both.groupby(level="rater_id").transform("mean")
    x, y = (deviations.iloc[:, i].to_numpy(dtype=float) for i in (0, 1))
    parts = _sums(subjects, x, y)
    total = parts.sum(axis=0)
    if reason is None and (min(total[0], total[1]) <= 1e-9):
        reason = msg("On one of these criteria each rater gave everybody the same score.")
    if reason is not None:
        return {**found, "reason": reason}
    low, high = _interval(parts, n_subjects, n / (n - n_raters), level)
    verdict = "alike" if low >= ALIKE else "apart" if high < ALIKE else "open"
    return {
        **found,
        "correlation": float(_correlation(total[None, :])[0]),
        "ci_low": low,
        "ci_high": high,
        "verdict": verdict,
    }


def _sums(subjects: pd.Index, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the sums of squares and products per subject."""
    products = pd.DataFrame({"xx": x * x, "yy": y * y, "xy": x * y})
    return np.asarray(products.groupby(np.asarray(subjects)).sum(), dtype=float)


def _correlation(sums: FloatArray) -> FloatArray:
    below = np.sqrt(np.maximum(sums[:, 0], 1e-300) * np.maximum(sums[:, 1], 1e-300))
    return np.asarray(np.clip(sums[:, 2] / below, -_AT_ONE, _AT_ONE))


def _interval(parts: FloatArray, n: int, widen: float, level: float) -> tuple[float, float]:
    """Return the jackknife interval of a correlation, on Fisher's z."""
    whole = math.atanh(float(_correlation(parts.sum(axis=0)[None, :])[0]))
    left = np.arctanh(_correlation(parts.sum(axis=0) - parts))
    error = math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()) * widen)
    reach = float(stats.t.ppf((1 + level) / 2, n - 1)) * error
    return math.tanh(whole - reach), math.tanh(whole + reach)
