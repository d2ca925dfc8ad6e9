"""Part 2: the scale, the criteria with their behaviour, what counts and what does not."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Facts, Note, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.criterion_texts import anchor_at
from pipeline.pack.wording import TABLE_NAMES, shorten

MOST_CRITERIA = 5

GROUND_RULES = (
    msg("What is said here stays here."),
    msg("A score comes with behaviour, performance and impact. “Simply does well” is no reason."),
    msg("Compare people of the same level and kind of work only."),
    msg("Everybody gets a turn; nobody trades scores."),
    msg("Upheld is a decision too: write down the argument for every outcome."),
    msg("The aim is one norm, not equal scores."),
)

UNLOCKS = {
    "cycles": msg("what is judged, what is not, and what follows from a rating"),
    "criteria": msg("names, weights and behaviour per scale point of the criteria"),
    "sessions": msg("date, focus, length and roles of the session"),
    "participants": msg("who takes part, and the order of turns"),
    "evidence": msg("dated evidence beside each case, and where it is missing"),
    "goals": msg("goals beside each case"),
    "results": msg("results against target beside each case"),
    "opinions": msg("ratings that colleagues question before the session"),
    "actions": msg("open actions of the last session"),
    "norms": msg("norms that the last session agreed on"),
}


def build(context: Context) -> list[Block]:
    """Make the frame."""
    say = context.say
    blocks: list[Block] = [_question(context), scale(context)]
    blocks += criteria(context)
    blocks += _cycle(context)
    blocks.append(
        Part(
            say(msg("Ground rules")),
            (Bullets(tuple(say(one) for one in (*GROUND_RULES, *context.focus.rules))),),
        )
    )
    missing = missing_tables(context)
    if missing and not context.is_organisation:
        blocks.append(
            Part(
                say(msg("What more data would add")),
                (
                    Table(
                        say(msg("Tables that are missing")),
                        (Column(say(msg("Table"))), Column(say(msg("Would add")), wide=True)),
                        tuple(
                            (Cell(say(TABLE_NAMES[name]), under=name), text)
                            for name, text in missing
                        ),
                    ),
                ),
            )
        )
    return blocks


def _question(context: Context) -> Note:
    """Open with the one question of the session, and what it leaves to others."""
    say, focus = context.say, context.focus
    elsewhere = (say(msg("Not in this session: {what}", what=say(focus.not_here))),)
    return Note(say(focus.question), say(msg("The one question")), tone="key", more=elsewhere)


def scale(context: Context) -> Block:
    """Show the scale: its points and what they are called."""
    used = context.settings.scale
    labels = [used.label(point, context.language.code) for point in context.points]
    if not any(labels) or len(labels) > 11:
        return Text(
            context.say(
                msg(
                    "The scale runs from {low} to {high}.",
                    low=context.score(used.low, 1),
                    high=context.score(used.high, 1),
                )
            )
        )
    return Facts(
        tuple(
            (label or "–", context.score(point, 1))
            for point, label in zip(context.points, labels, strict=True)
        ),
        "numbers",
    )


def anchor_columns(context: Context, row: dict[str, Any]) -> dict[float, str]:
    """Return the behaviour per scale point in the reader's language, else in the other."""
    texts = {point: anchor_at(row, point, context.language.code) for point in context.points}
    return {point: shorten(text) for point, text in texts.items() if text}


def criteria(context: Context) -> list[Block]:
    """Show the criteria with their behaviour, and which have none described."""
    say, rows = context.say, context.data.criteria.to_dict("records")
    if not rows:
        return [Note(say(msg("There are no criteria in these ratings.")))]
    weighted = any(pd.notna(row.get("weight")) for row in rows)
    anchors = [anchor_columns(context, row) for row in rows]
    used = sorted({point for one in anchors for point in one})
    blocks: list[Block] = []
    if len(rows) > MOST_CRITERIA:
        blocks.append(
            Note(
                say(
                    msg(
                        "{n} criteria. With more than {most} raters mix them up; choose the"
                        " {most} that matter.",
                        n=len(rows),
                        most=MOST_CRITERIA,
                    )
                ),
                tone="warning",
            )
        )
    if used:
        columns = [
            Column(say(msg("Criterion"))),
            *(
                Column(
                    f"{context.score(p, 1)} · "
                    f"{context.settings.scale.label(p, context.language.code)}".rstrip(" ·")
                )
                for p in used
            ),
        ]
        body: list[tuple[str | Cell, ...]] = [
            (_named(context, row, weighted), *(one.get(point, "–") for point in used))
            for row, one in zip(rows, anchors, strict=True)
        ]
        caption = say(msg("Behaviour per criterion and scale point"))
        blocks.append(Table(caption, tuple(columns), tuple(body), dense=True))
    else:
        columns = [
            Column(say(msg("Criterion"))),
            Column(say(msg("Observable behaviour")), wide=True),
        ]
        body = [
            (_named(context, row, weighted), _observable(row) or say(msg("not described")))
            for row in rows
        ]
        blocks.append(Table(say(msg("The criteria")), tuple(columns), tuple(body)))
    bare = [
        context.criterion(row["criterion_id"])
        for row, one in zip(rows, anchors, strict=True)
        if len(one) < 2
    ]
    if bare:
        blocks.append(
            Note(
                say(
                    msgn(
                        "{n} criterion has no behaviour per scale point: {names}. Agree on what a"
                        " middle and a top score look like before the cases.",
                        "{n} criteria have no behaviour per scale point: {names}. Agree on what a"
                        " middle and a top score look like before the cases.",
                        len(bare),
                        names=context.language.join(bare),
                    )
                ),
                tone="warning",
            )
        )
    return blocks


def _observable(row: dict[str, Any]) -> str:
    text = row.get("observable")
    return shorten(text) if isinstance(text, str) else ""


def _named(context: Context, row: dict[str, Any], weighted: bool) -> Cell:
    under = ""
    if weighted and pd.notna(row.get("weight")):
        under = context.say(
            msg("weight {weight}", weight=context.language.number(float(row["weight"]), 2))
        )
    return Cell(context.criterion(row["criterion_id"]), under=under)


def _cycle(context: Context) -> list[Block]:
    rows = context.data.cycle.to_dict("records")
    if not rows:
        return []
    row = rows[0]
    texts = tuple(
        (context.say(title), shorten(row[name], 1500))
        for name, title in (
            ("what_counts", msg("What is judged")),
            ("what_does_not", msg("What is not judged")),
            ("consequences", msg("What follows from a rating")),
        )
        if isinstance(row.get(name), str)
    )
    return (
        [Part(context.say(msg("What counts, and what does not")), (Facts(texts),))] if texts else []
    )


def missing_tables(context: Context) -> list[tuple[str, str]]:
    """Return the tables of the data contract that are missing, with what each would add."""
    data = context.data
    labels = [c for c in ("label_nl", "label_en", "observable") if c in data.criteria]
    lacking = {
        "cycles": data.cycle.empty,
        "criteria": data.criteria[labels].isna().all(axis=None) if labels else True,
        "sessions": data.session.is_default,
        "participants": data.participants.empty and context.view.audience == "room",
        "evidence": data.evidence.empty,
        "goals": data.goals.empty,
        "results": data.results.empty,
        "opinions": data.opinions.empty,
        "actions": data.last_actions.empty and data.last_session is not None,
        "norms": data.last_norms.empty and data.last_session is not None,
    }
    return [(name, context.say(UNLOCKS[name])) for name, lacks in lacking.items() if lacks]
