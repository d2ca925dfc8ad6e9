"""Audiences: nobody sees more than their cut, also not by subtraction."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy import suppress_counts

FLOOR = 5


def table(counts: list[int]) -> pd.DataFrame:
    """Return one row of counts over a scale."""
    total = max(1, sum(counts))
    return pd.DataFrame(
        {"score": range(1, len(counts) + 1), "n": counts, "share": [n / total for n in counts]}
    )


@given(st.lists(st.integers(0, 40), min_size=2, max_size=7))
def test_hidden_counts_cannot_be_found_by_subtraction(counts: list[int]) -> None:
    """With the total known, no hidden cell can be told, and no small one is shown."""
    shown = suppress_counts(table(counts), [], FLOOR)
    hidden = shown["suppressed"].to_numpy()
    visible = shown.loc[~hidden, "n"]
    assert not ((visible > 0) & (visible < FLOOR)).any()
    assert shown.loc[hidden, ["n", "share"]].isna().all(axis=None)
    if hidden.any() and not hidden.all():
        assert hidden.sum() >= 2
        assert sum(counts) - visible.sum() >= FLOOR


@given(st.lists(st.integers(0, 40), min_size=2, max_size=7))
def test_never_all_of_a_group_in_one_cell(counts: list[int]) -> None:
    """0 % and 100 % would tell everybody's score."""
    shown = suppress_counts(table(counts), [], FLOOR)
    if np.count_nonzero(counts) <= 1:
        assert shown["suppressed"].all()


def test_each_group_is_judged_by_itself() -> None:
    """A small level is hidden whole, a large one is shown."""
    both = pd.concat(
        [table([1, 1, 2]).assign(level="A"), table([10, 20, 30]).assign(level="B")],
        ignore_index=True,
    )
    shown = suppress_counts(both, ["level"], FLOOR)
    assert shown.groupby("level")["suppressed"].all().to_dict() == {"A": True, "B": False}


def test_what_was_given_is_not_changed() -> None:
    """The analyst's own table stays whole."""
    before = table([1, 10, 10])
    kept = before.copy()
    suppress_counts(before, [], FLOOR)
    pd.testing.assert_frame_equal(before, kept)
