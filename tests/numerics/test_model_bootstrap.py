"""Prediction and simulation at fitted variances, and the tests and shrinkage built on them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.model_bootstrap import (
    FittedModel,
    indicator,
    on_scale,
    spread_ratio,
)
from pipeline.numerics.model_shifts import averaged_contrasts, forward_shifts
from pipeline.numerics.rating_model import (
    RATER,
    SUBJECT,
    code_ratings,
    codes_of,
    connected_parts,
    crossed,
    fit_terms,
)
from pipeline.numerics.shrinkage import shrink
from support.ratings import made


def fitted(**options: object) -> tuple:
    """Codes, fixed columns, fit and model of planted ratings."""
    rated = made(**options)
    coded = code_ratings(
        rated["score"], rated["subject_id"], rated["rater_id"], rated["criterion_id"]
    )
    X, codes = fixed_columns(coded.part, coded.criterion), codes_of(coded)
    fit = fit_terms(coded.score, X, codes)
    return coded, X, codes, fit, FittedModel(X, codes, fit.variance)


def test_residuals_at_the_fitted_variances_are_those_of_the_fit() -> None:
    """The sparse factorisation gives the solver's residuals and conditional SDs."""
    coded, X, codes, fit, model = fitted()
    assert model.residual(coded.score) == pytest.approx(fit.residual, abs=1e-9)
    others = FittedModel(X, {k: v for k, v in codes.items() if k != RATER}, fit.variance)
    information, _ = others.information(coded.score, indicator(coded.rater))
    prior = np.eye(len(information)) / fit.variance[RATER]
    error = np.sqrt(np.diag(np.linalg.inv(information + prior)))
    # lme4's conditional SD leaves out the uncertainty of the fixed effects
    assert (error >= fit.effects[RATER].sd - 1e-9).all()


def test_a_shift_is_generalised_least_squares() -> None:
    """The shift of a cell equals that of a dense fit with one more column."""
    coded, X, codes, fit, model = fitted(n_subjects=12)
    cell = crossed(coded.rater, coded.criterion)
    found = forward_shifts(model, coded.score, indicator(cell), q=0.0, least=np.inf)
    shift, se = found.value, found.se
    V = np.eye(len(X)) * fit.variance["residual"]
    for name in model.codes:
        Z = np.eye(codes[name].max() + 1)[codes[name]]
        V += fit.variance[name] * Z @ Z.T
    both = np.column_stack([X, cell == 3])
    weighted = np.linalg.solve(V, both)
    covariance = np.linalg.inv(both.T @ weighted)
    assert shift[3] == pytest.approx((covariance @ weighted.T @ coded.score)[-1], rel=1e-8)
    assert se[3] == pytest.approx(np.sqrt(covariance[-1, -1]), rel=1e-8)


def test_simulations_have_the_variances_of_the_model() -> None:
    """Variances of simulated scores, and of effects given the scores, are those asked for."""
    coded, X, _, fit, model = fitted(points=False, n_subjects=60)
    rng = np.random.default_rng(1)
    mean = X @ fit.beta
    drawn = model.simulate(mean, 199, rng)
    total = sum(fit.variance.values())
    assert (drawn - mean[:, None]).var() == pytest.approx(total, rel=0.05)
    again = model.simulate_like(coded.score, mean, 199, rng, (SUBJECT, RATER))
    of_rater = indicator(coded.rater)
    seen = of_rater.T @ coded.score / np.bincount(coded.rater)
    kept = (of_rater.T @ again / np.bincount(coded.rater)[:, None]).mean(axis=1)
    assert kept == pytest.approx(seen, abs=0.08)


def test_simulated_points_are_used_as_often_as_observed() -> None:
    """Cutting simulated values keeps the shares of the points; many values are left alone."""
    rng = np.random.default_rng(0)
    observed = rng.choice([1.0, 2.0, 3.0], 500, p=[0.1, 0.6, 0.3])
    cut = on_scale(rng.normal(size=(500, 50)), observed)
    assert set(np.unique(cut)) == {1.0, 2.0, 3.0}
    assert (cut == 2).mean() == pytest.approx((observed == 2).mean(), abs=0.01)
    loose = rng.normal(size=(5, 3))
    assert on_scale(loose, rng.normal(size=40)) is loose


def test_a_ratio_of_spreads_keeps_its_error_rate() -> None:
    """Under no effect p is uniform; the interval covers 1; a spread of 0 keeps an upper end."""
    rng = np.random.default_rng(2)
    squares = rng.chisquare(8, (2000, 200)) / 8
    least = np.full(2000, 1e-3)
    ratio, low, high, p = spread_ratio(squares[:, 0], squares[:, 1:], least, 0.95)
    assert np.median(ratio) == pytest.approx(1, abs=0.06)
    assert ((low <= 1) & (high >= 1)).mean() == pytest.approx(0.95, abs=0.02)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    none = spread_ratio(np.zeros(2000), squares[:, 1:], least, 0.95)
    assert (none[0] == 0).all()
    assert (none[2] > 0).all()


def test_contrasts_are_pulled_to_zero_and_never_certain() -> None:
    """Shrunken contrasts are smaller than separate ones and keep an error at no variance."""
    coded, X, codes, fit, _ = fitted(seed=5)
    name = "rater:criterion"
    first = np.unique(codes[name], return_index=True)[1]
    mean, sd = averaged_contrasts(fit, coded.score, X, codes, name, coded.rater[first], 0.5)
    lasting = {**fit.variance, name: 0.0, RATER: 1e4}
    model = FittedModel(X, codes, lasting)
    free = forward_shifts(model, coded.score, indicator(codes[name]), q=0.0, least=np.inf).value
    assert np.abs(mean).mean() < np.abs(free).mean()
    assert (sd > 0).all()


def test_one_shift_does_not_make_the_others_stand_out() -> None:
    """A large shift of one rater is found alone, with its size, beside its mirror in the rest."""
    coded, X, codes, fit, _ = fitted(seed=9, points=False)
    late = indicator(coded.rater).multiply((coded.subject % 2 == 0)[:, None]).tocsc()
    y = coded.score - 1.5 * (late[:, [2]].toarray().ravel())
    variance = {**fit.variance, RATER: 1e4}
    found = forward_shifts(FittedModel(X, codes, variance), y, late, q=0.1, least=0.3)
    assert np.flatnonzero(found.chosen).tolist() == [2]
    assert abs(found.value[2] + 1.5) < 3 * found.se[2]
    assert found.p[2] < 1e-4


def test_shifts_that_stand_out_are_estimated_beside_each_other() -> None:
    """Two large shifts get the coefficients of one model with both, to all digits."""
    coded, X, codes, _, model = fitted(seed=9, points=False)
    late = indicator(coded.rater).multiply((coded.subject % 2 == 0)[:, None]).tocsc()
    y = coded.score - 1.5 * late[:, [2]].toarray().ravel() + late[:, [4]].toarray().ravel()
    found = forward_shifts(model, y, late, q=0.1, least=0.7)
    chosen = np.flatnonzero(found.chosen)
    assert chosen.tolist() == [2, 4]
    both = FittedModel(np.column_stack([X, late[:, chosen].toarray()]), codes, model.variance | {
        "residual": model.residual_variance})  # fmt: skip
    assert found.value[chosen] == pytest.approx(both.coefficients(y)[X.shape[1] :][:2], abs=1e-9)


def test_parts_do_not_depend_on_labels() -> None:
    """Connected parts are found over chains of shared subjects."""
    rater, subject = np.array([0, 1, 1, 2, 3]), np.array([0, 0, 1, 1, 2])
    part = connected_parts(rater, subject)
    assert len(set(part[:4])) == 1
    assert part[4] != part[0]


def test_shrinkage_recovers_true_values_with_nominal_coverage() -> None:
    """Intervals of shrunken estimates cover, with and without true differences."""
    rng = np.random.default_rng(3)
    covered = []
    for spread in (0.0, 0.5):
        for _ in range(60):
            error = rng.uniform(0.2, 0.6, 15)
            true = rng.normal(1.0, spread, 15)
            found = shrink(true + rng.normal(0, error), error**2)
            covered.append(np.abs(found.value - true) <= 1.96 * found.sd)
    assert 0.92 < np.mean(covered) < 0.995
    with pytest.raises(ValueError, match="two"):
        shrink(np.array([1.0]), np.array([1.0]))
