"""Ratings that no method was made for: every question gets an answer or a reason, fast."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import Analysis, analyse
from pipeline.errors import NotEstimable
from pipeline.settings import FairnessSettings, Settings
from pipeline.store import Store, open_store

Rows = Callable[..., pd.DataFrame]
SECONDS = 60.0
"""Far above what it takes; a method that does not end is what this finds."""
THREE = ("2024", "2025", "2026")
UNKNOWN = {"distribution.ci_low", "distribution.ci_high", "distribution.sd"}
"""Documented as missing where fewer than two people, or none that differ, were rated."""
ONE_CYCLE = ("one rating", "all missing but one", "two people, two raters", "constant scores")


def scores(
    subjects: int, raters: int, criteria: int, *, each: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return ratings of every subject by ``each`` raters in turn, all where not given."""
    rng = np.random.default_rng(seed)
    level = rng.normal(3.2, 0.7, subjects)
    rows = [
        (f"e{s:04}", f"r{(s + k) % raters:04}", f"c{c}", round(float(np.clip(
            level[s] + rng.normal(0, 0.6), 1, 5))))
        for s in range(subjects)
        for k in range(raters if each is None else each)
        for c in range(criteria)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["employee_id", "rater_id", "criterion_id", "score"])


def of_components(n: int) -> pd.DataFrame:
    """Return n groups of two raters and four people who share nobody with other groups."""
    parts = []
    for group in range(n):
        part = scores(4, 2, 3, seed=group)
        mark = f"g{group:02}"
        part["employee_id"], part["rater_id"] = mark + part["employee_id"], mark + part["rater_id"]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def with_a_guest() -> pd.DataFrame:
    """Return ratings to which one rater added a single score."""
    every = scores(12, 3, 3)
    guest = pd.DataFrame(
        {"employee_id": ["e0000"], "rater_id": ["guest"], "criterion_id": ["c0"], "score": [2]}
    )
    return pd.concat([every, guest], ignore_index=True)


def thousand_raters() -> pd.DataFrame:
    """Return a thousand raters with one rating each, of fifty people."""
    every = scores(1000, 1, 1)
    number = every.index.to_series()
    return every.assign(
        employee_id=[f"e{i % 50:02}" for i in number], rater_id=[f"r{i:04}" for i in number]
    )


CASES: dict[str, Callable[[], pd.DataFrame]] = {
    "one rater": lambda: scores(12, 1, 3),
    "one rating": lambda: scores(1, 1, 1),
    "one employee": lambda: scores(1, 6, 3),
    "one criterion": lambda: scores(12, 3, 1),
    "one criterion, one rater each": lambda: scores(40, 4, 1, each=1),
    "constant scores": lambda: scores(12, 3, 3).assign(score=3),
    "constant per criterion": lambda: scores(12, 3, 3).assign(
        score=lambda rows: rows["criterion_id"].str[1].astype(int) + 2
    ),
    "constant per rater": lambda: scores(12, 3, 3).assign(
        score=lambda rows: rows["rater_id"].str[-1].astype(int) + 2
    ),
    "constant per person": lambda: scores(12, 3, 3).assign(
        score=lambda rows: rows["employee_id"].str[-1].astype(int) % 4 + 1
    ),
    "raters agree wholly": lambda: scores(12, 3, 3).assign(
        score=lambda rows: rows.groupby(["employee_id", "criterion_id"])["score"].transform("first")
    ),
    "all missing but one": lambda: scores(12, 3, 3).iloc[[7]],
    "two people, two raters": lambda: scores(2, 2, 2),
    "two components": lambda: of_components(2),
    "forty components": lambda: of_components(40),
    "a rater with one rating": with_a_guest,
    "a thousand raters with one rating each": thousand_raters,
    "no whole scores": lambda: scores(12, 3, 3).assign(
        score=lambda rows: (rows["score"] + np.arange(len(rows)) % 7 / 7).clip(1, 5)
    ),
    "two scores only": lambda: scores(30, 4, 4, each=2).assign(
        score=lambda rows: 3 + rows["score"].gt(3)
    ),
}


@pytest.fixture
def tried(settings: Settings, rows: Rows) -> Iterator[Callable[..., Analysis]]:
    """Return a maker of analyses from ratings, in one cycle or in three."""
    chosen = settings.model_copy(update={"fairness": FairnessSettings(attributes=("gender",))})
    with open_store(settings) as store:
        yield lambda given, cycles=("2026",): _analyse(store, chosen, rows, given, cycles)


def _analyse(
    store: Store, settings: Settings, rows: Rows, given: pd.DataFrame, cycles: tuple[str, ...]
) -> Analysis:
    every = pd.concat([given.assign(cycle=cycle) for cycle in cycles], ignore_index=True)
    people = sorted(set(given["employee_id"]))
    n = len(people)
    of_year = [person for cycle in cycles for person in people]
    frames = {
        "cycles": rows(
            "cycles",
            cycle=list(cycles),
            starts_on=[f"{cycle}-01-01" for cycle in cycles],
            ends_on=[f"{cycle}-12-31" for cycle in cycles],
        ),
        "employees": rows(
            "employees",
            employee_id=people,
            department=["Noord"] * n,
            job_level=["A", "B"] * (n // 2) + ["A"] * (n % 2),
            gender=["female", "male"] * (n // 2) + ["male"] * (n % 2),
        ),
        "ratings": rows(
            "ratings",
            **{name: every[name].tolist() for name in every},
        ),
        "evidence": rows(
            "evidence",
            employee_id=people * 2,
            dated_on=["2026-03-01"] * n + ["2026-11-20"] * n,
            kind=["example"] * 2 * n,
            text=[f"t{i}" for i in range(2 * n)],
        ),
        "results": rows(
            "results",
            cycle=[cycle for cycle in cycles for _ in people],
            employee_id=of_year,
            metric=["m"] * len(of_year),
            value=[float(100 + i % 7) for i in range(len(of_year))],
            target=[100.0] * len(of_year),
        ),
    }
    store.load("b1", [], frames, [])
    return analyse(store.session_data(f"{cycles[-1]}-Noord"), settings)


def infinite(answer: object, path: str) -> Iterator[str]:
    """Yield where an answer holds an infinite number, or a missing one that no row explains."""
    if isinstance(answer, pd.DataFrame):
        for name in answer.select_dtypes("number").columns:
            values = pd.to_numeric(answer[name], errors="coerce").to_numpy(float, na_value=np.nan)
            if np.isinf(values).any():
                yield f"{path}.{name}"
    elif is_dataclass(answer):
        for field in fields(answer):
            yield from infinite(getattr(answer, field.name), f"{path}.{field.name}")
    elif isinstance(answer, dict):
        for name, value in answer.items():
            yield from infinite(value, f"{path}[{name}]")
    elif isinstance(answer, float) and not math.isfinite(answer) and path not in UNKNOWN:
        yield f"{path} = {answer}"


@pytest.mark.parametrize(
    ("case", "cycles"),
    [*((case, THREE) for case in CASES), *((case, THREE[-1:]) for case in ONE_CYCLE)],
)
def test_every_question_has_an_answer_or_a_reason(
    tried: Callable[..., Analysis], case: str, cycles: tuple[str, ...]
) -> None:
    """No crash, no warning, nothing infinite, and not for ever."""
    began = time.perf_counter()
    found = tried(CASES[case](), cycles)
    assert time.perf_counter() - began < SECONDS
    assert found.answers()
    for name, answer in {**found.answers(), **found.fairness}.items():
        if isinstance(answer, NotEstimable):
            assert str(answer)
        else:
            assert not list(infinite(answer, name))
