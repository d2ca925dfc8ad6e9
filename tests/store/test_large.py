"""A store of 1,000,000 ratings: a session reads its own rows, through an index."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.store import Store
from pipeline.tables import TABLES

RATINGS = 1_000_000
CRITERIA = 5
DEPARTMENT = 50
CYCLES = ("2025", "2026")
SESSION = "2026-D0100"


def _frame(table: str, **columns: Any) -> pd.DataFrame:
    made = pd.DataFrame(columns)
    n = len(made)
    for name, column in TABLES[table].columns.items():
        dtype = str(column.dtype)
        dtype = "str" if dtype.startswith("string") else dtype
        made[name] = made[name].astype(dtype) if name in made else pd.array([None] * n, dtype=dtype)
    return made.assign(source_file="large.csv", source_line=range(2, n + 2))


def organisation() -> dict[str, pd.DataFrame]:
    """Return departments of fifty, each employee judged on five criteria in two cycles."""
    people = RATINGS // (CRITERIA * len(CYCLES))
    ids = np.array([f"{i:06d}" for i in range(people)])
    home = np.arange(people) // DEPARTMENT
    who = np.repeat(np.arange(people), CRITERIA)
    n = len(who)
    return {
        "employees": _frame(
            "employees", employee_id=ids, department=[f"D{i:04d}" for i in home]
        ),
        "ratings": _frame(
            "ratings",
            cycle=np.repeat(CYCLES, n),
            employee_id=np.tile(ids[who], 2),
            rater_id=np.tile(np.char.add("m", ids)[home[who]], 2),
            criterion_id=np.tile([f"c{i}" for i in range(CRITERIA)], 2 * people),
            score=np.arange(2 * n) % 5 + 1.0,
        ),
    }  # fmt: skip


@contextmanager
def plans(store: Store) -> Iterator[list[tuple[str, str]]]:
    """Collect, for every query, each step that reads the ratings and how."""
    found: list[tuple[str, str]] = []
    postgres = store.dialect == "postgresql"

    def explain(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if not statement.lstrip().startswith("SELECT") or " ratings" not in statement:
            return
        if not postgres:
            cursor.execute("EXPLAIN QUERY PLAN " + statement, parameters)
            steps = [row[3] for row in cursor.fetchall()]
            found.extend((statement, step) for step in steps if " ratings" in step)
            return
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement, parameters)
        waiting = [plan["Plan"] for plan in _decoded(cursor.fetchone()[0])]
        while waiting:
            node = waiting.pop()
            waiting += node.get("Plans", [])
            if node.get("Relation Name") == "ratings":
                condition = "Index Cond" in node or "Recheck Cond" in node
                found.append((statement, f"{node['Node Type']}, condition: {condition}"))

    sa.event.listen(store._engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        sa.event.remove(store._engine, "before_cursor_execute", explain)


def _decoded(plan: Any) -> Any:
    return json.loads(plan) if isinstance(plan, str) else plan


def reads_by_index(step: str) -> bool:
    """Tell whether a step looks rows up; no table and no index is read from end to end."""
    return step.startswith("SEARCH ratings USING") or (
        step.startswith(("Index", "Bitmap")) and step.endswith("condition: True")
    )


@pytest.mark.xdist_group("large")
def test_a_session_of_a_large_store_reads_its_own_rows(store: Store) -> None:
    """Every query of a slice reaches the ratings through an index; none of them is slow."""
    store.load("b1", [], organisation(), [])
    with plans(store) as found:
        data = store.session_data(SESSION)
    assert len(data.ratings) == DEPARTMENT * CRITERIA
    assert data.history["n"].sum() == DEPARTMENT * CRITERIA
    assert data.organisation_scores["n"].sum() == RATINGS // 2
    assert len({statement for statement, _ in found}) == 3  # ratings, history, previous scores
    assert [step for _, step in found if not reads_by_index(step)] == []

    began = time.process_time()
    for number in range(20):
        store.session_data(f"2026-D{number * 90:04d}")
    # a scan of the ratings costs ten times as much; the limit is for a busy machine
    assert (time.process_time() - began) / 20 < 0.25

    with plans(store) as found:
        assert len(store.sessions("2026")) == RATINGS // (CRITERIA * 2 * DEPARTMENT)
        assert store.cycles() == list(CYCLES)
        store.rated_counts(["2026"])
    assert found == []
