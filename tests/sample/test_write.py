"""Writing: whole or not at all, never over something else, at any scale in bounded memory."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.sample import MARKER, PLANTED, write_sample
from pipeline.sample.generate import Company
from pipeline.sample.write import file_of
from pipeline.tables import TABLES


def in_service(folder: Path) -> Counter[str]:
    """Count who works where at the end of the last cycle."""
    with (folder / "employees.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["cycle"] == "2026"]
    return Counter(row["department"] for row in rows if not row["left_on"])


def test_writes_every_table_and_says_what(tmp_path: Path) -> None:
    """The summary counts what is in the files."""
    seen: list[tuple[int, int]] = []
    summary = write_sample(tmp_path / "new" / "folder", progress=lambda *at: seen.append(at))
    names = {str(path.relative_to(summary.folder)) for path in summary.folder.rglob("*.*")}
    assert names == {MARKER, *(file_of(table) for table in TABLES)}
    assert seen == [(done, 11) for done in range(1, 12)]
    assert (summary.departments, summary.employees) == (11, 539)
    assert summary.cycles == ("2024", "2025", "2026")
    assert len(summary.effects) == len(PLANTED)
    assert summary.size == sum(path.stat().st_size for path in summary.folder.rglob("*.*"))
    with (summary.folder / "ratings.csv").open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == summary.rows["ratings"]


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    """Also one whose writing was cut off; other files stay."""
    write_sample(tmp_path, departments=2, seed=1)
    (tmp_path / ".sample-cut-off").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    before = (tmp_path / "ratings.csv").read_bytes()
    write_sample(tmp_path, departments=2, seed=2)
    assert (tmp_path / "ratings.csv").read_bytes() != before
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    """Real exports carry the same file names; they are never overwritten."""
    (tmp_path / "ratings.csv").write_text("real")
    with pytest.raises(WrongUse, match="not empty and holds no sample"):
        write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.csv"]
    assert (tmp_path / "ratings.csv").read_text() == "real"
    with pytest.raises(WrongUse, match="is a file"):
        write_sample(tmp_path / "ratings.csv")


def test_a_failure_leaves_the_earlier_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle: nothing is replaced, nothing lies about, the reason is told."""
    write_sample(tmp_path, departments=3)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}

    def fail(done: int, total: int) -> None:
        if done == 2:
            raise OSError(28, "No space left on device")

    with pytest.raises(WrongUse, match="No space left on device"):
        write_sample(tmp_path, departments=3, seed=5, progress=fail)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"departments": 0}, "at least 1 department"),
        ({"employees": 0}, "too few"),
        ({"departments": 5, "employees": 19}, "19 employees are too few for 5 departments"),
        ({"cycles": 0}, "1 to 10 cycles"),
        ({"cycles": 11}, "1 to 10 cycles"),
    ],
)
def test_numbers_that_make_no_company_are_refused(
    options: dict[str, int], reason: str, tmp_path: Path
) -> None:
    """Before anything is written."""
    with pytest.raises(WrongUse, match=reason):
        write_sample(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("departments", "employees"),
    [
        (1, None),
        (3, None),
        (14, None),
        (12, 530),
        (13, 560),
        (11, 4000),
        (30, 1500),
        (2, 8),
        (40, 160),
    ],
)
def test_scale_gives_the_numbers_asked_for(
    departments: int, employees: int | None, tmp_path: Path
) -> None:
    """Departments and people in service are exact."""
    summary = write_sample(tmp_path, departments=departments, employees=employees, cycles=2)
    found = in_service(tmp_path)
    assert len(found) == summary.departments == departments
    assert found.total() == summary.employees
    assert employees is None or summary.employees == employees
    assert min(found.values()) >= 4


@pytest.mark.parametrize("employees", [4, 60, 539, 900, 100_000, 250_000])
def test_employees_alone_decide_on_the_departments(employees: int) -> None:
    """Of about 45 people; personnel numbers never meet."""
    company = Company.plan(None, employees, 3, 1, planted=True)
    assert sum(department.spec.size for department in company.departments) == employees
    assert len({department.name for department in company.departments}) == len(company.departments)
    upto = 0
    for department in company.departments:
        assert department.first_id >= upto
        upto = department.first_id + department.capacity
        seats = len(department.seats)
        assert seats == department.spec.size
        assert len({department.personnel_number(i) for i in range(department.capacity)}) == (
            department.capacity
        )
        if employees > 1000 and department.number > 30:
            break


def test_more_departments_leave_the_others_as_they_are(tmp_path: Path, sample_folder: Path) -> None:
    """The base company is the beginning of a larger one, byte for byte."""
    write_sample(tmp_path, departments=14)
    for table in TABLES:
        larger, base = ((f / file_of(table)).read_bytes() for f in (tmp_path, sample_folder))
        assert larger.startswith(base), table


def test_another_seed_gives_other_people(tmp_path: Path, sample_folder: Path) -> None:
    """The kind of company stays."""
    write_sample(tmp_path, seed=7)
    assert in_service(tmp_path) == in_service(sample_folder)
    larger, base = ((f / "ratings.csv").read_bytes() for f in (tmp_path, sample_folder))
    assert larger != base


def test_effects_fall_away_with_their_seats(tmp_path: Path) -> None:
    """A smaller company lists only what it holds; without planting, nothing."""
    small = write_sample(tmp_path / "small", departments=2, employees=30)
    assert {one.effect.department for one in small.effects} <= {"Financiën", "*"}
    assert write_sample(tmp_path / "none", departments=1, planted=False).effects == ()


@pytest.mark.parametrize("cycles", [1, 5])
def test_other_numbers_of_cycles(cycles: int, tmp_path: Path) -> None:
    """The last one is always 2026; with one there are no earlier sessions."""
    summary = write_sample(tmp_path, cycles=cycles, departments=3)
    assert summary.cycles[-1] == "2026"
    assert len(summary.cycles) == cycles
    assert bool(summary.rows["decisions"]) == (cycles > 1)


def test_memory_does_not_grow_with_the_company(tmp_path: Path) -> None:
    """Four times the departments take at most a little more memory."""
    write_sample(tmp_path / "warm", departments=1, cycles=1)
    peaks = []
    for departments in (15, 60):
        tracemalloc.start()
        write_sample(tmp_path / str(departments), departments=departments, cycles=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]
    assert peaks[1] < 20_000_000
