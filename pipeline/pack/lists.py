"""The preparation lists of a session: one page per manager, for that manager alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.agenda import plan_agenda
from pipeline.errors import msg
from pipeline.locale import Language
from pipeline.pack.context import Context
from pipeline.pack.page import LISTS_MIME, Section, render_cover, render_section
from pipeline.pack.sections import preparation
from pipeline.privacy import View, preparing
from pipeline.privacy import preparation as cut_for
from pipeline.settings import Settings
from pipeline.store import SessionData

MOST_READERS = 60
"""With more raters than this nobody sits around a table to prepare for, and no lists are made."""


@dataclass(frozen=True)
class PreparationList:
    """One manager's list.

    Attributes
    ----------
    reader_id
        The manager.
    title
        Title of the page.
    sections
        Its parts, ready to be shown.
    """

    reader_id: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class PreparationLists:
    """The lists of a session; in a notebook they tell how many there are, and travel along."""

    lists: tuple[PreparationList, ...]
    language: Language

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        count = self.language.say(msg("Preparation lists: {n}.", n=len(self.lists)))
        pages = [
            {
                "reader": one.reader_id,
                "title": one.title,
                "sections": [[s.anchor, s.title, str(s.html)] for s in one.sections],
            }
            for one in self.lists
        ]
        return {
            "text/plain": count,
            "text/html": str(Markup("<p>{}</p>").format(count)),
            LISTS_MIME: pages,
        }


def make_lists(
    data: SessionData, room: View, settings: Settings, language: Language
) -> PreparationLists:
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
    return PreparationLists(tuple(_lists(data, room, settings, language)), language)


def _lists(
    data: SessionData, room: View, settings: Settings, language: Language
) -> Iterator[PreparationList]:
    if data.ratings["rater_id"].nunique() > MOST_READERS:
        return
    for reader in preparing(data):
        view = cut_for(data, settings, reader, room.analysis)
        context = Context(view, plan_agenda(view.analysis, settings), settings, language)
        say = context.say
        yield PreparationList(
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
