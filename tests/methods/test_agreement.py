"""How far raters agree on shared subjects."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Message, NotEstimable
from pipeline.methods.agreement import Agreement, estimate_agreement
from pipeline.numerics.agreement import weighted_kappa

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)
FEW = settings(max_examples=15, deadline=None)


def department(
    n_subjects: int = 20, n_raters: int = 4, n_criteria: int = 3, kept: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """Ratings on a scale of 1 to 5, of which a share is kept."""
    rng = np.random.default_rng(seed)
    s, r, c = (a.ravel() for a in np.mgrid[:n_subjects, :n_raters, :n_criteria])
    score = 3 + rng.normal(0, 0.8, n_subjects)[s] - rng.normal(0, 0.3, n_raters)[r]
    score = (score + rng.normal(0, 0.6, len(s))).round().clip(1, 5)
    made = pd.DataFrame(
        {
            "subject_id": [f"e{i:02}" for i in s],
            "rater_id": [f"r{i:02}" for i in r],
            "criterion_id": [f"c{i}" for i in c],
        },
        dtype="str",
    ).assign(score=score)
    return made[rng.random(len(made)) < kept].reset_index(drop=True)


def overall(found: Agreement) -> dict[str, float]:
    """The numbers over all criteria."""
    return found.overall.iloc[0].to_dict()


@needs_shared
def test_it_equals_shrout_and_fleiss_on_their_table() -> None:
    """It equals Shrout & Fleiss on their table."""
    # Shrout & Fleiss (1979), table 2; intervals by psych 2.2.9
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected, intervals = (oracle["ShroutFleiss1979"][key] for key in ("ICC", "CI95_psych"))
    wide = pd.read_csv(SHARED / "data" / "ShroutFleiss1979.csv")
    rated = wide.melt("target", var_name="rater_id", value_name="score")
    rated = rated.rename(columns={"target": "subject_id"}).assign(criterion_id="a")
    found = estimate_agreement(rated.astype({"score": float}))
    numbers = overall(found)
    for name, form in (("a1", "2,1"), ("ak", "2,k"), ("c1", "3,1"), ("ck", "3,k")):
        assert numbers[f"icc_{name}"] == pytest.approx(expected[form], abs=1e-6)
    for name, form in (("a1", "2,1"), ("ak", "2,k"), ("c1", "3,1"), ("ck", "3,k")):
        own = [numbers[f"icc_{name}_low"], numbers[f"icc_{name}_high"]]
        assert own == pytest.approx(intervals[form], abs=1e-4)
    assert (found.k, found.n_subjects, found.n_raters) == (4, 6, 4)
    assert found.criteria["icc_a1"][0] == numbers["icc_a1"]


def iccs(found: Agreement) -> dict[str, float]:
    """The ICCs over all criteria."""
    return {name: value for name, value in overall(found).items() if name.startswith("icc")}


def test_overall_is_about_means_over_criteria() -> None:
    """Overall is about means over criteria."""
    rated = department()
    means = rated.groupby(["subject_id", "rater_id"])["score"].mean().reset_index()
    expected = iccs(estimate_agreement(means.assign(criterion_id="a")))
    assert iccs(estimate_agreement(rated)) == pytest.approx(expected)


def test_an_easy_criterion_that_some_rated_does_not_count_as_disagreement() -> None:
    """An easy criterion that some rated does not count as disagreement."""
    rated = department(n_criteria=2)
    easy = rated["criterion_id"] == "c1"
    rated["score"] = rated["score"] + 10 * easy
    some = rated[~easy | (rated["rater_id"] != "r00")]
    complete = overall(estimate_agreement(rated))["icc_a1"]
    assert overall(estimate_agreement(some))["icc_a1"] == pytest.approx(complete, abs=0.15)


def test_pairs_within_one_point_are_counted_per_criterion() -> None:
    """Pairs within one point are counted per criterion."""
    rated = department(kept=0.7, seed=3)
    found = estimate_agreement(rated).criteria.set_index("criterion_id")
    for criterion, own in rated.groupby("criterion_id"):
        gaps = [
            abs(a - b)
            for _, scores in own.groupby("subject_id")["score"]
            for a, b in combinations(scores, 2)
        ]
        row = found.loc[criterion]
        assert row["n_pairs"] == len(gaps)
        assert row["within_one"] == pytest.approx(np.mean(np.array(gaps) <= 1))
        assert row["within_one_low"] <= row["within_one"] <= row["within_one_high"]
        assert row["n_subjects"] == (own.groupby("subject_id").size() >= 2).sum()


def test_only_shared_subjects_count() -> None:
    """Only shared subjects count."""
    rated = department()
    own = department(n_raters=1, seed=9)
    own["subject_id"] = "own-" + own["subject_id"]
    one, other = estimate_agreement(rated), estimate_agreement(pd.concat([rated, own]))
    assert overall(other) == pytest.approx(overall(one))
    assert (other.n_subjects, other.n_raters) == (one.n_subjects, one.n_raters)


def test_a_criterion_that_cannot_be_estimated_says_why_and_the_others_stand() -> None:
    """A criterion that cannot be estimated says why and the others stand."""
    rated = department()
    alone = (rated["criterion_id"] == "c2") & (rated["rater_id"] != "r01")
    same = rated["criterion_id"] == "c1"
    rated = rated.assign(score=rated["score"].mask(same, 4.0))[~alone]
    found = estimate_agreement(rated).criteria.set_index("criterion_id")
    assert found["reason"]["c0"] is None
    assert np.isfinite(found["icc_a1"]["c0"])
    assert isinstance(found["reason"]["c1"], Message)
    assert "the same" in str(found["reason"]["c1"])
    assert "Nobody was rated by two raters" in str(found["reason"]["c2"])
    assert found.loc[["c1", "c2"], ["icc_a1", "ci_low", "ci_high"]].isna().all(axis=None)
    assert found["within_one"]["c1"] == 1
    assert np.isnan(found["within_one"]["c2"])


def test_nothing_given_is_changed() -> None:
    """Nothing given is changed."""
    rated = department(kept=0.8)
    before = rated.copy(deep=True)
    estimate_agreement(rated)
    pd.testing.assert_frame_equal(rated, before)


@FEW
@given(st.floats(-5, 5), st.randoms(use_true_random=False))
def test_shift_relabelling_and_order_change_nothing(shift: float, random: object) -> None:
    """Shift relabelling and order change nothing."""
    rated = department(kept=0.8, seed=4)
    names = list(rated["rater_id"].unique())
    random.shuffle(names)
    new = dict(zip(sorted(names), names, strict=True))
    other = rated.assign(score=rated["score"] + shift, rater_id=rated["rater_id"].map(new))
    other = other.sample(frac=1, random_state=random.randrange(1000))
    one, found = estimate_agreement(rated), estimate_agreement(other)
    assert overall(found) == pytest.approx(overall(one), abs=1e-4)
    np.testing.assert_allclose(found.criteria["icc_a1"], one.criteria["icc_a1"], atol=1e-4)
    np.testing.assert_allclose(found.criteria["within_one"], one.criteria["within_one"])


def test_equal_departments_side_by_side_agree_as_far_as_one() -> None:
    """Equal departments side by side agree as far as one."""
    rated = department(n_subjects=30, n_raters=5, n_criteria=1, seed=2)
    copies = [
        rated.assign(subject_id=f"{i}" + rated["subject_id"], rater_id=f"{i}" + rated["rater_id"])
        for i in range(40)
    ]
    one, many = estimate_agreement(rated), estimate_agreement(pd.concat(copies))
    # fewer degrees of freedom are spent on means, so not to the last digit
    assert overall(many)["icc_a1"] == pytest.approx(overall(one)["icc_a1"], abs=0.03)
    assert many.criteria["within_one"][0] == pytest.approx(one.criteria["within_one"][0])


def small(*scores: tuple[str, str, float]) -> pd.DataFrame:
    """One criterion; (rater, subject, score)."""
    made = pd.DataFrame(scores, columns=["rater_id", "subject_id", "score"])
    made = made.astype({"rater_id": "str", "subject_id": "str", "score": float})
    return made.assign(criterion_id="a")


FULL = department()
REFUSED = {
    "no ratings": (FULL.iloc[:0], "no ratings"),
    "all missing": (FULL.assign(score=np.nan), "no ratings"),
    "one rater": (FULL[FULL["rater_id"] == "r01"], "only one rater"),
    "one subject": (FULL[FULL["subject_id"] == "e01"], "Only 1 person"),
    "nested": (small(("ann", "x", 1), ("bob", "y", 2)), "Nobody was rated by two"),
    "constant": (FULL.assign(score=3.0), "are the same"),
    "twice": (pd.concat([FULL, FULL.iloc[:1]]), "1 judgement is given twice"),
    "a thousand raters with one rating each": (
        small(*[(f"r{i}", f"e{i % 50}", 1 + i % 5) for i in range(1000)]), "too few",
    ),
    "subjects alike": (
        small(*[(r, f"e{i}", float(r == "b")) for i in range(5) for r in "ab"]), "too few",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_ratings_that_cannot_answer_say_why(case: str) -> None:
    """Ratings that cannot answer say why."""
    rated, reason = REFUSED[case]
    with pytest.raises(NotEstimable, match=reason):
        estimate_agreement(rated)


@pytest.mark.parametrize("seed", range(20))
def test_tiny_departments_get_numbers_or_a_reason(seed: int) -> None:
    """Tiny departments get numbers or a reason."""
    rated = department(n_subjects=4, n_raters=3, n_criteria=2, kept=0.7, seed=seed)
    try:
        found = estimate_agreement(rated)
    except NotEstimable:
        return
    assert np.isfinite(list(iccs(found).values())).all()
    numbers = overall(found)
    for name in ("alpha", "kappa"):
        answer = [numbers[name], numbers[f"{name}_low"], numbers[f"{name}_high"]]
        assert np.isfinite(answer).all() == (numbers[f"{name}_reason"] is None)
    assert found.overall["icc_a1_low"][0] <= found.overall["icc_a1"][0]
    assert found.overall["icc_a1"][0] <= found.overall["icc_a1_high"][0] <= 1
    missing = found.criteria["icc_a1"].isna()
    assert (missing == found.criteria["reason"].notna()).all()


# Beyond chance


@needs_shared
@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_alpha_equals_krippendorff_on_the_table_of_four_by_twelve(metric: str) -> None:
    """Alpha equals the published values of Krippendorff's own table, overall and per criterion."""
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    table = pd.read_csv(SHARED / "data" / "krippendorff_4x12.csv")
    rated = table.reset_index().melt("index", var_name="rater_id", value_name="score").dropna()
    rated = rated.rename(columns={"index": "subject_id"}).assign(criterion_id="a")
    found = estimate_agreement(rated, metric=metric)
    expected = oracle["Krippendorff_4x12"]["alpha"][metric]
    assert overall(found)["alpha"] == pytest.approx(expected, abs=1e-9)
    assert found.criteria["alpha"][0] == pytest.approx(expected, abs=1e-9)
    assert found.criteria["alpha_low"][0] < expected < found.criteria["alpha_high"][0]
    assert found.metric == metric


def test_kappa_pools_the_pairs_of_raters() -> None:
    """Single pairs have the kappa of two raters; with two raters the pooled one is theirs."""
    rated = department(n_criteria=1, n_subjects=30, n_raters=3, kept=0.8)
    wide = rated.pivot(index="subject_id", columns="rater_id", values="score")
    single = [
        weighted_kappa(wide[a], wide[b], "quadratic") for a, b in combinations(wide.columns, 2)
    ]
    numbers = overall(estimate_agreement(rated))
    assert numbers["n_rater_pairs"] == 3
    assert numbers["kappa_lowest"] == pytest.approx(min(single))
    assert numbers["kappa_highest"] == pytest.approx(max(single))
    assert numbers["kappa_median"] == pytest.approx(np.median(single))
    assert numbers["kappa_low"] < numbers["kappa"] < numbers["kappa_high"]
    two = rated[rated["rater_id"] != "r02"]
    assert overall(estimate_agreement(two))["kappa"] == pytest.approx(single[0])


def test_an_easy_criterion_is_no_agreement_beyond_chance() -> None:
    """A criterion on which everybody scores higher changes neither alpha nor kappa."""
    rated = department()
    easier = rated.assign(score=rated["score"] + 3 * (rated["criterion_id"] == "c1"))
    one, other = overall(estimate_agreement(rated)), overall(estimate_agreement(easier))
    for name in ("alpha", "kappa"):
        for end in ("", "_low", "_high"):
            assert one[name + end] == pytest.approx(other[name + end], abs=1e-9)


def test_intervals_beyond_chance_cover() -> None:
    """95 % intervals of kappa and alpha hold the value of a large department of the same raters."""
    great = overall(estimate_agreement(department(n_subjects=3000, seed=5), n_bootstrap=100))
    rated = department(n_subjects=3000, seed=5)
    code = rated["subject_id"].str[1:].astype(int)
    held = []
    for part in range(40):
        own = overall(estimate_agreement(rated[code // 25 == part], n_bootstrap=199))
        held += [own[f"{n}_low"] <= great[n] <= own[f"{n}_high"] for n in ("alpha", "kappa")]
    assert np.mean(held) > 0.85


def test_without_differences_there_is_a_reason_and_no_number() -> None:
    """A criterion with equal scores has no alpha and no kappa, but a reason."""
    rated = department()
    flat = rated.assign(score=rated["score"].mask(rated["criterion_id"] == "c1", 3.0))
    row = estimate_agreement(flat).criteria.set_index("criterion_id").loc["c1"]
    assert np.isnan([row["alpha"], row["kappa"], row["icc_ck"]]).all()
    assert isinstance(row["alpha_reason"], Message)
    assert isinstance(row["kappa_reason"], Message)
