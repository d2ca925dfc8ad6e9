"""Exchange between managers: planted patterns are found, chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.trading import estimate_trading


def rows(manager: list[str], change: list[float], decided_by: list[str | None]) -> pd.DataFrame:
    """Return a row per person."""
    return pd.DataFrame(
        {
            "employee_id": [f"e{i:02}" for i in range(len(manager))],
            "manager_id": manager,
            "change": change,
            "decided_by": decided_by,
        }
    )


def test_an_own_manager_who_is_there_and_raises_is_found() -> None:
    """Ten people with their manager rise, ten without fall."""
    manager = ["a"] * 5 + ["b"] * 5 + ["c"] * 5 + ["d"] * 5
    change = [1.0] * 10 + [-1.0] * 10
    found = estimate_trading(rows(manager, change, [None] * 20), present=frozenset("ab"))
    assert found.home is not None
    assert found.home.found == pytest.approx(2.0)
    assert found.home.p_value < 0.001
    assert abs(found.home.by_chance) < 0.1
    assert found.reciprocity is None


def test_mutual_raises_are_found() -> None:
    """Three pairs of managers raise each other's people, and nobody else's."""
    manager = [name for name in "abcdefgh" for _ in range(3)]
    other = dict(zip("abcdefgh", "badcfehg", strict=True))
    change = [1.0 if name in "abcdef" and i % 3 == 0 else 0.0 for i, name in enumerate(manager)]
    by = [other[name] for name in manager]
    found = estimate_trading(rows(manager, change, list(by)), present=frozenset("abcdefgh"))
    assert found.reciprocity is not None
    assert found.reciprocity.found == 3
    assert found.reciprocity.p_value < 0.01
    assert found.home is None  # all were there


def test_raises_paid_for_by_lowering_are_found() -> None:
    """Every manager keeps the sum by one up and one down."""
    manager = [name for name in "abcdefgh" for _ in range(2)]
    found = estimate_trading(rows(manager, [1.0, -1.0] * 8, [None] * 16), present=frozenset())
    assert found.balance.found == 8
    assert found.balance.p_value < 0.05


def test_chance_raises_no_alarm_too_often() -> None:
    """Without any exchange p is below .05 in about one of twenty sessions."""
    rng = np.random.default_rng(11)
    small = 0
    for _ in range(16):
        manager = [str(one) for one in rng.permutation(np.repeat(list("abcdef"), 4))]
        change = rng.choice([-1.0, 0.0, 0.0, 1.0], size=24)
        if (change != 0).sum() < 5:
            continue
        found = estimate_trading(rows(manager, list(change), [None] * 24), present=frozenset("abc"))
        small += found.home is not None and found.home.p_value < 0.05
    assert small <= 3


def test_names_and_order_change_nothing() -> None:
    """Managers are labels."""
    manager = ["a", "b", "c", "a", "b", "c", "a"]
    change = [1.0, -1.0, 0.0, 1.0, 1.0, -1.0, 0.0]
    one = estimate_trading(rows(manager, change, [None] * 7), present=frozenset("a"))
    table = rows(manager, change, [None] * 7).sample(frac=1, random_state=5)
    other = estimate_trading(table, present=frozenset("a"))
    assert one == other


@pytest.mark.parametrize(
    ("manager", "change"),
    [(["a", "b", "c"] * 2, [1.0, 0, 0, 0, 0, 0]), (["a", "b"] * 4, [1.0, -1.0] * 4)],
)
def test_few_changes_or_managers_say_so(manager: list[str], change: list[float]) -> None:
    """A reason instead of a number."""
    with pytest.raises(NotEstimable):
        estimate_trading(rows(manager, change, [None] * len(manager)), present=frozenset("a"))
