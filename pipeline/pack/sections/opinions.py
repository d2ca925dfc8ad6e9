"""Part 9: what colleagues thought of each rating before the session, independently."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.locale import NO_BREAK
from pipeline.pack.blocks import Block, Cell, Column, Note, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.wording import OPINIONS, shorten

MOST_ROWS, MOST_RATERS = 60, 6
_SIGNS = {"agree": "✓", "question": "?", "no view": "·"}


def build(context: Context) -> list[Block]:
    """Make the part about opinions."""
    say, rows = context.say, context.data.opinions
    if context.is_organisation:
        return [Note(say(msg("Opinions are about persons and are not shown in this pack.")))]
    if rows.empty and context.view.viewer_id is not None:
        return [Note(say(msg("Opinions of colleagues are not shown in this pack.")))]
    if rows.empty:
        return [
            Note(
                say(
                    msg(
                        "There are no opinions from before the session. Asking each participant for"
                        " agree, question or no view on every rating keeps the first speaker from"
                        " setting the tone."
                    )
                )
            )
        ]
    counts = rows["opinion"].value_counts()
    raters = sorted(set(rows["rater_id"]))
    n_questioned = int(rows.loc[rows["opinion"].eq("question"), "employee_id"].nunique())
    blocks: list[Block] = [
        Text(
            say(
                msgn(
                    "{n} person gave opinions: {agree} agree, {question} question, {none} no view.",
                    "{n} people gave opinions: {agree} agree, {question} question, {none} no view.",
                    len(raters),
                    agree=int(counts.get("agree", 0)),
                    question=int(counts.get("question", 0)),
                    none=int(counts.get("no view", 0)),
                )
            )
        )
    ]
    if n_questioned:
        blocks.append(_table(context, rows, raters))
    else:
        blocks.append(Text(say(msg("Nobody questions a rating."))))
    return blocks


def _table(context: Context, rows: pd.DataFrame, raters: list[str]) -> Table:
    say = context.say
    asked = rows[rows["opinion"].eq("question")].groupby("employee_id").size()
    order = asked.sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    matrix = len(raters) <= MOST_RATERS
    columns = [Column(say(msg("Employee")))]
    if matrix:
        columns += [Column(context.person(rater)) for rater in raters]
    else:
        columns += [
            Column(say(msg("Questioned by"))),
            Column(say(msg("Agree")), numeric=True),
            Column(say(msg("No view")), numeric=True),
        ]
    columns.append(Column(say(msg("Why")), wide=True))
    body = []
    for employee in order:
        part = rows[rows["employee_id"] == employee]
        notes = [
            shorten(note, 240)
            for note in part.loc[part["opinion"].eq("question"), "note"]
            if isinstance(note, str)
        ]
        cells: list[str | Cell] = [context.person(employee)]
        if matrix:
            given = part.drop_duplicates("rater_id").set_index("rater_id")["opinion"]
            cells += [_sign(context, given.get(rater)) for rater in raters]
        else:
            asking = part.loc[part["opinion"].eq("question"), "rater_id"]
            cells += [
                context.language.join([context.person(rater) for rater in asking]),
                context.language.whole(int(part["opinion"].eq("agree").sum())),
                context.language.whole(int(part["opinion"].eq("no view").sum())),
            ]
        cells.append(" · ".join(notes) or "–")
        body.append(tuple(cells))
    note = ""
    if len(asked) > MOST_ROWS:
        note = say(msg("The {n} most questioned of {total}.", n=MOST_ROWS, total=len(asked)))
    return Table(
        say(msg("Ratings that are questioned")), tuple(columns), tuple(body), note=note, dense=True
    )


def _sign(context: Context, opinion: object) -> str | Cell:
    if not isinstance(opinion, str) or opinion not in OPINIONS:
        return "–"
    text = f"{_SIGNS[opinion]}{NO_BREAK}{context.say(OPINIONS[opinion])}"
    return Cell(text, strong=opinion == "question")
