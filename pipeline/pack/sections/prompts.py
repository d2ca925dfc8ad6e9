"""Questions against bias, where the data say that they apply; and questions to learn from."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.agenda import Case
from pipeline.errors import Message, msg
from pipeline.pack.blocks import Block, Bullets, Part
from pipeline.pack.context import Context

PART_TIME = 0.8
"""Working hours below this share of full time are seen less."""
LATE_DAYS, LATE_SHARE, LEAST_EVIDENCE = 60, 2 / 3, 3
SAME_RATER_CYCLES = 4
ELSEWHERE = 0.25
"""A place where less than this share of the department works is out of sight of most."""
_NEW_DAYS = 365

_OF_EVERY_SESSION = (
    msg("Visibility: would we say this if the work were done next to us, or far away?"),
    msg("Culture: does the work ask for this behaviour, or are we used to it?"),
    msg("Gender and age: would we use the same words for somebody else?"),
    msg("Recency: does this also hold for the spring?"),
    msg("Relationship: what would somebody say who does not know this person?"),
)
_TO_LEARN = (
    msg("Which of my scores would I argue differently after today?"),
    msg("Whose norm do I want to see at work, and when do we look together?"),
    msg("What do I want to notice sooner next cycle, and where will I write it down?"),
)


def of_session(context: Context) -> list[Block]:
    """Return what the process guard reads out, and what managers take home."""
    say = context.say
    return [
        Part(say(title), (Bullets(tuple(say(one) for one in questions)),))
        for title, questions in (
            (msg("Questions against bias"), _OF_EVERY_SESSION),
            (msg("To learn from, for each manager"), _TO_LEARN),
        )
    ]


def of_case(context: Context, case: Case) -> tuple[str, ...]:
    """Return the questions against bias for which this case gives a reason."""
    if context.is_conversation:
        return ()
    found = (
        _about_visibility(context, case),
        _about_recency(context, case),
        _about_relationship(context, case),
    )
    return tuple(context.say(one) for one in found if one is not None)


def _about_visibility(context: Context, case: Case) -> Message | None:
    places = context.data.employees["location"].value_counts(normalize=True)
    for row in context.rows_of("employees", case.employee_id):
        if places.get(row.get("location"), 1.0) < ELSEWHERE:
            return msg("Works where few of the department are: who saw the work?")
        if pd.notna(row.get("fte")) and float(row["fte"]) < PART_TIME:
            return msg("Works part-time: is it the result that is judged, or the presence?")
    return None


def _about_recency(context: Context, case: Case) -> Message | None:
    end = _day(context.data.cycle, "ends_on")
    days = [row["dated_on"] for row in context.rows_of("evidence", case.employee_id)]
    if end is None or len(days) < LEAST_EVIDENCE:
        return None
    late = sum((end - pd.Timestamp(day)).days < LATE_DAYS for day in days)
    if late / len(days) < LATE_SHARE:
        return None
    return msg("{late} of {n} pieces of evidence are from the last weeks: what came before?",
               late=late, n=len(days))  # fmt: skip


def _about_relationship(context: Context, case: Case) -> Message | None:
    raters = {row["rater_id"] for row in context.rows_of("ratings", case.subject_id)}
    past = context.rows_of("past_ratings", case.employee_id)
    for rater in sorted(raters):
        cycles = {row["cycle"] for row in past if row["rater_id"] == rater}
        if len(cycles) + 1 >= SAME_RATER_CYCLES:
            return msg(
                "One rater has rated this person in {n} cycles now: what would a newcomer see?",
                n=len(cycles) + 1,
            )
    end = _day(context.data.cycle, "ends_on")
    for row in context.rows_of("employees", case.employee_id):
        hired = row.get("hired_on")
        if end is not None and pd.notna(hired) and (end - pd.Timestamp(hired)).days < _NEW_DAYS:
            return msg("Came during the cycle: is the start compared with others' second year?")
    return None


def _day(cycle: pd.DataFrame, name: str) -> Any:
    if cycle.empty or cycle[name].isna().all():
        return None
    return pd.Timestamp(cycle[name].iloc[0])
