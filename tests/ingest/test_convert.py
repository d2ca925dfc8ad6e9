"""How the text of an export becomes a value."""

import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.convert import convert, read_dates, read_numbers
from pipeline.ingest.sheet import number_as_text
from pipeline.tables import TABLES


def converted(table, column, texts, **options):
    """Return the values and the rows that could not be read."""
    result = convert(pa.chunked_array([pa.array(texts, pa.large_string())]),
                     TABLES[table].columns[column], **options)  # fmt: skip
    bad = sorted(row for rows, _ in result.faults for row in rows.tolist())
    values = result.values.astype(object).where(result.values.notna(), None).tolist()
    return values, bad


def test_identifiers_keep_leading_zeros_and_lose_invisible_signs():
    """Identifiers keep leading zeros and lose invisible signs."""
    texts = ["007", " 8 ", "\u200b9\x07", "\u00a010\u00a0", "e\u0301", "", "NA"]
    values, bad = converted("ratings", "employee_id", texts)
    assert values == ["007", "8", "9", "10", "é", None, "NA"]
    assert bad == []


def test_an_identifier_that_a_spreadsheet_rounded_is_refused():
    """An identifier that a spreadsheet rounded is refused."""
    assert converted("ratings", "employee_id", ["1,23457E+11"]) == ([None], [0])


@pytest.mark.parametrize(
    ("text", "number"),
    [("3,5", 3.5), ("3.5", 3.5), ("-2", -2), ("\u22122", -2), ("1.234,5", 1234.5),
     ("1,234.5", 1234.5), ("1.234.567", 1234567), ("+4", 4), (",5", 0.5), ("1E3", 1000)],
)  # fmt: skip
def test_numbers_have_a_decimal_comma_or_point(text, number):
    """Numbers have a decimal comma or point."""
    assert read_numbers([text]) == ([number], {})


@pytest.mark.parametrize("text", ["goed", "3 of 4", "1_000", "inf", "1e999", "٣", "3,", "1.23.4"])
def test_what_is_no_number_is_refused(text):
    """What is no number is refused."""
    numbers, faults = read_numbers([text])
    assert numbers == [None]
    assert list(faults) == [0]


def test_a_mark_before_three_digits_is_read_as_the_rest_of_its_column():
    """A mark before three digits is read as the rest of its column."""
    assert read_numbers(["1.234", "12,5"])[0] == [1234, 12.5]
    assert read_numbers(["1.234", "12.5"])[0] == [1.234, 12.5]
    assert read_numbers(["1,234", "12.5"])[0] == [1234, 12.5]


def test_a_mark_before_three_digits_is_refused_where_the_column_does_not_tell():
    """A mark before three digits is refused where the column does not tell."""
    numbers, faults = read_numbers(["1.234", "5.678", "7"])
    assert numbers == [None, None, 7]
    assert set(faults) == {0, 1}


def test_a_score_cannot_be_in_the_thousands():
    """A score cannot be in the thousands."""
    assert read_numbers(["1.234"], largest=5)[0] == [1.234]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_cell_reads_back_as_the_same_number(value):
    """A number cell reads back as the same number."""
    assert read_numbers([number_as_text(value)])[0] == [pytest.approx(value, abs=0)]


@pytest.mark.parametrize(
    "text", ["3-2-2025", "03-02-2025", "03/02/2025", "2025-02-03", "2025-02-03T23:59:00Z",
             "2025-02-03 12:00:00.5+01:00", "03-02-2025 08:30", "20250203", "3.2.2025"],
)  # fmt: skip
def test_dates_are_dutch_or_iso(text):
    """Dates are Dutch or iso."""
    assert read_dates([text]) == ([dt.date(2025, 2, 3)], {})


@pytest.mark.parametrize(
    "text", ["3-2-25", "31-02-2025", "45000", "gisteren", "03-02/2025", "01-01-0025", "3-2-20255"]
)
def test_what_is_no_date_is_refused(text):
    """What is no date is refused."""
    dates, faults = read_dates([text])
    assert dates == [None]
    assert list(faults) == [0]


def test_dates_with_the_month_first_are_not_turned_around():
    """Dates with the month first are not turned around."""
    dates, faults = read_dates(["12/31/2025", "01/02/2025", "01-02-2025", "03/03/2025"])
    assert dates == [None, None, dt.date(2025, 2, 1), dt.date(2025, 3, 3)]
    assert set(faults) == {0, 1}


def test_day_numbers_are_dates_in_worksheets_only():
    """Day numbers are dates in worksheets only."""
    assert read_dates(["45000"], days_from=dt.date(1899, 12, 30))[0] == [dt.date(2023, 3, 15)]


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
def test_every_day_reads_back_in_both_orders(day):
    """Every day reads back in both orders."""
    assert read_dates([day.isoformat()])[0] == [day]
    assert read_dates([f"{day.day:02d}-{day.month:02d}-{day.year}"])[0] == [day]


def test_flags_are_dutch_or_english():
    """Flags are Dutch or English."""
    texts = ["Ja", "NEE", "yes", "no", "WAAR", "onwaar", "1", "0", "", "soms"]
    values, bad = converted("participants", "attended", texts)
    assert values == [True, False, True, False, True, False, True, False, None, None]
    assert bad == [9]


def test_no_value_is_written_in_many_ways_but_not_in_identifiers():
    """No value is written in many ways but not in identifiers."""
    missing = ["", "-", "n.v.t.", "NA", "NaN"]
    assert converted("ratings", "score", missing) == ([None] * 5, [])
    assert converted("ratings", "rated_on", missing) == ([None] * 5, [])
    assert converted("employees", "department", ["NA", "-"]) == (["NA", "-"], [])


def test_free_text_keeps_its_lines():
    """Free text keeps its lines."""
    values, _ = converted("ratings", "rationale", ["een\r\ntwee\x00\tdrie "])
    assert values == ["een\ntwee\tdrie"]


def test_values_of_the_export_get_their_meaning_whatever_their_capitals():
    """Values of the export get their meaning whatever their capitals."""
    values = {"Ruim voldoende": "4", "": "3"}
    assert converted("ratings", "score", [" RUIM  VOLDOENDE", ""], values=values)[1] == [0]
    assert converted("ratings", "score", [" RUIM VOLDOENDE ", ""], values=values)[0] == [4.0, 3.0]


def test_choices_are_known_whatever_their_capitals_and_spaces():
    """Choices are known whatever their capitals and spaces."""
    texts = ["Follow-up talk", "TRAINING"]
    assert converted("actions", "kind", texts)[0] == ["follow_up_talk", "training"]


def test_a_prefix_comes_before_every_value_that_is_there():
    """A prefix comes before every value that is there."""
    assert converted("ratings", "rater_id", ["1", ""], prefix="s")[0] == ["s1", None]


def test_error_values_of_a_spreadsheet_are_refused_everywhere():
    """Error values of a spreadsheet are refused everywhere."""
    for column in ("employee_id", "score", "rated_on", "rationale", "rater_role"):
        assert converted("ratings", column, ["#N/B", "#REF!"]) == ([None, None], [0, 1])


def test_whole_numbers_have_no_fraction():
    """Whole numbers have no fraction."""
    assert converted("employees", "birth_year", ["1980", "1980,0", "1980,5"]) == (
        [1980, 1980, None],
        [2],
    )


def test_missing_numbers_are_missing_not_zero():
    """Missing numbers are missing not zero."""
    values = convert(pa.chunked_array([["", "3"]], pa.large_string()),
                     TABLES["ratings"].columns["score"]).values  # fmt: skip
    assert math.isnan(values[0])
    assert str(values.dtype) == "float64"
