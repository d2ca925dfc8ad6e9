"""How far raters of conversations score from the expert or the panel."""

from __future__ import annotations

from pipeline.errors import Message, msg, msgn
from pipeline.methods.conversation import CANNOT_TELL, EXPERT, INSIDE, OUTSIDE, Conversation
from pipeline.pack.blocks import Block, Cell, Column, Fold, Note, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.marks import interval
from pipeline.pack.wording import ANSWERS

MOST_ROWS = 10

_VERDICTS = {
    OUTSIDE: msg("outside the band"),
    CANNOT_TELL: msg("cannot tell"),
    INSIDE: msg("inside the band"),
}


def build(context: Context) -> list[Block]:
    """Make the part about deviations."""
    found = context.analysis.conversation
    if not isinstance(found, Conversation):
        return [context.no_answer(found, ANSWERS["conversation"])]
    blocks: list[Block] = [Text(_opening(context, found))]
    if len(found.raters):
        blocks += _raters(context, found)
    else:
        blocks.append(Note(context.say(msg("Single raters are not shown in this pack."))))
    return blocks


def _opening(context: Context, found: Conversation) -> str:
    say = context.say
    what = (
        msgn(
            "On {n} conversation the score of each rater was set beside that of the expert.",
            "On {n} conversations the score of each rater was set beside that of the expert.",
            found.n_conversations,
        )
        if found.reference == EXPERT
        else msgn(
            "On {n} conversation the score of each rater was set beside the mean of the other"
            " raters. Nobody there is the norm: a rater can be right and stand alone.",
            "On {n} conversations the score of each rater was set beside the mean of the other"
            " raters. Nobody there is the norm: a rater can be right and stand alone.",
            found.n_conversations,
        )
    )
    band = msg(
        "Above zero: scores higher. The agreed band is {size} points either way.",
        size=found.tolerance,
    )
    texts = [say(what), say(band)]
    if found.n_left_out:
        texts.append(
            say(
                msgn(
                    "{n} conversation has nothing to compare with and does not count.",
                    "{n} conversations have nothing to compare with and do not count.",
                    found.n_left_out,
                )
            )
        )
    return " ".join(texts)


def _raters(context: Context, found: Conversation) -> list[Block]:
    say = context.say
    known = [
        row for row in found.raters.to_dict("records") if not isinstance(row["reason"], Message)
    ]
    blocks: list[Block] = []
    if known:
        counts = {name: sum(row["verdict"] == name for row in known) for name in _VERDICTS}
        blocks += [
            Text(
                say(
                    msg(
                        "Inside the band: {inside} of {n}; outside: {outside}; for {open} the"
                        " interval crosses the edge, so it cannot be told.",
                        n=len(known),
                        inside=counts[INSIDE],
                        outside=counts[OUTSIDE],
                        open=counts[CANNOT_TELL],
                    )
                )
            ),
            _table(
                context,
                found,
                say(msg("Deviation per rater")),
                known,
                note=say(
                    msg(
                        "The shaded zone is the band. Severity runs the other way: there above"
                        " zero scores lower."
                    )
                ),
            ),
        ]
    cells = [row for row in found.cells.to_dict("records") if row["verdict"] == OUTSIDE]
    if cells:
        blocks.append(
            Fold(
                say(
                    msgn(
                        "{n} rater and criterion outside the band",
                        "{n} combinations of rater and criterion outside the band",
                        len(cells),
                    )
                ),
                (
                    _table(
                        context,
                        found,
                        say(msg("Deviation per rater and criterion")),
                        cells,
                        note=say(
                            msg(
                                "Out of {n} combinations; with many some lie outside by chance.",
                                n=len(found.cells),
                            )
                        ),
                    ),
                ),
            )
        )
    return [*blocks, *_reasons(context, found)]


def _table(
    context: Context, found: Conversation, caption: str, rows: list[Row], *, note: str
) -> Table:
    """Show deviations, the clearest first, at most `MOST_ROWS`."""
    say, order = context.say, list(_VERDICTS)
    rows = sorted(
        rows,
        key=lambda row: (
            order.index(row["verdict"]),
            -round(abs(row["deviation"]), 6),
            row["rater_id"],
            str(row.get("criterion_id")),
        ),
    )
    more = len(rows) - MOST_ROWS
    if more > 0:
        note = " ".join((say(msg("{n} more.", n=more)), note))
    ends = [abs(row[name]) for row in rows for name in ("ci_low", "ci_high")]
    reach = max(2 * found.tolerance, min(max(ends), 4 * found.tolerance))
    per_criterion = "criterion_id" in rows[0]
    columns = [
        Column(say(msg("Rater"))),
        *([Column(say(msg("Criterion")))] if per_criterion else []),
        Column(say(msg("Deviation")), numeric=True),
        Column(say(msg("Interval")), numeric=True),
        Column(say(msg("Beside the band"))),
        Column(say(msg("Verdict"))),
        Column(say(msg("Conversations")), numeric=True),
    ]
    return Table(
        caption,
        tuple(columns),
        tuple(_row(context, found, row, reach) for row in rows[:MOST_ROWS]),
        note=note,
        dense=True,
    )


def _row(context: Context, found: Conversation, row: Row, reach: float) -> tuple[str | Cell, ...]:
    name = context.person(row["rater_id"])
    value = context.language.signed(float(row["deviation"]))
    between = context.interval(row["ci_low"], row["ci_high"])
    criterion = (context.criterion(row["criterion_id"]),) if "criterion_id" in row else ()
    drawing = interval(
        float(row["deviation"]),
        float(row["ci_low"]),
        float(row["ci_high"]),
        reach,
        f"{name}: {value} ({between})",
        band=(-found.tolerance, found.tolerance),
    )
    return (
        name,
        *criterion,
        value,
        between,
        Cell(drawing=drawing),
        Cell(context.say(_VERDICTS[row["verdict"]]), strong=row["verdict"] == OUTSIDE),
        context.language.whole(int(row["n_conversations"])),
    )


def _reasons(context: Context, found: Conversation) -> list[Block]:
    """Gather why there is no deviation of some raters."""
    texts: dict[str, list[str]] = {}
    for row in found.raters.to_dict("records"):
        if isinstance(row["reason"], Message):
            names = texts.setdefault(context.say(row["reason"]), [])
            names.append(context.person(row["rater_id"]))
    if not texts:
        return []
    notes: list[Block] = []
    for text, names in texts.items():
        shown = names[:MOST_ROWS]
        if len(names) > len(shown):
            more = len(names) - len(shown)
            shown.append(context.say(msgn("{n} other", "{n} others", more)))
        notes.append(Text(f"{context.language.join(shown)}: {text}"))
    n = sum(len(names) for names in texts.values())
    title = msgn("{n} rater without an answer", "{n} raters without an answer", n)
    return [Fold(context.say(title), tuple(notes))]
