"""Use of the scale: the middle, the ends, the spread."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.range_use import RangeUse, estimate_range_use
from support.ratings import answered, degenerate, made, nested, other_names

POINTS = (1.0, 2.0, 3.0, 4.0, 5.0)


def estimate(rated: object, **options: object) -> RangeUse:
    """Range use on a scale of five points."""
    return estimate_range_use(rated, points=POINTS, **options)


def test_a_planted_central_rater_is_found() -> None:
    """Halving every distance from the middle is found in the share, the spread and the slope."""
    found = estimate(made(2, n_subjects=60, slope={2: 0.4})).raters.set_index("rater_id")
    assert found.index[found["central"]].tolist() == ["r002"]
    assert found.index[found["restricted"]].tolist() == ["r002"]
    row = found.loc["r002"]
    assert 0 < row["middle_low"] < row["middle_difference"] < row["middle_high"]
    assert row["sd_ratio_high"] < 1
    assert row["slope_ratio"] < 0.75
    assert row["extreme_difference"] < 0


def test_a_strict_rater_is_not_called_central() -> None:
    """A rater who is a point stricter uses other points, as the model expects."""
    strict = {("2025", 1): 1.0}
    runs = [estimate(made(seed, shift=strict)).raters.set_index("rater_id") for seed in range(5)]
    assert sum(run.loc["r001", ["central", "restricted"]].any() for run in runs) <= 1


def test_false_alarms_are_rare() -> None:
    """Without an effect, few sessions mark anyone and the expectation is met on average."""
    runs = [estimate(made(seed)).raters for seed in range(300, 312)]
    assert sum((run["central"] | run["restricted"]).any() for run in runs) <= 2
    assert abs(np.mean([run["middle_difference"].mean() for run in runs])) < 0.02
    assert np.mean([run["sd_ratio"].mean() for run in runs]) == pytest.approx(1, abs=0.04)


def test_labels_and_order_change_nothing() -> None:
    """Other labels and another order give the same answer."""
    rated = made(3)
    found, again = estimate(rated).raters, estimate(other_names(rated)).raters
    for name in ("middle_difference", "sd_ratio", "slope_ratio"):
        assert sorted(again[name]) == pytest.approx(sorted(found[name]), rel=1e-6)


def test_the_middle_of_an_even_scale_is_two_points() -> None:
    """With four points the two in between are the middle; a scale of two has none."""
    rated = made(1)
    found = estimate_range_use(rated, points=(1, 2, 3, 4))
    assert found.middle_points == (2.0, 3.0)
    assert found.end_points == (1.0, 4.0)
    with pytest.raises(NotEstimable, match="middle"):
        estimate_range_use(rated, points=(1, 2))


def test_nested_teams_are_refused() -> None:
    """A careful rater and a homogeneous team look the same where nobody has two raters."""
    with pytest.raises(NotEstimable, match="team whose members are alike"):
        estimate(nested(made(1)))


@pytest.mark.parametrize("case", degenerate())
def test_degenerate_ratings_are_answered_or_refused(case: str) -> None:
    """No crash, no warning: a finite number, a reason, or a refusal."""
    found = answered(lambda: estimate(degenerate()[case]))
    if found is not None:
        rows = found.raters
        assert (np.isfinite(rows["share_middle"]) | rows["reason"].notna()).all()
