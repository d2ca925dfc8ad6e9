"""Which raters may be named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import NotEstimable
from pipeline.methods.flags import LENIENT, SEVERE, Flags, estimate_flags
from pipeline.methods.severity import Severity, estimate_severity
from pipeline.numerics.false_discovery import bayesian_discoveries, benjamini_hochberg
from support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)


def severities(rated: pd.DataFrame) -> Severity:
    """Severities in one component, by the solver."""
    parts = pd.Series(0, index=pd.Index(rated["subject_id"].unique()))
    return estimate_severity(rated, component=parts, statsmodels_most_ratings=0)


def refit(rated: pd.DataFrame) -> pd.DataFrame:
    """Severity per rater."""
    return severities(rated).raters


def ratings(strict: dict[int, float], n_subjects: int = 40, seed: int = 0) -> pd.DataFrame:
    """Eight raters, three criteria, three raters a subject; some raters strict."""
    rng = np.random.default_rng(seed)
    rows = [
        (s, r, c)
        for s in range(n_subjects)
        for r in rng.choice(8, 3, replace=False)
        for c in range(3)
    ]
    s, r, c = np.array(rows).T
    score = 3 + rng.normal(0, 0.6, n_subjects)[s] + rng.normal(0, 0.3, len(s))
    score = score - np.array([strict.get(i, 0.0) for i in range(8)])[r]
    names = {"subject_id": s, "rater_id": r, "criterion_id": c}
    made = pd.DataFrame({name: [f"{name[0]}{i}" for i in code] for name, code in names.items()})
    return made.assign(score=score)


def flags(rated: pd.DataFrame, **options: object) -> Flags:
    """Flags of ratings."""
    found = severities(rated)
    chosen = {"ratings": rated, "refit": refit, "p_rater": found.p_rater, **options}
    return estimate_flags(found.raters, **chosen)


def test_a_clearly_strict_rater_is_named_and_stays_named() -> None:
    """Planted severity of a point is flagged, in its direction, whatever is left out."""
    found = flags(ratings({3: 1.0, 5: -1.0}))
    rows = found.raters.set_index("rater_id")
    assert rows.index[rows["flagged"]].sort_values().tolist() == ["r3", "r5"]
    assert rows.loc["r3", "direction"] == SEVERE
    assert rows.loc["r5", "direction"] == LENIENT
    for rater in ("r3", "r5"):
        assert rows.loc[rater, "stable"] is True
        assert rows.loc[rater, "n_criteria"] == rows.loc[rater, "survived_criteria"] == 3
        assert rows.loc[rater, "n_partners"] == rows.loc[rater, "survived_partners"] == 3
    assert rows.loc["r0", "stable"] is None
    assert "2 raters" in str(found.sentence)


def test_a_flag_that_hangs_on_one_criterion_is_not_stable() -> None:
    """Severity on one criterion only disappears without that criterion."""
    rated = ratings({}, seed=2)
    only = (rated["rater_id"] == "r2") & (rated["criterion_id"] == "c1")
    rated.loc[only, "score"] -= 2.4
    row = flags(rated).raters.set_index("rater_id").loc["r2"]
    assert row["flagged"]
    assert row["stable"] is False
    assert row["survived_criteria"] < row["n_criteria"]


def test_without_refits_stability_is_not_claimed() -> None:
    """What was not tried has no verdict but a reason."""
    for options in ({"refit": None}, {"most_refits": 0}):
        row = flags(ratings({3: 1.0}), **options).raters.iloc[0]
        assert row["flagged"]
        assert row["stable"] is None
        assert "not tried" in str(row["reason"])


def test_the_number_of_estimates_is_bounded() -> None:
    """No more estimates than allowed, and each part of the ratings once."""
    calls = []

    def counted(rated: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(rated))
        return refit(rated)

    flags(ratings({3: 1.0, 5: -1.0}), refit=counted, most_refits=4)
    assert len(calls) == 4


def test_a_part_without_an_answer_is_a_flag_that_does_not_survive() -> None:
    """If leaving a criterion out leaves no answer, the flag hangs on that criterion."""

    def refuse(rated: pd.DataFrame) -> pd.DataFrame:
        raise NotEstimable("no")

    assert flags(ratings({3: 1.0}), refit=refuse).raters.iloc[0]["stable"] is False


@needs_shared
def test_under_no_severity_nobody_is_named_where_a_z_test_names_more_than_five() -> None:
    """The design of InstEval department 5, 302 raters, without any severity."""
    kept = pd.read_csv(SHARED / "data" / "InstEval.csv.gz", dtype=str)
    names = {"s": "rater_id", "d": "subject_id", "service": "criterion_id", "y": "score"}
    rated = kept[kept["dept"] == "5"].rename(columns=names)
    subject = pd.factorize(rated["subject_id"])[0]
    z_flags = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        score = 3.3 + rng.normal(0, 0.18**0.5, subject.max() + 1)[subject]
        drawn = rated.assign(score=score + rng.normal(0, 1.42**0.5, len(rated)))
        found = flags(drawn, refit=None)
        assert found.n_flagged == 0
        assert "alike" in str(found.sentence) or "no individual" in str(found.sentence)
        off = drawn["score"] - drawn.groupby("subject_id")["score"].transform("mean")
        raters = off.groupby(drawn["rater_id"]).agg(["mean", "size"])
        z = raters["mean"] / (off.std() / np.sqrt(raters["size"]))
        z_flags.append(int((2 * stats.norm.sf(z.abs()) < 0.05).sum()))
    assert min(z_flags) > 5


def test_severity_that_cannot_be_pinned_on_anybody_is_said_so() -> None:
    """The sentence follows the test of the department."""
    raters = severities(ratings({}, seed=1)).raters.assign(p_practical=0.3)
    found = estimate_flags(raters, ratings=ratings({}, seed=1), p_rater=0.001)
    assert str(found.sentence).startswith("Severity differs in this department, but no individual")
    assert found.n_flagged == 0


def test_labels_and_order_change_no_flag() -> None:
    """Whoever is called what."""
    rated = ratings({3: 0.7, 5: -0.4}, seed=4)
    other = rated.assign(rater_id="x" + rated["rater_id"].str[1:].map(lambda i: str(9 - int(i))))
    other = other.sample(frac=1, random_state=2)
    one, two = (
        found.raters[["severity", "p_practical", "flagged", "stable"]].sort_values("severity")
        for found in (flags(rated), flags(other))
    )
    np.testing.assert_allclose(one["p_practical"], two["p_practical"], atol=2e-3)
    assert one["flagged"].tolist() == two["flagged"].tolist()


def test_no_comparable_rater_is_refused() -> None:
    """Nobody to compare, nobody to name."""
    raters = severities(ratings({})).raters.iloc[:0]
    with pytest.raises(NotEstimable, match="No rater shares enough"):
        estimate_flags(raters, ratings=ratings({}))


# The rules themselves


def test_benjamini_hochberg_on_their_own_example() -> None:
    """Benjamini & Hochberg (1995), section 4: of fifteen p-values four at q = .05."""
    p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


def test_what_is_no_test_does_not_count() -> None:
    """NaN stays NaN and does not make the family larger."""
    found = benjamini_hochberg([0.02, np.nan, 0.04])
    np.testing.assert_allclose(found, [0.04, np.nan, 0.04])
    assert benjamini_hochberg([]).shape == (0,)


def test_the_list_ends_where_the_mean_passes_the_rate() -> None:
    """Means of 1 - pp: .01, .055, .137."""
    named, rate = bayesian_discoveries([0.9, 0.99, 0.7], 0.10)
    assert named.tolist() == [True, True, False]
    np.testing.assert_allclose(rate, [0.055, 0.01, 0.41 / 3])
    # .95 alone could be named, and with one of the two at .8 too; both of them could not
    assert bayesian_discoveries([0.8, 0.95, 0.8], 0.13)[0].tolist() == [False, True, False]
    named, rate = bayesian_discoveries([0.5, 0.99, float("nan"), 0.95, 0.85], 0.10)
    assert named.tolist() == [False, True, False, True, True]
    assert np.isnan(rate[2])
