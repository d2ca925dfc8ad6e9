"""The minutes of a conversation session, each with its reason; turns; parking lot; SMART round."""

from __future__ import annotations

from pipeline.agenda.turns import turn_order
from pipeline.errors import msg
from pipeline.pack.blocks import Block, Note, Part, Text, WriteLines
from pipeline.pack.context import Context
from pipeline.pack.sections import agenda
from pipeline.pack.sections.listening import listed
from pipeline.pack.wording import AGENDA_ITEMS
from pipeline.privacy import Audience

SHORTEST, LONGEST = 60, 90
"""Minutes of a session: shorter leaves no time for turns, longer tires."""


def build(context: Context) -> list[Block]:
    """Make the time plan."""
    say = context.say
    if context.view.audience is not Audience.ROOM:
        return [Note(say(msg("The agenda is in the session's pack.")))]
    rule = say(
        msg(
            "Drawn by lot, the same for everybody; each conversation starts with the next person."
            " An expert speaks last every time."
        )
    )
    return [
        *(Note(text, tone="warning") for text in warnings(context)),
        *agenda.minutes(context, _words(context)),
        *agenda.turns(context, rule),
        agenda.parking_lot(context),
        _smart(context),
    ]


def warnings(context: Context) -> list[str]:
    """Say where the time does not fit; names nobody."""
    say, minutes, n = context.say, context.plan.minutes, len(listed(context))
    if minutes < SHORTEST:
        text = msg(
            "{minutes} minutes are few: {low} to {high} are usual. Conversations that fit: {n}.",
            minutes=minutes,
            low=SHORTEST,
            high=LONGEST,
            n=n,
        )
        return [say(text)]
    if minutes > LONGEST:
        text = msg(
            "{minutes} minutes are many: {low} to {high} are usual. Consider two sessions.",
            minutes=minutes,
            low=SHORTEST,
            high=LONGEST,
        )
        return [say(text)]
    return []


def _words(context: Context) -> list[str]:
    """Name the parts of the session; conversations by their number."""
    names, number = [], 0
    for item in context.plan.items:
        word = context.say(AGENDA_ITEMS[item.kind])
        if item.kind == "conversation":
            number += 1
            word = context.say(msg("Conversation {number}", number=number))
        names.append(word)
    return names


def _smart(context: Context) -> Part:
    say, people = context.say, turn_order(context.data)
    rule = msg(
        "Everybody leaves with one goal at least and says it aloud: specific, measurable, with a"
        " date. The next session opens with these goals."
    )
    label = say(msg("Who, what, by when, how it shows"))
    lines = (
        [WriteLines(context.person(one), 1) for one in people]
        if len(people) <= agenda.MOST_TURNS
        else [WriteLines(label, agenda.MOST_TURNS)]
    )
    return Part(say(msg("SMART round")), (Text(say(rule)), Text(label), *lines), "smart-round")
