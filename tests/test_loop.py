"""The whole loop, twice: two cycles of a department from its ratings to the next session's pack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_packs import calibrate, events, words_of

from pipeline.pack import open_follow_up, open_pack
from pipeline.sample.facilitate import fill_all
from pipeline.settings import read_settings
from pipeline.store import open_store
from support import REPOSITORY

SAMPLE = REPOSITORY / "data" / "sample"
CYCLES = ("2024", "2025")
WHO = "Juridische Zaken"
pytestmark = pytest.mark.xdist_group("loop")


def folder(home: Path, cycle: str) -> Path:
    """Return where the files of a session are."""
    return home / "reports" / cycle / f"{cycle}-juridische-zaken"


def go(home: Path, *words: str) -> list[dict[str, object]]:
    """Run a command that has to succeed; return its events."""
    done = calibrate(home, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def once(home: Path, cycle: str) -> None:
    """Go from packs to progress in one cycle, as `make packs` does."""
    go(home, "packs", "--cycle", cycle, "--department", WHO)
    target = home / "data" / "forms" / cycle
    for kind, lock in (("decision", ["--lock"]), ("progress", [])):
        fill_all(SAMPLE / "minutes", home / "reports" / cycle, target)
        forms = sorted(map(str, target.glob(f"*-{kind}-form.xlsx")))
        assert forms
        go(home, "record", *lock, *forms)
        if kind == "decision":
            go(home, "follow-up", "--cycle", cycle)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which two cycles have gone the whole way, and the third has its pack."""
    home = tmp_path_factory.mktemp("loop")
    (home / "workbench.toml").write_bytes((REPOSITORY / "workbench.toml").read_bytes())
    go(home, "import", str(SAMPLE))
    for cycle in CYCLES:
        once(home, cycle)
    go(home, "packs", "--department", WHO)
    return home


@pytest.mark.parametrize("cycle", CYCLES)
def test_everything_that_follows_a_session_is_there(home: Path, cycle: str) -> None:
    """Follow-up pack, a card per person, a sheet per rater, a page about the cycle, the form."""
    place = folder(home, cycle)
    with open_store(read_settings(home)) as store:
        outcome = store.session_outcome(place.name)
    staff = outcome.data.employees
    assert (place / "follow-up-pack.html").is_file()
    cards = {path.stem for path in (place / "cards").glob("*.html")}
    assert cards >= set(outcome.decisions["subject"])
    assert cards <= set(staff["employee_id"])
    assert any((place / "raters").glob("*.html"))
    assert any((place / "teams").glob("*.html"))
    assert (place / "progress-form.xlsx").is_file()
    assert (place.parent / "cycle.html").is_file()
    assert outcome.locked
    index = (home / "reports" / "index.html").read_text(encoding="utf-8")
    for link in ("follow-up-pack.html", "calibration-pack.html", "progress-form.xlsx"):
        assert f'href="{cycle}/{place.name}/{link}"' in index
    assert f'href="{cycle}/cycle.html"' in index


@pytest.mark.parametrize(("cycle", "after"), [("2024", "2025"), ("2025", "2026")])
def test_the_next_pack_opens_with_the_actions_of_the_last(
    home: Path, cycle: str, after: str
) -> None:
    """Every action and norm is there again, with what became of it."""
    with open_store(read_settings(home)) as store:
        before = store.session_outcome(folder(home, cycle).name)
    page = words_of((folder(home, after) / "calibration-pack.html").read_text(encoding="utf-8"))
    actions = before.actions
    listed = actions[actions["kind"].ne("agreement")]  # those between two people are counted only
    assert len(listed)
    for text in [*listed["text"], *before.norms["text"]]:
        assert str(text) in page
    if cycle == "2024":  # a year later none is without a state
        assert set(actions["status"]) <= {"done", "dropped"}


def test_doing_it_again_changes_nothing(home: Path) -> None:
    """Packs of locked sessions stay as they are, forms are known already, nothing is replaced."""
    with open_store(read_settings(home)) as store:
        before = store.verify_register()
    packs = {path: path.read_bytes() for path in home.glob("reports/*/*/calibration-pack.html")}
    for cycle in CYCLES:
        once(home, cycle)
    again = calibrate(home, "packs", "--department", WHO)
    assert {event["status"] for event in events(again, "pack")} == {"unchanged"}
    assert {path: path.read_bytes() for path in packs} == packs
    with open_store(read_settings(home)) as store:
        after = store.verify_register()
    assert after.intact
    assert (after.n_entries, after.head) == (before.n_entries, before.head)


def test_status_shows_the_whole_chain(home: Path) -> None:
    """Decisions, lock, follow-up and actions, and what is late."""
    told = {e["session_id"]: e for e in go(home, "status", "--all") if e["event"] == "session"}
    held, next_one = told["2025-juridische-zaken"], told["2026-juridische-zaken"]
    assert held["locked"] is True
    assert held["n_decisions"] == 2
    assert held["follow_up"] in ("made", "outdated")
    assert held["n_actions"] == 2
    assert held["record_due"] == "not yet"
    assert (next_one["n_decisions"], next_one["follow_up"]) == (0, "none")
    # another department was held too, and nothing of it is recorded
    assert told["2025-verkoop"]["record_due"] == "late"


def test_notebooks_show_the_same_as_the_run(home: Path) -> None:
    """Parts opened by hand, as in JupyterLab, are those of the files."""
    follow_up = open_follow_up("2025-juridische-zaken", home=home)
    page = (folder(home, "2025") / "follow-up-pack.html").read_text(encoding="utf-8")
    assert str(follow_up.decisions().html) in page
    pack = open_pack("2026-juridische-zaken", home=home)
    page = (folder(home, "2026") / "calibration-pack.html").read_text(encoding="utf-8")
    assert str(pack.last_session().html) in page
