"""Which tables a file feeds and which column is which."""

import pytest

from pipeline.errors import UnreadableInput

RATINGS = "cycle;employee_id;rater_id;criterion_id;score\n2025;7;8;c1;4\n"
EMPLOYEES = "employee_id;department\n7;Zorg\n8;Zorg\n"


@pytest.mark.parametrize(
    "name", ["employees.csv", "EMPLOYEES.CSV", "employees-2025.csv", "Employees_nieuw.csv"]
)
def test_a_file_is_known_by_its_name(run, keeper, name):
    """A file is known by its name."""
    run({name: EMPLOYEES})
    assert len(keeper.rows["employees"]) == 2


def test_a_file_is_known_by_the_pattern_in_the_settings(run, keeper):
    """A file is known by the pattern in the settings."""
    run({"Export_HR_2025.csv": EMPLOYEES}, '[import.employees]\nfiles = "export_hr*"\n')
    assert len(keeper.rows["employees"]) == 2


def test_a_file_of_no_table_is_refused_and_nothing_is_loaded(run, keeper):
    """A file of no table is refused and nothing is loaded."""
    with pytest.raises(UnreadableInput, match=r"export.csv belongs to no table.*files = "):
        run({"employees.csv": EMPLOYEES, "export.csv": RATINGS})
    assert keeper.n_loads == 0


@pytest.mark.parametrize(
    "header", ["Employee ID;DEPARTMENT", "employeeid;Department", "Employee-Id;department"]
)
def test_capitals_spaces_and_underscores_do_not_matter(run, keeper, header):
    """Capitals spaces and underscores do not matter."""
    run({"employees.csv": EMPLOYEES.replace("employee_id;department", header)})
    assert keeper.rows["employees"]["department"].tolist() == ["Zorg", "Zorg"]


def test_an_exact_name_wins_over_one_that_looks_like_it(run, keeper):
    """An exact name wins over one that looks like it."""
    run({"employees.csv": "employee_id;Department;department\n7;wrong;right\n"})
    assert keeper.rows["employees"]["department"].tolist() == ["right"]


def test_two_columns_that_look_alike_are_refused(run):
    """Two columns that look alike are refused."""
    with pytest.raises(UnreadableInput, match="Employee ID, EMPLOYEE_ID could all be"):
        run({"employees.csv": "Employee ID;EMPLOYEE_ID;department\n7;8;Zorg\n"})


def test_a_name_that_occurs_twice_is_refused(run):
    """A name that occurs twice is refused."""
    with pytest.raises(UnreadableInput, match="more than once: department"):
        run({"employees.csv": "employee_id;department;department\n7;a;b\n"})


DUTCH = """
[import.ratings]
files = "*beoordelingen*"
employee_id = "Personeelsnummer"
rater_id = "Leidinggevende"
criterion_id = { value = "overall" }
cycle = { value = 2025 }
rated_on = "Datum"

[import.ratings.score]
column = "Oordeel"
values = { "ruim voldoende" = 4, "Voldoende" = 3 }

[import.employees]
files = "*beoordelingen*"
employee_id = "Personeelsnummer"
department = "Afdeling"
"""

DUTCH_EXPORT = (
    "Personeelsnummer;Afdeling;Leidinggevende;Oordeel;Datum;Opmerking\r\n"
    "007;Zorg;1;Ruim Voldoende;31-12-2025;café\r\n"
    "007;Zorg;2;voldoende;31-12-2025;\r\n"
    '008;R&D / "Zuid";1;3,0;1-12-2025;\r\n'
)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_dutch_export_feeds_two_tables(run, keeper, encoding):
    """A Dutch export feeds two tables."""
    report = run({"Beoordelingen 2025.csv": DUTCH_EXPORT.encode(encoding)}, DUTCH)
    ratings, employees = keeper.rows["ratings"], keeper.rows["employees"]
    assert ratings["score"].tolist() == [4, 3, 3]
    assert ratings["employee_id"].tolist() == ["007", "007", "008"]
    assert set(ratings["cycle"]) == {"2025"}
    assert set(ratings["criterion_id"]) == {"overall"}
    assert ratings["rated_on"].dt.strftime("%Y-%m-%d").tolist()[-1] == "2025-12-01"
    assert employees["employee_id"].tolist() == ["007", "008"]
    assert employees["department"].tolist() == ["Zorg", 'R&D / "Zuid"']
    assert report.n_rejected == {"employees": 0, "ratings": 0}
    assert report.n_read == {"employees": 2, "ratings": 3}
    assert report.files[0].n_read == 3
    assert report.ignored_columns == {"Beoordelingen 2025.csv": ("Opmerking",)}


def test_a_missing_required_column_is_named_with_what_to_write(run, keeper):
    """A missing required column is named with what to write."""
    with pytest.raises(UnreadableInput) as caught:
        run({"employees.csv": EMPLOYEES, "ratings.csv": RATINGS.replace("score", "Oordeel")})
    text = str(caught.value)
    assert "ratings.csv misses score for table ratings" in text
    assert "Oordeel" in text
    assert 'score = "name in the export"' in text
    assert keeper.n_loads == 0


def test_a_mapped_column_that_the_export_lacks_is_named_as_it_is_mapped(run):
    """A mapped column that the export lacks is named as it is mapped."""
    with pytest.raises(UnreadableInput, match=r"misses Afdeling \(department\)"):
        run({"employees.csv": "employee_id;Dept\n1;a\n"},
            '[import.employees]\ndepartment = "Afdeling"\n')  # fmt: skip


def test_a_mapped_optional_column_that_is_missing_is_a_warning(run):
    """A mapped optional column that is missing is a warning."""
    report = run({"employees.csv": EMPLOYEES}, '[import.employees]\nname = "Naam"\n')
    assert "has no column Naam" in str(report.warnings[0])


def test_a_file_without_header_shows_none_of_its_data(run):
    """A file without header shows none of its data."""
    with pytest.raises(UnreadableInput) as caught:
        run({"employees.csv": "007;Jansen;Zorg\n008;Pietersen;Zorg\n"})
    assert "no column of table employees was found" in str(caught.value)
    assert "Jansen" not in str(caught.value)


@pytest.mark.parametrize("delimiter", [":", " ", "^"])
def test_a_delimiter_that_is_not_known_is_asked_about(run, delimiter):
    """A delimiter that is not known is asked about."""
    with pytest.raises(UnreadableInput, match="delimiter one of ; , tab"):
        run({"employees.csv": EMPLOYEES.replace(";", delimiter)})


def test_a_title_above_the_header_is_pointed_out(run):
    """A title above the header is pointed out."""
    with pytest.raises(UnreadableInput, match="header is on line 3"):
        run({"employees.csv": "Export 2025\n\n" + EMPLOYEES})


def test_a_file_with_only_a_header_is_a_warning(run):
    """A file with only a header is a warning."""
    report = run({"employees.csv": "employee_id;department\n"})
    assert "no rows" in str(report.warnings[0])
    assert report.exit_code == 0


def test_long_names_are_cut_in_messages(run):
    """Long names are cut in messages."""
    with pytest.raises(UnreadableInput) as caught:
        run({"employees.csv": f"employee_id;{'x' * 500}\n1;2\n"})
    assert "x" * 41 not in str(caught.value)
