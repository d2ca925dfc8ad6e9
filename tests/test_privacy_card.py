"""The cut for one person: own rows only, and no text that names somebody else."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from pipeline.errors import Suppressed
from pipeline.ingest import import_files
from pipeline.privacy import OwnOutcome, own_outcome, own_outcomes
from pipeline.settings import read_settings
from pipeline.store import SessionOutcome, open_store
from support import SAMPLE
from support.outcomes import parked

SESSION = "2025-verkoop"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> SessionOutcome:
    """Return what a session of the sample company decided."""
    settings = read_settings(Path(tmp_path_factory.mktemp("home")))
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
        return store.session_outcome(SESSION)


def test_only_the_own_rows_are_kept(outcome: SessionOutcome) -> None:
    """Everybody who works here has a cut, and each row in it is in the tables under that number."""
    data, staff = outcome.data, outcome.data.employees
    found = list(own_outcomes(outcome))
    assert [one.employee_id for one in found] == sorted(
        staff.loc[staff["left_on"].isna(), "employee_id"]
    )
    assert staff["left_on"].notna().any()
    for one in found:
        who = one.employee_id
        texts = set(data.evidence.loc[data.evidence["employee_id"].eq(who), "text"])
        assert {row["text"] for row in one.evidence if isinstance(row["text"], str)} <= texts
        assert len(one.evidence) == len(data.evidence[data.evidence["employee_id"].eq(who)])
        decided = outcome.decisions[outcome.decisions["subject"].eq(who)]
        assert set(one.decisions) == set(decided["criterion_id"])
        assert {row["text"] for row in one.goals} <= set(
            data.goals.loc[data.goals["owner_id"].eq(who), "text"]
        )
        assert own_outcome(outcome, who) == one or one.decisions  # a missing number equals nothing


def test_no_rater_and_no_decider_is_left(outcome: SessionOutcome) -> None:
    """Neither who rated, nor who decided, dissented or wrote something down."""
    for one in own_outcomes(outcome):
        known = {
            name for row in (*one.evidence, *one.goals, *one.decisions.values()) for name in row
        }
        assert known <= {
            "criterion_id", "score_before", "score_after", "outcome", "argument", "dated_on",
            "kind", "text", "due_on", "status",
        }  # fmt: skip
    assert "rater_id" not in {field.name for field in fields(OwnOutcome)}


def test_the_managers_score_stands(outcome: SessionOutcome) -> None:
    """Where a second rater gave another score, it is the own manager's that is told."""
    data = outcome.data
    managers = data.employees.set_index("employee_id")["manager_id"]
    given = data.ratings.set_index(["employee_id", "criterion_id", "rater_id"])[
        "score"
    ].sort_index()
    differing = 0
    for one in own_outcomes(outcome):
        for criterion, score in one.scores.items():
            key = (one.employee_id, criterion, managers[one.employee_id])
            if key in given.index:
                assert score == given[key]
                differing += given.loc[key[:2]].nunique() > 1
    assert differing > 20


def test_scores_that_differ_without_a_manager_are_not_chosen_from(outcome: SessionOutcome) -> None:
    """Nothing is computed: no mean of two raters, and nobody's score is preferred."""
    ratings = outcome.data.ratings.assign(rater_role="second")
    data = replace(
        outcome.data, ratings=ratings, employees=outcome.data.employees.assign(manager_id=None)
    )
    scores = [s for one in own_outcomes(replace(outcome, data=data)) for s in one.scores.values()]
    assert None in scores
    assert set(scores) <= {None, 1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_text_that_names_a_colleague_is_withheld_and_counted(outcome: SessionOutcome) -> None:
    """Arguments, evidence and parked items alike; the others stay."""
    who = str(outcome.decisions["subject"].iloc[0])
    other = next(
        name
        for one, name in zip(outcome.data.people["employee_id"], outcome.data.people["name"],
                             strict=True)
        if one != who
    )  # fmt: skip
    named = outcome.decisions["argument"].where(
        outcome.decisions["subject"].ne(who), f"Deed het beter dan {other.upper()}."
    )
    changed = replace(
        outcome,
        decisions=outcome.decisions.assign(argument=named),
        parked=parked({"text": f"{who}: vraag {other}", "due_on": "2026-02-01"}),
    )
    before, after = own_outcome(outcome, who), own_outcome(changed, who)
    (row,) = after.decisions.values()
    assert isinstance(row["argument"], Suppressed)
    assert isinstance(after.parked[0]["text"], Suppressed)
    assert (before.n_withheld, after.n_withheld) == (0, 2)
    # the parked item is about both of them
    assert sum(one.n_withheld for one in own_outcomes(changed)) == 3
