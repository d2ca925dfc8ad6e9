"""Team overviews in a real browser: readable by everybody, on a phone and on paper."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.locale import Language
from pipeline.pack.html import pages_of
from pipeline.pack.teams import make_teams
from pipeline.settings import read_settings
from pipeline.store import open_store

from .conftest import executed
from .test_pack_in_browser import cut_off_on_paper, opened, violations


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_team_overview_can_be_read_everywhere(
    browser: Browser, sample_home: Path, tmp_path: Path, language: str
) -> None:
    """No finding of axe, nothing out of sight on a phone or past the margin in print."""
    settings = read_settings(sample_home)
    with open_store(settings) as store:
        outcome = store.session_outcome("2025-financien")
    made = make_teams(outcome, settings, Language(language), dt.date(2026, 6, 15))
    page_text = max(pages_of(executed([made]), language=language).values(), key=len)
    path = tmp_path / "team.html"
    path.write_text(page_text, encoding="utf-8")
    with opened(browser, path) as page:
        assert violations(page) == []
        first = page.locator("td a, th a").first
        first.click()
        assert page.url.endswith("#person-1")
        assert page.locator("#person-1").inner_text().startswith(first.inner_text())
    with opened(browser, path, width=390) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with opened(browser, path) as page:
        assert cut_off_on_paper(page) == []
