"""Shared ratings that would link raters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.linking import (
    PRESENT,
    SECOND_RATINGS,
    SHARED_CASES,
    Linking,
    estimate_linking,
)
from pipeline.numerics.linking_precision import linking_precision
from pipeline.numerics.subject_rater import solve_subject_rater

TRUE = {"var_team": 0.10, "var_subject": 0.45, "var_rater": 0.15, "var_error": 0.30}


def own_reports(n_raters: int = 10, n_each: int = 6) -> pd.DataFrame:
    """Managers who rate only their own reports."""
    pairs = [(r, s) for r in range(n_raters) for s in range(n_each)]
    return pd.DataFrame(
        {
            "rater_id": [f"r{r:03}" for r, _ in pairs],
            "employee_id": [f"e{r:03}{s}" for r, s in pairs],
            "subject_id": [f"e{r:03}{s}" for r, s in pairs],
            "criterion_id": "a",
            "score": 3.0,
        }
    )


def plan(found: Linking, kind: str, size: int) -> pd.Series:
    """One plan."""
    return found.plans.set_index(["kind", "size"]).loc[(kind, size)]


@pytest.mark.parametrize(
    ("share", "booked"), [(0.0, 0.58), (0.10, 0.51), (0.25, 0.40), (0.50, 0.29), (1.0, 0.15)]
)
def test_team_level_booked_as_severity_is_what_simulation_gave(share: float, booked: float) -> None:
    """Reference simulation of 40 managers × 8 reports, part rated by another manager."""
    rng = np.random.default_rng(1)
    subject = np.arange(320)
    own = subject // 8
    drawn = rng.permutation(320)[: round(share * 320)]
    other = (own[drawn] + rng.integers(1, 40, len(drawn))) % 40
    found = linking_precision(
        np.concatenate([subject, drawn]), np.concatenate([own, other]), own, **TRUE
    )
    assert found.team_share == pytest.approx(booked, abs=0.015)


def test_the_exact_error_is_the_simulated_error() -> None:
    """Severities simulated with teams that differ, and estimated as the workbench does."""
    found = estimate_linking(own_reports(), sizes=(2,))
    extra = found.proposals[found.proposals["kind"] == SECOND_RATINGS]
    every = pd.concat([own_reports(), extra])[["rater_id", "subject_id"]]
    rater = pd.factorize(every["rater_id"], sort=True)[0]
    subject = pd.factorize(every["subject_id"], sort=True)[0]
    rng = np.random.default_rng(4)
    errors = []
    for _ in range(400):
        strict = rng.normal(0, 0.15**0.5, 10)
        level = rng.normal(0, 0.1**0.5, 10)[np.arange(60) // 6] + rng.normal(0, 0.45**0.5, 60)
        score = level[subject] - strict[rater] + rng.normal(0, 0.3**0.5, len(rater))
        solved = solve_subject_rater(
            score,
            np.ones((len(score), 1)),
            {"subject": subject, "rater": rater},
            {"subject": 0.55, "rater": 0.15, "residual": 0.3},
        )
        off = -solved.rater - strict
        errors.append(off - off.mean())
    assert plan(found, SECOND_RATINGS, 2)["se"] == pytest.approx(
        np.sqrt(np.mean(np.square(errors))), rel=0.04
    )


def test_more_shared_ratings_buy_more_precision() -> None:
    """Errors fall and reliability rises with the size, for both ways."""
    found = estimate_linking(own_reports())
    present = plan(found, PRESENT, 0)
    assert not present["linked"]
    for kind in (SECOND_RATINGS, SHARED_CASES):
        own = found.plans[found.plans["kind"] == kind]
        assert own["linked"].all()
        assert own["se"].is_monotonic_decreasing
        assert own["reliability"].is_monotonic_increasing
        assert own["team_as_severity"].is_monotonic_decreasing
        assert own["se"].iloc[0] < present["se"]
        assert own["n_extra"].tolist() == [10 * size for size in (1, 2, 3, 5, 8)]
        assert (own["se_low"] <= own["se"]).all()
        assert (own["se"] <= own["se_high"]).all()


def test_the_table_is_balanced_and_nobody_rates_twice_or_his_own() -> None:
    """Everybody gives as many ratings, people get about as many, and none is there already."""
    rated = own_reports()
    extra = estimate_linking(rated).proposals
    seconds = extra[extra["kind"] == SECOND_RATINGS]
    assert (seconds.groupby("rater_id").size() == 8).all()
    assert seconds.groupby("subject_id").size().max() == 2
    assert not seconds.duplicated(["rater_id", "subject_id"]).any()
    assert (seconds["rater_id"] != seconds["beside"]).all()
    cases = extra[extra["kind"] == SHARED_CASES]
    assert (cases.groupby("case")["rater_id"].nunique() == 10).all()
    assert cases["subject_id"].isna().all()


def test_nobody_rates_oneself_or_the_own_manager() -> None:
    """Managers who are rated by a director rate neither themselves nor the director."""
    rated = own_reports(3, 4)
    above = pd.DataFrame(
        {"rater_id": "boss", "employee_id": ["r000", "r001", "r002"], "score": 3.0}
    ).assign(subject_id=lambda d: d["employee_id"], criterion_id="a")
    over = pd.DataFrame(
        {"rater_id": ["chair"], "employee_id": ["boss"], "subject_id": ["boss"], "score": [3.0]}
    ).assign(criterion_id="a")
    self_rating = rated.head(3).assign(rater_id=rated["employee_id"])
    found = estimate_linking(pd.concat([rated, above, over, self_rating]))
    assert found.n_raters == 5
    seconds = found.proposals[found.proposals["kind"] == SECOND_RATINGS]
    assert len(seconds)
    assert (seconds["rater_id"] != seconds["subject_id"]).all()
    below = seconds["rater_id"].isin(["r000", "r001", "r002"])
    assert not (below & (seconds["subject_id"] == "boss")).any()


def test_ratings_that_are_linked_already_are_counted_in() -> None:
    """Shared subjects already there make the present precision better."""
    rated = own_reports()
    again = rated.iloc[::2].assign(rater_id=lambda d: d["rater_id"].to_numpy()[::-1])
    found = estimate_linking(pd.concat([rated, again]))
    alone = plan(estimate_linking(rated), PRESENT, 0)
    assert plan(found, PRESENT, 0)["reliability"] > alone["reliability"]


def test_own_variances_replace_the_assumed_ones_and_are_told_apart() -> None:
    """What is given is not called assumed."""
    found = estimate_linking(own_reports(), variances={"severity": 0.3})
    assumed = found.variances.set_index("source")["assumed"]
    assert assumed.to_dict() == {
        "team": True, "employee": True, "severity": False, "error": True,
    }  # fmt: skip
    usual = estimate_linking(own_reports())
    assert plan(found, PRESENT, 0)["reliability"] > plan(usual, PRESENT, 0)["reliability"]


def test_where_people_run_out_fewer_are_proposed() -> None:
    """Two raters with two reports each can give each other two second ratings, not eight."""
    found = estimate_linking(own_reports(2, 2))
    assert (found.proposals["kind"] == SECOND_RATINGS).sum() == 4
    assert plan(found, SECOND_RATINGS, 8)["n_extra"] == 4
    assert plan(found, SHARED_CASES, 8)["n_extra"] == 16


def test_order_of_rows_changes_nothing() -> None:
    """The table follows identifiers, not the order of the export."""
    rated = own_reports()
    one, two = estimate_linking(rated), estimate_linking(rated.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.proposals, two.proposals)
    pd.testing.assert_frame_equal(one.plans, two.plans)


@pytest.mark.parametrize("rated", [own_reports(1), own_reports().iloc[:1]])
def test_one_rater_is_refused(rated: pd.DataFrame) -> None:
    """Nobody to be linked with."""
    with pytest.raises(NotEstimable, match="only one rater"):
        estimate_linking(rated)


def test_no_ratings_are_refused() -> None:
    """A reason in words."""
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate_linking(own_reports().assign(score=np.nan))


def test_many_raters_with_one_rating_each_get_a_table() -> None:
    """Hundreds of raters take seconds at most."""
    found = estimate_linking(own_reports(300, 1), sizes=(1, 3))
    assert found.plans["linked"].tolist() == [False, True, True, True, True]
