"""Cards and the page about a cycle in a real browser: two sides of A4, readable by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from pipeline.locale import Language
from pipeline.pack.cards import make_cards
from pipeline.pack.cycle_page import render_cycle
from pipeline.pack.html import pages_of
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionOutcome, open_store
from support.outcomes import longest

from .conftest import executed
from .test_pack_in_browser import cut_off_on_paper, opened, violations

SESSION = "2025-verkoop"
WORDS = {"words": "Lang verhaal over werk. ", "wide": "WWWWWWWW ", "unbroken": "Mw", "signs": "漢"}
A4: ViewportSize = {"width": 688, "height": 1035}
"""What lies between the margins of a card, in CSS pixels."""
Change = Callable[[SessionOutcome], tuple[SessionOutcome, str]]


def decided(outcome: SessionOutcome) -> tuple[SessionOutcome, str]:
    """Return somebody whose score was changed."""
    rows = outcome.decisions
    return outcome, str(rows.loc[rows["outcome"].eq("adjusted"), "subject"].iloc[0])


def empty(outcome: SessionOutcome) -> tuple[SessionOutcome, str]:
    """Return somebody of whom nothing is known, not even a name."""
    data = outcome.data
    who = str(outcome.decisions["subject"].iloc[0])
    kept = replace(
        data,
        ratings=data.ratings[data.ratings["employee_id"].ne(who)],
        people=data.people[data.people["employee_id"].ne(who)],
        evidence=data.evidence.iloc[:0],
        goals=data.goals.iloc[:0],
        cycle=data.cycle.iloc[:0],
    )
    decisions = outcome.decisions[outcome.decisions["subject"].ne(who)]
    return replace(outcome, data=kept, decisions=decisions), who


def full(word: str) -> Change:
    """Return somebody of whom everything is as long as it can be."""

    def change(outcome: SessionOutcome) -> tuple[SessionOutcome, str]:
        who = str(outcome.decisions["subject"].iloc[0])
        return longest(outcome, who, word), who

    return change


SHAPES: dict[str, Change] = {
    "decided": decided,
    "empty": empty,
    **{name: full(word) for name, word in WORDS.items()},
}


@pytest.fixture(scope="session")
def outcome(sample_home: Path) -> SessionOutcome:
    """Return what a session of the sample company decided."""
    with open_store(read_settings(sample_home)) as store:
        return store.session_outcome(SESSION)


def card_file(
    folder: Path, outcome: SessionOutcome, settings: Settings, shape: str, code: str
) -> Path:
    """Write the card of one person to a file, by the way of a notebook."""
    changed, who = SHAPES[shape](outcome)
    cards = make_cards(changed, settings, Language(code))
    path = folder / f"{shape}-{code}.html"
    path.write_text(pages_of(executed([cards]), language=code)["cards", who], encoding="utf-8")
    return path


def n_printed(page: Page) -> int:
    """Return how many sheets a page takes on paper."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True)))


def wordy(settings: Settings) -> Settings:
    """Return settings whose own text is as long as it may be."""
    text = ("Een lang verhaal over bezwaar. " * 30)[:600]
    card = settings.card.model_copy(update={"objection_nl": text, "objection_en": text})
    return settings.model_copy(update={"card": card})


@pytest.mark.parametrize("code", ["nl", "en"])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_card_is_two_sides_of_paper(
    browser: Browser,
    outcome: SessionOutcome,
    sample_home: Path,
    tmp_path: Path,
    shape: str,
    code: str,
) -> None:
    """Whatever was written: no third page, and nothing lies over anything else."""
    settings = wordy(read_settings(sample_home))
    with opened(browser, card_file(tmp_path, outcome, settings, shape, code)) as page:
        assert n_printed(page) == 2
        page.emulate_media(media="print")
        page.set_viewport_size(A4)
        for side in ("#front", "#back"):
            room = page.locator(side).evaluate("one => one.clientHeight - one.scrollHeight")
            assert room >= -1  # nothing reaches out of a side, into the other


@pytest.mark.parametrize(("shape", "code"), [("decided", "nl"), ("empty", "en"), ("words", "en")])
def test_a_card_can_be_read_by_everybody(
    browser: Browser,
    outcome: SessionOutcome,
    sample_home: Path,
    tmp_path: Path,
    shape: str,
    code: str,
) -> None:
    """No finding of axe, on a desktop and a phone; nothing beyond the side, on paper neither."""
    path = card_file(tmp_path, outcome, read_settings(sample_home), shape, code)
    for width in (1280, 390):
        with opened(browser, path, width) as page:
            assert page.locator("html").get_attribute("lang") == code
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
            assert cut_off_on_paper(page) == []


def test_there_is_room_to_write(
    browser: Browser, outcome: SessionOutcome, sample_home: Path, tmp_path: Path
) -> None:
    """On paper each column of each theme has lines, on the fullest card too."""
    for shape, least in (("decided", 2), ("words", 1)):
        path = card_file(tmp_path, outcome, read_settings(sample_home), shape, "en")
        with opened(browser, path) as page:
            page.emulate_media(media="print")
            page.set_viewport_size(A4)
            rooms = page.locator(".write").evaluate_all(
                "all => all.map(one => one.clientHeight / one.firstElementChild.offsetHeight)"
            )
            assert len(rooms) == 10
            assert min(rooms) >= least


@pytest.mark.parametrize("code", ["nl", "en"])
def test_the_page_about_a_cycle_can_be_read_by_everybody(
    browser: Browser, sample_home: Path, tmp_path: Path, code: str
) -> None:
    """No finding of axe, on a desktop and a phone; nothing beyond the side, on paper neither."""
    settings = read_settings(sample_home)
    with open_store(settings) as store:
        found = store.cycle_overview("2026")
    html = render_cycle(found.row, found.criteria, found.sessions, settings, Language(code))
    path = tmp_path / "cycle.html"
    path.write_text(html, encoding="utf-8")
    for width in (1280, 390):
        with opened(browser, path, width) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(page) == []
            assert cut_off_on_paper(page) == []
