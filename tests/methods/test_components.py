"""Where differences between scores come from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.components import CONVERSATIONS, RATERS, Components, estimate_components
from support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)
PLANTED = {
    "subject": 0.4, "rater": 0.15, "subject:rater": 0.1, "subject:criterion": 0.08,
    "rater:criterion": 0.05, "residual": 0.2,
}  # fmt: skip


def planted(
    n_subjects: int = 30, n_raters: int = 8, n_criteria: int = 4, each: int = 3, seed: int = 0,
    **variance: float,
) -> pd.DataFrame:  # fmt: skip
    """Ratings from M2 with known variances."""
    var = {**PLANTED, **variance}
    rng = np.random.default_rng(seed)
    rows = [
        (s, r, c)
        for s in range(n_subjects)
        for r in rng.choice(n_raters, each, replace=False)
        for c in range(n_criteria)
    ]
    s, r, c = np.array(rows).T

    def effect(name: str, *codes: np.ndarray) -> np.ndarray:
        shape = tuple(int(code.max()) + 1 for code in codes)
        return rng.normal(0, var[name] ** 0.5, shape)[codes]

    score = 3 + 0.2 * c + effect("subject", s) + effect("rater", r)
    score = score + effect("subject:rater", s, r) + effect("subject:criterion", s, c)
    score = score + effect("rater:criterion", r, c) + rng.normal(0, var["residual"] ** 0.5, len(s))
    made = pd.DataFrame(
        {
            "subject_id": [f"e{i:03}" for i in s],
            "rater_id": [f"r{i:03}" for i in r],
            "criterion_id": [f"c{i}" for i in c],
        },
        dtype="str",
    )
    return made.assign(employee_id=made["subject_id"], score=score)


def estimate(rated: pd.DataFrame, **options: object) -> Components:
    """Components of ratings in one part."""
    parts = pd.Series(0, index=pd.Index(rated["subject_id"].unique()))
    return estimate_components(rated, **{"component": parts, **options})


def variance(found: Components) -> pd.Series:
    """Variance by term."""
    return found.terms.set_index("term")["variance"]


def ratings1() -> pd.DataFrame:
    """The ratings1 data of sirt, long."""
    wide = pd.read_csv(SHARED / "data" / "ratings1.csv", dtype={"idstud": "str"})
    names = {"idstud": "subject_id", "rater": "rater_id"}
    rated = wide.rename(columns=names).melt(
        ["subject_id", "rater_id"], var_name="criterion_id", value_name="score"
    )
    return rated.astype({"rater_id": "str", "criterion_id": "str", "score": float})


@needs_shared
def test_variances_and_the_halo_test_equal_lme4_on_ratings1() -> None:
    """Five variances, the REML criterion and the test of halo equal lme4."""
    # lme4 1.1-31, y ~ item + (1|s) + (1|r) + (1|s:r) + (1|s:item) + (1|r:item)
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = oracle["gstudy_ratings1"]
    found = estimate(ratings1())
    names = {
        "s": "subject", "r": "rater", "s:r": "subject:rater", "s:item": "subject:criterion",
        "r:item": "rater:criterion", "residual": "residual",
    }  # fmt: skip
    for theirs, ours in names.items():
        assert variance(found)[ours] == pytest.approx(expected["var"][theirs], rel=5e-4), ours
    assert found.criterion == pytest.approx(expected["REMLcrit"], abs=1e-3)
    halo = found.terms.set_index("term")["statistic"]["subject:rater"]
    assert halo == pytest.approx(expected["LRT_halo"], abs=1e-3)
    # D study by hand from lme4's variances, two raters, five criteria
    var = {ours: expected["var"][theirs] for theirs, ours in names.items()}
    universe = var["subject"] + var["subject:criterion"] / 5
    relative = (var["subject:rater"] + var["residual"] / 5) / 2
    absolute = relative + (var["rater"] + var["rater:criterion"] / 5) / 2
    two = found.study.set_index("k").loc[2]
    assert two["e_rho2"] == pytest.approx(universe / (universe + relative), abs=1e-4)
    assert two["phi"] == pytest.approx(universe / (universe + absolute), abs=1e-4)


@needs_shared
def test_a_negative_component_is_zero_on_gleser() -> None:
    """Gleser (1965): no rater variance, with the other components as lme4 has them."""
    # lme4 has the item random; in this balanced design the others are the same with it fixed
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = oracle["Gleser1965_p_i_r"]["REML_lmer"]
    wide = pd.read_csv(SHARED / "data" / "Gleser1965.csv")
    wide["subject_id"] = [f"p{i}" for i in range(len(wide))]
    rated = wide.melt("subject_id", value_name="score").astype({"score": float})
    rated["criterion_id"], rated["rater_id"] = rated["variable"].str[1], rated["variable"].str[2]
    found = estimate(rated)
    names = {
        "p": "subject", "pi": "subject:criterion", "pr": "subject:rater", "ir": "rater:criterion",
        "residual": "residual",
    }  # fmt: skip
    for theirs, ours in names.items():
        assert variance(found)[ours] == pytest.approx(expected[theirs], rel=5e-4), ours
    rater = found.terms.set_index("term").loc["rater"]
    assert rater["variance"] == rater["ci_low"] == 0
    assert rater["p_value"] == 1
    assert rater["ci_high"] > 0.1


@needs_shared
def test_terms_that_the_ratings_cannot_tell_apart_are_left_out_on_insteval() -> None:
    """In InstEval most students rate a lecturer once: no halo term, and M1 is as lme4 has it."""
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = oracle["InstEval_by_dept_REML"]["5"]
    kept = pd.read_csv(SHARED / "data" / "InstEval.csv.gz", dtype=str)
    names = {"s": "rater_id", "d": "subject_id", "y": "score"}
    rated = kept[kept["dept"] == "5"].rename(columns=names).astype({"score": float})
    rated = rated.drop_duplicates(["rater_id", "subject_id"]).assign(criterion_id="overall")
    found = estimate(rated)
    terms = found.terms.set_index("term")
    assert terms["variance"].notna().sum() == 3
    assert "cannot be told" in str(terms.loc["subject:rater", "reason"])
    assert "Only one criterion" in str(terms.loc["subject:criterion", "reason"])
    assert terms.loc["rater", "variance"] == pytest.approx(expected["var_s"], rel=0.1)


def test_planted_variances_lie_within_their_intervals() -> None:
    """Of the 95 % intervals of six variances most hold the planted value."""
    hits = []
    for seed in range(8):
        terms = estimate(planted(seed=seed)).terms.set_index("term")
        hits += [
            terms.loc[name, "ci_low"] <= value <= terms.loc[name, "ci_high"]
            for name, value in PLANTED.items()
        ]
    assert np.mean(hits) > 0.85


def test_shares_add_up_to_one_and_lie_within_their_intervals() -> None:
    """The shares are of the variance of a single score."""
    terms = estimate(planted()).terms.dropna(subset="share")
    assert terms["share"].sum() == pytest.approx(1)
    assert (terms["share_low"] <= terms["share"]).all()
    assert (terms["share"] <= terms["share_high"]).all()
    assert terms["share_high"].le(1).all()


def test_more_raters_are_needed_for_the_numbers_than_for_the_order() -> None:
    """Phi is below E rho^2, both grow with raters, and enough raters reach the target."""
    found = estimate(planted(rater=0.5, seed=2))
    study = found.study
    assert (study["phi"] < study["e_rho2"]).all()
    for name in ("phi", "e_rho2"):
        assert study[name].is_monotonic_increasing
        assert (study[f"{name}_low"] <= study[name]).all()
        assert (study[name] <= study[f"{name}_high"]).all()
    enough = found.enough.set_index(["coefficient", "target"])["k"]
    assert enough["phi", 0.8] > enough["e_rho2", 0.8]
    k = int(enough["phi", 0.8])
    wide = estimate(planted(rater=0.5, seed=2), counts=(k - 1, k)).study
    assert wide["phi"].iloc[0] < 0.8 <= wide["phi"].iloc[1]


def test_people_who_do_not_differ_never_have_enough_raters() -> None:
    """Without differences between people no number of raters is enough, and it says so."""
    alike = planted(subject=0.0, seed=1, **{"subject:criterion": 0.0})
    found = estimate(alike, targets=(0.95,))
    row = found.enough.iloc[-1]
    assert np.isnan(row["k"])
    assert "Even 100" in str(row["reason"])


def test_random_criteria_lower_the_coefficient() -> None:
    """Criteria as a sample of all that might be asked bring an error of their own."""
    fixed, drawn = estimate(planted()), estimate(planted(), criteria_random=True)
    assert (drawn.study["e_rho2"] < fixed.study["e_rho2"]).all()


def test_several_conversations_an_employee_give_a_study_of_conversations() -> None:
    """With conversations within employees, it says how many conversations are enough."""
    rng = np.random.default_rng(4)
    rated = planted(n_subjects=80, seed=3, subject=0.2)
    number = rated["subject_id"].str[1:].astype(int) // 4
    rated["employee_id"] = "p" + number.astype(str)
    rated["score"] = rated["score"] + rng.normal(0, 0.8, 20)[number]
    found = estimate(rated)
    assert set(found.study["facet"]) == {RATERS, CONVERSATIONS}
    terms = found.terms.set_index("term")
    assert terms.loc["employee", "ci_low"] <= 0.64 <= terms.loc["employee", "ci_high"]


def test_a_shift_of_a_rater_between_periods_is_rater_by_period() -> None:
    """Planted drift of raters shows as rater:period; without a period the term is refused."""
    rng = np.random.default_rng(8)
    first = planted(seed=5)
    both = pd.concat([first, planted(seed=5)], ignore_index=True)
    both["period"] = np.repeat(["2024", "2025"], len(first))
    shift = rng.normal(0, 0.5, (8, 2))
    rater = both["rater_id"].str[1:].astype(int).to_numpy()
    both["score"] += shift[rater, np.repeat([0, 1], len(first))] + rng.normal(0, 0.4, len(both))
    found = estimate(both, period=both["period"]).terms.set_index("term")
    assert found.loc["rater:period", "ci_low"] <= 0.25 <= found.loc["rater:period", "ci_high"]
    assert found.loc["rater:period", "p_value"] < 0.001
    alone = estimate(first).terms.set_index("term")
    assert "Only one period" in str(alone.loc["rater:period", "reason"])


def test_shift_order_and_labels_change_nothing() -> None:
    """The variances are about differences, whoever is called what."""
    rated = planted(n_subjects=15, n_criteria=3)
    other = rated.assign(
        score=rated["score"] + 2, rater_id=rated["rater_id"].map(lambda name: f"x{name[::-1]}")
    ).sample(frac=1, random_state=1)
    np.testing.assert_allclose(
        variance(estimate(other)), variance(estimate(rated)), rtol=1e-3, atol=1e-6
    )


NESTED = planted(each=1, n_raters=3)
REFUSED = {
    "none": (planted().iloc[:0], "no ratings"),
    "constant": (planted().assign(score=3.0), "the same"),
    "one rater": (planted()[lambda d: d["rater_id"] == "r001"], "only one rater"),
    "twice": (pd.concat([planted(), planted()]), "given twice"),
    "all but one missing": (planted().assign(score=[3.0, *[np.nan] * 359]), "only one rater"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ratings_that_cannot_answer_say_why(case: str) -> None:
    """A reason in words instead of a number."""
    rated, reason = REFUSED[case]
    with pytest.raises(NotEstimable, match=reason):
        estimate(rated)


def test_own_reports_only_is_refused() -> None:
    """Where nobody shares subjects, rater and team are one."""
    rated = planted(n_raters=4).drop_duplicates(["subject_id", "criterion_id"])
    owner = rated.drop_duplicates("subject_id").set_index("subject_id")["rater_id"]
    parts = pd.Series(pd.factorize(owner)[0], index=owner.index)
    with pytest.raises(NotEstimable, match="look the same"):
        estimate(rated, component=parts)


@pytest.mark.parametrize("seed", range(6))
def test_tiny_departments_get_whole_numbers_or_a_reason(seed: int) -> None:
    """Rounded scores of few people never crash."""
    rated = planted(5, 3, 2, 2, seed=seed)
    rated["score"] = rated["score"].round().clip(1, 5)
    try:
        found = estimate(rated)
    except NotEstimable:
        return
    used = found.terms[found.terms["reason"].isna()]
    assert np.isfinite(used[["variance", "share", "share_low", "share_high"]].astype(float)).all(
        axis=None
    )


def test_where_all_is_chance_the_share_of_chance_is_one_with_an_interval() -> None:
    """With every other variance at 0 the shares stay within 0 and 1, without a warning."""
    nothing = dict.fromkeys(PLANTED, 0.0) | {"residual": 1.0}
    for seed in range(40):
        terms = estimate(planted(7, 2, 1, 2, seed=seed, **nothing)).terms
        used = terms[terms["reason"].isna()].set_index("term")
        if (used["variance"].drop("residual") == 0).all():
            assert used.loc["residual", "share"] == 1
            assert 0 <= used.loc["residual", "share_low"] < 1
            return
    pytest.fail("no such data were drawn")
