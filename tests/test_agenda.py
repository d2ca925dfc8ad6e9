"""The agenda: deterministic, within its minutes, and nobody unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.agenda import Agenda, plan_agenda
from pipeline.analysis import Analysis, analyse
from pipeline.privacy import Audience, cut
from pipeline.settings import Settings
from pipeline.store import Session, open_store

Rows = Callable[..., pd.DataFrame]
Make = Callable[..., Analysis]


@pytest.fixture
def make(settings: Settings, rows: Rows) -> Make:
    """Return a maker of analyses: one rating of each person by one manager on two criteria."""

    def build(scores: dict[str, float], **session: object) -> Analysis:
        people = list(scores)
        n = len(people)
        frames = {
            "employees": rows(
                "employees",
                employee_id=[*people, "boss"],
                department=["Noord"] * n + ["Top"],
                manager_id=["boss"] * n + [None],
            ),
            "ratings": rows(
                "ratings",
                cycle=["2026"] * 2 * n,
                employee_id=people * 2,
                rater_id=["boss"] * 2 * n,
                criterion_id=["c1"] * n + ["c2"] * n,
                score=list(scores.values()) * 2,
            ),
        }
        with open_store(settings) as store:
            store.load(f"b{len(store.batches())}", [], frames, [])
            data = store.session_data("2026-Noord")
        if session:
            data = replace(data, session=replace(data.session, **session))
        return analyse(data, settings)

    return build


def people(n: int) -> dict[str, float]:
    """Return n people of whom one stands far above and one far below the rest."""
    return {f"e{i:03d}": 5.0 if i == 0 else 1.0 if i == 1 else 3.0 for i in range(n)}


def spent(agenda: Agenda) -> float:
    """Return the minutes of the first session."""
    return sum(item.minutes for item in agenda.items)


def test_outliers_come_first_and_the_quiet_middle_has_its_time(
    make: Make, settings: Settings
) -> None:
    """High, then low, with the rule that fired; then people without any rule."""
    agenda = plan_agenda(make(people(20)), settings)
    assert [case.employee_id for case in agenda.cases[:2]] == ["e000", "e001"]
    assert [case.rules[0].name for case in agenda.cases[:2]] == ["top", "bottom"]
    quiet = [case for case in agenda.cases if case.is_quiet]
    assert quiet
    assert all(case.minutes == settings.session.minutes_per_case[0] for case in quiet)


@pytest.mark.parametrize("n", [3, 20, 300])
@pytest.mark.parametrize("minutes", [45, 60, 90, 240])
def test_a_session_fits_in_its_minutes(
    make: Make, settings: Settings, n: int, minutes: int
) -> None:
    """Whatever the number of people, nobody is asked to stay longer."""
    scores = {f"e{i:03d}": float(1 + i % 5) for i in range(n)}
    agenda = plan_agenda(make(scores, minutes=minutes), settings)
    assert spent(agenda) <= minutes + 1e-9
    low, high = settings.session.minutes_per_case
    for case in agenda.cases:
        assert low <= case.minutes <= high
    assert {case.session for case in agenda.cases} <= set(range(1, agenda.n_sessions + 1))
    assert len({case.subject_id for case in agenda.cases}) == len(agenda.cases)


def test_the_order_does_not_depend_on_the_order_of_the_rows(make: Make, settings: Settings) -> None:
    """The same ratings give the same agenda."""
    scores = {f"e{i:03d}": float(1 + (i * 7) % 5) for i in range(40)}
    one = plan_agenda(make(scores), settings)
    other = plan_agenda(make(dict(reversed(scores.items()))), settings)
    assert one == other


def test_what_does_not_fit_moves_to_a_next_session(make: Make, settings: Settings) -> None:
    """No case is dropped for lack of time."""
    scores = {f"e{i:03d}": float(1 if i % 2 else 5) for i in range(80)}
    agenda = plan_agenda(make(scores, minutes=60), settings)
    assert agenda.n_sessions > 1
    flagged = {case.employee_id for case in agenda.cases if not case.is_quiet}
    assert len(flagged) == agenda.n_outliers == 80


def test_no_score_is_proposed(make: Make, settings: Settings) -> None:
    """A case holds facts and rules; there is no field for a better rating."""
    agenda = plan_agenda(make(people(20)), settings)
    assert set(vars(agenda.cases[0])) == {
        "subject_id",
        "employee_id",
        "rules",
        "minutes",
        "session",
    }


def test_who_is_far_does_not_stretch_the_measure(make: Make, settings: Settings) -> None:
    """The rule compares with the others: the one who stands out is not among them."""
    scores = {"e0": 4.2, "e1": 3.0, "e2": 3.2, "e3": 2.8, "e4": 3.0}
    agenda = plan_agenda(make(scores), settings)
    rule = next(case.rules[0] for case in agenda.cases if case.employee_id == "e0")
    assert rule.name == "top"
    assert rule.message.values["n"] == 4
    assert rule.message.values["mean"] == pytest.approx(3.0)
    assert rule.message.values["sd"] == pytest.approx(0.163, abs=0.001)


def test_one_beside_others_who_are_all_alike_is_far(make: Make, settings: Settings) -> None:
    """Others without any spread are no reason to overlook the one who differs."""
    agenda = plan_agenda(make({f"e{i}": 3.0 if i else 3.6 for i in range(8)}), settings)
    fired = {case.employee_id: [rule.name for rule in case.rules] for case in agenda.cases}
    assert fired["e0"][0] == "top"
    assert fired["e1"] == []


def test_the_organisation_gets_no_cases(make: Make, settings: Settings) -> None:
    """Aggregates only: nobody to discuss by name."""
    view = cut(make(people(20)).data, Audience.ORGANISATION, settings)
    agenda = plan_agenda(view.analysis, settings)
    assert agenda.cases == ()


def test_who_takes_part_reads_no_rating_of_himself(make: Make, settings: Settings) -> None:
    """A participant who is rated is left out of the room's pack, and the pack says so."""
    analysis = make(people(20), facilitator_id="e000")
    view = cut(analysis.data, Audience.ROOM, settings)
    assert "e000" not in set(view.analysis.data.ratings["employee_id"])
    assert "e000" not in {case.employee_id for case in plan_agenda(view.analysis, settings).cases}
    assert len(view.left_out) == 1


def test_a_default_session_has_default_minutes(settings: Settings, make: Make) -> None:
    """Without a sessions table the settings give the length."""
    analysis = make(people(8))
    assert analysis.data.session == Session("2026-Noord", "2026", "Noord", is_default=True)
    assert plan_agenda(analysis, settings).minutes == settings.session.minutes


@pytest.mark.parametrize("minutes", [20, 45, 60, 90, 150])
def test_a_short_session_has_a_short_frame(make: Make, settings: Settings, minutes: int) -> None:
    """Opening, anchor and SMART round leave at least half of the time to talk."""
    scores = {f"e{i}": 3.0 for i in range(12)} | {"high": 5.0, "low": 1.0}
    plan = plan_agenda(make(scores, minutes=minutes), settings)
    assert sum(item.minutes for item in plan.items) <= minutes + 1e-9
    frame = sum(i.minutes for i in plan.items if i.kind in ("opening", "anchor", "smart"))
    assert frame <= minutes / 2 + 1e-9


def names_of(plan: Agenda) -> list[str]:
    """Return the rule that brings each case, in order."""
    return [case.rules[0].name for case in plan.cases if case.rules]


def test_the_focus_decides_which_reasons_count(make: Make, settings: Settings) -> None:
    """Reward begins at the borders between scores; for promotion a low score is no reason."""
    scores = {f"e{i}": 3.0 for i in range(12)} | {"high": 5.0, "low": 1.0, "edge": 3.5}
    plans = {
        focus: plan_agenda(make(scores, focus=focus), settings)
        for focus in ("performance", "reward", "promotion")
    }
    assert names_of(plans["performance"])[:2] == ["top", "bottom"]
    assert names_of(plans["performance"])[-1] == "fringe"
    assert names_of(plans["reward"])[0] == "fringe"
    assert names_of(plans["promotion"]) == ["top"]
    # who has a reason in another focus is no quiet middle in this one
    quiet = {case.employee_id for case in plans["promotion"].cases if case.is_quiet}
    assert not quiet & {"low", "edge"}


def test_high_twice_counts_for_promotion(make: Make, settings: Settings) -> None:
    """The top of the scale now and in the cycle before, with both scores in the reason."""
    found = make({f"e{i}": 3.0 for i in range(8)} | {"high": 5.0}, focus="promotion")
    standing = found.standing
    before = standing.subjects["subject_id"].map({"high": 4.8})
    standing = replace(standing, subjects=standing.subjects.assign(previous=before))
    rules = plan_agenda(replace(found, standing=standing), settings).cases[0].rules
    assert rules[0].name == "sustained"
    assert rules[0].message.values == {"previous": 4.8, "score": 5.0}


def test_talent_begins_with_who_is_high_on_both_axes(make: Make, settings: Settings) -> None:
    """Performance and potential together bring a case; far apart comes next."""
    talent = settings.talent.model_copy(update={"potential": ("c2",)})
    with_potential = settings.model_copy(update={"talent": talent})
    found = make({f"e{i}": 3.0 for i in range(8)}, focus="talent")
    ratings = found.data.ratings
    given = {("e0", "c1"): 5.0, ("e0", "c2"): 5.0, ("e1", "c1"): 1.0, ("e1", "c2"): 5.0}
    score = [
        given.get(key, old)
        for key, old in zip(
            zip(ratings["employee_id"], ratings["criterion_id"], strict=True),
            ratings["score"],
            strict=True,
        )
    ]
    again = analyse(replace(found.data, ratings=ratings.assign(score=score)), with_potential)
    cases = plan_agenda(again, with_potential).cases
    assert [(c.employee_id, c.rules[0].name) for c in cases[:2]] == [
        ("e0", "both_high"),
        ("e1", "apart"),
    ]


@pytest.mark.parametrize(("score", "far"), [(3.4, False), (3.6, True)])
def test_a_small_distance_from_people_who_are_alike_is_no_outlier(
    make: Make, settings: Settings, score: float, far: bool
) -> None:
    """Equal colleagues have no standard deviation; half a point from them it begins to count."""
    plan = plan_agenda(make({f"e{i}": 3.0 for i in range(8)} | {"one": score}), settings)
    rules = {case.employee_id: [rule.name for rule in case.rules] for case in plan.cases}
    assert ("top" in rules.get("one", [])) == far
