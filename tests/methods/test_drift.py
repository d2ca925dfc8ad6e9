"""Drift: severity that changes over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.drift import estimate_drift
from support.ratings import answered, degenerate, made, nested, other_names

CYCLES = ("2023", "2024", "2025")


def test_a_planted_jump_is_found_with_the_right_sign() -> None:
    """A rater who is 1.2 points stricter in the last cycle is flagged there, positive."""
    found = estimate_drift(made(4, cycles=CYCLES, shift={("2025", 2): 1.2}))
    flagged = found.cells[found.cells["flagged"]]
    assert ("r002", "2025") in set(zip(flagged["rater_id"], flagged["period"], strict=True))
    row = found.cells.query("rater_id == 'r002' and period == '2025'").iloc[0]
    assert row["ci_low"] < 1.2 < row["ci_high"]
    assert 0 < row["change_shrunk"] < row["change"]
    assert found.p_drift < 0.01
    assert found.sd_low < found.sd_drift < found.sd_high


def test_a_steady_trend_is_found_per_rater() -> None:
    """A rater who becomes stricter step by step is flagged by trend."""
    steps = {("2023", 1): -0.5, ("2025", 1): 0.5}
    found = estimate_drift(made(6, cycles=CYCLES, shift=steps)).raters.set_index("rater_id")
    assert found.loc["r001", "flagged"]
    assert found.loc["r001", "ci_low"] < 1.0 < found.loc["r001", "ci_high"]
    assert found["flagged"].sum() <= 2


def test_lasting_severity_and_a_general_change_are_no_drift() -> None:
    """All raters stricter in one cycle, or one rater in all, shows nowhere."""
    rated = made(8, cycles=CYCLES, points=False)
    found = estimate_drift(rated)
    late, one = rated["cycle"] == "2025", rated["rater_id"] == "r003"
    again = estimate_drift(rated.assign(score=rated["score"] - late - 2.0 * one))
    assert again.cells["change"].to_numpy() == pytest.approx(
        found.cells["change"].to_numpy(), abs=2e-3
    )


def test_errors_and_false_alarms_are_nominal() -> None:
    """Without drift the changes have their standard errors, and few cells are flagged."""
    runs = [estimate_drift(made(seed, n_subjects=25, cycles=CYCLES)) for seed in range(400, 412)]
    z = np.concatenate([run.cells["change"] / run.cells["se"] for run in runs])
    assert z.std() == pytest.approx(1, abs=0.2)
    assert sum(run.cells["flagged"].any() or run.raters["flagged"].any() for run in runs) <= 2


def test_labels_and_order_change_nothing() -> None:
    """Other labels and another order give the same answer."""
    rated = made(3, cycles=CYCLES)
    found, again = estimate_drift(rated), estimate_drift(other_names(rated))
    assert sorted(again.cells["change"]) == pytest.approx(sorted(found.cells["change"]), abs=1e-5)
    assert again.var_drift == pytest.approx(found.var_drift, abs=1e-6)


def test_quarters_of_dated_ratings_are_periods() -> None:
    """Within one cycle, quarters of the date take the place of cycles."""
    rated = made(5, n_subjects=60)
    quarter = rated["subject_id"].str[1:].astype(int) % 3
    late = (quarter == 2) & (rated["rater_id"] == "r001")
    rated["rated_on"] = pd.Timestamp("2025-01-15") + pd.to_timedelta(quarter * 92, unit="D")
    found = estimate_drift(rated.assign(score=rated["score"] - 1.5 * late), by_quarter=True)
    assert found.periods == ("2025Q1", "2025Q2", "2025Q3")
    flagged = found.cells[found.cells["flagged"]]
    assert ("r001", "2025Q3") in set(zip(flagged["rater_id"], flagged["period"], strict=True))


def test_the_order_of_cycles_is_the_one_given() -> None:
    """Cycles follow the order given, not the alphabet."""
    found = estimate_drift(made(1, cycles=("zomer", "herfst")), cycle_order=["zomer", "herfst"])
    assert found.periods == ("zomer", "herfst")


def test_one_period_and_nested_teams_are_refused() -> None:
    """One cycle, no dates, or nobody with two raters: refused with the reason."""
    with pytest.raises(NotEstimable, match="two periods"):
        estimate_drift(made(1))
    with pytest.raises(NotEstimable, match="two periods"):
        estimate_drift(made(1), by_quarter=True)
    with pytest.raises(NotEstimable, match="becomes weaker"):
        estimate_drift(nested(made(1, cycles=CYCLES)))


@pytest.mark.parametrize("case", degenerate())
def test_degenerate_ratings_are_answered_or_refused(case: str) -> None:
    """No crash, no warning: a finite change, a reason, or a refusal."""
    first = degenerate()[case]
    both = pd.concat([first, first.assign(cycle="2026", score=6 - first["score"])])
    found = answered(lambda: estimate_drift(both.reset_index(drop=True)))
    if found is not None:
        assert (np.isfinite(found.cells["change"]) | found.cells["reason"].notna()).all()
