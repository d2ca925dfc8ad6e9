"""What a session changed: counts, direction, compression, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.movement import Movement, estimate_movement


def decided(before: list[float], after: list[float | None], **columns: object) -> pd.DataFrame:
    """Return a row per person; the outcome follows from the scores."""
    outcome = [
        "parked" if b is None else "upheld" if a == b else "adjusted"
        for a, b in zip(before, after, strict=True)
    ]
    return pd.DataFrame(
        {
            "employee_id": [f"e{i:02}" for i in range(len(before))],
            "outcome": outcome,
            "score_before": before,
            "score_after": pd.array(after, dtype="Float64").astype(float)
            if None not in after
            else [np.nan if a is None else a for a in after],
            **columns,
        }
    )


def move(*args: object, **options: object) -> Movement:
    """Estimate with the middle of a scale of 1 to 5."""
    return estimate_movement(decided(*args), middle=3.0, **options)


def test_every_decision_is_counted_once() -> None:
    """Up, down, upheld and parked; the mean is over decided scores."""
    found = move([2, 3, 3, 4, 4, 5], [3, 3, 3, 4, 3, None])
    assert (found.n_up, found.n_down, found.n_upheld, found.n_parked) == (1, 1, 3, 1)
    assert found.mean_change == pytest.approx(0.0)


def test_compression_is_the_ratio_of_standard_deviations() -> None:
    """Everybody half way to the middle halves the spread, whatever is drawn."""
    before = [1.0, 2.0, 3.0, 4.0, 5.0, 2.0, 4.0]
    found = move(before, [3 + (b - 3) / 2 for b in before])
    assert found.sd_ratio == pytest.approx(0.5)
    assert found.ratio_low == pytest.approx(0.5)
    assert found.ratio_high == pytest.approx(0.5)
    assert found.share_to_middle == 1.0
    assert found.middle_high == 1.0
    assert found.middle_low < 0.7  # six changes prove little


def test_a_shift_of_all_is_no_compression() -> None:
    """All one point lower: the ratio stays 1; equal changes leave the mean without an interval."""
    found = move([2.0, 3, 4, 5, 3, 4], [1.0, 2, 3, 4, 2, 3])
    assert found.sd_ratio == pytest.approx(1.0)
    assert found.mean_change == -1.0
    assert np.isnan([found.change_low, found.change_high]).all()


def test_the_interval_covers_the_mean_change() -> None:
    """95 % intervals over people cover a known mean in about 95 of 100 samples."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(60):
        change = rng.choice([-1.0, 0.0, 0.0, 1.0], size=40)
        before = rng.choice([2.0, 3.0, 4.0], size=40)
        found = move(list(before), list(before + change))
        covered += found.change_low <= 0.0 <= found.change_high
    assert covered >= 53


def test_one_change_among_few_decisions_proves_nothing() -> None:
    """A draw of people never holds more than what was seen: the interval has to reach beyond."""
    found = move([4.0, 3, 2, 5, 3, 4, 2, 3], [3.0, 3, 2, 5, 3, 4, 2, 3])
    assert found.change_low < -0.3
    assert found.change_high > 0.1
    assert found.sd_ratio < 1
    assert np.isnan([found.ratio_low, found.ratio_high]).all()


def test_intervals_hold_with_few_people() -> None:
    """Eight people, a third of them moved: both intervals cover in nine of ten samples or more."""
    rng = np.random.default_rng(8)

    def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
        before = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], size=n)
        moved = rng.random(n) < 0.35
        return before, np.where(moved, before - np.sign(before - 3), before)

    whole = drawn(200_000)
    ratio, mean = whole[1].std() / whole[0].std(), (whole[1] - whole[0]).mean()
    found = [move(*(list(one) for one in drawn(8))) for _ in range(300)]
    in_mean = [one.change_low <= mean <= one.change_high for one in found if one.change_low < 0]
    in_ratio = [one.ratio_low <= ratio <= one.ratio_high for one in found if one.ratio_low > 0]
    assert np.mean(in_mean) >= 0.92
    assert len(in_ratio) > 100
    assert np.mean(in_ratio) >= 0.92


def test_decisions_about_one_person_belong_together() -> None:
    """Five criteria of each person tell no more than one would: the interval is as wide."""
    one = decided([2, 3, 3, 4, 4, 2], [3, 3, 3, 4, 3, 3])
    five = pd.concat([one] * 5, ignore_index=True)
    alone = estimate_movement(one, middle=3.0)
    together = estimate_movement(five, middle=3.0)
    assert together.change_high - together.change_low == pytest.approx(
        alone.change_high - alone.change_low
    )
    moved = decided([1, 2, 5, 4, 4, 2], [2, 3, 4, 4, 3, 3])
    alone = estimate_movement(moved, middle=3.0)
    together = estimate_movement(pd.concat([moved] * 5, ignore_index=True), middle=3.0)
    for name in ("ratio_low", "ratio_high"):
        assert getattr(together, name) == pytest.approx(getattr(alone, name))
    assert together.middle_high - together.middle_low == pytest.approx(
        alone.middle_high - alone.middle_low, abs=0.1
    )


def test_groups_are_counted_apart() -> None:
    """Per manager and level: scores, changes and their mean."""
    rows = decided(
        [2, 3, 3, 4, 4], [3, 3, 3, 4, 3], manager_id=["a", "a", "b", "b", "b"], job_level="C"
    )
    groups = estimate_movement(rows, middle=3.0, by=("manager_id", "job_level")).groups
    own = groups[groups["by"] == "manager_id"].set_index("group")
    assert own.loc["a", ["n", "n_up", "n_down", "mean_change"]].tolist() == [2, 1, 0, 0.5]
    assert own.loc["b", "mean_change"] == pytest.approx(-1 / 3)


def test_the_order_of_rows_changes_nothing() -> None:
    """Not the numbers, and not the intervals."""
    rows = decided([2, 3, 3, 4, 4, 1], [3, 3, 3, 4, 3, 2])
    assert np.isfinite(estimate_movement(rows, middle=3.0).ratio_low)
    again = rows.sample(frac=1, random_state=3)
    assert estimate_movement(rows, middle=3.0).ratio_low == pytest.approx(
        estimate_movement(again, middle=3.0).ratio_low
    )


def test_equal_scores_and_no_change_have_no_ratio() -> None:
    """Nothing was spread, nothing moved: no number where there is none."""
    found = move([3.0] * 6, [3.0] * 6)
    assert np.isnan([found.sd_ratio, found.ratio_low, found.share_to_middle]).all()
    assert found.mean_change == 0.0


def test_few_decisions_say_so() -> None:
    """Four are too few."""
    with pytest.raises(NotEstimable, match="4"):
        move([3, 3, 4, 4], [3, 3, 3, 4])
