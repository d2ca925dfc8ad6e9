"""Part 12: the session in minutes, each with its reason; turns; parking lot; SMART round."""

from __future__ import annotations

import hashlib

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

_TONES = {"opening": "c", "anchor": "b", "outliers": "a", "break": "d", "quiet": "b", "smart": "c"}
MOST_TURNS = 12


def build(context: Context) -> list[Block]:
    """Make the agenda."""
    say, plan = context.say, context.plan
    if context.is_organisation:
        return [Note(say(msg("The agenda is in the session's pack.")))]
    blocks: list[Block] = [Text(_opening(context))]
    words = [
        (say(AGENDA_ITEMS[item.kind]) if item.kind in AGENDA_ITEMS else item.kind, item)
        for item in plan.items
    ]
    write = context.language.number
    alt = "; ".join(
        word + ": " + say(msgn("{n} minute", "{n} minutes", round(item.minutes)))
        for word, item in words
    )
    blocks.append(
        Drawing(
            timeline(
                [(word, item.minutes, _TONES.get(item.kind, "d")) for word, item in words], alt
            )
        )
    )
    rows, at = [], 0.0
    for word, item in words:
        rows.append(
            (
                word,
                write(at, 0),
                write(item.minutes, 0),
                say(item.reason),
            )
        )
        at += item.minutes
    blocks.append(
        Table(
            say(msg("The session in minutes")),
            (
                Column(say(msg("Part"))),
                Column(say(msg("Starts at minute")), numeric=True),
                Column(say(msg("Minutes")), numeric=True),
                Column(say(msg("Why")), wide=True),
            ),
            tuple(rows),
        )
    )
    blocks += _turns(context)
    blocks += prompts.of_session(context)
    blocks.append(
        Part(
            say(msg("SMART round")),
            (
                Text(
                    say(
                        msg(
                            "Everybody names one goal aloud: specific, measurable, with a date."
                            " Write it down before leaving."
                        )
                    )
                ),
                WriteLines(say(msg("Who, what, by when, how it shows")), 4),
            ),
        )
    )
    blocks.append(
        Part(
            say(msg("Parking lot")),
            (
                WriteLines(
                    say(msg("Off-topic or unanswered: write it here, with an owner and a date.")), 4
                ),
            ),
        )
    )
    return blocks


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


def turn_order(context: Context) -> list[str]:
    """Return who speaks first, second and so on: fixed per session, by nobody's choice.

    The facilitator and the process guard take no turn.
    """
    session = context.session
    aside = {session.facilitator_id, session.process_guard_id}
    rows = context.data.participants
    rows = rows[~rows["role"].isin(["facilitator", "process_guard", "observer"])]
    people = set(rows["person_id"]) or set(context.data.ratings["rater_id"])
    if len(people - aside) > MOST_TURNS:
        return []

    def key(person: str) -> str:
        return hashlib.sha256(f"{session.session_id}\n{person}".encode()).hexdigest()

    return sorted(people - aside, key=key)


def _turns(context: Context) -> list[Block]:
    order = turn_order(context)
    if len(order) < 2:
        return []
    return [
        Part(
            context.say(msg("Order of turns")),
            (
                Bullets(tuple(context.person(one) for one in order), ordered=True),
                Text(
                    context.say(
                        msg(
                            "Drawn by lot, the same for everybody; start each case with the next"
                            " person. The person who rated speaks last."
                        )
                    )
                ),
            ),
        )
    ]
