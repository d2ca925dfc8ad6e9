"""The page about a cycle: expectations for everybody, and nothing about anybody."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html import unescape

import pandas as pd
import pytest

from pipeline.errors import WrongUse
from pipeline.ingest import import_files
from pipeline.locale import Language
from pipeline.pack.cycle_page import render_cycle
from pipeline.settings import Settings, read_settings
from pipeline.store import CycleOverview, Store, open_store
from support import SAMPLE
from support.outcomes import rows

EN = Language("en")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store with the sample company."""
    settings = read_settings(tmp_path_factory.mktemp("home"))
    with open_store(settings) as opened:
        import_files(SAMPLE, settings, opened)
        yield opened


def page(
    found: CycleOverview, settings: Settings, language: Language = EN, **options: object
) -> str:
    """Return the whole page."""
    return render_cycle(
        found.row, found.criteria, found.sessions, settings, language, cycle=found.cycle, **options
    )


def text(html: str) -> str:
    """Return what a page says."""
    body = html.split("<main")[1]
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def bare(**changes: object) -> CycleOverview:
    """Return an overview of a cycle of which nothing is known."""
    given = {
        "cycle": "2031",
        "row": rows("cycles"),
        "criteria": rows("criteria").assign(kind=pd.Series(dtype="str")),
        "sessions": pd.DataFrame({"department": [], "kind": [], "held_on": []}),
        "kinds": (),
    }
    return CycleOverview(**{**given, **changes})


def test_criteria_belong_to_the_kind_that_rates_them(store: Store) -> None:
    """People by one set, conversations by another; wording without a cycle holds for all."""
    found = store.cycle_overview("2026")
    kinds = found.criteria.groupby("kind")["criterion_id"].agg(set)
    assert kinds["performance"] == {"P1", "P2", "P3", "P4", "P5"}
    assert kinds["conversation"] == {"Q1", "Q2", "Q3", "Q4", "Q5"}
    assert found.kinds == ("performance", "conversation")
    assert found.criteria["label_nl"].notna().all()


def test_sessions_are_departments_and_days_only(store: Store) -> None:
    """Who leads a session or takes part in it is not read at all."""
    found = store.cycle_overview("2026")
    assert list(found.sessions.columns) == ["department", "kind", "held_on"]
    assert len(found.sessions) == sum(one.cycle == "2026" for one in store.sessions())


def test_an_unknown_cycle_is_refused(store: Store) -> None:
    """With the cycles that there are."""
    with pytest.raises(WrongUse, match="2024, 2025, 2026"):
        store.cycle_overview("1999")


def test_the_page_tells_what_is_expected(store: Store, settings: Settings) -> None:
    """Moments with their purpose, dates, criteria with behaviour and weight, what follows."""
    said = text(page(store.cycle_overview("2026"), settings))
    assert "April 2026 Check-in doelen bijstellen" in said
    assert "3 December 2026 Calibration session Productie: performance ratings" in said
    assert "Weight in the whole: 0.30." in said
    assert "3 · good Meets the agreements and says beforehand what will not work" in said
    assert "Ziekte, deeltijd, verlof" in said
    assert "een 1 of 2 leidt tot een verbeterafspraak" in said
    assert said.index("Performance ratings") < said.index("Customer conversations")
    assert settings.card.objection("en") in said
    assert settings.card.contact("en") in said
    assert "Tables that are missing" not in said


def test_dates_stand_in_order_and_the_next_one_is_named(store: Store, settings: Settings) -> None:
    """What is coming depends on the day that is given; without one nothing is called next."""
    found = store.cycle_overview("2026")
    said = text(page(found, settings, today=dt.date(2026, 12, 4)))
    calendar = said.split("All dates, the first one first")[1]
    assert calendar.index("November 2026") < calendar.index("3 December 2026")
    assert "Next: December 2026, Kalibratie." in said  # that month is not over
    late = text(page(found, settings, today=dt.date(2027, 1, 1)))
    assert "Next:" not in late
    assert "Next:" not in text(page(found, settings))


def test_nobody_is_on_the_page(store: Store, settings: Settings) -> None:
    """No name and no number of anybody, in either language."""
    people = store.session_data("2026-verkoop").people
    for code in ("nl", "en"):
        html = page(store.cycle_overview("2026"), settings, Language(code))
        assert f'<html lang="{code}">' in html
        assert "<script" not in html
        said = text(html)
        assert not any(name in said for name in people["name"].dropna())
        assert not set(people["employee_id"]) & set(said.split())


def test_what_is_missing_is_said_with_what_would_add_it(settings: Settings) -> None:
    """A page about an empty cycle is whole; each table that lacks is named."""
    said = text(page(bare(), settings))
    assert "Cycle 2031" in said
    for name in ("cycles", "criteria", "sessions"):
        assert f" {name} " in said.split("Tables that are missing")[1]
    assert "How a rating comes about" in said


def test_criteria_without_words_or_ratings_are_said_to_be(settings: Settings) -> None:
    """No behaviour is no silence, and what nobody rated yet stands apart."""
    criteria = rows("criteria", {"criterion_id": "X1"}, {"criterion_id": "X2", "label_en": "<b>Y"})
    html = page(bare(criteria=criteria.assign(kind=["performance", None])), settings)
    said = text(html)
    assert said.count("No behaviour is described yet.") == 2
    assert said.index("X1") < said.index("Not rated yet") < said.index("<b>Y")
    assert "<b>Y" not in html
