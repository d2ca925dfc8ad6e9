"""What can be said when nobody shares subjects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.nested import Nested, estimate_nested
from support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)


def own_reports(
    n_raters: int = 6, n_each: int = 8, n_criteria: int = 4, halo: float = 0.2, seed: int = 0
) -> pd.DataFrame:
    """Managers who rate only their own reports."""
    rng = np.random.default_rng(seed)
    r, s, c = (
        a.ravel()
        for a in np.meshgrid(range(n_raters), range(n_each), range(n_criteria), indexing="ij")
    )
    level = rng.normal(0, 0.5, (n_raters, n_each)) + rng.normal(0, halo**0.5, (n_raters, n_each))
    score = 3 + rng.normal(0, 0.4, n_raters)[r] + level[r, s] + rng.normal(0, 0.4, len(r))
    return pd.DataFrame(
        {
            "rater_id": [f"r{i}" for i in r],
            "subject_id": [f"e{i}{j:02}" for i, j in zip(r, s, strict=True)],
            "criterion_id": [f"c{i}" for i in c],
            "score": score,
        }
    )


def estimate(rated: pd.DataFrame, **options: object) -> Nested:
    """Each rater a component of its own."""
    owner = rated.drop_duplicates("subject_id").set_index("subject_id")["rater_id"]
    parts = pd.Series(pd.factorize(owner, sort=True)[0], index=owner.index)
    return estimate_nested(rated, **{"component": parts, **options})


def test_means_per_manager_have_the_interval_of_a_pooled_t() -> None:
    """Means of a one-way layout: pooled SD within, t with n - groups degrees of freedom."""
    rated = own_reports()
    found = estimate(rated)
    scores = rated.groupby(["rater_id", "subject_id"])["score"].mean().unstack(0)
    within = np.sqrt(np.mean([column.dropna().var() for _, column in scores.items()]))
    assert found.sd_within == pytest.approx(within)
    row = found.groups.iloc[0]
    assert row["mean"] == pytest.approx(scores["r0"].mean())
    half = stats.t.ppf(0.975, 6 * 7) * within / 8**0.5
    assert row["ci_high"] - row["mean"] == pytest.approx(half)
    assert found.mean == pytest.approx(scores.stack().mean())


def test_bounds_run_from_raw_to_equal_teams() -> None:
    """At lambda 1 all parts have the mean of all; at 0 nothing moves; order within stays."""
    found = estimate(own_reports(seed=1))
    rows = found.subjects
    at_one = rows.groupby("component")["at_one"].mean()
    np.testing.assert_allclose(at_one, found.mean)
    np.testing.assert_allclose(rows["at_half"], (rows["raw"] + rows["at_one"]) / 2)
    assert (rows["bound_low"] <= rows[["raw", "at_half", "at_one"]].min(axis=1) + 1e-12).all()
    assert (rows["bound_high"] >= rows[["raw", "at_half", "at_one"]].max(axis=1) - 1e-12).all()
    for _, own in rows.groupby("component"):
        assert (own["raw"].rank() == own["at_one"].rank()).all()


def test_the_order_within_a_manager_is_given_with_ties() -> None:
    """1 is the highest, ties share the middle rank."""
    rated = pd.DataFrame(
        {
            "rater_id": ["a"] * 4 + ["b"],
            "subject_id": ["e1", "e2", "e3", "e4", "e5"],
            "criterion_id": "c",
            "score": [5.0, 3.0, 3.0, 1.0, 2.0],
        }
    )
    order = estimate(rated).order.set_index("subject_id")
    assert order["rank"].tolist() == [1, 2.5, 2.5, 4, 1]
    assert order["n"].tolist() == [4, 4, 4, 4, 1]


def test_halo_is_the_consistency_of_criteria() -> None:
    """Shrout & Fleiss (1979), table 4: ICC(3,1) .7148, interval .342 to .946 (psych 2.2.9)."""
    table = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    )
    rated = pd.DataFrame(table, columns=list("abcd")).reset_index(names="subject_id")
    rated = rated.melt("subject_id", var_name="criterion_id", value_name="score")
    rated = rated.astype({"subject_id": "str", "score": float}).assign(rater_id="r")
    row = estimate(rated).raters.iloc[0]
    assert row["halo_most"] == pytest.approx(0.7148407148)
    assert row["halo_low"] == pytest.approx(0.342464765, abs=1e-6)
    assert row["halo_high"] == pytest.approx(0.94585826, abs=1e-6)


def test_true_consistency_raises_the_bound_of_halo_as_halo_does() -> None:
    """It is an upper bound: planted halo lies below it, and no halo does not make it 0."""
    for halo in (0.0, 0.3):
        share = halo / (halo + 0.25 + 0.16)
        assert estimate(own_reports(halo=halo)).raters["halo_most"].mean() > share + 0.05


def test_range_use_counts_points_and_spread() -> None:
    """A rater who gives two scores only has two points and a small SD."""
    rated = own_reports()
    rated["score"] = rated["score"].round().clip(1, 5)
    narrow = rated["rater_id"] == "r2"
    rated.loc[narrow, "score"] = rated.loc[narrow, "score"].clip(3, 4)
    row = estimate(rated).raters.set_index("rater_id").loc["r2"]
    assert row["points_used"] == 2
    assert (row["lowest"], row["highest"]) == (3, 4)
    assert row["sd_low"] < row["sd"] < row["sd_high"]


@needs_shared
def test_on_the_nested_simulation_bounds_hold_the_truth_of_the_middle() -> None:
    """The shared nested data: 40 managers, bounds differ between managers as their means do."""
    rated = pd.read_csv(SHARED / "data" / "sim_nested_single.csv", dtype={"e": "str", "r": "str"})
    rated = rated.rename(columns={"e": "subject_id", "r": "rater_id", "y": "score"})
    found = estimate(rated.assign(criterion_id="a"))
    assert len(found.groups) == rated["rater_id"].nunique()
    width = found.subjects["bound_high"] - found.subjects["bound_low"]
    off = (found.groups["mean"] - found.mean).abs()
    np.testing.assert_allclose(width, found.subjects["component"].map(off), atol=1e-9)
    assert found.raters["halo_most"].isna().all()
    assert found.raters["reason"].map(str).str.contains("criteria").all()


def test_parts_with_several_raters_are_one_group() -> None:
    """A component with shared subjects is taken as a whole."""
    rated = own_reports()
    second = rated[rated["subject_id"].isin(["e000", "e001"])].assign(rater_id="r1")
    every = pd.concat([rated, second])
    parts = {name: 0 if name[1] in "01" else int(name[1]) for name in rated["subject_id"].unique()}
    found = estimate(every, component=pd.Series(parts))
    assert found.groups["n_raters"].tolist() == [2, 1, 1, 1, 1]
    assert found.raters["n_subjects"].tolist() == [8, 10, 8, 8, 8, 8]


def test_shift_order_and_labels_change_only_the_level() -> None:
    """A shift moves means and bounds alike."""
    rated = own_reports()
    one, two = (
        estimate(rated),
        estimate(rated.assign(score=rated["score"] + 1).sample(frac=1, random_state=2)),
    )
    np.testing.assert_allclose(two.groups["mean"], one.groups["mean"] + 1)
    np.testing.assert_allclose(two.groups["se"], one.groups["se"])
    np.testing.assert_allclose(two.subjects["at_one"], one.subjects["at_one"] + 1)
    np.testing.assert_allclose(two.raters["halo_most"], one.raters["halo_most"])
    pd.testing.assert_series_equal(two.order["rank"], one.order["rank"])


def test_no_ratings_are_refused() -> None:
    """A reason in words."""
    for rated in (own_reports().iloc[:0], own_reports().assign(score=np.nan)):
        with pytest.raises(NotEstimable, match="no ratings"):
            estimate(rated)


@pytest.mark.parametrize("case", ["one each", "constant", "one rater", "one rating", "thousand"])
def test_ratings_without_spread_give_means_with_a_reason(case: str) -> None:
    """Where spread cannot show, the interval is missing and the reason is given."""
    rated = {
        "one each": own_reports(n_each=1),
        "constant": own_reports().assign(score=3.0),
        "one rater": own_reports(n_raters=1),
        "one rating": own_reports().iloc[:1],
        "thousand": own_reports(n_raters=1000, n_each=1, n_criteria=1),
    }[case]
    found = estimate(rated)
    assert found.groups["mean"].notna().all()
    if case == "one rater":
        assert found.groups["ci_low"].notna().all()
    else:
        assert found.groups[["se", "ci_low"]].isna().all(axis=None)
        assert found.groups["reason"].notna().all()
        assert found.raters["reason"].notna().all()
