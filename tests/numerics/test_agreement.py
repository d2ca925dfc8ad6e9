"""Agreement: published numbers, other software, closed forms, invariances and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.inter_rater import cohens_kappa

from pipeline.numerics.agreement import (
    DegenerateTable,
    icc,
    krippendorff_alpha,
    krippendorff_alpha_interval,
    weighted_kappa,
    weighted_kappa_interval,
    within_one_point,
)
from pipeline.numerics.two_way import implied_squares, observed_squares

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
PUBLISHED = json.loads((ROOT / "tests/reference/agreement.json").read_text(encoding="utf-8"))
FORMS = ("icc_a1", "icc_ak", "icc_c1", "icc_ck")
METRICS = ("nominal", "ordinal", "interval", "ratio")
WEIGHTS = ("unweighted", "linear", "quadratic")
NAN = float("nan")


def shared_table(name: str, **options: object) -> pd.DataFrame:
    """Read a table of the shared data, or skip where they are absent."""
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"shared data {name} are not beside the repository")
    return pd.read_csv(path, **options)


def pairs_of(counts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of paired scores with the given cross-table."""
    table = np.array(counts)
    first, second = np.nonzero(table)
    times = table[first, second]
    return np.repeat(first + 1.0, times), np.repeat(second + 1.0, times)


def crossed(
    rng: np.random.Generator,
    shape: tuple[int, int],
    variances: tuple[float, float, float],
    missing: float = 0.0,
) -> np.ndarray:
    """Scores with known variances of subject, rater and residual, cells missing at random."""
    subject, rater, residual = np.sqrt(variances)
    scores = (
        rng.normal(0, subject, (shape[0], 1))
        + rng.normal(0, rater, (1, shape[1]))
        + rng.normal(0, residual, shape)
    )
    scores[rng.random(shape) < missing] = np.nan
    return scores


integer_tables = hnp.arrays(
    np.float64,
    st.tuples(st.integers(3, 9), st.integers(2, 5)),
    elements=st.integers(1, 5).map(float),
)
holed_tables = hnp.arrays(
    np.float64,
    st.tuples(st.integers(3, 9), st.integers(2, 5)),
    elements=st.one_of(st.integers(1, 5).map(float), st.just(NAN)),
)
quick = settings(max_examples=30, deadline=None)
fits = settings(max_examples=15, deadline=None)  # each example fits a model


def points(result: object) -> np.ndarray:
    """The four point estimates."""
    return np.array([getattr(result, form) for form in FORMS])


def limits(result: object) -> np.ndarray:
    """The four intervals, shape (4, 2)."""
    return np.array([getattr(result, f"{form}_ci") for form in FORMS])


def answer_or_discard(function, *args, **kwargs):
    """Call `function`; discard the hypothesis example when the scores give no answer."""
    try:
        return function(*args, **kwargs)
    except DegenerateTable:
        assume(False)


class TestIccPublished:
    """ICC against published numbers and other software."""

    def test_equals_the_paper_to_its_two_decimals(self):
        """Equals the paper to its two decimals."""
        result = icc(shared_table("ShroutFleiss1979.csv", index_col=0))
        for form in FORMS:
            expected = PUBLISHED["shrout_fleiss_1979"][form]
            assert getattr(result, form) == pytest.approx(expected, abs=0.005)

    def test_equals_psych_in_values_and_intervals(self):
        """Equals psych in values and intervals."""
        result = icc(shared_table("ShroutFleiss1979.csv", index_col=0))
        for form in FORMS:
            expected = PUBLISHED["shrout_fleiss_1979_psych"][form]
            assert getattr(result, form) == pytest.approx(expected["value"], abs=1e-9)
            assert getattr(result, f"{form}_ci") == pytest.approx(expected["ci"], abs=5e-9)

    def test_incomplete_table_has_the_components_of_statsmodels(self):
        """Incomplete table has the components of statsmodels."""
        table = crossed(np.random.default_rng(4), (12, 5), (1.0, 0.4, 0.5), missing=0.3)
        subject, rater = np.nonzero(~np.isnan(table))
        frame = pd.DataFrame({"score": table[subject, rater], "subject": subject, "rater": rater})
        fit = MixedLM.from_formula(
            "score ~ 1",
            frame,
            groups=np.ones(len(frame)),
            re_formula="0",
            vc_formula={"subject": "0 + C(subject)", "rater": "0 + C(rater)"},
        ).fit(reml=True)
        result = icc(table)
        components = dict(zip(fit.model.exog_vc.names, fit.vcomp, strict=True))
        assert result.estimator == "REML"
        assert result.var_subject == pytest.approx(components["subject"], rel=2e-3)
        assert result.var_rater == pytest.approx(components["rater"], rel=2e-3)
        assert result.var_residual == pytest.approx(fit.scale, rel=2e-3)


class TestIccClosedForms:
    """ICC where the answer can be worked out by hand."""

    def test_constant_difference_between_two_raters(self):
        """A constant difference lowers agreement and leaves consistency at 1."""
        # Mean squares 2 (subjects), 1.5 (raters), 0: A1 = 2 / (2 + 2/3 * 1.5), C1 = 1.
        result = icc([[1, 2], [2, 3], [3, 4]])
        assert result.icc_a1 == pytest.approx(2 / 3)
        assert result.icc_ak == pytest.approx(0.8)
        assert result.icc_c1 == pytest.approx(1)
        assert result.icc_ck == pytest.approx(1)
        assert (result.var_subject, result.var_rater) == pytest.approx((1.0, 0.5))
        assert result.var_residual == 0

    def test_negative_value_on_a_complete_table_is_kept(self):
        """Negative value on a complete table is kept."""
        table = np.array([[1, 5], [2, 3], [1, 4], [2, 4], [1, 5.0]])
        result = icc(table)
        assert (points(result) < 0).all()
        np.testing.assert_allclose(points(result), _mean_square_forms(table), rtol=1e-12)

    def test_contradicting_raters_without_difference_in_severity_have_finite_values(self):
        """Contradicting raters without difference in severity have finite values."""
        # Shrout & Fleiss's A,k would be above 1 here; the others are defined and kept.
        table = np.array([[1, 2], [2, 1], [1, 2], [2, 2], [2, 1.0]])
        expected = _mean_square_forms(table)
        assert expected[1] > 1
        result = icc(table)
        np.testing.assert_allclose(points(result)[[0, 2, 3]], np.take(expected, [0, 2, 3]))
        assert result.icc_ak == pytest.approx(result.icc_ck)
        assert np.isfinite(limits(result)).all()

    def test_reml_equals_the_mean_squares_on_a_complete_table(self):
        """REML equals the mean squares on a complete table."""
        table = crossed(np.random.default_rng(1), (15, 4), (1.0, 0.5, 0.5))
        exact = observed_squares(table)
        fitted = implied_squares(table, 1)
        for name in ("subject", "rater", "residual"):
            assert getattr(fitted, name) == pytest.approx(getattr(exact, name), rel=1e-5)
        assert (fitted.k, fitted.n) == pytest.approx((4, 15))
        assert (fitted.df_subject, fitted.df_rater, fitted.df_residual) == (14, 3, 42)

    def test_k_of_an_incomplete_table_is_the_harmonic_mean(self):
        """The k of an incomplete table is the harmonic mean."""
        table = crossed(np.random.default_rng(2), (6, 4), (1.0, 0.2, 0.3))
        table[0, 0] = table[1, :2] = np.nan
        result = icc(table)
        assert result.k == pytest.approx(6 / (1 / 3 + 1 / 2 + 4 / 4))
        assert result.n_ratings == 21
        mean_noise = (result.var_rater + result.var_residual) / result.k
        assert result.icc_ak == pytest.approx(
            result.var_subject / (result.var_subject + mean_noise)
        )

    def test_full_agreement_is_one_with_a_lower_limit_below_one(self):
        """Full agreement is 1, without claiming certainty."""
        complete = icc([[1, 1], [2, 2], [3, 3], [5, 5]])
        holed = icc([[1, 1, NAN], [2, 2, 2], [3, NAN, 3], [5, 5, 5]])
        for result in (complete, holed):
            np.testing.assert_allclose(points(result), 1.0)
            assert result.icc_a1_ci.high == 1
            assert result.icc_a1_ci.low == pytest.approx(0.025**0.25)

    def test_additive_scores_with_holes_have_the_variances_of_their_effects(self):
        """Additive scores with holes have the variances of their effects."""
        subject, rater = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.0, 1.0, 3.0])
        table = subject[:, None] + rater[None, :]
        table[0, 0] = table[3, 2] = np.nan
        result = icc(table)
        assert result.var_subject == pytest.approx(subject.var(ddof=1))
        assert result.var_rater == pytest.approx(rater.var(ddof=1))
        assert result.var_residual == 0
        assert result.icc_c1 == 1

    def test_unlinked_groups_are_counted(self):
        """Unlinked groups are counted."""
        table = np.full((8, 6), np.nan)
        rng = np.random.default_rng(3)
        table[:4, :3] = crossed(rng, (4, 3), (1.0, 0.1, 0.2))
        table[4:, 3:] = crossed(rng, (4, 3), (1.0, 0.1, 0.2))
        assert icc(table).n_components == 2

    def test_limit_of_the_mean_stays_finite_when_raters_differ_less_than_chance(self):
        """Limit of the mean stays finite when raters differ less than chance."""
        # No difference between raters at all: the stepped-up lower limit has a pole.
        result = icc([[1, 2], [3, 2], [4, 5], [4, 3]])
        assert np.isfinite(limits(result)).all()
        assert result.icc_ak_ci.low <= result.icc_ak <= result.icc_ak_ci.high

    def test_empty_rows_and_columns_change_nothing(self):
        """Empty rows and columns change nothing."""
        table = crossed(np.random.default_rng(5), (6, 4), (1.0, 0.2, 0.3))
        padded = np.full((8, 6), np.nan)
        padded[1:7, 1:5] = table
        assert icc(padded) == icc(table)

    def test_frames_with_missing_values_of_pandas_are_read(self):
        """Frames with missing values of pandas are read."""
        table = [[1, 2, 2], [3, None, 4], [5, 5, 4], [2, 2, 1]]
        frame = pd.DataFrame(table, dtype="Int64", columns=list("abc"))
        assert icc(frame) == icc(np.array(table, dtype=float))

    def test_given_scores_are_not_changed(self):
        """Given scores are not changed."""
        table = crossed(np.random.default_rng(6), (6, 4), (1.0, 0.2, 0.3), missing=0.1)
        before = table.copy()
        icc(table)
        krippendorff_alpha_interval(table, "ordinal", n_boot=100)
        within_one_point(table)
        np.testing.assert_array_equal(table, before)


class TestIccPlanted:
    """ICC recovers what was planted."""

    def test_intervals_cover_the_planted_value_on_incomplete_tables(self):
        """Intervals cover the planted value on incomplete tables."""
        # 100 tables: with a true coverage of .95 fewer than 88 within is seen once in 500.
        rng = np.random.default_rng(20)
        variances = (0.5, 0.15, 0.35)
        subject, rater, residual = variances
        within = np.zeros(4)
        for _ in range(100):
            result = icc(crossed(rng, (25, 5), variances, missing=0.3))
            truth = [
                subject / sum(variances),
                subject / (subject + (rater + residual) / result.k),
                subject / (subject + residual),
                subject / (subject + residual / result.k),
            ]
            low, high = limits(result).T
            within += (low <= truth) & (truth <= high)
        assert (within >= 88).all()

    def test_large_incomplete_table_recovers_the_components(self):
        """Large incomplete table recovers the components."""
        table = crossed(np.random.default_rng(21), (400, 60), (0.5, 0.2, 0.3), missing=0.8)
        result = icc(table)
        assert result.var_subject == pytest.approx(0.5, rel=0.2)
        assert result.var_rater == pytest.approx(0.2, rel=0.5)
        assert result.var_residual == pytest.approx(0.3, rel=0.1)


class TestIccInvariance:
    """What must not change the ICC."""

    @quick
    @given(integer_tables, st.randoms(use_true_random=False))
    def test_order_of_subjects_and_raters(self, table, random):
        """The order of rows and columns changes nothing."""
        result = answer_or_discard(icc, table)
        rows = random.sample(range(table.shape[0]), table.shape[0])
        columns = random.sample(range(table.shape[1]), table.shape[1])
        other = icc(table[rows][:, columns])
        np.testing.assert_allclose(points(other), points(result), rtol=1e-9, atol=1e-9)

    @quick
    @given(integer_tables, st.integers(-1000, 1000), st.sampled_from([0.5, 3.0, 64.0]))
    def test_shift_and_scale_of_all_scores(self, table, shift, scale):
        """Shifting and stretching all scores changes the variances only."""
        result = answer_or_discard(icc, table)
        other = icc(table * scale + shift)
        np.testing.assert_allclose(points(other), points(result), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(limits(other)[2], limits(result)[2], rtol=1e-7, atol=1e-9)
        assert other.var_residual == pytest.approx(result.var_residual * scale**2, abs=1e-9)

    @quick
    @given(integer_tables, st.lists(st.integers(-20, 20), min_size=5, max_size=5))
    def test_constants_per_rater_leave_consistency(self, table, constants):
        """Adding a constant per rater leaves the consistency forms as they are."""
        result = answer_or_discard(icc, table)
        other = answer_or_discard(icc, table + np.array(constants[: table.shape[1]]))
        assert other.icc_c1 == pytest.approx(result.icc_c1, rel=1e-7, abs=1e-9)
        assert other.icc_ck == pytest.approx(result.icc_ck, rel=1e-7, abs=1e-9)
        assert other.icc_c1_ci == pytest.approx(result.icc_c1_ci, rel=1e-7, abs=1e-9)

    @fits
    @given(holed_tables, st.randoms(use_true_random=False), st.integers(-50, 50))
    def test_incomplete_tables_order_and_shift(self, table, random, shift):
        """Neither order nor a shift changes the ICC of a table with holes."""
        result = answer_or_discard(icc, table)
        rows = random.sample(range(table.shape[0]), table.shape[0])
        columns = random.sample(range(table.shape[1]), table.shape[1])
        other = icc(table[rows][:, columns] + shift)
        np.testing.assert_allclose(points(other), points(result), rtol=1e-3, atol=1e-4)

    @fits
    @given(holed_tables)
    def test_every_answer_is_finite_and_inside_its_interval(self, table):
        """Every answer is finite and inside its interval."""
        result = answer_or_discard(icc, table)
        low, high = limits(result).T
        assert np.isfinite(limits(result)).all()
        assert (low <= points(result) + 1e-9).all()
        assert (points(result) <= high + 1e-9).all()
        assert (points(result) <= 1).all()


class TestAlpha:
    """Krippendorff's alpha."""

    @pytest.mark.parametrize("metric", METRICS)
    def test_equals_the_published_table_with_missing_cells(self, metric):
        """Equals the published table with missing cells."""
        table = shared_table("krippendorff_4x12.csv")
        expected = PUBLISHED["krippendorff_4x12"][metric]
        assert krippendorff_alpha(table, metric) == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize("case", ["krippendorff_binary", "krippendorff_nominal"])
    def test_equals_the_published_examples_of_two_observers(self, case):
        """Equals the published examples of two observers."""
        published = PUBLISHED[case]
        table = np.column_stack([published["observer_1"], published["observer_2"]])
        assert krippendorff_alpha(table) == pytest.approx(published["nominal"], abs=5e-4)

    @pytest.mark.parametrize("metric", METRICS)
    def test_equals_the_textbook_double_sum(self, metric):
        """Equals the textbook double sum."""
        rng = np.random.default_rng(8)
        for _ in range(10):
            table = rng.integers(0, 6, (9, 4)).astype(float)
            table[rng.random(table.shape) < 0.25] = np.nan
            expected = _alpha_by_definition(table, metric)
            assert krippendorff_alpha(table, metric) == pytest.approx(expected, abs=1e-12)

    def test_full_agreement_is_one_with_a_lower_limit_below_one(self):
        """Full agreement is 1, without claiming certainty."""
        result = krippendorff_alpha_interval([[1, 1], [2, 2], [4, 4]], "interval")
        assert result.alpha == 1
        assert (result.ci_low, result.ci_high) == pytest.approx((0.025 ** (1 / 3), 1))

    def test_interval_is_repeatable_and_blind_to_order(self):
        """Interval is repeatable and blind to order."""
        table = np.round(crossed(np.random.default_rng(9), (20, 4), (1.0, 0.2, 0.5), missing=0.2))
        first = krippendorff_alpha_interval(table, "ordinal", n_boot=300, seed=5)
        again = krippendorff_alpha_interval(table[::-1, ::-1], "ordinal", n_boot=300, seed=5)
        assert (first.ci_low, first.ci_high) == pytest.approx((again.ci_low, again.ci_high))
        assert first.ci_low < first.alpha < first.ci_high

    def test_interval_covers_the_planted_value(self):
        """Interval covers the planted value."""
        # True alpha of exchangeable raters is the share of subject variance, .6. 120 tables:
        # coverage .94 falls below .87 about once in 300.
        rng = np.random.default_rng(10)
        covered = 0
        for seed in range(120):
            table = crossed(rng, (30, 4), (0.6, 0.0, 0.4), missing=0.2)
            result = krippendorff_alpha_interval(table, "interval", n_boot=400, seed=seed)
            covered += result.ci_low <= 0.6 <= result.ci_high
        assert covered / 120 > 0.87

    def test_wider_level_gives_wider_interval(self):
        """Wider level gives wider interval."""
        table = np.round(crossed(np.random.default_rng(9), (20, 4), (1.0, 0.2, 0.5)))
        wide = krippendorff_alpha_interval(table, "interval", level=0.99)
        narrow = krippendorff_alpha_interval(table, "interval", level=0.8)
        assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high

    def test_subjects_with_one_score_change_nothing(self):
        """Subjects with one score change nothing."""
        table = np.array([[1, 2, NAN], [3, 3, 4], [5, NAN, 4]])
        more = np.vstack([table, [NAN, 9, NAN]])
        assert krippendorff_alpha(more, "ordinal") == krippendorff_alpha(table, "ordinal")

    @quick
    @given(holed_tables, st.permutations([1.0, 2.0, 3.0, 4.0, 5.0]))
    def test_nominal_ignores_relabelling(self, table, labels):
        """Nominal ignores relabelling."""
        alpha = answer_or_discard(krippendorff_alpha, table, "nominal")
        relabelled = table.copy()
        for old, new in enumerate(labels, start=1):
            relabelled[table == old] = new * 7.5
        assert krippendorff_alpha(relabelled, "nominal") == pytest.approx(alpha, abs=1e-12)

    @quick
    @given(holed_tables, st.integers(-100, 100), st.sampled_from(["ordinal", "interval"]))
    def test_ordinal_and_interval_ignore_shift_and_scale(self, table, shift, metric):
        """Ordinal and interval ignore shift and scale."""
        alpha = answer_or_discard(krippendorff_alpha, table, metric)
        assert krippendorff_alpha(table * 4 + shift, metric) == pytest.approx(alpha, abs=1e-9)

    @quick
    @given(holed_tables)
    def test_ordinal_ignores_stretching_and_ratio_ignores_scale(self, table):
        """Ordinal ignores stretching and ratio ignores scale."""
        alpha = answer_or_discard(krippendorff_alpha, table, "ordinal")
        assert krippendorff_alpha(np.exp(table), "ordinal") == pytest.approx(alpha, abs=1e-9)
        ratio = krippendorff_alpha(table, "ratio")
        assert krippendorff_alpha(table * 12, "ratio") == pytest.approx(ratio, abs=1e-9)

    @quick
    @given(holed_tables, st.randoms(use_true_random=False), st.sampled_from(METRICS))
    def test_order_of_subjects_and_raters(self, table, random, metric):
        """The order of rows and columns changes nothing."""
        alpha = answer_or_discard(krippendorff_alpha, table, metric)
        rows = random.sample(range(table.shape[0]), table.shape[0])
        columns = random.sample(range(table.shape[1]), table.shape[1])
        assert krippendorff_alpha(table[rows][:, columns], metric) == pytest.approx(alpha)
        assert alpha <= 1 + 1e-12

    def test_many_different_scores_are_handled(self):
        """A table of mostly different scores has an alpha in every metric."""
        table = crossed(np.random.default_rng(11), (400, 5), (1.0, 0.2, 0.5), missing=0.3)
        for metric in METRICS:
            assert np.isfinite(krippendorff_alpha(table - table[~np.isnan(table)].min(), metric))


class TestKappa:
    """Weighted kappa."""

    @pytest.mark.parametrize("case", ["kappa_two_diagnosticians", "kappa_pathologists"])
    def test_equals_published_values(self, case):
        """Equals published values."""
        published = PUBLISHED[case]["unweighted"]
        result = weighted_kappa_interval(*pairs_of(PUBLISHED[case]["counts"]))
        assert result.kappa == pytest.approx(published["kappa"], abs=5e-4)
        if "se" in published:
            assert result.se == pytest.approx(published["se"], abs=5e-4)

    @pytest.mark.parametrize("weights", ["unweighted", "linear"])
    def test_equals_sas_in_value_error_and_interval(self, weights):
        """Equals SAS in value error and interval."""
        published = PUBLISHED["kappa_sas"][weights]
        first, second = pairs_of(PUBLISHED["kappa_sas"]["counts"])
        result = weighted_kappa_interval(first, second, weights)
        assert result.kappa == pytest.approx(published["kappa"], abs=5e-5)
        assert result.se == pytest.approx(published["se"], abs=5e-5)
        assert (result.ci_low, result.ci_high) == pytest.approx(published["ci"], abs=1e-4)

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_equals_statsmodels_on_random_pairs(self, weights):
        """Equals statsmodels on random pairs."""
        rng = np.random.default_rng(12)
        for _ in range(10):
            first = rng.integers(1, 6, 60)
            second = np.clip(first + rng.integers(-1, 2, 60), 1, 5)
            counts = np.zeros((5, 5))
            np.add.at(counts, (first - 1, second - 1), 1)
            other = cohens_kappa(counts, wt=None if weights == "unweighted" else weights)
            result = weighted_kappa_interval(first, second, weights)
            assert result.kappa == pytest.approx(other.kappa, abs=1e-12)
            assert result.se == pytest.approx(other.std_kappa, abs=1e-12)

    def test_quadratic_weights_equal_the_closed_form(self):
        """Quadratic weights equal the closed form."""
        # 1 - mean((a-b)²) / (var(a) + var(b) + (mean(a)-mean(b))²), population variances.
        rng = np.random.default_rng(13)
        first, second = rng.normal(3, 1, 50), rng.normal(3.4, 1.2, 50)
        chance = first.var() + second.var() + (first.mean() - second.mean()) ** 2
        expected = 1 - np.mean((first - second) ** 2) / chance
        assert weighted_kappa(first, second, "quadratic") == pytest.approx(expected, abs=1e-12)

    def test_unused_scale_points_count_in_the_distance(self):
        """Unused scale points count in the distance."""
        first, second = [1, 2, 5, 5, 1, 2], [1, 1, 5, 2, 2, 2]
        full = weighted_kappa(first, second, "linear", categories=[1, 2, 3, 4, 5])
        assert weighted_kappa(first, second, "linear") == pytest.approx(full)
        as_labels = weighted_kappa(first, second, "linear", categories=[1, 2, 5])
        assert as_labels != pytest.approx(full)

    def test_pairs_with_a_missing_score_are_left_out(self):
        """Pairs with a missing score are left out."""
        first, second = [1, 2, NAN, 3, 3], [1, 2, 2, NAN, 2]
        assert weighted_kappa(first, second) == weighted_kappa([1, 2, 3], [1, 2, 2])
        assert weighted_kappa_interval(first, second).n_pairs == 3

    def test_full_agreement_is_one_with_a_lower_limit_below_one(self):
        """Full agreement is 1, without claiming certainty."""
        result = weighted_kappa_interval([1, 2, 3, 4], [1, 2, 3, 4], "quadratic")
        assert (result.kappa, result.se, result.ci_high) == (1, 0, 1)
        assert result.ci_low == pytest.approx(0.025**0.25)

    @quick
    @given(
        hnp.arrays(np.float64, (12, 2), elements=st.integers(1, 4).map(float)),
        st.sampled_from(WEIGHTS),
        st.integers(-5, 5),
    )
    def test_symmetric_and_blind_to_shift_scale_and_order(self, pairs, weights, shift):
        """Swapping raters, shifting, stretching or reversing the scale changes nothing."""
        first, second = pairs.T
        kappa = answer_or_discard(weighted_kappa, first, second, weights)
        assert weighted_kappa(second, first, weights) == pytest.approx(kappa, abs=1e-12)
        moved = weighted_kappa(first[::-1] * 3 + shift, second[::-1] * 3 + shift, weights)
        assert moved == pytest.approx(kappa, abs=1e-12)
        reversed_scale = weighted_kappa(-first, -second, weights)
        assert reversed_scale == pytest.approx(kappa, abs=1e-12)
        assert -1 - 1e-12 <= kappa <= 1


class TestWithinOnePoint:
    """Share of rater pairs within one point."""

    def test_counts_pairs_by_hand(self):
        """The share is the count of close pairs over all pairs."""
        # Subject 1: 1-2 and 2-3 close, 1-3 not; subject 2: one close pair; subject 3 unused.
        result = within_one_point([[1, 2, 3], [4, 5, NAN], [NAN, NAN, 2]])
        assert result.share == pytest.approx(3 / 4)
        assert (result.n_pairs, result.n_subjects) == (4, 2)
        assert 0 <= result.ci_low < result.share < result.ci_high <= 1

    def test_a_point_made_of_decimals_is_one_point(self):
        """A point made of decimals is one point."""
        assert within_one_point([[0.3, 1.3], [0.1 + 0.2, 1.3], [2.7, 3.7]]).share == 1

    @pytest.mark.parametrize(("gap", "share"), [(1, 1.0), (2, 0.0)])
    def test_unanimous_tables_keep_the_interval_of_wilson(self, gap, share):
        """Unanimous tables keep the interval of Wilson."""
        table = np.array([[1, 1 + gap], [2, 2 + gap], [3, 3 + gap], [1, 1 + gap]])
        result = within_one_point(table)
        z = 1.959963984540054
        beyond = z**2 / (4 + z**2)
        assert result.share == share
        assert (result.ci_low, result.ci_high) == pytest.approx(
            (1 - beyond, 1) if share else (0, beyond)
        )

    def test_interval_covers_the_planted_share(self):
        """Interval covers the planted share."""
        # 120 tables: with a true coverage of .95 fewer than 106 within is seen once in 500.
        rng = np.random.default_rng(14)
        truth = within_one_point(np.round(crossed(rng, (10_000, 4), (0.6, 0.0, 0.8)))).share
        covered = 0
        for _ in range(120):
            result = within_one_point(np.round(crossed(rng, (25, 4), (0.6, 0.0, 0.8), 0.2)))
            covered += result.ci_low <= truth <= result.ci_high
        assert covered >= 106

    @quick
    @given(holed_tables, st.integers(-9, 9))
    def test_share_and_limits_stay_between_zero_and_one(self, table, shift):
        """Share and limits stay between zero and one."""
        result = answer_or_discard(within_one_point, table)
        assert 0 <= result.ci_low <= result.share <= result.ci_high <= 1
        other = within_one_point(table[::-1, ::-1] + shift)
        assert (other.share, other.n_pairs) == (result.share, result.n_pairs)
        assert (other.ci_low, other.ci_high) == pytest.approx((result.ci_low, result.ci_high))


def _table_statistics():
    return [
        pytest.param(icc, id="icc"),
        pytest.param(krippendorff_alpha, id="alpha"),
        pytest.param(krippendorff_alpha_interval, id="alpha_interval"),
        pytest.param(within_one_point, id="within_one_point"),
    ]


class TestRefusals:
    """Scores without an answer are refused in plain words."""

    @pytest.mark.parametrize("function", _table_statistics())
    @pytest.mark.parametrize(
        ("table", "reason"),
        [
            ([[1], [2], [3]], "two raters"),
            ([[1, NAN], [2, NAN], [3, NAN]], "two raters"),
            ([[1, 2, 3]], "two subjects"),
            ([[NAN, NAN], [NAN, NAN]], "fewer than two scores"),
            ([[NAN, 2.0], [NAN, NAN]], "fewer than two scores"),
            (np.empty((0, 0)), "fewer than two scores"),
            ([1, 2, 3], "table of subjects by raters"),
            ([[1, np.inf], [2, 3]], "finite"),
            ([[1, 2], [3, 1e200]], "finite"),
            ([["Jansen", "x"], ["De Vries", "y"]], "must be numbers"),
            (np.array([[1j, 2], [2, 3]]), "must be numbers"),
        ],
    )
    def test_every_table_statistic(self, function, table, reason):
        """Every statistic refuses the table, says why, and quotes no entry."""
        with pytest.raises(DegenerateTable, match=reason) as caught:
            function(table)
        assert "Jansen" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("function", [icc, krippendorff_alpha, krippendorff_alpha_interval])
    @pytest.mark.parametrize("score", [3.0, 0.1])
    def test_constant_scores(self, function, score):
        """Identical scores are refused."""
        with pytest.raises(DegenerateTable, match="all scores are the same"):
            function(np.full((5, 3), score))

    @pytest.mark.parametrize("function", _table_statistics())
    def test_no_overlap(self, function):
        """Subjects with one score each are refused."""
        with pytest.raises(DegenerateTable, match=r"overlap|two are needed"):
            function([[1, NAN], [2, NAN], [NAN, 3], [NAN, 4]])

    def test_only_one_subject_with_two_scores(self):
        """One subject with several scores is not enough."""
        table = [[1, 2, 3], [4, NAN, NAN], [NAN, 2, NAN]]
        with pytest.raises(DegenerateTable, match="only one subject"):
            krippendorff_alpha(table)
        with pytest.raises(DegenerateTable, match="too few subjects"):
            icc(table)

    def test_icc_of_a_thousand_raters_with_one_rating_each(self):
        """Raters with one rating each are refused."""
        table = np.full((500, 1000), np.nan)
        table[np.arange(1000) // 2, np.arange(1000)] = np.arange(1000) % 7
        with pytest.raises(DegenerateTable, match="every rater scored one subject only"):
            icc(table)

    def test_icc_when_no_rater_tells_subjects_apart(self):
        """ICC is refused when raters give all subjects the same score."""
        with pytest.raises(DegenerateTable, match="told the subjects apart"):
            icc([[1, 2, 4], [1, 2, 4], [1, 2, 4]])
        with pytest.raises(DegenerateTable, match="told the subjects apart"):
            icc([[1, 2, 4], [1, NAN, 4], [1, 2, 4]])

    def test_icc_when_raters_contradict_each_other(self):
        """ICC is refused when the mean over raters is the same for all subjects."""
        with pytest.raises(DegenerateTable, match="contradict"):
            icc([[1, 3], [2, 2], [3, 1]])

    def test_icc_when_unlinked_groups_fit_exactly(self):
        """ICC is refused when exact groups leave severity unidentified."""
        table = np.full((4, 4), np.nan)
        table[:2, :2] = [[1, 2], [2, 3]]
        table[2:, 2:] = [[1, 1], [4, 4]]
        with pytest.raises(DegenerateTable, match="unlinked groups"):
            icc(table)

    def test_unknown_metric_and_weights(self):
        """Unknown options are refused, with the known ones named."""
        with pytest.raises(DegenerateTable, match="nominal, ordinal, interval, ratio"):
            krippendorff_alpha([[1, 2], [2, 3]], "euclidean")
        with pytest.raises(DegenerateTable, match="unweighted, linear, quadratic"):
            weighted_kappa([1, 2], [2, 1], "cubic")

    def test_ratio_of_negative_scores(self):
        """Negative scores have no ratio."""
        with pytest.raises(DegenerateTable, match="0 or more"):
            krippendorff_alpha([[-1, 2], [2, 3]], "ratio")

    def test_alpha_interval_when_most_resamples_are_constant(self):
        """Too many constant resamples are refused."""
        table = np.full((4, 2), 3.0)
        table[0] = [2.0, 3.0]
        with pytest.raises(DegenerateTable, match="too few subjects differ"):
            krippendorff_alpha_interval(table)

    @pytest.mark.parametrize("function", [weighted_kappa, weighted_kappa_interval])
    @pytest.mark.parametrize(
        ("first", "second", "reason"),
        [
            ([1, 2, 3], [1, 2], "equal length"),
            ([[1, 2]], [[1, 2]], "equal length"),
            ([1, NAN, 3], [NAN, 2, 3], "share 1 subject"),
            ([2, 2, 2], [2, 2, 2], "same score throughout"),
            ([2, 2, 2], [1, 2, 3], "same score throughout"),
        ],
    )
    def test_kappa(self, function, first, second, reason):
        """Kappa refuses lists that do not answer, and says why."""
        with pytest.raises(DegenerateTable, match=reason):
            function(first, second)

    @pytest.mark.parametrize("categories", [[1, 2], [1, 1, 2, 3], [1, 2, 3, NAN], []])
    def test_kappa_categories_that_do_not_fit(self, categories):
        """Categories must be different numbers that hold every score."""
        with pytest.raises(DegenerateTable, match="categories"):
            weighted_kappa([1, 2, 3], [1, 3, 2], categories=categories)

    def test_kappa_interval_without_variation(self):
        """Pairs without variation get no interval."""
        with pytest.raises(DegenerateTable, match="too little"):
            weighted_kappa_interval([1, 2, 1, 2], [2, 1, 2, 1])

    @pytest.mark.parametrize("level", [0, 1, 95, NAN])
    def test_impossible_levels(self, level):
        """A confidence level outside 0 to 1 is an error."""
        table = [[1, 2], [2, 2], [4, 5]]
        for function in (icc, krippendorff_alpha_interval, within_one_point):
            with pytest.raises(ValueError, match="strictly between 0 and 1"):
                function(table, level=level)
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            weighted_kappa_interval([1, 2, 3], [1, 2, 2], level=level)


def _mean_square_forms(table: np.ndarray) -> list[float]:
    """Shrout & Fleiss (1979) from sums of squares, written out."""
    n, k = table.shape
    grand = table.mean()
    of_subjects = k * np.sum((table.mean(axis=1) - grand) ** 2)
    of_raters = n * np.sum((table.mean(axis=0) - grand) ** 2)
    rest = np.sum((table - grand) ** 2) - of_subjects - of_raters
    bms, jms, ems = of_subjects / (n - 1), of_raters / (k - 1), rest / ((n - 1) * (k - 1))
    return [
        (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n),
        (bms - ems) / (bms + (jms - ems) / n),
        (bms - ems) / (bms + (k - 1) * ems),
        (bms - ems) / bms,
    ]


def _alpha_by_definition(table: np.ndarray, metric: str) -> float:
    """Krippendorff (2011) with explicit sums over all pairs of scores."""
    units = [row[~np.isnan(row)] for row in table]
    units = [unit for unit in units if unit.size >= 2]
    pooled = np.concatenate(units)

    def squared_difference(c: float, k: float) -> float:
        if metric == "nominal":
            return float(c != k)
        if metric == "interval":
            return (c - k) ** 2
        if metric == "ratio":
            return ((c - k) / (c + k)) ** 2 if c + k else 0.0
        low, high = min(c, k), max(c, k)
        between = np.sum((pooled >= low) & (pooled <= high))
        return float(between - (np.sum(pooled == c) + np.sum(pooled == k)) / 2) ** 2

    def pair_sum(values: np.ndarray) -> float:
        return sum(squared_difference(c, k) for c in values for k in values)

    observed = sum(pair_sum(unit) / (unit.size - 1) for unit in units) / pooled.size
    return 1 - observed / (pair_sum(pooled) / (pooled.size * (pooled.size - 1)))
