"""The import as a whole, with the real store."""

import logging
from pathlib import Path

import pytest

from pipeline.errors import UnreadableInput, WorkbenchError
from pipeline.ingest import import_files
from pipeline.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
INSTEVAL = ROOT.parent / "shared" / "data" / "InstEval.csv.gz"
EMPLOYEES = "employee_id;department\n007;Zorg\n008;Zorg\n"
HEADER = "cycle;employee_id;rater_id;criterion_id;score\n"
FILES = {"employees.csv": EMPLOYEES, "ratings.csv": HEADER + "2025;007;008;c1;4\n"}


def test_importing_twice_changes_nothing(run, store):
    """Importing twice changes nothing."""
    first = run(FILES, store=store)
    again = run(FILES, store=store)
    assert first.loaded.new == {"employees": 2, "ratings": 1}
    assert again.loaded.new == {"employees": 0, "ratings": 0}
    assert again.loaded.unchanged == {"employees": 2, "ratings": 1}
    assert again.batch_id != first.batch_id


def test_a_corrected_rating_is_a_correction(run, store):
    """A corrected rating is a correction."""
    run(FILES, store=store)
    report = run({"ratings.csv": HEADER + "2025;007;008;c1;5\n"}, store=store)
    assert report.loaded.corrected == {"ratings": 1}


def test_rejections_and_files_are_recorded_with_the_batch(run, store):
    """Rejections and files are recorded with the batch."""
    bad = {**FILES, "ratings.csv": FILES["ratings.csv"] + "2025;007;008;c2;9\n"}
    report = run(bad, store=store)
    assert report.loaded.new["ratings"] == 1
    assert [(file.name, file.n_read, file.n_rejected) for file in report.files] == [
        ("employees.csv", 2, 0),
        ("ratings.csv", 2, 1),
    ]
    assert len(report.files[0].sha256) == 64


def test_the_names_that_the_store_knows_are_found(run, store):
    """The names that the store knows are found."""
    run({"employees.csv": EMPLOYEES}, store=store)
    assert run({"ratings.csv": FILES["ratings.csv"]}, store=store).exit_code == 0


def test_strictness_loads_nothing_when_a_row_is_bad(ratings, keeper):
    """Strictness loads nothing when a row is bad."""
    report = ratings("2025;007;008;c1;9\n", strict=True)
    assert report.loaded is None
    assert keeper.n_loads == 0
    assert (report.rejected_folder / "ratings.csv").exists()
    assert report.exit_code == 3


def test_strictness_loads_everything_when_all_rows_are_good(ratings, keeper):
    """Strictness loads everything when all rows are good."""
    assert ratings("2025;007;008;c1;4\n", strict=True).loaded is not None


def test_a_structural_fault_in_one_file_loads_nothing_of_any(run, keeper, home):
    """A structural fault in one file loads nothing of any."""
    with pytest.raises(UnreadableInput):
        run({**FILES, "results.csv": "cycle;value\n1;2\n"})
    assert keeper.n_loads == 0
    assert not (home / "data").exists()


def test_progress_is_told_step_by_step(ratings):
    """Progress is told step by step."""
    told = []
    ratings("2025;007;008;c1;4\n", progress=lambda message: told.append(str(message)))
    assert told[0] == "Reading employees.csv"
    assert told[-1] == "Loading"


PERSONAL = "Jansen-de-Vries"


@pytest.mark.parametrize(
    "files",
    [
        {"employees.csv": f"{PERSONAL};Zorg\n{PERSONAL};Zorg\n"},
        {"employees.csv": f"employee_id;department\n{PERSONAL};Zorg\n{PERSONAL};Techniek\n"},
        {"employees.csv": f'employee_id;department\n{PERSONAL};"Zorg\n'},
        {"employees.csv": f"employee_id\n{PERSONAL}\n"},
        {**FILES, "ratings.csv": f"{HEADER}2025;{PERSONAL};{PERSONAL};c1;{PERSONAL}\n"},
        {**FILES, "ratings.csv": f"{HEADER}2025;{PERSONAL};{PERSONAL}\n"},
    ],
)
def test_nothing_personal_is_said(run, keeper, capfd, caplog, files):
    """Nothing personal is said."""
    caplog.set_level(logging.DEBUG)
    told = []
    try:
        report = run(files, progress=lambda message: told.append(str(message)))
        said = [str(reason) for reason in report.reasons] + [repr(report)]
        said += [str(r.reason) for r in keeper.rejections]
    except WorkbenchError as error:
        said = [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    captured = capfd.readouterr()
    everything = " ".join([*said, *told, captured.out, captured.err, caplog.text])
    assert PERSONAL not in everything


@pytest.mark.skipif(not INSTEVAL.exists(), reason="the InstEval ratings are not on this machine")
def test_the_example_settings_import_73421_real_ratings(home, keeper):
    """The example settings import 73,421 real ratings."""
    example = ROOT / "docs" / "examples" / "insteval" / "workbench.toml"
    (home / "workbench.toml").write_bytes(example.read_bytes())
    report = import_files([INSTEVAL], read_settings(home), keeper)
    ratings, employees = keeper.rows["ratings"], keeper.rows["employees"]
    assert report.exit_code == 0
    assert len(ratings) == 73_421
    assert len(employees) == 1_128
    assert employees["department"].nunique() == 14
    assert ratings["rater_id"].nunique() == 2_972
    assert not set(ratings["rater_id"]) & set(employees["employee_id"])
    assert set(ratings["score"]) == {1, 2, 3, 4, 5}
