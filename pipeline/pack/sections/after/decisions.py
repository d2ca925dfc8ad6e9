"""Part 3: every decision with its argument, upheld ones and dissent included."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Cell, Column, Note, Part, Table, Text, Tools
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.after.summary import RESULT_WORDS

FEW, MOST_ROWS = 8, 300
_LEAST_WORDS = 3
"""An argument of fewer words says nothing that somebody could answer."""
_FIRST = {"raised": 0, "lowered": 0, "adjusted": 0, "parked": 1, "upheld": 2}


def build(context: FollowUpContext) -> list[Block]:
    """Make the register of decisions."""
    say, decided = context.say, context.decided
    if context.is_organisation:
        return [Note(say(msg("Decisions are about persons and are not shown in this pack.")))]
    if decided.empty:
        return [Note(say(msg("No decisions of this session are known.")))]
    return [Text(_lead(context)), *_without_argument(context), _table(context, decided)]


def without_argument(decided: pd.DataFrame) -> pd.DataFrame:
    """Return the changes without an argument that can be read; a withheld one counts as there."""
    texts = decided["argument"].fillna("").str.split().str.len()
    bare = decided["argument"].notna() & texts.lt(_LEAST_WORDS)
    return decided[decided["outcome"].eq("adjusted") & bare]


def _lead(context: FollowUpContext) -> str:
    say, outcome = context.say, context.outcome
    n = len(context.decided)
    texts = [
        say(
            msgn(
                "{n} decision, as if the person reads it: everybody may ask for what is written.",
                "{n} decisions, as if the person reads them: everybody may ask for what is"
                " written.",
                n,
            )
        )
    ]
    if outcome.n_superseded:
        replaced = msgn(
            "{n} entry of the register was replaced by a later one; the earlier one is kept there.",
            "{n} entries of the register were replaced by later ones; the earlier ones are kept"
            " there.",
            outcome.n_superseded,
        )
        texts.append(say(replaced))
    if outcome.recorded_at is None:
        texts.append(say(msg("They were imported and are not in the register.")))
    return " ".join(texts)


def _without_argument(context: FollowUpContext) -> list[Block]:
    say, rows = context.say, without_argument(context.decided)
    if rows.empty:
        return []
    title = msgn("{n} change without an argument", "{n} changes without an argument", len(rows))
    names = [
        f"{context.about(row)} ({context.on_criterion(row['criterion_id'])})"
        for row in rows.head(20).to_dict("records")
    ]
    ask = say(
        msg("A change needs a reason that the person can answer. Ask who decided, and record it.")
    )
    return [Note(f"{context.language.join(names)}.", say(title), tone="warning", more=(ask,))]


def _table(context: FollowUpContext, decided: pd.DataFrame) -> Part:
    say = context.say
    rows = decided.assign(
        order=decided["result"].map(_FIRST),
        name=[context.about(row) for row in decided.to_dict("records")],
    ).sort_values(["order", "name", "criterion_id"], kind="stable")
    tools = Tools("decisions", say(msg("Show only decisions with"))) if len(rows) >= FEW else None
    note = ""
    if len(rows) > MOST_ROWS:
        note = say(
            msg(
                "The first {n} of {total}; calibrate export decisions gives them all.",
                n=MOST_ROWS,
                total=len(rows),
            )
        )
    table = Table(
        say(msg("Decisions, changed scores first")),
        (
            Column(say(msg("Who or what"))),
            Column(say(msg("Outcome"))),
            Column(say(msg("Argument")), wide=True),
            Column(say(msg("Decided by"))),
        ),
        tuple(_row(context, row) for row in rows.head(MOST_ROWS).to_dict("records")),
        note=note,
        tools=tools,
    )
    return Part(say(msg("All decisions")), (table,))


def _row(context: FollowUpContext, row: Row) -> tuple[Cell, ...]:
    say = context.say
    criterion = context.on_criterion(row["criterion_id"])
    level = row["job_level"]
    about = [criterion]
    if isinstance(level, str) and not context.is_conversation:
        about.append(say(msg("Level {level}", level=level)))
    argument = context.told(row["argument"]) or say(msg("withheld"))
    evidence = context.told(row["evidence"])
    dissent = context.told(row["dissent"])
    return (
        Cell(row["name"], under=" · ".join(about)),
        Cell(
            say(RESULT_WORDS[row["result"]]),
            strong=row["outcome"] == "adjusted",
            under=context.move(row),
            order=float(row["order"]),
        ),
        Cell(argument, under=say(msg("Evidence: {what}", what=evidence)) if evidence else ""),
        Cell(
            context.person(row["decided_by"]),
            under=say(msg("Dissent: {what}", what=dissent)) if dissent else "",
        ),
    )
