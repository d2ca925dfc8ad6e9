"""What is listened for: the theme or the whole form, its questions with anchors, the rules."""

from __future__ import annotations

from pipeline.errors import msg
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.sections import frame
from pipeline.pack.wording import TABLE_NAMES, shorten

RULES_OF_THE_ROOM = (
    msg("What is said and heard here stays in this group."),
    msg("Respect: nobody laughs, sighs or rolls their eyes. Everybody is here to learn."),
    msg("Who brings a difficult conversation gets a compliment for it, aloud."),
    msg("Everybody gets a turn. Who receives feedback may ask, and does not debate."),
    msg("A score comes with a moment in the conversation: what was said, and what it did."),
    msg("A point that is clear is not repeated; what is off the theme is parked."),
    msg("The aim is one norm, not equal scores."),
)
_BEARING = ("criteria", "sessions", "participants", "actions", "norms")
"""Tables that a conversation session has a use for."""


def build(context: Context) -> list[Block]:
    """Make the part about the form."""
    say, theme = context.say, context.session.theme
    about = (
        msg(
            "Theme: {theme}. Listen for the points below that belong to it; the rest of the form"
            " can wait.",
            theme=shorten(theme, 200),
        )
        if theme
        else msg(
            "No theme was chosen: this is a general measurement with the whole form. Tell the"
            " participants beforehand."
        )
    )
    rules = Bullets(tuple(say(one) for one in RULES_OF_THE_ROOM))
    return [
        Text(say(about), lead=True),
        frame.scale(context),
        *frame.criteria(context),
        Part(say(msg("Ground rules")), (rules,)),
        *_missing(context),
    ]


def _missing(context: Context) -> list[Block]:
    say = context.say
    rows = tuple(
        (Cell(say(TABLE_NAMES[name]), under=name), text)
        for name, text in frame.missing_tables(context)
        if name in _BEARING
    )
    if not rows or context.is_organisation:
        return []
    columns = (Column(say(msg("Table"))), Column(say(msg("Would add")), wide=True))
    table = Table(say(msg("Tables that are missing")), columns, rows)
    return [Part(say(msg("What more data would add")), (table,))]
