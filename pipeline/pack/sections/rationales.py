"""Part 4, continued: the evidence gate: what is missing beside each rating, to be added in time."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.methods.rationales import GAPS, Rationales
from pipeline.pack.blocks import Block, Cell, Column, Fold, Note, Part, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import ANSWERS, NO_VALUE, shorten

MOST_LISTED = 150
_LONGEST_QUOTE = 160

NAMES: dict[str, Message] = {
    "none": msg("no rationale"),
    "vague": msg("vague phrase"),
    "container": msg("container word without behaviour"),
    "no_act": msg("no behaviour named"),
    "undated": msg("no date"),
    "complete": msg("complete"),
}
TO_DO: dict[str, Message] = {
    "none": msg("Write what was seen, when, and what it led to."),
    "vague": msg("Replace the phrase by one example: what was done or said, when?"),
    "container": msg("Which behaviour does the word stand for here? Give one example."),
    "no_act": msg("Name something that a bystander could have seen or heard."),
    "undated": msg("Add when it was; there is no dated evidence about this person either."),
    "complete": msg("Nothing to add before the session."),
}


def build(context: Context) -> list[Block]:
    """Make the evidence gate of a pack: totals, per rater, and what to complete."""
    found = context.analysis.rationales
    if found is None:
        return []
    if not isinstance(found, Rationales):
        return [context.reason(found, ANSWERS["rationales"])]
    say = context.say
    return [
        Part(
            say(msg("Evidence gate")),
            (
                Text(
                    say(
                        msg(
                            "Beside each number belong an example of behaviour and its date. What"
                            " is missing here can be added before the session."
                        )
                    )
                ),
                totals(context, found),
                *_per_rater(context, found),
                *_to_complete(context, found),
                rule(context),
            ),
            anchor="evidence-gate",
        )
    ]


def totals(context: Context, found: Rationales) -> Table:
    """Set out how many ratings lack what."""
    say, counts = context.say, found.counts
    whole = sum(counts.values())
    rows = tuple(
        (
            say(NAMES[gap]),
            say(msg("{n} of {total}", n=counts[gap], total=whole)),
            say(TO_DO[gap]),
        )
        for gap in GAPS
        if counts[gap]
    )
    return Table(
        say(msg("Ratings by what is missing first")),
        (
            Column(say(msg("What is missing"))),
            Column(say(msg("Ratings")), numeric=True),
            Column(say(msg("What completes it")), wide=True),
        ),
        rows,
        note=say(msg("A rating here is all that one rater says about one person or conversation.")),
    )


def rule(context: Context) -> Note:
    """Say how it was found out, and what that cannot tell."""
    return Note(
        context.say(
            msg(
                "Found by fixed lists of words, without any judgement of the text: a good rationale"
                " in unusual words can be marked, an untrue one can pass. The lists can be changed"
                " in workbench.toml."
            )
        )
    )


def listed(context: Context, rows: pd.DataFrame, *, with_rater: bool) -> Table:
    """List ratings that miss something: whose, what, the words in their context, the spread."""
    say = context.say
    columns = [
        Column(say(msg("Who or what"))),
        *([Column(say(msg("Rater")))] if with_rater else []),
        Column(say(msg("What is missing"))),
        Column(say(msg("In the text")), wide=True),
        Column(say(msg("Dated evidence"))),
    ]
    made = []
    for row in rows.to_dict("records"):
        made.append(
            (
                context.subject(str(row["subject_id"]), str(row["employee_id"])),
                *([context.person(row["rater_id"])] if with_rater else []),
                say(NAMES[row["gap"]]),
                _in_context(row),
                _spread(context, row),
            )
        )
    caption = say(msg("Ratings to complete before the session"))
    return Table(caption, tuple(columns), tuple(made), dense=True)


def missing(context: Context, found: Rationales) -> pd.DataFrame:
    """Return the ratings that miss something, by name."""
    rows = found.ratings[found.ratings["gap"] != "complete"]
    order = [
        (
            context.person(row["employee_id"]),
            str(row["subject_id"]),
            context.person(row["rater_id"]),
        )
        for row in rows.to_dict("records")
    ]
    return rows.iloc[sorted(range(len(rows)), key=order.__getitem__)]


def _per_rater(context: Context, found: Rationales) -> list[Block]:
    """Count per rater, by name: whom to ask, in no order of merit."""
    rows = found.raters.to_dict("records")
    if len(rows) < 2 or len(rows) > MOST_LISTED:
        return []
    say = context.say
    gaps = [gap for gap in GAPS if found.counts[gap]]
    made = tuple(
        (
            context.person(row["rater_id"]),
            context.language.whole(int(row["n"])),
            *(context.language.whole(int(row[gap])) if row[gap] else NO_VALUE for gap in gaps),
        )
        for row in sorted(rows, key=lambda row: context.person(row["rater_id"]))
    )
    columns = [Column(say(msg("Rater"))), Column(say(msg("Ratings")), numeric=True)]
    columns += [Column(say(NAMES[gap]), numeric=True) for gap in gaps]
    table = Table(say(msg("What is missing, per rater, by name")), tuple(columns), made)
    return [Fold(say(msg("Whom to ask")), (table,))]


def _to_complete(context: Context, found: Rationales) -> list[Block]:
    rows = missing(context, found)
    if rows.empty:
        return []
    say, shown = context.say, rows.head(MOST_LISTED)
    blocks: list[Block] = [listed(context, shown, with_rater=len(found.raters) > 1)]
    if len(rows) > len(shown):
        n = len(rows) - len(shown)
        blocks.append(Text(say(msgn("And {n} other.", "And {n} others.", n))))
    title = msgn("{n} rating to complete", "{n} ratings to complete", len(rows))
    return [Fold(say(title), tuple(blocks))]


def _in_context(row: Row) -> str | Cell:
    """Show the text around what was found."""
    text = row["text"]
    if not isinstance(text, str):
        return NO_VALUE
    if not row["words"]:
        return shorten(text, _LONGEST_QUOTE)
    at = max(0, text.find(row["words"][0]) - _LONGEST_QUOTE // 3)
    begin = "… " if at else ""
    quote = begin + shorten(text[at:], _LONGEST_QUOTE)
    return Cell(quote, under=", ".join(f"“{word}”" for word in row["words"][:4]))


def _spread(context: Context, row: Row) -> str:
    n = context.say(msgn("{n} piece", "{n} pieces", int(row["n_evidence"])))
    if pd.isna(row["n_quarters"]) or not row["n_evidence"]:
        return n
    quarters = msgn("in {n} of 4 quarters", "in {n} of 4 quarters", int(row["n_quarters"]))
    return f"{n}, {context.say(quarters)}"
