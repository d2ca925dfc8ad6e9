"""Crossed random intercepts: against lme4, statsmodels, dense algebra, and what may not matter."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from pipeline.numerics import _elimination_order
from pipeline.numerics.crossed_reml import (
    CrossedFit,
    CrossedModelError,
    DegenerateResponse,
    InvalidInput,
    UnidentifiedTerm,
    fit_crossed,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
needs_shared = pytest.mark.skipif(
    not (SHARED / "reference" / "reference_values.json").exists(),
    reason="the reference values and data beside the repository are absent",
)

# Davies & Goldsmith (1972), yield of dyestuff in grams, and Box & Tiao (1973), simulated to have no
# variance between batches; lme4's Dyestuff and Dyestuff2, results published in Bates et al. (2015).
BATCH = np.repeat(list("ABCDEF"), 5)
# One line per batch.
DYESTUFF = np.array(
    [
        [1545, 1440, 1440, 1520, 1580],
        [1540, 1555, 1490, 1560, 1495],
        [1595, 1550, 1605, 1510, 1560],
        [1445, 1440, 1595, 1465, 1545],
        [1595, 1630, 1515, 1635, 1625],
        [1520, 1455, 1450, 1480, 1445],
    ],
    dtype=float,
).ravel()
DYESTUFF2 = np.array(
    [
        [7.298, 3.846, 2.434, 9.566, 7.990],
        [5.220, 6.556, 0.608, 11.788, -0.892],
        [0.110, 10.386, 13.434, 5.510, 8.166],
        [2.212, 4.852, 7.092, 9.288, 4.980],
        [0.282, 9.014, 4.458, 9.446, 7.198],
        [1.722, 4.782, 8.106, 0.758, 3.758],
    ]
).ravel()


def simulate(seed: int = 0, n: int = 240) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return scores, fixed effects and labels of a small unbalanced crossed design."""
    rng = np.random.default_rng(seed)
    subject, rater = rng.integers(0, 30, n), rng.integers(0, 8, n)
    period = rng.integers(0, 3, n)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = 3 + 0.4 * X[:, 1] + rng.normal(0, 0.9, 30)[subject] + rng.normal(0, 0.7, 8)[rater]
    y = y + rng.normal(0, 0.6, 24)[rater * 3 + period] + rng.normal(0, 0.8, n)
    return y, X, {"subject": subject, "rater": rater, "rater:period": rater * 3 + period}


def simulate_organisation(
    departments: int, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return ratings of departments of 12 employees and 4 raters, some rating elsewhere."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(12 * departments), 2)
    home = subject // 12
    away = rng.random(len(subject)) < 0.1
    home = np.where(away, rng.integers(0, departments, len(home)), home)
    rater = home * 4 + rng.integers(0, 4, len(home))
    rater[1::2] += rater[::2] == rater[1::2]
    subject, rater = np.repeat(subject, 3), np.repeat(rater % (4 * departments), 3)
    criterion = np.tile(np.arange(3), len(subject) // 3)
    keep = rng.random(len(subject)) < 0.9
    subject, rater, criterion = subject[keep], rater[keep], criterion[keep]
    factors = {
        "subject": subject,
        "rater": rater,
        "subject:rater": subject * 10_000 + rater,
        "subject:criterion": subject * 3 + criterion,
        "rater:criterion": rater * 3 + criterion,
    }
    y = rng.normal(0, 0.5, len(subject))
    for sd, codes in zip([0.7, 0.4, 0.3, 0.3, 0.2], factors.values(), strict=True):
        _, place = np.unique(codes, return_inverse=True)
        y = y + rng.normal(0, sd, place.max() + 1)[place]
    return y, np.eye(3)[criterion], factors


def assert_same_fit(one: CrossedFit, other: CrossedFit, scale: float = 1.0) -> None:
    """Check that two fits agree up to the scale of y, in everything but the intercept."""
    for name, value in one.variance.items():
        assert other.variance[name] == pytest.approx(
            scale**2 * value, rel=1e-4, abs=1e-7 * scale**2
        )
    assert one.boundary == other.boundary or set(one.boundary) == set(other.boundary)
    np.testing.assert_allclose(other.residual, scale * one.residual, atol=1e-4 * abs(scale))


def test_criterion_blups_and_conditional_sd_equal_dense_algebra() -> None:
    """At the estimates, criterion, beta, BLUPs and SDs are those of the textbook formulas."""
    y, X, factors = simulate()
    for reml in (True, False):
        fit = fit_crossed(y, X, factors, reml=reml)
        assert fit.converged
        Z = np.hstack([np.equal.outer(v, np.unique(v)).astype(float) for v in factors.values()])
        ratio = np.concatenate(
            [
                np.full(len(np.unique(v)), fit.variance[k] / fit.variance["residual"])
                for k, v in factors.items()
            ]
        )
        V = np.eye(len(y)) + (Z * ratio) @ Z.T
        inverse = np.linalg.inv(V)
        information = X.T @ inverse @ X
        beta = np.linalg.solve(information, X.T @ inverse @ y)
        rest = y - X @ beta
        rss = rest @ inverse @ rest
        nu = len(y) - 2 if reml else len(y)
        criterion = np.linalg.slogdet(V)[1] + nu * (1 + np.log(2 * np.pi * rss / nu))
        criterion += np.linalg.slogdet(information)[1] if reml else 0.0
        assert fit.criterion == pytest.approx(criterion, abs=1e-8)
        assert fit.variance["residual"] == pytest.approx(rss / nu, rel=1e-9)
        np.testing.assert_allclose(fit.beta, beta, atol=1e-9)
        np.testing.assert_allclose(fit.beta_cov, rss / nu * np.linalg.inv(information), atol=1e-9)
        np.testing.assert_allclose(fit.beta_se**2, np.diag(fit.beta_cov))
        blup = ratio * (Z.T @ inverse @ rest)
        np.testing.assert_allclose(
            np.concatenate([fit.effects[k].blup for k in factors]), blup, atol=1e-9
        )
        root = np.sqrt(ratio)
        inner = np.linalg.inv(np.eye(len(ratio)) + root[:, None] * (Z.T @ Z) * root)
        sd = np.sqrt(rss / nu * ratio * np.diag(inner))
        np.testing.assert_allclose(
            np.concatenate([fit.effects[k].sd for k in factors]), sd, atol=1e-9
        )
        np.testing.assert_allclose(fit.fitted, X @ beta + Z @ blup, atol=1e-9)
        np.testing.assert_allclose(fit.fitted + fit.residual, y, atol=1e-12)


@pytest.mark.parametrize("reml", [True, False])
def test_equals_statsmodels(reml: bool) -> None:
    """Variances, fixed effects and their errors equal statsmodels' MixedLM with one group."""
    y, X, factors = simulate()
    frame = pd.DataFrame(
        {"y": y, "x": X[:, 1], "s": factors["subject"], "r": factors["rater"]}
    ).assign(group=1, rp=factors["rater:period"])
    model = smf.mixedlm(
        "y ~ x",
        frame,
        groups="group",
        re_formula="0",
        vc_formula={"s": "0 + C(s)", "r": "0 + C(r)", "rp": "0 + C(rp)"},
    )
    theirs = model.fit(reml=reml, method="lbfgs")
    ours = fit_crossed(y, X, factors, reml=reml)
    names = model.exog_vc.names
    for short, name in (("s", "subject"), ("r", "rater"), ("rp", "rater:period")):
        theirs_is = theirs.vcomp[names.index(short)]
        assert ours.variance[name] == pytest.approx(theirs_is, rel=2e-3, abs=1e-4)
    assert ours.variance["residual"] == pytest.approx(theirs.scale, rel=1e-3)
    np.testing.assert_allclose(ours.beta, theirs.fe_params, atol=1e-4)
    # statsmodels takes them from the observed information of all parameters together.
    np.testing.assert_allclose(ours.beta_se, theirs.bse_fe, rtol=5e-3)


def test_dyestuff_as_published() -> None:
    """REML and ML on Dyestuff give the values of Bates et al. (2015) and lme4's documentation."""
    fit = fit_crossed(DYESTUFF, np.ones(30), {"batch": BATCH})
    assert fit.criterion == pytest.approx(319.6543, abs=1e-4)
    assert fit.variance["batch"] == pytest.approx(1764.05, abs=0.01)
    assert fit.variance["residual"] == pytest.approx(2451.25, abs=0.01)
    assert fit.beta[0] == pytest.approx(1527.5, abs=1e-9)
    assert fit.beta_se[0] == pytest.approx(19.383, abs=1e-3)
    ml = fit_crossed(DYESTUFF, np.ones(30), {"batch": BATCH}, reml=False)
    assert ml.criterion == pytest.approx(327.3271, abs=1e-4)
    assert ml.variance["batch"] == pytest.approx(1388.33, abs=0.02)


def test_profile_interval_equals_a_direct_search_and_lme4() -> None:
    """The interval's ends lie where the profiled criterion rises by the chi-squared quantile."""
    fit = fit_crossed(DYESTUFF, np.ones(30), {"batch": BATCH}, reml=False)

    def excess(value: float) -> float:
        return float(
            minimize_scalar(
                lambda r: fit.criterion_at({"batch": value, "residual": np.exp(r)}),
                bracket=(7.0, 8.0),
                tol=1e-12,
            ).fun
            - fit.criterion
            - chi2.ppf(0.95, 1)
        )

    low, high = fit.profile_interval("batch")
    assert low == pytest.approx(brentq(excess, 100, 200), rel=1e-3)
    assert high == pytest.approx(brentq(excess, 6000, 8000), rel=1e-3)
    # lme4 1.1, confint(profile()), on the scale of standard deviations; splines in between.
    assert np.sqrt(low) == pytest.approx(12.198, abs=0.01)
    assert np.sqrt(high) == pytest.approx(84.063, abs=0.01)
    residual = np.sqrt(fit.profile_interval("residual"))
    np.testing.assert_allclose(residual, [38.230, 67.658], atol=0.002)
    assert fit.profile_interval("batch", level=0.999)[0] == 0.0


def test_variance_on_its_boundary_is_exactly_zero() -> None:
    """Dyestuff2 has no variance between batches: 0, named, with effects of 0 and an interval."""
    fit = fit_crossed(DYESTUFF2, np.ones(30), {"batch": BATCH})
    assert fit.boundary == ("batch",)
    assert fit.variance["batch"] == 0.0
    assert fit.criterion == pytest.approx(161.8283, abs=1e-4)
    assert fit.variance["residual"] == pytest.approx(np.var(DYESTUFF2, ddof=1), rel=1e-9)
    assert not fit.effects["batch"].blup.any()
    assert not fit.effects["batch"].sd.any()
    assert fit.variance_terms == ("residual",)
    low, high = fit.profile_interval("batch")
    assert low == 0.0
    assert 0.0 < high < 20.0
    assert "no variance found (estimate 0): batch" in fit.summary()


def test_variance_covariance_of_a_balanced_layout_has_its_closed_form() -> None:
    """In a balanced one-way layout the REML information is that of the mean squares."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(200), 5)
    y = rng.normal(0, 1.0, 200)[group] + rng.normal(0, 1.0, 1000)
    fit = fit_crossed(y, np.ones(1000), {"group": group})
    residual = fit.variance["residual"]
    between = residual + 5 * fit.variance["group"]
    of_residual = 2 * residual**2 / 800
    of_group = (2 * between**2 / 199 + of_residual) / 25
    assert fit.variance_terms == ("group", "residual")
    np.testing.assert_allclose(np.diag(fit.variance_cov), [of_group, of_residual], rtol=1e-3)


def load_insteval() -> tuple[pd.DataFrame, np.ndarray]:
    """Return lme4's InstEval and its fixed effects, intercept and service."""
    with gzip.open(SHARED / "data" / "InstEval.csv.gz") as file:
        frame = pd.read_csv(file, dtype={"s": str, "d": str, "dept": str, "service": str})
    return frame, np.column_stack([np.ones(len(frame)), frame["service"] == "1"]).astype(float)


def oracle() -> dict[str, Any]:
    """Return the reference values measured with lme4 1.1-31."""
    values: dict[str, Any] = json.loads(
        (SHARED / "reference" / "reference_values.json").read_text(encoding="utf-8")
    )
    return values


@needs_shared
def test_insteval_equals_lme4() -> None:
    """The whole of InstEval by REML and ML, three crossed factors, as lme4 1.1-31 fits it."""
    frame, X = load_insteval()
    factors = {name: frame[name] for name in ("s", "d", "dept")}
    reml, ml = oracle()["InstEval_whole_REML"], oracle()["InstEval_whole_ML"]
    fit = fit_crossed(frame["y"], X, factors)
    assert fit.criterion == pytest.approx(reml["REMLcrit"], abs=1e-3)
    np.testing.assert_allclose(fit.beta, reml["beta"], atol=1e-5)
    np.testing.assert_allclose(fit.beta_se, reml["se"], atol=1e-5)
    for name, value in reml["var"].items():
        assert fit.variance[name] == pytest.approx(value, abs=5e-6)
    fit = fit_crossed(frame["y"], X, factors, reml=False)
    assert fit.criterion == pytest.approx(ml["deviance"], abs=1e-3)
    for name, value in ml["var"].items():
        assert fit.variance[name] == pytest.approx(value, abs=5e-6)
    assert fit.fitted[0] == pytest.approx(ml["published"]["first fitted"], abs=1e-3)
    assert fit.residual[0] == pytest.approx(ml["published"]["first residual"], abs=1e-3)


@needs_shared
def test_insteval_crossed_only_equals_lme4() -> None:
    """Two crossed factors with an intercept only."""
    frame, X = load_insteval()
    known = oracle()["InstEval_crossed_only_REML"]
    fit = fit_crossed(frame["y"], X[:, :1], {name: frame[name] for name in ("s", "d")})
    assert fit.criterion == pytest.approx(known["REMLcrit"], abs=1e-3)
    assert fit.beta[0] == pytest.approx(known["intercept"], abs=1e-5)
    assert fit.beta_se[0] == pytest.approx(known["se"], abs=1e-5)
    for name, value in known["var"].items():
        assert fit.variance[name] == pytest.approx(value, abs=5e-6)


@needs_shared
@pytest.mark.parametrize("department", ["1", "5", "7", "10"])
def test_insteval_departments_equal_lme4(department: str) -> None:
    """Single departments by REML and ML, two of them in two components."""
    frame, X = load_insteval()
    known = oracle()["InstEval_by_dept_REML"][department]
    rows = (frame["dept"] == department).to_numpy()
    frame, X = frame[rows], X[rows]
    factors = {"s": frame["s"], "d": frame["d"]}
    fit = fit_crossed(frame["y"], X, factors)
    assert fit.n == known["n"]
    assert [len(fit.effects[k].levels) for k in factors] == [known["n_s"], known["n_d"]]
    assert fit.criterion == pytest.approx(known["REMLcrit"], abs=1e-3)
    found = [fit.variance[k] for k in ("s", "d", "residual")]
    np.testing.assert_allclose(found, [known[f"var_{k}"] for k in ("s", "d", "res")], rtol=5e-4)
    np.testing.assert_allclose(fit.beta, [known["intercept"], known["service1"]], atol=1e-5)
    np.testing.assert_allclose(
        fit.beta_se, [known["se_intercept"], known["se_service1"]], atol=1e-4
    )
    ml = fit_crossed(frame["y"], X, factors, reml=False)
    assert ml.criterion == pytest.approx(known["ML_deviance"], abs=1e-3)
    without = fit_crossed(frame["y"], X, {"d": frame["d"]})
    assert without.criterion - fit.criterion == pytest.approx(known["LRT_s"], abs=2e-3)


@needs_shared
def test_generalizability_study_equals_lme4() -> None:
    """Six components with interactions larger than any main factor, and the halo test."""
    known = oracle()["gstudy_ratings1"]
    wide = pd.read_csv(SHARED / "data" / "ratings1.csv")
    long = wide.melt(["idstud", "rater"], var_name="item", value_name="y").dropna()
    subject, rater, item = long["idstud"].astype(str), long["rater"], long["item"]
    X = np.column_stack([np.ones(len(long)), pd.get_dummies(item, drop_first=True)]).astype(float)
    factors = {
        "s": subject,
        "r": rater,
        "s:r": subject + rater,
        "s:item": subject + item,
        "r:item": rater + item,
    }
    fit = fit_crossed(long["y"], X, factors)
    assert fit.criterion == pytest.approx(known["REMLcrit"], abs=1e-3)
    for name, value in known["var"].items():
        assert fit.variance[name] == pytest.approx(value, rel=5e-4)
    no_halo = fit_crossed(long["y"], X, {k: v for k, v in factors.items() if k != "s:r"})
    assert no_halo.criterion - fit.criterion == pytest.approx(known["LRT_halo"], abs=2e-3)


@needs_shared
def test_gleser_rater_variance_is_on_the_boundary() -> None:
    """A negative ANOVA component becomes exactly 0, as in lme4, without a warning."""
    known = dict(oracle()["Gleser1965_p_i_r"]["REML_lmer"])
    table = pd.read_csv(SHARED / "data" / "Gleser1965.csv").to_numpy()
    p, column = np.indices(table.shape).reshape(2, -1)
    i, r = column // 2, column % 2
    factors = {"p": p, "i": i, "r": r, "pi": p * 6 + i, "pr": p * 2 + r, "ir": i * 2 + r}
    fit = fit_crossed(table.ravel(), np.ones(p.size), factors)
    assert fit.converged
    assert fit.boundary == ("r",)
    assert fit.criterion == pytest.approx(known.pop("REMLcrit"), abs=1e-3)
    for name, value in known.items():
        assert fit.variance[name] == pytest.approx(value, abs=1e-4)


def test_elimination_order_does_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """One dense front and many small ones by minimum degree give the same numbers."""
    y, X, factors = simulate_organisation(12)
    dense = fit_crossed(y, X, factors)
    monkeypatch.setattr(_elimination_order, "_FRONT_SECONDS", 0.0)
    monkeypatch.setattr(_elimination_order, "_LARGE_FLOP_SECONDS", 1.0)
    many = fit_crossed(y, X, factors)
    monkeypatch.setattr(_elimination_order, "_NODE_COLUMNS", 0)
    single = fit_crossed(y, X, factors)
    levels = [len(fit._model.layout._levels) for fit in (dense, many, single)]
    assert levels[0] == 2
    assert min(levels[1:]) > 4
    for other in (many, single):
        assert other.criterion == pytest.approx(dense.criterion, abs=1e-7)
        np.testing.assert_allclose(other.fitted, dense.fitted, atol=1e-8)
        for name, effect in dense.effects.items():
            np.testing.assert_allclose(other.effects[name].sd, effect.sd, atol=1e-8)


def test_disconnected_duplicates_change_no_variance_but_halve_their_covariance() -> None:
    """An organisation twice, as two components, has the same ML estimates."""
    y, X, factors = simulate_organisation(5)
    once = fit_crossed(y, X, factors, reml=False)
    labels = {
        name: [(copy, label) for copy in range(2) for label in codes.tolist()]
        for name, codes in factors.items()
    }
    twice = fit_crossed(np.tile(y, 2), np.tile(X, (2, 1)), labels, reml=False)
    for name, value in once.variance.items():
        assert twice.variance[name] == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(twice.variance_cov, once.variance_cov / 2, rtol=1e-4, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shift=st.floats(-1e4, 1e4),
    scale=st.sampled_from([-3.0, 1e-3, 0.5, 1e4]),
    reml=st.booleans(),
)
def test_what_may_not_matter(seed: int, shift: float, scale: float, reml: bool) -> None:
    """Labels, row order, factor order, location and scale of y change only what they must."""
    y, X, factors = simulate(seed % 7, 120)
    rng = np.random.default_rng(seed)
    fit = fit_crossed(y, X, factors, reml=reml)

    renamed = {k: np.array([f"{v * 37 % 101}-{v}" for v in codes]) for k, codes in factors.items()}
    assert_same_fit(fit, fit_crossed(y, X, renamed, reml=reml))

    order = rng.permutation(len(y))
    shuffled = fit_crossed(y[order], X[order], {k: v[order] for k, v in factors.items()}, reml=reml)
    assert shuffled.criterion == pytest.approx(fit.criterion, abs=1e-6)
    np.testing.assert_allclose(shuffled.fitted, fit.fitted[order], atol=1e-4)

    backwards = fit_crossed(y, X, dict(reversed(factors.items())), reml=reml)
    assert tuple(backwards.variance) == (*reversed(factors), "residual")
    assert_same_fit(fit, backwards)

    moved = fit_crossed(y + shift, X, factors, reml=reml)
    assert_same_fit(fit, moved)
    np.testing.assert_allclose(moved.beta - fit.beta, [shift, 0.0], atol=1e-4)

    scaled = fit_crossed(scale * y, X, factors, reml=reml)
    assert_same_fit(fit, scaled, scale)
    degrees = len(y) - 2 if reml else len(y)
    grown = fit.criterion + 2 * degrees * np.log(abs(scale))
    assert scaled.criterion == pytest.approx(grown, abs=1e-5)


def test_any_labels_are_taken() -> None:
    """Strings, tuples, categories, dates and mixtures name levels; levels come back sorted."""
    y, X, factors = simulate(2, 60)
    codes = factors["rater"]
    expected = fit_crossed(y, X, {"rater": codes})
    given_labels: list[Any] = [
        [f"r{c}" for c in codes],
        [("r", int(c)) for c in codes],
        pd.Categorical(codes, categories=range(20)),
        pd.Series(codes, index=codes),
        pd.to_datetime("2025-01-01") + pd.to_timedelta(codes, unit="D"),
        codes.astype(float),
        [int(c) if c % 2 else str(c) for c in codes],
    ]
    for labels in given_labels:
        found = fit_crossed(list(y), X, {"rater": labels})
        assert found.variance == pytest.approx(expected.variance)
        assert len(found.effects["rater"].levels) == 8
    assert list(expected.effects["rater"].levels) == list(range(8))


def test_input_is_not_changed() -> None:
    """Arrays given to a fit are the same afterwards."""
    y, X, factors = simulate()
    copies = y.copy(), X.copy(), {k: v.copy() for k, v in factors.items()}
    fit_crossed(y, X, factors)
    np.testing.assert_array_equal(y, copies[0])
    np.testing.assert_array_equal(X, copies[1])
    for name, codes in copies[2].items():
        np.testing.assert_array_equal(factors[name], codes)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"all": np.arange(60)}, UnidentifiedTerm, "'all' has as many levels"),
        ({"one": np.zeros(60)}, UnidentifiedTerm, "'one': expected at least 2 levels, got 1"),
        ({"twin": "same"}, UnidentifiedTerm, "'rater' and 'twin' divide the 60 rows"),
        ({"missing": [None, *range(59)]}, InvalidInput, "'missing', got 1 missing"),
        ({"short": [1, 2]}, InvalidInput, "expected 60 labels in one dimension for 'short'"),
        ({"residual": np.arange(60) % 3}, InvalidInput, "not 'residual'"),
    ],
)
def test_unusable_factors_are_refused_by_name(change: Any, error: type, says: str) -> None:
    """Factors that say nothing, or the same as another, are named in the refusal."""
    y, X, factors = simulate(0, 60)
    rater = factors["rater"]
    change = {k: 7 - rater if isinstance(v, str) else v for k, v in change.items()}
    with pytest.raises(error, match=says):
        fit_crossed(y, X, {"rater": rater, **change})


def test_unidentified_combinations_are_refused() -> None:
    """Terms that only together are aliased, or are also fixed, are refused and named."""
    rng = np.random.default_rng(0)
    a, b = (v.ravel() for v in np.indices((2, 2)))
    half = np.arange(4) % 2 ^ np.arange(4) // 2
    with pytest.raises(UnidentifiedTerm, match="cannot be told apart"):
        fit_crossed(rng.normal(size=4), np.ones(4), {"a": a, "b": b, "c": half})
    y, X, factors = simulate(0, 60)
    dummies = np.equal.outer(factors["rater"], np.arange(8)).astype(float)
    with pytest.raises(UnidentifiedTerm, match="'rater': the fixed effects already separate"):
        fit_crossed(y, dummies, {"rater": factors["rater"]})
    with pytest.raises(UnidentifiedTerm, match=r"rank 2 for 3 columns: columns \[\d\]"):
        fit_crossed(y, np.column_stack([X, X[:, 1] * 2 + 1]), {"rater": factors["rater"]})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    """NaN and infinity in y or X are counted and refused."""
    y, X, factors = simulate(0, 60)
    y_bad, X_bad = y.copy(), X.copy()
    y_bad[3] = X_bad[5, 1] = bad
    with pytest.raises(InvalidInput, match="in y, got 1"):
        fit_crossed(y_bad, X, factors)
    with pytest.raises(InvalidInput, match="in X, got 1"):
        fit_crossed(y, X_bad, factors)
    with pytest.raises(InvalidInput, match="hold numbers"):
        fit_crossed(["Jansen"] * 60, X, factors)
    with pytest.raises(InvalidInput, match="at least one random factor"):
        fit_crossed(y, X, {})
    with pytest.raises(InvalidInput, match="more rows than fixed effects"):
        fit_crossed(y[:2], X[:2], {"a": [1, 2]})


def test_no_label_is_quoted_in_a_refusal() -> None:
    """Labels may be people: no text of a refusal holds one."""
    names = [f"person-{i}" for i in range(10)]
    y = np.arange(10.0)
    for factors in (
        {"e": names},
        {"e": names[:1] * 10},
        {"e": names[:5] * 2, "f": [n.upper() for n in names[:5] * 2]},
        {"e": [*names[:9], None]},
        {"e": names[:3]},
    ):
        with pytest.raises(CrossedModelError) as refusal:
            fit_crossed(y, np.ones(10), factors)
        assert "person" not in str(refusal.value).lower()


def test_responses_without_residual_variation_are_refused() -> None:
    """A constant response, and one that the factors reproduce, have no residual variance."""
    group = np.repeat(np.arange(5), 4)
    with pytest.raises(DegenerateResponse, match="fixed effects reproduce"):
        fit_crossed(np.full(20, 3.0), np.ones(20), {"group": group})
    with pytest.raises(DegenerateResponse, match="'group'"):
        fit_crossed(group.astype(float) ** 2, np.ones(20), {"group": group})


@pytest.mark.parametrize(
    ("scores", "a", "b", "c", "reml"),
    [
        ([2, 1, 3, 3], [2, 1, 0, 1], [1, 2, 1, 0], [1, 1, 0, 2], False),
        ([1, 4, 2, 1], [1, 3, 1, 4], [1, 1, 3, 0], [3, 0, 0, 4], True),
        ([3, 2, 3, 1, 3], [1, 1, 0, 3, 1], [1, 2, 2, 2, 0], [0, 0, 1, 1, 0], True),
    ],
)
def test_residual_that_fades_slowly_is_refused(
    scores: list[int], a: list[int], b: list[int], c: list[int], reml: bool
) -> None:
    """A likelihood that rises ever more slowly towards no residual variance has no maximum."""
    with pytest.raises(DegenerateResponse, match="the residual variance tends to 0"):
        fit_crossed(scores, np.ones(len(scores)), {"a": a, "b": b, "c": c}, reml=reml)


def test_terms_that_cannot_all_go_to_zero_are_left_where_they_are() -> None:
    """Trying the corner of a flat likelihood may fail, which ends the trial and not the fit."""
    labels = {
        "a": [1, 4, 4, 0, 1, 3, 3, 1, 1],
        "b": [1, 1, 1, 0, 0, 0, 1, 1, 1],
        "c": [0, 1, 3, 3, 2, 2, 0, 1, 1],
    }
    with pytest.raises(DegenerateResponse, match="the residual variance tends to 0"):
        fit_crossed([2, 3, 1, 1, 1, 2, 3, 1, 1], np.ones(9), labels)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_small_designs_give_a_result_or_a_refusal(data: st.DataObject) -> None:
    """On any tiny design the answer is finite numbers or a refusal, never a warning or a crash."""
    n = data.draw(st.integers(1, 14))
    scores = data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    labels = {
        name: data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)) for name in "abc"
    }
    try:
        fit = fit_crossed(scores, np.ones(n), labels, reml=data.draw(st.booleans()))
    except CrossedModelError:
        return
    numbers = [*fit.variance.values(), fit.criterion, *fit.beta_se, *fit.variance_cov.ravel()]
    for effect in fit.effects.values():
        numbers += [*effect.blup, *effect.sd]
    assert np.isfinite(numbers).all()
    assert min(fit.variance.values()) >= 0.0
    assert fit.summary()


def test_search_cut_short_says_so() -> None:
    """Too few steps give converged=False and a warning in the summary, not an exception."""
    y, X, factors = simulate()
    fit = fit_crossed(y, X, factors, max_steps=0)
    assert not fit.converged
    assert "NOT CONVERGED" in str(fit)
    assert "NOT CONVERGED" not in str(fit_crossed(y, X, factors))


def test_criterion_at_given_variances() -> None:
    """The criterion at the estimates is the minimum, with the residual given or profiled out."""
    y, X, factors = simulate()
    fit = fit_crossed(y, X, factors)
    assert fit.criterion_at(fit.variance) == pytest.approx(fit.criterion, abs=1e-8)
    residual = fit.variance["residual"]
    ratios = {k: v / residual for k, v in fit.variance.items() if k != "residual"}
    assert fit.criterion_at(ratios) == pytest.approx(fit.criterion, abs=1e-8)
    for name in fit.variance:
        for factor in (0.8, 1.25):
            other = {**fit.variance, name: fit.variance[name] * factor}
            assert fit.criterion_at(other) > fit.criterion
    with pytest.raises(InvalidInput, match="expected a variance for each"):
        fit.criterion_at({"subject": 1.0})
    with pytest.raises(InvalidInput, match="expected finite variances"):
        fit.criterion_at({**ratios, "rater": -1.0})
    with pytest.raises(InvalidInput, match="expected one of"):
        fit.profile_interval("employee")
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        fit.profile_interval("rater", level=95)


def test_fixed_effects_may_be_absent() -> None:
    """With no column in X the mean is 0 and REML equals ML."""
    y, X, factors = simulate()
    reml = fit_crossed(y, X[:, :0], factors)
    ml = fit_crossed(y, X[:, :0], factors, reml=False)
    assert reml.beta.shape == (0,)
    assert reml.criterion == pytest.approx(ml.criterion, abs=1e-9)


# Tiny tables


def tiny(table: list[list[float]], *, reml: bool = True) -> CrossedFit:
    """Fit subjects x raters, NaN where there is no score."""
    scores = np.array(table, dtype=float)
    subject, rater = np.nonzero(~np.isnan(scores))
    y = scores[subject, rater]
    return fit_crossed(y, np.ones(len(y)), {"subject": subject, "rater": rater}, reml)


@pytest.mark.parametrize(
    ("table", "reml"),
    [
        ([[1, np.nan, 3], [3, 3, 2], [1, 1, 2], [3, 2, 1]], True),
        ([[1, np.nan, 3], [3, 3, 2], [1, 1, 2], [3, 2, 1]], False),
        # the likelihood is flat towards 0 along both variances together
        ([[3, 3, 3], [3, 3, 1], [3, 1, 1]], False),
    ],
)
def test_tiny_tables_reach_the_lowest_point_of_a_grid(table: list[list[float]], reml: bool) -> None:
    """The search ends, and no point of a fine grid of variances is better."""
    found = tiny(table, reml=reml)
    assert found.converged
    grid = [0.0, *np.logspace(-5, 2, 36)]
    best = min(found.criterion_at({"subject": a, "rater": b}) for a in grid for b in grid)
    assert found.criterion <= best + 1e-7
    assert "rater" in found.boundary


def test_random_tiny_tables_converge() -> None:
    """Every one of 400 random tables that has a likelihood converges, without a warning."""
    rng = np.random.default_rng(4)
    ended = []
    for _ in range(400):
        shape = rng.integers(2, 9), rng.integers(2, 6)
        table = rng.integers(1, 5, shape).astype(float)
        table[rng.random(shape) < rng.choice([0, 0.15, 0.35])] = np.nan
        try:
            ended.append(tiny(table.tolist(), reml=bool(rng.random() < 0.6)).converged)
        except CrossedModelError:
            continue
    assert len(ended) > 250
    assert all(ended)
