"""Errors of predicted effects when the variances are uncertain, against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.numerics import averaged_effects
from pipeline.numerics.averaged_effects import averaged_errors


def by_hand(
    y: np.ndarray, X: np.ndarray, codes: dict, variance: dict, predicted: np.ndarray, most: float
) -> np.ndarray:
    """The same average with full covariance matrices at every point of the grid."""
    y = y - y.mean()
    n, p = X.shape
    q = len(predicted)
    Z = {name: np.eye(code.max() + 1)[code] for name, code in codes.items()}
    residual = variance["residual"]
    subjects = averaged_effects._ratios(variance["subject"] / residual, averaged_effects._N_SUBJECT)
    pairs = [0.0]
    if "pair" in codes:
        pairs = averaged_effects._ratios(variance["pair"] / residual, averaged_effects._N_PAIR)[1:]
    centre = np.eye(q) - 1 / q
    total, weights = np.zeros(q), 0.0
    logs, values = [], []
    for b in pairs:
        for a in subjects:
            for sd in np.linspace(0, most / np.sqrt(residual), averaged_effects._N_SD):
                V = np.eye(n) + a * Z["subject"] @ Z["subject"].T
                V += sd**2 * Z["rater"] @ Z["rater"].T
                if "pair" in codes:
                    V += b * Z["pair"] @ Z["pair"].T
                Vi = np.linalg.inv(V)
                XVX = X.T @ Vi @ X
                P = Vi - Vi @ X @ np.linalg.solve(XVX, X.T @ Vi)
                rss = y @ P @ y
                log = (n - p) * np.log(rss) + np.linalg.slogdet(V)[1] + np.linalg.slogdet(XVX)[1]
                mean = sd**2 * Z["rater"].T @ P @ y
                cov = sd**2 * np.eye(q) - sd**4 * Z["rater"].T @ P @ Z["rater"]
                cov = centre @ cov @ centre
                # flat in the SD of pairs, on a grid that is even in the logarithm
                logs.append(-log / 2 + (np.log(b) / 2 if "pair" in codes else 0.0))
                values.append(rss / (n - p - 2) * np.diag(cov) + (mean - predicted) ** 2)
    weight = np.exp(np.array(logs) - max(logs))
    total = weight @ np.array(values)
    weights = weight.sum()
    return np.sqrt(total / weights)


@pytest.mark.parametrize("with_pair", [False, True])
def test_it_equals_the_average_by_dense_algebra(
    with_pair: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It equals the average by dense algebra."""
    for name, value in (("_N_SD", 7), ("_N_SUBJECT", 4), ("_N_PAIR", 3)):
        monkeypatch.setattr(averaged_effects, name, value)
    rng = np.random.default_rng(0)
    rows = [(s, r, c) for s in range(6) for r in rng.choice(3, 2, replace=False) for c in range(2)]
    s, r, c = np.array(rows[:-1]).T
    codes = {"rater": r, "subject": s}
    variance = {"rater": 0.1, "subject": 0.3, "residual": 0.4}
    if with_pair:
        codes["pair"] = np.unique(s * 3 + r, return_inverse=True)[1]
        variance["pair"] = 0.1
    y = 3 + rng.normal(0, 1, len(s))
    given = (y, np.eye(2)[c], codes, variance, np.array([0.1, -0.3, 0.2]), 1.5)
    np.testing.assert_allclose(averaged_errors(*given), by_hand(*given), rtol=1e-6)
