"""Part 3: what came of the last session: what is done first, then what it changed and agreed."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Cell, Column, Facts, Note, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.sections import norms
from pipeline.pack.wording import ACTION_KINDS, shorten

_STATES = {
    "late": msg("open, past its date"),
    "open": msg("open"),
    "done": msg("done"),
    "dropped": msg("dropped"),
}
"""States of an action on the day of this session, those that ask for something first."""


def build(context: Context) -> list[Block]:
    """Make the part about the last session."""
    say, last = context.say, context.data.last_session
    if last is None:
        return [
            Text(
                say(msg("This is the first session of this department that the workbench knows."))
            ),
            *norms.library(context),
        ]
    when = context.date(last.held_on) if last.held_on else last.cycle
    blocks: list[Block] = [
        Text(say(msg("The last session was held on {when}.", when=when)))
        if last.held_on
        else Text(say(msg("The last session belonged to cycle {when}.", when=when)))
    ]
    if context.is_organisation:
        blocks.append(Note(say(msg("Actions have an owner by name and are not shown here."))))
    else:
        blocks += _agreed(context)
        blocks += _parked(context)
        blocks += _changed(context)
    return [
        *blocks,
        *norms.last(context),
        *norms.over_cycles(context),
        *norms.library(context),
    ]


# what was agreed -----------------------------------------------------------------------------


def _agreed(context: Context) -> list[Block]:
    """Count what was agreed, then list it; agreements between two people are counted only."""
    say, actions = context.say, context.data.last_actions
    if actions.empty:
        return [Note(say(msg("No actions of the last session were recorded.")))]
    rows = actions.assign(
        state=[_state(context, row) for row in actions.to_dict("records")],
        kind=actions["kind"].astype("str"),
    )
    blocks: list[Block] = [_counts(context, rows)]
    goals, agreements = rows["kind"].eq("smart_goal"), rows["kind"].eq("agreement")
    blocks += _listed(context, rows[~goals & ~agreements], say(msg("Actions of the last session")))
    blocks += _listed(context, rows[goals], say(msg("SMART goals of the last session")))
    if agreements.any():
        n = rows.loc[agreements, "state"].value_counts()
        counted = msgn(
            "Among these is {n} agreement ({done} done, {late} past its date). Agreements are"
            " between the people they are about, so they are counted and not listed.",
            "Among these are {n} agreements ({done} done, {late} past their date). Agreements are"
            " between the people they are about, so they are counted and not listed.",
            int(agreements.sum()),
            done=int(n.get("done", 0)),
            late=int(n.get("late", 0)),
        )
        blocks.append(Text(say(counted)))
    return blocks


def _counts(context: Context, rows: pd.DataFrame) -> Facts:
    n = rows["state"].value_counts()
    whole = context.language.whole
    names = {"done": msg("done"), "late": msg("past their date"), "open": msg("still open")}
    if "dropped" in n:
        names["dropped"] = msg("dropped")
    found = tuple((context.say(name), whole(int(n.get(state, 0)))) for state, name in names.items())
    return Facts(found, look="numbers")


def _listed(context: Context, rows: pd.DataFrame, title: str) -> list[Block]:
    if rows.empty:
        return []
    say, order = context.say, {state: i for i, state in enumerate(_STATES)}
    rows = rows.assign(order=rows["state"].map(order))
    rows = rows.sort_values(["order", "due_on", "text"], kind="stable")
    table = Table(
        title,
        (
            Column(say(msg("Action")), wide=True),
            Column(say(msg("Owner"))),
            Column(say(msg("Due"))),
            Column(say(msg("State"))),
        ),
        tuple(
            (
                Cell(_text(context, row["text"]), under=_under(context, row)),
                context.person(row["owner_id"]),
                context.date(row["due_on"], "medium"),
                Cell(say(_STATES[row["state"]]), strong=row["state"] in ("late", "open")),
            )
            for row in rows.to_dict("records")
        ),
    )
    return [table]


def _under(context: Context, row: dict[str, object]) -> str:
    kind = ACTION_KINDS.get(str(row["kind"]))
    words = [context.say(kind)] if kind and row["kind"] != "smart_goal" else []
    if isinstance(row["measure"], str):
        words.append(shorten(row["measure"], 200))
    return " · ".join(words)


def _state(context: Context, row: dict[str, object]) -> str:
    state = str(row["status"]) if row["status"] in _STATES else "open"
    return "late" if state == "open" and _is_past(context, row["due_on"]) else state


def _is_past(context: Context, due: object) -> bool:
    """Whether a date lies before this session."""
    held = context.session.held_on or (context.data.loaded_at or dt.datetime.min).date()
    return isinstance(due, pd.Timestamp) and due is not pd.NaT and due.date() < held


def _text(context: Context, text: object) -> str:
    return shorten(text) if isinstance(text, str) else context.say(msg("withheld"))


# what was put off ----------------------------------------------------------------------------


def _parked(context: Context) -> list[Block]:
    """List what was parked, and what is known of what became of it."""
    say, items = context.say, context.data.last_parked
    if items.empty:
        return []
    actions = context.data.last_actions
    taken_up = {
        _same(row["text"]): _state(context, row)
        for row in actions[actions["text"].notna()].to_dict("records")
    }
    rows = []
    for row in items.to_dict("records"):
        state = taken_up.get(_same(row["text"]))
        if state is not None:
            became = say(msg("became an action: {state}", state=say(_STATES[state])))
        elif _is_past(context, row["due_on"]):
            became = say(msg("nothing recorded, past its date: ask"))
        else:
            became = say(msg("nothing recorded: ask"))
        rows.append(
            (
                _text(context, row["text"]),
                context.person(row["owner_id"]),
                context.date(row["due_on"], "medium"),
                Cell(became, strong=state is None),
            )
        )
    return [
        Table(
            say(msg("Parked in the last session, and what became of it")),
            (
                Column(say(msg("Item")), wide=True),
                Column(say(msg("Who takes it up"))),
                Column(say(msg("Before"))),
                Column(say(msg("What became of it"))),
            ),
            tuple(rows),
        )
    ]


def _same(text: object) -> str:
    return " ".join(str(text).casefold().split())


# what it changed -----------------------------------------------------------------------------


def _changed(context: Context) -> list[Block]:
    """Count what the last session decided on who is shown in this pack."""
    say, last, every = context.say, context.data.last_session, context.data.past_decisions
    rows = every[every["session_id"].eq(last.session_id)] if last else every.iloc[:0]
    if rows.empty:
        return [Note(say(msg("No decisions of the last session were recorded.")))]
    up = rows["score_after"].gt(rows["score_before"]) & rows["outcome"].eq("adjusted")
    down = rows["score_after"].lt(rows["score_before"]) & rows["outcome"].eq("adjusted")
    counts = (
        (msg("raised"), up),
        (msg("lowered"), down),
        (msg("upheld"), rows["outcome"].eq("upheld")),
        (msg("parked"), rows["outcome"].eq("parked")),
    )
    numbers = tuple((say(name), context.language.whole(int(holds.sum()))) for name, holds in counts)
    note = say(
        msg(
            "Decisions on scores, of the people that this pack is about. A change is no correction"
            " of a rater, and more or fewer changes are not better."
        )
    )
    title = say(msg("What the last session decided"))
    return [Part(title, (Facts(numbers, look="numbers"), Text(note)))]
