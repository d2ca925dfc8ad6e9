"""Where the scores lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.distribution import estimate_distribution

POINTS = [1.0, 2.0, 3.0, 4.0, 5.0]
NOBODY = pd.DataFrame({"employee_id": [], "job_level": []}, dtype="str")


def ratings(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    """(employee, rater, criterion, score)."""
    made = pd.DataFrame(rows, columns=["employee_id", "rater_id", "criterion_id", "score"])
    made = made.astype({"employee_id": "str", "rater_id": "str", "criterion_id": "str"})
    return made.assign(subject_id=made["employee_id"], score=made["score"].astype(float))


def people(**levels: str | None) -> pd.DataFrame:
    """Employees and their levels."""
    made = {"employee_id": list(levels), "job_level": list(levels.values())}
    return pd.DataFrame(made, dtype="str")


SOME = ratings(
    [("e1", "ann", "a", 2), ("e1", "bob", "a", 4), ("e2", "ann", "a", 5), ("e3", "ann", "b", 4)]
)


def test_every_point_of_the_scale_is_there() -> None:
    """Every point of the scale is there."""
    found = estimate_distribution(SOME, employees=NOBODY, points=POINTS)
    assert found.overall["score"].tolist() == POINTS
    assert found.overall["n"].tolist() == [0, 1, 0, 2, 1]
    assert found.overall["share"].tolist() == [0, 0.25, 0, 0.5, 0.25]
    assert list(found.overall.columns) == ["score", "n", "share"]
    assert (found.n_ratings, found.n_subjects) == (4, 3)


def test_levels_come_in_natural_order_with_the_missing_one_last() -> None:
    """Levels come in natural order with the missing one last."""
    staff = people(e1="10", e2="9", e3=None)
    found = estimate_distribution(SOME, employees=staff, points=POINTS).by_level
    assert found["job_level"].drop_duplicates().fillna("-").tolist() == ["9", "10", "-"]
    assert found.groupby("job_level", dropna=False)["share"].sum().tolist() == [1, 1, 1]
    assert len(found) == 15


def test_criteria_have_their_own_shares() -> None:
    """Criteria have their own shares."""
    found = estimate_distribution(SOME, employees=NOBODY, points=POINTS).by_criterion
    assert found.loc[found["criterion_id"] == "b", "n"].tolist() == [0, 0, 0, 1, 0]


def test_raters_are_described_one_by_one() -> None:
    """Raters are described one by one."""
    found = estimate_distribution(SOME, employees=NOBODY, points=POINTS).by_rater
    ann, bob = found.to_dict("records")
    assert (ann["n_ratings"], ann["n_subjects"], ann["mean"]) == (3, 3, pytest.approx(11 / 3))
    assert ann["share_top"] == pytest.approx(1 / 3)
    assert ann["share_bottom"] == 0
    assert ann["sd"] == pytest.approx(np.std([2, 5, 4], ddof=1))
    assert bob["mean"] == 4
    assert np.isnan([bob["sd"], bob["ci_low"], bob["ci_high"]]).all()


def test_with_one_score_per_subject_it_is_the_t_interval() -> None:
    """With one score per subject it is the t interval."""
    scores = [2.0, 3, 3, 4, 2, 3, 4, 3]
    rows = [(f"e{i}", "ann", "a", score) for i, score in enumerate(scores)]
    found = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    expected = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected))
    assert found.by_rater["ci_low"][0] == pytest.approx(found.ci_low)


def test_copies_of_the_same_rating_narrow_no_interval() -> None:
    """Copies of the same rating narrow no interval."""
    rows = [(f"e{i}", "ann", "a", score) for i, score in enumerate([2, 3, 3, 4, 2])]
    one = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    more = ratings([(e, r, c, s) for e, r, _, s in rows for c in "abcd"])
    other = estimate_distribution(more, employees=NOBODY, points=POINTS)
    assert (other.ci_low, other.ci_high) == pytest.approx((one.ci_low, one.ci_high))


def test_clusters_of_unequal_size_give_the_ratio_estimator() -> None:
    """Clusters of unequal size give the ratio estimator."""
    # by hand: totals 6, 5, 4 over n 2, 1, 1; mean 3.75; residuals -1.5, 1.25, 0.25
    found = estimate_distribution(SOME, employees=NOBODY, points=POINTS)
    se = np.sqrt(3 / 2 * (1.5**2 + 1.25**2 + 0.25**2)) / 4
    assert found.mean == 3.75
    assert found.mean - found.ci_low == pytest.approx(stats.t.ppf(0.975, 2) * se)


def test_no_interval_passes_the_ends_of_the_scale() -> None:
    """No interval passes the ends of the scale."""
    rows = [("e1", "ann", "a", 5), ("e2", "ann", "a", 5), ("e3", "ann", "a", 4)]
    found = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    assert found.ci_high == 5


@pytest.mark.parametrize(
    "rows",
    [[("e1", "ann", "a", 3)], [("e1", "ann", "a", 3), ("e2", "bob", "a", 3)]],
    ids=["one rating", "constant scores"],
)
def test_without_differences_no_interval_is_claimed(rows: list) -> None:
    """Without differences no interval is claimed."""
    found = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    assert found.mean == 3
    assert np.isnan([found.ci_low, found.ci_high]).all()


def test_scores_between_points_count_at_the_nearest() -> None:
    """Scores between points count at the nearest."""
    rows = [(f"e{i}", "ann", "a", score) for i, score in enumerate([1.2, 2.5, 4.9, 0.4 + 0.1 + 3])]
    found = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    assert found.overall["n"].tolist() == [1, 0, 1, 1, 1]
    assert found.mean == pytest.approx(12.1 / 4)


@pytest.mark.parametrize("nothing", [SOME.iloc[:0], SOME.assign(score=np.nan)])
def test_without_scores_there_is_no_distribution(nothing: pd.DataFrame) -> None:
    """Without scores there is no distribution."""
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate_distribution(nothing, employees=NOBODY, points=POINTS)


def test_a_thousand_raters_with_one_rating_each() -> None:
    """A thousand raters with one rating each."""
    rows = [(f"e{i}", f"r{i}", "a", 1 + i % 5) for i in range(1000)]
    found = estimate_distribution(ratings(rows), employees=NOBODY, points=POINTS)
    assert len(found.by_rater) == 1000
    assert found.by_rater["sd"].isna().all()
    assert found.ci_low < found.mean < found.ci_high


FEW = settings(max_examples=25, deadline=None)

rows = st.lists(
    st.tuples(
        st.sampled_from(["e1", "e2", "e3", "e4"]), st.sampled_from(["ann", "bob", "cas"]),
        st.sampled_from("ab"), st.sampled_from(POINTS),
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@FEW
@given(rows, st.floats(-3, 3))
def test_a_shift_of_all_scores_shifts_means_and_nothing_else(drawn: list, shift: float) -> None:
    """A shift of all scores shifts means and nothing else."""
    one = estimate_distribution(ratings(drawn), employees=NOBODY, points=POINTS)
    moved = ratings([(*row[:3], row[3] + shift) for row in drawn])
    points = [point + shift for point in POINTS]
    other = estimate_distribution(moved, employees=NOBODY, points=points)
    assert other.overall["n"].tolist() == one.overall["n"].tolist()
    for name in ("mean", "ci_low", "ci_high"):
        expected = getattr(one, name) + shift
        assert getattr(other, name) == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert other.sd == pytest.approx(one.sd, abs=1e-6, nan_ok=True)


@FEW
@given(rows)
def test_counts_add_up_and_intervals_hold_their_mean(drawn: list) -> None:
    """Counts add up and intervals hold their mean."""
    given_ratings = ratings(drawn)
    before = given_ratings.copy(deep=True)
    found = estimate_distribution(given_ratings, employees=people(e1="A", e2="B"), points=POINTS)
    for table in (found.overall, found.by_level, found.by_criterion):
        assert table["n"].sum() == len(drawn)
    known = found.by_rater.dropna(subset="ci_low")
    assert (known["ci_low"] <= known["mean"]).all()
    assert (known["mean"] <= known["ci_high"]).all()
    pd.testing.assert_frame_equal(given_ratings, before)
