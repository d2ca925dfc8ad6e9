"""Agreement over the cycles: each from its own ratings, and nothing from one cycle."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.agreement import estimate_agreement
from pipeline.methods.agreement_by_cycle import estimate_agreement_by_cycle
from support.ratings import made


def test_each_cycle_is_estimated_as_if_alone() -> None:
    """The same ICC as the method for one cycle gives, in the order that is asked for."""
    ratings = made(1, cycles=("b", "a"))
    found = estimate_agreement_by_cycle(ratings, cycle_order=["b", "a"]).cycles
    assert found["cycle"].tolist() == ["b", "a"]
    for cycle, part in ratings.groupby("cycle"):
        alone = estimate_agreement(part, n_bootstrap=100).overall.iloc[0]
        row = found.set_index("cycle").loc[cycle]
        assert row["icc"] == pytest.approx(alone["icc_a1"])
        assert row["icc_low"] == pytest.approx(alone["icc_a1_low"])


def test_a_cycle_that_cannot_answer_has_a_reason() -> None:
    """Beside two that can; constant scores, and a single rater."""
    ratings = made(2, cycles=("a", "b", "c", "d"))
    ratings.loc[ratings["cycle"].eq("b"), "score"] = 3.0
    alone = ratings["cycle"].ne("c") | ratings["rater_id"].eq(ratings["rater_id"].iloc[0])
    found = estimate_agreement_by_cycle(ratings[alone], cycle_order=list("abcd")).cycles
    assert found["reason"].isna().tolist() == [True, False, False, True]
    assert found["icc"].notna().tolist() == [True, False, False, True]


@pytest.mark.parametrize("ratings", [made(3), made(3).iloc[:0], made(3, raters_each=1)])
def test_fewer_than_two_cycles_have_a_reason(ratings: pd.DataFrame) -> None:
    """Nothing to set beside each other."""
    with pytest.raises(NotEstimable, match="two cycles"):
        estimate_agreement_by_cycle(ratings, cycle_order=["2025"])
