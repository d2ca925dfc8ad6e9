"""The cut for an audience: one door for all three."""

from __future__ import annotations

from dataclasses import replace

from pipeline.errors import WrongUse, msg
from pipeline.privacy.aggregates import fairness_without_levels, group_severity_in_counts
from pipeline.privacy.manager import manager
from pipeline.privacy.organisation import organisation
from pipeline.privacy.room import room
from pipeline.privacy.view import View
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData


def cut(
    data: SessionData, audience: Audience, settings: Settings, viewer_id: str | None = None
) -> View:
    """Analyse what ``audience`` may see of a session.

    Raises
    ------
    WrongUse
        A manager's cut without a manager, or the other way round.
    """
    if (audience is Audience.MANAGER) != (viewer_id is not None):
        raise WrongUse(msg("A manager's pack, and no other, needs the identifier of its reader."))
    if audience is Audience.ROOM:
        view = room(data, settings)
    elif audience is Audience.MANAGER:
        view = manager(data, settings, str(viewer_id))
    else:
        view = organisation(data, settings)
    floor = settings.privacy.minimum_fairness
    fairness = {
        name: fairness_without_levels(answer, floor, settings.privacy.minimum_group)
        for name, answer in view.analysis.fairness.items()
    }
    by_group = {
        name: group_severity_in_counts(answer, audience, settings.privacy.minimum_group)
        for name, answer in view.analysis.group_severity.items()
    }
    return replace(
        view, analysis=replace(view.analysis, fairness=fairness, group_severity=by_group)
    )
