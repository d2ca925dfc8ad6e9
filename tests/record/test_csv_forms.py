"""Forms saved as CSV, a file per sheet: the same checks, the same places, the same record."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UnreadableInput
from pipeline.pack import open_pack
from pipeline.record import FormRefused, record_form
from pipeline.record.cells import text_of
from support.forms import Form, fill_in

from .conftest import NOW, SESSION, Progress

EXPORT = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,false,false,false,-1"
"""LibreOffice's filter: semicolons, UTF-8, cells as shown, every sheet."""


def as_csv(form: Form, folder: Path, *, delimiter: str = ";", encoding: str = "utf-8") -> Path:
    """Write each sheet as a Dutch spreadsheet would."""
    folder.mkdir(exist_ok=True)
    for page in form.book.worksheets:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter)
        for row in page.iter_rows(values_only=True):
            writer.writerow([written(value) for value in row])
        name = f"{form.path.stem}-{page.title}.csv"
        (folder / name).write_bytes(text.getvalue().encode(encoding, "replace"))
    return folder


def written(value: object) -> str:
    """Write a value as a Dutch spreadsheet shows it."""
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    if isinstance(value, dt.date):
        return value.strftime("%d-%m-%Y")
    return "" if value is None else str(value)


def faults(progress: Progress, path: Path) -> list[tuple[str, int, str]]:
    """Return the places of what is wrong."""
    with pytest.raises(FormRefused) as refused:
        record_form(path, progress.settings, progress.store, now=NOW)
    return [(one.sheet, one.row, one.column) for one in refused.value.faults]


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(";", "utf-8"), (",", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-16")],
)
def test_a_folder_says_the_same_as_the_workbook(
    progress: Progress, filled: Form, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    """Whatever the delimiter and the encoding; recorded beside the workbook nothing is new."""
    filled.fill("check_ins", 0, {"employee_text": "Eén regel; met “tekens”, en\nnog één."})
    folder = as_csv(filled, tmp_path / "csv", delimiter=delimiter, encoding=encoding)
    found = record_form(folder, progress.settings, progress.store, now=NOW)
    assert (found.new, found.added) == (5, 2)
    assert "Eén regel; met “tekens”, en\nnog één." in set(progress.outcome.later_evidence["text"])
    assert progress.record(filled).unchanged == 7


def test_one_file_brings_those_beside_it(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """Two forms in one folder: the file that is named tells which is meant."""
    folder = as_csv(filled, tmp_path / "csv")
    for path in list(folder.glob("*.csv")):
        shutil.copy(path, folder / path.name.replace("progress-form", "ander"))
    with pytest.raises(UnreadableInput, match="several forms"):
        record_form(folder, progress.settings, progress.store, now=NOW)
    (one,) = folder.glob("ander-Check-ins.csv")
    assert record_form(one, progress.settings, progress.store, now=NOW).new == 5


def test_plain_titles_are_enough(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """Files named after the sheets alone."""
    folder = as_csv(filled, tmp_path / "csv")
    for path in list(folder.glob("*.csv")):
        path.rename(folder / path.name.removeprefix("progress-form-"))
    assert record_form(folder, progress.settings, progress.store, now=NOW).new == 5


def test_faults_say_sheet_row_and_column(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """As the spreadsheet counts rows, also below a text of several lines."""
    filled.fill("check_ins", 0, {"manager_text": "Eén\ntwee\ndrie"})
    filled.fill("check_ins", 1, {"employee_id": "Naam 3", "dated_on": "31-02-2026"})
    filled.fill("check_ins", 2, {"employee_id": "Naam 3", "dated_on": "03-03-2026",
                                 "manager_text": "#N/B"})  # fmt: skip
    folder = as_csv(filled, tmp_path / "csv")
    columns = filled.columns("check_ins")
    titles = {name: filled.page("check_ins").cell(2, at).value for name, at in columns.items()}
    assert faults(progress, folder) == [
        (filled.page("check_ins").title, 5, titles["manager_text"]),
        (filled.page("check_ins").title, 4, titles["dated_on"]),
    ]


def test_decisions_come_as_csv_too(progress: Progress, tmp_path: Path) -> None:
    """With decimal commas in the scores of now, which are compared with the store."""
    home = progress.settings.home
    made = open_pack(SESSION, language="nl", home=home).form().form
    assert made is not None
    (tmp_path / "form.xlsx").write_bytes(made)
    form = Form(fill_in(tmp_path / "form.xlsx", held_on="12-12-2025"))
    folder = as_csv(form, tmp_path / "csv")
    assert record_form(folder, progress.settings, progress.store, now=NOW).n_decisions == 3
    assert record_form(form.path, progress.settings, progress.store, now=NOW).unchanged == 8


def test_what_is_no_form_is_refused(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """A quotation mark that is never closed would swallow rows; without identity nothing is."""
    folder = as_csv(filled, tmp_path / "csv")
    (identity,) = folder.glob("*Over dit formulier.csv")
    sheet = folder / "progress-form-Check-ins.csv"
    whole = sheet.read_bytes()
    for bad in (whole.replace(b"Naam 2", b'"Naam 2', 1), b"%PDF-1.7", b"\0\0\0"):
        sheet.write_bytes(bad)
        with pytest.raises(UnreadableInput):
            record_form(folder, progress.settings, progress.store, now=NOW)
    sheet.write_bytes(whole)
    (folder / "notes.csv").write_text("a;b\n1;2\n")
    identity.rename(folder / "elders.txt")
    for path in (folder, sheet, folder / "notes.csv", tmp_path / "none.csv"):
        with pytest.raises(UnreadableInput):
            record_form(path, progress.settings, progress.store, now=NOW)
    assert progress.store.register_entries() == []


def test_too_many_rows_are_refused(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """None is left out in silence."""
    folder = as_csv(filled, tmp_path / "csv")
    with (folder / "progress-form-Check-ins.csv").open("a") as file:
        file.write(";" * 4 + "\n" + "\n" * 20_000 + "002;01-03-2026;x;y;\n")
    with pytest.raises(UnreadableInput, match="rows"):
        record_form(folder, progress.settings, progress.store, now=NOW)


def test_what_libreoffice_writes_is_read(progress: Progress, filled: Form, tmp_path: Path) -> None:
    """Its own export of every sheet, from the workbook that this package wrote."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed; forms written by hand are read in other tests")
    filled.save()
    folder = tmp_path / "csv"
    subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to",
         EXPORT, "--outdir", str(folder), str(filled.path)],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    assert len(list(folder.glob("*.csv"))) == 8
    found = record_form(folder, progress.settings, progress.store, now=NOW)
    assert (found.new, found.added) == (5, 2)
    assert progress.record(filled).unchanged == 7


def test_signs_that_cannot_be_seen_are_left_out() -> None:
    """As in imports: they turn the reading order, and no database takes some of them."""
    dirty = "\u202eGe\u200bzien\x1b[31m\x00 op\ud800 3 mei\ufeff"
    assert text_of(dirty) == "Gezien[31m op 3 mei"
    assert text_of("Een\nTwee\tdrie") == "Een\nTwee\tdrie"
    assert text_of("\u200b") is None
