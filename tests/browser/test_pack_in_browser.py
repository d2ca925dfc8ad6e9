"""Packs in a real browser: nothing is fetched, nothing complains, everybody can read them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from pipeline.pack.index import IndexEntry

if TYPE_CHECKING:
    from .conftest import PageFile

LINKED, TINY, CALLS = "2026-it-data", "2026-juridische-zaken", "2026-klantcontact-gesprekken"
PROMOTION, REWARD = "2026-r-d-zuid", "2026-verkoop"
TALENT = "2026-marketing-communicatie"
# each focus and kind in each cut, in one language: words do not change what axe looks at
PACKS = [
    (LINKED, "nl", "room", None),
    (LINKED, "en", "organisation", None),
    (LINKED, "nl", "manager", "000469"),
    (PROMOTION, "en", "room", None),
    (PROMOTION, "nl", "organisation", None),
    (PROMOTION, "en", "manager", "001954"),
    (TALENT, "nl", "room", None),
    (TALENT, "en", "organisation", None),
    (TALENT, "nl", "manager", "001806"),
    (REWARD, "en", "room", None),
    (REWARD, "nl", "organisation", None),
    (REWARD, "en", "manager", "000934"),
    (CALLS, "nl", "room", None),
    (CALLS, "en", "organisation", None),
    (CALLS, "nl", "manager", "000209"),
    (TINY, "nl", "room", None),
]
every_pack = pytest.mark.parametrize(("session", "language", "audience", "viewer"), PACKS)
MOST_BYTES = 3_000_000
MOST_MILLISECONDS = 2_000
"""A pack opens in a fifth of this; the rest is for a machine with other work."""
A4_TEXT = 680
"""Width of a printed page between its margins, in CSS pixels."""


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1280) -> Iterator[Page]:
    """Open a file; any request out of it or any message on the console is a failure."""
    requests: list[str] = []
    messages: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url[:200]))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(path.as_uri())
        yield page
        outside = [url for url in requests if url != path.as_uri() and not url.startswith("data:")]
        assert outside == []
        assert messages == []
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page."""
    # the page's own policy forbids scripts; axe runs as the browser's, not the page's
    found = Axe().run(page)
    assert len(found.response["passes"]) > 20  # it did look
    return [
        f"{one['id']}: {one['help']} ({len(one['nodes'])}x) {one['nodes'][0]['html'][:150]}"
        for one in found.response["violations"]
    ]


def cut_off_on_paper(page: Page) -> list[str]:
    """Return what reaches past the right margin in print."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4_TEXT, "height": 900})
    found: list[str] = page.locator("main *").evaluate_all(
        """(all, width) => all
            .filter(one => one.getBoundingClientRect().right > width + 1)
            .map(one => one.outerHTML.slice(0, 150))""",
        A4_TEXT,
    )
    return found[:5]


def entry(**changes: Any) -> IndexEntry:
    """Return a line of the list of packs."""
    given: dict[str, Any] = {
        "session_id": "2026-zuid",
        "department": "Zuid",
        "cycle": "2026",
        "kind": "performance",
        "audience": "room",
        "status": "made",
        "href": "2026/2026-zuid/calibration-pack.html",
        "seconds": 1.5,
        "warnings": ("2 rows refused.",),
        "message": None,
        "made_at": dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC),
        **changes,
    }
    return IndexEntry(**given)


@every_pack
def test_a_pack_stands_alone_and_can_be_read_by_everybody(
    browser: Browser,
    page_file: PageFile,
    session: str,
    language: str,
    audience: str,
    viewer: str | None,
) -> None:
    """No request, no console message, no finding of axe; a small file that opens at once."""
    path = page_file(session, language, audience, viewer)
    assert path.stat().st_size < MOST_BYTES
    with opened(browser, path) as page:
        loaded = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        assert 0 < page.evaluate(loaded) < MOST_MILLISECONDS
        assert page.locator("html").get_attribute("lang") == language
        assert page.title() != ""
        for image in page.locator("img").all():
            assert image.evaluate("one => one.complete && one.naturalWidth > 0")
        assert violations(page) == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_other_pages_stand_alone_too(
    browser: Browser, page_file: PageFile, language: str
) -> None:
    """The list of packs and a manager's preparation list: as a pack, on a phone and on paper."""
    shown = [entry(audience="room"), entry(audience="manager", status="failed", reader="000375")]
    for path in (page_file.overview(shown, language), page_file.preparation(TINY, language)):
        with opened(browser, path, 390) as page:
            assert page.locator("html").get_attribute("lang") == language
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert violations(page) == []
            assert cut_off_on_paper(page) == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_scrolls_sideways(browser: Browser, page_file: PageFile, width: int) -> None:
    """On a phone, a tablet and a desk the page fits; wide tables scroll in their own box."""
    for session in (LINKED, CALLS):
        with opened(browser, page_file(session, "nl", "room"), width) as page:
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            small = page.locator("main p, main td, main li").evaluate_all(
                "all => all.filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).length"
            )
            assert small == 0
            page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
            last = page.locator("#methods").bounding_box()
            tools = page.locator("#stage").bounding_box()
            assert last is not None
            assert tools is not None
            beside = tools["x"] + tools["width"] <= last["x"]
            assert beside or tools["y"] >= last["y"] + last["height"]


def test_the_phone_is_read_by_everybody_too(browser: Browser, page_file: PageFile) -> None:
    """The narrow layout has its own contents, and nothing for axe."""
    with opened(browser, page_file(LINKED, "nl", "room"), 390) as page:
        assert page.locator(".contents-narrow").is_visible()
        assert not page.locator(".contents-wide").is_visible()
        assert violations(page) == []


def test_the_keyboard_reaches_the_pack(browser: Browser, page_file: PageFile) -> None:
    """The first stop is a link past the contents; contents lead to their parts."""
    with opened(browser, page_file(LINKED, "nl", "room")) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"
        page.locator(".contents-wide a").first.press("Enter")
        assert page.evaluate("location.hash") == "#summary"
        for link in page.locator("a[href^='#']").all():
            target = link.get_attribute("href") or ""
            assert page.locator(f"[id='{target[1:]}']").count() == 1


@pytest.mark.parametrize(("session", "fewest", "most"), [(TINY, 4, 16), (LINKED, 12, 40)])
def test_a_pack_prints_on_numbered_pages(
    browser: Browser, page_file: PageFile, session: str, fewest: int, most: int
) -> None:
    """The printed pack has a bounded number of A4 pages."""
    with opened(browser, page_file(session, "nl", "room")) as page:
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    n_pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    assert fewest <= n_pages <= most
    sizes = set(re.findall(rb"/MediaBox\s*\[([^\]]+)\]", pdf))
    assert len(sizes) == 1
    width, height = (float(side) for side in sizes.pop().split()[2:])
    assert (round(width), round(height)) in {(595, 842), (596, 842), (594, 841)}


@every_pack
def test_nothing_is_cut_off_on_paper(
    browser: Browser,
    page_file: PageFile,
    session: str,
    language: str,
    audience: str,
    viewer: str | None,
) -> None:
    """No table, figure or word reaches past the right margin of a printed page."""
    with opened(browser, page_file(session, language, audience, viewer)) as page:
        assert cut_off_on_paper(page) == []


def test_folded_details_are_open_on_paper(browser: Browser, page_file: PageFile) -> None:
    """Paper cannot be clicked."""
    with opened(browser, page_file(LINKED, "nl", "room")) as page:
        inside = page.locator(".fold table").first
        assert not inside.is_visible()
        page.emulate_media(media="print")
        assert inside.bounding_box() is not None


def test_folds_open_and_the_show_runs_by_keyboard(browser: Browser, page_file: PageFile) -> None:
    """Tab reaches tools, folds and buttons; Enter works them; a quiet case opens in the show."""
    with opened(browser, page_file(LINKED, "nl", "room")) as page:
        page.get_by_role("searchbox").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "sort"
        fold = page.locator("#cases > details.fold").first
        fold.locator("summary").focus()
        page.keyboard.press("Enter")
        assert fold.get_attribute("open") is not None
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") != "BODY"
        page.get_by_role("button", name="Presenteren").focus()
        page.keyboard.press("Enter")
        quiet = page.locator(".case:has(.case-fold)").first
        while not quiet.is_visible():
            page.keyboard.press("PageDown")
        assert quiet.locator("table").first.is_visible()
        page.keyboard.press("Escape")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1024, 768)])
def test_a_case_fits_the_width_of_a_beamer(
    browser: Browser, page_file: PageFile, width: int, height: int
) -> None:
    """Letters are no smaller than on a desk, and nothing has to be moved sideways."""
    with opened(browser, page_file(LINKED, "nl", "room"), width) as page:
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_role("button", name="Presenteren").click()
        while not page.locator(".case:visible").count():
            page.keyboard.press("ArrowRight")
        size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
        assert page.evaluate(size) >= 16
        boxes = page.locator(".case.on-stage .table-box").evaluate_all(
            "all => all.map(box => box.scrollWidth - box.clientWidth)"
        )
        assert max(boxes) <= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_run_nothing(browser: Browser, page_file: PageFile) -> None:
    """A department called like a script is shown, not run, also in the list of packs."""
    hostile = entry(
        department="<img src=x onerror=alert(1)><script>alert(2)</script>",
        href="javascript:alert(3)",
        warnings=("<b>bold</b>",),
    )
    path = page_file.overview([hostile], "en")
    with opened(browser, path) as page:
        assert page.locator("main img, main script, main b").count() == 0
        assert "<script>" in page.locator("tbody th").inner_text()
        assert violations(page) == []


def test_the_table_of_cases_sorts_and_filters(browser: Browser, page_file: PageFile) -> None:
    """By keyboard too; the count says how many are left, and links lead to the cases."""
    with opened(browser, page_file(LINKED, "nl", "room")) as page:
        rows = page.locator("#cases table[data-tools] tbody tr")
        everybody = rows.count()
        scores = page.locator("#cases table[data-tools] tbody tr td:nth-child(3)")
        page.locator("#cases thead button").nth(2).press("Enter")
        shown = [float(text.replace(",", ".")) for text in scores.all_inner_texts()]
        assert shown == sorted(shown)
        page.locator("#cases thead button").nth(2).press("Enter")
        assert [float(t.replace(",", ".")) for t in scores.all_inner_texts()] == shown[::-1]
        page.get_by_role("searchbox").fill("hoog")
        left = page.locator("#cases table[data-tools] tbody tr:visible").count()
        assert 0 < left < everybody
        assert page.locator("#tools-cases output").inner_text() == f"{left} / {everybody}"
        page.get_by_role("searchbox").fill("")
        page.locator("#cases tbody a").first.click()
        assert re.search(r"#case-\d+$", page.url)


def test_the_session_is_shown_part_by_part_with_a_clock(
    browser: Browser, page_file: PageFile
) -> None:
    """Arrow keys walk through parts and cases, Escape leaves; the clock counts, and can pause."""
    with opened(browser, page_file(LINKED, "nl", "room")) as page:
        page.clock.install()
        page.reload()
        page.get_by_role("button", name="Presenteren").click()
        assert page.locator("main > section:visible").count() == 0  # the cover comes first
        parts = page.locator("main > *").count() + page.locator(".case").count()
        assert page.locator("[data-stage=place]").inner_text() == f"1 / {parts}"
        page.get_by_role("button", name="Klok").click()
        page.clock.run_for(61_000)
        assert re.fullmatch(r"1:0[012] / 90:00", page.locator("[data-stage=time]").inner_text())
        page.get_by_role("button", name="Klok").click()
        page.clock.run_for(30_000)
        assert re.fullmatch(r"1:0[012] / 90:00", page.locator("[data-stage=time]").inner_text())
        while not page.locator(".case:visible").count():
            page.keyboard.press("ArrowRight")
        assert page.locator(".case:visible").count() == 1
        assert page.locator("[data-stage=case-time]").inner_text() == "0:00 / 2:00"
        assert page.evaluate("document.activeElement.tagName") == "H3"
        page.keyboard.press("ArrowLeft")
        assert page.locator("#cases-title").is_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        assert page.locator("main > section:visible").count() > 5


def test_without_script_everything_is_there(browser: Browser, page_file: PageFile) -> None:
    """No tool is shown that would do nothing; every case can be read."""
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(page_file(LINKED, "nl", "room").as_uri())
        assert not page.locator("#stage").is_visible()
        assert not page.locator("#tools-cases").is_visible()
        assert page.locator(".case").first.is_visible()
        assert page.locator("thead button").count() == 0
    finally:
        context.close()
