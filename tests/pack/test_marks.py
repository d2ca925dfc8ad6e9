"""Small drawings inside tables and cases."""

from __future__ import annotations

import re
from math import nan

from pipeline.pack.marks import sparkline


def points(drawing: str) -> list[tuple[float, float]]:
    """Return the corners of the line."""
    found = re.search(r'points="([^"]*)"', drawing)
    assert found is not None
    return [(float(x), float(y)) for x, y in (one.split(",") for one in found[1].split())]


def test_a_sparkline_rises_with_the_score_and_skips_what_is_unknown() -> None:
    """Higher scores stand higher; a cycle without a score keeps its place but has no mark."""
    first, last = points(sparkline([2.0, nan, 4.0], (1, 5), "2024: 2, 2026: 4"))
    both = points(sparkline([2.0, 3.0, 4.0], (1, 5), ""))
    assert first[1] > last[1]
    assert [both[0], both[2]] == [first, last]


def test_a_sparkline_keeps_to_the_ends_of_the_scale() -> None:
    """The lowest and highest point lie on the two rules, so small steps look small."""
    drawing = sparkline([1.0, 5.0], (1, 5), "a & b")
    rules = {float(y) for y in re.findall(r'class="m-rule"[^>]*y1="([^"]*)"', drawing)}
    assert {y for _, y in points(drawing)} == rules
    assert 'aria-label="a &amp; b"' in drawing


def test_one_score_is_a_dot() -> None:
    """The first cycle of somebody has nothing to be drawn towards."""
    assert sparkline([3.0], (1, 5), "").count("<circle") == 1
