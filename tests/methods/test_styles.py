"""Styles of rating: one, unless four conditions hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable, WrongUse
from pipeline.methods.styles import Styles, estimate_styles


def planted(
    seed: int = 0,
    n_raters: int = 36,
    n_subjects: int = 60,
    *,
    share: float = 0.0,
    strict: float = 0.0,
    wide: float = 1.0,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Ratings in which a share of the raters is stricter and uses another range."""
    rng = np.random.default_rng(seed)
    other = np.arange(n_raters) < share * n_raters
    level = rng.normal(0, 0.8, n_subjects)
    rows = []
    for r in range(n_raters):
        n = rng.integers(12, 31)
        for s in rng.choice(n_subjects, n, replace=False):
            for c in range(2):
                slope, low = (wide, strict) if other[r] else (1.0, 0.0)
                raw = 4 + slope * level[s] - low + rng.normal(0, 0.5)
                rows.append((f"e{s:02}", f"r{r:02}", f"c{c}", raw))
    made = pd.DataFrame(rows, columns=["subject_id", "rater_id", "criterion_id", "score"])
    made["score"] = made["score"].round().clip(1, 7)
    return made, other


@pytest.fixture(scope="module")
def two() -> tuple[Styles, np.ndarray]:
    """Fifteen of 36 raters are 1.2 points stricter and hardly use the scale."""
    rated, other = planted(share=0.42, strict=1.2, wide=0.3)
    return estimate_styles(rated, points=[1, 2, 3, 4, 5, 6, 7]), other


def test_planted_styles_are_found_with_their_members(two: tuple[Styles, np.ndarray]) -> None:
    """Two planted styles are found, all four conditions hold, and nearly all raters are placed."""
    found, other = two
    assert found.n_styles == 2
    assert found.checks["passed"].all()
    style = found.raters["style"].to_numpy() == 1
    assert (style == other).mean() > 0.95
    assert found.styles.groupby("style")["n"].first().to_list() == [36 - other.sum(), other.sum()]


def test_styles_are_described_by_what_sets_them_apart(two: tuple[Styles, np.ndarray]) -> None:
    """The strict style with the narrow range says so."""
    said = {str(message) for message in two[0].description[1]}
    assert "Stricter than the average rater." in said
    assert "Uses a narrower range of scores." in said
    assert "Milder than the average rater." not in said


def test_features_have_errors_and_their_signs(two: tuple[Styles, np.ndarray]) -> None:
    """Severity is positive for strict raters, and every feature has a positive error."""
    found, other = two
    raters = found.raters
    assert raters.loc[other, "severity"].mean() - raters.loc[~other, "severity"].mean() > 0.8
    assert raters.loc[other, "slope"].mean() < 0.6
    assert (raters[["severity_se", "log_sd_se", "slope_se", "extremes_se"]] > 0).all(axis=None)


def test_without_structure_there_is_one_style() -> None:
    """Raters who differ by degrees only are seldom more than one style (2 of 90 were)."""
    claimed = []
    for seed in range(20):
        rated, _ = planted(seed, n_raters=24, n_subjects=40)
        rng = np.random.default_rng(seed)
        own = dict(zip(sorted(set(rated["rater_id"])), rng.normal(0, 0.5, 24), strict=True))
        score = (rated["score"] - rated["rater_id"].map(own)).round().clip(1, 7)
        claimed.append(estimate_styles(rated.assign(score=score)).n_styles > 1)
    assert np.mean(claimed) <= 0.1


def test_one_style_is_said_in_words() -> None:
    """Without structure everybody has style 0, and the words say that none was found."""
    found = estimate_styles(planted()[0])
    assert found.n_styles == 1
    assert (found.raters["style"] == 0).all()
    assert "One style" in str(found.description[0][0])


def test_names_order_and_shift_change_nothing(two: tuple[Styles, np.ndarray]) -> None:
    """Other names, another order and another level of the scores give the same styles."""
    rated, _ = planted(share=0.42, strict=1.2, wide=0.3)
    names = {name: f"k{97 - i * 7 % 89}" for i, name in enumerate(sorted(set(rated["rater_id"])))}
    moved = rated.assign(score=rated["score"] + 2, rater_id=rated["rater_id"].map(names))
    moved = moved.sample(frac=1, random_state=3)
    other = estimate_styles(moved, points=[3, 4, 5, 6, 7, 8, 9])
    one = two[0].raters.assign(rater_id=two[0].raters["rater_id"].map(names))
    one = one.sort_values("rater_id", ignore_index=True)
    pd.testing.assert_frame_equal(one, other.raters, atol=1e-6)


def test_raters_with_few_ratings_or_no_link_carry_a_reason() -> None:
    """Who cannot take part has no style but a reason, and changes nothing for the others."""
    rated, _ = planted()
    few = rated[rated["rater_id"] == "r00"].head(3).assign(rater_id="few")
    alone = rated[rated["rater_id"] == "r01"].assign(rater_id="alone")
    alone["subject_id"] = "own-" + alone["subject_id"]
    found = estimate_styles(pd.concat([rated, few, alone])).raters.set_index("rater_id")
    assert "Fewer than 5 scores" in str(found.loc["few", "reason"])
    assert "Shares no person" in str(found.loc["alone", "reason"])
    assert found.loc[["few", "alone"], ["style", "severity"]].isna().all(axis=None)
    assert found["reason"].drop(["few", "alone"]).isna().all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.assign(score=np.nan), "no ratings yet"),
        (lambda d: pd.concat([d, d]), "twice"),
        (lambda d: d.assign(score=3.0), "No differences"),
        (lambda d: d[d["rater_id"] < "r08"], "there are 8"),
        (lambda d: d[d["rater_id"] == "r08"], "there are 0"),
        (lambda d: d.drop_duplicates("rater_id"), "there are 0"),
        (lambda d: d.assign(subject_id=d["rater_id"] + d["subject_id"]), "there are 0"),
        (lambda d: d[d["subject_id"] == "e00"].assign(
            rater_id=lambda x: x["rater_id"] + x["criterion_id"]), "there are 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_a_reason(change, reason: str) -> None:
    """Degenerate ratings give NotEstimable and a reason."""
    with pytest.raises(NotEstimable, match=reason):
        estimate_styles(change(planted(n_subjects=40)[0]))


def test_raters_without_noise_are_no_crash() -> None:
    """Raters who all give each subject the same score are one style or a reason."""
    rated, _ = planted()
    same = rated["subject_id"].str[1:].astype(int) % 5 + 1.0
    with pytest.raises(NotEstimable):
        estimate_styles(rated.assign(score=same))
    some_off = same.where(rated.index % 9 > 0, 3.0)
    assert estimate_styles(rated.assign(score=some_off)).n_styles == 1


def test_too_few_draws_are_refused() -> None:
    """Fewer than 39 draws cannot give p below .05."""
    with pytest.raises(WrongUse):
        estimate_styles(planted()[0], n_bootstrap=20)
