"""The back of a card: two people prepare the same conversation, then agree."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.errors import msg
from pipeline.pack.card.person import LONGEST_NAME, Bounded, Card
from pipeline.pack.card.texts import COLUMNS, THEMES
from pipeline.pack.moments import Moment
from pipeline.pack.wording import shorten
from pipeline.tables import OVERALL

MOST_PROMPTS, MOST_ACTIONS, _ROWS = 2, 2, 4
_LINE, _LONGEST = 95, 120
_GOOD_KINDS = ("example", "feedback")


def back(card: Card) -> dict[str, Any]:
    """Return what the template of the back shows."""
    say = card.say
    themes = THEMES[_changed(card)]
    return {
        "lead": say(
            msg(
                "A conversation of two. Prepare your own column; neither of you fills in the"
                " other's. Listen first, then agree."
            )
        ),
        "you": say(COLUMNS["you"]),
        "manager": say(COLUMNS["manager"]),
        "appreciation": say(msg("Appreciation")),
        "proud": say(msg("What I am proud of, and whom or what I thank for it")),
        "thanks": say(msg("What I value in your work, with an example")),
        "prompts_title": say(msg("To begin with, recorded about your highest scores")),
        "prompts": _prompts(card),
        "themes": [tuple(say(text) for text in theme) for theme in themes],
        "together": say(msg("Together: what we agree")),
        "columns": tuple(
            say(text) for text in (msg("What"), msg("Who"), msg("By when"), msg("How it shows"))
        ),
        "actions": _actions(card),
        "n_empty": _ROWS - len(_actions(card)),
        "checkin": _checkin(card),
        "talked": say(msg("Talked on")),
    }


def _changed(card: Card) -> str:
    outcomes = {row["outcome"] for row in card.own.decisions.values()}
    if not card.own.is_rated:
        return "unrated"
    return next((one for one in ("adjusted", "parked") if one in outcomes), "upheld")


def _prompts(card: Card) -> list[Bounded]:
    """Return what was recorded on the criteria with the highest score, from the middle up."""
    stands = {one: card.stands(one) for one in card.order if one != OVERALL}
    known = {one: score for one, score in stands.items() if score is not None}
    middle = (card.settings.scale.low + card.settings.scale.high) / 2
    best = max(known.values(), default=middle)
    if best < middle:
        return []
    top = {one for one, score in known.items() if score == best}
    rows = [
        row
        for row in card.own.evidence
        if row["kind"] in _GOOD_KINDS
        and row["criterion_id"] in top
        and isinstance(row["text"], str)
    ]
    return [card.piece(row, _LINE, 2) for row in rows[:MOST_PROMPTS]]


def _actions(card: Card) -> list[tuple[str, str, str, str]]:
    name = card.say(msg("you"))
    return [
        (
            shorten(card.text(row["text"]), _LONGEST),
            name,
            card.date(row["due_on"]),
            shorten(card.text(row["measure"]), _LONGEST) if row["measure"] is not None else "",
        )
        for row in card.own.actions[:MOST_ACTIONS]
    ]


def _checkin(card: Card) -> tuple[str, str]:
    """Return the title of the next check-in, and what is known of it."""
    title = card.say(msg("Next check-in on"))
    found = _next_moment(card)
    if found is None:
        return title, ""
    when = found.when(card.language)
    return title, card.say(
        msg("In the cycle: {when}, {what}.", when=when, what=shorten(found.what, LONGEST_NAME))
    )


def _next_moment(card: Card) -> Moment | None:
    held = card.held_on
    if held is None:
        return None
    later = [one for one in card.moments if one.first is not None and one.first > held]
    return min(later, key=lambda one: one.first or dt.date.max, default=None)
