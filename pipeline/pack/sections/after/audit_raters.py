"""Of part 4: did managers and raters come closer together, and did the last norms show?"""

from __future__ import annotations

from pipeline.errors import Message, msg
from pipeline.methods.convergence import Convergence, Distance, Spread
from pipeline.methods.norm_effect import NormEffect
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Note, Part, Table, Text
from pipeline.pack.context import Row
from pipeline.pack.follow_up_context import FollowUpContext

_TOGETHER, _NORMS = msg("closer together"), msg("effect of the last norms")


def build(context: FollowUpContext) -> list[Block]:
    """Show managers, raters and norms."""
    title = context.of_kind(msg("Managers before and after"), msg("Raters and the decided scores"))
    return [Part(title, tuple(_convergence(context))), _norm_effect(context)]


def _convergence(context: FollowUpContext) -> list[Block]:
    found = context.after.aftermath.convergence
    if not isinstance(found, Convergence):
        return [context.no_answer(found, _TOGETHER)]
    rows = [] if context.is_conversation else [_spread(context, found.spread)]
    rows.append(_distance(context, found.distance))
    return [Bullets(tuple(rows)), *_nested(context, found), *_cycles(context, found)]


def _spread(context: FollowUpContext, found: Spread | Message) -> str:
    if isinstance(found, Message):
        return context.say(found)
    size = msg(
        "Spread of the means of {n} managers: {before} points before, {after} after; ratio"
        " {ratio} ({range}).",
        n=found.n_managers,
        before=found.before,
        after=found.after,
        ratio=found.ratio,
        range=context.interval(found.ratio_low, found.ratio_high),
    )
    if found.ratio_high < 1:
        text = msg("They lie closer together than before, which is not better by itself.")
    elif found.ratio_low > 1:
        text = msg("They lie further apart than before, which is not worse by itself.")
    else:
        text = msg("Whether they came closer together cannot be told: the interval holds 1.")
    return f"{context.say(size)} {context.say(text)}"


def _distance(context: FollowUpContext, found: Distance | Message) -> str:
    if isinstance(found, Message):
        return context.say(found)
    return context.say(
        msg(
            "Raters were on average {mean} points ({range}) from the score that was decided. After"
            " the session one score holds, so there is no agreement “after” to compare with.",
            mean=found.mean,
            range=context.interval(found.low, found.high),
        )
    )


def _nested(context: FollowUpContext, found: Convergence) -> list[Block]:
    """Say that a manager's mean is not severity; where nobody has two raters nothing is."""
    if found.nested:
        text = msg(
            "Nobody has two raters here, so a difference between managers can come from their teams"
            " as well as from how strict they are. These numbers cannot tell which, and how far"
            " raters agree is not known either."
        )
        return [Note(context.say(text))]
    if not isinstance(found.spread, Spread):
        return []
    text = msg(
        "A manager's mean holds what the team is like as well as how strict the manager is; its"
        " spread is not that of strictness."
    )
    return [Note(context.say(text))]


def _cycles(context: FollowUpContext, found: Convergence) -> list[Block]:
    say = context.say
    # where nobody ever had two raters the note on that has said it
    if found.nested and found.cycles["n_subjects"].eq(0).all():
        return []
    rows, reasons = [], []
    for row in found.cycles.to_dict("records"):
        if isinstance(row["reason"], Message):
            reasons.append(f"{row['cycle']}: {say(row['reason'])}")
            continue
        rows.append(_cycle(context, row))
    blocks: list[Block] = [Text(one) for one in reasons]
    if rows:
        blocks.insert(
            0,
            Table(
                say(msg("Agreement of raters before each session")),
                (
                    Column(say(msg("Cycle"))),
                    Column(say(msg("Agreement (ICC)"))),
                    Column(say(msg("Within one point"))),
                    Column(say(msg("Spread of raters (points)")), numeric=True),
                    Column(say(msg("Rated by two or more")), numeric=True),
                ),
                tuple(rows),
                note=say(
                    msg(
                        "Of subjects that raters shared. A cycle with other people or other raters"
                        " can differ for that reason alone. The spread of raters has no interval:"
                        " with few raters it is a rough number."
                    )
                ),
                dense=True,
            ),
        )
    return blocks


def _cycle(context: FollowUpContext, row: Row) -> tuple[str | Cell, ...]:
    say = context.say
    share = msg(
        "{low} to {high}",
        low=context.percent(row["within_low"]),
        high=context.percent(row["within_high"]),
    )
    return (
        str(row["cycle"]),
        Cell(context.score(row["icc"]), under=context.interval(row["icc_low"], row["icc_high"])),
        Cell(context.percent(row["within_one"]), under=say(share)),
        context.score(row["sd_raters"]),
        context.language.whole(int(row["n_subjects"])),
    )


def _norm_effect(context: FollowUpContext) -> Part:
    found, say = context.after.aftermath.norm_effect, context.say
    title = say(msg("Did the norms of the last session show?"))
    if not isinstance(found, NormEffect):
        return Part(title, (context.no_answer(found, _NORMS),))
    size = msg(
        "On criteria with a norm raters differ {effect} points ({range}) compared with the other"
        " criteria; below zero is closer together. Rated by two or more: {before} in cycle"
        " {earlier}, {after} now.",
        effect=context.language.signed(found.effect),
        range=context.interval(found.ci_low, found.ci_high),
        before=found.n_before,
        earlier=found.norm_cycle,
        after=found.n_after,
    )
    clear = found.ci_high < 0 or found.ci_low > 0
    verdict = (
        msg(
            "A difference, but a session sets norms where raters differ most, and that tends to"
            " shrink by itself."
        )
        if clear
        else msg("Whether the norms made a difference cannot be told: the interval holds 0.")
    )
    return Part(title, (Text(f"{say(size)} {say(verdict)}"),))
