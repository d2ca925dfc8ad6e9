"""What is due when: spans of time, days of sessions, and nothing too late."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import WrongUse
from pipeline.run.due import (
    EVIDENCE_AHEAD,
    PACK_AHEAD,
    RECORD_AFTER,
    Due,
    after_state,
    due_within,
    read_span,
    state_of,
)
from pipeline.store import Session

MONDAY = dt.datetime(2026, 11, 23, 10, 30)


def on(day: int | None) -> Session:
    """Return a session so many days after Monday."""
    held = None if day is None else MONDAY.date() + dt.timedelta(days=day)
    return Session(f"s{day}", "2026", "d", held_on=held)


@pytest.mark.parametrize(
    ("text", "hours"), [("48h", 48), ("14d", 336), ("2w", 336), (" 1 D ", 24), ("0d", 0)]
)
def test_spans_are_read(text: str, hours: int) -> None:
    """Hours, days and weeks."""
    assert read_span(text) == dt.timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "14", "d", "-2d", "1.5d", "2m", "9999w", "14d; rm", "٣d"])
def test_other_texts_are_refused(text: str) -> None:
    """With the forms that are understood."""
    with pytest.raises(WrongUse, match="14d"):
        read_span(text)


def test_sessions_within_the_span_are_due_in_order() -> None:
    """Today's too, until the day is over; past ones and those without a date are not."""
    every = [on(14), on(2), on(None), on(0), on(-1), on(15)]
    found = due_within(every, read_span("14d"), MONDAY)
    assert [one.session_id for one in found] == ["s0", "s2", "s14"]


def test_a_session_counts_from_the_beginning_of_its_day() -> None:
    """Monday half past ten plus 48 hours reaches Wednesday, at whatever hour it is held."""
    found = due_within([on(1), on(2), on(3)], read_span("48h"), MONDAY)
    assert [one.session_id for one in found] == ["s1", "s2"]


def test_a_pack_is_due_and_then_late() -> None:
    """It is late 48 hours ahead of the day, and due in the week before that."""
    states = [state_of(on(day), PACK_AHEAD, MONDAY) for day in (-1, 0, 2, 3, 9, 10, None)]
    assert states == [
        Due.NOT_YET, Due.LATE, Due.LATE, Due.DUE, Due.DUE, Due.NOT_YET, Due.NOT_YET,
    ]  # fmt: skip
    assert state_of(on(7), EVIDENCE_AHEAD, MONDAY) is Due.LATE
    assert state_of(on(8), EVIDENCE_AHEAD, MONDAY) is Due.DUE


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 400))
def test_what_is_late_is_always_in_the_span_that_makes_it(day: int, hour: int, more: int) -> None:
    """`--due 48h` makes every pack that `status` calls late; a longer span makes no fewer."""
    now = MONDAY.replace(hour=hour)
    late = state_of(on(day), PACK_AHEAD, now) is Due.LATE
    assert late == bool(due_within([on(day)], PACK_AHEAD, now))
    longer = PACK_AHEAD + dt.timedelta(days=more)
    assert not late or due_within([on(day)], longer, now)


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (None, Due.NOT_YET), (1, Due.NOT_YET), (0, Due.NOT_YET), (-1, Due.DUE), (-3, Due.DUE),
        (-4, Due.LATE),
    ],
)  # fmt: skip
def test_a_session_is_recorded_within_days(day: int | None, state: Due) -> None:
    """Not on the day itself; after three days it is late. Without a date nothing is."""
    assert after_state(on(day), RECORD_AFTER, MONDAY) is state
