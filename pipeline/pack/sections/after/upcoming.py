"""Part 11: the next session, the moments of the cycle that are left, and open dates."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Column, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.moments import Moment, moments
from pipeline.pack.wording import shorten

MOST_DATES = 40


def build(context: FollowUpContext) -> list[Block]:
    """Make the part about what comes."""
    blocks = [_next_session(context), *_moments(context)]
    if not context.is_organisation:
        blocks += [*_check_ins(context), *_dates(context)]
    return blocks


def _next_session(context: FollowUpContext) -> Block:
    say, following = context.say, context.outcome.next_session
    if following is None:
        none = msg(
            "No next session is planned. One session a year aligns nothing for long: plan the next"
            " one, and add it to the sessions table."
        )
        return Note(say(none), tone="warning")
    day = context.date(following.held_on) if following.held_on else say(msg("date unknown"))
    text = msg("The next session is that of cycle {cycle}: {day}.", cycle=following.cycle, day=day)
    return Text(say(text), lead=True)


def _moments(context: FollowUpContext) -> list[Block]:
    """Show the moments of the cycle that come after the session."""
    say, cycle = context.say, context.data.cycle
    title = say(msg("Moments of the cycle"))
    told = moments(cycle["moments"].iloc[0]) if len(cycle) else ()
    if not told:
        none = msg("The cycle has no moments in the data; cycles.moments would show them here.")
        return [Part(title, (Text(say(none)),))]
    left = [one for one in told if _comes_after(one, context.held_on)]
    if not left:
        none = msg("No moments of cycle {cycle} are left.", cycle=context.session.cycle)
        return [Part(title, (Text(say(none)),))]
    columns = (
        Column(say(msg("When"))), Column(say(msg("What"))), Column(say(msg("Why")), wide=True)
    )  # fmt: skip
    body = tuple((one.when(context.language), one.what, one.why) for one in left)
    return [Part(title, (Table(say(msg("Moments that are left")), columns, body, dense=True),))]


def _comes_after(moment: Moment, held_on: dt.date | None) -> bool:
    """Tell whether a moment comes after the session; one without a date is kept."""
    return held_on is None or moment.first is None or moment.first > held_on


def _check_ins(context: FollowUpContext) -> list[Block]:
    say, evidence = context.say, context.outcome.later_evidence
    since = evidence[evidence["kind"].eq("check-in")]
    if context.held_on is not None:
        since = since[since["dated_on"].dt.date > context.held_on]
    n = int(since["employee_id"].nunique())
    title = say(msg("Check-ins since the session"))
    if not n:
        none = msg("No check-in since the session was recorded yet.")
        return [Part(title, (Text(say(none)),))]
    text = msgn(
        "{n} person had a check-in that was recorded.",
        "{n} people had a check-in that was recorded.",
        n,
    )
    return [Part(title, (Text(say(text)),))]


def _dates(context: FollowUpContext) -> list[Block]:
    """List what is open by date: actions, parked items, the last day for conversations."""
    say = context.say
    rows: list[tuple[dt.date, str, str]] = []
    for row in context.open_actions.to_dict("records"):
        if not pd.isna(row["due_on"]):
            text = context.told(row["text"]) or say(msg("withheld"))
            rows.append((row["due_on"].date(), text, context.person(row["owner_id"])))
    for row in context.outcome.parked.to_dict("records"):
        if not pd.isna(row["due_on"]):
            item = context.told(row["text"]) or say(msg("withheld"))
            owner = context.person(row["owner_id"])
            rows.append((row["due_on"].date(), say(msg("Parked: {what}", what=item)), owner))
    last: dict[tuple[dt.date, str], int] = {}
    for talk in context.talks:
        if talk.before is not None:
            key = (talk.before, talk.manager_id or "")
            last[key] = last.get(key, 0) + 1
    for (day, manager), n in last.items():
        text = say(msgn("Last day for {n} conversation", "Last day for {n} conversations", n))
        rows.append((day, text, context.person(manager or None)))
    title = say(msg("Open dates"))
    if not rows:
        return [Part(title, (Text(say(msg("Nothing that is open has a date."))),))]
    rows.sort()
    note = ""
    if len(rows) > MOST_DATES:
        note = say(msg("The first {n} of {total}.", n=MOST_DATES, total=len(rows)))
    columns = (
        Column(say(msg("Date"))), Column(say(msg("What")), wide=True), Column(say(msg("Who")))
    )  # fmt: skip
    body = tuple(
        (context.day(day), shorten(text, 160), who) for day, text, who in rows[:MOST_DATES]
    )
    return [Part(title, (Table(say(msg("What is open, by date")), columns, body, note=note),))]
