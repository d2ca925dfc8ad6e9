"""Recording from the command line: what a user types, what comes back, with which exit code."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.cli import main
from pipeline.locale import Language
from pipeline.pack import open_pack
from pipeline.pack.form.progress import progress_bytes
from pipeline.progress_form import PROGRESS_FORM
from pipeline.settings import read_settings
from pipeline.store import open_store, schema
from support.forms import Form, fill_in

EMPLOYEES = "employee_id,department,manager_id,name\n" + "".join(
    f"00{i},Noord,m1,Naam {i}\n" for i in range(1, 7)
)
RATINGS = "cycle,employee_id,rater_id,criterion_id,score\n" + "".join(
    f"2025,00{i},m1,c{c},{1 + (i + c) % 5}\n" for i in range(1, 7) for c in (1, 2)
)
SESSION = "2025-Noord"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner of one command in a home of its own."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--home", str(home), "--lang", "nl"])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def form(run: Run, home: Path, tmp_path: Path) -> Path:
    """Return the filled-in form of a small session."""
    (tmp_path / "employees.csv").write_text(EMPLOYEES)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    assert run("import", str(tmp_path / "employees.csv"), str(tmp_path / "ratings.csv"))[0] == 0
    made = open_pack(SESSION, language="nl", home=home).form().form
    assert made is not None
    (tmp_path / "form.xlsx").write_bytes(made)
    return fill_in(tmp_path / "form.xlsx", held_on="2025-12-12")


def test_record_verify_lock_and_export(run: Run, form: Path, tmp_path: Path) -> None:
    """The way of every session, with the hash that was noted."""
    code, out, _ = run("record", str(form))
    assert code == 0
    assert f"{SESSION}: 8 nieuw" in out
    head = out.rsplit(" ", 1)[1].strip()
    code, out, _ = run("verify", "--head", head)
    assert code == 0
    assert "ongeschonden: 8 regels" in out
    assert run("verify", "--head", "0" * 64)[0] == 1
    assert "gesloten" in run("lock", SESSION)[1]
    code, out, _ = run("record", str(form))
    assert code == 0
    assert "8 al aanwezig" in out
    other = Form(form)
    other.fill("decisions", 3, {"outcome": "gehandhaafd", "argument": "Zag het op 1 mei.",
                                "decided_by": "x"})  # fmt: skip
    code, _, err = run("record", str(other.save(tmp_path / "other.xlsx")))
    assert code == 2
    assert "gesloten" in err
    assert "weer open" in run("lock", SESSION, "--unlock", "bezwaar")[1]
    target = tmp_path / "besluiten.csv"
    code, out, _ = run("export", "decisions", str(target))
    assert code == 0
    assert "3 besluiten" in out
    assert target.read_text(encoding="utf-8-sig").count("\n") == 4


def test_faults_give_exit_code_3_with_sheet_row_and_column(run: Run, form: Path) -> None:
    """A person reads a table, a machine an event; neither repeats what is in the cells."""
    opened = Form(form)
    opened.fill("decisions", 1, {"argument": None, "dissent": "Geheim van Jan"})
    opened.save()
    code, out, err = run("record", str(form))
    assert code == 3
    assert "niet vastgelegd" in err
    assert "Besluiten" in out
    assert "Argument" in out
    assert "Geheim" not in out + err
    code, out, _ = run("record", str(form), "--json")
    assert code == 3
    (event,) = [json.loads(line) for line in out.splitlines()]
    assert event["event"] == "refused"
    assert [(f["sheet"], f["row"], f["column"]) for f in event["faults"]] == [
        ("Besluiten", 4, "Argument")
    ]
    assert run("verify")[1].startswith("Het register is ongeschonden: 0 regels")


def test_one_bad_form_does_not_stop_the_others(run: Run, form: Path, tmp_path: Path) -> None:
    """Each form by itself: the good one is recorded, the exit code tells of the other."""
    bad = Form(form)
    bad.fill("decisions", 0, {"score_after": 99})
    other = bad.save(tmp_path / "bad.xlsx")
    code, out, _ = run("record", str(other), str(form))
    assert code == 3
    assert "8 nieuw" in out


def test_a_contradiction_asks_for_a_reason(run: Run, form: Path) -> None:
    """Without one nothing changes; with one the new version holds."""
    assert run("record", str(form))[0] == 0
    changed = Form(form)
    changed.fill("decisions", 0, {"score_after": 2})
    changed.save()
    assert run("record", str(form))[0] == 3
    code, out, _ = run("record", str(form), "--supersede", "vergissing")
    assert code == 0
    assert "1 vervangen" in out


def killed_records(home: Path, form: Path, *, seed: int) -> Iterator[None]:
    """Record a form and kill it at a random moment, five times; yield after each."""
    command = [sys.executable, "-m", "pipeline", "--home", str(home), "record"]
    whole = time.monotonic()
    subprocess.run([*command, str(home / "none.xlsx")], check=False, capture_output=True)
    begin = time.monotonic() - whole  # what starting takes, before anything is read
    rng = random.Random(seed)
    for _ in range(5):
        started = subprocess.Popen(
            [*command, str(form)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(begin * rng.uniform(0.6, 2.2))
        started.kill()
        started.wait()
        yield


def test_a_killed_record_leaves_all_or_nothing(
    run: Run, form: Path, home: Path, tmp_path: Path
) -> None:
    """Killed at any moment, the store holds the whole form or nothing of it, and can go on."""
    settings = read_settings(home)
    for _ in killed_records(home, form, seed=20_261_122):
        with open_store(settings) as store:
            found = store.verify_register()
            assert found.intact
            assert found.n_entries in (0, 8)
    assert run("record", str(form))[0] == 0
    with open_store(settings) as store:
        assert store.verify_register().n_entries == 8
        with store.reading() as connection:
            kept = sa.select(sa.func.count()).select_from(schema.contract["decisions"])
            assert connection.scalar(kept) == 3


@pytest.fixture
def progress_form(run: Run, form: Path, home: Path, tmp_path: Path) -> Path:
    """Return a progress form with three check-ins and a goal, of a session that was recorded."""
    assert run("record", str(form))[0] == 0
    settings = read_settings(home)
    with open_store(settings) as store:
        made = progress_bytes(store.session_outcome(SESSION), settings, Language("nl"))
    (tmp_path / "progress.xlsx").write_bytes(made)
    opened = Form(tmp_path / "progress.xlsx", PROGRESS_FORM)
    for i in range(3):
        opened.fill("check_ins", i, {"employee_id": f"00{i + 1}", "dated_on": "2026-03-03",
                    "employee_text": "Ging over het plan.", "manager_text": "Gezien."})  # fmt: skip
    opened.fill("new_goals", 0, {"owner_id": "001", "text": "Een plan", "measure": "af",
                "due_on": "2027-03-01"})  # fmt: skip
    return opened.save()


def test_both_sorts_of_forms_are_recorded_by_one_command(
    run: Run, form: Path, progress_form: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told apart by themselves; where it takes long, a line says how far it is."""
    monkeypatch.setattr("pipeline.cli.record.SECONDS_BETWEEN", 0.0)
    code, out, err = run("record", str(form), str(progress_form))
    assert code == 0
    assert "8 al aanwezig" in out
    assert "4 nieuw" in out
    assert "2" in err.splitlines()[-1]
    monkeypatch.setattr("pipeline.cli.record.SECONDS_BETWEEN", 60.0)
    code, out, err = run("record", str(form), str(progress_form), "--json")
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert [one["form"] for one in events] == [
        "calibration-decision-form", "calibration-progress-form",
    ]  # fmt: skip
    assert [one["unchanged"] for one in events] == [8, 4]


def test_a_killed_record_of_progress_leaves_all_or_nothing(
    run: Run, progress_form: Path, home: Path, tmp_path: Path
) -> None:
    """The register and the rows of the contract go together, at whatever moment it is killed."""
    settings = read_settings(home)
    for _ in killed_records(home, progress_form, seed=20_261_123):
        with open_store(settings) as store:
            found = store.verify_register()
            outcome = store.session_outcome(SESSION)
            assert found.intact
            rows = (found.n_entries, len(outcome.check_ins), len(outcome.data.goals))
            assert rows in ((8, 0, 0), (12, 3, 1))
    assert run("record", str(progress_form))[0] == 0
    with open_store(settings) as store, store.reading() as connection:
        assert store.verify_register().n_entries == 12
        kept = sa.select(sa.func.count()).select_from(schema.contract["evidence"])
        assert connection.scalar(kept) == 6


def test_one_wrong_form_does_not_stop_the_others(run: Run, form: Path, tmp_path: Path) -> None:
    """Each says what became of it; the exit code is that of the worst."""
    wrong = tmp_path / "holiday.xlsx"
    wrong.write_bytes(b"%PDF-1.4")
    code, out, err = run("record", str(wrong), str(form))
    assert code == 2
    assert "holiday.xlsx" in err
    assert f"{SESSION}: 8 nieuw" in out


def test_a_session_can_be_locked_by_its_record(run: Run, form: Path) -> None:
    """The last hash that is told is that of the lock; again, nothing changes."""
    code, out, _ = run("record", "--lock", str(form))
    assert code == 0
    assert f"Sessie {SESSION} is gesloten" in out
    head = out.rsplit(" ", 1)[1].strip()
    assert run("verify", "--head", head)[0] == 0
    again = run("record", "--lock", str(form))
    assert again[0] == 0
    assert "8 al aanwezig" in again[1]
    assert "gesloten" not in again[1]


def test_remarks_of_one_sort_stand_together(run: Run, form: Path) -> None:
    """Vague arguments: one line with the rows, not a line a row."""
    vague = Form(form)
    for row in (0, 1):
        vague.fill("decisions", row, {"argument": "Doet het gewoon goed."})
    vague.save()
    _, out, _ = run("record", str(form))
    assert out.count("Dit argument zegt niets") == 1
    assert "3, 4" in out
