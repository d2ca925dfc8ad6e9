"""Part 12: the session in minutes, each with its reason; turns; parking lot; SMART round."""

from __future__ import annotations

from itertools import accumulate

from pipeline.agenda.turns import turn_order
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import (
    Block,
    Bullets,
    Column,
    Drawing,
    Note,
    Part,
    Table,
    Text,
    WriteLines,
)
from pipeline.pack.context import Context
from pipeline.pack.marks import timeline
from pipeline.pack.sections import prompts
from pipeline.pack.wording import AGENDA_ITEMS

_TONES = {
    "opening": "c", "anchor": "b", "outliers": "a", "conversation": "a", "break": "d", "quiet": "b",
    "smart": "c",
}  # fmt: skip
MOST_TURNS = 12


def build(context: Context) -> list[Block]:
    """Make the agenda."""
    say = context.say
    if context.is_organisation:
        return [Note(say(msg("The agenda is in the session's pack.")))]
    words = [
        say(AGENDA_ITEMS[item.kind]) if item.kind in AGENDA_ITEMS else item.kind
        for item in context.plan.items
    ]
    smart = Text(
        say(
            msg(
                "Everybody names one goal aloud: specific, measurable, with a date."
                " Write it down before leaving."
            )
        )
    )
    lines = WriteLines(say(msg("Who, what, by when, how it shows")), 4)
    return [
        Text(_opening(context)),
        *minutes(context, words),
        *turns(
            context,
            say(
                msg(
                    "Drawn by lot, the same for everybody; start each case with the next"
                    " person. The person who rated speaks last."
                )
            ),
        ),
        *prompts.of_session(context),
        Part(say(msg("SMART round")), (smart, lines)),
        parking_lot(context),
    ]


def minutes(context: Context, words: list[str]) -> list[Block]:
    """Show the parts of the session, each with its name, in a line and in a table."""
    say, write, items = context.say, context.language.number, context.plan.items
    alt = "; ".join(
        word + ": " + say(msgn("{n} minute", "{n} minutes", round(item.minutes)))
        for word, item in zip(words, items, strict=True)
    )
    line = [
        (word, item.minutes, _TONES.get(item.kind, "d"))
        for word, item in zip(words, items, strict=True)
    ]
    starts = accumulate((item.minutes for item in items), initial=0.0)
    rows = tuple(
        (word, write(at, 0), write(item.minutes, 0), say(item.reason))
        for word, at, item in zip(words, starts, items, strict=False)
    )
    return [
        Drawing(timeline(line, alt)),
        Table(
            say(msg("The session in minutes")),
            (
                Column(say(msg("Part"))),
                Column(say(msg("Starts at minute")), numeric=True),
                Column(say(msg("Minutes")), numeric=True),
                Column(say(msg("Why")), wide=True),
            ),
            rows,
        ),
    ]


def parking_lot(context: Context) -> Part:
    """Leave lines for what has to wait."""
    text = msg("Off-topic or unanswered: write it here, with an owner and a date.")
    return Part(context.say(msg("Parking lot")), (WriteLines(context.say(text), 4),))


def _opening(context: Context) -> str:
    plan = context.plan
    text = context.say(msgn("{n} minute in total.", "{n} minutes in total.", plan.minutes))
    if plan.n_sessions > 1:
        text += " " + context.say(
            msg(
                "All cases together need {n} sessions; this is the first. Do not shorten the time"
                " per person to fit.",
                n=plan.n_sessions,
            )
        )
    return text


def turns(context: Context, rule: str) -> list[Block]:
    """Show who speaks first, second and so on, with the rule for it."""
    order = turn_order(context.data)
    if not 2 <= len(order) <= MOST_TURNS:
        return []
    names = Bullets(tuple(context.person(one) for one in order), ordered=True)
    return [Part(context.say(msg("Order of turns")), (names, Text(rule)))]
