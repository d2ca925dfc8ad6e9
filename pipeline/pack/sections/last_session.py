"""Part 3: what the last session agreed: open actions first, then the norms."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.errors import msg
from pipeline.pack.blocks import Block, Cell, Column, Note, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.wording import ACTION_KINDS, STATES, shorten

_FIRST = {"open": 0, "done": 1, "dropped": 2}


def build(context: Context) -> list[Block]:
    """Make the part about the last session."""
    say, last = context.say, context.data.last_session
    if last is None:
        return [
            Text(say(msg("This is the first session of this department that the workbench knows.")))
        ]
    when = context.date(last.held_on) if last.held_on else last.cycle
    blocks: list[Block] = [
        Text(say(msg("The last session was held on {when}.", when=when)))
        if last.held_on
        else Text(say(msg("The last session belonged to cycle {when}.", when=when)))
    ]
    actions, norms = context.data.last_actions, context.data.last_norms
    if len(actions):
        blocks.append(_actions(context, actions))
    elif context.is_organisation:
        blocks.append(Note(say(msg("Actions have an owner by name and are not shown here."))))
    else:
        blocks.append(Note(say(msg("No actions of the last session were recorded."))))
    if len(norms):
        blocks.append(_norms(context, norms))
    else:
        blocks.append(Note(say(msg("No norms of the last session were recorded."))))
    return blocks


def _actions(context: Context, actions: pd.DataFrame) -> Table:
    say = context.say
    rows = actions.assign(status=actions["status"].fillna("open"))
    rows = rows.assign(order=rows["status"].map(_FIRST)).sort_values(
        ["order", "due_on", "text"], kind="stable"
    )
    return Table(
        say(msg("Actions of the last session")),
        (
            Column(say(msg("Action")), wide=True),
            Column(say(msg("Owner"))),
            Column(say(msg("Due"))),
            Column(say(msg("State"))),
        ),
        tuple(
            (
                Cell(shorten(str(row["text"])), under=_under(context, row)),
                context.person(row["owner_id"]),
                context.date(row["due_on"], "medium"),
                Cell(_state(context, row), strong=row["status"] == "open"),
            )
            for row in rows.to_dict("records")
        ),
    )


def _under(context: Context, row: dict[str, object]) -> str:
    kind = ACTION_KINDS.get(str(row["kind"]))
    words = [context.say(kind)] if kind else []
    if isinstance(row["measure"], str):
        words.append(shorten(row["measure"], 200))
    return " · ".join(words)


def _state(context: Context, row: dict[str, object]) -> str:
    held = context.session.held_on or (context.data.loaded_at or dt.datetime.min).date()
    due = row["due_on"]
    if row["status"] == "open" and isinstance(due, pd.Timestamp) and due.date() < held:
        return context.say(msg("open, past its date"))
    return context.say(STATES.get(str(row["status"]), STATES["open"]))


def _norms(context: Context, norms: pd.DataFrame) -> Table:
    say = context.say
    return Table(
        say(msg("Norms agreed in the last session")),
        (
            Column(say(msg("Criterion"))),
            Column(say(msg("Level"))),
            Column(say(msg("Norm")), wide=True),
        ),
        tuple(
            (
                context.criterion(row["criterion_id"]),
                row["job_level"] if isinstance(row["job_level"], str) else say(msg("all")),
                shorten(str(row["text"])),
            )
            for row in norms.to_dict("records")
        ),
    )
