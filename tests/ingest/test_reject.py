"""The file of rejected rows: whole, private, harmless, and ready to be mended."""

import csv
import stat

import pytest

from pipeline.errors import StoreError
from pipeline.ingest import reject

HEADER = "cycle;employee_id;rater_id;criterion_id;score;rationale\n"


def read(path):
    """Read with as little around it as possible."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_a_rejected_row_is_kept_as_it_was_with_line_and_every_reason(ratings):
    """A rejected row is kept as it was with line and every reason."""
    report = ratings('2025;007;008;c1;4;x\n2025;999;008;c1;9;"a;b\nc"\n', header=HEADER)
    [row] = read(report.rejected_folder / "ratings.csv")
    assert row.pop("reason").count(";") == 1
    assert row == {
        "file": "ratings.csv",
        "line": "3",
        "column": "score, employee_id",
        "cycle": "2025",
        "employee_id": "999",
        "rater_id": "008",
        "criterion_id": "c1",
        "score": "9",
        "rationale": "a;b\nc",
    }


def test_reasons_are_in_the_language_of_the_packs(ratings, monkeypatch):
    """Reasons are in the language of the packs."""
    from pipeline.locale import Language

    monkeypatch.setattr(Language, "gettext", lambda self, text: f"{self.code}: {text}")
    report = ratings("2025;007;008;c1;9;\n", '[pack]\nlanguage = "nl"\n', header=HEADER)
    assert read(report.rejected_folder / "ratings.csv")[0]["reason"].startswith("nl: ")


def test_values_cannot_act_as_formulas(ratings):
    """Values cannot act as formulas."""
    report = ratings("=1+1;007;@x;+c;-9;=cmd()\n", header=HEADER)
    [row] = read(report.rejected_folder / "ratings.csv")
    assert [row[name] for name in HEADER.strip().split(";")] == [
        "'=1+1", "007", "'@x", "'+c", "'-9", "'=cmd()",
    ]  # fmt: skip


def test_files_and_folders_are_private(ratings, home):
    """Files and folders are private."""
    report = ratings("2025;007;008;c1;9;\n", header=HEADER)
    modes = {
        path.relative_to(home).parts[:2]: stat.S_IMODE(path.stat().st_mode)
        for path in (home / "data").rglob("*")
    }
    assert {oct(mode) for mode in modes.values()} <= {"0o700", "0o600"}
    file = report.rejected_folder / "ratings.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.rejected_folder.stat().st_mode) == 0o700


def test_a_mended_file_can_be_imported_again(ratings, run, keeper):
    """A mended file can be imported again."""
    report = ratings('2025;007;008;c1;9;"-goed\ngewerkt"\n2025;007;008;c2\n', header=HEADER)
    text = (report.rejected_folder / "ratings.csv").read_text("utf-8-sig")
    assert "'-goed" in text
    keeper.ids = {"employees": {"007", "008"}}
    again = run({"ratings.csv": text.replace(";9;", ";5;").replace("c2;", "c2;3")})
    assert again.n_rejected == {"ratings": 0}
    assert keeper.rows["ratings"]["score"].tolist() == [5, 3]
    assert keeper.rows["ratings"]["rationale"].tolist()[0] == "-goed\ngewerkt"
    assert again.ignored_columns == {}


def test_a_full_disk_loads_nothing_and_leaves_nothing(ratings, keeper, home, monkeypatch):
    """A full disk loads nothing and leaves nothing."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reject.os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        ratings("2025;007;008;c1;9;\n", header=HEADER)
    assert keeper.n_loads == 0
    assert list((home / "data" / "rejected").iterdir()) == []


def test_a_load_that_fails_leaves_no_batch_behind(ratings, keeper, home):
    """A load that fails leaves no batch behind."""
    keeper.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        ratings("2025;007;008;c1;9;\n", header=HEADER)
    assert list((home / "data" / "rejected").iterdir()) == []


def test_without_bad_rows_there_is_no_folder(ratings, home):
    """Without bad rows there is no folder."""
    assert ratings("2025;007;008;c1;4;\n", header=HEADER).rejected_folder is None
    assert not (home / "data" / "rejected").exists()
