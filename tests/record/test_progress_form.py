"""What happened after a session comes back whole or not at all, and history is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.errors import WrongUse
from pipeline.form_layout import HEADING_ROW, IDENTITY, INSTRUCTIONS, FormLayout, said
from pipeline.locale import Language
from pipeline.pack.form.progress import progress_bytes
from pipeline.progress_form import PROGRESS_FORM, new_goal_id, revision_id
from pipeline.record import lock_session, record_form
from pipeline.record.form import LAYOUTS
from pipeline.store import schema
from pipeline.store.outcome import latest
from support.forms import Form

from .conftest import NOW, SESSION, Progress


def title(name: str, column: str = "") -> str:
    """Return the title of a sheet, or of one of its columns, as the form says it."""
    sheet = next(one for one in PROGRESS_FORM.sheets if one.name == name)
    found = next((one.title for one in sheet.columns if one.name == column), sheet.title)
    return Language("nl").say(found)


def place(name: str, row: int, column: str) -> tuple[str, int, str]:
    """Return the place of a cell as a fault names it; rows from 0 below the headings."""
    return title(name), HEADING_ROW + 1 + row, title(name, column)


def goals(progress: Progress) -> dict[str, dict[str, Any]]:
    """Return the goals that hold now, by number."""
    return {row["goal_id"]: row for row in progress.outcome.data.goals.to_dict("records")}


def test_the_form_holds_what_there_is_and_nothing_is_a_formula(progress: Progress) -> None:
    """Actions and goals locked, with their state; names to choose from; equal bytes each time."""
    form = progress.form()
    texts = [form.value("action_states", i, "text") for i in range(2)]
    assert sorted(texts) == ["=Cursus geven", "Voorbeelden vastleggen"]
    page = form.page("action_states")
    assert page.protection.sheet
    places = form.columns("action_states")
    assert page.cell(3, places["text"]).protection.locked
    assert not page.cell(3, places["status"]).protection.locked
    assert all(
        cell.data_type != "f" for one in form.book for row in one.iter_rows() for cell in row
    )
    listed = [cell.value for cell in form.book.worksheets[-1]["E"] if cell.value]
    # two of one name are told apart by number
    assert [one for one in listed if one.startswith("Naam 1")] == ["Naam 1 (001)", "Naam 1 (006)"]
    again = progress_bytes(progress.outcome, progress.settings, Language("nl"))
    assert again == progress_bytes(progress.outcome, progress.settings, Language("nl"))


def test_everything_of_a_form_is_kept(progress: Progress, filled: Form) -> None:
    """In the register and as rows of the contract; a revised goal keeps its history."""
    found = progress.record(filled)
    # what became of the action and of the goal adds to what was known
    assert (found.new, found.added, found.unchanged) == (5, 2, 0)
    outcome = progress.outcome
    actions = {row["text"]: row for row in outcome.actions.to_dict("records")}
    done = actions["Voorbeelden vastleggen"]
    assert (done["status"], done["done_on"].date()) == ("done", dt.date(2026, 2, 20))
    assert (done["measure"], done["due_on"].date()) == ("telling", dt.date(2026, 3, 1))
    assert actions["=Cursus geven"]["status"] == "open"
    agreed = actions["Meelopen bij verkoop · 003"]
    assert (agreed["kind"], agreed["owner_id"], agreed["status"]) == ("agreement", "m1", "open")
    held = goals(progress)
    assert (held["G1"]["status"], held["G1"]["text"]) == ("revised", "Elke maand een verslag")
    revision = held[revision_id("G1")]
    assert (revision["revised_from"], revision["owner_id"]) == ("G1", "001")
    assert (revision["text"], revision["status"]) == ("Elk kwartaal een verslag", "open")
    new = held[new_goal_id("002", "Spreken in het openbaar")]
    assert (new["owner_id"], new["target"], new["status"]) == ("002", "2", "open")
    said = {
        (row["kind"], row["from_id"], row["employee_id"], row["text"])
        for row in outcome.later_evidence.to_dict("records")
    }
    assert said == {
        ("check-in", "002", "002", "Het gaat goed."),
        ("check-in", "m1", "002", "Meer tijd voor klanten."),
        ("feedback", "002", "m1", "Je luisterde en vatte samen."),
        ("feedback", "m1", "002", "-1 fout in de offerte: knap."),
    }
    assert list(outcome.check_ins["next_on"].dt.date) == [dt.date(2026, 6, 3)]
    assert list(outcome.agreements["employee_id"]) == ["003"]
    assert progress.store.verify_register().intact


def test_the_same_form_twice_changes_nothing(progress: Progress, filled: Form) -> None:
    """Re-running is safe, also beside the form that is made after it."""
    first = progress.record(filled)
    again = progress.record(filled)
    assert (again.new, again.added, again.replaced, again.unchanged) == (0, 0, 0, 7)
    assert again.head == first.head
    assert progress.record(progress.form()).head == first.head


def test_history_goes_on_from_form_to_form(progress: Progress, filled: Form) -> None:
    """The next form shows what holds now; a revision can be revised, and done."""
    progress.record(filled)
    form = progress.form()
    numbers = [form.value("goal_states", i, "goal_id") for i in range(3)]
    assert "G1" not in numbers
    row = numbers.index(revision_id("G1"))
    form.fill("goal_states", row, {"status": "herzien", "new_text": "Eén verslag per half jaar",
              "due_on": "2026-12-31"})  # fmt: skip
    assert progress.record(form).added == 1
    held = goals(progress)
    second = revision_id(revision_id("G1"))
    assert held[second]["revised_from"] == revision_id("G1")
    assert [held[one]["status"] for one in ("G1", revision_id("G1"), second)] == [
        "revised", "revised", "open",
    ]  # fmt: skip


def test_a_contradiction_is_refused_unless_somebody_says_why(
    progress: Progress, filled: Form
) -> None:
    """An old form opens nothing again; a revision is taken back with a reason."""
    progress.record(filled)
    filled.fill("goal_states", 0, {"status": "vervallen", "new_text": None, "measure": None,
                "due_on": None})  # fmt: skip
    filled.fill("check_ins", 0, {"manager_text": "Minder tijd voor klanten."})
    found = progress.faults(filled)
    assert set(found) == {
        (title("goal_states"), 3, ""), (title("check_ins"), 3, ""),
    }  # fmt: skip
    before = progress.store.register_entries()
    done = progress.record(filled, supersede="Anders afgesproken")
    assert (done.replaced, done.unchanged) == (2, 5)
    held = goals(progress)
    assert (held["G1"]["status"], held[revision_id("G1")]["status"]) == ("dropped", "dropped")
    said = set(progress.outcome.later_evidence["text"])
    assert "Minder tijd voor klanten." in said
    assert "Meer tijd voor klanten." not in said
    entries = progress.store.register_entries()
    assert entries[: len(before)] == before
    assert {entry.content["supersedes"] for entry in entries[len(before) :] if entry.content} == {
        "Anders afgesproken"
    }
    kept = schema.contract["evidence"]
    with progress.store.reading() as connection:
        assert connection.scalar(
            sa.select(sa.func.count()).where(kept.c.text == "Meer tijd voor klanten.")
        )


def test_a_check_in_is_filled_in_further(progress: Progress) -> None:
    """First that it was held, later what was said: one check-in, and no empty row beside it."""
    form = progress.form()
    form.fill("check_ins", 0, {"employee_id": "002", "dated_on": "2026-03-03"})
    assert progress.record(form).new == 1
    assert list(progress.outcome.later_evidence["from_id"]) == ["m1"]
    form.fill("check_ins", 0, {"employee_text": "Het gaat goed."})
    assert progress.record(form).added == 1
    rows = progress.outcome.later_evidence
    assert list(zip(rows["from_id"], rows["text"], strict=True)) == [("002", "Het gaat goed.")]


def test_a_locked_session_takes_progress(progress: Progress, filled: Form) -> None:
    """The lock is about decisions; what happens after them goes on."""
    lock_session(progress.store, SESSION)
    assert progress.record(filled).new == 5


def test_what_was_done_is_opened_again_with_a_reason_only(progress: Progress, filled: Form) -> None:
    """Then the day on which it was done is gone as well."""
    progress.record(filled)
    form = progress.form()
    states = {form.value("action_states", i, "text"): i for i in range(3)}
    row = states["Voorbeelden vastleggen"]
    assert form.value("action_states", row, "state") == "gereed"
    form.fill("action_states", row, {"status": "open"})
    assert list(progress.faults(form)) == [(title("action_states"), HEADING_ROW + 1 + row, "")]
    assert progress.record(form, supersede="Niet gelukt").replaced == 1
    actions = {one["text"]: one for one in progress.outcome.actions.to_dict("records")}
    assert actions["Voorbeelden vastleggen"]["status"] == "open"
    assert (
        actions["Voorbeelden vastleggen"]["done_on"] != actions["Voorbeelden vastleggen"]["done_on"]
    )


@pytest.mark.parametrize(
    ("sheet", "values", "column", "words"),
    [
        ("action_states", {"status": "gereed"}, "done_on", "When"),
        ("action_states", {"status": "gereed", "done_on": "2027-01-01"}, "done_on", "to come"),
        ("action_states", {"done_on": "2026-01-01"}, "status", "done"),
        ("action_states", {"action_id": "ffffffff", "status": "open"}, "action_id", "number"),
        ("action_states", {"text": "Iets anders", "status": "open"}, "text", "changed"),
        ("goal_states", {"status": "herzien", "due_on": "2026-12-01"}, "new_text", "goal now"),
        ("goal_states", {"status": "herzien", "new_text": "x"}, "due_on", "By when"),
        ("goal_states", {"new_text": "x"}, "status", "revised"),
        ("goal_states", {"goal_id": "G9", "status": "open"}, "goal_id", "number"),
        ("goal_states", {"status": "misschien"}, "status", "list"),
        ("new_goals", {"owner_id": "002", "text": "x", "measure": "y"}, "due_on", "By when"),
        ("new_goals", {"owner_id": "m1", "text": "x", "measure": "y", "due_on": "2026-12-01"},
         "owner_id", "nobody of this department"),
        ("check_ins", {"employee_id": "Naam 1", "dated_on": "2026-03-03"}, "employee_id",
         "nobody of this session"),
        ("check_ins", {"employee_id": "Piet Elders", "dated_on": "2026-03-03"}, "employee_id",
         "nobody of this session"),
        ("check_ins", {"employee_id": "002"}, "dated_on", "which day"),
        ("check_ins", {"employee_id": "002", "dated_on": "2026-07-01"}, "dated_on", "to come"),
        ("check_ins", {"employee_id": "002", "dated_on": "03-03-2016"}, "dated_on", "cycle"),
        ("check_ins", {"employee_id": "002", "dated_on": "31-02-2026"}, "dated_on", "no date"),
        ("check_ins", {"employee_id": "002", "dated_on": "2026-03-03", "next_on": "2026-03-01"},
         "next_on", "after this one"),
        ("check_ins", {"employee_id": "002", "dated_on": "2026-03-03", "employee_text": "=1+1"},
         "employee_text", "formula"),
        ("feedback", {"from_id": "002", "employee_id": "002", "dated_on": "2026-03-03",
                      "text": "x"}, "employee_id", "himself"),
        ("feedback", {"from_id": "m1", "employee_id": "m2", "dated_on": "2026-03-03",
                      "text": "x"}, "employee_id", "department"),
        ("feedback", {"from_id": "002", "employee_id": "m1", "dated_on": "2026-03-03",
                      "text": "x" * 6000}, "text", "longer"),
        ("agreements", {"employee_id": "002", "text": "x", "owner_id": "002"}, "due_on",
         "By when"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_recorded_is_named(
    form_made_once: Progress,
    tmp_path: Path,
    sheet: str,
    values: dict[str, object],
    column: str,
    words: str,
) -> None:
    """Sheet, row as the program shows it, column; nothing is recorded, and no text repeated."""
    form = Form(form_made_once.path, PROGRESS_FORM)
    form.path = tmp_path / "bad.xlsx"
    form.fill(sheet, 0, values)
    found = form_made_once.faults(form)
    assert words in found[place(sheet, 0, column)]
    assert len(found) == 1
    assert "Piet" not in str(found)


def test_each_bad_row_has_its_own_fault(form_made_once: Progress, tmp_path: Path) -> None:
    """Rows that miss the same are not said to contradict each other."""
    form = Form(form_made_once.path, PROGRESS_FORM)
    form.path = tmp_path / "bad.xlsx"
    for row, text in enumerate(("Eén", "Twee")):
        form.fill("check_ins", row, {"employee_id": "002", "manager_text": text})
    assert list(form_made_once.faults(form)) == [
        place("check_ins", row, "dated_on") for row in range(2)
    ]


def test_two_rows_that_disagree_are_refused(progress: Progress) -> None:
    """A repeat says nothing new; a person cannot have two check-ins on one day."""
    form = progress.form()
    row = {"employee_id": "002", "dated_on": "2026-03-03", "manager_text": "Eén"}
    form.fill("check_ins", 0, row)
    form.fill("check_ins", 1, row)
    assert progress.record(form).new == 1
    form.fill("check_ins", 1, {**row, "manager_text": "Twee"})
    assert list(progress.faults(form)) == [(title("check_ins"), 4, "")]


def test_a_form_of_another_kind_or_session_is_told_apart(progress: Progress) -> None:
    """The identity sheet says what a form is."""
    path = progress.form().save()
    book = openpyxl.load_workbook(path)
    for row in book.worksheets[-1].iter_rows():
        if row[0].value == "session_id":
            row[1].value = "2025-Zuid"
    other = path.with_name("other.xlsx")
    book.save(other)
    with pytest.raises(WrongUse):
        record_form(other, progress.settings, progress.store, now=NOW)
    assert latest(progress.store.register_entries()) == {}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.file)
def test_no_title_stands_for_two_things(layout: FormLayout) -> None:
    """In whatever language somebody reads a form, each title leads back to one name."""
    titles = [one for sheet in layout.sheets for one in said(sheet.title)]
    titles += [*said(IDENTITY), *said(INSTRUCTIONS)]
    assert len(titles) == len(set(titles))
    for sheet in layout.sheets:
        columns = [one for column in sheet.columns for one in said(column.title)]
        assert len(columns) == len(set(columns)), sheet.name
        assert all(len(title) <= 31 for title in said(sheet.title))


@pytest.mark.parametrize("is_locked", [False, True])
def test_an_agreement_changes_no_action_of_the_session(
    progress: Progress, rows: Callable[..., pd.DataFrame], is_locked: bool
) -> None:
    """What the session decided has its own number; neither its date nor its measure is replaced."""
    decided = rows("actions", session_id=[SESSION], owner_id=["002"], kind=["agreement"],
                   text=["Minder uren"], due_on=[pd.Timestamp("2026-03-01")])  # fmt: skip
    progress.store.load("more", [], {"actions": decided}, [])
    if is_locked:
        lock_session(progress.store, SESSION)
    form = progress.form()
    form.fill("agreements", 0, {"employee_id": "002", "owner_id": "002", "text": "Minder uren",
              "due_on": "2026-12-01", "measure": "anders"})  # fmt: skip
    assert list(progress.faults(form)) == [place("agreements", 0, "text")]
    assert list(progress.faults(form, supersede="Zo is het")) == [place("agreements", 0, "text")]


def test_two_agreements_never_become_one_action(progress: Progress) -> None:
    """A text that ends like the number of another person says something else."""
    form = progress.form()
    form.fill("agreements", 0, {"employee_id": "003", "owner_id": "002", "text": "Ruilen",
              "due_on": "2026-12-01"})  # fmt: skip
    form.fill("agreements", 1, {"employee_id": "002", "owner_id": "002", "text": "Ruilen · 003",
              "due_on": "2026-10-01"})  # fmt: skip
    assert list(progress.faults(form)) == [place("agreements", 1, "text")]
