"""Exchange between managers: planted patterns are found, chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import Message, NotEstimable
from pipeline.methods.trading import Pattern, estimate_trading


def rows(
    manager: list[str],
    change: list[float],
    decided_by: list[str | None],
    gap: list[float] | None = None,
) -> pd.DataFrame:
    """Return a row per person."""
    return pd.DataFrame(
        {
            "employee_id": [f"e{i:02}" for i in range(len(manager))],
            "manager_id": manager,
            "change": change,
            "decided_by": decided_by,
            "gap": np.nan if gap is None else gap,
        }
    )


def test_an_own_manager_who_is_there_and_raises_is_found() -> None:
    """People of the five managers who were there rise, those of the others fall."""
    manager = [name for name in "abcdefghij" for _ in range(2)]
    change = [1.0] * 10 + [-1.0] * 10
    found = estimate_trading(rows(manager, change, [None] * 20), present=frozenset("abcde"))
    assert isinstance(found.home, Pattern)
    assert found.home.found == pytest.approx(2.0)
    assert found.home.p_value < 0.02
    assert abs(found.home.by_chance) < 0.1
    assert isinstance(found.reciprocity, Message)


def test_who_was_there_is_judged_by_managers_not_by_their_people() -> None:
    """One of three managers was there: at best one draw in three is as far, however many people."""
    manager = [name for name in "abc" for _ in range(20)]
    change = [1.0] * 20 + [0.0] * 40
    found = estimate_trading(rows(manager, change, [None] * 60), present=frozenset("a"))
    assert isinstance(found.home, Pattern)
    assert found.home.p_value > 0.3


def test_changes_that_hang_together_by_manager_are_no_alarm() -> None:
    """A session that corrects whole teams is no sign that who was there mattered."""
    rng = np.random.default_rng(3)
    manager = np.repeat(list("abcdefgh"), 4)
    alarms = 0
    for _ in range(30):
        team = np.repeat(rng.choice([-1.0, 0.0, 1.0], size=8), 4)
        change = np.where(rng.random(32) < 0.8, team, 0.0)
        if (change != 0).sum() < 5:
            continue
        some = frozenset(rng.choice(list("abcdefgh"), size=4, replace=False))
        found = estimate_trading(rows(list(manager), list(change), [None] * 32), present=some)
        alarms += isinstance(found.home, Pattern) and found.home.p_value < 0.05
    assert alarms <= 4


def test_changes_that_follow_the_expected_score_have_a_slope() -> None:
    """Half of what the model expects is a slope of a half; as rare as it looks."""
    rng = np.random.default_rng(4)
    gap = rng.normal(0.3, 0.5, 20)
    change = gap / 2 + rng.normal(0, 0.1, 20)
    table = rows(list("abcd") * 5, list(change), [None] * 20, list(gap))
    follows = estimate_trading(table, present=frozenset()).follows
    assert isinstance(follows, Pattern)
    assert follows.found == pytest.approx(np.polyfit(gap, change, 1)[0])
    assert follows.p_value < 0.01
    assert follows.chance_low < 0 < follows.chance_high < follows.found


def test_few_expected_scores_say_so() -> None:
    """Seven with an expected score, of which eight are needed; none at all."""
    change, gap = [1.0, -1.0] * 6, [0.5, -0.5] * 3 + [0.2] + [np.nan] * 5
    table = rows(list("abcd") * 3, change, [None] * 12, gap)
    found = estimate_trading(table, present=frozenset()).follows
    assert isinstance(found, Message)
    assert "7" in str(found)


def test_the_rarest_of_several_patterns_is_corrected_for_their_number() -> None:
    """Two patterns were looked at, so the smaller p-value counts twice."""
    manager = [name for name in "abcdefgh" for _ in range(2)]
    change = [1.0, 1.0] + [1.0, -1.0] * 7
    found = estimate_trading(rows(manager, change, [None] * 16), present=frozenset("abc"))
    assert isinstance(found.home, Pattern)
    assert isinstance(found.balance, Pattern)
    assert found.p_any == pytest.approx(2 * min(found.home.p_value, found.balance.p_value))


def test_mutual_raises_are_found() -> None:
    """Three pairs of managers raise each other's people, and nobody else's."""
    manager = [name for name in "abcdefgh" for _ in range(3)]
    other = dict(zip("abcdefgh", "badcfehg", strict=True))
    change = [1.0 if name in "abcdef" and i % 3 == 0 else 0.0 for i, name in enumerate(manager)]
    by = [other[name] for name in manager]
    found = estimate_trading(rows(manager, change, list(by)), present=frozenset("abcdefgh"))
    assert isinstance(found.reciprocity, Pattern)
    assert found.reciprocity.found == 3
    assert found.reciprocity.p_value < 0.01
    assert isinstance(found.home, Message)  # all were there
    assert isinstance(found.balance, Message)  # nothing was lowered


def test_raises_paid_for_by_lowering_are_found() -> None:
    """Every manager keeps the sum by one up and one down."""
    manager = [name for name in "abcdefgh" for _ in range(2)]
    found = estimate_trading(rows(manager, [1.0, -1.0] * 8, [None] * 16), present=frozenset())
    assert isinstance(found.balance, Pattern)
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
        small += isinstance(found.home, Pattern) and found.home.p_value < 0.05
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
