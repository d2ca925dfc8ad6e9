"""Fairness in a pack: off unless agreed, gaps with intervals, nothing of small groups."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import Suppressed
from pipeline.privacy import Audience, cut
from pipeline.settings import Settings
from pipeline.store import SessionData

from .conftest import MakePack, Shape, page_of, session_data
from .test_sessions import text_of


def with_attributes(settings: Settings, *names: str) -> Settings:
    """Return settings under which these attributes are compared."""
    chosen = settings.fairness.model_copy(update={"attributes": names})
    return settings.model_copy(update={"fairness": chosen})


def company(n_other: int = 0) -> SessionData:
    """Return a session in which women score lower, with some people of a small group."""
    data = session_data(Shape(n_people=60, n_raters=5))
    people = list(data.employees["employee_id"])
    gender = np.where(np.arange(len(people)) % 2 == 0, "female", "male")
    gender[: n_other * 3 : 3] = "other"
    women = set(np.array(people)[gender == "female"])
    ratings = data.ratings
    lower = ratings["score"] - ratings["employee_id"].isin(women) * 1.0
    fte = [1.0 if i % 5 > 1 else 0.6 for i in range(len(people))]
    return replace(
        data,
        ratings=ratings.assign(score=lower.clip(1, 5)),
        employees=data.employees.assign(gender=pd.Series(gender, dtype="str"), fte=fte),
    )


@pytest.fixture(scope="module")
def even() -> SessionData:
    """Return a company without a small group."""
    return company()


def test_it_is_off_unless_settings_name_an_attribute(pack_of: MakePack) -> None:
    """One note says that it is off and what it takes; no table, no number."""
    html = str(pack_of().fairness().html)
    assert "agreement with the works council" in html
    assert "<table" not in html
    assert html.count('class="note note-') == 1


@pytest.mark.parametrize("audience", ["room", "organisation"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_gaps_stand_side_by_side_with_intervals(
    pack_of: MakePack, settings: Settings, even: SessionData, audience: str, language: str
) -> None:
    """Raw and adjusted gap, what would be found, and what this does not tell."""
    chosen = with_attributes(settings, "gender", "working_hours")
    pack = pack_of(even, language, settings=chosen, audience=audience)
    html = str(pack.fairness().html)
    assert html.count("<table") == 3  # gaps twice, and severity per group
    assert "nan" not in text_of(html).lower().split()
    row = pack.context.analysis.fairness["gender"].gaps.iloc[0]  # type: ignore[union-attr]  # there is an answer
    for name in ("raw_gap", "gap"):
        assert pack.context.language.signed(float(row[name])) in html
    assert pack.context.interval(row["ci_low"], row["ci_high"]) in html
    assert pack.context.score(row["detectable"]) in html
    # ten scores of one person are no ten people
    assert 3 < row["df"] < 60
    assert f">{pack.context.language.number(float(row['df']), 0)}<" in html
    assert "female" not in text_of(html)  # a word for readers, not the code
    if language == "en":
        assert "Men beside women" in html
        assert "can hide what all raters share" in html


def test_a_group_below_the_floor_is_said_and_not_shown(
    pack_of: MakePack, settings: Settings
) -> None:
    """Nothing is shown from which the number or the scores of a small group could be found."""
    pack = pack_of(company(3), settings=with_attributes(settings, "gender"))
    text = text_of(str(pack.fairness().html))
    assert "Groups of fewer than 10 people are hidden" in text
    assert "at least 10" in text
    found = pack.context.analysis.fairness["gender"]
    groups, gaps = found.groups, found.gaps  # type: ignore[union-attr]  # there is an answer
    assert groups[["n_employees", "mean", "sd", "rate"]].isna().all(axis=None)
    assert gaps[["parity_ratio", "df"]].isna().all(axis=None)
    assert gaps["gap"].notna().all()


def test_levels_stay_where_everybody_is_shown(settings: Settings, even: SessionData) -> None:
    """Without a hidden person there is nothing to find by subtraction."""
    chosen = with_attributes(settings, "gender")
    found = cut(even, Audience.ORGANISATION, chosen).analysis.fairness["gender"]
    assert found.groups["n_employees"].notna().all()  # type: ignore[union-attr]  # there is an answer


def test_attributes_that_are_not_known_give_a_reason(pack_of: MakePack, settings: Settings) -> None:
    """Nobody has a gender on record: the reason stands where the gap would have been."""
    pack = pack_of(settings=with_attributes(settings, "gender"))
    assert "not estimable" in str(pack.fairness().html)


def test_a_small_department_is_hidden_outside_the_room(
    pack_of: MakePack, settings: Settings
) -> None:
    """On, but too few people: that is said, and not that it is off."""
    shape = Shape(n_people=4, n_raters=2)
    pack = pack_of(shape, settings=with_attributes(settings, "gender"), audience="organisation")
    html = str(pack.fairness().html)
    assert "fewer than 5 people" in html
    assert "works council" not in html


def test_conversations_have_no_such_part(pack_of: MakePack, settings: Settings) -> None:
    """A conversation is scored, not a person."""
    shape = Shape(kind="conversation", n_people=12)
    pack = pack_of(shape, settings=with_attributes(settings, "gender"))
    assert 'id="fairness"' not in page_of(pack)


def test_fields_that_are_compared_are_listed(
    pack_of: MakePack, settings: Settings, even: SessionData
) -> None:
    """The governance annex names the fields that the comparison used, and only then."""
    chosen = with_attributes(settings, "working_hours")
    assert ", fte" in str(pack_of(even, settings=chosen).methods().html)
    assert ", fte" not in str(pack_of(even).methods().html)


def stricter_for_women(n_raters: int = 5) -> SessionData:
    """Return a session in which one rater scores women lower, and others do not."""
    data = session_data(Shape(n_people=150, n_raters=n_raters))
    people = list(data.employees["employee_id"])
    gender = np.where(np.arange(len(people)) // n_raters % 2 == 0, "female", "male")
    women = set(np.array(people)[gender == "female"])
    hit = data.ratings["rater_id"].eq("r00001") & data.ratings["employee_id"].isin(women)
    scores = (data.ratings["score"] - 1.5 * hit.astype(float)).clip(1, 5)
    return replace(
        data,
        ratings=data.ratings.assign(score=scores),
        employees=data.employees.assign(gender=pd.Series(gender, dtype="str")),
    )


@pytest.fixture(scope="module")
def uneven() -> SessionData:
    """Return a session in which severity goes with gender for one rater."""
    return stricter_for_women()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_room_reads_how_many_raters_are_stricter_for_a_group(
    pack_of: MakePack, settings: Settings, uneven: SessionData, language: str
) -> None:
    """The number, the typical size with its interval; never who, or for whom."""
    pack = pack_of(uneven, language, settings=with_attributes(settings, "gender"))
    found = pack.context.analysis.group_severity["gender"]
    assert found.cells.empty  # type: ignore[union-attr]  # there is an answer
    assert found.n_flagged == 1  # type: ignore[union-attr]  # there is an answer
    text = text_of(str(pack.fairness().html))
    assert not re.search(r"Beoordelaar \d", text)
    if language == "en":
        assert re.search(r"gender 5 yes typically \d\.\d\d points \(.* to .*\) 1 ", text)


def test_the_organisation_reads_no_count_of_raters_who_stand_out(
    pack_of: MakePack, settings: Settings, uneven: SessionData
) -> None:
    """Whether severity goes with a group, among at least five raters."""
    chosen = with_attributes(settings, "gender")
    pack = pack_of(uneven, settings=chosen, audience="organisation")
    found = pack.context.analysis.group_severity["gender"]
    assert found.n_flagged is found.n_suppressed is None  # type: ignore[union-attr]  # there is an answer
    assert found.cells.empty  # type: ignore[union-attr]  # there is an answer
    text = text_of(str(pack.fairness().html))
    assert "More than chance?" in text
    assert "Raters who stand out" not in text


@pytest.mark.parametrize("audience", [Audience.ROOM, Audience.ORGANISATION])
def test_among_few_raters_nothing_tells_who_is_stricter_for_a_group(
    settings: Settings, audience: Audience
) -> None:
    """With four raters a count would be nearly a name."""
    chosen = with_attributes(settings, "gender")
    found = cut(stricter_for_women(4), audience, chosen).analysis.group_severity["gender"]
    assert isinstance(found, Suppressed)


def test_a_manager_reads_nothing_of_severity_per_group(
    settings: Settings, uneven: SessionData
) -> None:
    """Neither of others nor of oneself: a few people per group are no pattern to act on."""
    chosen = with_attributes(settings, "gender")
    assert cut(uneven, Audience.MANAGER, chosen, "r00001").analysis.group_severity == {}
