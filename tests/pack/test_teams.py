"""The overview of one manager: what happened to the own team, and nothing of anybody else."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace

import nbformat
import pandas as pd
import pytest

from pipeline.errors import WrongUse
from pipeline.locale import Language
from pipeline.pack.html import pages_of
from pipeline.pack.teams import make_teams
from pipeline.privacy import leading, own_team
from pipeline.settings import Settings
from pipeline.store.outcome import SessionOutcome
from support.progressed import PEOPLE, TODAY, agreed, days, evidence, session_outcome, table


@pytest.fixture
def outcome() -> SessionOutcome:
    """Return a session after which something happened to everybody."""
    action = {"session_id": "2025-noord", "due_on": "2026-05-01", "kind": "agreement"}
    return session_outcome(
        goals=table(
            "goals",
            [
                {"goal_id": f"g{one}", "owner_id": one, "text": f"Oud doel {one}",
                 "status": "revised"} for one in PEOPLE
            ] + [
                {"goal_id": f"h{one}", "owner_id": one, "text": f"Nieuw doel {one}",
                 "due_on": "2026-05-01", "revised_from": f"g{one}"} for one in PEOPLE
            ],
        ),
        actions=table(
            "actions",
            [{**action, "owner_id": "m1", "text": "Meelopen · 001"},
             {**action, "owner_id": "m2", "text": "Meelopen · 003"},
             {**action, "owner_id": "m1", "kind": "training", "text": "Eigen cursus"}],
        ),
        **agreed(("001", "m1", "Meelopen", "2026-05-01"), ("003", "m2", "Meelopen", "2026-05-01")),
        check_ins=days([], "employee_id", "dated_on", "next_on"),
        later_evidence=evidence(
            ("001", "2026-05-05", "check-in", "001", "Gezegd door 001 <b>"),
            ("001", "2026-05-05", "check-in", "m1", "Gezien door m1"),
            ("003", "2026-05-05", "check-in", "003", "Gezegd door 003"),
            ("m1", "2026-05-06", "feedback", "001", "Aan m1 van 001"),
            ("003", "2026-05-06", "feedback", "001", "Aan 003 van 001"),
            ("001", "2026-05-07", "feedback", "004", "Aan 001 van een ander"),
            ("m2", "2026-05-07", "feedback", "003", "Aan m2 van 003"),
        ),
    )  # fmt: skip


def texts(outcome: SessionOutcome, settings: Settings, today: dt.date = TODAY) -> dict[str, str]:
    """Return the text of each page, by its reader."""
    found = make_teams(outcome, settings, Language("en"), today)
    return {
        one.reader_id: html.unescape(
            " ".join(re.sub(r"<[^>]+>", " ", "".join(str(s.html) for s in one.sections)).split())
        )
        for one in found.pages
    }


def test_every_manager_gets_a_page_of_the_own_team(
    outcome: SessionOutcome, settings: Settings
) -> None:
    """Goals with their history, check-ins, feedback both ways, agreements."""
    found = texts(outcome, settings)
    assert sorted(found) == ["m1", "m2"]
    own = found["m1"]
    for shown in ("Nieuw doel 001", "before it was revised: Oud doel 001", "Gezegd door 001 <b>",
                  "Gezien door m1", "Aan m1 van 001", "Aan 001 van een ander", "Meelopen",
                  "Gave feedback to somebody else 1 time."):  # fmt: skip
        assert shown in own
    assert "Meelopen · 001" not in own


def test_a_page_holds_nothing_of_other_teams(outcome: SessionOutcome, settings: Settings) -> None:
    """Neither their names nor what was said to or by them, nor what the session decided."""
    own = texts(outcome, settings)["m1"]
    for hidden in ("Naam 003", "Naam 004", "doel 003", "Gezegd door 003", "Aan 003", "Aan m2",
                   "Eigen cursus", "Geheim van de zaal", "Baas m2"):  # fmt: skip
        assert hidden not in own
    assert "a colleague" in own  # who gave the feedback of another team is not told


def test_the_cut_leaves_only_the_own_team(outcome: SessionOutcome) -> None:
    """Also in what is not shown: no row of anybody else, and no text to anybody else."""
    own = own_team(outcome, "m1")
    team = {"001", "002"}
    assert set(own.data.employees["employee_id"]) == team
    assert set(own.data.goals["owner_id"]) == team
    assert set(own.agreements["employee_id"]) == {"001"}
    assert set(own.actions["text"]) == {"Meelopen · 001"}
    assert set(own.later_evidence["employee_id"].dropna()) <= team | {"m1"}
    assert set(own.later_evidence["from_id"].dropna()) <= team | {"m1"}
    assert "Aan 003 van 001" not in set(own.later_evidence["text"].dropna())
    assert set(own.data.people["employee_id"]) == team | {"m1"}
    with pytest.raises(WrongUse):
        own_team(outcome, "001")


def test_what_the_team_agreed_with_others_is_theirs(outcome: SessionOutcome) -> None:
    """A team lead who has a manager too: that manager reads nothing agreed with the lead's team."""
    row = {"session_id": "2025-noord", "owner_id": "001", "kind": "agreement"}
    both = [{**row, "text": "Minder uren · 003"}, {**row, "text": "Eigen plan"}]
    told = replace(
        outcome,
        actions=table("actions", both),
        **agreed(("003", "001", "Minder uren", "2026-05-01"),
                 ("001", "001", "Eigen plan", "2026-05-01")),
    )  # fmt: skip
    assert own_team(told, "m1").actions["text"].tolist() == ["Eigen plan"]
    assert own_team(told, "m2").actions["text"].tolist() == ["Minder uren · 003"]


def test_a_second_rater_is_no_manager(outcome: SessionOutcome) -> None:
    """Where the store knows no managers, who rated as one leads; with no roles every rater does."""
    data = outcome.data
    second = data.ratings.assign(rater_id="m2", rater_role="second")
    ratings = pd.concat([data.ratings.assign(rater_role="manager"), second], ignore_index=True)
    unknown = data.employees.assign(manager_id=None)
    told = replace(outcome, data=replace(data, employees=unknown, ratings=ratings))
    assert set(own_team(told, "m1").data.employees["employee_id"]) == {"001", "002"}
    assert set(own_team(told, "m2").data.employees["employee_id"]) == {"003", "004"}
    plain = replace(told.data, ratings=ratings.assign(rater_role=None))
    assert set(own_team(replace(told, data=plain), "m2").data.employees["employee_id"]) == {*PEOPLE}


def test_feedback_to_two_others_on_a_day_counts_twice(
    outcome: SessionOutcome, settings: Settings
) -> None:
    """To whom it was is not told, so the two look alike."""
    twice = evidence(
        ("003", "2026-05-06", "feedback", "001", "Een"),
        ("004", "2026-05-06", "feedback", "001", "Twee"),
    )
    found = texts(replace(outcome, later_evidence=twice), settings)["m1"]
    assert "Gave feedback to others 2 times." in found


def test_totals_come_first_and_say_what_is_overdue(
    outcome: SessionOutcome, settings: Settings
) -> None:
    """As of the given day: who has had no check-in is named, with everybody in order of name."""
    own = texts(outcome, settings)["m1"]
    assert "1 check-in is overdue Naam 002." in own
    assert own.index("overdue") < own.index("Gezegd door 001")
    later = texts(outcome, settings, dt.date(2026, 12, 1))["m1"]
    assert "2 check-ins are overdue Naam 001 and Naam 002." in later
    shorter = settings.model_copy(
        update={"progress": settings.progress.model_copy(update={"check_in_days": 30})}
    )
    assert "2 check-ins are overdue" in texts(outcome, shorter)["m1"]


def test_a_bounded_page_counts_the_rest(outcome: SessionOutcome, settings: Settings) -> None:
    """The newest are open, the others folded."""
    many = evidence(
        *(("002", f"2026-01-{day:02d}", "check-in", "m1", f"Dag {day}") for day in range(1, 21))
    )
    own = texts(replace(outcome, later_evidence=many), settings)["m1"]
    assert own.index("Dag 20") < own.index("14 earlier ones") < own.index("Dag 1 ")


def test_nobody_gets_a_page_without_a_team(outcome: SessionOutcome, settings: Settings) -> None:
    """Conversations have none, nor has a manager whose people all left."""
    conversation = replace(
        outcome,
        data=replace(outcome.data, session=replace(outcome.session, kind="conversation")),
    )
    assert make_teams(conversation, settings, Language("nl"), TODAY).pages == ()
    staff = outcome.data.employees.copy()
    staff.loc[staff["manager_id"].eq("m1"), "left_on"] = pd.Timestamp("2026-01-01")
    assert leading(replace(outcome.data, employees=staff)) == ("m2",)


def test_pages_are_whole_and_the_same_each_time(
    outcome: SessionOutcome, settings: Settings
) -> None:
    """In the reader's language, without a script, and equal for equal content."""
    made = [make_teams(outcome, settings, Language("nl"), TODAY) for _ in range(2)]
    cells = [
        nbformat.v4.new_code_cell(
            "", outputs=[nbformat.v4.new_output("execute_result", one._repr_mimebundle_())]
        )
        for one in made
    ]
    first, second = (
        pages_of(nbformat.v4.new_notebook(cells=[cell]), language="nl") for cell in cells
    )
    assert first == second
    assert sorted(first) == [("teams", "m1"), ("teams", "m2")]
    assert all('<html lang="nl">' in page and "<script" not in page for page in first.values())
    assert all("Gezegd door 001 <b>" not in page for page in first.values())
