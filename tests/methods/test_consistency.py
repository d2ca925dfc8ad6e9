"""Inconsistency: a rater whose scores scatter."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.consistency import estimate_consistency
from support.ratings import answered, degenerate, made, needs_shared, nested, other_names, ratings1


@needs_shared
def test_the_noisy_rater_of_ratings1_is_found() -> None:
    """Rater db08 is the noisy one: infit 1.70 in TAM and sirt, nobody else above 1.3."""
    found = estimate_consistency(ratings1()).raters.set_index("rater_id")
    assert found.index[found["flagged"]].tolist() == ["db08"]
    assert found["ratio_shrunk"].idxmax() == "db08"


def test_a_planted_scatter_is_found_and_shrunken() -> None:
    """The noisy rater is flagged; the shrunken ratio lies between 1 and the plain one."""
    result = estimate_consistency(made(2, n_subjects=60, noise={3: 2.2}))
    found = result.raters.set_index("rater_id")
    assert found.index[found["flagged"]].tolist() == ["r003"]
    row = found.loc["r003"]
    assert 1 < row["ci_low"] < row["ratio_shrunk"] < row["ratio"]
    assert result.p_differ < 0.02
    assert result.spread > 0.05


def test_false_alarms_are_rare() -> None:
    """Without an effect, few sessions flag anyone or find a difference."""
    runs = [estimate_consistency(made(seed)) for seed in range(200, 215)]
    assert sum(run.raters["flagged"].any() for run in runs) <= 1
    assert sum(run.p_differ < 0.05 for run in runs) <= 3


def test_labels_order_and_level_change_nothing() -> None:
    """Other labels, another order and all scores two higher give the same answer."""
    rated = made(3)
    found = estimate_consistency(rated).raters
    again = estimate_consistency(other_names(rated)).raters
    assert sorted(again["ratio"]) == pytest.approx(sorted(found["ratio"]), rel=1e-6)
    higher = estimate_consistency(rated.assign(score=rated["score"] + 2)).raters
    assert higher["ratio_shrunk"].to_numpy() == pytest.approx(
        found["ratio_shrunk"].to_numpy(), rel=1e-5
    )


def test_nested_teams_are_refused() -> None:
    """Where nobody has two raters, scatter and differences between people look the same."""
    with pytest.raises(NotEstimable, match="second rater"):
        estimate_consistency(nested(made(1)))


@pytest.mark.parametrize("case", degenerate())
def test_degenerate_ratings_are_answered_or_refused(case: str) -> None:
    """No crash, no warning: a finite ratio, a reason, or a refusal."""
    found = answered(lambda: estimate_consistency(degenerate()[case]))
    if found is not None:
        rows = found.raters
        assert (np.isfinite(rows["ratio_shrunk"]) | rows["reason"].notna()).all()
