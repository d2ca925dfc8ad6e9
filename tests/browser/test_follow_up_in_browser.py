"""Follow-ups in a real browser: of a recorded session and of an imported one, screen to paper."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.pack import open_follow_up, open_pack
from pipeline.pack.html import pages_of, to_html
from pipeline.record import lock_session, record_form
from pipeline.settings import read_settings
from pipeline.store import open_store
from support.forms import fill_in

from .conftest import executed
from .test_pack_in_browser import cut_off_on_paper, opened, violations

RECORDED, CALLS, LARGE = "2026-it-data", "2025-klantcontact-gesprekken", "2025-productie"
FOLLOW_UPS = [
    (RECORDED, "nl", "room"),
    (CALLS, "en", "room"),
    (LARGE, "nl", "room"),
    (RECORDED, "en", "organisation"),
]
every_follow_up = pytest.mark.parametrize(("session", "language", "audience"), FOLLOW_UPS)


@pytest.fixture(scope="module")
def recorded_home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which one session was recorded and locked."""
    home = tmp_path_factory.mktemp("recorded") / "home"
    shutil.copytree(sample_home, home)
    form = open_pack(RECORDED, language="nl", home=home).form().form
    assert form is not None
    path = home / "form.xlsx"
    path.write_bytes(form)
    settings = read_settings(home)
    with open_store(settings) as store:
        moment = dt.datetime(2026, 12, 16, 9, tzinfo=dt.UTC)
        record_form(fill_in(path), settings, store, now=moment)
        lock_session(store, RECORDED)
    return home


@pytest.fixture(scope="module")
def files(recorded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the file of each follow-up, and of the longest sheet of a rater."""
    folder, made = tmp_path_factory.mktemp("follow-ups"), {}
    for session, language, audience in FOLLOW_UPS:
        pack = open_follow_up(session, language=language, audience=audience, home=recorded_home)
        page = to_html(executed(pack.sections()), title=pack.title, language=language)
        name = f"{session}-{language}-{audience}"
        made[name] = folder / f"{name}.html"
        made[name].write_text(page, encoding="utf-8")
        if session == RECORDED and audience == "room":
            pages = pages_of(executed([pack.pages()]), language=language)
            made["sheet"] = folder / "sheet.html"
            made["sheet"].write_text(max(pages.values(), key=len), encoding="utf-8")
    return made


@every_follow_up
@pytest.mark.parametrize("width", [390, 1280])
def test_a_follow_up_can_be_read_by_everybody(
    browser: Browser, files: dict[str, Path], session: str, language: str, audience: str, width: int
) -> None:
    """No request, no message, nothing for axe, nothing wider than the screen, on a phone too."""
    with opened(browser, files[f"{session}-{language}-{audience}"], width) as page:
        assert page.locator("html").get_attribute("lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


@every_follow_up
def test_nothing_of_a_follow_up_is_cut_off_on_paper(
    browser: Browser, files: dict[str, Path], session: str, language: str, audience: str
) -> None:
    """No table, figure or word reaches past the right margin."""
    with opened(browser, files[f"{session}-{language}-{audience}"]) as page:
        assert cut_off_on_paper(page) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_sheet_can_be_read_by_everybody(
    browser: Browser, files: dict[str, Path], width: int
) -> None:
    """The private sheet of a rater, on screen and on paper."""
    with opened(browser, files["sheet"], width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        assert cut_off_on_paper(page) == []
