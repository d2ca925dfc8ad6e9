"""Ratings with known effects, for tests of the detectors."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from support import SHARED

T = TypeVar("T")

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)
COLUMNS = ["cycle", "subject_id", "rater_id", "criterion_id", "score"]


def made(
    seed: int = 0, *, n_subjects: int = 40, n_raters: int = 6, n_criteria: int = 4,
    raters_each: int = 3, cycles: tuple[str, ...] = ("2025",), points: bool = True,
    shift: dict[tuple[str, int], float] | None = None,
    criterion_shift: dict[tuple[int, int], float] | None = None,
    noise: dict[int, float] | None = None, slope: dict[int, float] | None = None,
    alike: dict[int, float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Ratings of M2, with planted effects by number of the rater.

    ``shift`` by (cycle, rater) and ``criterion_shift`` by (rater, criterion) lower the scores;
    ``noise`` multiplies the residual SD, ``slope`` every distance from 3, ``alike`` every
    difference between criteria within a subject.
    """
    rng = np.random.default_rng(seed)
    strict = rng.normal(0, 0.3, n_raters)
    parts = []
    for cycle in cycles:
        s = np.repeat(np.arange(n_subjects), raters_each * n_criteria)
        chosen = [rng.choice(n_raters, raters_each, replace=False) for _ in range(n_subjects)]
        r = np.repeat(np.concatenate(chosen), n_criteria)
        c = np.tile(np.arange(n_criteria), n_subjects * raters_each)
        own = np.array([(noise or {}).get(i, 1.0) for i in range(n_raters)])
        near = np.array([(alike or {}).get(i, 1.0) for i in range(n_raters)])
        flat = np.array([(slope or {}).get(i, 1.0) for i in range(n_raters)])
        within = rng.normal(0, 0.35, (n_subjects, n_criteria))[s, c]
        within = (within + rng.normal(0, 0.5, len(s)) * own[r]) * near[r]
        level = rng.normal(0, 0.6, n_subjects)[s] + 0.15 * c
        level = level + rng.normal(0, 0.25, (n_subjects, n_raters))[s, r] - strict[r]
        level = level - np.array([(shift or {}).get((cycle, i), 0.0) for i in range(n_raters)])[r]
        for (rater, criterion), size in (criterion_shift or {}).items():
            level = level - size * ((r == rater) & (c == criterion))
        score = 3 + (0.1 + level + within) * flat[r]
        if points:
            score = np.clip(np.round(score), 1, 5)
        names = (np.full(len(s), cycle), *(_names(*one) for one in (("e", s), ("r", r), ("c", c))))
        parts.append(pd.DataFrame(dict(zip(COLUMNS, (*names, score), strict=True))))
    whole = pd.concat(parts, ignore_index=True)
    return whole.assign(employee_id=whole["subject_id"])


def _names(letter: str, code: np.ndarray) -> list[str]:
    return [f"{letter}{i:03}" for i in code]


def ratings1() -> pd.DataFrame:
    """The 7 raters, 5 criteria and 274 judged texts of sirt's ``ratings1``."""
    path = Path(SHARED) / "data" / "ratings1.csv"
    wide = pd.read_csv(path, dtype={"idstud": "str", "rater": "str"})
    rated = wide.melt(["idstud", "rater"])
    rated.columns = pd.Index(["subject_id", "rater_id", "criterion_id", "score"])
    return rated.astype({"score": float}).assign(employee_id=rated["subject_id"])


def nested(rated: pd.DataFrame) -> pd.DataFrame:
    """Only the first rater of every subject."""
    first = rated.groupby("subject_id")["rater_id"].transform("min")
    return rated[rated["rater_id"] == first]


def other_names(rated: pd.DataFrame) -> pd.DataFrame:
    """The same ratings with other labels, in another order."""
    renamed = rated.copy()
    for column in ("subject_id", "rater_id", "criterion_id"):
        labels = sorted(renamed[column].unique())
        again = [f"x{(7 * i) % 1009:04}" for i in range(len(labels))]
        renamed[column] = renamed[column].map(dict(zip(labels, again, strict=True)))
    renamed["employee_id"] = renamed["subject_id"]
    return renamed.sample(frac=1, random_state=4).reset_index(drop=True)


def degenerate() -> dict[str, pd.DataFrame]:
    """Ratings that answer little or nothing."""
    rated = made(1, n_subjects=12, n_criteria=3)
    lonely = pd.DataFrame(
        {
            "cycle": "2025",
            "subject_id": "e0",
            "rater_id": [f"r{i}" for i in range(1000)],
            "criterion_id": "c0",
            "score": np.tile([1.0, 2.0, 3.0, 4.0], 250),
        }
    ).assign(employee_id="e0")
    alone = rated["subject_id"].isin(["e000", "e001", "e002"])
    one = rated.iloc[[0]].assign(rater_id="r999")
    half = rated.assign(score=rated["score"] + 0.37 * (np.arange(len(rated)) % 7))
    forty = pd.concat(
        [
            rated[rated["subject_id"] == f"e{i % 12:03}"].assign(
                subject_id=f"p{i}",
                employee_id=f"p{i}",
                rater_id=lambda d, i=i: d.rater_id + f"-{i}",
            )
            for i in range(40)
        ]
    )
    missing = rated.assign(score=rated["score"].where(rated.index == 0))
    return {
        "nothing": rated.iloc[:0],
        "all missing but one": missing,
        "one rater": rated[rated["rater_id"] == "r000"],
        "one employee": rated[rated["subject_id"] == "e000"],
        "one criterion": rated[rated["criterion_id"] == "c000"],
        "equal scores": rated.assign(score=3.0),
        "1000 raters of one": lonely,
        "a rater with one rating": pd.concat([rated, one]),
        "not whole numbers": half,
        "forty components": forty,
        "two components": pd.concat(
            [
                rated.assign(subject_id=rated["subject_id"] + s, rater_id=rated["rater_id"] + s)
                for s in ("a", "b")
            ]
        ),
        "three people": rated[alone],
        "given twice": pd.concat([rated, rated.iloc[[0]]]),
        "nested": nested(rated),
        "unconnected text": rated.assign(score=np.where(rated["rater_id"] == "r000", 1.0, 5.0)),
    }


def answered(ask: Callable[[], T]) -> T | None:
    """The answer, or None where it was refused with a reason of some length."""
    try:
        return ask()
    except NotEstimable as refusal:
        if len(str(refusal)) < 20:
            pytest.fail(f"expected a reason, got {refusal}")
        return None
