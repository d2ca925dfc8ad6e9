"""A company of two departments that fits on a page, for tests of what changes when data change."""

from __future__ import annotations

import pandas as pd

from pipeline.store import FileRecord, Store
from pipeline.tables import TABLES

NOORD, ZUID, BEFORE = "n26", "z26", "n25"
"""Its sessions: two of 2026, and the one before of the first department."""


def company() -> dict[str, pd.DataFrame]:
    """Return two departments in 2026, one of them in 2025 too; p1 of Zuid also rates in Noord."""
    return {
        "cycles": _rows(
            "cycles",
            cycle=["2025", "2026"],
            starts_on=["2025-01-01", "2026-01-01"],
            ends_on=["2025-12-31", "2026-12-31"],
            what_counts=["a", "b"],
        ),
        "employees": _rows(
            "employees",
            employee_id=["n1", "n2", "z1", "z2", "m1", "m2", "p1"],
            department=["Noord", "Noord", "Zuid", "Zuid", "Bestuur", "Bestuur", "Zuid"],
            name=["Anna", "Bas", "Cor", "Dirk", "Mo", "Ma", "Peer"],
            manager_id=["m1", "m1", "m2", "m2", None, None, "m2"],
            job_level=["A"] * 7,
            email=["x@example.org"] * 7,
        ),
        "criteria": _rows(
            "criteria", criterion_id=["c1", "c2", "c3"], label_nl=["een", "twee", "drie"]
        ),
        "sessions": _rows(
            "sessions",
            session_id=[BEFORE, NOORD, ZUID],
            cycle=["2025", "2026", "2026"],
            department=["Noord", "Noord", "Zuid"],
            held_on=["2025-12-01", "2026-12-01", "2026-12-02"],
            theme=["t1", "t2", "t3"],
        ),
        "participants": _rows(
            "participants",
            session_id=[NOORD, ZUID],
            person_id=["m1", "m2"],
            personal_goal=["g1", "g2"],
        ),
        "ratings": _rows(
            "ratings",
            cycle=["2025", "2026", "2026", "2026", "2026", "2026"],
            employee_id=["n1", "n1", "n2", "z1", "z2", "n1"],
            rater_id=["m1", "m1", "p1", "m2", "m2", "n1"],
            criterion_id=["c1", "c1", "c1", "c1", "c2", "c1"],
            score=[3.0, 3.0, 4.0, 2.0, 5.0, 5.0],
            rater_role=["manager"] * 5 + ["self"],
            rationale=["r1", "r2", "r3", "r4", "r5", "r6"],
        ),
        "evidence": _rows(
            "evidence",
            employee_id=["n1", "n1", "z1"],
            dated_on=["2026-03-01", "2024-03-01", "2026-03-01"],
            kind=["example"] * 3,
            text=["e1", "e2", "e3"],
        ),
        "goals": _rows("goals", goal_id=["g1", "g2"], owner_id=["n1", "z1"], text=["t1", "t2"]),
        "results": _rows(
            "results",
            cycle=["2026", "2026", "2025"],
            employee_id=["n1", "z1", "n1"],
            metric=["m", "m", "m"],
            value=[1.0, 2.0, 3.0],
        ),
        "opinions": _rows(
            "opinions",
            session_id=[NOORD, ZUID],
            employee_id=["n1", "z1"],
            rater_id=["p1", "m2"],
            opinion=["agree", "question"],
            note=["o1", "o2"],
        ),
        "decisions": _rows(
            "decisions",
            session_id=[BEFORE, NOORD],
            subject=["n1", "n1"],
            criterion_id=["overall", "overall"],
            outcome=["upheld", "upheld"],
            argument=["d1", "d2"],
        ),
        "actions": _rows(
            "actions",
            session_id=[BEFORE, NOORD],
            owner_id=["m1", "m1"],
            kind=["agreement", "agreement"],
            text=["a1", "a2"],
            measure=["x", "x"],
        ),
        "norms": _rows(
            "norms", session_id=[BEFORE, NOORD], criterion_id=["c1", "c1"], text=["n1", "n2"]
        ),
    }


def _rows(table: str, **columns: list[object]) -> pd.DataFrame:
    n = max(len(values) for values in columns.values())
    made = pd.DataFrame({name: columns.get(name, [None] * n) for name in TABLES[table].columns})
    for name, column in TABLES[table].columns.items():
        dtype = str(column.dtype)
        made[name] = made[name].astype("str" if dtype.startswith("string") else dtype)
    return made.assign(source_file="test.csv", source_line=range(2, n + 2))


def load(store: Store, frames: dict[str, pd.DataFrame], batch: str = "b1") -> None:
    """Load frames as one batch."""
    store.load(batch, [FileRecord("test.csv", "0" * 64, 1, 0)], frames, [])
