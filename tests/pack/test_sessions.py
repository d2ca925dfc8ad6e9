"""Packs of sessions of every shape: right, readable, and clear about what is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest

from pipeline.errors import WrongUse
from pipeline.pack.sections.frame import UNLOCKS
from pipeline.pack.wording import TABLE_NAMES
from pipeline.settings import Settings

from .conftest import MakePack, Shape, page_of, session_data, table

SHAPES = {
    "linked": Shape(),
    "nested": Shape(second=False),
    "unlinked": Shape(groups=2, n_raters=6),
    "one rater": Shape(n_people=9, n_raters=1, second=False),
    "four people": Shape(n_people=4, n_raters=2),
    "one person": Shape(n_people=1, n_raters=1),
    "conversations": Shape(kind="conversation", n_people=12),
}


def text_of(html: str) -> str:
    """Return what a reader reads."""
    plain = re.sub(r"<(style|script)>.*?</\1>", " ", html, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", plain)
    return re.sub(r"\s+", " ", plain)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("audience", ["room", "organisation"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_shape_gives_a_whole_page(
    pack_of: MakePack, shape: Shape, audience: str, language: str
) -> None:
    """No shape, audience or language breaks a pack; all parts are there, headings in order."""
    page = page_of(pack_of(shape, language, audience=audience))
    assert f'<html lang="{language}">' in page
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
    assert levels.count(1) == 1
    form = audience == "room"
    assert levels.count(2) == (16 if shape.kind == "conversation" else 13) + form
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert "nan" not in re.findall(r"\w+", text_of(page))
    assert "{" not in text_of(page)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_figure_is_described(pack_of: MakePack, shape: Shape) -> None:
    """Each figure has an alternative text, says what it shows and what it does not."""
    page = page_of(pack_of(shape))
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert figures
    for figure in figures:
        alt = re.search(r'alt="([^"]*)"', figure)
        assert alt is not None
        assert len(alt.group(1)) > 20
        assert 'class="shows"' in figure
        assert 'class="shows-not"' in figure
    for drawing in re.findall(r"<svg[^>]*>", page):
        assert re.search(r'aria-label="[^"]+"', drawing)


def test_tables_have_captions_and_scopes(pack_of: MakePack) -> None:
    """Every table says what it holds, and every heading cell what it heads."""
    page = page_of(pack_of())
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert len(tables) > 5
    for one in tables:
        assert "<caption>" in one
        assert re.findall(r"<th(?! scope=)[ >]", one) == []


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ("linked", "The raters can be compared."),
        ("nested", "a strict manager and a weaker team look the same"),
        ("unlinked", "fall into 2 groups of raters who rated nobody in common"),
        ("one rater", "There is one rater"),
    ],
)
def test_the_banner_says_whether_raters_can_be_compared(
    pack_of: MakePack, shape: str, sentence: str
) -> None:
    """The first thing said about raters is whether they can be compared at all."""
    html = str(pack_of(SHAPES[shape]).raters().html)
    assert sentence in html
    first_note = html.index('class="note note-key"')
    assert first_note < html.find("<h3>") or "<h3>" not in html


def test_an_answer_that_is_not_estimable_shows_its_reason(pack_of: MakePack) -> None:
    """Where there is no answer, the reader finds the reason, not a blank."""
    pack = pack_of(SHAPES["one rater"])
    assert "agreement" in pack.facts().facts["not_estimable"]
    agreement = pack.context.analysis.agreement
    assert pack.context.say(agreement.message) in str(pack.raters().html)  # type: ignore[union-attr]  # there is an answer
    assert "Agreement of raters: not estimable" in str(pack.raters().html)


def test_small_groups_of_the_organisation_pack_are_hidden(pack_of: MakePack) -> None:
    """A department of four shows no score at all outside the session, and says why."""
    pack = pack_of(SHAPES["four people"], audience="organisation")
    page = page_of(pack)
    assert "fewer than 5 people" in page
    assert "<img" not in page


def test_the_organisation_pack_names_nobody(pack_of: MakePack) -> None:
    """No name and no personnel number leaves the room."""
    data = session_data()
    for language in ("nl", "en"):
        page = page_of(pack_of(data, language, audience="organisation"))
        for one in [*data.people["name"], *data.people["employee_id"]]:
            assert one not in page


def test_the_manager_pack_holds_the_own_team_only(pack_of: MakePack) -> None:
    """A manager finds own people, and no other rater by name."""
    page = page_of(pack_of(audience="manager", viewer_id="r00001"))
    assert "Beoordelaar 1" in page
    assert "Beoordelaar 2" not in page
    assert "r00002" not in page


def test_a_room_without_participants_or_date_is_told(pack_of: MakePack) -> None:
    """What is unknown about a session is said on its cover."""
    data = session_data()
    session = replace(data.session, held_on=None, facilitator_id=None, is_default=True)
    data = replace(data, session=session, participants=table("participants"))
    html = str(pack_of(data).cover().html)
    assert "not planned yet" in html
    assert "to be named" in html
    assert "There is no sessions table" in html


def test_too_many_participants_are_warned_of(pack_of: MakePack) -> None:
    """More than eight people do not all get a turn."""
    rows = [{"session_id": "2026-zuid", "person_id": f"x{i}", "role": "rater"} for i in range(9)]
    pack = pack_of(session_data(participants=table("participants", rows)))
    assert "9 participants; above 8" in str(pack.cover().html)
    assert any("9 participants" in text for text in pack.facts().facts["warnings"])


def test_missing_tables_say_what_they_would_add(pack_of: MakePack) -> None:
    """Who brings no goals or results reads what these would unlock."""
    html = str(pack_of().frame().html)
    assert "goals beside each case" in html
    assert "results against target beside each case" in html


def test_missing_tables_have_a_name_in_the_readers_language(pack_of: MakePack) -> None:
    """The name to read, and below it the name that the import knows."""
    data = replace(session_data(), opinions=table("opinions"))
    text = text_of(str(pack_of(data, "nl").frame().html))
    assert "meningen opinions" in text
    assert set(UNLOCKS) <= set(TABLE_NAMES)


def test_a_session_without_evidence_opinions_and_criteria_names(pack_of: MakePack) -> None:
    """The minimum, ratings and employees, makes a pack."""
    data = session_data()
    bare = data.criteria.assign(
        **{name: None for name in data.criteria.columns if name != "criterion_id"}
    ).astype("str").replace("None", None)  # fmt: skip
    data = replace(
        data,
        criteria=bare,
        cycle=table("cycles"),
        evidence=table("evidence"),
        opinions=table("opinions"),
        past_ratings=data.past_ratings.iloc[:0],
        previous_scores=data.previous_scores.iloc[:0],
        loaded_at=None,
    )
    page = text_of(page_of(pack_of(data)))
    assert "There are no opinions from before the session" in page
    assert "There is no dated evidence" in page
    assert "have no behaviour per scale point" in page


def test_without_any_rating_the_pack_still_says_so(pack_of: MakePack) -> None:
    """An empty department gets a page with reasons, not an error."""
    data = session_data()
    pack = pack_of(replace(data, ratings=data.ratings.iloc[:0], criteria=data.criteria.iloc[:0]))
    assert "not estimable" in page_of(pack)
    assert pack.facts().facts["n_rated"] == 0


def test_equal_scores_for_everybody(pack_of: MakePack) -> None:
    """No spread is a finding to read, not a division by zero."""
    data = session_data()
    page_of(pack_of(replace(data, ratings=data.ratings.assign(score=3.0))))


def test_numbers_follow_the_language(pack_of: MakePack) -> None:
    """Dutch has a decimal comma and Dutch dates, also in the figures' texts."""
    dutch, english = page_of(pack_of(language="nl")), page_of(pack_of(language="en"))
    mean = re.search(r"Het gemiddelde is (\d,\d\d) op", dutch)
    assert mean is not None
    assert f"The mean is {mean.group(1).replace(',', '.')} on" in english
    assert "3 december 2026" in dutch
    assert "3 December 2026" in english
    assert re.search(r'alt="[^"]*\d,\d\d', dutch)
    assert not re.search(r'alt="[^"]*\d\.\d\d', dutch)


def test_people_with_the_same_name_are_told_apart(pack_of: MakePack) -> None:
    """Beside a name that occurs twice stands the personnel number."""
    data = session_data()
    people = data.people.assign(name="Jan Jansen")
    assert "Jan Jansen (p00000)" in page_of(pack_of(replace(data, people=people)))


def test_people_without_a_name_go_by_number(pack_of: MakePack) -> None:
    """No name is no reason for a blank."""
    data = session_data()
    people = data.people.assign(name=pd.Series([None] * len(data.people), dtype="str"))
    assert "p00000" in page_of(pack_of(replace(data, people=people)))


def test_a_case_shows_facts_and_never_a_rating_to_give(pack_of: MakePack) -> None:
    """A case has its rule, its scores and questions; no score is proposed."""
    pack = pack_of()
    html = str(pack.cases().html)
    assert html.count('<article class="case"') == len(
        [case for case in pack.context.plan.cases if case.session == 1][:25]
    )
    assert "Questions to ask" in html
    for word in ("suggest", "recommended score", "expected score", "should be"):
        assert word not in html.lower()


def test_many_cases_become_a_table(pack_of: MakePack) -> None:
    """A large department shows 25 cases in full and lists the others."""
    pack = pack_of(Shape(n_people=400, n_raters=20))
    html = str(pack.cases().html)
    assert html.count('<article class="case"') <= 25
    rows = html.count("<tr>", 0, html.index("<article")) - 1
    assert rows == len(pack.context.plan.cases)
    assert html.count('<a href="#case-') == html.count('<article class="case"')
    assert len(pack.context.plan.cases) > 25
    for case in pack.context.plan.cases:
        assert pack.context.subject(case.subject_id, case.employee_id) in html
    assert html.count("<caption>All cases</caption>") == 1


def test_the_turn_order_is_fixed(pack_of: MakePack) -> None:
    """The same session draws the same order, whoever makes the pack."""
    assert str(pack_of().agenda().html) == str(pack_of().agenda().html)


def test_the_same_data_give_the_same_page(pack_of: MakePack) -> None:
    """A pack is reproducible to the byte, figures included."""
    assert page_of(pack_of()) == page_of(pack_of())


def test_unknown_languages_and_audiences_are_refused(pack_of: MakePack, settings: Settings) -> None:
    """A wrong parameter is a clear message."""
    with pytest.raises(WrongUse, match="no language"):
        pack_of(language="fr")
    with pytest.raises(WrongUse, match="no audience"):
        pack_of(audience="everybody")
