"""Differences between groups of employees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.fairness import (
    GAP,
    INTERVAL_ONLY,
    NO_GAP_FOUND,
    Fairness,
    estimate_fairness,
)
from pipeline.numerics.fixed_effects import estimate_fixed_effects


def planted(
    gap: float = 0.0, *, sizes: tuple[int, ...] = (60, 40), n_raters: int = 12, each: int = 2,
    n_criteria: int = 3, seed: int = 0,
) -> tuple[pd.DataFrame, pd.Series]:  # fmt: skip
    """Ratings of groups a, b, ...; each next group is ``gap`` points below the one before."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    of_group = np.repeat(np.arange(len(sizes)), sizes)
    rows = [
        (s, r, c)
        for s in range(n)
        for r in rng.choice(n_raters, each, replace=False)
        for c in range(n_criteria)
    ]
    s, r, c = np.array(rows).T
    score = 3 + 0.1 * c - gap * of_group[s] + rng.normal(0, 0.6, n)[s]
    score = score - rng.normal(0, 0.4, n_raters)[r] + rng.normal(0, 0.5, len(s))
    made = pd.DataFrame(
        {
            "employee_id": [f"e{i:03}" for i in s],
            "rater_id": [f"r{i:02}" for i in r],
            "criterion_id": [f"c{i}" for i in c],
        },
        dtype="str",
    ).assign(score=score)
    made["subject_id"] = made["employee_id"]
    groups = pd.Series(["abcdef"[i] for i in of_group], index=[f"e{i:03}" for i in range(n)])
    return made, groups


def one(found: Fairness) -> pd.Series:
    """The only gap."""
    assert len(found.gaps) == 1
    return found.gaps.iloc[0]


def estimate(drawn: tuple[pd.DataFrame, pd.Series], **options: object) -> Fairness:
    """Fairness of ratings and groups."""
    return estimate_fairness(drawn[0], groups=drawn[1], **options)


def test_a_planted_gap_is_found_with_its_sign_and_interval() -> None:
    """Group b is planted .8 lower; the interval holds it and the sentence says it."""
    found = estimate(planted(0.8, seed=1))
    row = one(found)
    assert (row["group"], row["reference"]) == ("b", "a")
    assert row["ci_low"] <= -0.8 <= row["ci_high"] < 0
    assert row["verdict"] == GAP
    assert row["raw_low"] < row["raw_gap"] < row["raw_high"]
    assert "difference was found" in str(row["sentence"])
    assert set(found.terms) >= {"employee", "rater", "residual"}


def test_without_a_gap_intervals_cover_zero_and_say_what_they_cannot_rule_out() -> None:
    """Of 40 simulations without a gap about 5 % exclude 0; a wide interval is said to be wide."""
    rows = [one(estimate(planted(seed=seed, n_criteria=1))) for seed in range(40)]
    assert np.mean([row["p_value"] < 0.05 for row in rows]) <= 0.15
    row = next(row for row in rows if row["verdict"] == NO_GAP_FOUND)
    assert row["cannot_rule_out"] == max(abs(row["ci_low"]), abs(row["ci_high"]))
    assert "cannot rule out" in str(row["sentence"])
    assert row["detectable"] > 2.5 * row["se"]


def test_ten_scores_of_one_person_count_as_one_person() -> None:
    """As with professors and courses: a naive p far below .05 is none once people are clusters."""
    rng = np.random.default_rng(3)
    n = np.repeat(np.arange(94), 5)
    people = pd.Series(np.where(np.arange(94) < 40, "x", "y"), index=[f"p{i}" for i in range(94)])
    level = rng.normal(0, 0.5, 94)
    level += np.where(people == "x", -level[:40].mean() - 0.17, -level[40:].mean())
    rated = pd.DataFrame({"employee_id": [f"p{i}" for i in n]})
    # every course is a judgement of its own group of students
    rated["rater_id"] = [f"k{i}" for i in range(len(n))]
    rated["score"] = 4 + level[n] + rng.normal(0, 0.3, len(n))
    of_row = rated["employee_id"].map(people)
    naive = stats.ttest_ind(rated["score"][of_row == "x"], rated["score"][of_row == "y"])
    row = one(estimate_fairness(rated, groups=people))
    assert naive.pvalue < 0.01
    assert 0.05 < row["p_value"] < 0.5
    # balanced: the t-test on the means of 94 people is exact, with 92 degrees of freedom
    means = rated.groupby("employee_id")["score"].mean()
    exact = stats.ttest_ind(means[people == "x"], means[people == "y"])
    assert row["p_value"] == pytest.approx(exact.pvalue, abs=1e-3)
    assert row["df"] == pytest.approx(92, rel=0.01)


def test_degrees_of_freedom_are_exact_where_theory_has_them() -> None:
    """Balanced one-way design with covariate between people: df = people - 2, any size."""
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(10), 4)
    y = rng.normal(0, 1, 10)[code] + rng.normal(0, 0.5, 40)
    X = np.column_stack([np.ones(40), code < 5])
    found = estimate_fixed_effects(y, X, {"subject": code})
    assert found.degrees_of_freedom(1) == pytest.approx(8, rel=1e-3)
    # nothing random: least squares
    plain = estimate_fixed_effects(y[::4], X[::4], {"subject": np.arange(10)})
    assert plain.degrees_of_freedom(1) == 8
    expected = stats.ttest_ind(y[::4][:5], y[::4][5:])
    t = plain.beta[1] / plain.covariance[1, 1] ** 0.5
    assert t == pytest.approx(expected.statistic)


def test_a_gap_that_only_strict_raters_make_is_adjusted_away() -> None:
    """Raters who mostly rate group b and are strict make a raw gap, not an adjusted one."""
    rng = np.random.default_rng(5)
    rated, groups = planted(sizes=(60, 60), each=3, seed=5)
    strict = rated["rater_id"] < "r06"
    mine = (rated["employee_id"].map(groups) == "b") == strict
    kept = rated[mine | (rng.random(len(rated)) < 0.15)].copy()
    kept["score"] -= 1.2 * (kept["rater_id"] < "r06")
    row = one(estimate((kept, groups), reference="a"))
    assert row["raw_high"] < 0
    assert abs(row["gap"]) < abs(row["raw_gap"]) / 2


def test_small_groups_are_suppressed_and_middling_ones_get_no_verdict() -> None:
    """Under the floor nothing is shown; under 30 people the interval stands alone."""
    found = estimate(planted(1.0, sizes=(40, 20, 6), seed=2))
    shown = found.groups.set_index("group")
    assert shown["suppressed"].to_dict() == {"a": False, "b": False, "c": True}
    assert shown.loc["c"].drop("suppressed").isna().all()
    row = one(found)
    assert row["group"] == "b"
    assert row["verdict"] == INTERVAL_ONLY
    assert row["ci_high"] < 0


def test_selection_rates_and_parity() -> None:
    """By hand: 30 of 60 against 5 of 40 in the top category."""
    people = pd.Series(["a"] * 60 + ["b"] * 40, index=[f"e{i}" for i in range(100)])
    score = [5.0] * 30 + [3.0] * 30 + [4.6] * 5 + [3.0] * 35
    rated = pd.DataFrame({"employee_id": people.index, "score": score})
    found = estimate_fairness(rated, groups=people, top=5)
    rates = found.groups.set_index("group")
    assert rates["rate"].tolist() == [0.5, 0.125]
    # Wilson's interval of 5 of 40
    assert rates.loc["b", "rate_low"] == pytest.approx(0.0546, abs=1e-3)
    assert rates.loc["b", "rate_high"] == pytest.approx(0.2611, abs=1e-3)
    row = one(found)
    assert row["parity_ratio"] == pytest.approx((5.5 / 40.5) / (30.5 / 60.5))
    assert row["parity_low"] < 0.25 < row["parity_high"] < 1


def test_changes_of_a_session_are_compared_as_scores_are() -> None:
    """A row per employee, no rater: the gap equals the t-test on two groups."""
    rng = np.random.default_rng(7)
    people = pd.Series(["a"] * 35 + ["b"] * 45, index=[f"e{i}" for i in range(80)])
    changes = pd.DataFrame(
        {"employee_id": people.index, "score": rng.choice([-1.0, 0.0, 0.0, 1.0], 80)}
    )
    row = one(estimate_fairness(changes, groups=people))
    expected = stats.ttest_ind(
        changes["score"][(people == "a").to_numpy()], changes["score"][(people == "b").to_numpy()]
    )
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert row["df"] == 78


def test_in_a_nested_design_only_teams_are_compared_within() -> None:
    """With a component per manager a gap between teams is no gap."""
    rated, _ = planted(sizes=(60, 60), each=1, seed=8)
    rated["score"] -= 1.5 * (rated["rater_id"] < "r06")
    owner = rated.drop_duplicates("employee_id").set_index("employee_id")["rater_id"]
    mostly = owner.map(lambda rater: "b" if rater < "r06" else "a")
    swapped = pd.Series(np.where(np.arange(120) % 5 == 0, "a", mostly), index=owner.index)
    parts = pd.Series(pd.factorize(owner)[0], index=owner.index)
    row = one(estimate((rated, swapped), component=parts, reference="a"))
    assert row["raw_high"] < 0
    assert row["ci_low"] < 0 < row["ci_high"]
    # where every team is of one group nothing can be said
    with pytest.raises(NotEstimable, match="in the same part"):
        estimate((rated, mostly), component=parts)


def test_legitimate_differences_are_taken_out() -> None:
    """A gap that is all job level disappears beside the level, also where levels are missing."""
    rated, groups = planted(seed=9, sizes=(60, 60))
    level = pd.Series(np.arange(120) % 3, index=groups.index).where(groups == "a", 0)
    rated["score"] += 1.0 * rated["employee_id"].map(level)
    about = pd.DataFrame({"job_level": level.map({0: "L1", 1: "L2", 2: "L3"}), "tenure": 1.0})
    about.iloc[3, 0] = None
    raw, adjusted = (one(estimate((rated, groups), legitimate=given)) for given in (None, about))
    assert raw["ci_high"] < 0
    assert adjusted["ci_low"] < 0 < adjusted["ci_high"]


def test_three_groups_are_one_family_of_tests() -> None:
    """Adjusted p-values are not below the plain ones."""
    gaps = estimate(planted(0.1, sizes=(40, 35, 30), seed=4)).gaps
    assert (gaps["q_value"] >= gaps["p_value"]).all()
    assert gaps["reference"].eq("a").all()


def test_shift_order_and_labels_change_no_gap() -> None:
    """Only differences count."""
    rated, groups = planted(0.3, seed=6)
    other = rated.assign(score=rated["score"] + 2, rater_id="x" + rated["rater_id"].str[::-1])
    first = one(estimate((rated, groups)))
    second = one(estimate((other.sample(frac=1, random_state=1), groups.iloc[::-1])))
    for name in ("gap", "se", "df", "raw_gap", "p_value"):
        assert second[name] == pytest.approx(first[name], rel=5e-3)


DRAWN = planted(seed=1)
REFUSED = {
    "none": ((DRAWN[0].iloc[:0], DRAWN[1]), "no ratings"),
    "missing": ((DRAWN[0].assign(score=np.nan), DRAWN[1]), "no ratings"),
    "one group": ((DRAWN[0], DRAWN[1].where(DRAWN[1] == "a")), "no two groups of at least 10"),
    "no chance": (
        (DRAWN[0].assign(score=DRAWN[0]["employee_id"].map(DRAWN[1]).eq("a") + 3.0), DRAWN[1]),
        "too regular",
    ),
    "constant": ((DRAWN[0].assign(score=3.0), DRAWN[1]), "All scores are the same"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ratings_that_cannot_answer_say_why(case: str) -> None:
    """A reason in words instead of a number."""
    drawn, reason = REFUSED[case]
    with pytest.raises(NotEstimable, match=reason):
        estimate(drawn)


def test_people_without_a_group_are_counted() -> None:
    """Unknown is not a group."""
    rated, groups = planted(seed=2)
    found = estimate((rated, groups.drop(["e000", "e001"])))
    assert found.n_unknown == 2
    assert found.groups["n_employees"].sum() == 98
