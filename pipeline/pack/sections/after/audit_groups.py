"""Of part 4: were groups of employees discussed and changed alike?"""

from __future__ import annotations

from pipeline.errors import Message, msg
from pipeline.methods.change_fairness import CHANGE, GAP, SELECTION, ChangeFairness
from pipeline.pack.blocks import Block, Cell, Column, Part, Table, Text
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.wording import ATTRIBUTES, BACKGROUND_GROUPS, NO_VALUE

_QUESTIONS = {SELECTION: msg("share discussed"), CHANGE: msg("mean change")}


def build(context: FollowUpContext) -> list[Block]:
    """Show gaps between groups in who was discussed and in what changed."""
    say = context.say
    blocks: list[Block] = []
    for attribute, found in context.after.aftermath.fairness.items():
        name = say(ATTRIBUTES[attribute])
        if not isinstance(found, ChangeFairness):
            blocks.append(Text(f"{name[:1].upper()}{name[1:]}: {say(found.message)}"))
            continue
        blocks.append(_gaps(context, name, found))
    if not blocks:
        return []
    many = msg(
        "Who stands out is discussed more often, so a gap can come from the scores before the"
        " session. No clear gap is no proof that there is none."
    )
    return [Part(say(msg("Changes per group")), (*blocks, Text(say(many))))]


def _gaps(context: FollowUpContext, name: str, found: ChangeFairness) -> Block:
    say = context.say
    rows: list[tuple[str | Cell, ...]] = []
    for row in found.gaps.to_dict("records"):
        group, reference = (
            say(BACKGROUND_GROUPS.get(row[which], msg("other"))) for which in ("group", "reference")
        )
        title = say(msg("{group} beside {reference}", group=group, reference=reference))
        question = say(_QUESTIONS[row["question"]])
        if isinstance(row["reason"], Message):
            rows.append((Cell(title, under=question), NO_VALUE, say(row["reason"])))
            continue
        as_share = row["question"] == SELECTION
        gap = _gap(context, row, as_share)
        rows.append((Cell(title, under=question), gap, _words(context, row)))
    return Table(
        say(msg("Gaps by {attribute}", attribute=name)),
        (
            Column(say(msg("Groups"))),
            Column(say(msg("Gap"))),
            Column(say(msg("What it says")), wide=True),
        ),
        tuple(rows),
        note=say(
            msg(
                "Comparisons on this attribute: {n}. Groups below {floor} people are hidden.",
                n=found.n_comparisons,
                floor=found.floor,
            )
        ),
        dense=True,
    )


def _gap(context: FollowUpContext, row: Row, as_share: bool) -> Cell:
    if not as_share:
        return Cell(
            context.language.signed(float(row["gap"])),
            under=context.interval(row["ci_low"], row["ci_high"]),
        )
    gap, low, high = (
        context.language.signed(100 * float(row[name]), 0) for name in ("gap", "ci_low", "ci_high")
    )
    # a bare percentage would read as the share itself
    return Cell(
        context.say(msg("{gap} percentage points", gap=gap)),
        under=context.say(msg("{low} to {high}", low=low, high=high)),
    )


def _words(context: FollowUpContext, row: Row) -> str:
    found = msg("a difference; ask what explains it")
    none = msg("no clear difference; the interval says what remains possible")
    return context.say(found if row["verdict"] == GAP else none)
