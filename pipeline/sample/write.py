"""Write the sample: one UTF-8 CSV per table, as exports and as minutes, whole or not at all."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongUse, msg
from pipeline.sample.company import ORGANISATION
from pipeline.sample.effects import PlantedWho
from pipeline.sample.generate import COLUMNS, Company, Rows

SEED = 20260
MARKER = "sample.toml"
"""A folder with this file holds a sample, and may be overwritten by the next."""
_WORKING = ".sample-"
MINUTES = "minutes"
"""Folder with what earlier sessions decided: it comes in by their forms, and not as exports."""
_DECIDED = ("decisions", "actions", "norms")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was written.

    Parameters
    ----------
    folder
        Where.
    departments, employees
        How many; employees in service at the end of the last cycle.
    cycles
        Identifiers, the oldest first.
    rows
        Rows per table.
    size
        Size of all files in bytes.
    effects
        Planted effects with the identifiers of those they are about.
    """

    folder: Path
    departments: int
    employees: int
    cycles: tuple[str, ...]
    rows: dict[str, int]
    size: int
    effects: tuple[PlantedWho, ...]


def write_sample(
    folder: Path,
    *,
    departments: int | None = None,
    employees: int | None = None,
    cycles: int = 3,
    seed: int = SEED,
    planted: bool = True,
    progress: Progress | None = None,
) -> SampleSummary:
    """Write the invented company as exports with the column names of the data contract.

    The same arguments give the same bytes, on every Python version. One department is held in
    memory at a time.

    Parameters
    ----------
    folder
        Where; made when it does not exist. An earlier sample there is replaced.
    departments
        Number of departments; the base list comes first. By default the base list, or as many
        as the employees need.
    employees
        People in service at the end of the last cycle, spread over the departments.
    cycles
        Number of cycles, up to and including 2026.
    seed
        Another seed gives other people and ratings in the same kind of company.
    planted
        Plant the effects of `PLANTED`. Without them the same people are rated by raters who
        differ at random only.
    progress
        Called after every department with the departments done and their total.

    Raises
    ------
    WrongUse
        The numbers make no company, or the folder holds something else than a sample.
    """
    company = Company.plan(departments, employees, cycles, seed, planted)
    folder = Path(folder)
    try:
        _claim(folder)
        working = Path(tempfile.mkdtemp(prefix=_WORKING, dir=folder))
        try:
            rows = _write_tables(company, working, progress)
            _write_marker(company, working / MARKER)
            (folder / MINUTES).mkdir(exist_ok=True)
            # the marker first: a half replaced folder is still known as a sample
            names = (MARKER, *(file_of(table) for table in COLUMNS))
            size = sum((working / name).stat().st_size for name in names)
            for name in names:
                os.replace(working / name, folder / name)
        finally:
            shutil.rmtree(working, ignore_errors=True)
    except OSError as error:
        raise WrongUse(
            msg(
                "The sample cannot be written to {folder}: {reason}.",
                folder=str(folder),
                reason=error.strerror or type(error).__name__,
            )
        ) from error
    return SampleSummary(
        folder=folder,
        departments=len(company.departments),
        employees=sum(department.spec.size for department in company.departments),
        cycles=tuple(cycle.name for cycle in company.cycles),
        rows=rows,
        size=size,
        effects=company.planted_effects(),
    )


def file_of(table: str) -> str:
    """Return the place of a table in the folder of a sample."""
    return f"{MINUTES}/{table}.csv" if table in _DECIDED else f"{table}.csv"


def _claim(folder: Path) -> None:
    """Make the folder, or see that what is in it may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise WrongUse(msg("{folder} is a file; give a folder.", folder=str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    found = [path for path in folder.iterdir() if not path.name.startswith(_WORKING)]
    if found and not (folder / MARKER).is_file():
        raise WrongUse(
            msg(
                "The folder {folder} is not empty and holds no sample (it has no {marker}); "
                "nothing was written. Give an empty or a new folder.",
                folder=str(folder),
                marker=MARKER,
            )
        )


def _write_tables(company: Company, folder: Path, progress: Progress | None) -> dict[str, int]:
    counts: Counter[str] = Counter({table: 0 for table in COLUMNS})
    (folder / MINUTES).mkdir()
    with ExitStack() as stack:
        writers = {}
        for table, columns in COLUMNS.items():
            # newline="": the csv module writes the line ends, the same on every system
            file = stack.enter_context(
                (folder / file_of(table)).open("w", encoding="utf-8", newline="")
            )
            writers[table] = csv.writer(file, lineterminator="\n")
            writers[table].writerow(columns)

        def write(table: str, rows: Rows) -> None:
            for row in rows:
                writers[table].writerow(row)
                counts[table] += 1

        for table, rows in company.shared_rows():
            write(table, rows)
        total = len(company.departments)
        for done, department in enumerate(company.departments, start=1):
            for table, rows in company.department_rows(department):
                write(table, rows)
            if progress:
                progress(done, total)
    return dict(counts)


def _write_marker(company: Company, path: Path) -> None:
    employees = sum(department.spec.size for department in company.departments)
    path.write_text(
        f"# {ORGANISATION} is an invented organisation, written by `calibrate sample`.\n"
        "# The next sample written to this folder replaces these files.\n"
        f"seed = {company.seed}\n"
        f"departments = {len(company.departments)}\n"
        f"employees = {employees}\n"
        f"cycles = {len(company.cycles)}\n"
        f"planted = {str(company.planted).lower()}\n",
        encoding="utf-8",
        newline="\n",
    )
