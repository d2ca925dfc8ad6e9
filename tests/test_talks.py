"""The schedule of conversations: changed ratings first, on working days, in time."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.agenda.talks import plan_talks

FRIDAY = dt.date(2026, 12, 4)


def decided(rows: list[tuple[str, str | None, str]]) -> pd.DataFrame:
    """Return decisions: who, whose team, what became of the score."""
    return pd.DataFrame(rows, columns=["employee_id", "manager_id", "result"])


def test_changed_ratings_come_first_and_never_in_a_weekend() -> None:
    """Two a day from the first working day on; the last day follows from what was decided."""
    talks = plan_talks(
        decided([("a", "m", "upheld"), ("b", "m", "parked"), ("c", "m", "lowered")]), FRIDAY
    )
    assert [talk.employee_id for talk in talks] == ["c", "b", "a"]
    assert [talk.on for talk in talks] == [dt.date(2026, 12, 7)] * 2 + [dt.date(2026, 12, 8)]
    assert talks[0].before == dt.date(2026, 12, 18)
    assert talks[2].before == dt.date(2027, 1, 3)


def test_one_conversation_for_several_decisions() -> None:
    """Whoever had one score changed and one upheld is among the first, once."""
    talks = plan_talks(
        decided([("a", "m", "upheld"), ("a", "m", "raised"), ("b", None, "upheld")]), FRIDAY
    )
    assert [(talk.employee_id, talk.manager_id, talk.result) for talk in talks] == [
        ("a", "m", "raised"),
        ("b", None, "upheld"),
    ]


def test_the_order_follows_from_no_name_and_no_number() -> None:
    """By lot, the same each time."""
    people = [f"p{i}" for i in range(8)]
    rows = decided([(one, "m", "raised") for one in people])
    order = [talk.employee_id for talk in plan_talks(rows, FRIDAY)]
    assert order != people
    assert order == [talk.employee_id for talk in plan_talks(rows.iloc[::-1], FRIDAY)]


def test_without_a_day_there_is_an_order_only() -> None:
    """No dates are made up."""
    (talk,) = plan_talks(decided([("a", "m", "raised")]), None)
    assert (talk.on, talk.before) == (None, None)
