"""The rating-scale model and the ordered logit reproduce other software and planted effects."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.numerics.ordered_logit import OrderedLogitError, fit_ordered_logit
from pipeline.numerics.rating_scale import RatingScaleError, RatingScaleFit, fit_rating_scale
from tests.support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)


def ratings1(*, own_thresholds: bool) -> tuple[RatingScaleFit, list[str], np.ndarray]:
    """The fit to ratings1, the raters' names and the rater of each rating."""
    wide = pd.read_csv(SHARED / "data" / "ratings1.csv")
    long = wide.melt(["idstud", "rater"], var_name="item", value_name="y").dropna()
    subject = pd.factorize(long["idstud"])[0]
    rater, names = pd.factorize(long["rater"], sort=True)
    item = pd.factorize(long["item"], sort=True)[0]
    fit = fit_rating_scale(long["y"], subject, rater, item, own_thresholds=own_thresholds)
    return fit, list(names), rater


def oracle(name: str) -> dict:
    """What other software found."""
    return json.loads((SHARED / "reference" / "reference_values.json").read_text())[name]


@needs_shared
@pytest.mark.parametrize(("own", "within"), [(False, 0.02), (True, 0.0015)])
def test_severities_equal_sirt_on_ratings1(own: bool, within: float) -> None:
    """Severities equal sirt's, whose thresholds are own to the item; common ones within .02."""
    fit, names, _ = ratings1(own_thresholds=own)
    expected = oracle("ratings1_MFRM")["sirt_rm.facets_b"]
    assert fit.severity == pytest.approx([expected[name] for name in names], abs=within)


@needs_shared
def test_severities_and_deviance_equal_tam_on_ratings1() -> None:
    """Severities equal TAM's to .005, and the deviance lies within 1 of sirt's and TAM's."""
    fit, names, _ = ratings1(own_thresholds=True)
    expected = oracle("ratings1_MFRM")
    assert fit.severity == pytest.approx([expected["TAM_xsi"][n] for n in names], abs=0.005)
    assert fit.deviance == pytest.approx(expected["deviance_sirt"], abs=0.5)
    assert fit.deviance == pytest.approx(expected["TAM_deviance"], abs=0.6)


@needs_shared
def test_the_known_noisy_rater_has_the_known_infit() -> None:
    """Rater db08 of ratings1 has infit 1.70 (METHODS, section 4), the others below 1.1."""
    fit, names, rater = ratings1(own_thresholds=True)
    infit = dict(zip(names, fit.infit(rater), strict=True))
    assert infit.pop("db08") == pytest.approx(1.70, abs=0.03)
    assert max(infit.values()) < 1.1


def test_the_gradient_is_that_of_the_likelihood() -> None:
    """At the optimum no parameter can be moved without raising a brute-force deviance."""
    _, codes = simulated(seed=3, n_subjects=25, n_raters=4)
    fit = fit_rating_scale(*codes)

    def deviance(severity: np.ndarray, sigma: float) -> float:
        theta = np.linspace(-7, 7, 801)
        eta = theta - (severity[codes[2]] + fit.difficulty[codes[3]] + fit.location)[:, None]
        logits = np.arange(len(fit.threshold) + 1)[:, None, None] * eta
        logits -= np.append(0, np.cumsum(fit.threshold))[:, None, None]
        log_p = logits - np.logaddexp.reduce(logits, axis=0)
        own = np.take_along_axis(log_p, codes[0][None, :, None], axis=0)[0]
        joint = np.zeros((codes[1].max() + 1, len(theta)))
        np.add.at(joint, codes[1], own)
        prior = np.exp(-0.5 * (theta / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        return -2 * np.log((np.exp(joint) * prior).sum(axis=1) * (theta[1] - theta[0])).sum()

    here = deviance(fit.severity, fit.sigma)
    assert here == pytest.approx(fit.deviance, abs=1e-5)
    turn = np.array([1.0, -1.0, 0.0, 0.0])
    steps = [deviance(fit.severity + h * turn, fit.sigma) for h in (-0.01, 0.01)]
    assert min(steps) > here
    assert steps[0] - steps[1] == pytest.approx(0, abs=1e-4)
    curvature = (sum(steps) - 2 * here) / 0.01**2 / 2
    information = np.linalg.pinv(fit.severity_cov)
    # other parameters stay here, and are free there: the profile is the flatter one
    assert turn @ information @ turn < curvature


def simulated(
    seed: int, n_subjects: int = 150, n_raters: int = 8, sigma: float = 1.2
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Planted severities, and category, subject, rater and criterion of each rating."""
    rng = np.random.default_rng(seed)
    severity = rng.normal(0, 0.7, n_raters)
    severity -= severity.mean()
    difficulty, threshold = np.array([-0.3, 0.0, 0.3]), np.array([-1.5, -0.2, 0.3, 1.4])
    theta = rng.normal(0, sigma, n_subjects)
    rows = [
        (s, r, c)
        for s in range(n_subjects)
        for r in rng.choice(n_raters, 3, replace=False)
        for c in range(3)
    ]
    s, r, c = np.array(rows).T
    eta = theta[s] - severity[r] - difficulty[c]
    logits = np.arange(5) * eta[:, None] - np.append(0, np.cumsum(threshold))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    x = (rng.random(len(s))[:, None] > p.cumsum(axis=1)).sum(axis=1)
    return severity, (x, s, r, c)


def test_planted_severities_are_covered() -> None:
    """Over ten simulations the 95 % intervals of 8 raters hold the planted severities."""
    covered, infit = [], []
    for seed in range(10):
        severity, codes = simulated(seed)
        fit = fit_rating_scale(*codes)
        covered.append(np.abs(fit.severity - severity) < 1.96 * fit.severity_se)
        infit.append(fit.infit(codes[2]))
    assert 0.88 <= np.mean(covered) <= 0.995
    assert np.mean(infit) == pytest.approx(1, abs=0.02)


def test_order_and_labels_do_not_matter() -> None:
    """Rows in another order, and raters with other numbers, give the same severities."""
    _, codes = simulated(1, n_subjects=40)
    fit = fit_rating_scale(*codes)
    order = np.random.default_rng(0).permutation(len(codes[0]))
    relabel = np.array([3, 1, 0, 2, 7, 6, 5, 4])
    x, s, r, c = (code[order] for code in codes)
    again = fit_rating_scale(x, s, relabel[r], c)
    assert again.severity[relabel] == pytest.approx(fit.severity, abs=1e-6)
    assert again.deviance == pytest.approx(fit.deviance, abs=1e-6)


def test_subjects_without_differences_are_a_result() -> None:
    """With all subjects alike sigma goes to its lowest value, and severities remain."""
    severity, codes = simulated(2, n_subjects=60, sigma=0.0)
    fit = fit_rating_scale(*codes)
    assert fit.sigma < 0.2
    assert np.corrcoef(fit.severity, severity)[0, 1] > 0.9
    assert (fit.severity_se > 0).all()


def test_raters_at_one_end_are_refused() -> None:
    """A rater with highest scores only has no finite severity."""
    _, (x, s, r, c) = simulated(2, n_subjects=30)
    with pytest.raises(RatingScaleError, match="one end"):
        fit_rating_scale(np.where(r == 0, 4, x), s, r, c)


@needs_shared
def test_ordered_logit_equals_clm_on_wine() -> None:
    """Coefficients, errors, thresholds and likelihood equal R's clm (ordinal 2022.11-16)."""
    wine = pd.read_csv(SHARED / "data" / "wine.csv")
    x = np.column_stack([wine["temp"] == "warm", wine["contact"] == "yes"]).astype(float)
    category = wine["rating"].astype(int) - 1
    expected = oracle("wine_clm")
    fit = fit_ordered_logit(category, x)
    assert fit.beta == pytest.approx(expected["beta"], abs=1e-4)
    assert np.sqrt(np.diag(fit.cov))[:2] == pytest.approx(expected["se"], abs=1e-4)
    assert fit.threshold == pytest.approx(expected["thresholds"], abs=1e-4)
    assert fit.loglik == pytest.approx(expected["logLik"], abs=1e-4)
    judges = pd.get_dummies(wine["judge"]).to_numpy(dtype=float)[:, 1:]
    expected = oracle("wine_clm_judge_fixed")
    fit = fit_ordered_logit(category, np.column_stack([x, judges]))
    assert fit.beta == pytest.approx([*expected["beta"], *expected["judge2..9"]], abs=1e-4)
    assert fit.loglik == pytest.approx(expected["logLik"], abs=1e-4)


def test_ordered_logit_refuses_what_has_no_finite_answer() -> None:
    """Columns that depend on each other, or that separate the scores, are refused."""
    x = np.array([[0.0], [0], [1], [1], [0], [1]])
    with pytest.raises(OrderedLogitError, match="depend"):
        fit_ordered_logit([0, 1, 0, 1, 1, 0], np.column_stack([x, 1 - x]))
    with pytest.raises(OrderedLogitError):
        fit_ordered_logit([0, 0, 1, 1, 0, 1], x)
