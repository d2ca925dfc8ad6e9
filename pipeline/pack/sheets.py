"""The private sheets of a session: one page per rater, for that rater alone."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.agenda import plan_agenda
from pipeline.errors import msg
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.lists import MOST_READERS
from pipeline.pack.page import render_cover, render_section
from pipeline.pack.person_pages import PersonPage, PersonPages
from pipeline.pack.sections import preparation
from pipeline.pack.sections.after import own_sheet
from pipeline.privacy import preparing, rater_outcome
from pipeline.store import SessionOutcome


def make_sheets(outcome: SessionOutcome, room: FollowUpContext) -> PersonPages:
    """Make the sheet of every rater.

    Parameters
    ----------
    outcome
        What the session decided, whole.
    room
        The room's follow-up, from which each reader gets the own pattern only.
    """
    return PersonPages(tuple(_sheets(outcome, room)), room.language)


def _sheets(outcome: SessionOutcome, room: FollowUpContext) -> Iterator[PersonPage]:
    data, settings, say = outcome.data, room.settings, room.say
    if data.ratings["rater_id"].nunique() > MOST_READERS:
        return
    for reader in preparing(data):
        own = rater_outcome(outcome, settings, reader, room.analysis)
        plan = plan_agenda(own.before.analysis, settings)
        context = FollowUpContext(own.before, plan, settings, room.language, room.after)
        yield PersonPage(
            "raters",
            reader,
            own_sheet.title(context),
            (
                render_cover(own_sheet.opening(context)),
                render_section(
                    "changes",
                    say(msg("What the session decided")),
                    own_sheet.changes(context, own),
                ),
                render_section(
                    "pattern", say(msg("Your own pattern")), preparation.own_pattern(context)
                ),
                render_section(
                    "goals", say(msg("Your goal and actions")), own_sheet.goals(context, own)
                ),
            ),
        )
