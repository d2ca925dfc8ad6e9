"""The conversation card: what was decided about one person, in plain words, and nobody else."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from html import unescape

import nbformat
import pandas as pd
import pytest

from pipeline.ingest import import_files
from pipeline.locale import Language
from pipeline.pack.cards import make_cards
from pipeline.pack.html import pages_of
from pipeline.pack.moments import moments
from pipeline.pack.person_pages import PersonPage
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionOutcome, Sitting, open_store
from support import SAMPLE
from support.outcomes import decision, longest, outcome_of, parked, rows

from .conftest import Shape, session_data

EN = Language("en")
DATA = session_data(Shape(n_people=8, n_raters=3))


def text_of(page: PersonPage) -> str:
    """Return what a card says, without its marks."""
    html = " ".join(str(one.html) for one in page.sections)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


def texts(outcome: SessionOutcome, settings: Settings, language: Language = EN) -> dict[str, str]:
    """Return the text of each card, by its reader."""
    return {one.reader_id: text_of(one) for one in make_cards(outcome, settings, language).pages}


def given_by_manager(person: str) -> set[float]:
    """Return the scores that somebody's own manager gave."""
    manager = DATA.employees.set_index("employee_id")["manager_id"][person]
    own = DATA.ratings[DATA.ratings["employee_id"].eq(person)]
    return set(own.loc[own["rater_id"].eq(manager), "score"])


def test_each_outcome_is_told_in_plain_words(settings: Settings) -> None:
    """Changed with both scores, upheld, put off, not discussed; each decision with its reason."""
    found = texts(
        outcome_of(
            DATA,
            decision("p00000", "c1", "adjusted", argument="Nam in mei de leiding."),
            decision("p00000", "c2", "upheld", argument="Past bij de norm."),
            decision("p00001", "overall", "parked", argument="Eerst navragen."),
        ),
        settings,
    )
    card = found["p00000"]
    assert "4 very good Criterion c1 Changed in the session: from 3 to 4." in card
    assert "Why: Nam in mei de leiding." in card
    assert "Discussed and upheld: it stays as it was." in card
    assert "Why: Past bij de norm." in card
    assert card.count("Not discussed: it stays as your manager gave it.") == 1
    assert "Komt afspraken na." in card  # the behaviour of the upheld 3
    assert "– Overall Parked: the session has not decided about this yet." in found["p00001"]
    assert "agree on a day together" in found["p00001"]
    assert "Eerst navragen." not in card
    assert all("nothing on this card was computed" in one for one in found.values())


def test_what_was_parked_says_what_follows_and_when(settings: Settings) -> None:
    """By the date of the parked item about this person, and of no other."""
    found = texts(
        outcome_of(
            DATA,
            decision("p00001", "overall", "parked"),
            decision("p00002", "overall", "parked"),
            parked=parked(
                {"text": "p00001: voorbeelden verzamelen", "due_on": "2027-02-01"},
                {"text": "Wie kiest tweede beoordelaars?", "due_on": "2027-01-01"},
            ),
        ),
        settings,
    )
    assert "comes back to you about it by 1 February 2027" in found["p00001"]
    assert "voorbeelden verzamelen" in found["p00001"]
    assert "2027" not in found["p00002"]


def test_nothing_is_averaged(settings: Settings) -> None:
    """A card shows a score that somebody gave, and where there is no overall it says so."""
    found = texts(outcome_of(DATA, decision("p00000", "c1", "upheld")), settings)
    for person, card in found.items():
        shown = re.findall(r"(\d(?:\.\d+)?|–) [a-z ]*Criterion c[23]", card)
        assert {float(one) for one in shown} <= given_by_manager(person)
        assert "There is no decision about the whole" in card


def test_who_left_gets_no_card_and_who_has_no_rating_is_told(settings: Settings) -> None:
    """A card without a rating says why that matters, and keeps the conversation."""
    staff = DATA.employees.copy()
    staff.loc[0, "left_on"] = pd.Timestamp("2026-06-01")
    data = replace(
        DATA, employees=staff, ratings=DATA.ratings[DATA.ratings["employee_id"].ne("p00001")]
    )
    found = texts(outcome_of(data), settings)
    assert set(found) == set(staff["employee_id"]) - {"p00000"}
    assert "There is no rating of you in this cycle" in found["p00001"]
    assert "Not discussed" not in found["p00001"]
    assert "Wellbeing" in found["p00001"]


@pytest.mark.parametrize(
    "outcome",
    [
        outcome_of(replace(DATA, session=replace(DATA.session, kind="conversation")),
                   decision("g-p00001", "c1", "upheld")),
        outcome_of(DATA, sitting=Sitting()),
        outcome_of(DATA, decision("p00001", "c1", "upheld"), sitting=Sitting(held=False)),
    ],
    ids=["conversations", "nothing known", "not held"],
)  # fmt: skip
def test_without_a_decision_about_people_there_are_no_cards(
    outcome: SessionOutcome, settings: Settings
) -> None:
    """What was not decided is not told as if it were."""
    assert make_cards(outcome, settings, EN).pages == ()


def test_what_is_withheld_is_said_and_counted(settings: Settings) -> None:
    """The card leads to the manager; the warning for the analyst names nobody."""
    outcome = outcome_of(
        DATA,
        decision("p00000", "c1", "upheld", argument="Beter dan PERSOON 3."),
        decision("p00001", "c1", "upheld", argument="Persoon 1 deed dit zelf."),
    )
    found = texts(outcome, settings)
    assert "Why: Your manager will tell you." in found["p00000"]
    assert "PERSOON 3" not in found["p00000"]
    assert "Why: Persoon 1 deed dit zelf." in found["p00001"]
    (warning,) = make_cards(outcome, settings, EN).warnings
    assert warning.startswith("1 text is withheld")
    assert not re.search("persoon|p0000", warning.lower())


def test_texts_are_escaped_and_bounded(settings: Settings) -> None:
    """What comes from data is text, and one note cannot fill a card."""
    bad = "<script>alert(1)</script><b>x</b>"
    outcome = outcome_of(DATA, decision("p00000", "c1", "upheld", argument=bad))
    page = make_cards(outcome, settings, EN).pages[0]
    assert "<script" not in str(page.sections[0].html)
    assert "&lt;script&gt;" in str(page.sections[0].html)
    long = make_cards(longest(outcome, "p00000", "woord "), settings, EN).pages[0]
    assert len(text_of(long)) < 12_000
    assert "the whole text: ask your manager" in text_of(long)
    assert "Also rated:" in text_of(long)


def test_the_year_is_bounded_and_the_rest_is_counted(settings: Settings) -> None:
    """The newest evidence first; goals with their state; what is not shown is counted."""
    day = pd.Timestamp("2026-01-01")
    evidence = rows(
        "evidence",
        *(
            {"employee_id": "p00000", "dated_on": day + pd.Timedelta(days=number), "kind":
             "feedback", "criterion_id": "c1", "text": f"stuk {number:02d}"}
            for number in range(10)
        ),
    )  # fmt: skip
    goals = rows("goals", {"goal_id": "1", "owner_id": "p00000", "text": "Les geven",
                           "due_on": day, "status": "done"})  # fmt: skip
    data = replace(DATA, evidence=evidence, goals=goals)
    card = texts(outcome_of(data, decision("p00000", "c1", "upheld")), settings)["p00000"]
    shown = re.findall(r"stuk (\d\d)", card.split("The conversation")[0])
    assert shown == ["09", "08", "07", "06"]
    assert "6 more: ask your manager." in card
    assert "done · 1 Jan 2026 Les geven" in card


def test_appreciation_begins_with_evidence_about_the_highest_scores(settings: Settings) -> None:
    """Of the kinds feedback and example only, and none where no score reaches the middle."""
    criteria = {"c1": 5.0, "c2": 2.0, "c3": 2.0}
    evidence = rows(
        "evidence",
        *(
            {"employee_id": "p00000", "dated_on": pd.Timestamp("2026-05-02"), "kind": kind,
             "criterion_id": one, "text": f"{kind} over {one}"}
            for kind in ("feedback", "check-in") for one in criteria
        ),
    )  # fmt: skip
    data = replace(DATA, evidence=evidence, ratings=DATA.ratings.assign(
        score=DATA.ratings["criterion_id"].map(criteria)))  # fmt: skip
    back = texts(outcome_of(data), settings)["p00000"].split("Appreciation")[1]
    assert "feedback over c1" in back
    assert "over c2" not in back
    assert "check-in" not in back.split("Results")[0]
    low = replace(data, ratings=data.ratings.assign(score=2.0))
    assert "over c1" not in texts(outcome_of(low), settings)["p00000"].split("Appreciation")[1]


def test_how_to_object_is_the_organisations_own_text(settings: Settings) -> None:
    """In the language of the card; the default says to whom, by when, and what happens."""
    for code, words in (("nl", ("14 dagen", "Personeelszaken")), ("en", ("14 days", "Human"))):
        card = texts(outcome_of(DATA), settings, Language(code))["p00000"]
        assert all(word in card for word in words)
    own = settings.model_copy(
        update={"card": settings.card.model_copy(update={"objection_en": "Ask the board."})}
    )
    assert "Ask the board." in texts(outcome_of(DATA), own)["p00000"]


def test_the_next_moment_of_the_cycle_is_proposed_for_the_check_in(settings: Settings) -> None:
    """The first one after the session; where none is known the line stays empty."""
    told = "2026-11 | Start | x\n2027-06 | Later | y\n2027-03 | Check-in | doelen\nooit | Nooit | z"
    data = replace(DATA, cycle=DATA.cycle.assign(moments=told))
    assert "In the cycle: March 2027, Check-in." in texts(outcome_of(data), settings)["p00000"]
    assert "In the cycle" not in texts(outcome_of(DATA), settings)["p00000"]


@pytest.mark.parametrize(
    ("line", "first", "last", "shown"),
    [
        ("2026-12 | a | b", dt.date(2026, 12, 1), dt.date(2026, 12, 31), "december 2026"),
        ("03-04-2026 | a", dt.date(2026, 4, 3), dt.date(2026, 4, 3), "3 april 2026"),
        ("voorjaar | a | b | c", None, None, "voorjaar"),
        ("2026-13 | a", None, None, "2026-13"),
        ("9999-12 | a", dt.date(9999, 12, 1), dt.date(9999, 12, 31), "december 9999"),
        ("alleen tekst", None, None, ""),
    ],
)
def test_moments_are_read_as_they_are_written(
    line: str, first: dt.date | None, last: dt.date | None, shown: str
) -> None:
    """A day, a month, or a text that is no date; never a fault."""
    (found,) = moments(f"\n | \n{line}\n")
    assert (found.first, found.last) == (first, last)
    assert found.when(Language("nl")) == shown


def test_a_card_is_a_whole_page(settings: Settings) -> None:
    """In its language, without a script, with its own style; carried along by a notebook."""
    cards = make_cards(outcome_of(DATA), settings, EN)
    output = nbformat.v4.new_output("execute_result", cards._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    pages = pages_of(notebook, language="en")
    assert sorted(pages) == [("cards", one) for one in sorted(DATA.employees["employee_id"])]
    for page in pages.values():
        assert '<html lang="en">' in page
        assert "<script" not in page
        assert ".card-side" in page


def test_no_other_name_or_number_is_in_any_card_of_the_sample_company(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Over all people of all sessions that were held."""
    settings = read_settings(tmp_path_factory.mktemp("home"))
    n_cards = 0
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
        for session in store.sessions("2024") + store.sessions("2025"):
            outcome = store.session_outcome(session.session_id)
            people = dict(
                zip(outcome.data.people["employee_id"], outcome.data.people["name"], strict=True)
            )
            for reader, card in texts(outcome, settings, Language("nl")).items():
                n_cards += 1
                words = re.sub(r"\W+", " ", card)
                for one, name in people.items():
                    if name != people[reader]:
                        assert re.sub(r"\W+", " ", name) not in words.replace(people[reader], "")
                    assert one == reader or one not in words.split()
    assert n_cards > 800
