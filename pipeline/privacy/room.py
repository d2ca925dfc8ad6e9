"""The room: facilitator and calibrating managers, without who of them is rated here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pipeline.analysis import Analysis, analyse
from pipeline.errors import Suppressed, msg, msgn
from pipeline.privacy.view import (
    View,
    all_hidden,
    formal,
    only_people,
    tells,
    without_backgrounds,
)
from pipeline.privacy.withheld import names_of, withheld_of_present, without_texts
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData


def present(data: SessionData) -> set[str]:
    """Tell who reads the room's pack: participants, or the calibrating raters where unknown."""
    roles = {data.session.facilitator_id, data.session.process_guard_id}
    readers = set(data.participants["person_id"])
    if not readers:
        readers = set(data.ratings.loc[formal(data.ratings), "rater_id"])
    return readers | {one for one in roles if one}


def without_present(data: SessionData, settings: Settings) -> tuple[SessionData, int]:
    """Return the data without who is in the room, and how many of those are rated.

    The organisation and the patterns of managers are computed from this too: of two packs of one
    session that count different people, the difference would be those few people.
    """
    here, rated = present(data), set(data.ratings["employee_id"])
    before = set(data.past_ratings["employee_id"])
    shown = only_people(data, (rated | set(data.employees["employee_id"]) | before) - here)
    # decisions are counted, those about who has left since too
    others = ~data.past_decisions["employee_id"].isin(here)
    shown = replace(shown, past_decisions=data.past_decisions[others].reset_index(drop=True))
    if here & rated and tells(data, shown, settings):
        shown = without_backgrounds(shown)
    elif 0 < len(here & (rated | before)) < settings.privacy.minimum_group:
        # beside the earlier scores of the others, these would tell those of who is here
        shown = replace(shown, previous_scores=shown.previous_scores.iloc[:0])
    return shown, len(here & rated)


def room(
    data: SessionData,
    settings: Settings,
    analyse: Callable[[SessionData, Settings], Analysis] = analyse,
) -> View:
    """Cut for the room, and ask of what remains; everything, unless told what."""
    shown, n_own = without_present(data, settings)
    shown, n_withheld = _without_texts_on_present(data, shown)
    said = (withheld_of_present(n_withheld),) if n_withheld else ()
    if not n_own:
        return View(analyse(shown, settings), Audience.ROOM, None, said)
    reason = msgn(
        "{n} person takes part in this session and is rated in it too. That rating is left out of"
        " this pack; calibrate it without this person present.",
        "{n} people take part in this session and are rated in it too. Those ratings are left out"
        " of this pack; calibrate them without these people present.",
        n_own,
    )
    analysis = analyse(shown, settings)
    if shown.ratings.empty:
        nobody = msg(
            "Everybody who is rated here takes part in this session, and nobody reads what is said"
            " about himself or herself. Split the session, or let somebody else calibrate it."
        )
        analysis = all_hidden(analysis, Suppressed(nobody), shown)
    return View(analysis, Audience.ROOM, None, (reason, *said))


def _without_texts_on_present(data: SessionData, shown: SessionData) -> tuple[SessionData, int]:
    """Withhold what earlier sessions wrote about who is here now and was rated, ever."""
    rated = (data.ratings, data.past_ratings, data.past_decisions)
    names = names_of(data, present(data) & {one for table in rated for one in table["employee_id"]})
    actions, n_actions = without_texts(shown.last_actions, ("text", "measure"), names)
    put_off, n_parked = without_texts(shown.last_parked, ("text",), names)
    last, n_last = without_texts(shown.last_norms, ("text",), names)
    past, n_past = without_texts(shown.past_norms, ("text",), names)
    cut_down = replace(
        shown,
        last_actions=actions,
        last_parked=put_off,
        last_norms=last.dropna(subset=["text"]).reset_index(drop=True),
        past_norms=past.dropna(subset=["text"]).reset_index(drop=True),
    )
    return cut_down, n_actions + n_parked + n_last + n_past
