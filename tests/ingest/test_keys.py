"""Rows that repeat or contradict each other."""

EMPLOYEES = "employee_id;department\n007;Zorg\n"
HEADER = "cycle;employee_id;rater_id;criterion_id;score\n"


def details(keeper):
    """Return line, column and reason of each rejection."""
    return [(r.line, r.column, str(r.reason)) for r in keeper.rejections]


def test_the_second_of_two_identical_rows_is_a_duplicate(ratings, keeper, reasons):
    """The second of two identical rows is a duplicate."""
    report = ratings("2025;007;008;c1;4\n2025;007;008;c2;4\n2025;007;008;c1;4,0\n")
    [(line, _, reason)] = details(keeper)
    assert (line, reason) == (4, "The row is a duplicate of line 2")
    assert keeper.rows["ratings"]["source_line"].tolist() == [2, 3]
    assert list(reasons(report).values()) == [1]


def test_rows_that_contradict_each_other_are_all_refused(ratings, keeper):
    """Rows that contradict each other are all refused."""
    ratings("2025;007;008;c1;4\n2025;007;008;c1;5\n2025;007;008;c2;5\n")
    assert details(keeper) == [
        (2, "score", "The row contradicts line 3: we cannot know which one is right"),
        (3, "score", "The row contradicts line 2: we cannot know which one is right"),
    ]
    assert keeper.rows["ratings"]["criterion_id"].tolist() == ["c2"]


def test_of_many_contradicting_rows_a_few_lines_are_named(ratings, keeper):
    """Of many contradicting rows a few lines are named."""
    ratings("".join(f"2025;007;008;c1;{score}\n" for score in (1, 2, 3, 4, 5)))
    assert details(keeper)[0][2].startswith("The row contradicts line 3, 4, 5, …")
    assert len(details(keeper)) == 5


def test_rows_of_different_files_are_compared_and_the_file_is_named(run, keeper):
    """Rows of different files are compared and the file is named."""
    row = "2025;007;008;c1;4\n"
    run({"employees.csv": EMPLOYEES, "ratings-a.csv": HEADER + row, "ratings-b.csv": HEADER + row})
    [rejection] = keeper.rejections
    assert rejection.file == "ratings-b.csv"
    assert str(rejection.reason) == "The row is a duplicate of line 2 (ratings-a.csv)"


def test_a_bad_row_does_not_contradict_a_good_one(ratings, keeper):
    """A bad row does not contradict a good one."""
    ratings("2025;007;008;c1;9\n2025;007;008;c1;4\n")
    assert keeper.rows["ratings"]["score"].tolist() == [4]


def test_an_employee_in_two_departments_is_refused(run, keeper):
    """An employee in two departments is refused."""
    run({"employees.csv": EMPLOYEES + "007;Techniek\n008;Zorg\n"})
    assert details(keeper) == [
        (2, "department", "The employee is in two departments in the same cycle: see line 3"),
        (3, "department", "The employee is in two departments in the same cycle: see line 2"),
    ]
    assert keeper.rows["employees"]["employee_id"].tolist() == ["008"]


def test_an_employee_may_change_department_between_cycles(run, keeper):
    """An employee may change department between cycles."""
    run({"employees.csv": "employee_id;department;cycle\n7;A;2024\n7;B;2025\n7;C;\n"})
    assert len(keeper.rows["employees"]) == 3


def test_identical_employees_of_a_file_that_feeds_two_tables_are_one(run, keeper):
    """Identical employees of a file that feeds two tables are one."""
    toml = '[import.ratings]\nfiles = "all*"\n[import.employees]\nfiles = "all*"\n'
    header = "cycle;employee_id;department;rater_id;criterion_id;score\n"
    body = "2025;1;A;r1;c;4\n2025;1; A;r2;c;4\n2025;1;A;r3;c;4\n2025;2;A;r1;c;4\n2025;2;B;r2;c;4\n"
    report = run({"all.csv": header + body}, toml)
    assert keeper.rows["employees"]["employee_id"].tolist() == ["1"]
    assert report.n_rejected == {"employees": 2, "ratings": 2}
    assert {r.column for r in keeper.rejections} == {"department", "employee_id"}
    assert report.files[0].n_rejected == 2


def test_missing_key_parts_are_equal(ratings, keeper):
    """Missing key parts are equal."""
    ratings("2025;007;008;c1;4;\n2025;007;008;c1;5;\n", header=HEADER.strip() + ";subject_id\n")
    assert len(keeper.rejections) == 2
