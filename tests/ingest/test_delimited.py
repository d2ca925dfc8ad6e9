"""CSV files as organisations export them, and files that are none."""

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UnreadableInput
from pipeline.ingest.delimited import read_delimited, read_records

KNOWN = {"a", "b", "score"}


def rows_of(sheet):
    """Return the rows of a sheet as tuples."""
    return list(zip(*(column.to_pylist() for column in sheet.cells), strict=True))


def read(data):
    """Read with as little around it as possible."""
    return read_delimited("x.csv", data if isinstance(data, bytes) else data.encode(), KNOWN)


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found_from_the_header(delimiter):
    """The delimiter is found from the header."""
    sheet = read(f"a{delimiter}b\n1{delimiter}2\n")
    assert sheet.names == ("a", "b")
    assert rows_of(sheet) == [("1", "2")]


def test_decimal_commas_do_not_pass_for_delimiters():
    """Decimal commas do not pass for delimiters."""
    assert read("a;b\n1,5;2,5\n3,5;4,5\n").names == ("a", "b")


def test_delimiters_inside_quotes_do_not_count():
    """Delimiters inside quotes do not count."""
    sheet = read('a,b\n"x;y;z",1\n"p;q;r",2\n')
    assert rows_of(sheet) == [("x;y;z", "1"), ("p;q;r", "2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found(encoding):
    """The encoding is found."""
    sheet = read("a;b\nRenée;€ 5\n".encode(encoding))
    assert sheet.names == ("a", "b")
    assert rows_of(sheet) == [("Renée", "€ 5")]


def test_excels_first_line_with_the_delimiter_is_passed_over():
    """Excels first line with the delimiter is passed over."""
    sheet = read("sep=;\r\na;b\r\n1;2\r\n")
    assert sheet.names == ("a", "b")
    assert sheet.lines.tolist() == [3]


def test_line_numbers_are_those_of_an_editor():
    """Line numbers are those of an editor."""
    sheet = read('a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert rows_of(sheet) == [("1", "x\r\ny"), ("2", "z")]
    assert sheet.lines.tolist() == [2, 5]


def test_both_ways_of_reading_give_the_same():
    """Both ways of reading give the same."""
    plain = read("a,b\n1,x\n\n2,y\n3\n4,z,\n,\n")
    with_break = read('a,b\n1,x\n\n2,y\n3\n4,z,\n,\n5,"p\nq"\n')
    assert rows_of(plain) == rows_of(with_break)[:-1]
    assert plain.lines.tolist() == with_break.lines.tolist()[:-1] == [2, 4, 6]
    assert plain.odd_rows == with_break.odd_rows


def test_rows_with_too_many_or_too_few_fields_are_kept_apart_with_their_line():
    """Rows with too many or too few fields are kept apart with their line."""
    sheet = read("a;b\n1;2\n3\n4;5;6\n7;8\n")
    assert [(row.line, row.fields) for row in sheet.odd_rows] == [(3, ("3",)), (4, ("4", "5", "6"))]
    assert sheet.lines.tolist() == [2, 5]
    assert sheet.n_rows == 4


def test_empty_fields_at_the_end_of_a_row_are_no_fault():
    """Empty fields at the end of a row are no fault."""
    sheet = read("a;b\n1;2;;;\n3;4\n")
    assert rows_of(sheet) == [("1", "2"), ("3", "4")]
    assert sheet.lines.tolist() == [2, 3]


def test_old_line_ends_are_understood():
    """Old line ends are understood."""
    assert rows_of(read("a,b\r1,2\r3,4\r")) == [("1", "2"), ("3", "4")]


def test_a_quotation_mark_in_the_middle_of_a_field_is_text():
    """A quotation mark in the middle of a field is text."""
    assert rows_of(read('a,b\n1,5" pipe\n2,x\n')) == [("1", '5" pipe'), ("2", "x")]


@pytest.mark.parametrize("data", ['a,b\n1,x\n2,"y\n3,z\n', 'a,b\n1,x\n2,"y\n'])
def test_an_open_quotation_mark_swallows_no_rows(data):
    """An open quotation mark swallows no rows."""
    with pytest.raises(UnreadableInput, match=r"line 3 is never closed"):
        read(data)


@pytest.mark.parametrize("data", [b"", b"  \r\n\n", codecs.BOM_UTF8])
def test_an_empty_file_is_refused(data):
    """An empty file is refused."""
    with pytest.raises(UnreadableInput, match="is empty"):
        read(data)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "XLSX"),
        (b"a;b\n1;\x00\n", "no text"),
        ("a;b\n1;2".encode("utf-16-le"), "no text"),
        (b"a;b\n1;\x81\x8d\n", "no text"),
    ],
)
def test_what_is_no_text_is_refused(data, match):
    """What is no text is refused."""
    with pytest.raises(UnreadableInput, match=match):
        read(data)


FIELD = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters='\n;,\t|"'),
    max_size=12,
)
WESTERN = st.text(st.sampled_from("abcé€ü ;,|\t\"'\n0123-="), max_size=12)


@st.composite
def written(draw):
    """Write a frame as some organisation would."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    width = draw(st.integers(2, 5))
    field = WESTERN if encoding == "cp1252" else FIELD
    rows = draw(st.lists(st.lists(field, min_size=width, max_size=width), max_size=8))
    delimiter = draw(st.sampled_from(";,\t|"))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["score", *(f"column {i}" for i in range(1, width))])
    writer.writerows(rows)
    return stream.getvalue().encode(encoding), rows


@given(written())
def test_what_was_written_reads_back_whatever_the_delimiter_and_encoding(case):
    """What was written reads back whatever the delimiter and encoding."""
    data, rows = case
    sheet = read(data)
    filled = [tuple(row) for row in rows if any(field.strip() for field in row)]
    assert rows_of(sheet) == filled
    assert not sheet.odd_rows
    assert sheet.lines.tolist() == sorted(set(sheet.lines.tolist()))


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=2,
                 max_size=2),
        min_size=1, max_size=6,
    ),
    st.sampled_from([";", ","]),
)  # fmt: skip
def test_records_come_back_as_they_were_written(rows, delimiter):
    """Every record, whatever is in it; a heading may stand on any line."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    assert read_records("x.csv", text.getvalue().encode(), KNOWN) == [["a", "b"], *rows]


def test_a_record_that_is_never_closed_is_refused():
    """It would swallow all rows after it."""
    with pytest.raises(UnreadableInput, match="line 2"):
        read_records("x.csv", b'a;b\n1;"2\n3;4\n', KNOWN)
