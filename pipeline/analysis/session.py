"""Asks every method about one session and keeps the answer, or the reason why there is none."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.analysis.answers import Analysis, ask, day_of
from pipeline.analysis.people import (
    about_people,
    beside_ratings,
    nine_box_of,
    rationales_of,
    since_last_session,
)
from pipeline.analysis.raters import (
    about_raters,
    comparable,
    severities,
    ways_of_rating,
)
from pipeline.errors import NotEstimable, msg
from pipeline.methods.agreement import estimate_agreement
from pipeline.methods.conversation import estimate_conversation
from pipeline.methods.criteria import estimate_criteria
from pipeline.methods.design import Design, estimate_design
from pipeline.methods.distribution import estimate_distribution
from pipeline.methods.evidence import estimate_evidence
from pipeline.methods.ordinal import estimate_ordinal
from pipeline.methods.severity import Severity
from pipeline.methods.standing import estimate_standing
from pipeline.settings import Settings
from pipeline.store import SessionData


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
        found |= about_raters(data, settings, design, severity)
    if data.session.kind == "conversation":
        found["conversation"] = ask(
            estimate_conversation, ratings, tolerance=chosen.tolerance, level=level
        )
    else:
        found |= about_people(data, settings, design, own_severity)
    return Analysis(
        data=data,
        **found,
        **ways_of_rating(data, settings),
        **since_last_session(data, chosen.level),
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
        found |= severities(data, settings, design)
    if data.session.kind != "conversation":
        own_severity = _own_severity(found["severity"], design)
        found |= beside_ratings(data, settings, own_severity)
        if data.session.focus == "talent":
            found["nine_box"] = nine_box_of(found["severity"], data, settings)
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
    return comparable(severity.raters, design).set_index("rater_id")["severity"]
