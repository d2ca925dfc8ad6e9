"""The command line: what a user types, what comes back, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main
from support import REPOSITORY

Run = Callable[..., tuple[int, str, str]]

EMPLOYEES = "employee_id,department,name\n001,Noord,Anna\n002,Noord,Bas\nm1,Top,Mo\n"
RATINGS = "cycle,employee_id,rater_id,criterion_id,score\n2026,001,m1,c1,3\n2026,002,m1,c1,4\n"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner of one command in an empty home."""

    def call(*words: str, home: Path | None = home) -> tuple[int, str, str]:
        where = ["--home", str(home)] if home else []
        with pytest.raises(SystemExit) as ended:
            main([*words, *where])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Return a folder with the smallest valid exports."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "employees.csv").write_text(EMPLOYEES)
    (folder / "ratings.csv").write_text(RATINGS)
    return folder


def test_import_then_status(run: Run, exports: Path) -> None:
    """The way of every new user: load, look."""
    assert run("import", str(exports))[0] == 0
    code, out, _ = run("status", "--lang", "en")
    assert code == 0
    assert "2026-Noord" in out
    assert "2/2" in out
    assert "not made" in out


def test_rejected_rows_give_exit_code_3_and_name_nobody(run: Run, exports: Path) -> None:
    """The console counts; the details are in a private file."""
    with (exports / "ratings.csv").open("a") as file:
        file.write("2026,001,m1,c2,9\n2026,Jan Jansen,m1,c1,3\n")
    code, out, err = run("import", str(exports), "--lang", "en")
    assert code == 3
    assert "Jan Jansen" not in out + err
    assert "rejected" in out
    assert run("status", "--json")[1].count("\n") == 1


def test_strict_loads_all_or_nothing(run: Run, exports: Path) -> None:
    """One bad row, and the store stays empty."""
    with (exports / "ratings.csv").open("a") as file:
        file.write("2026,001,m1,c2,9\n")
    assert run("import", str(exports), "--strict")[0] == 3
    code, _, err = run("status", "--lang", "en")
    assert code == 2
    assert "calibrate import" in err


def test_unreadable_input_gives_exit_code_2(run: Run, tmp_path: Path) -> None:
    """A structural fault is one sentence, not a traceback."""
    path = tmp_path / "ratings.csv"
    path.write_text("a;b\n1;2\n")
    code, _, err = run("import", str(path))
    assert code == 2
    assert "Traceback" not in err
    assert "ratings.csv" in err


@pytest.mark.parametrize(
    "words",
    [
        ["bogus"],
        ["packs", "--jobs", "0"],
        ["packs", "--lang", "fr"],
        ["import"],
        ["import", "no-such-file.csv"],
        ["packs"],
        ["packs", "--session", "none"],
        ["packs", "--cycle", "1999"],
    ],
)
def test_wrong_use_gives_exit_code_2(run: Run, words: list[str]) -> None:
    """Every wrong command ends with what is wrong, and no traceback."""
    code, out, err = run(*words)
    assert code == 2
    assert (out + err).strip()
    assert "Traceback" not in err


def test_common_options_may_stand_anywhere(exports: Path, home: Path) -> None:
    """Before or after the command, with a space or an equals sign."""
    for words in (
        ["--home", str(home), "--json", "import", str(exports)],
        ["import", f"--home={home}", str(exports), "--json"],
        ["import", str(exports), "--json", "--home", str(home)],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code in (0, None)


def test_json_is_one_object_a_line(run: Run, exports: Path) -> None:
    """Machines read events; nothing else is on standard output."""
    code, out, _ = run("import", str(exports), "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert events[0]["event"] == "import"
    assert events[0]["new"] == {"employees": 3, "ratings": 2}


def test_quiet_says_nothing_when_all_is_well(run: Run, exports: Path) -> None:
    """Silence in a schedule means success."""
    assert run("import", str(exports), "--quiet") == (0, "", "")


def test_messages_come_in_dutch_and_english(run: Run, exports: Path) -> None:
    """The language of a message is the user's choice."""
    run("import", str(exports), "--quiet")
    assert "not made" in run("status", "--lang", "en")[1]
    assert "niet gemaakt" in run("status", "--lang", "nl")[1]


def test_a_broken_settings_file_is_explained(run: Run, home: Path) -> None:
    """The file, the setting and the reason."""
    (home / "workbench.toml").write_text("[scale]\nlow = 5\nhigh = 1\n")
    code, _, err = run("status")
    assert code == 2
    assert "workbench.toml" in err
    assert "scale" in err
    (home / "workbench.toml").write_text("[scale\n")
    assert "TOML" in run("status")[2]
    (home / "workbench.toml").write_text("[import.ratngs]\nscore = 'y'\n")
    assert "ratngs" in run("status")[2]


def test_an_unexpected_fault_shows_no_data(
    run: Run, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of a foreign exception may quote a row, so only its kind and place are shown."""

    def fault(*_: object, **__: object) -> None:
        raise ValueError("row: Anna de Vries, 1")

    monkeypatch.setattr("pipeline.ingest.import_files", fault)
    code, _, err = run("import", str(exports))
    assert code == 1
    assert "Anna" not in err
    assert "ValueError" in err


def test_doctor_finds_what_is_wrong(run: Run, home: Path) -> None:
    """A healthy home passes; a reports folder that others can read does not."""
    assert run("doctor")[0] == 0
    (home / "reports").mkdir(mode=0o755)
    (home / "reports").chmod(0o755)
    code, out, _ = run("doctor", "--lang", "en")
    assert code == 1
    assert "chmod" in out


def test_the_module_is_the_same_command() -> None:
    """`python -m pipeline` works where no script is installed."""
    shown = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "calibrate" in shown.stdout


def test_sample_writes_a_company(run: Run, tmp_path: Path) -> None:
    """An invented company comes as exports that import without a rejected row."""
    folder = tmp_path / "company"
    assert run("sample", str(folder), "--cycles", "1", "--departments", "3")[0] == 0
    assert run("import", str(folder))[0] == 0
