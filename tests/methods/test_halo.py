"""Halo: criteria scored too alike."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.halo import estimate_halo
from support import SHARED
from support.ratings import answered, degenerate, made, needs_shared, nested, other_names, ratings1

NUMBERS = ["ratio", "ci_low", "ci_high", "p"]


@needs_shared
def test_variances_and_test_equal_lme4_on_ratings1() -> None:
    """The variance of subject:rater and its likelihood-ratio test equal lme4 1.1-31."""
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = oracle["gstudy_ratings1"]
    found = estimate_halo(ratings1())
    assert found.var_subject_rater == pytest.approx(expected["var"]["s:r"], rel=5e-4)
    assert found.var_subject_criterion == pytest.approx(expected["var"]["s:item"], rel=5e-4)
    assert found.statistic == pytest.approx(expected["LRT_halo"], rel=2e-3)
    assert found.p_halo < 1e-12
    assert found.share_low < found.share_subject_rater < found.share_high


def test_a_planted_halo_is_found_and_nobody_else() -> None:
    """The rater whose criteria hang together is flagged, with a ratio near the planted one."""
    found = estimate_halo(made(2, n_subjects=60, alike={1: 0.3})).raters.set_index("rater_id")
    assert found.index[found["flagged"]].tolist() == ["r001"]
    assert found.loc["r001", "ratio"] < 0.75
    assert found.loc["r001", "ci_high"] < 1
    assert found["reason"].isna().all()


def test_false_alarms_are_rare() -> None:
    """Without an effect, few sessions flag anyone and the intervals cover 1."""
    runs = [estimate_halo(made(seed)).raters for seed in range(100, 115)]
    assert sum(run["flagged"].any() for run in runs) <= 2
    covered = [((run["ci_low"] <= 1) & (run["ci_high"] >= 1)).mean() for run in runs]
    assert np.mean(covered) > 0.88


def test_labels_order_and_level_change_nothing() -> None:
    """Other labels, another order and all scores two higher give the same answer."""
    rated = made(3)
    found = estimate_halo(rated)
    again = estimate_halo(other_names(rated))
    assert sorted(again.raters["ratio"]) == pytest.approx(sorted(found.raters["ratio"]), rel=1e-6)
    higher = estimate_halo(rated.assign(score=rated["score"] + 2))
    assert higher.raters[NUMBERS].to_numpy() == pytest.approx(
        found.raters[NUMBERS].to_numpy(), rel=1e-5
    )


def test_one_rater_each_is_refused_because_halo_and_truth_look_alike() -> None:
    """With one rater per person the reason says that they cannot be told apart."""
    with pytest.raises(NotEstimable, match="cannot be told apart"):
        estimate_halo(nested(made(1)))


def test_two_criteria_are_refused() -> None:
    """Halo needs three criteria."""
    with pytest.raises(NotEstimable, match="criteria"):
        estimate_halo(made(1, n_criteria=2))


def test_a_rater_with_few_subjects_carries_a_reason() -> None:
    """A rater below the minimum has no numbers but a reason."""
    rated = made(1)
    few = rated[(rated["rater_id"] != "r000") | (rated["subject_id"] < "e005")]
    row = estimate_halo(few).raters.set_index("rater_id").loc["r000"]
    assert np.isnan(row["ratio"])
    assert "Fewer than" in str(row["reason"])
    assert not row["flagged"]


@pytest.mark.parametrize("case", degenerate())
def test_degenerate_ratings_are_answered_or_refused(case: str) -> None:
    """No crash, no warning: a finite ratio, a reason, or a refusal."""
    found = answered(lambda: estimate_halo(degenerate()[case]))
    if found is not None:
        rows = found.raters
        assert (np.isfinite(rows["ratio"]) | rows["reason"].notna()).all()
