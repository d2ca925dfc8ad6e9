"""Part 4: the session looked at itself: movement, exchange, time, spread, groups."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from pipeline.errors import Message, msg
from pipeline.methods.movement import Movement
from pipeline.methods.trading import Pattern, Trading
from pipeline.pack.blocks import Block, Cell, Column, Facts, Fold, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.after import audit_groups, audit_raters

_LEAST_SHARE = 5
"""Changed scores from which a share of them says something."""
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
    rows = [
        (
            say(msg("Mean change (points)")),
            _with(
                context,
                context.language.signed(found.mean_change),
                found.change_low,
                found.change_high,
            ),
        )
    ]
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


def _ratio(context: FollowUpContext, found: Movement) -> str:
    if pd.isna(found.sd_ratio):
        return context.say(msg("not estimable: all scores were equal before"))
    value = context.language.number(found.sd_ratio)
    if pd.isna(found.ratio_low):
        return context.say(msg("{value}, without an interval", value=value))
    return _with(context, value, found.ratio_low, found.ratio_high)


def _spread_words(context: FollowUpContext, found: Movement) -> str:
    if pd.isna(found.ratio_low):
        text = msg("Whether scores moved together cannot be told.")
    elif found.ratio_high < 1:
        text = msg(
            "The decided scores lie closer together than before. That is not better by itself: ask"
            " whether arguments or the wish to agree brought them there."
        )
    elif found.ratio_low > 1:
        text = msg("The decided scores lie further apart than before.")
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
    number, signed = context.language.number, context.language.signed
    named: tuple[tuple[Message, Message, Pattern | None, Message], ...] = (
        (
            msg("Own manager present"),
            msg("mean change of their people minus that of others, points"),
            found.home,
            msg("Own manager present: all were there, or none was, so there is nothing beside it."),
        ),
        (
            msg("Raised each other's people"),
            msg("pairs of managers who both took part in raising a report of the other"),
            found.reciprocity,
            msg("Raised each other's people: no decision names a manager of these people."),
        ),
        (
            msg("Up and down in balance"),
            msg("managers with a raise and a lowering that leave the sum as it was"),
            found.balance,
            msg("Up and down in balance: not estimable."),
        ),
    )
    rows, lacking = [], []
    for title, what, pattern, without in named:
        if pattern is None:
            lacking.append(say(without))
            continue
        points = pattern is found.home
        write = signed if points else lambda value: number(value, 1)
        value = signed(pattern.found) if points else number(pattern.found, 0)
        rows.append(
            (
                Cell(say(title), under=say(what)),
                value,
                Cell(
                    write(pattern.by_chance),
                    under=say(
                        msg(
                            "{low} to {high}",
                            low=write(pattern.chance_low),
                            high=write(pattern.chance_high),
                        )
                    ),
                ),
                number(pattern.p_value, 3),
            )
        )
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
                "Chance: managers permuted over the people discussed. A small chance is a question,"
                " never a verdict: a manager may know the own people best."
            )
        ),
    )
    return [table, *(Text(one) for one in lacking)]
