"""Simulate how often each method is wrong: coverage of severity, false alarms of the detectors.

Run from the repository: ``make simulate`` (hours), or ``make simulate ARGS="--seeds 20"``; with
``--only company`` one of the three tables (coverage, detectors, company).

In the first two tables the data hold raters who differ in severity, halo that all share, and no
other effect, so that everything a detector finds is a false alarm. A detector counts as alarmed in
a data set if it flags anything. With false discoveries held at 10 % of what is flagged, alarms in
about 10 % of the data sets are nominal where nothing is there; fewer where a flag also asks for
practical size, 2.5 % where it asks for one end of a 95 % interval. Coverage of 95 % intervals of
severity is the share of raters whose interval holds the severity planted.

The third table is about the whole analysis: the invented company of `calibrate sample` with nothing
planted, every performance session of the last cycle, settings as they are, with the gender gap
asked for. Its raters do differ (SD 0.19, at most 0.38 scale points), so that a flag for severity
is false only where the rater in truth lies within 0.3 of the others, or on the other side. People
whose results are better than their ratings by chance exist too; they count as alarms here.

Each detector is a function from a seed to whether it raised an alarm; add one to `DETECTORS`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis import Analysis, analyse
from pipeline.errors import NotEstimable
from pipeline.ingest import import_files
from pipeline.methods.consistency import estimate_consistency
from pipeline.methods.differential import estimate_differential_severity, estimate_group_severity
from pipeline.methods.drift import estimate_drift
from pipeline.methods.fairness import GAP, Fairness
from pipeline.methods.flags import Flags
from pipeline.methods.halo import estimate_halo
from pipeline.methods.profiles import Profiles
from pipeline.methods.range_use import estimate_range_use
from pipeline.methods.recency import Recency, estimate_recency
from pipeline.methods.results_mismatch import estimate_results_mismatch
from pipeline.methods.severity import Severity, estimate_severity
from pipeline.methods.styles import Styles
from pipeline.methods.under_the_radar import estimate_under_the_radar
from pipeline.sample import write_sample
from pipeline.sample.scores import ordinary_severity
from pipeline.settings import FairnessSettings, read_settings
from pipeline.store import open_store

POINTS = (1.0, 2.0, 3.0, 4.0, 5.0)
CYCLES = ("2023", "2024", "2025")
START, END = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")
VARIANCE = {"subject": 0.40, "halo": 0.06, "subject:criterion": 0.10, "chance": 0.25}
RATER_VARIANCE = 0.10


def linked_ratings(
    seed: int, *, n_subjects: int = 45, n_raters: int = 8, raters_each: int = 3,
    n_criteria: int = 5, cycles: tuple[str, ...] = ("2025",), points: bool = True,
) -> tuple[pd.DataFrame, pd.Series]:  # fmt: skip
    """Ratings on a linked design, and the severity of each rater, mean 0."""
    rng = np.random.default_rng([20_260_701, seed])
    sd = {name: value**0.5 for name, value in VARIANCE.items()}
    strict = rng.normal(0, RATER_VARIANCE**0.5, n_raters)
    strict -= strict.mean()
    parts = []
    for cycle in cycles:
        s = np.repeat(np.arange(n_subjects), raters_each * n_criteria)
        met = [rng.choice(n_raters, raters_each, replace=False) for _ in range(n_subjects)]
        r = np.repeat(np.concatenate(met), n_criteria)
        c = np.tile(np.arange(n_criteria), n_subjects * raters_each)
        score = 3.2 + 0.1 * c + rng.normal(0, sd["subject"], n_subjects)[s] - strict[r]
        score += rng.normal(0, sd["halo"], (n_subjects, n_raters))[s, r]
        score += rng.normal(0, sd["subject:criterion"], (n_subjects, n_criteria))[s, c]
        score += rng.normal(0, sd["chance"], len(s))
        if points:
            score = np.clip(np.round(score), POINTS[0], POINTS[-1])
        person = [f"e{i:03}" for i in s]
        parts.append(
            pd.DataFrame(
                {
                    "cycle": cycle,
                    "subject_id": person,
                    "employee_id": person,
                    "rater_id": [f"r{i:02}" for i in r],
                    "criterion_id": [f"c{i}" for i in c],
                    "score": score,
                }
            )
        )
    truth = pd.Series(strict, index=[f"r{i:02}" for i in range(n_raters)])
    return pd.concat(parts, ignore_index=True), truth


def alarm_halo(seed: int) -> bool:
    """Whether a rater is flagged for halo beyond what all share."""
    return bool(estimate_halo(linked_ratings(seed)[0]).raters["flagged"].any())


def alarm_central_tendency(seed: int) -> bool:
    """Whether a rater is marked central."""
    found = estimate_range_use(linked_ratings(seed)[0], points=POINTS)
    return bool(found.raters["central"].any())


def alarm_range_restriction(seed: int) -> bool:
    """Whether a rater is marked restricted."""
    found = estimate_range_use(linked_ratings(seed)[0], points=POINTS)
    return bool(found.raters["restricted"].any())


def alarm_inconsistency(seed: int) -> bool:
    """Whether a rater is flagged as scattering."""
    return bool(estimate_consistency(linked_ratings(seed)[0]).raters["flagged"].any())


def alarm_drift_cells(seed: int) -> bool:
    """Whether a rater × cycle cell is flagged."""
    return bool(estimate_drift(linked_ratings(seed, cycles=CYCLES)[0]).cells["flagged"].any())


def alarm_drift_trends(seed: int) -> bool:
    """Whether the trend of a rater is flagged."""
    return bool(estimate_drift(linked_ratings(seed, cycles=CYCLES)[0]).raters["flagged"].any())


def alarm_differential(seed: int) -> bool:
    """Whether a rater × criterion cell is flagged."""
    found = estimate_differential_severity(linked_ratings(seed)[0])
    return bool(found.cells["flagged"].any())


def alarm_group(seed: int) -> bool:
    """Whether a rater × group cell is flagged."""
    rated = linked_ratings(seed, n_subjects=80)[0]
    names = sorted(rated["subject_id"].unique())
    group = pd.Series([("a", "b")[i % 2] for i in range(len(names))], index=names)
    return bool(estimate_group_severity(rated, group=group).cells["flagged"].any())


def alarm_recency(seed: int) -> bool:
    """Whether ratings seem to follow the last quarter more, at the level of the interval."""
    rated = linked_ratings(seed)[0]
    rng = np.random.default_rng([20_260_702, seed])
    level = rated.groupby("employee_id")["score"].mean()
    each = rng.poisson(
        1.2 * np.exp(0.5 * (level - level.mean())).to_numpy()[:, None], (len(level), 4)
    )
    dated = [
        (person, START + pd.Timedelta(days=int(91 * q + 2 + rng.integers(0, 88))))
        for i, person in enumerate(level.index)
        for q in range(4)
        for _ in range(each[i, q])
    ]
    evidence = pd.DataFrame(dated, columns=["employee_id", "dated_on"])
    found = estimate_recency(rated, evidence=evidence, starts_on=START, ends_on=END)
    return found.ci_low is not None and found.ci_low > 0


def _results(seed: int, rated: pd.DataFrame, cycles: tuple[str, ...]) -> pd.DataFrame:
    """Results that follow the mean score with noise."""
    rng = np.random.default_rng([20_260_703, seed])
    level = rated.groupby("employee_id")["score"].mean()
    rows = [
        (cycle, person, "pieces", 100 + 6 * (value - level.mean()) + rng.normal(0, 4), 100.0)
        for cycle in cycles
        for person, value in level.items()
    ]
    return pd.DataFrame(rows, columns=["cycle", "employee_id", "metric", "value", "target"])


def alarm_results_mismatch(seed: int) -> bool:
    """Whether a person is flagged although ratings and results differ by chance only."""
    rated = linked_ratings(seed)[0]
    found = estimate_results_mismatch(rated, results=_results(seed, rated, ("2025",)))
    return bool(found.employees["flagged"].any())


def alarm_under_the_radar(seed: int) -> bool:
    """Whether somebody is named as rising although levels stay the same but for chance."""
    rng = np.random.default_rng([20_260_704, seed])
    level, names = rng.normal(3.2, 0.5, 45), [f"e{i:03}" for i in range(45)]
    long = pd.DataFrame(
        [(p, c, level[i] + rng.normal(0, 0.3)) for i, p in enumerate(names) for c in CYCLES],
        columns=["employee_id", "cycle", "score"],
    )
    now = long["cycle"] == CYCLES[-1]
    counts = rng.poisson(2.0, 45)
    evidence = pd.DataFrame(
        {"employee_id": np.repeat(names, counts), "dated_on": pd.Timestamp("2025-05-01")}
    )
    no_results = pd.DataFrame(columns=["cycle", "employee_id", "metric", "value", "target"])
    found = estimate_under_the_radar(
        long[now].assign(rater_id="r0", criterion_id="c0"), history=long[~now], evidence=evidence,
        results=no_results, cycle=CYCLES[-1],
    )  # fmt: skip
    return bool(found.employees["under_the_radar"].any())


DETECTORS: dict[str, Callable[[int], bool]] = {
    "halo": alarm_halo,
    "central tendency": alarm_central_tendency,
    "range restriction": alarm_range_restriction,
    "inconsistency": alarm_inconsistency,
    "drift, cells": alarm_drift_cells,
    "drift, trends": alarm_drift_trends,
    "differential severity": alarm_differential,
    "severity by group": alarm_group,
    "recency": alarm_recency,
    "results mismatch": alarm_results_mismatch,
    "under the radar": alarm_under_the_radar,
}

DESIGNS: dict[str, dict[str, int]] = {
    "2 raters, 12 subjects, 2 each": {"n_raters": 2, "n_subjects": 12, "raters_each": 2},
    "3 raters, 12 subjects, 2 each": {"n_raters": 3, "n_subjects": 12, "raters_each": 2},
    "4 raters, 20 subjects, 2 each": {"n_raters": 4, "n_subjects": 20, "raters_each": 2},
    "6 raters, 30 subjects, 2 each": {"n_raters": 6, "n_subjects": 30, "raters_each": 2},
    "8 raters, 45 subjects, 3 each": {"n_raters": 8, "n_subjects": 45, "raters_each": 3},
    "20 raters, 80 subjects, 2 each": {"n_raters": 20, "n_subjects": 80, "raters_each": 2},
    "10 raters, 40 subjects, 3 each, one criterion": {
        "n_raters": 10, "n_subjects": 40, "raters_each": 3, "n_criteria": 1,
    },
}  # fmt: skip


def coverage_of_severity(seed: int, design: dict[str, int]) -> float:
    """Share of raters whose 95 % interval holds their severity."""
    rated, truth = linked_ratings(seed, points=False, **design)
    component = pd.Series(0, index=pd.Index(rated["subject_id"].unique()))
    found = estimate_severity(rated, component=component).raters.set_index("rater_id")
    planted = truth.reindex(found.index)
    planted = planted - planted.mean()
    return float(((found["ci_low"] <= planted) & (planted <= found["ci_high"])).mean())


def alarm_rate(name: str, seeds: int) -> tuple[int, int]:
    """Alarms of one detector, and data sets in which it had an answer."""
    alarms = answers = 0
    for seed in range(seeds):
        try:
            alarms += DETECTORS[name](seed)
        except NotEstimable:
            continue
        answers += 1
    return alarms, answers


MARKS: dict[str, tuple[str, str, str]] = {
    "halo": ("halo", "raters", "flagged"),
    "central tendency": ("range_use", "raters", "central"),
    "range restriction": ("range_use", "raters", "restricted"),
    "inconsistency": ("consistency", "raters", "flagged"),
    "drift, cells": ("drift", "cells", "flagged"),
    "drift, trends": ("drift", "raters", "flagged"),
    "differential severity": ("differential", "cells", "flagged"),
    "results mismatch": ("results_mismatch", "employees", "flagged"),
    "under the radar": ("under_the_radar", "employees", "under_the_radar"),
}
"""What the analysis marks: the answer, its table and the column of the mark."""


def session_alarms(analysis: Analysis, severity: Callable[[str], float]) -> Counter[str]:
    """Count what one session has marked although nothing is there, by detector.

    Parameters
    ----------
    analysis
        Of a session in which no effect was planted.
    severity
        The true severity of a rater.
    """
    found: Counter[str] = Counter()
    for name, (answer, table, mark) in MARKS.items():
        rows = getattr(getattr(analysis, answer), table, None)
        if rows is not None:
            found[name] = int(rows[mark].fillna(False).sum())
    found["severity"] = _false_flags(analysis, severity)
    if isinstance(analysis.recency, Recency):
        low = analysis.recency.ci_low
        found["recency, share"] = analysis.recency.share_low > analysis.recency.share_even
        found["recency, slope"] = low is not None and low > 0
    for answer in analysis.fairness.values():
        if isinstance(answer, Fairness):
            found["fairness"] += int(answer.gaps["verdict"].eq(GAP).sum())
    if isinstance(analysis.profiles, Profiles):
        found["profiles"] = bool(analysis.profiles.checks["passed"].all())
    if isinstance(analysis.styles, Styles):
        found["styles"] = bool(analysis.styles.checks["passed"].all())
    return found


def _false_flags(analysis: Analysis, severity: Callable[[str], float]) -> int:
    """Count flagged raters who in truth do not differ that much, or differ the other way."""
    if not isinstance(analysis.flags, Flags) or not isinstance(analysis.severity, Severity):
        return 0
    rated = analysis.severity.raters.set_index("rater_id")
    true = pd.Series({name: severity(name) for name in rated.index})
    true -= true.groupby(rated["component"]).transform("mean")
    flagged = analysis.flags.raters.loc[analysis.flags.raters["flagged"]].set_index("rater_id")
    agrees = true[flagged.index] * np.sign(flagged["severity"])
    return int((agrees <= analysis.flags.practical_difference).sum())


def company_alarms(seed: int, departments: int | None = None) -> list[Counter[str]]:
    """Count what each performance session of a company without planted effects has marked."""
    with tempfile.TemporaryDirectory() as place:
        exports = write_sample(
            Path(place) / "exports", departments=departments, seed=seed, planted=False
        )
        home = Path(place) / "home"
        home.mkdir()
        settings = read_settings(home).model_copy(
            update={"fairness": FairnessSettings(attributes=("gender",))}
        )
        with open_store(settings) as store:
            import_files([exports.folder], settings, store)
            return [
                session_alarms(
                    analyse(store.session_data(session.session_id), settings),
                    lambda rater: ordinary_severity(seed, rater),
                )
                for session in store.sessions(exports.cycles[-1])
                if session.kind == "performance"
            ]


def print_coverage(seeds: int) -> None:
    """Print the table of coverage."""
    print(f"coverage of 95 % intervals of severity, {seeds} data sets each (target .92 to .97)")
    for name, design in DESIGNS.items():
        covered = [coverage_of_severity(seed, design) for seed in range(seeds)]
        error = np.std(covered) / np.sqrt(seeds)
        print(f"  {name:<46} {np.mean(covered):.3f}  (standard error {error:.3f})", flush=True)


def print_detectors(seeds: int) -> None:
    """Print the table of the detectors."""
    print("\nfalse alarms: data sets in which anything is flagged although nothing is there")
    for name in DETECTORS:
        began = time.perf_counter()
        alarms, answers = alarm_rate(name, seeds)
        took = (time.perf_counter() - began) / seeds
        rate = f"{alarms / answers:6.1%}" if answers else "no answer"
        print(f"  {name:<24} {alarms:>4} of {answers:<4} {rate}  {took:.2f} s each", flush=True)


def print_company(seeds: int) -> None:
    """Print the table of the whole analysis."""
    sessions = [one for seed in range(seeds) for one in company_alarms(seed)]
    each = 100 / len(sessions)
    print(f"\nthe company with nothing planted: {seeds} seeds, {len(sessions)} sessions")
    print(f"  {'':<24} {'sessions with an alarm':>24} {'marks':>8}   both per 100 sessions")
    for name in sorted({name for one in sessions for name in one}):
        hit = sum(one[name] > 0 for one in sessions)
        print(f"  {name:<24} {hit * each:>24.1f} {sum(o[name] for o in sessions) * each:>8.1f}")
    silent = sum(not any(one.values()) for one in sessions)
    print(f"  sessions without any alarm: {silent * each:.1f} per 100", flush=True)


TABLES = {"coverage": print_coverage, "detectors": print_detectors, "company": print_company}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10 data sets rather than 200")
    parser.add_argument("--seeds", type=int, help="number of data sets or companies")
    parser.add_argument("--only", choices=sorted(TABLES), help="one table rather than all")
    chosen = parser.parse_args()
    seeds = chosen.seeds or (10 if chosen.quick else 200)
    for name, show in TABLES.items():
        if chosen.only in (None, name):
            show(seeds)


if __name__ == "__main__":
    main()
