"""Predictions and their errors under known variances."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.numerics.crossed_reml import fit_crossed
from pipeline.numerics.subject_rater import solve_subject_rater


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Scores of 12 subjects by 5 raters, some missing, three criteria."""
    rng = np.random.default_rng(seed)
    s, r, c = (a.ravel() for a in np.meshgrid(range(12), range(5), range(3), indexing="ij"))
    kept = rng.random(len(s)) < 0.7
    s, r, c = s[kept], r[kept], c[kept]
    pair = np.unique(s * 5 + r, return_inverse=True)[1]
    y = (
        rng.normal(0, 0.6, 12)[s]
        - rng.normal(0, 0.4, 5)[r]
        + rng.normal(0, 0.4, pair.max() + 1)[pair]
    )
    return y + rng.normal(0, 0.5, len(s)), np.eye(3)[c], {"subject": s, "rater": r, "pair": pair}


def dense(y: np.ndarray, X: np.ndarray, codes: dict, variance: dict) -> tuple:
    """Textbook formulas with dense matrices: beta, effects, covariance of all errors."""
    names = ["rater", "subject"]
    Z = np.column_stack([np.eye(codes[k].max() + 1)[codes[k]] for k in names])
    G = np.diag(np.concatenate([np.full(codes[k].max() + 1, variance[k]) for k in names]))
    P = np.eye(codes["pair"].max() + 1)[codes["pair"]]
    R = variance["residual"] * np.eye(len(y)) + variance["pair"] * P @ P.T
    V = Z @ G @ Z.T + R
    Vi = np.linalg.inv(V)
    cov = np.linalg.inv(X.T @ Vi @ X)
    B = cov @ X.T @ Vi
    beta = B @ y
    M = G @ Z.T @ Vi @ (np.eye(len(y)) - X @ B)
    # errors of (beta, b) as linear maps of (b, e)
    left = np.vstack([B, M])
    on_b = left @ Z - np.vstack([np.zeros((X.shape[1], Z.shape[1])), np.eye(Z.shape[1])])
    return beta, M @ y, on_b @ G @ on_b.T + left @ R @ left.T


@pytest.mark.parametrize("rater", [0.0, 0.15])
@pytest.mark.parametrize("pair", [0.0, 0.2])
def test_it_equals_the_textbook_formulas(rater: float, pair: float) -> None:
    """Estimates and the covariance of their errors equal those from dense matrices."""
    y, X, codes = drawn()
    variance = {"subject": 0.4, "rater": rater, "pair": pair, "residual": 0.25}
    beta, effects, cov = dense(y, X, codes, variance)
    found = solve_subject_rater(y, X, codes, variance)
    np.testing.assert_allclose(found.beta, beta, atol=1e-10)
    np.testing.assert_allclose(np.concatenate([found.rater, found.subject]), effects, atol=1e-10)
    p, q = 3, 5
    np.testing.assert_allclose(found.head_cov, cov[: p + q, : p + q], atol=1e-10)
    subject = (
        np.diag(found.subject_own) + found.subject_head @ found.head_cov @ found.subject_head.T
    )
    np.testing.assert_allclose(subject, cov[p + q :, p + q :], atol=1e-10)
    between = -found.subject_head @ found.head_cov
    np.testing.assert_allclose(between, cov[p + q :, : p + q], atol=1e-10)


def test_it_equals_the_solver_at_its_own_variances() -> None:
    """Fixed effects, their covariance and BLUPs equal those of the crossed REML."""
    y, X, codes = drawn(3)
    fit = fit_crossed(y, X, codes)
    found = solve_subject_rater(y, X, codes, fit.variance)
    np.testing.assert_allclose(found.beta, fit.beta, atol=1e-8)
    np.testing.assert_allclose(found.beta_cov, fit.beta_cov, atol=1e-8)
    np.testing.assert_allclose(found.rater, fit.effects["rater"].blup, atol=1e-8)
    np.testing.assert_allclose(found.subject, fit.effects["subject"].blup, atol=1e-8)
