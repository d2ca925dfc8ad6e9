"""What models add to criteria, gaps and cases: evidence with its interval, never a grade."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.methods.results_mismatch import CAVEAT, ResultsMismatch
from pipeline.methods.under_the_radar import UnderTheRadar
from pipeline.store import SessionData

from .conftest import MakePack, Shape, session_data, table
from .test_sessions import text_of

NESTED = Shape(second=False)


def with_results() -> SessionData:
    """Return a session where ratings follow results, but for one person."""
    data = session_data(Shape(n_people=40, n_raters=4))
    score = data.ratings.groupby("employee_id")["score"].mean()
    people = list(score.index)
    odd = str(score.idxmax())
    random = np.random.default_rng(5)
    rows = [
        {
            "employee_id": person,
            "cycle": "2026",
            "metric": "Omzet",
            "value": 40.0
            if person == odd
            else 100 + 20 * (score[person] - 3) + random.normal(0, 4),
            "target": 100.0,
        }
        for person in people
    ]
    return replace(data, results=table("results", rows))


def with_evidence(n_days: int) -> SessionData:
    """Return a session with evidence spread over so many days before the end of the cycle."""
    data = session_data()
    people = list(data.employees["employee_id"])
    last = pd.Timestamp("2026-12-31")
    rows = [
        {
            "employee_id": people[i % len(people)],
            "dated_on": last - pd.Timedelta(days=(i * 37) % n_days),
            "kind": "example",
        }
        for i in range(60)
    ]
    cycle = table("cycles", [{"cycle": "2026", "starts_on": pd.Timestamp("2026-01-01"),
                              "ends_on": last}])  # fmt: skip
    return replace(data, evidence=table("evidence", rows), cycle=cycle)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_case_shows_the_score_with_the_average_rater(pack_of: MakePack, language: str) -> None:
    """With its interval, raters and borrowed share, and in words what it is not."""
    pack = pack_of(language=language)
    case = pack.context.plan.cases[0]
    rows = pack.context.analysis.expected.subjects.set_index("subject_id")  # type: ignore[union-attr]  # there is an answer
    row = rows.loc[case.subject_id]
    html = str(pack.cases().html)
    between = pack.context.interval(row["ci_low"], row["ci_high"])
    assert f"{pack.context.score(row['expected'])} ({between})" in html
    assert pack.context.percent(row["borrowed"]) in html
    if language == "en":
        assert "never a grade" in html


@pytest.mark.parametrize("options", [{}, {"audience": "manager", "viewer_id": "r00001"}])
def test_where_nobody_can_tell_there_is_no_such_score(
    pack_of: MakePack, options: dict[str, str]
) -> None:
    """One rater per person, or one manager's own ratings: no expected score, no explanation."""
    html = str(pack_of(NESTED, **options).cases().html)
    assert "With the average rater" not in html
    assert "How to read the numbers" not in html


def test_the_organisation_has_no_cases_and_no_expected_scores(pack_of: MakePack) -> None:
    """Aggregates only."""
    assert "With the average rater" not in str(pack_of(audience="organisation").cases().html)


def test_who_is_far_from_results_becomes_a_case_with_the_caveat(pack_of: MakePack) -> None:
    """The rule shows its numbers, asks, and says what results do not measure."""
    pack = pack_of(with_results())
    found = pack.context.analysis.results_mismatch
    assert isinstance(found, ResultsMismatch)
    flagged = set(found.employees.loc[found.employees["flagged"], "employee_id"])
    assert flagged
    ruled = {
        case.employee_id
        for case in pack.context.plan.cases
        if any(rule.name == "results" for rule in case.rules)
    }
    assert ruled == flagged
    text = text_of(str(pack.cases().html))
    assert "points higher than is usual with such results" in text
    assert str(CAVEAT) in text
    assert "far from results" in text


def test_who_is_under_the_radar_becomes_a_case(pack_of: MakePack) -> None:
    """Somebody who rises, unseen, gets a question; the number has its interval."""
    data = session_data()
    people = sorted(data.employees["employee_id"])
    rng = np.random.default_rng(2)
    now = data.ratings.groupby("employee_id")["score"].mean()
    past = [
        {
            "employee_id": person,
            "cycle": cycle,
            "subject_id": person,
            "rater_id": "r00000",
            "criterion_id": "c1",
            "score": now[person]
            + (-1.5 * back if person == people[11] else 0)
            + rng.normal(0, 0.1),
        }
        for person in people
        for back, cycle in ((1, "2025"), (2, "2024"), (3, "2023"))
    ]
    data = replace(data, past_ratings=pd.DataFrame(past), cycles=("2023", "2024", "2025", "2026"))
    pack = pack_of(data)
    found = pack.context.analysis.under_the_radar
    assert isinstance(found, UnderTheRadar)
    flagged = set(found.employees.loc[found.employees["under_the_radar"], "employee_id"])
    assert flagged == {people[11]}
    (case,) = (c for c in pack.context.plan.cases if c.employee_id == people[11])
    rule = next(rule for rule in case.rules if rule.name == "under_the_radar")
    text = pack.context.say(rule.message)
    assert "points a cycle beside colleagues (interval" in text
    assert "pieces of evidence recorded" in text or "piece of evidence recorded" in text


def test_unexpected_scores_are_a_fact_of_the_case(pack_of: MakePack) -> None:
    """One score far from all else is shown with who gave it and what was expected."""
    data = session_data(Shape(n_people=40, n_raters=4, n_criteria=4))
    ratings = data.ratings.copy()
    own = ratings.groupby("employee_id")["score"].transform("mean")
    at = own.idxmax()
    ratings.loc[at, "score"] = 1.0
    pack = pack_of(replace(data, ratings=ratings))
    found = pack.context.analysis.ordinal.unexpected  # type: ignore[union-attr]  # there is an answer
    assert ratings.loc[at, "subject_id"] in set(found["subject_id"])
    assert "Unexpected score" in str(pack.cases().html)


def test_late_evidence_is_set_beside_an_even_spread(pack_of: MakePack) -> None:
    """The share has its interval; all evidence from the last weeks calls for a guard."""
    late = text_of(str(pack_of(with_evidence(30)).gaps().html))
    assert "spread evenly it would be 16%" in late
    assert "Guard against judging the last weeks" in late
    assert "Why it is not known whether ratings follow late evidence" in late
    even = text_of(str(pack_of(with_evidence(360)).gaps().html))
    assert "Guard against" not in even
    assert "points per piece of evidence" in even


def test_criteria_show_agreement_beyond_chance_with_intervals(pack_of: MakePack) -> None:
    """Alpha beside the ICC, kappa for who opens it."""
    pack = pack_of()
    html = str(pack.criteria().html)
    rows = pack.context.analysis.agreement.criteria  # type: ignore[union-attr]  # there is an answer
    for row in rows.to_dict("records"):
        assert pack.context.interval(row["alpha_low"], row["alpha_high"]) in html
        assert pack.context.interval(row["kappa_low"], row["kappa_high"]) in html
    assert "Beyond chance (alpha)" in html


def test_criteria_of_the_organisation_show_agreement(pack_of: MakePack) -> None:
    """Where scores per criterion are hidden, agreement remains, and no table is empty."""
    pack = pack_of(Shape(n_people=24, n_raters=6), audience="organisation")
    assert pack.context.analysis.distribution.by_criterion.empty  # type: ignore[union-attr]  # there is an answer
    html = str(pack.criteria().html)
    assert "Beyond chance (alpha)" in html
    assert "Criterion c1" in html


def test_a_nested_session_gathers_reasons_in_folds(pack_of: MakePack) -> None:
    """Where nobody shares a person there are reasons, and no empty column."""
    html = str(pack_of(NESTED).criteria().html)
    assert "Beyond chance (alpha)" not in html
    assert "Severity per criterion: not estimable" in html


def test_a_case_opens_with_the_first_that_was_written_and_folds_the_rest(
    pack_of: MakePack,
) -> None:
    """Two rationales at once, the others one click away; a quiet case folds all below its facts."""
    data = session_data()
    said = [f"Saw it on day {number}." for number in range(len(data.ratings))]
    pack = pack_of(replace(data, ratings=data.ratings.assign(rationale=said)), language="en")
    html = str(pack.cases().html)
    opened = re.findall(r"<h4>Rationales</h4>\s*<ul>(.*?)</ul>", html, flags=re.DOTALL)
    assert opened
    assert {one.count("<li>") for one in opened} <= {1, 2}
    assert re.search(r"<summary>\d+ more rationales?</summary>", html)
    cards = [case for case in pack.context.plan.cases if case.session == 1][:25]
    assert html.count("case-fold") == sum(case.is_quiet for case in cards) > 0


def test_a_case_draws_the_scores_of_earlier_cycles(pack_of: MakePack) -> None:
    """With the same numbers in words for who does not see the line."""
    assert re.search(r'aria-label="2025: 3\.00, 2026: \d\.\d\d"', str(pack_of().cases().html))
