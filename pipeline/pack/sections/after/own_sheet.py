"""The private sheet of one rater: own pattern, own ratings that changed, own goal and actions."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg
from pipeline.pack.blocks import Block, Cell, Column, Cover, Note, Table, Text, WriteLines
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections import cover
from pipeline.pack.sections.after.actions import table_of, with_checks
from pipeline.pack.sections.after.summary import RESULT_WORDS
from pipeline.pack.wording import NO_VALUE
from pipeline.privacy import RaterView


def title(context: FollowUpContext) -> str:
    """Return the title of the page."""
    return context.say(
        msg(
            "Afterwards {department}, {cycle}",
            department=context.session.department,
            cycle=context.session.cycle,
        )
    )


def opening(context: FollowUpContext) -> Cover:
    """Make the opening of the sheet."""
    say = context.say
    return Cover(
        organisation=context.settings.pack.organisation,
        over=say(msg("Private sheet of one rater")),
        title=cover.department(context),
        subtitle=say(msg("What the session says about your own ratings")),
        facts=(
            (say(msg("For")), context.person(context.view.viewer_id)),
            (say(msg("Session")), context.session.session_id),
            (
                say(msg("Date")),
                context.date(context.held_on) if context.held_on else say(msg("unknown")),
            ),
        ),
        notes=(),
        closing=(
            say(
                msg(
                    "For you alone, to learn from. It is no judgement of you and is kept by nobody"
                    " as one."
                )
            ),
        ),
    )


def changes(context: FollowUpContext, own: RaterView) -> list[Block]:
    """Show what the session decided about the own ratings, with its arguments."""
    say, decided = context.say, own.decided
    if decided.empty:
        return [Text(say(msg("The session decided nothing about ratings of yours.")))]
    n = int(decided["outcome"].eq("adjusted").sum())
    lead = msg(
        "Decisions about your ratings: {total}; scores that changed: {n}. A change is the outcome"
        " of a conversation between several people, not a mark for you.",
        total=len(decided),
        n=n,
    )
    rows = decided.assign(size=decided["change"].abs().fillna(0.0)).sort_values(
        ["size", "subject", "criterion_id"], ascending=[False, True, True], kind="stable"
    )
    table = Table(
        say(msg("Decisions about your ratings")),
        (
            Column(say(msg("Who or what"))),
            Column(say(msg("Your score")), numeric=True),
            Column(say(msg("Outcome"))),
            Column(say(msg("Argument")), wide=True),
        ),
        tuple(_row(context, row) for row in rows.to_dict("records")),
    )
    return [Text(say(lead)), table]


def _row(context: FollowUpContext, row: Row) -> tuple[str | Cell, ...]:
    return (
        Cell(context.about(row), under=context.on_criterion(row["criterion_id"])),
        NO_VALUE if pd.isna(row["own_score"]) else context.score(row["own_score"]),
        Cell(
            context.say(RESULT_WORDS[row["result"]]),
            strong=row["outcome"] == "adjusted",
            under=context.score(row["score_after"], 1) if row["outcome"] == "adjusted" else "",
        ),
        context.told(row["argument"]) or context.say(msg("withheld")),
    )


def goals(context: FollowUpContext, own: RaterView) -> list[Block]:
    """Show the own learning goal, the own SMART goal and actions."""
    say = context.say
    wanted = context.told(own.goal)
    blocks: list[Block] = [
        Note(wanted, say(msg("You wanted to learn")))
        if wanted
        else Text(say(msg("You brought no learning goal to this session.")))
    ]
    if own.actions.empty:
        none = msg("No goal or action of yours was recorded. Write one here, and tell it.")
        return [*blocks, Text(say(none)), WriteLines(say(msg("My goal")), 3)]
    checked = with_checks(own.smart, own.actions)
    return [*blocks, table_of(context, checked, with_owner=False)]
