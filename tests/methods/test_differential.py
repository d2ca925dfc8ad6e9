"""Severity that differs by criterion or by group of subjects."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.differential import estimate_differential_severity, estimate_group_severity
from support import SHARED
from support.ratings import answered, degenerate, made, needs_shared, nested, other_names, ratings1


def groups(n: int = 80, n_a: int = 40) -> pd.Series:
    """Group of each subject: the first ones a, the others b."""
    names = [f"e{i:03}" for i in range(n)]
    return pd.Series(["a" if i < n_a else "b" for i in range(n)], index=names)


@needs_shared
def test_the_variance_equals_lme4_on_ratings1() -> None:
    """The variance of rater:criterion equals lme4 1.1-31."""
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    found = estimate_differential_severity(ratings1())
    expected = oracle["gstudy_ratings1"]["var"]["r:item"]
    assert found.var_differential == pytest.approx(expected, rel=5e-4)
    assert found.p_differential < 1e-10
    assert found.sd_low < found.sd_differential < found.sd_high


def test_a_planted_criterion_is_found_with_the_right_sign() -> None:
    """A rater a point stricter on one criterion is flagged there, positive."""
    found = estimate_differential_severity(made(2, criterion_shift={(1, 2): 1.0})).cells
    flagged = found[found["flagged"]]
    assert list(zip(flagged["rater_id"], flagged["criterion_id"], strict=True)) == [
        ("r001", "c002")
    ]
    row = flagged.iloc[0]
    assert row["ci_low"] < 1.0 < row["ci_high"]
    assert 0 < row["difference_shrunk"] < row["difference"]


def test_errors_and_false_alarms_are_nominal() -> None:
    """Without the effect the differences have their standard errors and few are flagged."""
    runs = [estimate_differential_severity(made(seed)) for seed in range(500, 515)]
    z = np.concatenate([run.cells["difference"] / run.cells["se"] for run in runs])
    assert z.std() == pytest.approx(1, abs=0.2)
    assert sum(run.cells["flagged"].any() for run in runs) <= 2


def test_a_strict_rater_and_a_hard_criterion_are_no_difference() -> None:
    """A lasting severity and a criterion that all find hard show nowhere."""
    rated = made(8, points=False)
    found = estimate_differential_severity(rated)
    strict, hard = rated["rater_id"] == "r003", rated["criterion_id"] == "c001"
    again = estimate_differential_severity(rated.assign(score=rated["score"] - 2.0 * strict - hard))
    assert again.cells["difference"].to_numpy() == pytest.approx(
        found.cells["difference"].to_numpy(), abs=2e-3
    )


def test_labels_and_order_change_nothing() -> None:
    """Other labels and another order give the same answer."""
    rated = made(3)
    found = estimate_differential_severity(rated).cells["difference_shrunk"]
    again = estimate_differential_severity(other_names(rated)).cells["difference_shrunk"]
    assert sorted(again) == pytest.approx(sorted(found), abs=1e-5)


def test_a_planted_group_is_found_and_only_shown_shrunken() -> None:
    """A rater stricter for one group comes out on top; only shrunken numbers are shown."""
    rated = made(2, n_subjects=80)
    of_b = rated["subject_id"].map(groups()) == "b"
    hit = of_b & (rated["rater_id"] == "r001")
    found = estimate_group_severity(rated.assign(score=rated["score"] - 1.6 * hit), group=groups())
    cells = found.cells.set_index(["rater_id", "group"])
    assert cells["difference_shrunk"].idxmax() == ("r001", "b")
    assert cells.loc[("r001", "b"), "flagged"]
    assert found.n_flagged == cells["flagged"].groupby("rater_id").any().sum() >= 1
    assert found.p_differential < 0.01
    assert {"difference", "p"}.isdisjoint(found.cells.columns)


def test_a_difference_that_all_raters_share_is_not_shown() -> None:
    """A group that everybody scores lower shows in no rater."""
    rated = made(2, n_subjects=80)
    lower = rated["subject_id"].map(groups()) == "b"
    found = estimate_group_severity(rated.assign(score=rated["score"] - lower), group=groups())
    assert not found.cells["flagged"].any()


def test_cells_below_the_floor_are_neither_shown_nor_used() -> None:
    """Other scores in a cell below the floor change nothing in what is shown."""
    rated = made(2, n_subjects=80)
    keep = (rated["rater_id"] != "r000") | (rated["subject_id"] < "e045")
    rated = rated[keep].reset_index(drop=True)
    found = estimate_group_severity(rated, group=groups())
    assert "r000" not in set(found.cells["rater_id"])
    assert found.n_suppressed == 1
    assert found.n_raters == found.cells["rater_id"].nunique()
    small = (rated["rater_id"] == "r000") & (rated["subject_id"] >= "e040")
    again = estimate_group_severity(
        rated.assign(score=rated["score"].where(~small, 1.0)), group=groups()
    )
    pd.testing.assert_frame_equal(again.cells, found.cells)


def test_refusals_say_why() -> None:
    """One criterion, nested teams and small groups are refused."""
    with pytest.raises(NotEstimable, match="one criterion"):
        estimate_differential_severity(made(1, n_criteria=1))
    with pytest.raises(NotEstimable, match="second rater"):
        estimate_differential_severity(nested(made(1)))
    with pytest.raises(NotEstimable, match="two groups"):
        estimate_group_severity(made(1), group=groups(40, 37))


def test_the_test_of_no_variance_is_on_the_boundary() -> None:
    """P is half of chi-squared(1), and 1 where nothing is found."""
    found = [estimate_differential_severity(made(seed)) for seed in range(6)]
    assert any(one.var_differential == 0 and one.p_differential == 1 for one in found)
    for one in found:
        if one.statistic > 0:
            assert one.p_differential == pytest.approx(stats.chi2.sf(one.statistic, 1) / 2)


@pytest.mark.parametrize("case", degenerate())
def test_degenerate_ratings_are_answered_or_refused(case: str) -> None:
    """No crash, no warning: a finite difference, a reason, or a refusal."""
    rated = degenerate()[case]
    found = answered(lambda: estimate_differential_severity(rated))
    if found is not None:
        assert (np.isfinite(found.cells["difference"]) | found.cells["reason"].notna()).all()
    names = sorted(rated["subject_id"].unique())
    group = pd.Series(["a" if i % 2 else "b" for i in range(len(names))], index=names, dtype="str")
    grouped = answered(lambda: estimate_group_severity(rated, group=group, floor=2))
    if grouped is not None:
        assert np.isfinite(grouped.cells["difference_shrunk"]).all()
