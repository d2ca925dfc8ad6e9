"""From a filled-in form to the store: whole or not at all, and never over what was recorded."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from pipeline.errors import UnreadableInput, WrongUse
from pipeline.ingest import import_files
from pipeline.pack import open_pack
from pipeline.record import FormRefused, decisions_table, lock_session, record_form, write_csv
from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from pipeline.store.outcome import latest
from support import SAMPLE
from support.forms import Form, fill_in

SESSION = "2025-financien"
NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
HELD = "2025-12-12"


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the sample company and the empty form of one of its sessions."""
    home = tmp_path_factory.mktemp("home")
    settings = read_settings(home)
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
    pack = open_pack(SESSION, language="nl", home=home)
    form = pack.form().form
    assert form is not None
    (home / "form.xlsx").write_bytes(form)
    return home


@pytest.fixture
def own(filled_home: Path, tmp_path: Path) -> Iterator[tuple[Settings, Store, Path]]:
    """Return a store of one's own, and the filled-in form."""
    home = tmp_path / "home"
    shutil.copytree(filled_home, home)
    settings = read_settings(home)
    with open_store(settings) as store:
        yield settings, store, fill_in(home / "form.xlsx", held_on=HELD)


Own = tuple[Settings, Store, Path]


def record(own: Own, **options: Any) -> Any:
    """Record the form of these tests."""
    settings, store, path = own
    return record_form(path, settings, store, now=NOW, **options)


def faults(own: Own, change: Callable[[Form], object]) -> dict[tuple[str, int, str], str]:
    """Change the form, and return what is wrong with it, by place."""
    form = Form(own[2])
    change(form)
    form.save()
    with pytest.raises(FormRefused) as refused:
        record(own)
    assert own[1].register_entries() == []
    return {(one.sheet, one.row, one.column): str(one.reason) for one in refused.value.faults}


def test_everything_of_a_form_is_kept(own: Own) -> None:
    """Decisions with both scores, actions, norms, parked items, who was there, how it went."""
    found = record(own)
    assert (found.new, found.n_decisions, found.remarks) == (8, 3, ())
    kept = latest(own[1].register_entries(SESSION))
    decisions = {key: value for (kind, key), value in kept.items() if kind == "decision"}
    outcomes = sorted((d["outcome"], d["score_after"]) for d in decisions.values())
    assert [one for one, _ in outcomes] == ["adjusted", "parked", "upheld"]
    upheld = next(d for d in decisions.values() if d["outcome"] == "upheld")
    assert upheld["score_before"] == upheld["score_after"]
    sitting = kept["sitting", ()]
    assert (sitting["held"], sitting["held_on"], sitting["spent_minutes"]) == (True, HELD, 95)
    assert {kind for kind, _ in kept} == {
        "decision", "action", "norm", "parked", "attendance", "sitting",
    }  # fmt: skip
    data = own[1].session_data("2026-financien")  # what the next session opens with
    assert "Elke maand een voorbeeld vastleggen" in set(data.last_actions["text"])
    assert "Een 4 vraagt een voorbeeld." in set(data.last_norms["text"])


def test_what_the_form_does_not_ask_stays(own: Own) -> None:
    """What somebody wanted to learn is still there once it is known who came."""
    store = own[1]
    before = store.session_data(SESSION).participants.assign(personal_goal="Doorvragen")
    store.load("goals", [], {"participants": before.assign(source_file="-", source_line=1)}, [])
    record(own)
    after = store.session_data(SESSION).participants
    assert after["attended"].any()
    assert set(after["personal_goal"]) == {"Doorvragen"}
    assert after["role"].tolist() == before["role"].tolist()


def test_the_same_form_twice_changes_nothing(own: Own) -> None:
    """Re-running is safe."""
    first = record(own)
    again = record(own)
    assert (again.new, again.added, again.replaced, again.unchanged) == (0, 0, 0, 8)
    assert again.head == first.head


def test_a_fuller_form_adds(own: Own) -> None:
    """A form that is continued later brings only what is new in it."""
    record(own)
    form = Form(own[2])
    form.fill("decisions", 3, {"outcome": "gehandhaafd", "argument": "Legde uit op 1 mei.",
                               "decided_by": "x"})  # fmt: skip
    form.fill("decisions", 1, {"evidence": "Verslag van 3 juni"})
    form.save()
    found = record(own)
    assert (found.new, found.added, found.replaced, found.n_decisions) == (1, 1, 0, 4)


def test_a_contradiction_is_refused_unless_somebody_says_why(own: Own) -> None:
    """Nothing is overwritten; the new version comes after the old one, with its reason."""
    record(own)
    before = own[1].register_entries()
    form = Form(own[2])
    form.fill("decisions", 0, {"score_after": 2})
    form.save()
    with pytest.raises(FormRefused) as refused:
        record(own)
    assert [(one.sheet, one.row) for one in refused.value.faults] == [("Besluiten", 3)]
    assert own[1].register_entries() == before
    found = record(own, supersede="Schrijffout in het formulier")
    assert (found.replaced, found.unchanged) == (1, 7)
    entries = own[1].register_entries()
    assert entries[: len(before)] == before
    assert entries[-1].content is not None
    assert entries[-1].content["score_after"] == 2
    assert entries[-1].content["supersedes"] == "Schrijffout in het formulier"
    assert own[1].verify_register().intact


def test_an_action_that_is_done_stays_done(own: Own, rows: Callable[..., pd.DataFrame]) -> None:
    """What a form adds to an action later does not open it again."""
    _, store, path = own
    form = Form(path)
    form.fill("actions", 0, {"kind": "training", "measure": None})
    form.save()
    record(own)
    text = "Elke maand een voorbeeld vastleggen"
    action = store.session_outcome(SESSION).actions.set_index("text").loc[text]
    done = {n: [action[n]] for n in ("session_id", "owner_id", "kind", "due_on")}
    done["text"] = [text]
    changed = rows("actions", **done, status=["done"], done_on=[pd.Timestamp("2026-01-04")])
    store.load("later", [], {"actions": changed}, [])
    form.fill("actions", 0, {"measure": "een presentatie"})
    form.save()
    assert record(own).added == 1
    held = store.session_outcome(SESSION).actions.set_index("text").loc[text]
    assert (held["measure"], held["status"]) == ("een presentatie", "done")
    assert held["done_on"] == pd.Timestamp("2026-01-04")


def test_a_locked_session_takes_nothing_new(own: Own) -> None:
    """What it holds already is no fault; it is opened again with a reason that is kept."""
    first = record(own)
    assert lock_session(own[1], SESSION)
    assert not lock_session(own[1], SESSION)
    again = record(own)
    assert (again.unchanged, again.new) == (8, 0)
    form = Form(own[2])
    form.fill("decisions", 1, {"evidence": "Verslag van 3 juni"})
    form.save()
    for options in ({}, {"supersede": "Toch anders"}):
        with pytest.raises(WrongUse, match="locked"):
            record(own, **options)
    form.fill("decisions", 0, {"score_after": 2})
    form.save()
    with pytest.raises(WrongUse, match="locked"):
        record(own)
    assert len(own[1].register_entries()) == first.new + 1
    assert lock_session(own[1], SESSION, unlock="Bezwaar gegrond")
    assert own[1].register_entries()[-1].content == {"why": "Bezwaar gegrond"}
    assert record(own, supersede="Bezwaar gegrond").replaced == 1


def test_when_a_session_was_locked_is_known_as_long_as_it_is(own: Own) -> None:
    """Retention dates count from it."""
    record(own)
    assert own[1].session_outcome(SESSION).locked_at is None
    lock_session(own[1], SESSION)
    locked = own[1].session_outcome(SESSION)
    assert locked.locked
    assert locked.locked_at == locked.recorded_at
    lock_session(own[1], SESSION, unlock="Bezwaar gegrond")
    assert own[1].session_outcome(SESSION).locked_at is None


@pytest.mark.parametrize(
    ("row", "values", "column", "words"),
    [
        (1, {"argument": None}, "Argument", "argument"),
        (1, {"argument": "   "}, "Argument", "argument"),
        (0, {"score_after": 9}, "Score na de sessie", "scale"),
        (0, {"score_after": 3.5}, "Score na de sessie", "scale"),
        (0, {"score_after": None}, "Score na de sessie", "new score"),
        (1, {"score_after": 5}, "Score na de sessie", "adjusted"),
        (0, {"outcome": "misschien"}, "Uitkomst", "list"),
        (0, {"criterion_id": "Humor"}, "Besluit over", "criterion"),
        (0, {"minutes": "lang"}, "Minuten", "number"),
        (0, {"minutes": -3}, "Minuten", "whole number"),
        (1, {"decided_by": None}, "Besloten door", "decided"),
        (0, {"argument": "x" * 6000}, "Argument", "longer"),
    ],
)
def test_a_cell_that_cannot_be_recorded_is_named(
    own: Own, row: int, values: dict[str, object], column: str, words: str
) -> None:
    """Sheet, row as the program shows it, column; and nothing is recorded."""
    found = faults(own, lambda form: form.fill("decisions", row, values))
    places = [place for place in found if place[2] == column]
    assert places, found
    assert places[0][:2] == ("Besluiten", row + 3)
    assert words in found[places[0]]


def test_an_edited_score_of_now_shows(own: Own) -> None:
    """Protection can be taken off; the store knows what the score was."""

    def edit(form: Form) -> None:
        page = form.page("decisions")
        page.cell(3, form.columns("decisions")["reason"] + 1).value = 1.11

    found = faults(own, edit)
    assert any("store holds now" in reason for reason in found.values())


def test_ratings_that_changed_since_are_found(own: Own, rows: Callable[..., pd.DataFrame]) -> None:
    """A form of old scores decides about something that is no longer so."""
    _, store, path = own
    subject = Form(path).subjects()[0]
    data = store.session_data(SESSION).ratings
    old = data[data["employee_id"] == subject].iloc[[0]]
    names = list(rows("ratings", cycle=["2025"]).columns)
    given = {n: old[n].tolist() for n in old.columns if n in names and n != "score"}
    given["cycle"] = ["2025"]
    if data["subject_id"].eq(data["employee_id"]).all():
        given.pop("subject_id", None)
    new_score = 1.0 if float(old["score"].iloc[0]) != 1.0 else 5.0
    store.load("later", [], {"ratings": rows("ratings", **given, score=[new_score])}, [])
    with pytest.raises(FormRefused) as refused:
        record(own)
    assert any("make the pack again" in str(one.reason) for one in refused.value.faults)


def test_a_formula_is_no_decision(own: Own) -> None:
    """What it shows depends on who opens it."""
    found = faults(own, lambda form: form.fill("decisions", 0, {"score_after": "=2+2"}))
    assert any("formula" in reason for reason in found.values())


def test_rows_may_be_sorted_deleted_and_repeated(own: Own) -> None:
    """A row is known by its person; an exact repeat says nothing new."""
    form = Form(own[2])
    page = form.page("decisions")
    cells = [[cell.value for cell in row] for row in page.iter_rows(min_row=3)]
    filled = [row for row in cells if row[0] is not None]
    shuffled = [*filled[3:6], *reversed(filled[:3]), filled[0]]
    for row in page.iter_rows(min_row=3):
        for cell in row:
            cell.value = None
    for number, row in enumerate(shuffled):
        for at, value in enumerate(row):
            page.cell(3 + number, at + 1).value = value
    form.save()
    assert record(own).n_decisions == 3


def test_two_rows_that_disagree_are_refused(own: Own) -> None:
    """The same person twice, with another outcome."""
    subject = Form(own[2]).subjects()[0]
    found = faults(
        own,
        lambda form: form.fill(
            "decisions",
            len(form.subjects()),
            {"subject": subject, "outcome": "gehandhaafd", "argument": "Zag het op 2 mei.",
             "decided_by": "x"},
        ),
    )  # fmt: skip
    assert any("Another row" in reason for reason in found.values())


@pytest.mark.parametrize("written", ["01-02-2027", "2027-02-01", dt.datetime(2027, 2, 1), 46419])
def test_dates_are_read_however_they_are_kept(own: Own, written: object) -> None:
    """A real date, a text in two orders, the number that Excel counts."""
    form = Form(own[2])
    form.fill("actions", 0, {"due_on": written})
    form.save()
    record(own)
    kept = latest(own[1].register_entries())
    assert [v["due_on"] for (kind, _), v in kept.items() if kind == "action"] == ["2027-02-01"]


def test_a_vague_argument_is_pointed_out_and_kept(own: Own) -> None:
    """People decide; the remark says what is missing."""
    form = Form(own[2])
    form.fill("decisions", 1, {"argument": "Doet het gewoon goed."})
    form.save()
    found = record(own)
    assert [(one.row, one.column) for one in found.remarks] == [(4, "Argument")]
    assert found.n_decisions == 3


def test_a_session_is_not_recorded_before_it_was_held(own: Own) -> None:
    """A day that is still to come is a slip."""
    found = faults(own, lambda form: form.fill("sitting", 0, {"held_on": "2026-12-01"}))
    assert any("still to come" in reason for reason in found.values())


def test_a_form_of_another_session_or_version_is_refused(own: Own) -> None:
    """The identity sheet says where a form belongs."""
    settings, store, path = own
    for key, value, error in (
        ("session_id", "2025-nergens", WrongUse),
        ("session_id", "2026-financien", WrongUse),
        ("form_version", "99", UnreadableInput),
        ("form", "boodschappen", UnreadableInput),
    ):
        book = openpyxl.load_workbook(path)
        page = book.worksheets[-1]
        for row in page.iter_rows():
            if row[0].value == key:
                row[1].value = value
        other = path.with_name(f"{key}.xlsx")
        book.save(other)
        with pytest.raises(error):
            record_form(other, settings, store, now=NOW)
    assert store.register_entries() == []


def test_files_that_are_no_form_are_refused(own: Own, tmp_path: Path) -> None:
    """A renamed PDF, a bomb, an empty workbook, a folder, nothing at all."""
    settings, store, _ = own
    pdf, bomb, empty = (tmp_path / name for name in ("a.xlsx", "b.xlsx", "c.xlsx"))
    pdf.write_bytes(b"%PDF-1.7 not a workbook")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b"0" * (600 * 2**20))
    openpyxl.Workbook().save(empty)
    for path in (pdf, bomb, empty, tmp_path, tmp_path / "none.xlsx"):
        with pytest.raises(UnreadableInput):
            record_form(path, settings, store, now=NOW)


def test_two_who_record_at_once_lose_nothing(own: Own) -> None:
    """One after the other; the second finds what the first recorded."""
    settings, _, path = own
    second = Form(path)
    second.fill("decisions", 3, {"outcome": "gehandhaafd", "argument": "Legde uit op 1 mei.",
                                 "decided_by": "x"})  # fmt: skip
    other = second.save(path.with_name("second.xlsx"))

    def add(form: Path) -> int:
        with open_store(settings) as store:
            return int(record_form(form, settings, store, now=NOW).new)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(add, [path, other]))
    assert sum(counts) == 9
    assert own[1].verify_register().n_entries == 9


def test_decisions_are_exported_as_people_took_them(own: Own, tmp_path: Path) -> None:
    """Both scores and the argument; a text that begins like a formula cannot act as one."""
    form = Form(own[2])
    form.fill("decisions", 1, {"argument": "-3 zou te streng zijn: legde uit op 3 mei"})
    form.save()
    record(own)
    table = decisions_table(own[1], cycle="2025")
    assert len(table) == 3
    assert decisions_table(own[1], cycle="2026").empty
    target = tmp_path / "decisions.csv"
    write_csv(table, target)
    assert target.stat().st_mode & 0o077 == 0
    text = target.read_text(encoding="utf-8-sig")
    assert "'-3 zou" in text
    with pytest.raises(WrongUse):
        decisions_table(own[1], session_ids=["nergens"])
    with pytest.raises(UnreadableInput):
        write_csv(table, tmp_path / "none" / "x.csv")


@pytest.mark.parametrize("text", ["=1+1", " =1+1", "\n=1+1", "\uff1d1+1", "@x", "\t-1"])
def test_no_cell_of_an_export_becomes_a_formula(tmp_path: Path, text: str) -> None:
    """Blanks before it, a new line or signs in full width change nothing."""
    write_csv(pd.DataFrame({"argument": [text, "gewoon = goed"]}), tmp_path / "x.csv")
    read = pd.read_csv(tmp_path / "x.csv", encoding="utf-8-sig")["argument"].tolist()
    assert read == [f"'{text}", "gewoon = goed"]
