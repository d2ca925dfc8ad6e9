"""What each reader can find out beside what is meant for them, with every page they may have."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from pipeline.analysis import Analysis
from pipeline.errors import NotEstimable, Suppressed
from pipeline.methods.criteria import Criteria
from pipeline.methods.distribution import Distribution
from pipeline.methods.evidence import Evidence
from pipeline.methods.severity import Severity
from pipeline.methods.under_the_radar import UnderTheRadar
from pipeline.privacy import preparation
from pipeline.settings import Settings
from pipeline.store import SessionData

from .conftest import MakePack, Shape, page_of, session_data, table
from .test_sessions import text_of

SIX = Shape(n_people=18, n_raters=6)


@pytest.fixture(scope="module")
def with_a_participant() -> SessionData:
    """Return a session in which one of the raters in the room is rated too."""
    data = session_data(SIX)
    own = data.ratings.iloc[[0]].assign(employee_id="r00001", subject_id="r00001", score=1.0)
    return replace(data, ratings=pd.concat([data.ratings, own], ignore_index=True))


def seen(
    pack_of: MakePack, data: SessionData, audience: str, viewer: str | None = None
) -> Analysis:
    """Return what a reader sees."""
    return pack_of(data, audience=audience, viewer_id=viewer).context.analysis


def test_two_packs_of_a_session_count_the_same_people(
    pack_of: MakePack, with_a_participant: SessionData
) -> None:
    """Or the organisation's counts minus the room's would be the rating of who is in the room."""
    found = [
        seen(pack_of, with_a_participant, audience).distribution
        for audience in ("room", "organisation")
    ]
    for spread in found:
        assert isinstance(spread, Distribution)
        assert spread.n_ratings == len(with_a_participant.ratings) - 1
    page = page_of(pack_of(with_a_participant, audience="organisation"))
    assert "Who takes part in the session and is rated in it too is left out" in text_of(page)
    assert "is left out" not in text_of(page_of(pack_of(SIX, audience="organisation")))


def test_a_room_of_everybody_who_is_rated_reads_why_there_is_nothing(pack_of: MakePack) -> None:
    """There are ratings, so it does not say that there are none yet."""
    data = session_data(Shape(n_people=6, n_raters=2))
    rows = [{"session_id": "2026-zuid", "person_id": one, "role": "rater"}
            for one in data.employees["employee_id"]]  # fmt: skip
    pack = pack_of(replace(data, participants=table("participants", rows)))
    page = text_of(page_of(pack))
    assert "Everybody who is rated here takes part in this session" in page
    assert "no ratings" not in page
    assert pack.form().form is not None


def test_a_session_without_ratings_says_so_once(pack_of: MakePack) -> None:
    """And not that nothing stands out."""
    data = session_data(Shape(n_people=6, n_raters=2))
    text = text_of(str(pack_of(replace(data, ratings=data.ratings.iloc[:0])).summary().html))
    assert "There are no ratings of this session yet." in text
    assert "stands out" not in text
    assert "0 people" not in text


def test_a_managers_pack_and_list_tell_one_pattern(
    pack_of: MakePack, with_a_participant: SessionData, settings: Settings
) -> None:
    """Two numbers about oneself would differ by the ratings of few others."""
    room = seen(pack_of, with_a_participant, "room")
    listed = preparation(with_a_participant, settings, "r00001", room).analysis.severity
    packed = seen(pack_of, with_a_participant, "manager", "r00001").severity
    assert isinstance(listed, Severity)
    assert isinstance(packed, Severity)
    pd.testing.assert_frame_equal(listed.raters, packed.raters)


def test_a_second_rater_without_a_team_sees_no_evidence(pack_of: MakePack) -> None:
    """What was written down is for the own manager; for the rater where none is known."""
    data = session_data(SIX)
    elsewhere = data.employees["manager_id"].replace({"r00000": "r00001"})
    known = replace(data, employees=data.employees.assign(manager_id=elsewhere))
    for shown in (
        seen(pack_of, known, "manager", "r00000").data,
        seen(pack_of, data, "manager", "r00001").data,
    ):
        assert len(shown.ratings)
        team = set(known.employees.loc[elsewhere.eq("r00001"), "employee_id"])
        assert set(shown.evidence["employee_id"]) <= team
    nobody = pd.Series([None] * len(data.employees), dtype="str")
    html = str(pack_of(known, audience="manager", viewer_id="r00000").gaps().html)
    assert "You rated people of other teams only." in html
    unknown = replace(data, employees=data.employees.assign(manager_id=nobody))
    assert len(seen(pack_of, unknown, "manager", "r00000").data.evidence)


def test_what_a_manager_does_not_see_is_not_called_missing(pack_of: MakePack) -> None:
    """Neither evidence about another team, nor a rating that a colleague gave."""
    data = session_data(SIX)
    mine = data.employees.set_index("employee_id")["manager_id"]
    person = str(mine.index[mine.eq("r00000")][0])
    by_me = data.ratings["rater_id"].eq("r00000") & data.ratings["employee_id"].eq(person)
    data = replace(data, ratings=data.ratings[~by_me].reset_index(drop=True))
    found = seen(pack_of, data, "manager", "r00000").evidence
    assert isinstance(found, Evidence)
    assert person not in found.unrated
    others = set(data.ratings.loc[data.ratings["rater_id"].eq("r00000"), "employee_id"].map(mine))
    assert len(others) > 1, "the test needs somebody of another team"
    assert set(found.subjects["employee_id"].map(mine)) == {"r00000"}
    unseen = seen(pack_of, data, "manager", "r00000").under_the_radar
    assert isinstance(unseen, UnderTheRadar | NotEstimable)
    if isinstance(unseen, UnderTheRadar):
        assert set(unseen.employees["employee_id"].map(mine)) == {"r00000"}


def test_evidence_about_few_is_hidden_from_the_organisation(pack_of: MakePack) -> None:
    """Three pieces about two people would be a count below the floor."""
    data = session_data(SIX)
    few = replace(data, evidence=data.evidence.head(2))
    assert isinstance(seen(pack_of, few, "organisation").evidence, Suppressed)
    assert isinstance(seen(pack_of, data, "organisation").evidence, Evidence)


def test_the_organisation_reads_about_the_form_not_about_raters(pack_of: MakePack) -> None:
    """What is wrong with a criterion is nobody's; how alike they are rated needs five raters."""
    many = seen(pack_of, session_data(SIX), "organisation").criteria
    assert isinstance(many, Criteria)
    assert many.pairs["correlation"].notna().any()
    few = seen(pack_of, session_data(Shape(n_people=18, n_raters=4)), "organisation").criteria
    assert isinstance(few, Criteria)
    assert few.pairs.empty
    assert len(few.criteria)


def test_a_theme_is_not_for_the_organisation(pack_of: MakePack) -> None:
    """It is free text, which may name somebody."""
    data = session_data(SIX)
    data = replace(data, session=replace(data.session, theme="Gesprekken van Anna"))
    assert "Anna" in page_of(pack_of(data))
    assert "Anna" not in page_of(pack_of(data, audience="organisation"))


def test_earlier_scores_of_who_is_in_the_room_cannot_be_told(pack_of: MakePack) -> None:
    """Who takes part and was rated last cycle only is in last cycle's counts too."""
    data = session_data(SIX)
    past = data.past_ratings.iloc[[0]].assign(employee_id="r00001", subject_id="r00001")
    data = replace(data, past_ratings=pd.concat([data.past_ratings, past], ignore_index=True))
    assert seen(pack_of, data, "room").data.previous_scores.empty
    assert len(seen(pack_of, session_data(SIX), "room").data.previous_scores)
