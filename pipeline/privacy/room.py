"""The room: facilitator and calibrating managers, without who of them is rated here."""

from __future__ import annotations

from dataclasses import replace

from pipeline.analysis import analyse
from pipeline.errors import msgn
from pipeline.privacy.view import View, formal, only_people, tells, without_backgrounds
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData


def _present(data: SessionData) -> set[str]:
    """Tell who reads the room's pack: participants, or the calibrating raters where unknown."""
    roles = {data.session.facilitator_id, data.session.process_guard_id}
    readers = set(data.participants["person_id"])
    if not readers:
        readers = set(data.ratings.loc[formal(data.ratings), "rater_id"])
    return readers | {one for one in roles if one}


def room(data: SessionData, settings: Settings) -> View:
    """Cut for the room."""
    rated = set(data.ratings["employee_id"])
    everybody = rated | set(data.employees["employee_id"]) | set(data.past_ratings["employee_id"])
    shown = only_people(data, everybody - _present(data))
    own = _present(data) & rated
    if not own:
        return View(analyse(shown, settings), Audience.ROOM, None, ())
    if tells(data, shown, settings):
        shown = without_backgrounds(shown)
    elif len(own) < settings.privacy.minimum_group:
        shown = replace(shown, previous_scores=shown.previous_scores.iloc[:0])
    reason = msgn(
        "{n} person takes part in this session and is rated in it too. That rating is left out of"
        " this pack; calibrate it without this person present.",
        "{n} people take part in this session and are rated in it too. Those ratings are left out"
        " of this pack; calibrate them without these people present.",
        len(own),
    )
    return View(analyse(shown, settings), Audience.ROOM, None, (reason,))
