"""Asks what raters do to ratings: severity, how well it is known, ways of using the scale."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from pipeline.analysis.answers import ask, over_cycles
from pipeline.errors import NotEstimable
from pipeline.methods.components import estimate_components
from pipeline.methods.consistency import estimate_consistency
from pipeline.methods.design import Design, estimate_design
from pipeline.methods.differential import (
    estimate_differential_severity,
)
from pipeline.methods.drift import estimate_drift
from pipeline.methods.expected import estimate_expected
from pipeline.methods.flags import Flags, estimate_flags
from pipeline.methods.halo import estimate_halo
from pipeline.methods.linking import estimate_linking
from pipeline.methods.nested import estimate_nested
from pipeline.methods.range_use import estimate_range_use
from pipeline.methods.reliability import Reliability, estimate_reliability
from pipeline.methods.severity import Severity, estimate_severity, severity_again
from pipeline.methods.styles import estimate_styles
from pipeline.settings import Settings
from pipeline.store import SessionData


def severities(data: SessionData, settings: Settings, design: Design) -> dict[str, Any]:
    """Ask how strict raters are, and what that makes of the people."""
    chosen, ratings = settings.methods, data.ratings
    component = design.subjects.set_index("subject_id")["component"]
    found: dict[str, Any] = {
        "severity": ask(
            estimate_severity,
            ratings,
            component=component,
            level=chosen.level,
            practical_difference=chosen.practical_difference,
            statsmodels_most_ratings=chosen.statsmodels_most_ratings,
        ),
        "expected": ask(estimate_expected, ratings, component=component, level=chosen.level),
    }
    if design.verdict != "linked":
        found["nested"] = ask(estimate_nested, ratings, component=component, level=chosen.level)
    return found


def about_raters(
    data: SessionData, settings: Settings, design: Design, severity: Severity | NotEstimable
) -> dict[str, Any]:
    """Ask what else rests on who shares subjects with whom."""
    chosen, ratings = settings.methods, data.ratings
    component = design.subjects.set_index("subject_id")["component"]
    found: dict[str, Any] = {
        "components": ask(estimate_components, ratings, component=component, level=chosen.level),
    }
    if isinstance(severity, Severity):
        found |= {
            "flags": _flags(severity, design, data, settings),
            "reliability": _reliability(severity),
        }
    if not design.raters["verdict"].eq("comparable").all():
        found["linking"] = ask(estimate_linking, ratings, variances=_variances(severity, ratings))
    return found


def comparable(raters: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Keep the raters who can be compared."""
    wanted = design.raters.loc[design.raters["verdict"].eq("comparable"), "rater_id"]
    return raters[raters["rater_id"].isin(set(wanted))]


def _flags(
    severity: Severity, design: Design, data: SessionData, settings: Settings
) -> Flags | NotEstimable:
    chosen = settings.methods
    return ask(
        estimate_flags,
        comparable(severity.raters, design),
        # nothing else is asked again, and texts are dear to copy
        ratings=data.ratings[["subject_id", "rater_id", "criterion_id", "score"]],
        refit=partial(_severity_of, settings=settings, near=severity),
        rate=chosen.false_discovery_rate,
        practical_difference=chosen.practical_difference,
        p_rater=severity.p_rater,
    )


def _severity_of(
    ratings: pd.DataFrame, *, settings: Settings, near: Severity | None = None
) -> pd.DataFrame:
    """Estimate the severity of the comparable raters in other ratings than those of the session."""
    chosen = settings.methods
    design = estimate_design(
        ratings,
        minimum_shared=chosen.minimum_shared,
        minimum_partners=chosen.minimum_partners,
    )
    raters = severity_again(
        ratings,
        component=design.subjects.set_index("subject_id")["component"],
        level=chosen.level,
        practical_difference=chosen.practical_difference,
        near=near,
    )
    return comparable(raters, design)


def severity_by_cycle(
    data: SessionData, settings: Settings, severity: pd.Series | None
) -> pd.Series | None:
    """Return severities by cycle and rater, each cycle's from its own ratings."""
    if severity is None:
        return None
    found = {data.session.cycle: severity}
    for cycle, ratings in data.past_ratings.groupby("cycle"):
        texts_aside = ratings[["subject_id", "rater_id", "criterion_id", "score"]]
        raters = ask(_severity_of, texts_aside, settings=settings)
        if not isinstance(raters, NotEstimable):
            found[str(cycle)] = raters.set_index("rater_id")["severity"]
    return pd.concat(found, names=["cycle"])


def _reliability(severity: Severity) -> Reliability | NotEstimable:
    rest = severity.var_subject + severity.var_residual + severity.var_subject_rater

    def variance(share: float) -> float:
        return share / (1 - share) * rest if share < 1 else float("inf")

    return ask(
        estimate_reliability,
        severity.raters,
        var_rater=severity.var_rater,
        var_rater_low=variance(severity.share_rater_low),
        var_rater_high=variance(severity.share_rater_high),
    )


def _variances(severity: Severity | NotEstimable, ratings: pd.DataFrame) -> dict[str, float] | None:
    """Return what the ratings show of the variances that decide how much a shared rating buys."""
    if isinstance(severity, NotEstimable) or severity.var_rater <= 0:
        return None
    per_cell = ratings.groupby(["subject_id", "rater_id"])["score"].count().mean()
    return {
        "employee": severity.var_subject,
        "severity": severity.var_rater,
        "error": severity.var_subject_rater + severity.var_residual / max(float(per_cell), 1.0),
    }


def ways_of_rating(data: SessionData, settings: Settings) -> dict[str, Any]:
    """Ask how each rater uses the scale and the criteria."""
    chosen, ratings, points = settings.methods, data.ratings, settings.scale.points
    size = chosen.practical_difference
    found: dict[str, Any] = {
        "halo": ask(estimate_halo, ratings, level=chosen.level),
        "range_use": ask(estimate_range_use, ratings, points=points, level=chosen.level),
        "consistency": ask(estimate_consistency, ratings, level=chosen.level),
        "differential": ask(
            estimate_differential_severity,
            ratings,
            level=chosen.level,
            practical_difference=size,
        ),
        "styles": ask(estimate_styles, ratings, points=points),
    }
    if len(data.past_ratings):
        found["drift"] = ask(
            estimate_drift,
            over_cycles(data),
            cycle_order=list(data.cycles),
            level=chosen.level,
            practical_difference=size,
        )
    return found
