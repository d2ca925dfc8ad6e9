"""The list of all packs."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.locale import Language
from pipeline.pack.index import IndexEntry, render_index, safe_address

NOW = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)


def entry(**changes: object) -> IndexEntry:
    """Return one entry."""
    given: dict[str, object] = {
        "session_id": "2026-zuid",
        "department": "Zuid",
        "cycle": "2026",
        "kind": "performance",
        "audience": "room",
        "status": "made",
        "href": "2026/2026-zuid/calibration-pack.html",
        "seconds": 1.25,
        "warnings": ("2 rijen geweigerd.",),
        "message": None,
        "made_at": NOW,
        **changes,
    }
    return IndexEntry(**given)  # type: ignore[arg-type]


def test_packs_are_listed_with_link_status_and_time() -> None:
    """A reader finds each pack, what became of it, and how long it took."""
    page = render_index([entry()], Language("nl"), NOW)
    assert 'href="2026/2026-zuid/calibration-pack.html"' in page
    assert "gemaakt" in page
    assert "1,2" in page
    assert "2 rijen geweigerd." in page


def test_a_failed_pack_shows_why_and_has_no_link() -> None:
    """Failure is a sentence beside the department."""
    page = render_index(
        [entry(status="failed", href=None, message="The kernel died.")], Language("en"), NOW
    )
    assert "The kernel died." in page
    assert '<a href="2026' not in page


def test_texts_are_escaped() -> None:
    """A department called like a script is shown as it is called."""
    page = render_index(
        [entry(department="<script>x</script>", warnings=("<b>",), session_id="\"'>")],
        Language("en"),
        NOW,
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "https://example.org", "//example.org", "/etc", "../x", "a/../b"],
)
def test_addresses_out_of_the_reports_are_no_links(href: str) -> None:
    """Only a relative address below the index becomes a link."""
    assert safe_address(href) is None


def test_an_empty_list_says_so() -> None:
    """No packs yet is a sentence."""
    assert "There are no packs yet." in render_index([], Language("en"), NOW)


def test_one_table_per_cycle() -> None:
    """Cycles are apart, in the given order."""
    page = render_index([entry(), entry(cycle="2025")], Language("en"), NOW)
    assert page.count("<caption>") == 2


def test_the_decision_form_can_be_reached() -> None:
    """Beside the pack, where there is one."""
    form = "2026/2026-zuid/decision-form.xlsx"
    page = render_index([entry(form_href=form)], Language("en"), NOW)
    assert f'<a href="{form}">decision form</a>' in page
    assert "decision form" not in render_index([entry()], Language("en"), NOW)


def test_packs_of_managers_are_told_apart() -> None:
    """Beside the kind stands whom a manager's pack is for, by number."""
    page = render_index([entry(audience="manager", reader="000408")], Language("en"), NOW)
    assert "Pack for one manager 000408" in page
