"""Part 5: norms agreed, and criteria whose words or use need work."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from pipeline.errors import msg
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.wording import shorten

MOST_DIFFER, FEWEST, POINT = 0.3, 5, 1.0
"""A criterion on which raters are over a point apart in more than 30 % of conversations needs other
words (practice in quality measurement); with fewer conversations than five nothing is said."""


def build(context: FollowUpContext) -> list[Block]:
    """Make the part about norms and criteria."""
    return [*_norms(context), *_to_rewrite(context), *_differing(context)]


def _norms(context: FollowUpContext) -> list[Block]:
    say, norms = context.say, context.outcome.norms
    known = norms[norms["text"].notna()]
    if known.empty:
        none = msg(
            "No norm was recorded. Aligned norms are the aim of a session: note what a score means"
            " from now on, so that the next pack can show it."
        )
        return [Note(say(none))]
    rows = tuple(
        (
            context.on_criterion(row["criterion_id"]),
            row["job_level"] if isinstance(row["job_level"], str) else say(msg("all")),
            shorten(row["text"]),
        )
        for row in known.sort_values(["criterion_id", "text"]).to_dict("records")
    )
    return [
        Table(
            say(msg("Norms agreed in this session")),
            (
                Column(say(msg("Criterion"))),
                Column(say(msg("Level"))),
                Column(say(msg("Norm")), wide=True),
            ),
            rows,
            note=say(msg("They open the next pack.")),
        )
    ]


def _to_rewrite(context: FollowUpContext) -> list[Block]:
    say, actions = context.say, context.outcome.actions
    title = say(msg("Criteria to rewrite"))
    if context.is_organisation:
        return []
    found = actions[actions["kind"].eq("criterion_rewrite") & actions["text"].notna()]
    if found.empty:
        return [Part(title, (Text(say(msg("No rewrite of a criterion was agreed."))),))]
    items = tuple(
        say(
            msg(
                "{what} ({who}, {when})",
                what=shorten(row["text"], 240),
                who=context.person(row["owner_id"]),
                when=context.day(row["due_on"]),
            )
        )
        for row in found.to_dict("records")
    )
    return [Part(title, (Bullets(items),))]


def _differing(context: FollowUpContext) -> list[Block]:
    """Show per criterion how often raters were far apart, and what the session did with it."""
    say = context.say
    if not context.is_conversation or context.is_organisation:
        return []
    title = say(msg("What to change in the form or the training"))
    rows = []
    for criterion, share, n in _far_apart(context.data.ratings):
        decided = context.decided[context.decided["criterion_id"].eq(criterion)]
        n_changed = int(decided["change"].abs().gt(0).sum())
        advice = msg("look at the words of the criterion") if share > MOST_DIFFER else msg("none")
        rows.append(
            (
                context.criterion(criterion),
                Cell(context.percent(share), strong=share > MOST_DIFFER),
                context.language.whole(n),
                say(msg("{n} of {total}", n=n_changed, total=len(decided))),
                say(advice),
            )
        )
    if not rows:
        few = msg(
            "Fewer than {n} conversations with two raters: which criterion divides raters most"
            " cannot be said.",
            n=FEWEST,
        )
        return [Part(title, (Text(say(few)),))]
    table = Table(
        say(msg("Criteria by how often two raters were more than a point apart")),
        (
            Column(say(msg("Criterion"))),
            Column(say(msg("More than a point apart"))),
            Column(say(msg("Conversations")), numeric=True),
            Column(say(msg("Changed in the session"))),
            Column(say(msg("To do"))),
        ),
        tuple(rows),
        note=say(
            msg(
                "Pairs of raters of one conversation. Rule: over {share} of them more than a point"
                " apart. Where the words are clear, it is training: score one conversation together"
                " and compare.",
                share=context.percent(MOST_DIFFER),
            )
        ),
    )
    return [Part(title, (table,))]


def _far_apart(ratings: pd.DataFrame) -> list[tuple[str, float, int]]:
    """Return criterion, mean share of pairs of raters over a point apart, conversations."""
    cells = ratings.groupby(["criterion_id", "subject_id"])["score"].agg([_apart, "size"])
    shared = cells[cells["size"] >= 2].groupby("criterion_id")["_apart"].agg(["mean", "size"])
    shared = shared[shared["size"] >= FEWEST].sort_values("mean", ascending=False, kind="stable")
    return [(str(one), float(row["mean"]), int(row["size"])) for one, row in shared.iterrows()]


def _apart(scores: pd.Series) -> float:
    """Return the share of pairs over a point apart: it does not grow with the number of raters."""
    pairs = [abs(one - other) > POINT for one, other in combinations(scores, 2)]
    return sum(pairs) / len(pairs) if pairs else float("nan")
