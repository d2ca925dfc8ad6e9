"""The organisation: aggregates only, each of them above the floors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.analysis import analyse
from pipeline.errors import Message, NotEstimable, Suppressed, msg
from pipeline.methods.agreement import Agreement
from pipeline.privacy.aggregates import (
    agreement_in_aggregate,
    criteria_in_aggregate,
    design_in_aggregate,
    distribution_in_aggregate,
    evidence_in_aggregate,
    is_whole,
    profiles_in_aggregate,
    severity_in_aggregate,
    tells_a_small_count,
    without_rows,
)
from pipeline.privacy.room import without_present
from pipeline.privacy.view import (
    View,
    all_hidden,
    most_per_person,
    only_people,
    tells,
    without_backgrounds,
)
from pipeline.settings import Audience, Settings
from pipeline.store import Session, SessionData


def organisation(data: SessionData, settings: Settings) -> View:
    """Cut for the organisation."""
    floor = settings.privacy.minimum_group
    data, n_present = without_present(data, settings)
    whole = analyse(data, settings)
    nobody = only_people(data, set())
    shown = replace(
        nobody,
        people=nobody.people.iloc[:0],
        participants=nobody.participants.iloc[:0],
        last_actions=nobody.last_actions.iloc[:0],
        # free text, which may name people
        last_norms=nobody.last_norms.iloc[:0],
        last_parked=nobody.last_parked.iloc[:0],
        past_norms=nobody.past_norms.iloc[:0],
        session=nameless(data.session),
        last_session=nameless(data.last_session) if data.last_session else None,
        n_rejected=0,
    )
    left_out = _left_out(n_present)
    few = Suppressed(
        msg("Hidden: fewer than {floor} people, so a person could be recognised.", floor=floor)
    )
    few_raters = Suppressed(
        msg("Hidden: fewer than {floor} raters, so a rater could be recognised.", floor=floor)
    )
    if data.ratings["employee_id"].nunique() < floor:
        hidden = all_hidden(whole, few, without_backgrounds(shown))
        return View(hidden, Audience.ORGANISATION, None, left_out)
    distribution = distribution_in_aggregate(whole.distribution, data, floor)
    if tells(data, data, settings) or not is_whole(distribution):
        shown = without_backgrounds(shown)
    elif (data.previous_scores["n"] < floor * most_per_person(data)).any():
        shown = replace(shown, previous_scores=data.previous_scores.iloc[:0])
    # what is not named here stays hidden: a new method is not shown before it is thought about
    single = Suppressed(msg("Not shown here: this pack holds aggregates only."))
    analysis = replace(
        all_hidden(whole, single, shown),
        design=design_in_aggregate(whole.design, floor, few_raters),
        severity=severity_in_aggregate(whole.severity, floor, few_raters),
        agreement=agreement_in_aggregate(whole.agreement, floor, few_raters),
        distribution=distribution,
        profiles=profiles_in_aggregate(whole.profiles, floor, few),
        evidence=evidence_in_aggregate(whole.evidence, data, floor, few),
        criteria=criteria_in_aggregate(whole.criteria, data, floor),
        fairness=whole.fairness,
        group_severity=whole.group_severity,
    )
    by_rater: dict[str, Any] = {
        name: without_rows(getattr(whole, name), tables, floor, few_raters)
        for name, tables in _ROWS_OF_RATERS.items()
    }
    if not isinstance(analysis.agreement, Agreement):
        # both rest on the people whom several raters share
        by_rater["components"] = few_raters if whole.components is not None else None
    analysis = replace(analysis, **by_rater)
    spoken = {
        name: few
        for name, answer in analysis.answers().items()
        if isinstance(answer, NotEstimable) and tells_a_small_count(answer, floor)
    }
    return View(replace(analysis, **spoken), Audience.ORGANISATION, None, left_out)  # type: ignore[arg-type]  # by name


_ROWS_OF_RATERS = {
    "reliability": ("components", "raters"),
    "components": (),
    "ordinal": ("raters", "unexpected"),
    "conversation": ("raters", "cells"),
    "linking": ("proposals",),
    "halo": ("raters",),
    "consistency": ("raters",),
    "drift": ("cells", "raters"),
    "differential": ("cells",),
    "recency": (),
}
"""Answers that remain as aggregates once these tables, one row per rater or person, are empty."""


def _left_out(n_present: int) -> tuple[Message, ...]:
    """Say what is not there; how many people that are, is for the room."""
    every = msg("This pack holds aggregates only: no names, no row per person or rater.")
    if not n_present:
        return (every,)
    present = msg(
        "Who takes part in the session and is rated in it too is left out, as in the session's own"
        " pack: beside that pack their ratings could be told."
    )
    return every, present


def nameless(session: Session) -> Session:
    """Return a session without who leads it."""
    # a theme is free text
    return replace(session, facilitator_id=None, process_guard_id=None, theme=None)
