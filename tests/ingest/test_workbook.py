"""XLSX files with everything that spreadsheets do to data."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from pipeline.errors import UnreadableInput
from pipeline.ingest.workbook import Workbook

HEADER = ["cycle", "employee_id", "rater_id", "criterion_id", "score", "rated_on"]
ROW = ["2025", 7, "r1", "c1", 3.5, dt.datetime(2025, 2, 3)]
EMPLOYEES = "employee_id;department\n7;Zorg\n123;Zorg\n"


def saved(book):
    """Return a workbook as the bytes of its file."""
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def workbook(*rows, title="Blad1"):
    """Make a workbook of one worksheet."""
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return book


def replaced(data, member, change):
    """Change the bytes of one part of a workbook."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part.filename, change(content) if part.filename == member else content)
    return stream.getvalue()


def read(data, table="ratings", title=None):
    """Read with as little around it as possible."""
    return Workbook("x.xlsx", data).read(table, title)


def test_numbers_and_dates_become_plain_text():
    """Numbers and dates become plain text."""
    sheet = read(saved(workbook(HEADER, ROW, ["2025", 123.0, True, None, 0.1234, 1.234])))
    texts = [column.to_pylist() for column in sheet.cells]
    assert texts[1] == ["7", "123"]
    assert texts[2][1] == "true"
    assert texts[3][1] == ""
    assert texts[4] == ["3.5", "0.1234"]
    assert texts[5] == ["2025-02-03", "1.2340"]
    assert sheet.lines.tolist() == [2, 3]


def test_a_day_number_in_a_date_column_is_a_date(run, keeper):
    """A day number in a date column is a date."""
    data = saved(workbook(HEADER, [*ROW[:-1], 45000]))
    run({"employees.csv": EMPLOYEES, "ratings.xlsx": data})
    assert keeper.rows["ratings"]["rated_on"].dt.date.tolist() == [dt.date(2023, 3, 15)]


def test_the_worksheet_named_in_the_settings_is_read(run, keeper):
    """The worksheet named in the settings is read."""
    book = workbook(["iets anders"])
    sheet = book.create_sheet("Scores 2025")
    sheet.append(HEADER)
    sheet.append(ROW)
    files = {"employees.csv": EMPLOYEES, "ratings.xlsx": saved(book)}
    run(files, '[import.ratings]\nsheet = "scores 2025"\n')
    assert len(keeper.rows["ratings"]) == 1
    with pytest.raises(UnreadableInput, match=r"no worksheet Nergens; it has Blad1, Scores 2025"):
        run(files, '[import.ratings]\nsheet = "Nergens"\n')


def test_the_worksheet_named_after_the_table_is_read():
    """The worksheet named after the table is read."""
    book = workbook(["iets anders"])
    book.create_sheet("Ratings").append(HEADER)
    assert read(saved(book)).names == tuple(HEADER)


def test_one_filled_worksheet_among_empty_ones_is_read():
    """One filled worksheet among empty ones is read."""
    book = workbook(HEADER, ROW)
    book.create_sheet("Blad2")
    assert read(saved(book)).names == tuple(HEADER)


def test_several_worksheets_are_named_and_none_is_guessed():
    """Several worksheets are named and none is guessed."""
    book = workbook(HEADER)
    book.create_sheet("Blad2").append(HEADER)
    with pytest.raises(UnreadableInput, match=r"several worksheets: Blad1, Blad2.*\[import.rat"):
        read(saved(book))


def test_hidden_worksheets_are_left_alone():
    """Hidden worksheets are left alone."""
    book = workbook(HEADER, ROW)
    hidden = book.create_sheet("lijsten")
    hidden.append(["a"])
    hidden.sheet_state = "hidden"
    assert read(saved(book)).n_rows == 1


def test_a_header_with_merged_cells_is_refused(run):
    """A header with merged cells is refused."""
    book = workbook([*HEADER, "Beoordeling", None], [*ROW, 1, 2])
    book.active.merge_cells("G1:H1")
    with pytest.raises(UnreadableInput, match="header has merged cells"):
        run({"ratings.xlsx": saved(book)})


def test_a_title_above_the_header_is_pointed_out(run):
    """A title above the header is pointed out."""
    book = workbook(["Beoordelingen 2025"], [], HEADER, ROW)
    book.active.merge_cells("A1:F1")
    with pytest.raises(UnreadableInput, match="header is on line 3"):
        run({"ratings.xlsx": saved(book)})


def test_merged_cells_below_the_header_do_not_stop_the_file():
    """Merged cells below the header do not stop the file."""
    book = workbook(HEADER, ROW)
    book.active.merge_cells("A5:B5")
    assert not read(saved(book)).merged_header


def test_a_formula_counts_as_its_stored_result_and_without_one_the_row_is_bad(run, keeper, reasons):
    """A formula counts as its stored result and without one the row is bad."""
    book = workbook(HEADER, ROW, [*ROW[:3], "c2", "=1+2", None], [*ROW[:3], "c3", "=2+2", None])
    data = replaced(
        saved(book),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<f>2+2</f><v />", b"<f>2+2</f><v>4</v>").replace(
            b"<f>2+2</f><v></v>", b"<f>2+2</f><v>4</v>"
        ),
    )
    report = run({"employees.csv": EMPLOYEES, "ratings.xlsx": data})
    assert keeper.rows["ratings"]["score"].tolist() == [3.5, 4.0]
    [(reason, n_rows)] = reasons(report).items()
    assert reason.startswith("score: The formula in this cell has no stored result")
    assert n_rows == 1
    assert keeper.rejections[0].line == 3


@pytest.fixture(autouse=True)
def half_points(monkeypatch):
    """Let the scale have half points, as the rows of this module do."""
    monkeypatch.setenv("CALIBRATE_SCALE__STEP", "0.5")


def test_error_values_make_a_row_bad(run, reasons):
    """Error values make a row bad."""
    data = saved(workbook(HEADER, ROW, [*ROW[:3], "c2", "#N/B", None]))
    report = run({"employees.csv": EMPLOYEES, "ratings.xlsx": data})
    assert reasons(report) == {"score: The cell holds an error value of a spreadsheet": 1}


def test_cells_right_of_the_header_make_a_row_bad():
    """Cells right of the header make a row bad."""
    sheet = read(saved(workbook(HEADER, [*ROW, "los"], ROW)))
    assert [row.line for row in sheet.odd_rows] == [2]


def test_empty_rows_are_passed_over():
    """Empty rows are passed over."""
    sheet = read(saved(workbook([], HEADER, [], ROW, [None, " "])))
    assert sheet.lines.tolist() == [4]


def test_an_empty_workbook_is_refused():
    """An empty workbook is refused."""
    with pytest.raises(UnreadableInput, match="is empty"):
        read(saved(openpyxl.Workbook()))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04 half", "damaged"),
        (b"cycle;score", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password"),
    ],
)
def test_what_is_no_workbook_is_refused(data, match):
    """What is no workbook is refused."""
    with pytest.raises(UnreadableInput, match=match):
        read(data)


def test_a_workbook_without_its_parts_is_refused():
    """A workbook without its parts is refused."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(UnreadableInput, match="damaged"):
        read(stream.getvalue())


def test_a_bomb_is_not_unpacked(monkeypatch):
    """A bomb is not unpacked."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", bytes(40 * 2**20))
    with pytest.raises(UnreadableInput, match="unpacks to 40 MB"):
        read(stream.getvalue())


def test_entities_are_refused():
    """Entities are refused."""

    def with_entity(xml):
        return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml.split(b"?>", 1)[-1]

    data = saved(workbook(HEADER, ROW))
    for part in ("xl/worksheets/sheet1.xml", "xl/workbook.xml"):
        with pytest.raises(UnreadableInput, match="damaged"):
            read(replaced(data, part, with_entity))
