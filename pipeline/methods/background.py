"""To which group does each employee belong, on an attribute that may lawfully be compared?

Gender is taken as recorded. Age, tenure and working hours are cut at fixed borders, so that a pack
never shows an age or a date: age 35 and 50, tenure 2 and 10 years, working hours full-time or less.
Attributes that the law protects more strictly never reach the store (`ingest/special.py`).

It cannot tell whether a recorded attribute fits the person.
"""

from __future__ import annotations

import pandas as pd

ATTRIBUTES = ("gender", "age", "tenure", "working_hours")
_AGES, _YEARS = (35, 50), (2, 10)
_DAYS_PER_YEAR = 365.25


def background_groups(
    employees: pd.DataFrame, attribute: str, *, on: pd.Timestamp | None
) -> pd.Series:
    """Return the group of each employee, by employee_id; missing where it is not known.

    Parameters
    ----------
    employees
        employee_id, gender, birth_year, hired_on, fte.
    attribute
        One of `ATTRIBUTES`.
    on
        Day at which age and tenure count; without it they are not known.
    """
    rows = employees.drop_duplicates("employee_id").set_index("employee_id")
    if attribute == "gender":
        return rows["gender"]
    if attribute == "working_hours":
        fte = rows["fte"].astype("float64")
        return _named(fte, (1.0,), ("part-time", "full-time"))
    if attribute == "age":
        years = (on.year if on is not None else float("nan")) - rows["birth_year"].astype("float64")
        return _named(years, _AGES, ("under 35", "35 to 49", "50 and over"))
    days = (on if on is not None else pd.NaT) - pd.to_datetime(rows["hired_on"])
    years = days.dt.days / _DAYS_PER_YEAR
    return _named(years, _YEARS, ("under 2 years", "2 to 9 years", "10 years and over"))


def _named(values: pd.Series, borders: tuple[float, ...], names: tuple[str, ...]) -> pd.Series:
    """Name the interval of each value; a border belongs to the interval above it."""
    cut = pd.cut(values, [-float("inf"), *borders, float("inf")], right=False, labels=list(names))
    return cut.astype("str").where(values.notna()).astype("str")
