"""Asks every method about one session and keeps the answer, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from pipeline.errors import NotEstimable, Suppressed, msg
from pipeline.methods.agreement import Agreement, estimate_agreement
from pipeline.methods.agreement_by_cycle import AgreementByCycle, estimate_agreement_by_cycle
from pipeline.methods.background import background_groups
from pipeline.methods.components import Components, estimate_components
from pipeline.methods.consistency import Consistency, estimate_consistency
from pipeline.methods.conversation import Conversation, estimate_conversation
from pipeline.methods.criteria import Criteria, estimate_criteria
from pipeline.methods.design import Design, estimate_design
from pipeline.methods.differential import (
    DifferentialSeverity,
    GroupSeverity,
    estimate_differential_severity,
    estimate_group_severity,
)
from pipeline.methods.distribution import Distribution, estimate_distribution
from pipeline.methods.drift import Drift, estimate_drift
from pipeline.methods.evidence import Evidence, estimate_evidence
from pipeline.methods.expected import Expected, estimate_expected
from pipeline.methods.fairness import Fairness, estimate_fairness
from pipeline.methods.flags import Flags, estimate_flags
from pipeline.methods.halo import Halo, estimate_halo
from pipeline.methods.linking import Linking, estimate_linking
from pipeline.methods.nested import Nested, estimate_nested
from pipeline.methods.nine_box import NineBox, estimate_nine_box
from pipeline.methods.norm_effect import NormEffect, estimate_norm_effect
from pipeline.methods.ordinal import Ordinal, estimate_ordinal
from pipeline.methods.profiles import Profiles, estimate_profiles
from pipeline.methods.range_use import RangeUse, estimate_range_use
from pipeline.methods.rationales import Rationales, estimate_rationales
from pipeline.methods.recency import Recency, estimate_recency
from pipeline.methods.reliability import Reliability, estimate_reliability
from pipeline.methods.results_mismatch import ResultsMismatch, estimate_results_mismatch
from pipeline.methods.severity import Severity, estimate_severity, severity_again
from pipeline.methods.standing import Standing, estimate_standing
from pipeline.methods.styles import Styles, estimate_styles
from pipeline.methods.under_the_radar import UnderTheRadar, estimate_under_the_radar
from pipeline.settings import Settings
from pipeline.store import SessionData

T = TypeVar("T")

NoAnswer = NotEstimable | Suppressed
"""Why there is no answer: it cannot be estimated, or it may not be shown to this audience."""


@dataclass(frozen=True)
class Analysis:
    """What every method found in the ratings of one session.

    Each answer is the method's result or a `NoAnswer` with the reason; None where the question does
    not arise in this session. `data` is what was analysed; see `pipeline.store.SessionData`.
    `fairness` and `group_severity` hold an answer per attribute that the settings name.
    """

    data: SessionData
    design: Design | NoAnswer
    severity: Severity | NoAnswer
    agreement: Agreement | NoAnswer
    distribution: Distribution | NoAnswer
    standing: Standing | NoAnswer
    evidence: Evidence | NoAnswer
    rationales: Rationales | NoAnswer | None = None
    criteria: Criteria | NoAnswer | None = None
    # raters, where they can be compared
    flags: Flags | NoAnswer | None = None
    reliability: Reliability | NoAnswer | None = None
    components: Components | NoAnswer | None = None
    ordinal: Ordinal | NoAnswer | None = None
    conversation: Conversation | NoAnswer | None = None
    # raters, where they cannot
    nested: Nested | NoAnswer | None = None
    linking: Linking | NoAnswer | None = None
    # ways of rating
    halo: Halo | NoAnswer | None = None
    range_use: RangeUse | NoAnswer | None = None
    consistency: Consistency | NoAnswer | None = None
    drift: Drift | NoAnswer | None = None
    differential: DifferentialSeverity | NoAnswer | None = None
    styles: Styles | NoAnswer | None = None
    # since the last session
    agreement_by_cycle: AgreementByCycle | NoAnswer | None = None
    norm_effect: NormEffect | NoAnswer | None = None
    # people
    profiles: Profiles | NoAnswer | None = None
    expected: Expected | NoAnswer | None = None
    under_the_radar: UnderTheRadar | NoAnswer | None = None
    nine_box: NineBox | NoAnswer | None = None
    results_mismatch: ResultsMismatch | NoAnswer | None = None
    recency: Recency | NoAnswer | None = None
    fairness: Mapping[str, Fairness | NoAnswer] = field(default_factory=dict)
    group_severity: Mapping[str, GroupSeverity | NoAnswer] = field(default_factory=dict)

    def answers(self) -> dict[str, object]:
        """Return every answer by the name of its question, without those that do not arise."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        del every["data"], every["fairness"], every["group_severity"]
        return {name: answer for name, answer in every.items() if answer is not None}


def analyse(data: SessionData, settings: Settings) -> Analysis:
    """Ask every method about one session.

    Parameters
    ----------
    data
        The slice of the session.
    settings
        Thresholds of the methods.

    Returns
    -------
    Analysis
        Each answer, or the reason why there is none.
    """
    chosen, ratings = settings.methods, data.ratings
    level, points = chosen.level, settings.scale.points
    found = _to_plan(data, settings)
    design, severity = found["design"], found["severity"]
    own_severity = _own_severity(severity, design)
    if isinstance(design, Design):
        found |= _about_raters(data, settings, design, severity)
    if data.session.kind == "conversation":
        found["conversation"] = ask(
            estimate_conversation, ratings, tolerance=chosen.tolerance, level=level
        )
    else:
        found |= _about_people(data, settings, design, own_severity)
    return Analysis(
        data=data,
        **found,
        **_ways_of_rating(data, settings),
        **_since_last_session(data, chosen.level),
        ordinal=ask(estimate_ordinal, ratings, severity=own_severity, points=points, level=level),
        agreement=ask(estimate_agreement, ratings, level=level),
        distribution=ask(
            estimate_distribution, ratings, employees=data.employees, points=points, level=level
        ),
        rationales=rationales_of(data, settings),
        criteria=ask(
            estimate_criteria,
            ratings,
            criteria=data.criteria,
            points=points,
            words=settings.words.lists,
            level=level,
        ),
    )


def analyse_to_plan(data: SessionData, settings: Settings) -> Analysis:
    """Ask only what an agenda and the own pattern of raters rest on; see `analyse`.

    What looks back on a session shows nothing else of the time before it.
    """
    not_asked = NotEstimable(msg("Not asked here."))
    return Analysis(
        data=data, **_to_plan(data, settings), agreement=not_asked, distribution=not_asked
    )


def _to_plan(data: SessionData, settings: Settings) -> dict[str, Any]:
    """Ask where people stand, and what tells how far raters can be compared."""
    chosen, ratings = settings.methods, data.ratings
    design = ask(
        estimate_design,
        ratings,
        minimum_shared=chosen.minimum_shared,
        minimum_partners=chosen.minimum_partners,
    )
    found: dict[str, Any] = {"design": design, "severity": design}
    if isinstance(design, Design):
        found |= _severities(data, settings, design)
    if data.session.kind != "conversation":
        own_severity = _own_severity(found["severity"], design)
        found |= _beside_ratings(data, settings, own_severity)
        if data.session.focus == "talent":
            found["nine_box"] = _nine_box(found["severity"], data, settings)
    return found | {
        "standing": ask(
            estimate_standing,
            ratings,
            employees=data.employees,
            criteria=data.criteria,
            history=data.past_ratings,
            cycle_order=list(data.cycles),
            floor=chosen.minimum_comparables,
        ),
        "evidence": ask(
            estimate_evidence,
            ratings,
            evidence=data.evidence,
            employees=data.employees,
            ends_on=day_of(data.cycle, "ends_on"),
            level=chosen.level,
        ),
    }


def _own_severity(severity: object, design: object) -> pd.Series | None:
    """Return the severity of the raters who can be compared."""
    if not isinstance(severity, Severity) or not isinstance(design, Design):
        return None
    return _comparable(severity.raters, design).set_index("rater_id")["severity"]


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


def ask(method: Callable[..., T], *args: Any, **options: Any) -> T | NotEstimable:
    """Return the answer of a method, or the reason why there is none."""
    try:
        return method(*args, **options)
    except NotEstimable as reason:
        return reason.with_traceback(None)


def _severities(data: SessionData, settings: Settings, design: Design) -> dict[str, Any]:
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


def _about_raters(
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


def _comparable(raters: pd.DataFrame, design: Design) -> pd.DataFrame:
    comparable = design.raters.loc[design.raters["verdict"].eq("comparable"), "rater_id"]
    return raters[raters["rater_id"].isin(set(comparable))]


def _flags(
    severity: Severity, design: Design, data: SessionData, settings: Settings
) -> Flags | NotEstimable:
    chosen = settings.methods
    return ask(
        estimate_flags,
        _comparable(severity.raters, design),
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
    return _comparable(raters, design)


def _severity_by_cycle(
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


def _ways_of_rating(data: SessionData, settings: Settings) -> dict[str, Any]:
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


def _since_last_session(data: SessionData, level: float) -> dict[str, Any]:
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


def _about_people(
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


def _beside_ratings(
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
            severity=_severity_by_cycle(data, settings, severity),
            top_from=settings.scale.top_from,
            lower_is_better=chosen.lower_is_better,
            level=chosen.level,
        ),
    }


def _nine_box(
    severity: Severity | NotEstimable | Design, data: SessionData, settings: Settings
) -> NineBox | NotEstimable:
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


def over_cycles(data: SessionData) -> pd.DataFrame:
    """Return the ratings of this cycle and the earlier ones."""
    past = data.past_ratings
    now = data.ratings[[name for name in past.columns if name != "cycle"]]
    return pd.concat([past, now.assign(cycle=data.session.cycle)], ignore_index=True)


def day_of(cycle: pd.DataFrame, name: str) -> pd.Timestamp | None:
    """Return a day of a cycle's row; None where it is not known."""
    if cycle.empty or cycle[name].isna().all():
        return None
    return pd.Timestamp(cycle[name].iloc[0])
