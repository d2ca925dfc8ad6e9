"""One manager: the own team and the own pattern as a rater."""

from __future__ import annotations

from dataclasses import replace

from pipeline.analysis import analyse
from pipeline.errors import WrongUse, msg
from pipeline.methods.design import Design
from pipeline.methods.severity import Severity
from pipeline.privacy.view import View, formal, of, only_people, without_backgrounds
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData


def manager(data: SessionData, settings: Settings, viewer: str) -> View:
    """Cut for one manager."""
    given = data.ratings["rater_id"].eq(viewer)
    team = set(data.employees.loc[data.employees["manager_id"].eq(viewer), "employee_id"])
    rated = set(data.ratings.loc[given & formal(data.ratings), "employee_id"])
    # who rates here too is a colleague, of whom only what the viewer gave would be the viewer's
    rated -= set(data.ratings["rater_id"]) - team
    people = (team | rated) - {viewer}
    if not people:
        raise WrongUse(msg("This manager has no team and rated nobody in this session."))
    own = only_people(data, people)
    reports = (team or rated) - {viewer}
    own = replace(
        without_backgrounds(own),
        # of people in other teams only what the viewer gave them
        self_ratings=of(own.self_ratings, "employee_id", reports),
        evidence=of(own.evidence, "employee_id", reports),
        goals=of(own.goals, "owner_id", reports),
        results=of(own.results, "employee_id", reports),
        past_results=of(own.past_results, "employee_id", reports),
        # only the own scores: a mean over raters would tell what a colleague gave
        ratings=of(own.ratings, "rater_id", {viewer}),
        past_ratings=of(own.past_ratings, "rater_id", {viewer}),
        people=of(data.people, "employee_id", people | {viewer}),
        participants=of(data.participants, "person_id", {viewer}),
        opinions=of(own.opinions, "rater_id", {viewer}),
        last_actions=of(data.last_actions, "owner_id", {viewer}),
    )
    analysis = analyse(own, settings)
    # one rater says nothing of raters, and how strict one is for whom is told to nobody
    analysis = replace(analysis, group_severity={})
    # the own pattern as a rater needs the ratings of all; only the own row of it is shown
    whole = analyse(data, settings)
    pattern, design = whole.severity, whole.design
    if (
        isinstance(pattern, Severity)
        and isinstance(design, Design)
        and len(pattern.raters) >= settings.privacy.minimum_group
    ):
        analysis = replace(
            analysis,
            severity=replace(pattern, raters=of(pattern.raters, "rater_id", {viewer})),
            design=replace(
                design,
                raters=of(design.raters, "rater_id", {viewer}),
                subjects=of(design.subjects, "subject_id", set(own.ratings["subject_id"])),
            ),
        )
    reason = msg("This pack holds your own team and your own pattern as a rater; nothing else.")
    return View(analysis, Audience.MANAGER, viewer, (reason,))
