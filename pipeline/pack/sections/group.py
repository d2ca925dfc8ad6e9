"""Who sits at the table: how many, alike or mixed, in which roles, with which goals."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from pipeline.agenda.turns import turn_order
from pipeline.errors import msg, msgn
from pipeline.methods.conversation import EXPERT
from pipeline.pack.blocks import Block, Bullets, Column, Note, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.wording import shorten
from pipeline.privacy import Audience

_ROLES = (
    (
        "facilitator",
        msg("Facilitator"),
        msg("Opens, asks for the moment behind a score, sums up the norm. Neutral."),
    ),
    (
        "guard",
        msg("Process guard"),
        msg(
            "Keeps time and turns, stops repeats, parks what is off the theme. A team manager or"
            " coach, who gives no feedback here."
        ),
    ),
    ("expert", msg("Expert"), msg("Speaks last, so that the others do not follow.")),
    (
        "gives",
        msg("Gives feedback"),
        msg("Two compliments and two recommendations a turn at most, each with a moment."),
    ),
    ("receives", msg("Receives feedback"), msg("Listens, asks, writes down. Does not debate.")),
)
"""Name, role, what it does."""


def build(context: Context) -> list[Block]:
    """Make the part about the group."""
    say = context.say
    if context.view.audience is not Audience.ROOM:
        return [Note(say(msg("Who takes part is in the session's pack.")))]
    return [
        *_size(context),
        Part(say(msg("Alike or mixed")), (Bullets(tuple(_mix(context))),)),
        Part(say(msg("Roles")), (*_guard(context), _roles(context))),
        Part(say(msg("Personal goals")), tuple(_goals(context))),
    ]


def _size(context: Context) -> list[Block]:
    say, n = context.say, len(turn_order(context.data))
    most = context.settings.session.most_participants
    if context.data.participants.empty:
        text = msgn(
            "No participants are recorded. Below, the {n} rater who scored stands for the group.",
            "No participants are recorded. Below, the {n} raters who scored stand for the group.",
            n,
        )
        return [Note(say(text), tone="warning")]
    texts = [
        say(msgn("{n} person takes a turn on each conversation.",
                 "{n} people take a turn on each conversation.", n))
    ]  # fmt: skip
    everybody = len(context.data.participants)
    if everybody > most:
        split = msg(
            "With {n} people in the room, above {most}, not everybody gets a turn: make two"
            " groups.",
            n=everybody,
            most=most,
        )
        return [Text(texts[0], lead=True), Note(say(split), tone="warning")]
    texts.append(say(msg("At most {most} people fit in a session.", most=most)))
    return [Text(" ".join(texts), lead=True)]


def _mix(context: Context) -> list[str]:
    """Say what levels tell of the group, and what no data tell."""
    say, people = context.say, turn_order(context.data)
    known = context.data.people.drop_duplicates("employee_id").set_index("employee_id")
    levels = [
        str(known.at[one, "job_level"])
        for one in people
        if one in known.index and pd.notna(known.at[one, "job_level"])
    ]
    counts = sorted(Counter(levels).items())
    found = []
    if len(levels) < len(people):
        found.append(
            say(
                msgn(
                    "Of {n} person the job level is not known.",
                    "Of {n} people the job level is not known.",
                    len(people) - len(levels),
                )
            )
        )
    if len(counts) == 1 and len(levels) > 1:
        alike = msg(
            "Everybody whose level is known has level {level}: alike. People recognise each"
            " other's pitfalls quickly; bring in another view on purpose.",
            level=counts[0][0],
        )
        found.append(say(alike))
    elif len(counts) > 1:
        parts = [say(msg("{n} of level {level}", n=n, level=level)) for level, n in counts]
        mixed = msg(
            "Mixed by level: {parts}. Different skills and pitfalls meet; let people learn from"
            " each other.",
            parts=context.language.join(parts),
        )
        found.append(say(mixed))
    skill = msg(
        "Skill, experience and who finds resistance difficult are in no table. Alike helps to"
        " practise one thing, mixed helps to learn from each other: choose on purpose."
    )
    return [*found, say(skill)]


def _guard(context: Context) -> list[Block]:
    """Check the process guard: named, a leader of people, and without scores or feedback."""
    say, session = context.say, context.session
    guard = session.process_guard_id
    if guard is None:
        text = msg(
            "There is no process guard yet. Name a team manager or coach who keeps time and turns"
            " and gives no feedback."
        )
        return [Note(say(text), tone="warning")]
    name = context.person(guard)
    if guard in set(context.data.ratings["rater_id"]):
        text = msg(
            "{name} is process guard and has scored these conversations. Who guards the process"
            " gives no feedback: leave the scores aside, or choose somebody else.",
            name=name,
        )
        return [Note(say(text), tone="warning")]
    data = context.data
    if guard not in set(data.people["manager_id"]) | set(data.employees["manager_id"]):
        text = msg(
            "The data do not tell whether {name} is a team manager or coach, which a process guard"
            " has to be.",
            name=name,
        )
        return [Note(say(text))]
    return []


def _roles(context: Context) -> Table:
    say, session, ratings = context.say, context.session, context.data.ratings
    experts = sorted(set(ratings.loc[ratings["rater_role"].eq(EXPERT), "rater_id"]))
    who = {
        "expert": context.language.join([context.person(one) for one in experts]),
        "facilitator": context.person(session.facilitator_id),
        "guard": context.person(session.process_guard_id),
        "gives": say(msg("everybody in turn")),
        "receives": say(msg("whose conversation it was")),
    }
    return Table(
        say(msg("Who does what")),
        (
            Column(say(msg("Role"))),
            Column(say(msg("Who"))),
            Column(say(msg("Does")), wide=True),
        ),
        tuple((say(role), who[name], say(does)) for name, role, does in _ROLES if who[name]),
    )


def _goals(context: Context) -> list[Block]:
    say, people = context.say, turn_order(context.data)
    rows = context.data.participants.drop_duplicates("person_id").set_index("person_id")
    goals = {
        one: shorten(str(rows.at[one, "personal_goal"]), 300)
        for one in people
        if one in rows.index and isinstance(rows.at[one, "personal_goal"], str)
    }
    blocks: list[Block] = []
    n_without = len(people) - len(goals)
    if n_without:
        text = msgn(
            "{n} person has no personal goal yet. Agree on it in a talk before the session.",
            "{n} people have no personal goal yet. Agree on it in a talk before the session.",
            n_without,
        )
        blocks.append(Note(say(text), tone="warning"))
    if goals:
        columns = (Column(say(msg("Who"))), Column(say(msg("Wants to learn")), wide=True))
        table = tuple(
            (context.person(one), goals.get(one, say(msg("not agreed yet")))) for one in people
        )
        blocks.append(Table(say(msg("Personal goals")), columns, table))
    return blocks
