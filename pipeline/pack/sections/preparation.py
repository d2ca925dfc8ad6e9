"""The list that one manager gets a week before the session: what to add, and the own pattern."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.rationales import Rationales
from pipeline.methods.severity import Severity
from pipeline.pack.blocks import Block, Bullets, Column, Cover, Note, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.sections import cover, rationales
from pipeline.pack.wording import ANSWERS


def title(context: Context) -> str:
    """Return the title of the page."""
    return context.say(
        msg(
            "Preparation {department}, {cycle}",
            department=context.session.department,
            cycle=context.session.cycle,
        )
    )


def opening(context: Context) -> Cover:
    """Make the opening of the list."""
    say, session = context.say, context.session
    facts = (
        (say(msg("For")), context.person(context.view.viewer_id)),
        (say(msg("Session")), session.session_id),
        (
            say(msg("Date")),
            context.date(session.held_on) if session.held_on else say(msg("not planned yet")),
        ),
    )
    return Cover(
        organisation=context.settings.pack.organisation,
        over=say(msg("Preparation by one manager")),
        title=cover.department(context),
        subtitle=say(msg("What to add before the calibration session")),
        facts=facts,
        notes=(
            Note(
                say(
                    msg(
                        "What is added in the source system at least 48 hours before the session is"
                        " in the pack that everybody reads."
                    )
                )
            ),
        ),
        closing=(
            say(msg("For you alone: your own team and your own pattern. Meant for nobody else.")),
        ),
    )


def to_complete(context: Context) -> list[Block]:
    """List what is missing beside the ratings of the own team."""
    say, found = context.say, context.analysis.rationales
    blocks: list[Block] = _unrated(context)
    if context.data.ratings.empty:
        return blocks
    if not isinstance(found, Rationales):
        return blocks + ([context.reason(found, ANSWERS["rationales"])] if found else [])
    rows = rationales.missing(context, found)
    if rows.empty:
        return [
            *blocks,
            Text(say(msg("Nothing is missing: each rating has an example and a date."))),
        ]
    n = len(rows)
    lead = msgn(
        "{n} of your ratings can be completed before the session.",
        "{n} of your ratings can be completed before the session.",
        n,
    )
    return [
        Text(say(lead), lead=True),
        *blocks,
        rationales.listed(context, rows.head(rationales.MOST_LISTED), with_rater=False),
        rationales.totals(context, found),
        rationales.rule(context),
    ]


def own_pattern(context: Context) -> list[Block]:
    """Show how the manager used the scale, and the own severity where it can be told."""
    say, ratings = context.say, context.data.ratings
    counts = ratings["score"].value_counts().sort_index()
    table = Table(
        say(msg("Your scores, over all criteria")),
        (Column(say(msg("Score"))), Column(say(msg("Times")), numeric=True)),
        tuple(
            (context.score(float(score), 1), context.language.whole(int(n)))
            for score, n in counts.items()
        ),
    )
    return [
        Text(
            say(
                msg(
                    "For you to look at, not to correct: a pattern can come from you or from your"
                    " team."
                )
            )
        ),
        Bullets((_severity(context), _evidence(context))),
        *([table] if len(counts) else []),
    ]


def _severity(context: Context) -> str:
    severity, design, say = context.analysis.severity, context.analysis.design, context.say
    unknown = say(
        msg(
            "Whether you are stricter or milder than colleagues cannot be told here: too few"
            " raters, or too few people whom both you and others rated."
        )
    )
    if not isinstance(severity, Severity) or not isinstance(design, Design):
        return unknown
    if not design.raters["verdict"].eq("comparable").any() or severity.raters.empty:
        return unknown
    row = severity.raters.iloc[0]
    low, high = float(row["ci_low"]), float(row["ci_high"])
    if pd.isna(low) or pd.isna(high):
        return unknown
    between = context.interval(low, high)
    if low <= 0 <= high:
        return say(
            msg(
                "No clear difference between you and the average rater: severity {between}.",
                between=between,
            )
        )
    sentence = (
        msg(
            "Lower scores than the average rater would give the same people: by {between} points.",
            between=between,
        )
        if low > 0
        else msg(
            "Higher scores than the average rater would give the same people: by {between} points.",
            between=context.interval(-high, -low),
        )
    )
    return say(sentence)


def _evidence(context: Context) -> str:
    """Say when the evidence about the own team was dated."""
    found, say = context.analysis.rationales, context.say
    if not isinstance(found, Rationales) or found.ratings.empty:
        return say(msg("There is no evidence to look at."))
    people = found.ratings.drop_duplicates("employee_id")
    spread = people["n_quarters"].dropna()
    if spread.empty:
        return say(msg("Without the dates of the cycle, the spread of evidence is unknown."))
    even = int(spread.ge(3).sum())
    return say(
        msg(
            "People with dated evidence in at least three quarters of the cycle: {n} of {total}.",
            n=even,
            total=len(people),
        )
    )


def _unrated(context: Context) -> list[Block]:
    if context.is_conversation:
        return []
    present = context.data.employees
    present = present[present["left_on"].isna() & present["manager_id"].eq(context.view.viewer_id)]
    missing = sorted(set(present["employee_id"]) - set(context.data.ratings["employee_id"]))
    if not missing:
        return []
    names = context.language.join([context.person(one) for one in missing])
    heading = msgn(
        "{n} person of your team without a rating by you",
        "{n} people of your team without a rating by you",
        len(missing),
    )
    return [Note(f"{names}.", context.say(heading), tone="warning")]
