"""Draws are the same everywhere, and streams do not disturb each other."""

from __future__ import annotations

import statistics

import pytest

from pipeline.sample.randomness import Stream


def test_draws_are_known() -> None:
    """Numbers written down once; another Python or numpy must give the same."""
    stream = Stream(20260, "a", 1)
    assert [stream.below(1000) for _ in range(5)] == [43, 766, 914, 796, 138]


def test_names_make_other_streams() -> None:
    """The parts of a name are told apart."""
    first = [Stream(1, *names).uniform() for names in (("ab",), ("a", "b"), ("b", "a"), ())]
    assert len(set(first)) == 4


def test_normal_draws_have_their_spread() -> None:
    """Mean 0 and the standard deviation asked for; the cut-off one keeps within its bounds."""
    stream = Stream(3, "normal")
    drawn = [stream.normal(2) for _ in range(20_000)]
    assert statistics.mean(drawn) == pytest.approx(0, abs=0.05)
    assert statistics.stdev(drawn) == pytest.approx(2, abs=0.05)
    cut = [stream.normal_within(2, 1.5) for _ in range(5_000)]
    assert -3 <= min(cut) < max(cut) <= 3


def test_some_are_different_ones_in_order() -> None:
    """Also when more are asked for than there are."""
    stream = Stream(4, "some")
    drawn = stream.some(range(10), 4)
    assert len(set(drawn)) == 4
    assert drawn == sorted(drawn)
    assert stream.some([1, 2], 5) == [1, 2]


def test_weights_count() -> None:
    """A weight of nothing is never drawn."""
    stream = Stream(5, "weights")
    drawn = [stream.weighted((("a", 3), ("b", 1), ("c", 0))) for _ in range(4000)]
    assert drawn.count("a") / len(drawn) == pytest.approx(0.75, abs=0.03)
    assert "c" not in drawn
