"""What is known beside the score of a case: rationales, dated evidence, results, goals."""

from __future__ import annotations

import pandas as pd

from pipeline.agenda import Case
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Cell, Column, Fold, Table, Text
from pipeline.pack.context import Context, shorten
from pipeline.pack.wording import EVIDENCE_KINDS, GOAL_STATES, RATER_ROLES

MOST_EVIDENCE, MOST_RATIONALES, MOST_GOALS = 6, 6, 5


def build(context: Context, case: Case) -> list[Block]:
    """Make the blocks about one case."""
    blocks: list[Block] = []
    blocks += _rationales(context, case)
    blocks += _evidence(context, case)
    blocks += _results(context, case)
    blocks += _goals(context, case)
    return blocks


def _who(context: Context, case: Case) -> str:
    return context.subject(case.subject_id, case.employee_id)


def _rationales(context: Context, case: Case) -> list[Block]:
    say, ratings = context.say, context.data.ratings
    own = ratings[ratings["subject_id"].eq(case.subject_id) & ratings["rationale"].notna()]
    if own.empty:
        return [Text(say(msg("No rationale was written.")))]
    rows = own.drop_duplicates(["rater_id", "rationale"])
    shown = rows.head(MOST_RATIONALES)
    table = Table(
        say(msg("Rationales for {name}", name=_who(context, case))),
        (
            Column(say(msg("Rater"))),
            Column(say(msg("Criterion"))),
            Column(say(msg("Rationale")), wide=True),
        ),
        tuple(
            (
                Cell(context.person(row["rater_id"]), under=_role(context, row["rater_role"])),
                context.criterion(row["criterion_id"]),
                shorten(str(row["rationale"])),
            )
            for row in shown.to_dict("records")
        ),
        note=_more(context, len(rows) - len(shown)),
        dense=True,
    )
    return [table]


def _role(context: Context, role: object) -> str:
    return context.say(RATER_ROLES[role]) if isinstance(role, str) and role in RATER_ROLES else ""


def _more(context: Context, n: int) -> str:
    return (
        context.say(msgn("{n} more is in the data.", "{n} more are in the data.", n))
        if n > 0
        else ""
    )


def _evidence(context: Context, case: Case) -> list[Block]:
    say, table = context.say, context.data.evidence
    own = table[table["employee_id"] == case.employee_id]
    if own.empty:
        return [Text(say(msg("No dated evidence was recorded.")))]
    shown = own.sort_values("dated_on", ascending=False, kind="stable").head(MOST_EVIDENCE)
    rows = tuple(
        (
            context.date(row["dated_on"], "medium"),
            Cell(
                _kind(context, row["kind"]),
                under=context.criterion(row["criterion_id"])
                if isinstance(row["criterion_id"], str)
                else "",
            ),
            Cell(
                shorten(row["text"]) if isinstance(row["text"], str) else "–",
                under=context.person(row["from_id"]) if isinstance(row["from_id"], str) else "",
            ),
        )
        for row in shown.to_dict("records")
    )
    return [
        Table(
            say(msg("Dated evidence about {name}", name=_who(context, case))),
            (
                Column(say(msg("Date"))),
                Column(say(msg("Sort"))),
                Column(say(msg("What was seen")), wide=True),
            ),
            rows,
            note=_more(context, len(own) - len(shown)),
            dense=True,
        )
    ]


def _kind(context: Context, kind: object) -> str:
    known = isinstance(kind, str) and kind in EVIDENCE_KINDS
    return context.say(EVIDENCE_KINDS[str(kind)]) if known else "–"


def _results(context: Context, case: Case) -> list[Block]:
    say, table = context.say, context.data.results
    own = table[table["employee_id"] == case.employee_id]
    if own.empty:
        return []

    def write(value: float) -> str:
        if pd.isna(value):
            return "–"
        return context.language.number(float(value), 0 if float(value).is_integer() else 1)

    return [
        Table(
            say(msg("Results of {name}", name=_who(context, case))),
            (
                Column(say(msg("Measure")), wide=True),
                Column(say(msg("Result")), numeric=True),
                Column(say(msg("Target")), numeric=True),
            ),
            tuple(
                (shorten(str(row["metric"]), 120), write(row["value"]), write(row["target"]))
                for row in own.head(8).to_dict("records")
            ),
            dense=True,
        )
    ]


def _goals(context: Context, case: Case) -> list[Block]:
    say, table = context.say, context.data.goals
    own = table[table["owner_id"] == case.employee_id]
    if own.empty:
        return []
    shown = own.sort_values("due_on", ascending=False, kind="stable").head(MOST_GOALS)
    return [
        Fold(
            say(msgn("{n} goal", "{n} goals", len(own))),
            (
                Table(
                    say(msg("Goals of {name}", name=_who(context, case))),
                    (
                        Column(say(msg("Goal")), wide=True),
                        Column(say(msg("Due"))),
                        Column(say(msg("State"))),
                    ),
                    tuple(
                        (
                            shorten(row["text"], 240) if isinstance(row["text"], str) else "–",
                            context.date(row["due_on"], "medium"),
                            say(GOAL_STATES[row["status"]])
                            if row["status"] in GOAL_STATES
                            else "–",
                        )
                        for row in shown.to_dict("records")
                    ),
                    note=_more(context, len(own) - len(shown)),
                    dense=True,
                ),
            ),
        )
    ]
