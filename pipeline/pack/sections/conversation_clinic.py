"""The criterion clinic of conversations: an unclear criterion, or raters who are stricter?"""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msg
from pipeline.methods.conversation import CANNOT_TELL, EXPERT, UNCLEAR, Conversation
from pipeline.methods.conversation import RATERS_DIFFER as DIFFER
from pipeline.pack.blocks import Block, Cell, Column, Fold, Note, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.marks import share_bar
from pipeline.pack.wording import ANSWERS

MOST_ROWS = 10

_CAUSES = {
    DIFFER: msg("some raters stricter"),
    UNCLEAR: msg("not strictness"),
    CANNOT_TELL: msg("cannot tell"),
}


def build(context: Context) -> list[Block]:
    """Rank criteria by disagreement, with where it comes from."""
    found = context.analysis.conversation
    if not isinstance(found, Conversation):
        return [context.no_answer(found, ANSWERS["conversation"])]
    if found.criteria.empty:
        text = msg("No criterion was scored by enough people to be shown in this pack.")
        return [Note(context.say(text))]
    every = found.criteria.to_dict("records")
    known = [row for row in every if pd.notna(row["disagreement"])]
    blocks: list[Block] = []
    if known:
        blocks += [Text(_in_words(context, known)), _ranked(context, found, known)]
    return [*blocks, *_reasons(context, every)]


def _in_words(context: Context, known: list[Row]) -> str:
    first = known[0]
    texts = [
        context.say(
            msg(
                "The scores of one conversation spread most on {criterion} (standard deviation"
                " {size} points).",
                criterion=context.criterion(first["criterion_id"]),
                size=float(first["disagreement"]),
            )
        )
    ]
    if len(known) > 1 and not first["disagreement_low"] > known[1]["disagreement_high"]:
        texts.append(context.say(msg("The order of the criteria is uncertain.")))
    advice = {
        UNCLEAR: msg("Most of it is not strictness: look at the words of the criterion first."),
        DIFFER: msg("Most of it is that some raters are stricter: talk about the norm."),
        CANNOT_TELL: msg(
            "Whether the criterion is unclear or some raters are stricter, these scores cannot"
            " tell."
        ),
    }
    texts.append(context.say(advice[first["cause"]]))
    return " ".join(texts)


def _ranked(context: Context, found: Conversation, known: list[Row]) -> Table:
    say, expert = context.say, found.reference == EXPERT
    rows = []
    for row in known[:MOST_ROWS]:
        share = context.percent(row["share_rater"])
        cells: list[str | Cell] = [
            context.criterion(row["criterion_id"]),
            Cell(
                context.score(row["disagreement"]),
                under=context.interval(row["disagreement_low"], row["disagreement_high"]),
            ),
            Cell(
                drawing=share_bar(float(row["share_rater"]), share, width=60),
                text=share,
                under=say(
                    msg(
                        "{low} to {high}",
                        low=context.percent(row["share_low"]),
                        high=context.percent(row["share_high"]),
                    )
                ),
            ),
            say(_CAUSES[row["cause"]]),
        ]
        if expert:
            cells.append(_all_raters(context, row))
        rows.append((*cells, context.language.whole(int(row["n_conversations"]))))
    note = say(
        msg(
            "Disagreement: standard deviation of raters' scores of one conversation. What is not"
            " strictness is the criterion, but also attention and hard conversations."
        )
    )
    if len(known) > MOST_ROWS:
        note = " ".join((say(msg("{n} more.", n=len(known) - MOST_ROWS)), note))
    return Table(
        say(msg("Criteria on which raters differ, most first")),
        (
            Column(say(msg("Criterion"))),
            Column(say(msg("Disagreement (points)"))),
            Column(say(msg("Part that is strictness"))),
            Column(say(msg("Cause"))),
            *([Column(say(msg("All raters beside the expert")))] if expert else []),
            Column(say(msg("Conversations")), numeric=True),
        ),
        tuple(rows),
        note=note,
    )


def _all_raters(context: Context, row: Row) -> str | Cell:
    if pd.isna(row["deviation"]):
        return context.say(msg("not estimable"))
    return Cell(
        context.language.signed(float(row["deviation"])),
        under=context.interval(row["ci_low"], row["ci_high"]),
    )


def _reasons(context: Context, every: list[Row]) -> list[Block]:
    """Gather why of some criteria it is not known where disagreement comes from."""
    found: dict[str, list[str]] = {}
    for row in every:
        if isinstance(row["reason"], Message):
            names = found.setdefault(context.say(row["reason"]), [])
            names.append(context.criterion(row["criterion_id"]))
    texts = tuple(
        Text(f"{context.language.join(names[:MOST_ROWS])}: {text}") for text, names in found.items()
    )
    title = context.say(msg("Where the cause of disagreement is not estimable, and why"))
    return [Fold(title, texts)] if texts else []
