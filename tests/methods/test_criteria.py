"""The criterion clinic: the form by rule, and criteria that cannot be told apart by interval."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.locale.words import word_lists
from pipeline.methods.criteria import Criteria, estimate_criteria

POINTS = [1.0, 2.0, 3.0]
ANCHORS = {f"anchor_{point}_en": "Calls the customer back." for point in (1, 2, 3)}


def form(*rows: dict[str, object]) -> Criteria:
    """Look at criteria without ratings."""
    columns = {"subject_id": [], "rater_id": [], "criterion_id": [], "score": []}
    return look(pd.DataFrame(columns), *rows)


def look(ratings: pd.DataFrame, *rows: dict[str, object]) -> Criteria:
    """Look at criteria and how they were used."""
    known = pd.DataFrame([{"criterion_id": f"c{i}", **row} for i, row in enumerate(rows)])
    return estimate_criteria(ratings, criteria=known, points=POINTS, words=word_lists())


def rated(
    n_subjects: int, n_raters: int, same: float, *, seed: int = 1, level: float = 2.0
) -> pd.DataFrame:
    """Return ratings by every rater on two criteria that share ``same`` of their variance."""
    random = np.random.default_rng(seed)
    share = random.multivariate_normal([0, 0], [[1, same], [same, 1]], n_subjects)
    own = random.normal(0, level, n_raters)  # the same on both criteria, as a strict rater is
    rows = [
        {"subject_id": f"s{s}", "rater_id": f"r{r}", "criterion_id": f"c{c}",
         "score": share[s, c] + own[r]}
        for s, r, c in product(range(n_subjects), range(n_raters), (0, 1))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_more_than_five_are_too_many() -> None:
    """Five are not."""
    assert form(*[{}] * 6).too_many
    assert not form(*[{}] * 5).too_many


def test_container_words_without_behaviour_are_found() -> None:
    """In the name, where nothing below it tells behaviour, and in anchors that repeat the name."""
    found = form(
        {"label_en": "Proactive"},
        {
            "label_en": "Proactive",
            "observable": "Calls the customer before the deadline.",
            **ANCHORS,
        },
        {"label_en": "Quality of work", "anchor_3_en": "Is very proactive.", **ANCHORS},
        {"label_en": "Calls"},
    ).criteria
    assert found["words"].tolist() == [("proactive",), (), (), ()]
    repeats = form({"label_en": "Energy", **{one: "Is very dynamic." for one in ANCHORS}}).criteria
    assert repeats["words"].tolist() == [("dynamic",)]


def test_missing_anchors_are_named() -> None:
    """A point with a text in any language is described."""
    found = form({"anchor_1_nl": "Belt terug.", "anchor_3_en": "Calls back."}).criteria
    assert found["missing_points"].tolist() == [(2,)]
    assert found["has_observable"].tolist() == [False]


def test_without_raters_it_is_the_plain_correlation() -> None:
    """With one rater: Pearson's correlation, as SciPy computes it."""
    ratings = rated(40, 1, 0.6)
    table = ratings.pivot_table(index="subject_id", columns="criterion_id", values="score")
    row = look(ratings, {}).pairs.iloc[0]
    assert row["correlation"] == pytest.approx(stats.pearsonr(table["c0"], table["c1"])[0])
    low, high = stats.pearsonr(table["c0"], table["c1"]).confidence_interval(0.95)
    # Fisher's interval for normal scores, which the jackknife need not assume
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.1)


def test_strict_raters_do_not_make_criteria_alike() -> None:
    """The level of a rater, on both criteria, is taken out."""
    row = look(rated(60, 4, 0.0), {}).pairs.iloc[0]
    assert abs(row["correlation"]) < 0.4
    assert row["verdict"] == "apart"


@pytest.mark.parametrize(("same", "verdict"), [(0.97, "alike"), (0.1, "apart"), (0.7, "open")])
def test_the_verdict_follows_the_interval(same: float, verdict: str) -> None:
    """Only where the whole interval says so."""
    row = look(rated(50, 3, same), {}).pairs.iloc[0]
    assert row["verdict"] == verdict
    assert row["ci_low"] <= row["correlation"] <= row["ci_high"]


def test_more_raters_of_the_same_people_are_not_more_people() -> None:
    """Ratings of one subject hang together, so the interval hardly narrows."""
    widths = [
        float((row := look(rated(30, n, 0.5), {}).pairs.iloc[0])["ci_high"] - row["ci_low"])
        for n in (2, 8)
    ]
    assert widths[1] > 0.7 * widths[0]


def test_the_interval_holds_the_truth() -> None:
    """About as often as it promises: 200 draws of 30 people with two raters each."""
    hits = 0
    for seed in range(200):
        row = look(rated(30, 2, 0.5, seed=seed), {}).pairs.iloc[0]
        hits += row["ci_low"] <= 0.5 <= row["ci_high"]
    assert 0.90 <= hits / 200 <= 0.99


def test_too_few_is_no_answer() -> None:
    """A reason, not a number."""
    row = look(rated(9, 2, 0.5), {}).pairs.iloc[0]
    assert row["reason"] is not None
    assert pd.isna(row["correlation"])


def test_the_same_score_for_everybody_is_no_answer() -> None:
    """Nothing varies, so nothing can go together."""
    ratings = rated(20, 2, 0.5)
    ratings.loc[ratings["criterion_id"].eq("c1"), "score"] = 3.0
    assert "same score" in str(look(ratings, {}).pairs.iloc[0]["reason"])


def test_criteria_that_are_equal_have_an_interval_below_one() -> None:
    """No infinite z."""
    ratings = rated(20, 2, 1.0)
    row = look(ratings, {}).pairs.iloc[0]
    assert row["verdict"] == "alike"
    assert row["ci_high"] <= 1


def test_no_criteria_is_no_answer() -> None:
    """Nothing to look at."""
    with pytest.raises(NotEstimable):
        form()
