"""Part 12: until when each artefact of the session is kept."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.pack.blocks import Block, Column, Note, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext

LOCK, SESSION, CYCLE = msg("the lock"), msg("the session"), msg("the end of the cycle")
ARTEFACTS: tuple[tuple[str, Message, Message], ...] = (
    ("calibration_pack", msg("Pack before the session"), LOCK),
    ("decision_form", msg("Filled-in decision form"), LOCK),
    ("preparation", msg("Preparation lists of managers"), LOCK),
    ("follow_up_pack", msg("This pack"), SESSION),
    ("rater_sheet", msg("Private sheets of raters"), SESSION),
    ("card", msg("Conversation cards"), CYCLE),
    ("decision_register", msg("Texts of the decision register"), CYCLE),
)
"""Name of the setting, what it is, from when it counts."""


def build(context: FollowUpContext) -> list[Block]:
    """Make the table of retention dates."""
    say, kept = context.say, context.settings.retention
    blocks: list[Block] = []
    if "retention" not in context.settings.model_fields_set:
        proposal = msg(
            "A proposal until your own policy is in workbench.toml, under [retention]: fewer months"
            " are better for privacy, but an objection must still be answered."
        )
        blocks.append(Note(say(proposal)))
    days = {
        LOCK.text: context.outcome.locked_at,
        SESSION.text: context.held_on,
        CYCLE.text: _cycle_end(context),
    }
    rows = []
    for name, what, since in ARTEFACTS:
        if name == "card" and context.is_conversation:
            continue
        months = int(getattr(kept, name))
        day = days[since.text]
        rows.append(
            (
                say(what),
                say(
                    msgn("{n} month after {since}", "{n} months after {since}", months, since=since)
                ),
                context.date(_later(day, months)) if day else say(_unknown(since)),
            )
        )
    columns = (
        Column(say(msg("What"))), Column(say(msg("Kept"))), Column(say(msg("Until")))
    )  # fmt: skip
    note = msg(
        "Nothing is removed by this pack. Remove files on their date, also where they were sent."
    )
    return [
        *blocks,
        Table(say(msg("How long what is kept")), columns, tuple(rows)),
        Text(say(note)),
    ]


def _unknown(since: Message) -> Message:
    if since is LOCK:
        return msg("not locked yet")
    if since is SESSION:
        return msg("the day of the session is unknown")
    return msg("the end of the cycle is unknown")


def _cycle_end(context: FollowUpContext) -> dt.date | None:
    cycle = context.data.cycle
    if cycle.empty or pd.isna(cycle["ends_on"].iloc[0]):
        return None
    day: dt.date = pd.Timestamp(cycle["ends_on"].iloc[0]).date()
    return day


def _later(day: dt.date, months: int) -> dt.date:
    made: dt.date = (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
    return made
