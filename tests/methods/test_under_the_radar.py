"""People who do better than ratings of today show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.under_the_radar import UnderTheRadar, estimate_under_the_radar

CYCLES = ["2022", "2023", "2024", "2025"]


def people(
    seed: int = 0, *, n: int = 40, rise: float = 0.0, result: float = 0.0, general: float = 0.0
) -> dict[str, pd.DataFrame]:
    """Tables of four cycles; person e000 rises, or has results above those of others."""
    rng = np.random.default_rng(seed)
    names = [f"e{i:03}" for i in range(n)]
    level = rng.normal(3.0, 0.4, n)
    level[0] = 2.6
    time = np.arange(4)
    score = level[:, None] + general * time + rng.normal(0, 0.15, (n, 4))
    score[0] += rise * (time - 1.5)
    long = pd.DataFrame(
        [(p, c, score[i, t]) for i, p in enumerate(names) for t, c in enumerate(CYCLES)],
        columns=["employee_id", "cycle", "score"],
    )
    z = rng.normal(0, 0.05, (n, 4))
    z[0] += result
    return {
        "ratings": long[long["cycle"] == "2025"].assign(rater_id="r0", criterion_id="c0"),
        "history": long[long["cycle"] != "2025"],
        "evidence": pd.DataFrame(
            [(p, pd.Timestamp("2025-05-01")) for p in names[1:] for _ in range(4)],
            columns=["employee_id", "dated_on"],
        ),
        "results": pd.DataFrame(
            [
                (c, p, "calls", 100 * (1 + z[i, t]), 100.0)
                for i, p in enumerate(names)
                for t, c in enumerate(CYCLES)
            ],
            columns=["cycle", "employee_id", "metric", "value", "target"],
        ),
    }


def estimate(tables: dict[str, pd.DataFrame], **options: object) -> UnderTheRadar:
    """The answer for the cycle 2025."""
    rest = {name: table for name, table in tables.items() if name != "ratings"}
    return estimate_under_the_radar(tables["ratings"], **rest, cycle="2025", **options)


def named(found: UnderTheRadar) -> list[str]:
    """Who is under the radar."""
    rows = found.employees
    return rows.loc[rows["under_the_radar"], "employee_id"].tolist()


def test_a_riser_with_little_evidence_is_found() -> None:
    """Rising over four cycles, not at the top, nothing written down."""
    found = estimate(people(1, rise=0.4))
    assert named(found) == ["e000"]
    row = found.employees.iloc[0]
    assert row["rising"]
    assert 0 < row["slope_low"] < row["slope"] < row["slope_high"]
    assert row["p_rising"] < 0.01


def test_the_interval_of_a_lone_riser_holds_the_rise() -> None:
    """One who rises among many who do not is not pulled to them: nominal coverage."""
    held = []
    for seed in range(40):
        row = estimate(people(seed, rise=0.4)).employees.iloc[0]
        # the mean of all rises a little with the one
        held.append(row["slope_low"] <= 0.4 * (1 - 1 / 40) <= row["slope_high"])
    assert np.mean(held) >= 0.875


def test_severity_is_taken_out_of_a_rise() -> None:
    """Who goes from a strict to a mild rater does not rise."""
    tables = people(1)
    tables["ratings"] = tables["ratings"].assign(rater_id="mild")
    tables["history"] = tables["history"].assign(rater_id="mild")
    strict = tables["history"]["employee_id"].eq("e000") & (tables["history"]["cycle"] < "2024")
    tables["history"].loc[strict, ["rater_id"]] = "strict"
    tables["history"].loc[strict, ["score"]] -= 0.8
    assert estimate(tables).employees.iloc[0]["rising"]
    known = by_cycle({cycle: {"strict": 0.4, "mild": -0.4} for cycle in CYCLES})
    assert not estimate(tables, severity=known).employees.iloc[0]["rising"]


def by_cycle(severity: dict[str, dict[str, float]]) -> pd.Series:
    """Severities by cycle and rater."""
    return pd.concat({cycle: pd.Series(one) for cycle, one in severity.items()})


def test_severity_of_one_cycle_is_taken_out_of_no_other() -> None:
    """A rater who was strict once moves the scores of that cycle only."""
    tables = people(1)
    tables["ratings"] = tables["ratings"].assign(rater_id="ann")
    tables["history"] = tables["history"].assign(rater_id="ann")
    mine = tables["history"]["employee_id"].eq("e000")
    tables["history"].loc[mine, "rater_id"] = "bob"
    tables["ratings"].loc[tables["ratings"]["employee_id"].eq("e000"), "rater_id"] = "bob"
    plain = estimate(tables).employees
    zero = {cycle: {"ann": 0.0, "bob": 0.0} for cycle in CYCLES}
    once = by_cycle(zero | {"2022": {"ann": 0.0, "bob": 0.3}})
    first = mine & tables["history"]["cycle"].eq("2022")
    lower = tables["history"]["score"] - 0.3 * first
    again = estimate({**tables, "history": tables["history"].assign(score=lower)}, severity=once)
    pd.testing.assert_frame_equal(again.employees, plain)


def test_a_rater_who_stays_strict_makes_nobody_rise() -> None:
    """Severity that is known of this cycle only is not taken out of slopes, but is of results."""
    tables = people(1)
    score = tables["ratings"].set_index("employee_id")["score"]
    away = tables["results"]["employee_id"].map(score - score.mean())
    tables["results"]["value"] += 20 * away  # results go with ratings
    tables["history"] = tables["history"].assign(rater_id="r0")
    plain = estimate(tables).employees
    now = estimate(tables, severity=by_cycle({"2025": {"r0": 0.5}})).employees
    assert now["slope"].to_numpy() == pytest.approx(plain["slope"].to_numpy())
    some = tables["ratings"].assign(
        rater_id=["r1" if one < "e010" else "r0" for one in tables["ratings"]["employee_id"]]
    )
    strict = by_cycle({"2025": {"r0": 0.0, "r1": 0.5}})
    adjusted = estimate({**tables, "ratings": some}, severity=strict).employees
    assert adjusted["slope"].to_numpy() == pytest.approx(plain["slope"].to_numpy())
    assert adjusted["result"].to_numpy() != pytest.approx(plain["result"].to_numpy())


def test_results_that_the_rating_tells_of_are_no_surprise() -> None:
    """Good results with a rating to match are not above what the rating leads to expect."""
    rng = np.random.default_rng(5)
    tables = people(1)
    score = tables["ratings"].set_index("employee_id")["score"]
    away = tables["results"]["employee_id"].map(score - score.mean())
    tables["results"]["value"] = 100 * (1 + 0.1 * away + rng.normal(0, 0.01, len(away)))
    found = estimate(tables).employees
    best = found.loc[found["score"].idxmax()]
    assert best["n_results"] == 4
    assert not best["results_above"]


def test_results_above_those_of_colleagues_are_found() -> None:
    """Results far above target cycle after cycle, with middling ratings."""
    found = estimate(people(1, result=0.2))
    assert named(found) == ["e000"]
    assert found.employees.iloc[0]["results_above"]


def test_a_general_rise_is_no_rise() -> None:
    """Where everybody's ratings go up, nobody rises beside the others."""
    found = estimate(people(2, general=0.3))
    plain = estimate(people(2))
    assert found.employees["slope"].to_numpy() == pytest.approx(plain.employees["slope"].to_numpy())
    assert found.employees["rising"].mean() < 0.1


def test_the_top_and_those_with_evidence_are_not_named() -> None:
    """A riser at the top, or with much evidence, is on the radar."""
    tables = people(1, rise=0.4)
    assert named(estimate(tables, top_from=2.0)) == []
    more = pd.DataFrame({"employee_id": "e000", "dated_on": [pd.Timestamp("2025-03-03")] * 5})
    tables["evidence"] = pd.concat([tables["evidence"], more])
    assert named(estimate(tables)) == []


def test_false_alarms_are_rare() -> None:
    """Without an effect few people rise or have results above, even before other conditions."""
    runs = [estimate(people(seed)).employees for seed in range(30)]
    assert np.mean([run["rising"].mean() for run in runs]) < 0.03
    assert np.mean([run["results_above"].mean() for run in runs]) < 0.03


def test_order_changes_nothing() -> None:
    """Another order of every table gives the same answer."""
    tables = people(3, rise=0.4)
    mixed = {name: table.sample(frac=1, random_state=2) for name, table in tables.items()}
    pd.testing.assert_frame_equal(estimate(mixed).employees, estimate(tables).employees)


def test_one_source_is_enough_and_the_other_has_a_reason() -> None:
    """Without history results still count, and the reverse."""
    tables = people(1, rise=0.4, result=0.2)
    no_history = estimate({**tables, "history": tables["history"].iloc[:0]})
    assert "three cycles" in str(no_history.reason_rising)
    assert named(no_history) == ["e000"]
    no_results = estimate({**tables, "results": tables["results"].iloc[:0]})
    assert no_results.reason_results is not None
    assert named(no_results) == ["e000"]


def test_too_little_is_refused() -> None:
    """No ratings, no evidence about anyone, neither history nor results."""
    tables = people(1)
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate({**tables, "ratings": tables["ratings"].iloc[:0]})
    with pytest.raises(NotEstimable, match="little evidence says nothing"):
        estimate({**tables, "evidence": tables["evidence"].iloc[:0]})
    neither = {name: tables[name].iloc[:0] for name in ("history", "results")}
    with pytest.raises(NotEstimable, match="neither"):
        estimate({**tables, **neither})


def test_constant_scores_are_no_rise() -> None:
    """Scores that never change leave no chance to judge by: a reason, not a 0."""
    tables = people(1)
    tables = {
        **tables,
        "ratings": tables["ratings"].assign(score=3.0),
        "history": tables["history"].assign(score=3.0),
    }
    found = estimate(tables)
    assert found.reason_rising is not None
    assert found.employees["slope"].isna().all()
