"""Fits that are kept or started elsewhere are the fits they stand for."""

import numpy as np
import pytest

from pipeline.numerics.crossed_reml import fit_crossed
from pipeline.numerics.fit_once import fit_once


def rated(seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Scores of 40 subjects by three of five raters, with the fixed columns and codes."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(40), 3)
    rater = (subject + np.tile(np.arange(3), 40) * (1 + subject % 2)) % 5
    y = rng.normal(size=40)[subject] + rng.normal(size=5)[rater] + rng.normal(size=120)
    return y, np.ones((120, 1)), {"subject": subject, "rater": rater}


def test_equal_arrays_are_fitted_once() -> None:
    """Copies of the same arrays get the fit made before; another score gets its own."""
    y, X, codes = rated(0)
    first = fit_once(y, X, codes)
    assert (
        fit_once(y.copy(), X.copy(), {name: code.copy() for name, code in codes.items()}) is first
    )
    assert first.variance == fit_crossed(y, X, codes).variance
    other = fit_once(y + (codes["rater"] == 2), X, codes)
    assert other.variance["rater"] != first.variance["rater"]


def test_another_start_ends_at_the_same_optimum() -> None:
    """Variances of other scores as start change the way, not the answer."""
    y, X, codes = rated(1)
    near = fit_crossed(rated(2)[0], X, codes).variance
    usual, warm = fit_crossed(y, X, codes), fit_crossed(y, X, codes, near=near)
    assert warm.criterion == pytest.approx(usual.criterion, abs=1e-8)
    for name, value in usual.variance.items():
        assert warm.variance[name] == pytest.approx(value, rel=1e-4)


def test_variances_without_a_term_are_those_of_the_smaller_model() -> None:
    """Leaving a term out from the estimates gives the fit without it, and its test."""
    y, X, codes = rated(3)
    fit = fit_crossed(y, X, codes)
    smaller = fit_crossed(y, X, {"subject": codes["subject"]})
    found = fit.variance_without("rater")
    assert found["rater"] == 0
    assert found["subject"] == pytest.approx(smaller.variance["subject"], rel=1e-4)
    assert fit.likelihood_ratio("rater") == pytest.approx(
        smaller.criterion - fit.criterion, abs=1e-4
    )
