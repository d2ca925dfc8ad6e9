"""Part 10: what was put off, and objections that remain: who takes them up, by when."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Cell, Column, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.wording import shorten


def build(context: FollowUpContext) -> list[Block]:
    """Make the part about parked items and objections."""
    say = context.say
    if context.is_organisation:
        return [Note(say(msg("Parked items and objections may name people; not shown here.")))]
    return [
        Part(say(msg("Parked items")), tuple(_items(context))),
        Part(say(msg("Parked decisions")), tuple(_decisions(context))),
        Part(say(msg("Objections that remain")), tuple(_dissent(context))),
    ]


def _items(context: FollowUpContext) -> list[Block]:
    say, parked = context.say, context.outcome.parked
    if parked.empty:
        return [Text(say(msg("No items were parked.")))]
    nobody = say(msg("nobody named"))
    rows = tuple(
        (
            shorten(row["text"]) if isinstance(row["text"], str) else say(msg("withheld")),
            context.person(row["owner_id"]) if isinstance(row["owner_id"], str) else nobody,
            context.day(row["due_on"]),
        )
        for row in parked.sort_values(["due_on", "text"]).to_dict("records")
    )
    columns = (
        Column(say(msg("Item")), wide=True),
        Column(say(msg("Who takes it up"))),
        Column(say(msg("By when"))),
    )
    return [Table(say(msg("Parked items, by date")), columns, rows)]


def _decisions(context: FollowUpContext) -> list[Block]:
    say = context.say
    found = context.decided[context.decided["outcome"].eq("parked")]
    if found.empty:
        return [Text(say(msg("No decision was parked.")))]
    lead = msgn(
        "{n} decision was parked. The score stays as it was until somebody decides.",
        "{n} decisions were parked. The scores stay as they were until somebody decides.",
        len(found),
    )
    rows = tuple(
        (
            Cell(context.about(row), under=context.on_criterion(row["criterion_id"])),
            context.told(row["argument"]) or say(msg("withheld")),
            context.person(row["manager_id"]),
        )
        for row in found.sort_values(["subject", "criterion_id"]).to_dict("records")
    )
    columns = (
        Column(say(msg("Who or what"))),
        Column(say(msg("Why")), wide=True),
        Column(say(msg("Own manager"))),
    )
    due = say(msg("Who decides, and by when, is in the parked items above; without one: ask."))
    return [Text(say(lead)), Table(say(msg("Decisions put off")), columns, rows, note=due)]


def _dissent(context: FollowUpContext) -> list[Block]:
    say = context.say
    found = context.decided[context.decided["dissent"].notna()]
    if found.empty:
        return [Text(say(msg("No objection was recorded.")))]
    rows = tuple(
        (
            Cell(context.about(row), under=context.on_criterion(row["criterion_id"])),
            context.told(row["dissent"]),
            context.person(row["decided_by"]),
        )
        for row in found.sort_values(["subject", "criterion_id"]).to_dict("records")
    )
    columns = (
        Column(say(msg("Who or what"))),
        Column(say(msg("Objection")), wide=True),
        Column(say(msg("Decided by"))),
    )
    facilitator = context.session.facilitator_id
    asks = (
        msg(
            "An objection has no owner of its own: {name} asks at the next session whether it"
            " stands.",
            name=context.person(facilitator),
        )
        if facilitator
        else msg("An objection has no owner of its own: name somebody who asks whether it stands.")
    )
    return [Table(say(msg("Objections")), columns, rows, note=say(asks))]
