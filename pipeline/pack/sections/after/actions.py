"""Part 6: what was agreed to do, and what each action or goal still lacks."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.methods.smart import Smart
from pipeline.pack.blocks import Block, Cell, Column, Note, Part, Table, Text
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.wording import ACTION_KINDS, NO_VALUE, STATES, shorten

LACKING: dict[str, Message] = {
    "specific": msg("what exactly will be done"),
    "measurable": msg("how it shows that it is done"),
    "dated": msg("a date"),
    "owned": msg("an owner"),
}
_FIRST = {"open": 0, "done": 1, "dropped": 2}


def build(context: FollowUpContext) -> list[Block]:
    """Make the part about actions and goals."""
    say = context.say
    if context.is_organisation:
        return _counts(context)
    actions = context.outcome.actions
    if actions.empty:
        none = msg(
            "No actions or goals were recorded. Everybody leaves a session with one goal at least;"
            " ask for them, and record them in the form."
        )
        return [Note(say(none)), *_without_goal(context)]
    return [
        Text(_lead(context)),
        table_of(context, with_checks(context.after.aftermath.smart, actions)),
        *_without_goal(context),
    ]


def with_checks(smart: object, actions: pd.DataFrame) -> pd.DataFrame:
    """Put beside each action what it lacks, where that was looked at."""
    if isinstance(smart, Smart):
        return smart.actions.loc[smart.actions.index.isin(actions.index)]
    return actions.assign(missing=[()] * len(actions), words=[()] * len(actions))


def _lead(context: FollowUpContext) -> str:
    say, smart = context.say, context.after.aftermath.smart
    n = len(context.outcome.actions)
    lead = say(msgn("{n} action or goal was agreed.", "{n} actions and goals were agreed.", n))
    if not isinstance(smart, Smart):
        return lead
    checked = say(
        msg(
            "Specific, measurable, dated and with an owner: {n} of {total}.",
            n=smart.n_complete,
            total=n,
        )
    )
    return f"{lead} {checked}"


def table_of(context: FollowUpContext, actions: pd.DataFrame, *, with_owner: bool = True) -> Table:
    """List actions, open ones first, with what each lacks."""
    say = context.say
    rows = actions.assign(state=actions["status"].fillna("open"))
    rows = rows.assign(order=rows["state"].map(_FIRST)).sort_values(
        ["order", "due_on", "text"], kind="stable"
    )
    body = []
    for row in rows.to_dict("records"):
        cells = [
            Cell(_text(context, row["text"]), under=_under(context, row)),
            *([context.person(row["owner_id"])] if with_owner else []),
            context.day(row["due_on"]),
            say(STATES[row["state"]]),
            _lacks(context, row),
        ]
        body.append(tuple(cells))
    return Table(
        say(msg("Actions and goals, open ones first")),
        (
            Column(say(msg("Action")), wide=True),
            *([Column(say(msg("Owner")))] if with_owner else []),
            Column(say(msg("Due"))),
            Column(say(msg("State"))),
            Column(say(msg("What is missing"))),
        ),
        tuple(body),
        note=say(
            msg(
                "What is missing follows from words in the text, by fixed lists; it is a question"
                " about the text, not about the person."
            )
        ),
    )


def _text(context: FollowUpContext, text: object) -> str:
    return shorten(text) if isinstance(text, str) else context.say(msg("withheld"))


def _under(context: FollowUpContext, row: Row) -> str:
    kind = ACTION_KINDS.get(str(row["kind"]))
    words = [context.say(kind)] if kind else []
    if isinstance(row["measure"], str):
        words.append(shorten(row["measure"], 200))
    return " · ".join(words)


def _lacks(context: FollowUpContext, row: Row) -> str | Cell:
    say = context.say
    if not isinstance(row["text"], str):
        return NO_VALUE
    missing = [say(LACKING[name]) for name in row["missing"] if name in LACKING]
    if not missing:
        return say(msg("nothing"))
    under = ""
    if row["words"]:
        under = say(msg("everybody reads differently: {words}", words=", ".join(row["words"])))
    return Cell("; ".join(missing), under=under)


def _without_goal(context: FollowUpContext) -> list[Block]:
    """Say which raters left without a SMART goal, and show what each wanted to learn."""
    say, people = context.say, context.data.participants
    actions = context.outcome.actions
    owners = set(actions.loc[actions["kind"].eq("smart_goal"), "owner_id"])
    raters = people[people["role"].eq("rater") & ~people["attended"].eq(False).fillna(False)]
    lacking = [context.person(one) for one in raters["person_id"] if one not in owners]
    blocks: list[Block] = []
    if lacking and context.was_held:
        title = msgn("{n} rater without a goal", "{n} raters without a goal", len(lacking))
        blocks.append(Note(f"{context.language.join(lacking)}.", say(title)))
    if context.is_conversation and people["personal_goal"].notna().any():
        blocks.append(_goals(context))
    return blocks


def _goals(context: FollowUpContext) -> Part:
    """Show per participant the goal brought to the session beside the goals taken from it."""
    say, actions = context.say, context.outcome.actions
    goals = actions[actions["kind"].eq("smart_goal")]
    rows = []
    for row in context.data.participants.to_dict("records"):
        taken = [
            _text(context, text)
            for text in goals.loc[goals["owner_id"].eq(row["person_id"]), "text"]
        ]
        rows.append(
            (
                context.person(row["person_id"]),
                context.told(row["personal_goal"]) or NO_VALUE,
                " · ".join(taken) or NO_VALUE,
            )
        )
    table = Table(
        say(msg("What everybody wanted to learn, and takes along")),
        (
            Column(say(msg("Participant"))),
            Column(say(msg("Wanted to learn")), wide=True),
            Column(say(msg("Goal after the session")), wide=True),
        ),
        tuple(rows),
    )
    return Part(say(msg("Goals per participant")), (table,))


def _counts(context: FollowUpContext) -> list[Block]:
    say, rows = context.say, context.after.actions
    if rows.empty:
        return [Note(say(msg("No actions or goals were recorded.")))]
    hidden = say(msg("hidden"))
    names = Note(say(msg("Actions have an owner by name and are not shown here.")))
    if rows["suppressed"].all():
        few = msg("How many there are is hidden: few people own them.")
        return [names, Text(say(few))]
    table = Table(
        say(msg("Actions and goals by sort")),
        (Column(say(msg("Sort"))), Column(say(msg("Count")), numeric=True)),
        tuple(
            (
                say(ACTION_KINDS[row["kind"]]),
                hidden if pd.isna(row["n"]) else context.language.whole(int(row["n"])),
            )
            for row in rows.to_dict("records")
        ),
    )
    return [names, table]
