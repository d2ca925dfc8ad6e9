"""A sheet to print for everybody who gives feedback: lines per conversation, and the rules."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Note, Part, Text, WriteLines
from pipeline.pack.context import Context
from pipeline.pack.sections.listening import MOST_CARDS, listed
from pipeline.privacy import Audience

MOST = 2
"""Compliments, and recommendations, in one turn."""
FREE_SHEETS = 3

RULES_OF_FEEDBACK = (
    msg("At most two compliments and two recommendations a turn."),
    msg("With every recommendation comes a compliment."),
    msg("Name the moment: “when the customer said …, you said …, and then …”."),
    msg("Somebody said it already? Then it is clear; take another point or pass."),
    msg("Who receives asks questions and does not debate."),
)


def build(context: Context) -> list[Block]:
    """Make the feedback sheet."""
    say = context.say
    if context.view.audience is not Audience.ROOM:
        return [Note(say(msg("The feedback sheet is in the session's pack.")))]
    first = listed(context)[:MOST_CARDS]
    titles = [context.subject(case.subject_id, case.employee_id) for case in first]
    if not titles:
        titles = [say(msg("Conversation {number}", number=i + 1)) for i in range(FREE_SHEETS)]
    return [
        Text(say(msg("Print this part once for everybody who gives feedback."))),
        Bullets(tuple(say(one) for one in RULES_OF_FEEDBACK)),
        *(Part(title, _lines(context)) for title in titles),
    ]


def _lines(context: Context) -> tuple[WriteLines, WriteLines]:
    say = context.say
    return (
        WriteLines(say(msgn("{n} compliment", "{n} compliments", MOST)), MOST),
        WriteLines(say(msgn("{n} recommendation", "{n} recommendations", MOST)), MOST),
    )
