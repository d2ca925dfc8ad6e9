"""One manager: the own team and the own pattern as a rater."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.analysis import Analysis, analyse, rationales_of
from pipeline.errors import Suppressed, WrongUse, msg
from pipeline.methods.design import Design
from pipeline.methods.evidence import Evidence
from pipeline.methods.severity import Severity
from pipeline.privacy.room import without_present
from pipeline.privacy.view import View, formal, of, only_people, without_backgrounds
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData


def manager(data: SessionData, settings: Settings, viewer: str) -> View:
    """Cut for one manager."""
    own = own_data(data, viewer)
    analysis = replace(analyse(own, settings), **_about_team(data, own, settings, viewer))
    # the own pattern as a rater needs the ratings of all that the room reads; only the own row of
    # it is shown
    shared, _ = without_present(data, settings)
    pattern = own_pattern(analyse(shared, settings), own, settings, viewer)
    reason = msg("This pack holds your own team and your own pattern as a rater; nothing else.")
    # how strict one rater is for whom is told to nobody
    shown = replace(analysis, **pattern, group_severity={})
    return View(shown, Audience.MANAGER, viewer, (reason,))


def preparation(data: SessionData, settings: Settings, viewer: str, whole: Analysis) -> View:
    """Cut for the list that one manager gets before the session: what to add, for the own team.

    Parameters
    ----------
    data
        Slice of the store.
    settings
        Word lists, smallest groups.
    viewer
        The manager; one of `preparing`.
    whole
        Analysis of all that the room may see, for the own pattern. What is not named here stays
        hidden.
    """
    own = own_data(data, viewer)
    only = Suppressed(msg("Not in this list."))
    hidden: dict[str, Any] = dict.fromkeys(whole.answers(), only)
    hidden |= own_pattern(whole, own, settings, viewer)
    team = _own_team(data, own, viewer)
    hidden["rationales"] = team if isinstance(team, Suppressed) else rationales_of(team, settings)
    analysis = replace(whole, data=own, **hidden, fairness={}, group_severity={})
    reason = msg("This list holds your own team and your own pattern as a rater; nothing else.")
    return View(analysis, Audience.MANAGER, viewer, (reason,))


def preparing(data: SessionData) -> tuple[str, ...]:
    """Return who has something to prepare: who calibrates, and who has yet to rate the own team."""
    given = data.ratings[formal(data.ratings)]
    others = given[given["rater_id"] != given["employee_id"]]
    readers = set(others["rater_id"])
    if data.session.kind != "conversation":
        staff = data.employees[data.employees["left_on"].isna()]
        unrated = ~staff["employee_id"].isin(set(data.ratings["employee_id"]))
        readers |= set(staff.loc[unrated, "manager_id"].dropna())
    return tuple(one for one in sorted(readers) if people_of(data, one))


def own_pattern(
    whole: Analysis, own: SessionData, settings: Settings, viewer: str
) -> dict[str, Any]:
    """Return the own row of what needs the ratings of all; nothing where raters are few."""
    pattern, design = whole.severity, whole.design
    if (
        not isinstance(pattern, Severity)
        or not isinstance(design, Design)
        or len(pattern.raters) < settings.privacy.minimum_group
    ):
        return {}
    subjects = set(own.ratings["subject_id"])
    return {
        "severity": replace(pattern, raters=of(pattern.raters, "rater_id", {viewer})),
        "design": replace(
            design,
            raters=of(design.raters, "rater_id", {viewer}),
            subjects=of(design.subjects, "subject_id", subjects),
        ),
    }


def _about_team(
    data: SessionData, own: SessionData, settings: Settings, viewer: str
) -> dict[str, Any]:
    """Ask of the own team what rests on evidence or results."""
    team = _own_team(data, own, viewer)
    if isinstance(team, Suppressed):
        return dict.fromkeys(_OF_TEAM, team)
    found = analyse(team, settings)
    if isinstance(found.evidence, Evidence):
        # who has a rating by a colleague only is not without one
        without = set(found.evidence.unrated) - set(data.ratings["employee_id"])
        unrated = tuple(sorted(without))
        found = replace(found, evidence=replace(found.evidence, unrated=unrated))
    return {name: getattr(found, name) for name in _OF_TEAM}


def _own_team(data: SessionData, own: SessionData, viewer: str) -> SessionData | Suppressed:
    """Leave out other teams, of whom evidence is not seen: that does not make it missing."""
    team = only_people(own, reports_of(data, viewer))
    if len(team.ratings) or own.ratings.empty:
        return team
    return Suppressed(
        msg(
            "You rated people of other teams only. What is missing about them is in the list of"
            " their own manager; write with each of your ratings what you saw, and when."
        )
    )


_OF_TEAM = ("rationales", "evidence", "recency", "under_the_radar", "results_mismatch")
"""Answers that rest on evidence or results."""


def _team(data: SessionData, viewer: str) -> set[str]:
    return set(data.employees.loc[data.employees["manager_id"].eq(viewer), "employee_id"]) - {
        viewer
    }


def reports_of(data: SessionData, viewer: str) -> set[str]:
    """Return whose evidence and results the viewer knows: the own team.

    Where it is nowhere told whose team somebody is in, the rater counts as the manager: who rated
    as one, if anybody did.
    """
    known = data.employees[data.employees["manager_id"].notna()]
    led = data.ratings[data.ratings["rater_role"].eq("manager")]
    by_others = set(led["employee_id"]) - set(of(led, "rater_id", {viewer})["employee_id"])
    rated = people_of(data, viewer) - set(known["employee_id"]) - by_others
    return _team(data, viewer) | rated


def people_of(data: SessionData, viewer: str) -> set[str]:
    """Return the own team of one manager, and whom the manager rated."""
    team, given = _team(data, viewer), data.ratings["rater_id"].eq(viewer)
    rated = set(data.ratings.loc[given & formal(data.ratings), "employee_id"])
    # who rates here too is a colleague, of whom only what the viewer gave would be the viewer's
    rated -= set(data.ratings["rater_id"]) - team
    return (team | rated) - {viewer}


def own_data(data: SessionData, viewer: str) -> SessionData:
    """Keep what one manager may see: the own team, and what the manager gave.

    Raises
    ------
    WrongUse
        There is neither a team nor a rating of this manager.
    """
    people = people_of(data, viewer)
    if not people:
        raise WrongUse(msg("This manager has no team and rated nobody in this session."))
    own = only_people(data, people)
    reports = reports_of(data, viewer)
    return replace(
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
        last_parked=of(data.last_parked, "owner_id", {viewer}),
        past_decisions=of(own.past_decisions, "employee_id", reports),
    )
