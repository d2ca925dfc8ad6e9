"""Part 4: the session looked at itself: movement, exchange, time, spread, groups."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from pipeline.errors import Message, msg
from pipeline.methods.movement import LEAST_CHANGED, Movement
from pipeline.methods.trading import Pattern, Trading
from pipeline.pack.blocks import Block, Cell, Column, Facts, Fold, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.after import audit_groups, audit_raters

_LEAST_SHARE = 5
"""Changed scores from which a share of them says something."""
_RARE = 0.05
"""Chance below which a pattern is worth a question."""
_MOVEMENT, _TRADING = msg("movement"), msg("exchange between managers")


def build(context: FollowUpContext) -> list[Block]:
    """Make the look back at the session."""
    say = context.say
    if context.sitting.held is False or not context.was_held:
        return [Note(say(msg("Without decisions there is nothing to look back at.")))]
    return [
        Text(
            say(
                msg(
                    "These numbers are about the session, not about persons. They are questions to"
                    " the facilitator: each pattern has innocent causes too."
                )
            )
        ),
        Part(say(msg("How scores moved")), tuple(_movement(context))),
        *_time(context),
        Part(say(msg("Exchange between managers")), tuple(_trading(context))),
        *audit_raters.build(context),
        *audit_groups.build(context),
    ]


# how scores moved --------------------------------------------------------------------------


def _movement(context: FollowUpContext) -> list[Block]:
    found, say = context.after.aftermath.movement, context.say
    if not isinstance(found, Movement):
        return [context.no_answer(found, _MOVEMENT)]
    if not context.is_organisation and not found.n_up + found.n_down:
        return [Text(say(msg("No decided score changed, so nothing moved.")))]
    rows = [(say(msg("Mean change (points)")), _mean_change(context, found))]
    if not context.is_organisation:
        rows.append((say(msg("Scores up : down")), f"{found.n_up} : {found.n_down}"))
    rows.append((say(msg("Spread after / before")), _ratio(context, found)))
    n_changed = found.n_up + found.n_down
    if n_changed >= _LEAST_SHARE and pd.notna(found.share_to_middle):
        share = context.say(
            msg(
                "{share} ({low} to {high})",
                share=context.percent(found.share_to_middle),
                low=context.percent(found.middle_low),
                high=context.percent(found.middle_high),
            )
        )
        rows.append((say(msg("Changed scores that moved to the middle")), share))
    return [
        Facts(tuple(rows), "rows"),
        Text(_spread_words(context, found)),
        *_by_criterion(context, found),
    ]


def _with(context: FollowUpContext, value: str, low: float, high: float) -> str:
    return context.say(msg("{value} ({range})", value=value, range=context.interval(low, high)))


def _mean_change(context: FollowUpContext, found: Movement) -> str:
    value = context.language.signed(found.mean_change)
    if pd.isna(found.change_low):
        return context.say(msg("{value}, without an interval", value=value))
    return _with(context, value, found.change_low, found.change_high)


def _ratio(context: FollowUpContext, found: Movement) -> str:
    if pd.isna(found.sd_ratio):
        return context.say(msg("not estimable: all scores were equal before"))
    value = context.language.number(found.sd_ratio)
    if pd.isna(found.ratio_low):
        return context.say(msg("{value}, without an interval", value=value))
    return _with(context, value, found.ratio_low, found.ratio_high)


def _spread_words(context: FollowUpContext, found: Movement) -> str:
    if pd.isna(found.sd_ratio):
        text = msg("Whether scores moved together cannot be told.")
    elif pd.isna(found.ratio_low):
        text = msg(
            "Whether scores came closer together cannot be told: that takes changes for at least"
            " {n} people, and scores that still differ.",
            n=LEAST_CHANGED,
        )
    elif found.ratio_high < 1:
        text = msg(
            "The decided scores lie closer together than before. That is not better by itself: ask"
            " whether arguments or the wish to agree brought them there."
        )
    elif found.ratio_low > 1:
        text = msg(
            "The decided scores lie further apart than before. That is not better or worse by"
            " itself: ask which arguments brought them there."
        )
    else:
        text = msg("Whether scores came closer together cannot be told: the interval holds 1.")
    return context.say(text)


def _by_criterion(context: FollowUpContext, found: Movement) -> list[Block]:
    say, groups = context.say, found.groups
    # who listens in a conversation session is not whose people were heard
    of_people = [] if context.is_conversation else ["manager_id", "job_level"]
    rows = groups[groups["by"].isin([*of_people, "criterion_id"])]
    if rows.empty:
        return []
    titles = {
        "manager_id": msg("manager"),
        "job_level": msg("level"),
        "criterion_id": msg("criterion"),
    }
    names: dict[str, Callable[[object], str]] = {
        "manager_id": context.person,
        "job_level": str,
        "criterion_id": context.on_criterion,
    }
    whole = context.language.whole
    body = tuple(
        (
            Cell(names[row["by"]](row["group"]), under=say(titles[row["by"]])),
            whole(int(row["n"])),
            whole(int(row["n_up"])),
            whole(int(row["n_down"])),
        )
        for row in rows.to_dict("records")
    )
    table = Table(
        say(msg("Decided scores per group")),
        (
            Column(say(msg("Group"))),
            Column(say(msg("Decided")), numeric=True),
            Column(say(msg("Up")), numeric=True),
            Column(say(msg("Down")), numeric=True),
        ),
        body,
        note=say(msg("Counts only: in groups this small a mean would say more than is known.")),
        dense=True,
    )
    title = context.of_kind(msg("Per manager, level and criterion"), msg("Per criterion"))
    return [Fold(title, (table,))]


# time ----------------------------------------------------------------------------------------


def _time(context: FollowUpContext) -> list[Block]:
    """Compare the minutes with the plan, and the share that went to what stood out."""
    say = context.say
    if context.is_organisation:
        return []
    minutes = context.decided.groupby("subject")["minutes"].sum(min_count=1).dropna()
    heading = say(msg("Time")) if context.decided["minutes"].notna().any() else ""
    if not heading:
        none = msg("Minutes per case were not recorded.")
        return [Part(say(msg("Time")), (Text(say(none)),))]
    spent = {str(one): float(n) for one, n in minutes.items()}
    planned = {
        case.subject_id: case.minutes for case in context.plan.cases if case.subject_id in spent
    }
    total = sum(spent.values())
    rows = [
        (
            say(msg("Minutes per case, mean")),
            say(
                msg(
                    "{mean} over {n} cases with a time",
                    mean=context.language.number(total / len(spent), 1),
                    n=len(spent),
                )
            ),
        )
    ]
    if planned:
        plan = context.language.number(sum(planned.values()) / len(planned), 1)
        rows.append(
            (
                say(msg("Planned for these cases, mean")),
                say(msg("{mean} over {n} cases on the agenda", mean=plan, n=len(planned))),
            )
        )
    outliers = {case.subject_id for case in context.plan.cases if not case.is_quiet}
    if outliers and total:
        share = sum(n for one, n in spent.items() if one in outliers) / total
        rows.append(
            (
                say(msg("Time for what stood out")),
                say(
                    msg(
                        "{share}; planned {plan}",
                        share=context.percent(share),
                        plan=context.percent(context.settings.session.outlier_share),
                    )
                ),
            )
        )
    unplanned = len(set(spent) - {case.subject_id for case in context.plan.cases})
    if unplanned:
        rows.append(
            (say(msg("Discussed without being on the agenda")), context.language.whole(unplanned))
        )
    note = msg("The agenda is that of the data as they are now; imports since may have changed it.")
    return [Part(heading, (Facts(tuple(rows), "rows"), Text(say(note))))]


# exchange ------------------------------------------------------------------------------------


def _trading(context: FollowUpContext) -> list[Block]:
    found, say = context.after.aftermath.trading, context.say
    if not isinstance(found, Trading):
        return [context.no_answer(found, _TRADING)]
    named: tuple[tuple[Message, Message, Pattern | Message, bool], ...] = (
        (
            msg("Own manager present"),
            msg("mean change of their people minus that of others, points"),
            found.home,
            True,
        ),
        (
            msg("Raised each other's people"),
            msg("pairs of managers who both took part in raising a report of the other"),
            found.reciprocity,
            False,
        ),
        (
            msg("Up and down in balance"),
            msg("managers with a raise and a lowering that leave the sum as it was"),
            found.balance,
            False,
        ),
    )
    rows, lacking = [], []
    for title, what, pattern, in_points in named:
        if isinstance(pattern, Pattern):
            rows.append((Cell(say(title), under=say(what)), *_numbers(context, pattern, in_points)))
        else:
            lacking.append(Text(f"{say(title)}: {say(pattern)}"))
    table = Table(
        say(msg("Patterns in the changes, beside what chance gives")),
        (
            Column(say(msg("Pattern"))),
            Column(say(msg("Found")), numeric=True),
            Column(say(msg("By chance")), numeric=True),
            Column(say(msg("Chance of as much")), numeric=True),
        ),
        tuple(rows),
        note=say(
            msg(
                "Chance: managers dealt out anew over the people discussed, or who was there over"
                " the managers."
            )
        ),
    )
    return [
        *([table] if rows else []),
        *_verdict(context, found.p_any),
        *lacking,
        _follows(context, found.follows),
    ]


def _numbers(context: FollowUpContext, pattern: Pattern, in_points: bool) -> tuple[str, Cell, str]:
    number, signed = context.language.number, context.language.signed
    write = signed if in_points else lambda value: number(value, 1)
    between = msg("{low} to {high}", low=write(pattern.chance_low), high=write(pattern.chance_high))
    return (
        signed(pattern.found) if in_points else number(pattern.found, 0),
        Cell(write(pattern.by_chance), under=context.say(between)),
        number(pattern.p_value, 3),
    )


def _verdict(context: FollowUpContext, p_any: float | None) -> list[Block]:
    """Say what the patterns come to together: of several, one is sooner rare."""
    if p_any is None:
        return []
    if p_any < _RARE:
        text = msg(
            "At least one pattern is rarer than chance easily gives, also for as many as were"
            " looked at. That is a question, never a verdict: a manager may know the own people"
            " best."
        )
    else:
        text = msg(
            "None of these is rarer than chance easily gives. With few changes that is no proof"
            " that there was no exchange."
        )
    return [Text(context.say(text))]


def _follows(context: FollowUpContext, pattern: Pattern | Message) -> Block:
    """Say whether changes went the way of the expected scores, which is no exchange."""
    say, signed = context.say, context.language.signed
    if not isinstance(pattern, Pattern):
        title = msg("Changes beside expected scores")
        return Text(f"{say(title)}: {say(pattern)}")
    size = msg(
        "Changes beside expected scores: {found} points for each point that the model expects above"
        " what was given; by chance {low} to {high}.",
        found=signed(pattern.found),
        low=signed(pattern.chance_low),
        high=signed(pattern.chance_high),
    )
    if pattern.p_value >= _RARE:
        text = msg("Whether changes went the way of the expected scores cannot be told.")
    elif pattern.found > 0:
        text = msg(
            "Changes went the way of the expected scores. Those lie nearer to the middle, so every"
            " session that moves high and low scores to the middle shows this, whatever the"
            " arguments were."
        )
    else:
        text = msg(
            "Changes went against the expected scores. The model knows ratings only, the session"
            " knew arguments: read them in the decision register."
        )
    return Text(f"{say(size)} {say(text)}")
