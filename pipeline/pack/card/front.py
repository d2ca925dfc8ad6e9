"""The front of a card: what was decided and why, the year behind it, and how to object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.errors import Suppressed, msg, msgn
from pipeline.pack.card.person import LONGEST_NAME, MOST_CRITERIA, Bounded, Card, bounded, number
from pipeline.pack.card.texts import UNRATED
from pipeline.pack.criterion_texts import anchor_at, label_of
from pipeline.pack.wording import GOAL_STATES, shorten
from pipeline.tables import OVERALL

MOST_NOTES, MOST_OTHERS = 4, 12
"""Goals, and pieces of evidence; criteria of which only the score is told."""
_FRONT_LINES = 38
"""Lines on paper for the outcomes, the goals and the evidence together."""
_REASON_LINES = 9
"""Lines on paper for all reasons together; each gets two to four."""
_REASON, _BEHAVIOUR, _NOTE = 100, 110, 50
"""Characters on a line: less than fit, so that a text is cut here and says so."""
_LEAD = 1.2
"""Lines that the lead of a note takes, with its margin."""
_LONGEST_TITLE, _MOST_LINES, _LINE_HEIGHT = 45, 12, 1.7
"""The last two of lines to write on."""


@dataclass(frozen=True)
class Verdict:
    """What holds for one criterion, or overall.

    Attributes
    ----------
    title, score, label
        What it is about, the score that holds, and what that score is called.
    happened
        What the session did with it.
    behaviour, why
        What the score stands for, and the reason of the decision.
    decided, changed, parked
        Whether the session discussed it, changed it, or put it off.
    """

    title: str
    score: str
    label: str
    happened: str
    behaviour: Bounded | None = None
    why: Bounded | None = None
    decided: bool = False
    changed: bool = False
    parked: bool = False

    @property
    def lines(self) -> float:
        """Lines that it takes on paper, its margins included."""
        head = 1 if len(self.title) + len(self.happened) < _REASON - 15 else 2
        return head + 0.6 + sum(one.lines for one in (self.behaviour, self.why) if one)


def front(card: Card) -> dict[str, Any]:
    """Return what the template of the front shows."""
    say, own = card.say, card.own
    verdicts = _verdicts(card)
    others, remarks = _others(card), _remarks(card, verdicts)
    left = _FRONT_LINES - sum(one.lines for one in verdicts) - 2 * bool(others)
    left -= 1.2 * len(remarks) + 8 * (not own.is_rated)
    goals = _fitting((_goal(card, row) for row in own.goals), left)
    evidence = _fitting((card.piece(row, _NOTE, 3) for row in own.evidence), left)
    taken = max(sum(one.lines + _LEAD for one in notes) for notes in (goals, evidence))
    cut_off = any(one.text.endswith(" …") for one in (*goals, *evidence))
    return {
        "over": say(msg("Conversation card")),
        "organisation": shorten(card.settings.pack.organisation, LONGEST_NAME),
        "people_decide": ""
        if not own.is_rated
        else say(
            msg(
                "People decided this. Your manager rated, the session weighed the reasons, and"
                " people took each decision; nothing on this card was computed. You may ask"
                " about all of it, and object."
            )
        ),
        "unrated": () if own.is_rated else tuple(say(text) for text in UNRATED),
        "verdicts": verdicts,
        "stands_for": say(msg("In grey: the behaviour that your score stands for."))
        if any(one.behaviour for one in verdicts)
        else "",
        "others": others,
        "remarks": remarks,
        "year": say(msg("Your year")),
        "goals_title": say(msg("Your goals")),
        "goals": goals,
        "no_goals": say(msg("No goals were recorded for this cycle.")),
        "goals_more": _more(card, len(own.goals) - len(goals)),
        "evidence_title": say(msg("What was recorded about your work")),
        "evidence": evidence,
        "no_evidence": say(
            msg("Nothing was recorded in this cycle. Bring your own examples, with a date.")
        ),
        "evidence_more": _more(card, len(own.evidence) - len(evidence)),
        "cut_off": say(msg("A text that ends in … goes on: ask your manager for the whole text."))
        if cut_off
        else "",
        "ask": say(msg("What I want to ask about this")),
        "n_lines": max(0, min(_MOST_LINES, int((left - taken - 3) / _LINE_HEIGHT))),
        "object_title": say(msg("If you disagree")),
        "object": shorten(card.settings.card.objection(card.language.code)),
    }


def _verdicts(card: Card) -> list[Verdict]:
    order = card.order
    shown = order[: MOST_CRITERIA + (OVERALL in order)]
    reasons = sum(one in card.own.decisions for one in shown)
    lines = max(2, min(4, _REASON_LINES // max(1, reasons)))
    return [_verdict(card, one, lines, 2 if reasons < 3 else 1) for one in shown]


def _verdict(card: Card, one: str, lines: int, most: int) -> Verdict:
    code, scale = card.language.code, card.settings.scale
    row = card.criteria.get(one, {})
    decision = card.own.decisions.get(one)
    score = card.stands(one)
    anchor = "" if score is None else anchor_at(row, score, code)
    title = card.say(msg("Overall")) if one == OVERALL else label_of(row, one, code)
    outcome = "" if decision is None else str(decision["outcome"])
    return Verdict(
        title=shorten(title, _LONGEST_TITLE),
        score=card.score(score),
        label="" if score is None else shorten(scale.label(score, code), 40),
        happened=_as_given(card, score) if decision is None else _happened(card, decision),
        behaviour=bounded("", anchor, _BEHAVIOUR, most) if anchor else None,
        why=None if decision is None else _why(card, decision["argument"], lines),
        decided=decision is not None,
        changed=outcome == "adjusted",
        parked=outcome == "parked",
    )


def _happened(card: Card, decision: dict[str, Any]) -> str:
    before, after = number(decision["score_before"]), number(decision["score_after"])
    if decision["outcome"] == "parked":
        return card.say(msg("Parked: the session has not decided about this yet."))
    if decision["outcome"] != "adjusted":
        return card.say(msg("Discussed and upheld: it stays as it was."))
    if before is None or after is None:
        return card.say(msg("Changed in the session."))
    return card.say(
        msg(
            "Changed in the session: from {before} to {after}.",
            before=card.score(before),
            after=card.score(after),
        )
    )


def _as_given(card: Card, score: float | None) -> str:
    if score is not None:
        return card.say(msg("Not discussed: it stays as your manager gave it."))
    return card.say(
        msg(
            "Not discussed. You were given different scores for this; your manager will tell"
            " you which one holds."
        )
    )


def _why(card: Card, argument: object, lines: int) -> Bounded:
    say = card.say
    why = say(msg("Why:"))
    if isinstance(argument, Suppressed):
        return Bounded(why, say(argument.message), 1)
    if not isinstance(argument, str):
        return Bounded(why, say(msg("No reason was recorded; ask your manager for it.")), 1)
    found = bounded(why, argument, _REASON, lines, inline=True)
    if not found.text.endswith(" …"):
        return found
    return bounded(
        say(msg("Why (the whole text: ask your manager):")), argument, _REASON, lines, inline=True
    )


def _remarks(card: Card, verdicts: list[Verdict]) -> list[str]:
    """Say what holds for the card as a whole: what is put off, and a whole without a score."""
    found, own = [], card.own
    if any(one.parked for one in verdicts):
        found += _what_next(card)
    if own.is_rated and OVERALL not in own.decisions and OVERALL not in own.scores:
        found.append(
            card.say(
                msg("There is no decision about the whole: the outcome is the score per criterion.")
            )
        )
    return found


def _what_next(card: Card) -> list[str]:
    """Say what happens with what was parked, and by when."""
    say, own = card.say, card.own
    due = [row["due_on"].date() for row in own.parked if pd.notna(row["due_on"])]
    if due:
        text = msg(
            "What is parked is not final. Your manager comes back to you about it by {day}.",
            day=min(due),
        )
    else:
        text = msg(
            "What is parked is not final. Your manager comes back to you about it; agree on a day"
            " together: ____________"
        )
    noted = [shorten(card.text(row["text"]), _REASON - 20) for row in own.parked[:1]]
    return [say(text), *(say(msg("What happens next: {what}", what=one)) for one in noted)]


def _others(card: Card) -> str:
    """Name the criteria beyond those told in full, with their scores."""
    order = card.order
    rest = order[MOST_CRITERIA + (OVERALL in order) :]
    if not rest:
        return ""
    shown = []
    for one in rest[:MOST_OTHERS]:
        title = label_of(card.criteria.get(one, {}), one, card.language.code)
        shown.append(f"{shorten(title, 40)} {card.score(card.stands(one))}")
    text = card.say(msg("Also rated: {scores}.", scores="; ".join(shown)))
    return f"{text} {_more(card, len(rest) - MOST_OTHERS)}".strip()


def _goal(card: Card, row: dict[str, Any]) -> Bounded:
    state = GOAL_STATES.get(str(row["status"]), GOAL_STATES["open"])
    words = [card.say(state), card.date(row["due_on"])]
    return bounded(" · ".join(word for word in words if word), card.text(row["text"]), _NOTE)


def _more(card: Card, n: int) -> str:
    if n <= 0:
        return ""
    return card.say(msgn("{n} more: ask your manager.", "{n} more: ask your manager.", n))


def _fitting(notes: Iterable[Bounded], lines: float) -> list[Bounded]:
    """Return the first notes that fit on so many lines."""
    found: list[Bounded] = []
    for one in notes:
        lines -= one.lines + _LEAD
        if lines < 0 or len(found) == MOST_NOTES:
            break
        found.append(one)
    return found
