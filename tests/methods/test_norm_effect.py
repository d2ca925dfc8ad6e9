"""Whether raters differ less on criteria with a norm: a planted effect is found, nothing is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.norm_effect import NormEffect, estimate_norm_effect

CRITERIA = ["c1", "c2", "c3", "c4"]


def rated(
    seed: int, *, after: float = 0.6, n: int = 40, raters: int = 2, points: bool = False
) -> pd.DataFrame:
    """Two cycles; raters scatter by 0.6, on c1 and c2 in the second cycle by ``after``."""
    rng = np.random.default_rng(seed)
    rows = []
    for cycle in ("2024", "2025"):
        for subject in range(n):
            level = rng.normal(3, 0.6)
            for criterion in CRITERIA:
                small = cycle == "2025" and criterion in ("c1", "c2")
                scores = level + rng.normal(0, after if small else 0.6, raters)
                rows += [
                    (cycle, f"e{subject}", f"r{(subject + i) % 7}", criterion, score)
                    for i, score in enumerate(np.round(scores) if points else scores)
                ]
    columns = ["cycle", "subject_id", "rater_id", "criterion_id", "score"]
    return pd.DataFrame(rows, columns=columns)


def effect(ratings: pd.DataFrame, norms: tuple[str, ...] = ("c1", "c2")) -> NormEffect:
    """Estimate with norms of 2024 on ratings of 2025."""
    return estimate_norm_effect(ratings, with_norm=norms, norm_cycle="2024", cycle="2025")


def test_a_norm_that_halves_disagreement_is_found() -> None:
    """The mean distance of two normal scores is 1.128 SD, so halving 0.6 takes away 0.34."""
    found = effect(rated(1, after=0.3, n=150))
    assert found.effect == pytest.approx(-0.3 * 2 / np.pi**0.5, abs=0.1)
    assert found.ci_low < found.effect < found.ci_high < 0
    assert found.criteria["with_norm"].tolist() == [True, True, False, False]
    assert found.n_before == found.n_after == 150


def test_no_norm_effect_is_found_about_as_often_as_it_should() -> None:
    """Without an effect the interval leaves out 0 in about 5 of 100, on whole points too."""
    out = 0
    for seed in range(80):
        found = effect(rated(seed, n=25, points=True))
        out += not found.ci_low <= 0 <= found.ci_high
    assert out <= 9


def test_what_befalls_all_criteria_drops_out() -> None:
    """A cycle in which raters scatter twice as much on everything has no effect."""
    ratings = rated(3, n=200)
    later = ratings["cycle"].eq("2025")
    centre = ratings.groupby(["cycle", "subject_id", "criterion_id"])["score"].transform("mean")
    ratings.loc[later, "score"] = (2 * ratings["score"] - centre)[later]
    found = effect(ratings)
    assert found.ci_low < 0 < found.ci_high
    rows = found.criteria
    assert (rows["after"] > rows["before"]).all()


def test_disagreement_is_the_mean_over_pairs_and_the_interval_welchs() -> None:
    """Three raters at 1, 2 and 4 are 2 apart on average; the rest is scipy's."""
    ratings = rated(5, n=12, raters=3)
    own = ratings["cycle"].eq("2025") & ratings["subject_id"].eq("e0")
    ratings.loc[own & ratings["criterion_id"].eq("c1"), "score"] = [1.0, 2.0, 4.0]

    def gaps(cycle: str) -> list[float]:
        found = []
        for _, person in ratings[ratings["cycle"].eq(cycle)].groupby("subject_id"):
            apart = {
                c: float(np.mean([abs(a - b) for a in s for b in s])) * 3 / 2
                for c, s in person.groupby("criterion_id")["score"].agg(list).items()
            }
            found.append((apart["c1"] + apart["c2"] - apart["c3"] - apart["c4"]) / 2)
        return found

    by_hand = stats.ttest_ind(gaps("2025"), gaps("2024"), equal_var=False)
    found = effect(ratings)
    assert found.p_value == pytest.approx(by_hand.pvalue)
    assert found.ci_low == pytest.approx(by_hand.confidence_interval().low)


@pytest.mark.parametrize(
    ("ratings", "norms", "said"),
    [
        (rated(1), (), "set no norm"),
        (rated(1), tuple(CRITERIA), "without one beside it"),
        (rated(1), ("c9",), "without one beside it"),
        (rated(1, raters=1), ("c1",), "0 in the cycle"),
        (rated(1, n=9), ("c1",), "9 in the cycle"),
        (rated(1).query("cycle == '2025'"), ("c1",), "0 in the cycle"),
        (rated(1).iloc[:0], ("c1",), "0 in the cycle"),
        (rated(1).assign(score=3.0), ("c1",), "differ equally"),
    ],
)
def test_without_what_it_needs_there_is_a_reason(
    ratings: pd.DataFrame, norms: tuple[str, ...], said: str
) -> None:
    """No norm, nothing beside it, one rater a person, few people, one cycle, equal scores."""
    with pytest.raises(NotEstimable, match=said):
        effect(ratings, norms)


def test_order_and_names_change_nothing() -> None:
    """Rows in another order give the same answer."""
    ratings = rated(2)
    one, other = effect(ratings), effect(ratings.sample(frac=1, random_state=1))
    assert (one.effect, one.ci_low) == pytest.approx((other.effect, other.ci_low))
