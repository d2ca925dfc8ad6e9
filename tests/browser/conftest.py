"""Debian's Chromium, and packs of the sample company to open in it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.ingest import import_files
from pipeline.locale import Language
from pipeline.pack import open_pack
from pipeline.pack.html import pages_of, to_html
from pipeline.pack.index import IndexEntry, render_index
from pipeline.settings import read_settings
from pipeline.store import open_store
from support import IN_CI, SAMPLE

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running Chromium; without one the tests skip, but not in CI."""
    if not Path(CHROMIUM).exists():
        if IN_CI:
            pytest.fail("CI needs Debian's chromium: .ci/run installs it")
        pytest.skip("needs Debian's chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home folder with the sample company in its store."""
    home = tmp_path_factory.mktemp("home")
    settings = read_settings(home)
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
    return home


@pytest.fixture(scope="session")
def page_file(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> PageFile:
    """Return a function that writes a pack to a file, once."""
    return PageFile(sample_home, tmp_path_factory.mktemp("packs"))


class PageFile:
    """Writes packs, preparation lists and the list of packs to files."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home, self._folder = home, folder

    def __call__(
        self, session: str, language: str, audience: str, viewer: str | None = None
    ) -> Path:
        """Return the file of a pack."""
        path = self._folder / f"{session}-{language}-{audience}.html"
        if not path.exists():
            pack = open_pack(
                session, language=language, audience=audience, viewer_id=viewer, home=self._home
            )
            page = to_html(executed(pack.sections()), title=pack.title, language=language)
            path.write_text(page, encoding="utf-8")
        return path

    def preparation(self, session: str, language: str) -> Path:
        """Return the file of the longest preparation list of a session."""
        path = self._folder / f"{session}-{language}-list.html"
        if not path.exists():
            pack = open_pack(session, language=language, home=self._home)
            pages = pages_of(executed([pack.lists()]), language=language)
            path.write_text(max(pages.values(), key=len), encoding="utf-8")
        return path

    def overview(self, entries: list[IndexEntry], language: str) -> Path:
        """Return the file of a list of packs."""
        path = self._folder / f"overview-{language}.html"
        written = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
        path.write_text(render_index(entries, Language(language), written), encoding="utf-8")
        return path


def executed(shown: Sequence[Any]) -> nbformat.NotebookNode:
    """Return a notebook whose cells showed these."""
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "", outputs=[nbformat.v4.new_output("execute_result", one._repr_mimebundle_())]
            )
            for one in shown
        ]
    )
