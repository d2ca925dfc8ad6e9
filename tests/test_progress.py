"""What happened since a session: counted from what people wrote down, as of a given day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from pipeline.progress import PersonProgress, progress_of
from support.progressed import PEOPLE, TODAY, agreed, days, evidence, session_outcome, table


def people(today: dt.date = TODAY, **changes: Any) -> dict[str, PersonProgress]:
    """Return the progress of each, by number."""
    found = progress_of(session_outcome(**changes), today, check_in_days=90)
    return {one.employee_id: one for one in found.people}


def goal(goal_id: str, **values: Any) -> dict[str, Any]:
    """Return a goal of the first person."""
    return {"goal_id": goal_id, "owner_id": "001", "text": f"Tekst {goal_id}", **values}


def test_check_ins_are_of_two_sides_and_newest_first() -> None:
    """What each said on a day is one check-in, in the cycle and after it."""
    found = people(
        own_evidence=evidence(("001", "2025-05-01", "check-in", "m1", "Eerder")),
        later_evidence=evidence(
            ("001", "2026-03-03", "check-in", "001", "Goed"),
            ("001", "2026-03-03", "check-in", "m1", "Meer tijd"),
            ("001", "2026-07-01", "check-in", "m1", "Nog niet gebeurd"),
        ),
    )["001"]
    assert [one.dated_on for one in found.check_ins] == [dt.date(2026, 3, 3), dt.date(2025, 5, 1)]
    assert set(found.check_ins[0].said) == {("001", "Goed"), ("m1", "Meer tijd")}
    assert found.last_check_in == dt.date(2026, 3, 3)


@pytest.mark.parametrize(
    ("held", "agreed_for", "due"),
    [
        (None, None, dt.date(2026, 3, 12)),  # 90 days after the session
        ("2026-04-01", None, dt.date(2026, 6, 30)),
        ("2025-10-01", None, dt.date(2026, 3, 12)),  # before the session: counted from that
        ("2026-04-01", "2026-05-01", dt.date(2026, 5, 1)),
        ("2026-04-01", "2026-09-01", dt.date(2026, 9, 1)),
    ],
)
def test_a_check_in_is_due_as_agreed_else_some_time_after_the_last(
    held: str | None, agreed_for: str | None, due: dt.date
) -> None:
    """On the day itself it is not overdue yet."""
    rows = evidence(("001", held, "check-in", "m1", "x")) if held else table("evidence")
    planned = days(
        [{"employee_id": "001", "dated_on": held, "next_on": agreed_for}] if held else [],
        "employee_id", "dated_on", "next_on",
    )  # fmt: skip
    for today, overdue in ((due, False), (due + dt.timedelta(days=1), True)):
        found = people(today, own_evidence=rows, check_ins=planned)["001"]
        assert (found.check_in_due, found.is_overdue) == (due, overdue)


def test_without_any_day_nothing_is_overdue() -> None:
    """A session of which no day is known starts no clock."""
    outcome = session_outcome()
    data = replace(
        outcome.data,
        session=replace(outcome.session, held_on=None),
        cycle=outcome.data.cycle.iloc[:0],
    )
    bare = replace(outcome, data=data, sitting=replace(outcome.sitting, held_on=None))
    found = progress_of(bare, TODAY, check_in_days=90).people[0]
    assert (found.check_in_due, found.is_overdue) == (None, False)


def test_a_goal_carries_its_history() -> None:
    """A chain of revisions is one goal; late where it is open and past its date."""
    found = people(
        goals=table(
            "goals",
            [
                goal("a", status="revised", due_on="2026-01-01"),
                goal("b", status="revised", revised_from="a"),
                goal("c", revised_from="b", due_on="2026-06-14"),
                goal("d", status="done", due_on="2026-01-01"),
                goal("e", due_on="2026-06-15"),
            ],
        )
    )
    goals = found["001"].goals
    assert [(one.goal_id, one.status, one.is_late) for one in goals] == [
        ("c", "open", True), ("e", "open", False), ("d", "done", False),
    ]  # fmt: skip
    assert [one.goal_id for one in goals[0].earlier] == ["b", "a"]
    assert found["002"].goals == ()


def test_goals_that_refer_in_a_circle_are_all_there() -> None:
    """An export can hold them; none is lost and nothing goes on for ever."""
    rows = [goal("a", revised_from="b"), goal("b", revised_from="a"), goal("c", revised_from="c")]
    found = people(goals=table("goals", rows))["001"].goals
    assert {one.goal_id for one in found} == {"a", "b", "c"}


def test_actions_and_agreements_have_a_state() -> None:
    """Own actions apart from what was agreed with this person, whoever does it."""
    action = {"session_id": "2025-noord", "due_on": "2026-05-01"}
    actions = table(
        "actions",
        [
            {**action, "owner_id": "001", "kind": "training", "text": "Cursus"},
            {**action, "owner_id": "m1", "kind": "agreement", "text": "Meelopen · 001",
             "status": "done", "done_on": "2026-04-01"},
            {**action, "owner_id": "m1", "kind": "agreement", "text": "Meelopen · 002"},
            {**action, "owner_id": "001", "kind": "agreement", "text": "Zelf lezen"},
        ],
    )  # fmt: skip
    found = people(
        actions=actions,
        **agreed(
            ("001", "m1", "Meelopen", "2026-05-01"),
            ("002", "m1", "Meelopen", "2026-05-01"),
            ("001", "001", "Zelf lezen", "2026-05-01"),
        ),
    )
    assert [(a.text, a.status, a.is_late) for a in found["001"].actions] == [
        ("Cursus", "open", True)
    ]
    assert {(a.owner_id, a.text, a.status) for a in found["001"].agreements} == {
        ("m1", "Meelopen · 001", "done"), ("001", "Zelf lezen", "open"),
    }  # fmt: skip
    assert [a.text for a in found["002"].agreements] == ["Meelopen · 002"]


def test_feedback_counts_both_ways() -> None:
    """Given and received; what somebody wrote about himself or herself is neither."""
    found = people(
        later_evidence=evidence(
            ("001", "2026-02-01", "feedback", "m1", "Knap"),
            ("m1", "2026-02-02", "feedback", "001", "Je luisterde"),
            ("001", "2026-02-03", "feedback", "001", "Over mezelf"),
            ("001", "2026-02-04", "example", "m1", "Geen feedback"),
        )
    )["001"]
    assert [(one.from_id, one.text) for one in found.received] == [("m1", "Knap")]
    assert [(one.to_id, one.text) for one in found.given] == [("m1", "Je luisterde")]


def test_evidence_is_counted_per_quarter() -> None:
    """The last four quarters, this one included, whatever the kind."""
    found = people(
        dt.date(2026, 2, 10),
        later_evidence=evidence(
            ("001", "2025-03-31", "example", "m1", "te oud"),
            ("001", "2025-04-01", "example", "m1", "a"),
            ("001", "2025-12-31", "feedback", "m1", "b"),
            ("001", "2026-01-01", "check-in", "m1", "c"),
            ("001", "2026-02-10", "goal", "m1", "d"),
            ("001", "2026-02-11", "goal", "m1", "nog niet"),
        ),
    )["001"]
    assert found.quarters == (
        (dt.date(2025, 4, 1), 1), (dt.date(2025, 7, 1), 0),
        (dt.date(2025, 10, 1), 1), (dt.date(2026, 1, 1), 2),
    )  # fmt: skip


def test_who_left_is_not_waited_for() -> None:
    """Somebody who is gone has no check-in to come; who leaves later still has."""
    outcome = session_outcome()
    staff = outcome.data.employees.copy()
    staff.loc[0, "left_on"] = pd.Timestamp("2026-02-01")
    staff.loc[1, "left_on"] = pd.Timestamp("2026-12-01")
    assert sorted(people(employees=staff)) == list(PEOPLE[1:])
