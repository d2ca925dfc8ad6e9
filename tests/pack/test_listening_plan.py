"""Which conversations a session listens to: by rules and by lot, within its minutes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from pipeline.agenda import Agenda, plan_agenda
from pipeline.agenda.conversations import differing
from pipeline.agenda.turns import turn_order
from pipeline.analysis import Analysis, analyse
from pipeline.settings import Settings

from .conftest import Shape, session_data, table


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Return twelve conversations, two raters each, six participants."""
    shape = Shape(kind="conversation", n_people=12, n_raters=6)
    return analyse(session_data(shape), Settings())


def planned(analysis: Analysis, settings: Settings, minutes: int, n_people: int = 6) -> Agenda:
    """Plan a session of so many minutes and participants."""
    rows = [
        {"session_id": "2026-zuid", "person_id": f"x{i}", "role": "rater"} for i in range(n_people)
    ]
    session = replace(analysis.data.session, minutes=minutes)
    data = replace(analysis.data, session=session, participants=table("participants", rows))
    return plan_agenda(replace(analysis, data=data), settings)


def heard(plan: Agenda) -> int:
    """Return how many conversations are listened to."""
    return sum(item.kind == "conversation" for item in plan.items)


@pytest.mark.parametrize("minutes", [10, 45, 60, 75, 90, 120])
@pytest.mark.parametrize("n_people", [1, 6, 8, 9])
def test_every_minute_has_a_part(
    analysis: Analysis, settings: Settings, minutes: int, n_people: int
) -> None:
    """The parts fill the session exactly, and every conversation heard is on the list."""
    plan = planned(analysis, settings, minutes, n_people)
    assert sum(item.minutes for item in plan.items) == pytest.approx(minutes)
    assert all(item.minutes > 0 for item in plan.items)
    assert heard(plan) == sum(case.session == 1 for case in plan.cases)
    assert any(item.kind == "break" for item in plan.items) == (minutes > 75)


@pytest.mark.parametrize(
    ("minutes", "n_people", "n_heard"), [(60, 6, 3), (90, 6, 5), (60, 8, 3), (90, 8, 4)]
)
def test_a_usual_session_fits(
    analysis: Analysis, settings: Settings, minutes: int, n_people: int, n_heard: int
) -> None:
    """Sixty to ninety minutes hold three to five conversations with a turn for everybody."""
    plan = planned(analysis, settings, minutes, n_people)
    assert heard(plan) == n_heard
    each = next(item for item in plan.items if item.kind == "conversation")
    assert each.minutes == settings.session.listening_minutes + 2 + n_people


def test_a_ninth_person_gets_no_extra_time(analysis: Analysis, settings: Settings) -> None:
    """A group that is too large is warned of; the plan stays that of a full group."""
    assert planned(analysis, settings, 90, 9).items == planned(analysis, settings, 90, 8).items


def test_the_reserve_is_no_second_session(analysis: Analysis, settings: Settings) -> None:
    """As many again in reserve, none of them twice; no further session is asked for."""
    plan = planned(analysis, settings, 60)
    assert sum(case.session == 2 for case in plan.cases) == heard(plan)
    assert len({case.subject_id for case in plan.cases}) == len(plan.cases)
    assert plan.n_sessions == 1


def test_one_conversation_is_drawn_by_lot(analysis: Analysis, settings: Settings) -> None:
    """However many stand out, an ordinary one is heard too."""
    ratings = analysis.data.ratings
    apart = ratings["rater_id"].ne(ratings.groupby("subject_id")["rater_id"].transform("min"))
    ordinary = ratings["subject_id"].eq("g-p00004")
    far = ratings.assign(score=apart.map({True: 5.0, False: 1.0}).mask(ordinary, 3.0))
    data = replace(analysis.data, ratings=far)
    plan = planned(analyse(data, settings), settings, 90)
    first = [case for case in plan.cases if case.session == 1]
    assert sum(not case.is_quiet for case in first) == len(first) - 1
    assert [case.subject_id for case in first if case.is_quiet] == ["g-p00004"]
    assert all(case.rules[0].name == "disagreement" for case in first if not case.is_quiet)


def test_raters_differ_by_pairs_of_scores() -> None:
    """By hand: of three pairs on one criterion, one is within a point."""
    ratings = pd.DataFrame(
        {
            "subject_id": ["g1"] * 3 + ["g2"],
            "rater_id": ["a", "b", "c", "a"],
            "criterion_id": ["q"] * 4,
            "score": [1.0, 2.0, 5.0, 3.0],
        }
    )
    found = differing(ratings)
    assert list(found.index) == ["g1"]  # nobody to differ from on g2
    assert found.loc["g1", "n_pairs"] == 3
    assert found.loc["g1", "within_one"] == pytest.approx(1 / 3)


def test_turns_leave_out_who_guards_and_put_the_expert_last(analysis: Analysis) -> None:
    """Facilitator and process guard take no turn; an expert does not lead the others."""
    data = analysis.data
    ratings = data.ratings.assign(
        rater_role=data.ratings["rater_role"].mask(data.ratings["rater_id"].eq("r00001"), "expert")
    )
    session = replace(data.session, process_guard_id="r00002")
    order = turn_order(replace(data, ratings=ratings, session=session))
    assert order[-1] == "r00001"
    assert "r00002" not in order
    assert len(order) == 5
