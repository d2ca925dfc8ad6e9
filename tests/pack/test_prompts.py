"""Questions against bias appear where the data give a reason, and only there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.agenda import Case
from pipeline.pack.context import Context
from pipeline.pack.sections import prompts

from .conftest import MakePack

CASE = {"rules": (), "minutes": 2.0, "session": 1}


@pytest.fixture
def context(pack_of: MakePack) -> Context:
    """Return a context with cases in it, in English."""
    return pack_of().context


def asked(context: Context, person: str, **tables: pd.DataFrame) -> str:
    """Return the prompts of one person, with other tables."""
    analysis = replace(context.analysis, data=replace(context.data, **tables))
    with_case = replace(
        context,
        view=replace(context.view, analysis=analysis),
        plan=replace(context.plan, cases=(Case(person, person, **CASE),)),
    )
    return " ".join(prompts.of_case(with_case, with_case.plan.cases[0]))


def with_one(context: Context, **values: object) -> tuple[str, pd.DataFrame]:
    """Return a person and the employees, in which that person alone differs."""
    plain = {"location": "Utrecht", "fte": 1.0, "hired_on": pd.Timestamp("2010-01-01")}
    table = context.data.employees.assign(**plain)
    table = table.astype({"location": object, "fte": float})
    person = str(table["employee_id"].iloc[0])
    for name, value in values.items():
        table.loc[table["employee_id"] == person, name] = value
    return person, table


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"location": "Maastricht"}, "few of the department"),
        ({"fte": 0.5}, "part-time"),
    ],
)
def test_who_is_seen_less_is_asked_about(
    context: Context, values: dict[str, object], words: str
) -> None:
    """Another place or part-time brings the question; colleagues get none."""
    person, employees = with_one(context, **values)
    assert words in asked(context, person, employees=employees)
    other = str(employees["employee_id"].iloc[1])
    assert words not in asked(context, other, employees=employees)


def test_late_evidence_is_asked_about(context: Context) -> None:
    """Two in three pieces from the last weeks bring the question; one in three does not."""
    person, employees = with_one(context)
    cycle = pd.DataFrame({"cycle": ["2026"], "ends_on": [pd.Timestamp("2026-12-31")]})
    for late, words in ((2, "2 of 3 pieces"), (1, "")):
        days = [dt.date(2026, 12, 1)] * late + [dt.date(2026, 3, 1)] * (3 - late)
        evidence = context.data.evidence.iloc[:0].reindex(range(3))
        evidence = evidence.assign(employee_id=person, dated_on=days)
        text = asked(context, person, employees=employees, evidence=evidence, cycle=cycle)
        assert ("pieces of evidence" in text) == bool(words)
        assert words in text


def test_a_long_relationship_is_asked_about(context: Context) -> None:
    """The same rater in a fourth cycle brings the question, in a third not."""
    person, employees = with_one(context)
    rated = context.data.ratings
    rater = rated.loc[rated["employee_id"] == person, "rater_id"].iloc[0]
    for n, expected in ((3, True), (2, False)):
        past = pd.DataFrame(
            {"employee_id": person, "rater_id": rater, "cycle": [str(2020 + i) for i in range(n)]}
        )
        text = asked(context, person, employees=employees, past_ratings=past)
        assert ("newcomer" in text) == expected
