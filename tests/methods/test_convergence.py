"""Managers before and after a session; raters over the cycles and from what was decided."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import Message, NotEstimable
from pipeline.methods.convergence import Convergence, Distance, Spread, estimate_convergence
from support.ratings import made

DECISIONS = ["subject", "criterion_id", "outcome", "score_before", "score_after"]


def teams(
    level: list[float], *, n: int = 6, noise: float = 0.2, seed: int = 1
) -> tuple[pd.DataFrame, pd.Series]:
    """Return one rating a person on two criteria, and the manager of each."""
    rng = np.random.default_rng(seed)
    rows, managers = [], {}
    for at, mean in enumerate(level):
        for person in range(n):
            subject = f"m{at}-e{person}"
            managers[subject] = f"m{at}"
            own = mean + rng.normal(0, noise)
            rows += [("2025", subject, f"m{at}", criterion, own) for criterion in ("c1", "c2")]
    columns = ["cycle", "subject_id", "rater_id", "criterion_id", "score"]
    return pd.DataFrame(rows, columns=columns), pd.Series(managers)


def decide(
    changes: dict[str, float], criterion: str = "overall", before: float = 3.0
) -> pd.DataFrame:
    """Return a decision per subject."""
    rows = [
        (one, criterion, "upheld" if change == 0 else "adjusted", before, before + change)
        for one, change in changes.items()
    ]
    return pd.DataFrame(rows, columns=DECISIONS)


def converge(
    ratings: pd.DataFrame, managers: pd.Series, decisions: pd.DataFrame, **options: object
) -> Convergence:
    """Estimate within one cycle."""
    return estimate_convergence(
        ratings, decisions=decisions, managers=managers, cycle_order=["2025"], **options
    )


LEVELS = [2.0, 2.5, 3.0, 3.5, 4.0, 3.0, 2.2, 3.8]


def test_a_session_that_halves_the_differences_is_found() -> None:
    """Everybody half way to 3, manager by manager: the ratio is about a half, surely below 1."""
    ratings, managers = teams(LEVELS)
    half = {one: (3 - LEVELS[int(m[1:])]) / 2 for one, m in managers.items()}
    found = converge(ratings, managers, decide(half)).spread
    assert isinstance(found, Spread)
    assert found.ratio == pytest.approx(0.5, abs=0.06)
    assert found.ratio_low < 0.5 < found.ratio_high < 0.7
    assert (found.n_managers, found.n_people) == (8, 48)


def test_a_shift_of_all_leaves_the_spread() -> None:
    """All a point lower: the ratio is 1 without doubt."""
    ratings, managers = teams(LEVELS)
    found = converge(ratings, managers, decide(dict.fromkeys(managers.index, -1.0))).spread
    assert isinstance(found, Spread)
    assert (found.ratio, found.ratio_low, found.ratio_high) == pytest.approx((1.0, 1.0, 1.0))


def test_one_criterion_moves_the_overall_score_by_its_share() -> None:
    """With weights 3 and 1 a point on the first moves the mean by three quarters."""
    ratings, managers = teams([3.0, 3.0, 3.0, 3.0], n=2, noise=0.1)
    own = dict.fromkeys([f"m{manager}-e{person}" for manager in range(3) for person in range(2)], 1)
    weights = pd.Series({"c1": 3.0, "c2": 1.0})
    first = converge(ratings, managers, decide(own, "c1"), weights=weights).spread
    assert isinstance(first, Spread)
    both = converge(ratings, managers, decide(dict.fromkeys(own, 0.75)), weights=weights).spread
    assert first == both


def test_a_decision_on_all_counts_alone() -> None:
    """Beside a decision on all together, one on a criterion of that person adds nothing."""
    ratings, managers = teams(LEVELS)
    overall = decide({"m0-e0": 1.0, "m1-e0": -1.0, "m2-e0": 1.0})
    twice = pd.concat([overall, decide({"m0-e0": 2.0}, "c1")], ignore_index=True)
    assert converge(ratings, managers, twice).spread == converge(ratings, managers, overall).spread


def test_the_interval_of_the_ratio_covers_in_95_of_100() -> None:
    """Managers drawn anew, their means pulled half way with noise: the true ratio is inside."""
    rng = np.random.default_rng(5)
    covered = 0
    true = (0.25 * 0.25 + 0.04) ** 0.5 / 0.5
    for _ in range(200):
        level = 3 + rng.normal(0, 0.5, 8)
        ratings, managers = teams(list(level), n=2, noise=0.0)
        after = 3 + (level - 3) / 2 + rng.normal(0, 0.2, 8)
        change = {one: float((after - level)[int(m[1:])]) for one, m in managers.items()}
        found = converge(ratings, managers, decide(change)).spread
        assert isinstance(found, Spread)
        covered += found.ratio_low <= true <= found.ratio_high
    assert 180 <= covered <= 199


def test_the_limits_are_where_pitmans_test_turns() -> None:
    """At a limit the correlation of sum and difference is just significant (Pitman 1939)."""
    ratings, managers = teams(LEVELS, noise=0.0)
    rng = np.random.default_rng(2)
    moved = {f"m{i}": float(step) for i, step in enumerate(rng.normal(0, 0.4, len(LEVELS)))}
    change = {one: moved[m] for one, m in managers.items()}
    found = converge(ratings, managers, decide(change)).spread
    assert isinstance(found, Spread)
    x = np.array(LEVELS)
    y = x + np.array(list(moved.values()))
    for limit in (found.ratio_low, found.ratio_high):
        assert stats.pearsonr(y / limit + x, y / limit - x).pvalue == pytest.approx(0.05)


def test_the_distance_is_that_of_raters_from_the_decision() -> None:
    """Two raters a point away from three people, two points from three others: 1.5 on average."""
    rows = [
        ("2025", f"e{i}", rater, c, 3.0 + side * (1 + i % 2))
        for i in range(6)
        for rater, side in (("a", -1), ("b", 1))
        for c in ("c1", "c2")
    ]
    ratings = pd.DataFrame(
        rows, columns=["cycle", "subject_id", "rater_id", "criterion_id", "score"]
    )
    nobody = pd.Series(dtype=object)
    for criterion in ("overall", "c1"):
        found = converge(ratings, nobody, decide({f"e{i}": 0.0 for i in range(6)}, criterion))
        assert isinstance(found.spread, Message)
        assert isinstance(found.distance, Distance)
        assert found.distance.mean == pytest.approx(1.5)
        assert (found.distance.low, found.distance.high) == pytest.approx(
            stats.t.interval(0.95, 5, 1.5, stats.sem([1, 2] * 3))
        )
        assert (found.distance.n_subjects, found.distance.n_scores) == (6, 12)


def test_equal_distances_have_no_interval() -> None:
    """A reason instead of an interval without width."""
    rows = [("2025", f"e{i}", r, "c1", 3.0 + s) for i in range(6) for r, s in (("a", 1), ("b", -1))]
    ratings = pd.DataFrame(
        rows, columns=["cycle", "subject_id", "rater_id", "criterion_id", "score"]
    )
    decisions = decide({f"e{i}": 0.0 for i in range(6)})
    found = converge(ratings, pd.Series(dtype=object), decisions)
    assert "equally far" in str(found.distance)


def test_cycles_are_described_each_from_its_own_ratings() -> None:
    """Raters who are closer together in the second cycle show a higher ICC there."""
    far = made(3, cycles=("2024",), shift={("2024", i): (-1.0) ** i for i in range(6)})
    near = made(4, cycles=("2025",))
    found = estimate_convergence(
        pd.concat([far, near]),
        decisions=decide({}),
        managers=pd.Series(dtype=object),
        cycle_order=["2024", "2025"],
    )
    rows = found.cycles.set_index("cycle")
    assert list(rows.index) == ["2024", "2025"]
    assert rows.loc["2024", "icc"] < rows.loc["2025", "icc"] - 0.2
    assert rows.loc["2024", "sd_raters"] == pytest.approx(1.0, abs=0.35)
    assert rows["icc_low"].lt(rows["icc"]).all()
    assert not found.nested


def test_one_rater_a_person_has_no_agreement() -> None:
    """The cycle has a reason, and the result says that teams and severity are one."""
    ratings, managers = teams(LEVELS)
    found = converge(ratings, managers, decide({}))
    assert found.nested
    assert isinstance(found.cycles.loc[0, "reason"], Message)
    assert np.isnan(found.cycles.loc[0, "icc"])
    assert isinstance(found.spread, Message)
    assert isinstance(found.distance, Message)


def test_what_cannot_be_compared_has_a_reason() -> None:
    """Few managers, no change, no ratings."""
    ratings, managers = teams([2.0, 3.0, 4.0])
    few = converge(ratings, managers, decide({"m0-e0": 1.0})).spread
    assert isinstance(few, Message)
    assert "3" in str(few)
    ratings, managers = teams(LEVELS)
    assert isinstance(converge(ratings, managers, decide({"m0-e0": 0.0})).spread, Message)


def test_one_manager_who_moves_is_no_verdict_on_all() -> None:
    """The highest mean lowered a little would make an interval below 1; three have to move."""
    ratings, managers = teams([3.0, 3.01, 2.99, 3.0, 3.6], noise=0.0)
    for moved in (1, 2):
        some = decide({f"m{4 - i}-e0": -0.5 for i in range(moved)})
        found = converge(ratings, managers, some).spread
        assert isinstance(found, Message)
        assert str(moved) in str(found)
    three = decide({f"m{4 - i}-e0": -0.5 for i in range(3)})
    assert isinstance(converge(ratings, managers, three).spread, Spread)


def test_without_ratings_there_is_nothing_to_compare() -> None:
    """A reason of its own."""
    ratings, managers = teams(LEVELS)
    with pytest.raises(NotEstimable):
        converge(ratings.iloc[:0], managers, decide({}))


def test_the_order_of_rows_changes_nothing() -> None:
    """Not the numbers, and not the draws."""
    ratings, managers = teams(LEVELS)
    decisions = decide({one: 0.5 if "e1" in one else -0.5 for one in managers.index[:20]})
    one = converge(ratings, managers, decisions)
    mixed = ratings.sample(frac=1, random_state=4)
    other = converge(mixed, managers, decisions.sample(frac=1, random_state=5))
    assert one.distance == other.distance
    assert isinstance(one.spread, Spread)
    assert isinstance(other.spread, Spread)
    assert one.spread.ratio_low == pytest.approx(other.spread.ratio_low)
