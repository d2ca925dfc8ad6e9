"""The preparation lists of a session: one page per manager, for that manager alone."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.agenda import plan_agenda
from pipeline.errors import msg
from pipeline.locale import Language
from pipeline.pack.context import Context
from pipeline.pack.page import render_cover, render_section
from pipeline.pack.person_pages import PersonPage, PersonPages
from pipeline.pack.sections import preparation
from pipeline.privacy import View, preparing
from pipeline.privacy import preparation as cut_for
from pipeline.settings import Settings
from pipeline.store import SessionData

MOST_READERS = 60
"""With more raters than this nobody sits around a table to prepare for, and no lists are made."""


def make_lists(
    data: SessionData, room: View, settings: Settings, language: Language
) -> PersonPages:
    """Make the list of every manager who has something to prepare.

    Parameters
    ----------
    data
        Slice of the store.
    room
        The room's view of it, from which each reader gets the own pattern only.
    settings, language
        As for the pack.
    """
    return PersonPages(tuple(_lists(data, room, settings, language)), language)


def _lists(
    data: SessionData, room: View, settings: Settings, language: Language
) -> Iterator[PersonPage]:
    if data.ratings["rater_id"].nunique() > MOST_READERS:
        return
    for reader in preparing(data):
        view = cut_for(data, settings, reader, room.analysis)
        context = Context(view, plan_agenda(view.analysis, settings), settings, language)
        say = context.say
        yield PersonPage(
            "managers",
            reader,
            preparation.title(context),
            (
                render_cover(preparation.opening(context)),
                render_section(
                    "complete", say(msg("To complete")), preparation.to_complete(context)
                ),
                render_section(
                    "pattern", say(msg("Your own pattern")), preparation.own_pattern(context)
                ),
            ),
        )
