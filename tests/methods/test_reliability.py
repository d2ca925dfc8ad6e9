"""How well raters are told apart."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.reliability import Reliability, estimate_reliability
from pipeline.numerics.crossed_reml import fit_crossed
from pipeline.numerics.separation import separation_of_measures, separation_of_reliability
from support import SHARED

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").exists(), reason="the reference data are not on this machine"
)


@needs_shared
@pytest.mark.parametrize("kind", ["populn", "sample"])
def test_the_arithmetic_is_that_of_facets(kind: str) -> None:
    """Table 7 of the FACETS manual, which prints two decimals of SD and RMSE."""
    oracle = json.loads((SHARED / "reference" / "reference_values.json").read_text())
    table = oracle["FACETS_manual_Table7_arithmetic"]
    expected, rmse = table[kind], table["populn"]["RMSE"]
    found = separation_of_measures(expected["SD"], rmse)
    # SD .195 and RMSE .085 would print the same, so that only the first decimal is sure
    assert found.separation == pytest.approx(expected["Separation"], abs=0.15)
    assert found.reliability == pytest.approx(expected["Reliability"], abs=0.02)
    exact = separation_of_reliability(
        expected["Separation"] ** 2 / (1 + expected["Separation"] ** 2)
    )
    assert exact.strata == pytest.approx(expected["Strata"], abs=0.01)
    assert exact.reliability == pytest.approx(expected["Reliability"], abs=0.01)


def reliability(se: list[float], variance: float = 0.2, **options: object) -> Reliability:
    """Reliability of raters in one component."""
    names = [f"r{i}" for i in range(len(se))]
    raters = pd.DataFrame({"rater_id": names, "component": 0, "se": se})
    ends = {"var_rater_low": variance / 3, "var_rater_high": variance * 3, **options}
    return estimate_reliability(raters, var_rater=variance, **ends)


def test_reliability_is_the_share_of_variance_known() -> None:
    """By hand: 1 - mean(.04, .06) / .2 = .75, so G = sqrt(3)."""
    row = reliability([0.2, 0.06**0.5]).overall.iloc[0]
    assert row["reliability"] == pytest.approx(0.75)
    assert row["separation"] == pytest.approx(3**0.5)
    assert row["strata"] == pytest.approx((4 * 3**0.5 + 1) / 3)
    assert row["reliability_low"] < 0.75 < row["reliability_high"] < 1


def test_it_is_the_squared_correlation_with_the_truth() -> None:
    """Simulated with 200 raters: reliability is how much of the planted severity is known."""
    rng = np.random.default_rng(6)
    s, r = (a.ravel() for a in np.meshgrid(range(60), range(200), indexing="ij"))
    kept = rng.random(len(s)) < 0.15
    s, r = s[kept], r[kept]
    truth = rng.normal(0, 0.3, 200)
    score = rng.normal(0, 0.6, 60)[s] - truth[r] + rng.normal(0, 0.7, len(s))
    fit = fit_crossed(score, np.ones(len(s)), {"rater": r, "subject": s})
    found = reliability(list(fit.effects["rater"].sd), fit.variance["rater"])
    squared = np.corrcoef(-fit.effects["rater"].blup, truth)[0, 1] ** 2
    assert found.overall["reliability"].iloc[0] == pytest.approx(squared, abs=0.08)


def test_each_component_by_itself() -> None:
    """Components have their own reliability."""
    raters = pd.DataFrame(
        {"rater_id": list("abcd"), "component": [0, 0, 1, 1], "se": [0.1, 0.1, 0.3, 0.3]}
    )
    found = estimate_reliability(raters, var_rater=0.2, var_rater_low=0.1, var_rater_high=np.inf)
    assert found.components["reliability"].tolist() == pytest.approx([0.95, 0.55])
    assert found.components["component"].tolist() == [0, 1]
    assert np.isfinite(found.overall.to_numpy(dtype=float)).all()


def test_precision_is_what_is_known_of_one_severity() -> None:
    """By hand 1 - .04 / .2 and 1 - .16 / .2; together they are the reliability."""
    found = reliability([0.2, 0.4])
    assert found.raters["rater_id"].tolist() == ["r0", "r1"]
    assert found.raters["precision"].tolist() == pytest.approx([0.8, 0.2])
    assert found.raters["precision"].mean() == pytest.approx(found.overall["reliability"].iloc[0])
    # with the information kept (.8 / .2 = 4), a rater variance three times as large: 12 / 13
    assert found.raters["precision_high"].iloc[0] == pytest.approx(12 / 13)
    between = found.raters["precision_low"].lt(found.raters["precision"])
    assert between.all()


def test_errors_larger_than_the_spread_give_zero() -> None:
    """Where errors are larger than what raters differ, nothing is known, and never less."""
    row = reliability([0.9, 0.9]).overall.iloc[0]
    assert row["reliability"] == row["separation"] == row["reliability_high"] == 0


@pytest.mark.parametrize(
    ("se", "variance", "reason"), [([], 0.2, "No rater"), ([0.2], 0.0, "no differences")]
)
def test_nothing_to_tell_apart_is_said(se: list[float], variance: float, reason: str) -> None:
    """A reason in words instead of a number."""
    with pytest.raises(NotEstimable, match=reason):
        reliability(se, variance)
