"""Severity on a ladder of categories, beside the linear one."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.ordinal import ORDERED, RATING_SCALE, Ordinal, estimate_ordinal
from tests.support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)


def planted(
    seed: int = 0, n_subjects: int = 60, n_raters: int = 6, raters_each: int = 3
) -> tuple[pd.DataFrame, pd.Series]:
    """Scores 1-5 on three criteria, and severities in scale points before rounding."""
    rng = np.random.default_rng(seed)
    strict = rng.normal(0, 0.5, n_raters)
    rows = [
        (s, r, c)
        for s in range(n_subjects)
        for r in rng.choice(n_raters, raters_each, replace=False)
        for c in range(3)
    ]
    s, r, c = np.array(rows).T
    raw = 3 + rng.normal(0, 0.7, n_subjects)[s] - strict[r] + rng.normal(0, 0.6, len(s))
    made = pd.DataFrame(
        {
            "subject_id": [f"e{i:03}" for i in s],
            "rater_id": [f"r{i}" for i in r],
            "criterion_id": [f"c{i}" for i in c],
        },
        dtype="str",
    )
    truth = pd.Series(strict - strict.mean(), index=[f"r{i}" for i in range(n_raters)])
    return made.assign(score=np.clip(np.round(raw), 1, 5)), truth


def by_rater(found: Ordinal, column: str = "severity") -> pd.Series:
    """One column of the result by rater."""
    return found.raters.set_index("rater_id")[column]


def test_planted_severities_are_found_in_order() -> None:
    """Planted severities return in logits, with the sign of the linear ones, and agree."""
    rated, truth = planted()
    found = estimate_ordinal(rated, severity=truth, points=[1, 2, 3, 4, 5])
    assert by_rater(found).corr(truth) > 0.95
    assert found.spearman is not None
    assert found.spearman > 0.9
    assert not found.disagrees
    assert found.engine == RATING_SCALE
    assert by_rater(found).sum() == pytest.approx(0, abs=1e-9)
    assert (found.raters["ci_low"] < found.raters["severity"]).all()
    reversed_picture = estimate_ordinal(rated, severity=-truth)
    assert reversed_picture.disagrees


@needs_shared
def test_small_crossed_designs_equal_clm() -> None:
    """With given terms, severities on wine equal minus clm's judge effects, to 1e-4."""
    wine = pd.read_csv(SHARED / "data" / "wine.csv", dtype={"bottle": "str", "judge": "str"})
    rated = wine.rename(columns={"bottle": "subject_id", "judge": "rater_id"}).assign(
        criterion_id="bitterness", score=wine["rating"].astype(float)
    )
    terms = wine.drop_duplicates("bottle").set_index("bottle")
    terms = pd.DataFrame({"warm": terms["temp"] == "warm", "contact": terms["contact"] == "yes"})
    found = estimate_ordinal(rated, subject_terms=terms.astype(float))
    assert found.engine == ORDERED
    severity = by_rater(found)
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = oracle["wine_clm_judge_fixed"]["judge2..9"]
    assert (severity["1"] - severity.drop("1")).to_list() == pytest.approx(expected, abs=1e-4)
    assert estimate_ordinal(rated).engine == ORDERED


@needs_shared
def test_ratings1_is_as_sirt_has_it() -> None:
    """Severities on ratings1 lie within .02 of sirt, and db08 is the noisy rater."""
    wide = pd.read_csv(SHARED / "data" / "ratings1.csv", dtype={"idstud": "str"})
    names = {"idstud": "subject_id", "rater": "rater_id"}
    rated = wide.rename(columns=names).melt(
        ["subject_id", "rater_id"], var_name="criterion_id", value_name="score"
    )
    found = estimate_ordinal(rated)
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    expected = pd.Series(oracle["ratings1_MFRM"]["sirt_rm.facets_b"])
    assert (by_rater(found) - expected).abs().max() < 0.02
    assert by_rater(found, "fit").to_dict()["db08"] == "noisy"
    assert set(by_rater(found, "fit").drop("db08")) == {"productive"}
    assert (found.unexpected["z"].abs() >= 3).all()


def test_a_crowded_end_is_said() -> None:
    """More than 20 % of the scores at the ends of the scale makes it crowded."""
    rated, _ = planted()
    assert not estimate_ordinal(rated, points=[0, 1, 2, 3, 4, 5, 6]).crowded
    high = rated.assign(score=(rated["score"] + 1.0).clip(upper=5))
    found = estimate_ordinal(high, points=[1, 2, 3, 4, 5])
    assert found.crowded
    assert found.share_ceiling == pytest.approx((high["score"] == 5).mean())
    assert found.unused == (1.0,)


def test_raters_without_a_limit_carry_a_reason() -> None:
    """A rater with only highest scores, or two scores, has no number but a reason."""
    rated, _ = planted()
    top = rated["rater_id"] == "r1"
    few = (rated["rater_id"] == "r2") & (rated["criterion_id"] == "c0")
    few &= rated["subject_id"].isin(rated.loc[few, "subject_id"].iloc[:2])
    rated = rated.assign(score=rated["score"].mask(top, 5.0))
    rated = rated[(rated["rater_id"] != "r2") | few]
    found = estimate_ordinal(rated)
    assert found.n_left_out == 2
    reason = by_rater(found, "reason")
    assert "no limit to how mild" in str(reason["r1"])
    assert "Fewer than 3 scores" in str(reason["r2"])
    assert by_rater(found).isna().to_dict() == {f"r{i}": i in (1, 2) for i in range(6)}
    assert reason.drop(["r1", "r2"]).isna().all()


def test_only_linked_raters_are_compared() -> None:
    """A second component is left out with a reason, and changes nothing in the first."""
    rated, _ = planted()
    apart, _ = planted(seed=1, n_subjects=12, n_raters=3)
    apart = apart.assign(subject_id="x" + apart["subject_id"], rater_id="x" + apart["rater_id"])
    alone = by_rater(estimate_ordinal(rated))
    found = estimate_ordinal(pd.concat([apart, rated]))
    assert by_rater(found).dropna().to_numpy() == pytest.approx(alone.to_numpy())
    assert found.n_left_out == 3
    assert "Shares no person" in str(by_rater(found, "reason")["xr0"])


def test_half_points_are_steps_and_shifting_changes_nothing() -> None:
    """Order alone counts: other numbers for the same ladder give the same severities."""
    rated, _ = planted()
    found = estimate_ordinal(rated)
    other = estimate_ordinal(rated.assign(score=rated["score"] / 2 + 10).sample(frac=1))
    assert by_rater(other).to_numpy() == pytest.approx(by_rater(found).to_numpy(), abs=1e-6)
    assert other.thresholds["to_score"].iloc[0] == 11.0


def test_unexpected_ratings_are_listed() -> None:
    """A rating far from what everything else says is listed first, with its sign."""
    rated, _ = planted()
    mean = rated.groupby("subject_id")["score"].transform("mean")
    worst = int(np.argmax(mean))
    score = rated["score"].to_numpy(copy=True)
    score[worst] = 1.0
    found = estimate_ordinal(rated.assign(score=score))
    first = found.unexpected.iloc[0]
    assert first["subject_id"] == rated["subject_id"].iloc[worst]
    assert first["observed"] == 1
    assert first["z"] < -3
    assert first["expected"] > 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.assign(score=np.nan), "no ratings yet"),
        (lambda d: d.assign(rater_id="r"), "twice"),
        (lambda d: d[d["rater_id"] == "r0"], "only one rater"),
        (lambda d: d.assign(score=3.0), "All scores"),
        (lambda d: d.assign(score=np.arange(len(d)) % 30), "different scores"),
        (lambda d: d.drop_duplicates(["subject_id", "criterion_id"]).assign(
            subject_id=lambda x: x["rater_id"] + x["subject_id"]), "look the same"),
        (lambda d: d[d["subject_id"] == "e000"], "fewer than 3 people"),
        (lambda d: d.head(1), "only one rater"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_a_reason(change, reason: str) -> None:
    """Degenerate ratings give NotEstimable and a reason."""
    rated, _ = planted()
    with pytest.raises(NotEstimable, match=reason):
        estimate_ordinal(change(rated))


def test_a_thousand_raters_with_one_rating_each_are_refused() -> None:
    """Raters with one rating have too few for a severity each."""
    rng = np.random.default_rng(0)
    rated = pd.DataFrame(
        {
            "subject_id": [f"e{i % 50}" for i in range(1000)],
            "rater_id": [f"r{i}" for i in range(1000)],
            "criterion_id": "c",
            "score": rng.integers(1, 6, 1000).astype(float),
        }
    )
    with pytest.raises(NotEstimable, match="Too few raters"):
        estimate_ordinal(rated)


def test_one_criterion_has_no_difficulty() -> None:
    """With one criterion its difficulty is missing with a reason, not 0."""
    rated, _ = planted()
    found = estimate_ordinal(rated[rated["criterion_id"] == "c0"])
    assert found.criteria["difficulty"].isna().all()
    assert "only one criterion" in str(found.criteria["reason"].iloc[0])
    assert found.raters["severity"].notna().all()
