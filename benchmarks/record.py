"""Recording forms: seconds for a progress form of 500 rows and a decision form, as XLSX and CSV.

Run from the repository: ``python benchmarks/record.py [--rows N]``. Each form is recorded into a
store of the sample company; the second time it holds nothing new.
"""

import argparse
import csv
import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl

REPOSITORY = Path(__file__).resolve().parents[1]
SESSION = "2025-financien"
NOW = dt.datetime(2026, 6, 15, tzinfo=dt.UTC)
MOST_SECONDS = 5.0


def write_forms(settings: Any, store: Any, home: Path, rows: int) -> list[Path]:
    """Write a progress form with so many rows of feedback and check-ins, and its sheets as CSV."""
    from pipeline.form_layout import HEADING_ROW
    from pipeline.locale import Language
    from pipeline.pack.form.progress import progress_bytes

    outcome = store.session_outcome(SESSION)
    path = home / "progress-form.xlsx"
    path.write_bytes(progress_bytes(outcome, settings, Language("en")))
    book = openpyxl.load_workbook(path)
    staff = list(outcome.data.employees["employee_id"])
    text = "Explained at the meeting of the team what the figures of the quarter mean. " * 3
    for i in range(rows):
        giver, receiver = staff[i % len(staff)], staff[(i + 1) % len(staff)]
        day = dt.date(2026, 1, 5) + dt.timedelta(days=i % 150)
        at = HEADING_ROW + 1 + i // 2
        if i % 2:
            values = (giver, receiver, day, f"{text}{i}")
            page = book["Feedback"]
        else:
            day = dt.date(2026, 1, 5) + dt.timedelta(days=i // len(staff))
            values = (giver, day, f"{text}{i}", f"{text}{i}", None)
            page = book["Check-ins"]
        for column, value in enumerate(values, 1):
            page.cell(at, column).value = value
    book.save(path)
    folder = home / "csv"
    folder.mkdir()
    for page in book.worksheets:
        with (folder / f"progress-form-{page.title}.csv").open("w", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            for row in page.iter_rows(values_only=True):
                days = (str(v.date()) if isinstance(v, dt.datetime) else v for v in row)
                writer.writerow(["" if v is None else v for v in days])
    return [path, folder]


def main() -> None:
    from pipeline.ingest import import_files
    from pipeline.record import record_form
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500)
    rows = parser.parse_args().rows
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = read_settings(home)
        with open_store(settings) as store:
            import_files([REPOSITORY / "data" / "sample"], settings, store)
            book, sheets = write_forms(settings, store, home, rows)
            for name, form in (("XLSX", book), ("XLSX again", book), ("CSV", sheets)):
                began = time.perf_counter()
                found = record_form(form, settings, store, now=NOW)
                seconds = time.perf_counter() - began
                slow += [name] if seconds > MOST_SECONDS else []
                print(
                    f"{name}: {rows} rows in {seconds:.2f} s"
                    f" ({found.new} new, {found.unchanged} there already)"
                )
            intact = store.verify_register().intact
    if slow or not intact:
        raise SystemExit(f"slower than {MOST_SECONDS:.0f} s: {slow}; register intact: {intact}")


if __name__ == "__main__":
    main()
