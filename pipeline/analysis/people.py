"""Asks what is beside the ratings of people: evidence, results, groups, earlier cycles."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.analysis.answers import ask, day_of, over_cycles
from pipeline.analysis.raters import (
    severity_by_cycle,
)
from pipeline.errors import NotEstimable, msg
from pipeline.methods.agreement_by_cycle import estimate_agreement_by_cycle
from pipeline.methods.background import background_groups
from pipeline.methods.design import Design
from pipeline.methods.differential import (
    estimate_group_severity,
)
from pipeline.methods.fairness import estimate_fairness
from pipeline.methods.nine_box import NineBox, estimate_nine_box
from pipeline.methods.norm_effect import NormEffect, estimate_norm_effect
from pipeline.methods.profiles import estimate_profiles
from pipeline.methods.rationales import Rationales, estimate_rationales
from pipeline.methods.recency import estimate_recency
from pipeline.methods.results_mismatch import estimate_results_mismatch
from pipeline.methods.severity import Severity
from pipeline.methods.under_the_radar import estimate_under_the_radar
from pipeline.settings import Settings
from pipeline.store import SessionData


def rationales_of(data: SessionData, settings: Settings) -> Rationales | NotEstimable:
    """Ask what is missing beside each rating."""
    return ask(
        estimate_rationales,
        data.ratings,
        evidence=data.evidence,
        words=settings.words.lists,
        starts_on=day_of(data.cycle, "starts_on"),
        ends_on=day_of(data.cycle, "ends_on"),
        own_occasion=data.session.kind == "conversation",
    )


def since_last_session(data: SessionData, level: float) -> dict[str, Any]:
    """Ask what changed over the cycles, and whether norms of the last session had to do with it."""
    if data.last_session is None or data.past_ratings.empty:
        return {}
    ratings = over_cycles(data)
    return {
        "agreement_by_cycle": ask(
            estimate_agreement_by_cycle, ratings, cycle_order=list(data.cycles), level=level
        ),
        "norm_effect": norm_effect_of(data, level),
    }


def norm_effect_of(data: SessionData, level: float) -> NormEffect | NotEstimable:
    """Ask whether the norms of the last session show in the ratings of this one."""
    if data.last_session is None:
        return NotEstimable(
            msg("This is the first session of this department that the workbench knows.")
        )
    return ask(
        estimate_norm_effect,
        over_cycles(data),
        with_norm=frozenset(data.last_norms["criterion_id"]),
        norm_cycle=data.last_session.cycle,
        cycle=data.session.cycle,
        level=level,
    )


def about_people(
    data: SessionData, settings: Settings, design: Design | NotEstimable, severity: pd.Series | None
) -> dict[str, Any]:
    """Ask what rests on who the rated people are."""
    chosen, ratings = settings.methods, data.ratings
    ends_on = day_of(data.cycle, "ends_on")
    component = (
        design.subjects.set_index("subject_id")["component"] if isinstance(design, Design) else None
    )
    return {
        **_between_groups(data, settings, component),
        "profiles": ask(estimate_profiles, ratings),
        "recency": ask(
            estimate_recency,
            ratings,
            evidence=data.evidence,
            starts_on=day_of(data.cycle, "starts_on"),
            ends_on=ends_on,
            severity=severity,
            level=chosen.level,
        ),
    }


def beside_ratings(
    data: SessionData, settings: Settings, severity: pd.Series | None
) -> dict[str, Any]:
    """Ask whether results, or what is known of the years before, ask for a look at somebody."""
    chosen, ratings, cycle = settings.methods, data.ratings, data.session.cycle
    return {
        "results_mismatch": ask(
            estimate_results_mismatch,
            ratings,
            results=data.results,
            cycle=cycle,
            severity=severity,
            lower_is_better=chosen.lower_is_better,
            level=chosen.level,
        ),
        "under_the_radar": ask(
            estimate_under_the_radar,
            ratings,
            history=data.past_ratings,
            evidence=data.evidence,
            results=pd.concat([data.past_results, data.results], ignore_index=True),
            cycle=cycle,
            cycle_order=list(data.cycles),
            severity=severity_by_cycle(data, settings, severity),
            top_from=settings.scale.top_from,
            lower_is_better=chosen.lower_is_better,
            level=chosen.level,
        ),
    }


def nine_box_of(
    severity: Severity | NotEstimable | Design, data: SessionData, settings: Settings
) -> NineBox | NotEstimable:
    """Ask where everybody stands on performance and potential, and how sure that is."""
    scale = settings.scale
    variance = (
        {
            "rater": severity.var_rater,
            "pair": severity.var_subject_rater,
            "residual": severity.var_residual,
        }
        if isinstance(severity, Severity)
        else None
    )
    return ask(
        estimate_nine_box,
        data.ratings,
        potential=settings.talent.potential,
        ends=(scale.low, scale.high),
        variance=variance,
        level=settings.methods.level,
    )


def _between_groups(
    data: SessionData, settings: Settings, component: pd.Series | None
) -> dict[str, Any]:
    """Ask, per attribute that may be compared, for gaps and for severity that goes with it."""
    chosen, ratings, floor = settings.methods, data.ratings, settings.privacy.minimum_fairness
    owner = ratings.drop_duplicates("subject_id").set_index("subject_id")["employee_id"]
    fairness, group_severity = {}, {}
    for attribute in settings.fairness.attributes:
        groups = background_groups(data.employees, attribute, on=day_of(data.cycle, "ends_on"))
        fairness[attribute] = ask(
            estimate_fairness,
            ratings,
            groups=groups,
            component=component,
            legitimate=data.employees.set_index("employee_id")[["job_level"]],
            top=settings.scale.points[-1],
            floor=floor,
            level=chosen.level,
        )
        group_severity[attribute] = ask(
            estimate_group_severity,
            ratings,
            group=owner.map(groups),
            floor=floor,
            level=chosen.level,
            practical_difference=chosen.practical_difference,
        )
    return {"fairness": fairness, "group_severity": group_severity}
