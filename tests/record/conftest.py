"""A small session of which something is recorded, and its progress form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.locale import Language
from pipeline.pack.form.progress import progress_bytes
from pipeline.progress_form import PROGRESS_FORM
from pipeline.record import FormRefused, record_form
from pipeline.record.recorder import Recorded
from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from pipeline.store.outcome import SessionOutcome
from support.forms import Form

SESSION = "2025-Noord"
NOW = dt.datetime(2026, 6, 15, 9, 0, tzinfo=dt.UTC)


def small_company(store: Store, rows: Callable[..., pd.DataFrame]) -> None:
    """Load a department of six with two managers, its goals and what its session agreed."""
    people = [f"00{i}" for i in range(1, 7)]
    n = len(people)
    tables = {
        "cycles": rows(
            "cycles", cycle=["2025"], starts_on=[pd.Timestamp("2025-01-01")],
            ends_on=[pd.Timestamp("2025-12-31")],
        ),
        "employees": rows(
            "employees", employee_id=[*people, "m1", "m2"], department=["Noord"] * n + ["Top"] * 2,
            manager_id=["m1"] * 3 + ["m2"] * 3 + [None, None],
            name=[f"Naam {i}" for i in range(1, n)] + ["Naam 1", "Mieke Boven", "Marc Boven"],
        ),
        "sessions": rows(
            "sessions", session_id=[SESSION], cycle=["2025"], department=["Noord"],
            held_on=[pd.Timestamp("2025-12-12")],
        ),
        "ratings": rows(
            "ratings", cycle=["2025"] * n, employee_id=people, rater_id=["m1"] * 3 + ["m2"] * 3,
            criterion_id=["c1"] * n, score=[3.0, 4.0, 2.0, 3.0, 5.0, 3.0],
        ),
        "goals": rows(
            "goals", goal_id=["G1", "G2"], owner_id=["001", "004"],
            text=["Elke maand een verslag", "Vijf klanten bezoeken"],
            measure=["telling", None], due_on=[pd.Timestamp("2026-04-01")] * 2,
            status=["open", None],
        ),
        "actions": rows(
            "actions", session_id=[SESSION] * 2, owner_id=["m1", "m2"],
            kind=["smart_goal", "training"], text=["Voorbeelden vastleggen", "=Cursus geven"],
            due_on=[pd.Timestamp("2026-03-01")] * 2, measure=["telling", None],
            status=["open", "open"],
        ),
    }  # fmt: skip
    store.load("first", [], tables, [])


@dataclass
class Progress:
    """A store of one's own, and the progress form of its session."""

    settings: Settings
    store: Store
    path: Path

    @property
    def outcome(self) -> SessionOutcome:
        """What is known of the session now."""
        return self.store.session_outcome(SESSION)

    def form(self) -> Form:
        """Make the form anew, and open it."""
        self.path.write_bytes(progress_bytes(self.outcome, self.settings, Language("nl")))
        return Form(self.path, PROGRESS_FORM)

    def record(self, form: Form, **options: Any) -> Recorded:
        """Record a form."""
        return record_form(form.save(), self.settings, self.store, now=NOW, **options)

    def faults(self, form: Form, **options: Any) -> dict[tuple[str, int, str], str]:
        """Record a form that is refused; return what is wrong with it, by place."""
        before = self.store.register_entries()
        with pytest.raises(FormRefused) as refused:
            self.record(form, **options)
        assert self.store.register_entries() == before
        return {(f.sheet, f.row, f.column): str(f.reason) for f in refused.value.faults}


@pytest.fixture
def progress(
    store_settings: Settings, rows: Callable[..., pd.DataFrame], tmp_path: Path
) -> Iterator[Progress]:
    """Return a session and its progress form, once for each kind of database."""
    with open_store(store_settings) as store:
        small_company(store, rows)
        yield Progress(store_settings, store, tmp_path / "progress-form.xlsx")


@pytest.fixture(scope="module")
def form_made_once(
    rows: Callable[..., pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Progress]:
    """Return a session and its progress form for tests in which nothing is recorded."""
    home = tmp_path_factory.mktemp("home")
    settings = read_settings(home)
    with open_store(settings) as store:
        small_company(store, rows)
        found = Progress(settings, store, home / "progress-form.xlsx")
        found.form()
        yield found


@pytest.fixture
def filled(progress: Progress) -> Form:
    """Return a form with something on each of its sheets."""
    form = progress.form()
    texts = [form.value("action_states", i, "text") for i in range(2)]
    form.fill("action_states", texts.index("Voorbeelden vastleggen"),
              {"status": "gereed", "done_on": "20-02-2026"})  # fmt: skip
    form.fill("goal_states", 0, {"status": "herzien", "new_text": "Elk kwartaal een verslag",
              "measure": "telling per kwartaal", "due_on": "2026-12-01"})  # fmt: skip
    form.fill("new_goals", 0, {"owner_id": "Naam 2", "text": "Spreken in het openbaar",
              "measure": "twee keer", "target": "2", "due_on": "01-11-2026"})  # fmt: skip
    form.fill("check_ins", 0, {"employee_id": "Naam 2", "dated_on": "03-03-2026",
              "employee_text": "Het gaat goed.", "manager_text": "Meer tijd voor klanten.",
              "next_on": "2026-06-03"})  # fmt: skip
    form.fill("feedback", 0, {"from_id": "Naam 2", "employee_id": "Mieke Boven",
              "dated_on": "2026-03-04", "text": "Je luisterde en vatte samen."})  # fmt: skip
    form.fill("feedback", 1, {"from_id": "m1", "employee_id": "002",
              "dated_on": "2026-03-05", "text": "-1 fout in de offerte: knap."})  # fmt: skip
    form.fill("agreements", 0, {"employee_id": "Naam 3", "text": "Meelopen bij verkoop",
              "due_on": "2026-05-01", "owner_id": "Mieke Boven"})  # fmt: skip
    return form
