"""Ratings beside measured results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.results_mismatch import CAVEAT, estimate_results_mismatch


def measured(
    seed: int = 0, *, n: int = 40, slope: float = 0.5, noise: float = 0.3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings that follow results on two metrics in different units."""
    rng = np.random.default_rng(seed)
    people = [f"e{i:03}" for i in range(n)]
    good = rng.normal(size=n)
    rated = pd.DataFrame(
        [
            (p, "r0", f"c{c}", 3 + slope * good[i] + rng.normal(0, noise) * 0.5)
            for i, p in enumerate(people)
            for c in range(4)
        ],
        columns=["employee_id", "rater_id", "criterion_id", "score"],
    )
    results = pd.DataFrame(
        {
            "cycle": "2025",
            "employee_id": people * 2,
            "metric": ["calls"] * n + ["days late"] * n,
            "value": np.concatenate([100 + 10 * good, 5 - 0.5 * good]) + rng.normal(0, 0.1, 2 * n),
            "target": [100.0] * n + [5.0] * n,
        }
    )
    return rated, results


def estimate(rated: pd.DataFrame, results: pd.DataFrame, **options: object):
    """Mismatch with the second metric read as less is better."""
    return estimate_results_mismatch(
        rated, results=results, lower_is_better=["days late"], **options
    )


def test_someone_rated_far_below_the_results_is_found() -> None:
    """Only the person whose ratings were lowered is flagged, with a negative mismatch."""
    rated, results = measured(1)
    lower = rated.assign(score=rated["score"] - 1.5 * (rated["employee_id"] == "e007"))
    found = estimate(lower, results).employees
    assert found.loc[found["flagged"], "employee_id"].tolist() == ["e007"]
    row = found.set_index("employee_id").loc["e007"]
    assert row["score"] < row["pi_low"] < row["predicted"]
    assert row["mismatch"] == pytest.approx(row["score"] - row["predicted"])


def test_deleted_residuals_equal_statsmodels() -> None:
    """Prediction and p-value equal statsmodels' externally studentised residuals."""
    found = estimate(*measured(2))
    people = found.employees
    fit = sm.OLS(people["score"], sm.add_constant(people["result"])).fit()
    assert found.slope == pytest.approx(fit.params["result"])
    assert [found.slope_low, found.slope_high] == pytest.approx(fit.conf_int().loc["result"])
    influence = fit.get_influence()
    outside = influence.resid_studentized_external
    expected = 2 * stats.t.sf(np.abs(outside), len(people) - 3)
    assert people["p"].to_numpy() == pytest.approx(np.asarray(expected), rel=1e-6)


def test_prediction_intervals_cover() -> None:
    """The interval from all others covers the person in about 95 %, and few are flagged."""
    runs = [estimate(*measured(seed)) for seed in range(60)]
    covered = [
        run.employees["score"].between(run.employees["pi_low"], run.employees["pi_high"]).mean()
        for run in runs
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
    assert np.mean([run.employees["flagged"].any() for run in runs]) < 0.12


def test_nobody_is_named_where_ratings_do_not_follow_results() -> None:
    """Without a relation an outlying rating is no mismatch."""
    rated, results = measured(3, slope=0.0)
    lower = rated.assign(score=rated["score"] - 2.0 * (rated["employee_id"] == "e007"))
    found = estimate(lower, results)
    assert not found.follows
    assert not found.employees["flagged"].any()


def test_units_order_and_shifts_change_nothing() -> None:
    """Results in another unit, another order and higher scores give the same mismatch."""
    rated, results = measured(4)
    found = estimate(rated, results).employees
    calls = results["metric"] == "calls"
    other = results.assign(value=results["value"].where(~calls, results["value"] * 7))
    other["target"] = other["target"].where(~calls, other["target"] * 7)
    again = estimate(rated.assign(score=rated["score"] + 2), other.sample(frac=1, random_state=0))
    assert again.employees["mismatch"].to_numpy() == pytest.approx(found["mismatch"].to_numpy())


def test_missing_targets_are_read_as_plain_values() -> None:
    """Without targets, values are compared as they are."""
    rated, results = measured(5)
    found = estimate(rated, results.drop(columns="target"))
    assert found.correlation > 0.8


def test_too_little_is_refused() -> None:
    """Few people, equal scores or equal results are refused with the reason."""
    rated, results = measured(6)
    with pytest.raises(NotEstimable, match="results that can be set beside"):
        estimate(rated, results.iloc[:4])
    with pytest.raises(NotEstimable, match="results that can be set beside"):
        estimate(rated, results, cycle="1999")
    with pytest.raises(NotEstimable, match="results that can be set beside"):
        estimate(rated, results.assign(value=3.0))
    with pytest.raises(NotEstimable, match="ratings are the same"):
        estimate(rated.assign(score=3.0), results)
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate(rated.iloc[:0], results)
    assert "luck" in str(CAVEAT)
