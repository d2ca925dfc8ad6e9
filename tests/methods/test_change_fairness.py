"""Who was discussed and what changed, per group: planted gaps are found, small cells are hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.change_fairness import (
    CHANGE,
    GAP,
    NO_GAP_FOUND,
    SELECTION,
    ChangeFairness,
    estimate_change_fairness,
)


def company(
    sizes: dict[str, tuple[int, list[float]]],
) -> tuple[pd.DataFrame, list[str], pd.Series]:
    """Return changes, people and groups from per group: people, changes of those discussed."""
    people, groups, rows = [], {}, []
    for group, (n, changes) in sizes.items():
        own = [f"{group}{i:03}" for i in range(n)]
        people += own
        groups |= dict.fromkeys(own, group)
        rows += zip(own, changes, strict=False)
    return pd.DataFrame(rows, columns=["employee_id", "change"]), people, pd.Series(groups)


def compare(sizes: dict[str, tuple[int, list[float]]], **options: object) -> ChangeFairness:
    """Estimate from per group: people, changes of those discussed."""
    changes, people, groups = company(sizes)
    return estimate_change_fairness(changes, people=people, groups=groups, **options)


def gap(found: ChangeFairness, question: str) -> pd.Series:
    """Return the only gap of a question."""
    return found.gaps.set_index("question").loc[question]


def test_a_group_that_is_lowered_more_is_found() -> None:
    """Half a point, 40 people a group; selection was alike."""
    rng = np.random.default_rng(3)
    one = rng.choice([-1.0, 0.0], 40, p=[0.6, 0.4])
    two = rng.choice([-1.0, 0.0, 1.0], 40, p=[0.2, 0.6, 0.2])
    found = compare({"a": (60, list(one)), "b": (70, list(two))})
    change, selection = gap(found, CHANGE), gap(found, SELECTION)
    assert (found.reference, change["group"]) == ("b", "a")
    assert change["verdict"] == GAP
    assert change["ci_low"] < -0.6 < change["ci_high"] < 0
    assert selection["verdict"] == NO_GAP_FOUND
    assert found.n_comparisons == 2
    row = found.groups.set_index("group").loc["a"]
    assert row["n_lowered"] == (one < 0).sum()
    assert row["share_lowered"] == pytest.approx((one < 0).mean())
    assert row["mean_change"] == pytest.approx(one.mean())


def test_a_group_that_is_discussed_more_is_found() -> None:
    """30 of 40 against 10 of 40, all upheld."""
    found = compare({"a": (40, [0.0] * 30), "b": (40, [0.0] * 10)})
    row = gap(found, SELECTION)
    assert abs(row["gap"]) == pytest.approx(0.5)
    assert row["verdict"] == GAP
    assert row["cannot_rule_out"] > 0.5
    assert gap(found, CHANGE)["reason"] is not None
    assert gap(found, CHANGE)["verdict"] is None


def test_intervals_are_newcombes_and_welchs() -> None:
    """56 of 70 against 48 of 80: .0524 to .3339 (Newcombe 1998, table II, example a, method 10)."""
    found = compare({"a": (70, [0.0] * 56), "b": (80, [0.0] * 48)})
    row = gap(found, SELECTION)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    x, y = [0.0, 1.0, 0.0, -1.0] * 4, [1.0, 1.0, 0.0] * 5
    welch = stats.ttest_ind(y, x, equal_var=False)
    made = gap(compare({"a": (20, x), "b": (15, y)}), CHANGE)
    assert made["p_value"] == pytest.approx(welch.pvalue)
    assert made["ci_high"] == pytest.approx(welch.confidence_interval().high)


def test_chance_alone_is_seldom_called_a_gap() -> None:
    """Nothing planted, three groups: a verdict in at most about one of ten sessions."""
    rng = np.random.default_rng(9)
    called = 0
    for _ in range(100):
        sizes = {
            name: (n, list(rng.choice([-1.0, 0.0, 1.0], rng.binomial(n, 0.5), p=[0.3, 0.5, 0.2])))
            for name, n in (("a", 40), ("b", 30), ("c", 35))
        }
        called += bool(compare(sizes).gaps["verdict"].eq(GAP).any())
    assert called <= 15


def test_small_groups_and_small_cells_are_hidden() -> None:
    """Nine people: nothing of them; nine discussed: no changes of them."""
    found = compare({"a": (30, [1.0, 0.0] * 8), "b": (20, [0.0] * 9), "c": (9, [1.0] * 9)})
    rows = found.groups.set_index("group")
    assert rows["suppressed"].tolist() == [False, False, True]
    assert rows["changes_suppressed"].tolist() == [False, True, True]
    assert rows.loc["c"].drop(["suppressed", "changes_suppressed"]).isna().all()
    assert rows.loc["b", "n_discussed"] == 9
    assert pd.isna(rows.loc["b", "n_raised"])
    assert "c" not in set(found.gaps["group"])
    assert "10" in str(gap(found, CHANGE)["reason"])


def test_decisions_about_one_person_are_one_change() -> None:
    """Two criteria of one person: their mean, counted once."""
    changes, people, groups = company({"a": (20, [1.0] * 10 + [0.0]), "b": (20, [0.0, 1.0] * 6)})
    again = pd.concat([changes, changes.assign(change=changes["change"] - 2)], ignore_index=True)
    found = estimate_change_fairness(again, people=people, groups=groups)
    once = estimate_change_fairness(changes, people=people, groups=groups)
    assert found.groups["n_discussed"].tolist() == once.groups["n_discussed"].tolist()
    assert gap(found, CHANGE)["gap"] == pytest.approx(gap(once, CHANGE)["gap"])
    assert found.groups["mean_change"].tolist() == pytest.approx(
        (once.groups["mean_change"] - 1).tolist()
    )


def test_people_without_a_group_do_not_count() -> None:
    """They are counted apart."""
    changes, people, groups = company({"a": (20, [1.0] * 12), "b": (20, [0.0] * 12)})
    groups = groups.drop(people[:3])
    found = estimate_change_fairness(changes, people=people, groups=groups)
    assert found.n_unknown == 3
    assert found.groups["n_people"].tolist() == [17, 20]


@pytest.mark.parametrize(
    "sizes",
    [{}, {"a": (30, [1.0])}, {"a": (30, [1.0]), "b": (9, [])}, {"a": (30, []), "b": (30, [])}],
)
def test_nothing_to_compare_has_a_reason(sizes: dict[str, tuple[int, list[float]]]) -> None:
    """Nobody, one group, a small second one, nothing decided."""
    with pytest.raises(NotEstimable):
        compare(sizes)
