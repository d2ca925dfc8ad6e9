"""Bad rows: each is refused with its reason, the others are loaded."""

import datetime as dt

import pandas as pd
import pytest

from pipeline.tables import TABLES, dtype_of

HEADER = "cycle;employee_id;rater_id;criterion_id;score\n"


def test_good_rows_have_every_column_in_the_type_of_the_contract(ratings, keeper):
    """Good rows have every column in the type of the contract."""
    ratings("2025;007;008;c1;4\n")
    for table in ("ratings", "employees"):
        frame = keeper.rows[table]
        assert list(frame) == [*TABLES[table].columns, "source_file", "source_line"]
        for column in TABLES[table].columns:
            assert str(frame[column].dtype) == dtype_of(table, column)
    assert keeper.rows["ratings"]["source_file"].tolist() == ["ratings.csv"]
    assert keeper.rows["ratings"]["source_line"].tolist() == [2]
    assert str(frame["source_line"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025;007;008;c2;6", "score: The score is off the scale of 1 to 5 in steps of 1"),
        ("2025;007;008;c2;3,5", "score: The score is off the scale of 1 to 5 in steps of 1"),
        ("2025;007;008;c2;goed", "score: This is not a number"),
        ("2025;007;008;c2;", "score: A value is required here"),
        ("2025;007;;c2;4", "rater_id: A value is required here"),
        ("2025;999;008;c2;4",
         "employee_id: The employee is unknown: not in the store and not in this import"),
        ("2025;007;008;c2", ": The row has 4 fields and the header 5"),
        (f"2025;007;{'r' * 201};c2;4", "rater_id: The text is longer than 200 characters"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_reason(ratings, keeper, reasons, row, reason):
    """A bad row is refused with its reason."""
    report = ratings(f"2025;007;008;c1;4\n{row}\n2025;009;008;c1;5\n")
    assert reasons(report) == {reason: 1}
    assert keeper.rows["ratings"]["source_line"].tolist() == [2, 4]
    assert [(r.file, r.table, r.line) for r in keeper.rejections] == [("ratings.csv", "ratings", 3)]
    assert report.n_rejected == {"employees": 0, "ratings": 1}
    assert report.exit_code == 3


def test_pay_does_not_come_in_as_a_result(run, keeper, reasons):
    """Its rows are refused with a reason; the other results are loaded."""
    report = run(
        {
            "employees.csv": "employee_id;department\n007;Zorg\n",
            "results.csv": "cycle;employee_id;metric;value\n2025;007;Omzet;5\n2025;007;Bonus;9\n",
        }
    )
    reason = "metric: Pay stays out: a rating is calibrated without knowing what it costs or yields"
    assert reasons(report) == {reason: 1}
    assert keeper.rows["results"]["metric"].tolist() == ["Omzet"]


def test_a_row_can_have_several_reasons_and_counts_once(ratings, reasons):
    """A row can have several reasons and counts once."""
    report = ratings("2025;999;;c1;9\n")
    assert len(reasons(report)) == 3
    assert report.n_rejected["ratings"] == 1
    assert report.files[1].n_rejected == 1


def test_rejections_say_whom_they_are_about_for_counting(ratings, keeper):
    """Rejections say whom they are about for counting."""
    ratings("2025;007;008;c1;9\n")
    assert keeper.rejections[0].employee_id == "007"


@pytest.mark.parametrize(("step", "n_bad"), [(1, 2), (0.5, 1), (0, 0)])
def test_the_scale_is_that_of_the_settings(ratings, step, n_bad):
    """The scale is that of the settings."""
    report = ratings(
        "2025;007;008;c1;3,5\n2025;007;008;c2;3,3\n2025;007;008;c3;10\n",
        f"[scale]\nlow = 0\nhigh = 10\nstep = {step}\n",
    )
    assert report.n_rejected["ratings"] == n_bad


def test_an_employee_that_the_store_knows_need_not_come_along(run, keeper):
    """An employee that the store knows need not come along."""
    keeper.ids = {"employees": {"007"}}
    report = run({"ratings.csv": HEADER + "2025;007;8;c1;4\n"})
    assert report.n_rejected == {"ratings": 0}


def test_ratings_of_an_employee_whose_row_was_refused_are_refused(run, keeper):
    """Ratings of an employee whose row was refused are refused."""
    report = run(
        {
            "employees.csv": "employee_id;department\n007;Zorg\n008;\n",
            "ratings.csv": HEADER + "2025;007;x;c1;4\n2025;008;x;c1;4\n",
        }
    )
    assert report.n_rejected == {"employees": 1, "ratings": 1}


@pytest.mark.parametrize(
    ("role", "n_bad", "n_warnings"),
    [("manager", 1, 0), ("second", 1, 0), ("expert", 0, 1), ("", 0, 1)],
)
def test_an_outsider_may_rate_but_not_as_manager(ratings, role, n_bad, n_warnings):
    """An outsider may rate but not as manager."""
    header = HEADER.strip() + ";rater_role\n"
    report = ratings(f"2025;007;outsider;c1;4;{role}\n", header=header)
    assert report.n_rejected["ratings"] == n_bad
    assert len(report.warnings) == n_warnings


CYCLES = "cycle;starts_on;ends_on\n2025;01-01-2025;31-12-2025\n2026;;\n"


@pytest.mark.parametrize(
    ("cycle", "day", "n_bad"),
    [("2025", "01-01-2025", 0), ("2025", "30-04-2026", 0), ("2025", "31-12-2024", 1),
     ("2025", "01-05-2026", 1), ("2026", "01-01-2020", 0), ("2020", "01-01-2025", 0)],
)  # fmt: skip
def test_a_rating_is_given_in_its_cycle_or_soon_after(run, cycle, day, n_bad):
    """A rating is given in its cycle or soon after."""
    employees = "employee_id;department\n007;Zorg\n"
    rows = f"{HEADER.strip()};rated_on\n{cycle};007;x;c1;4;{day}\n"
    report = run({"cycles.csv": CYCLES, "employees.csv": employees, "ratings.csv": rows})
    assert report.n_rejected["ratings"] == n_bad


def test_the_cycles_of_the_store_count_too(run, keeper):
    """The cycles of the store count too."""
    keeper.cycles = pd.DataFrame(
        {
            "cycle": ["2025"],
            "starts_on": [pd.Timestamp("2025-01-01")],
            "ends_on": [pd.NaT],
        }
    )
    keeper.ids = {"employees": {"007"}}
    rows = f"{HEADER.strip()};rated_on\n2025;007;x;c1;4;31-12-2024\n"
    assert run({"ratings.csv": rows}).n_rejected == {"ratings": 1}


def test_evidence_from_the_future_is_refused(run, keeper):
    """Evidence from the future is refused."""
    keeper.ids = {"employees": {"007"}}
    soon = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3)
    report = run({"evidence.csv": f"employee_id;dated_on\n007;{soon}\n007;2020-01-01\n"})
    assert report.n_rejected == {"evidence": 1}


def test_days_in_the_wrong_order_are_refused(run, reasons):
    """Days in the wrong order are refused."""
    report = run(
        {
            "cycles.csv": "cycle;starts_on;ends_on\n2025;31-12-2025;01-01-2025\n",
            "employees.csv": "employee_id;department;hired_on;left_on\n1;A;2-1-2025;1-1-2025\n",
        }
    )
    assert set(reasons(report)) == {
        "ends_on: The period ends before it starts",
        "left_on: The last working day is before the first",
    }


def test_choices_ranges_and_unknown_sessions_are_refused(run, reasons):
    """Choices ranges and unknown sessions are refused."""
    report = run(
        {
            "employees.csv": "employee_id;department;gender;fte;birth_year\n1;A;onbekend;3;1850\n",
            "sessions.csv": "session_id;cycle;department;minutes\ns1;2025;A;60\n",
            "participants.csv": "session_id;person_id\ns1;1\ns2;1\n",
            "criteria.csv": "criterion_id;weight\nc1;-1\n",
        }
    )
    assert set(reasons(report)) == {
        "gender: This is none of: female, male, other",
        "fte: The number is not between 0 and 1.5",
        "birth_year: The number is not between 1900 and 2100",
        "weight: The number is below 0",
        "session_id: The session is unknown: not in the store and not in this import",
    }


def test_a_name_as_long_as_a_story_is_refused(run, keeper, reasons):
    """It would be the heading of a pack; a rationale may be that long."""
    long = "x" * 501
    report = run({"employees.csv": f"employee_id;department;name\n1;Zorg;{long}\n2;{long};Anna\n"})
    assert reasons(report) == {
        "name: The text is longer than 500 characters": 1,
        "department: The text is longer than 500 characters": 1,
    }


def test_odd_department_names_come_in_as_they_are(run, keeper):
    """Odd department names come in as they are."""
    names = ["../../etc", 'R&D / "Zuid"', "Team 🚀", "x" * 300, "=1+1", "Zorg & Welzijn", "zorg"]
    body = "".join(f'{i};"{name.replace(chr(34), chr(34) * 2)}"\n' for i, name in enumerate(names))
    run({"employees.csv": "employee_id;department\n" + body})
    assert keeper.rows["employees"]["department"].tolist() == names
