"""Groups of employees on attributes that may be compared."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.methods.background import ATTRIBUTES, background_groups

ON = pd.Timestamp("2026-12-31")


def people(**columns: list[object]) -> pd.DataFrame:
    """Return employees with these columns, the rest missing."""
    n = len(next(iter(columns.values())))
    empty = {"gender": None, "birth_year": None, "hired_on": None, "fte": None}
    made = pd.DataFrame({**{name: [value] * n for name, value in empty.items()}, **columns})
    made["employee_id"] = [f"e{i}" for i in range(n)]
    return made


def groups(attribute: str, **columns: list[object]) -> list[object]:
    """Return the groups in order, None where unknown."""
    found = background_groups(people(**columns), attribute, on=ON)
    return [None if pd.isna(one) else one for one in found]


def test_borders_belong_to_the_group_above() -> None:
    """Somebody of exactly 35, or with exactly two years, is in the older group."""
    years = [1992, 1991, 1977, 1976, None]
    assert groups("age", birth_year=years) == [
        "under 35", "35 to 49", "35 to 49", "50 and over", None,
    ]  # fmt: skip
    hired = ["2025-06-01", "2024-12-01", "2016-01-01", None]
    assert groups("tenure", hired_on=hired) == [
        "under 2 years", "2 to 9 years", "10 years and over", None,
    ]  # fmt: skip


def test_working_hours_and_gender() -> None:
    """Less than full-time is part-time; gender is as recorded."""
    assert groups("working_hours", fte=[0.8, 1.0, None]) == ["part-time", "full-time", None]
    assert groups("gender", gender=["v", "m", None]) == ["v", "m", None]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_what_is_not_recorded_is_not_guessed(attribute: str) -> None:
    """Without data, or without the day, everybody is unknown."""
    assert groups(attribute, gender=[None, None]) == [None, None]
    found = background_groups(people(birth_year=[1980]), "age", on=None)
    assert found.isna().all()
