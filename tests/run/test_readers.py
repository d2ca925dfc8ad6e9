"""Packs for other readers than the room: each in a folder of its own, each left alone by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.ingest import import_files
from pipeline.run.batch import run_packs
from pipeline.run.outcome import MADE, UNCHANGED
from pipeline.run.plan import choose_sessions, plan_packs, readers_of
from pipeline.run.product import CALIBRATION
from pipeline.settings import Audience, Settings, read_settings
from pipeline.store import open_store
from support import SAMPLE

SESSION = "2026-juridische-zaken"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home folder with the sample company in its store."""
    folder = tmp_path_factory.mktemp("home")
    settings = read_settings(folder)
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
    return folder


def run(settings: Settings, *audiences: Audience) -> dict[str, str]:
    """Make the packs of one small session; return the status of each by its folder."""
    with open_store(settings) as store:
        chosen = choose_sessions(store, session_ids=[SESSION])
        jobs = plan_packs(settings, chosen, readers=readers_of(store, audiences))
    return {one.place: one.status for one in run_packs(settings, jobs).outcomes}


def test_every_reader_gets_a_pack_and_none_another(home: Path) -> None:
    """Room, organisation and each manager; names of people are in no other pack than theirs."""
    settings = read_settings(home)
    every = tuple(Audience)
    made = run(settings, *every)
    with open_store(settings) as store:
        data = store.session_data(SESSION)
    raters = sorted(set(data.ratings["rater_id"]))
    base = f"2026/{SESSION}"
    assert set(made) == {base, f"{base}/organisation", *(f"{base}/managers/{r}" for r in raters)}
    assert set(made.values()) == {MADE}
    assert set(run(settings, *every).values()) == {UNCHANGED}

    for rater in raters:
        record = json.loads(
            (settings.reports / base / "managers" / rater / CALIBRATION.record).read_text()
        )
        assert record["organisation"] == []

    pages = {place: (settings.reports / place / CALIBRATION.page).read_text() for place in made}
    names = dict(zip(data.people["employee_id"], data.people["name"], strict=True))
    rated = set(data.ratings["employee_id"])
    assert not [one for one in rated if names[one] in pages[f"{base}/organisation"]]
    for rater in raters:
        own = set(data.ratings.loc[data.ratings["rater_id"] == rater, "employee_id"])
        team = set(data.employees.loc[data.employees["manager_id"] == rater, "employee_id"])
        others = rated - own - team - {rater}
        page = pages[f"{base}/managers/{rater}"]
        assert not [one for one in others if names[one] in page]


def test_the_record_of_a_run_names_no_reader(home: Path) -> None:
    """Folders hold identifiers; the record and the manifest do not."""
    settings = read_settings(home)
    places = run(settings, Audience.MANAGER)
    assert places
    for place in places:
        record = (settings.reports / place / CALIBRATION.record).read_text()
        assert place.rsplit("/", 1)[1] not in record
    for path in (settings.reports / "runs").glob("*.json"):
        manifest = json.dumps(json.loads(path.read_text()))
        assert not [place for place in places if place.rsplit("/", 1)[1] in manifest]


def test_the_list_of_packs_leads_to_every_cut(home: Path) -> None:
    """The index has a link to each pack, and none that leads nowhere."""
    settings = read_settings(home)
    places = run(settings, *Audience)
    index = (settings.reports / "index.html").read_text()
    for place in places:
        assert f'href="{place}/{CALIBRATION.page}"' in index
