"""Recency: the last quarter beside the year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from pipeline.errors import NotEstimable
from pipeline.methods.recency import Recency, estimate_recency

START, END = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")


def year(
    seed: int = 0, *, n: int = 60, last: float = 0.25, effect: float = 0.4
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings that follow the pieces of evidence of quarters; ``last`` is the last one's weight."""
    rng = np.random.default_rng(seed)
    people = [f"e{i:03}" for i in range(n)]
    count = rng.poisson(1.5, (n, 4))
    weight = np.array([(1 - last) / 3] * 3 + [last])
    level = 3 + effect * 4 * (count @ weight - 1.5) / 2
    score = level[:, None] + rng.normal(0, 0.4, (n, 4))
    rated = pd.DataFrame(
        [
            (person, f"r{c % 2}", f"c{c}", score[i, c])
            for i, person in enumerate(people)
            for c in range(4)
        ],
        columns=["employee_id", "rater_id", "criterion_id", "score"],
    )
    dated = [
        (person, START + pd.Timedelta(days=int(q * 91 + 2 + rng.integers(0, 88))))
        for i, person in enumerate(people)
        for q in range(4)
        for _ in range(count[i, q])
    ]
    return rated, pd.DataFrame(dated, columns=["employee_id", "dated_on"])


def estimate(rated: pd.DataFrame, evidence: pd.DataFrame, **options: object) -> Recency:
    """Recency in the calendar year 2025."""
    dates = {"starts_on": START, "ends_on": END, **options}
    return estimate_recency(rated, evidence=evidence, **dates)


def test_a_planted_recency_is_found() -> None:
    """Ratings that follow the last quarter for 85 % have a difference above 0."""
    found = estimate(*year(1, last=0.85))
    assert found.ci_low > 0
    assert found.slope_recent > found.slope_earlier
    assert found.reason is None


def test_ratings_that_follow_the_whole_year_raise_few_alarms() -> None:
    """With equal weights the interval covers 0 in about 95 % of the years."""
    runs = [estimate(*year(seed)) for seed in range(100)]
    assert np.mean([run.ci_low <= 0 <= run.ci_high for run in runs]) > 0.88
    assert abs(np.mean([run.difference for run in runs])) < 0.05


def test_slopes_equal_statsmodels_hc3() -> None:
    """Difference and standard error equal statsmodels' OLS with HC3."""
    rated, evidence = year(3)
    found = estimate(rated, evidence)
    score = rated.groupby("employee_id")["score"].mean()
    late = evidence["dated_on"] > END - pd.Timedelta(days=91)
    counts = pd.crosstab(evidence["employee_id"], late).reindex(score.index, fill_value=0)
    columns = sm.add_constant(np.column_stack([counts[True], counts[False]]))
    fit = sm.OLS(score.to_numpy(), columns).fit(cov_type="HC3", use_t=True)
    test = fit.t_test(np.array([0.0, 1.0, -1.0]))
    assert found.difference == pytest.approx(test.effect.item(), rel=1e-6)
    assert (found.ci_high - found.ci_low) / 2 == pytest.approx(
        np.diff(test.conf_int()[0]).item() / 2, rel=1e-6
    )
    assert found.p == pytest.approx(float(test.pvalue), rel=1e-6)


def test_the_share_of_recent_evidence_has_an_interval() -> None:
    """Evenly dated evidence: the share is near 60 of 365 days and the interval covers it."""
    found = estimate(*year(4))
    assert found.share_even == pytest.approx(60 / 365)
    assert found.share_low < found.share_even < found.share_high
    late = year(4)[1].assign(dated_on=pd.Timestamp("2025-12-20"))
    crowded = estimate(year(4)[0], late)
    assert crowded.share_recent == 1
    assert 0.9 < crowded.share_low < 1
    assert crowded.difference is None
    assert "cannot be compared" in str(crowded.reason)


def test_order_and_labels_change_nothing() -> None:
    """Another order of rows and other labels give the same answer."""
    rated, evidence = year(5)
    found = estimate(rated, evidence)
    mixed = estimate(rated.sample(frac=1, random_state=1), evidence.sample(frac=1, random_state=2))
    assert mixed == found


def test_severity_is_taken_out_where_it_is_given() -> None:
    """A severity that is known and given back changes nothing."""
    rated, evidence = year(6)
    strict = pd.Series({"r1": 0.8})
    lower = rated.assign(score=rated["score"] - rated["rater_id"].map(strict).fillna(0))
    found = estimate(lower, evidence, severity=strict)
    assert found.difference == pytest.approx(estimate(rated, evidence).difference)


def test_too_little_is_refused() -> None:
    """No ratings, no dates of the cycle, or few pieces: refused with the reason."""
    rated, evidence = year(1)
    with pytest.raises(NotEstimable, match="dated piece"):
        estimate(rated, evidence.iloc[:5])
    with pytest.raises(NotEstimable, match="dated piece"):
        estimate(rated, evidence.iloc[:0])
    with pytest.raises(NotEstimable, match="first and last day"):
        estimate(rated, evidence, ends_on=None)
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate(rated.iloc[:0], evidence)


def test_equal_scores_and_few_people_carry_a_reason() -> None:
    """The share stays, the slopes have a reason."""
    rated, evidence = year(1)
    assert "the same" in str(estimate(rated.assign(score=3.0), evidence).reason)
    few = rated[rated["employee_id"] < "e010"]
    found = estimate(few, evidence)
    assert "too few" in str(found.reason)
    assert found.share_recent > 0
