"""Raters of conversations beside the expert or the panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable, WrongUse
from pipeline.methods.conversation import (
    CANNOT_TELL,
    EXPERT,
    INSIDE,
    OUTSIDE,
    PANEL,
    RATERS_DIFFER,
    UNCLEAR,
    Conversation,
    estimate_conversation,
)


def planted(
    seed: int = 0, n_conversations: int = 20, noise: float = 0.2, *, whole: bool = False
) -> pd.DataFrame:
    """An expert x and five raters; r0 is 1 point stricter; on c1 raters differ, c2 is unclear."""
    rng = np.random.default_rng(seed)
    strict = {"x": 0.0, "r0": 1.0, "r1": 0.0, "r2": 0.0, "r3": 0.0, "r4": 0.0}
    own = {r: 1.5 * ((i % 2) - 0.5) for i, r in enumerate(strict)}
    rows = []
    for s in range(n_conversations):
        for c in ("c0", "c1", "c2"):
            true = 5 + rng.normal()
            for rater, severity in strict.items():
                spread = 1.2 if c == "c2" and rater != "x" else noise
                on = own[rater] if c == "c1" and rater != "x" else 0.0
                rows.append((f"s{s:02}", rater, c, true - severity + on + rng.normal(0, spread)))
    made = pd.DataFrame(rows, columns=["subject_id", "rater_id", "criterion_id", "score"])
    if whole:
        made["score"] = made["score"].round()
    role = np.where(made["rater_id"] == "x", "expert", "peer")
    return made.assign(rater_role=pd.Series(role, dtype="str"), employee_id=made["subject_id"])


def rater(found: Conversation, name: str) -> pd.Series:
    """One rater's row."""
    return found.raters.set_index("rater_id").loc[name]


def test_deviation_from_the_expert_is_found_with_its_sign() -> None:
    """A rater 1 point stricter than the expert deviates by -1 and lies outside the band."""
    found = estimate_conversation(planted())
    assert found.reference == EXPERT
    assert list(found.raters["rater_id"]) == ["r0", "r1", "r2", "r3", "r4"]
    of_r0 = found.cells.set_index(["rater_id", "criterion_id"]).loc[("r0", "c0")]
    assert of_r0["deviation"] == pytest.approx(-1, abs=0.2)
    assert of_r0["verdict"] == OUTSIDE
    other = found.cells.set_index(["rater_id", "criterion_id"]).loc[("r1", "c0")]
    assert other["verdict"] == INSIDE
    assert other["ci_low"] < 0 < other["ci_high"]


def test_without_an_expert_the_others_are_the_reference() -> None:
    """A panel deviation is the score minus the mean of the others, checked by hand."""
    rated = planted(n_conversations=4)
    rated = rated[rated["rater_id"] != "x"]
    found = estimate_conversation(rated)
    assert found.reference == PANEL
    wide = rated.pivot(index=["subject_id", "criterion_id"], columns="rater_id", values="score")
    by_hand = (wide["r0"] - wide.drop(columns="r0").mean(axis=1)).groupby("subject_id").mean()
    assert rater(found, "r0")["deviation"] == pytest.approx(by_hand.mean())
    se = by_hand.std() / np.sqrt(4)
    assert rater(found, "r0")["se"] == pytest.approx(se)
    assert found.criteria["deviation"].isna().all()


def test_the_band_decides_inside_outside_or_cannot_tell() -> None:
    """An interval that crosses the edge of the band is no verdict."""
    rated = planted()
    deviation = rater(estimate_conversation(rated), "r0")
    edge = -float(deviation["deviation"])
    assert rater(estimate_conversation(rated, tolerance=edge), "r0")["verdict"] == CANNOT_TELL
    assert rater(estimate_conversation(rated, tolerance=edge + 2), "r0")["verdict"] == INSIDE
    assert rater(estimate_conversation(rated, tolerance=edge / 9), "r0")["verdict"] == OUTSIDE


def test_disagreement_is_ranked_and_split() -> None:
    """Stricter raters and an unclear criterion are told apart."""
    found = estimate_conversation(planted(n_conversations=30))
    assert list(found.criteria["criterion_id"])[-1] == "c0"
    cause = found.criteria.set_index("criterion_id")["cause"]
    assert cause["c1"] == RATERS_DIFFER
    assert cause["c2"] == UNCLEAR
    assert (found.criteria["disagreement"].diff().dropna() <= 0).all()
    assert found.components_reason is None
    variance = found.components.set_index("term")["variance"]
    assert variance["rater:criterion"] > 0.1
    assert found.components["share"].sum() == pytest.approx(1)


def test_the_split_equals_mean_squares_on_a_complete_table() -> None:
    """On a complete table the variances are those of two-way ANOVA (Searle et al. 1992)."""
    rated = planted(n_conversations=8).query("rater_id != 'x' and criterion_id == 'c1'")
    found = estimate_conversation(rated).criteria.iloc[0]
    table = rated.pivot(index="subject_id", columns="rater_id", values="score").to_numpy()
    n, k = table.shape
    ms_rater = n * table.mean(axis=0).var(ddof=1)
    rest = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean()
    ms_rest = (rest**2).sum() / (n - 1) / (k - 1)
    assert found["var_residual"] == pytest.approx(ms_rest)
    assert found["var_rater"] == pytest.approx((ms_rater - ms_rest) / n)


def test_intervals_cover_what_was_planted() -> None:
    """Intervals of r1's deviation (0) and of the share on c2 cover in most simulations."""
    covered, shares = [], []
    for seed in range(40):
        rated = planted(seed, n_conversations=10)
        rated = rated[(rated["criterion_id"] == "c2")]
        found = estimate_conversation(rated)
        row = rater(found, "r1")
        covered.append(row["ci_low"] <= 0 <= row["ci_high"])
        # planted severities of the five raters: 1, 0, 0, 0, 0
        share = 0.2 / (0.2 + 1.2**2)
        shares.append(found.criteria["share_low"][0] <= share <= found.criteria["share_high"][0])
    assert np.mean(covered) >= 0.85
    assert np.mean(shares) >= 0.85


def test_shifts_labels_and_order_change_nothing() -> None:
    """Deviations do not depend on the level of the scores, on names or on the order of rows."""
    rated = planted(whole=True)
    found = estimate_conversation(rated)
    moved = rated.assign(score=rated["score"] + 7, subject_id="k" + rated["subject_id"])
    other = estimate_conversation(moved.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(found.raters, other.raters)
    pd.testing.assert_frame_equal(found.criteria, other.criteria)


def test_equal_deviations_still_have_an_interval() -> None:
    """Raters who all score exactly as the expert does are inside, with an interval."""
    rated = planted(whole=True, n_conversations=12)
    norm = rated[rated["rater_id"] == "x"].set_index(["subject_id", "criterion_id"])["score"]
    same = rated.drop(columns="score").join(norm, on=["subject_id", "criterion_id"])
    found = estimate_conversation(same)
    assert (found.raters["deviation"] == 0).all()
    assert (found.raters["se"] > 0).all()
    assert set(found.raters["verdict"]) == {INSIDE}
    assert found.criteria["disagreement"].isna().all()
    assert found.criteria["reason"].notna().all()


def test_few_conversations_carry_a_reason() -> None:
    """A rater with two conversations has no number but a reason."""
    rated = planted()
    few = (rated["rater_id"] != "r4") | rated["subject_id"].isin(["s00", "s01"])
    row = rater(estimate_conversation(rated[few]), "r4")
    assert np.isnan(row["deviation"])
    assert row["verdict"] is None
    assert "Only 2 conversations" in str(row["reason"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.assign(score=np.nan), "no ratings yet"),
        (lambda d: pd.concat([d, d]), "twice"),
        (lambda d: d[d["rater_id"] == "r0"], "no panel"),
        (lambda d: d[d["rater_id"] == "x"], "the expert"),
        (lambda d: d.head(1), "the expert"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(change, reason: str) -> None:
    """Degenerate ratings give NotEstimable and a reason."""
    with pytest.raises(NotEstimable, match=reason):
        estimate_conversation(change(planted()))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.assign(score=3.0),
        lambda d: d[d["subject_id"] == "s00"],
        lambda d: d[d["criterion_id"] == "c0"],
        lambda d: d[d["rater_id"].isin(["r0", "r1"])],
        lambda d: d.drop(columns="rater_role"),
        lambda d: d.assign(rater_id=d["rater_id"] + d["subject_id"]),
        lambda d: d.assign(rater_id=d["rater_id"] + d["subject_id"], rater_role=None),
    ],
)
def test_thin_ratings_give_reasons_and_no_crash(change) -> None:
    """Constant scores, one conversation or criterion, two raters, no roles: no crash."""
    found = estimate_conversation(change(planted()))
    empty = found.raters["deviation"].isna()
    assert (found.raters.loc[empty, "reason"].notna()).all()
    assert (found.raters.loc[~empty, "se"] > 0).all()


def test_a_tolerance_of_nothing_is_refused() -> None:
    """The band must have a width."""
    with pytest.raises(WrongUse):
        estimate_conversation(planted(), tolerance=0.0)
