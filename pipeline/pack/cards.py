"""The conversation cards (praatkaarten): two sides of A4 for everybody whom a session was about.

The front tells what was decided, and why; on the back two people prepare the same conversation.
Everything is bounded, so that a card is two sides whatever was written: what was cut off says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.errors import Message, Suppressed, msg, msgn
from pipeline.locale import Language
from pipeline.pack.card_texts import COLUMNS, THEMES, UNRATED
from pipeline.pack.criterion_texts import anchor_at, label_of
from pipeline.pack.moments import Moment, moments
from pipeline.pack.page import Section, environment
from pipeline.pack.person_pages import PersonPage, PersonPages
from pipeline.pack.wording import EVIDENCE_KINDS, GOAL_STATES, NO_VALUE, shorten
from pipeline.privacy import OwnOutcome, own_outcomes
from pipeline.settings import Settings
from pipeline.store import SessionOutcome
from pipeline.tables import OVERALL

MOST_CRITERIA, MOST_OTHERS = 5, 12
"""Criteria that are told in full, and those of which only the score is."""
MOST_EVIDENCE, MOST_GOALS, MOST_PROMPTS, MOST_ACTIONS = 4, 4, 2, 2
_WHY_LINES, _MOST_LINES = 12, 4
"""Lines on paper for all reasons together, and for one of them."""
_PER_LINE = 100
"""Characters that surely fit on a line of a reason."""
_LONGEST, _LONGEST_NAME = 120, 60
_GOOD_KINDS = ("example", "feedback")


@dataclass(frozen=True)
class Verdict:
    """What holds for one criterion, or overall.

    Attributes
    ----------
    title, score, label
        What it is about, the score that holds, and what that score is called.
    behaviour
        What the score stands for.
    happened
        What the session did with it.
    why_title, why, lines
        The reason, and the lines it may take on paper.
    more
        Further sentences, such as what happens next.
    changed
        Whether the score changed.
    """

    title: str
    score: str
    label: str
    behaviour: str
    happened: str
    why_title: str = ""
    why: str = ""
    lines: int = 1
    more: tuple[str, ...] = ()
    changed: bool = False


def make_cards(outcome: SessionOutcome, settings: Settings, language: Language) -> PersonPages:
    """Make the card of everybody whom a session about people was about.

    Parameters
    ----------
    outcome
        What the session decided. About conversations, or where nothing was decided yet, there are
        no cards.
    settings
        Scale, and how to object.
    language
        Of the department: `Settings.language_of`.

    Returns
    -------
    PersonPages
        In the folder ``"cards"``; its warnings count the texts that were withheld.
    """
    session = outcome.session
    if session.kind != "performance" or not outcome.is_known or outcome.sitting.held is False:
        return PersonPages((), language)
    pages, withheld = [], 0
    for own in own_outcomes(outcome):
        pages.append(_Card(own, outcome, settings, language).page())
        withheld += own.n_withheld
    warnings = () if not withheld else (language.say(_withheld(withheld)),)
    return PersonPages(tuple(pages), language, warnings)


def _withheld(n: int) -> Message:
    return msgn(
        "{n} text is withheld from a conversation card because it names somebody else; the card"
        " says that the manager will tell it.",
        "{n} texts are withheld from conversation cards because they name somebody else; the cards"
        " say that the manager will tell them.",
        n,
    )


class _Card:
    """One card in the making."""

    def __init__(
        self, own: OwnOutcome, outcome: SessionOutcome, settings: Settings, language: Language
    ) -> None:
        self.own, self.outcome, self.settings, self.language = own, outcome, settings, language
        self.say = language.say
        rows = outcome.data.criteria.to_dict("records")
        self.criteria: dict[str, dict[str, Any]] = {
            str(row["criterion_id"]): {str(k): v for k, v in row.items()} for row in rows
        }

    def page(self) -> PersonPage:
        """Return the two sides."""
        say = self.say
        name = shorten(self.own.name or self.own.employee_id, _LONGEST_NAME)
        front, back = say(msg("What was decided")), say(msg("The conversation"))
        return PersonPage(
            "cards",
            self.own.employee_id,
            say(msg("Conversation card of {name}", name=name)),
            (
                Section("front", front, self._render("front", front, name)),
                Section("back", back, self._render("back", back, name)),
            ),
        )

    def _render(self, side: str, title: str, name: str) -> Markup:
        content = self._front() if side == "front" else self._back()
        template = environment().get_template(f"card_{side}.html.j2")
        html = template.render(title=title, name=name, subtitle=self._subtitle(), **content)
        return Markup(html)  # rendered with autoescape

    def _subtitle(self) -> str:
        session = self.outcome.session
        parts = [
            shorten(session.department, _LONGEST_NAME),
            self.say(msg("cycle {cycle}", cycle=shorten(session.cycle, _LONGEST_NAME))),
        ]
        held = self.outcome.sitting.held_on or session.held_on
        if held:
            parts.append(self.say(msg("session of {day}", day=self.language.date(held))))
        return " · ".join(parts)

    # the front -----------------------------------------------------------------------------

    def _front(self) -> dict[str, Any]:
        say, own = self.say, self.own
        verdicts = list(self._verdicts())
        return {
            "over": say(msg("Conversation card")),
            "organisation": shorten(self.settings.pack.organisation, _LONGEST_NAME),
            "people_decide": say(
                msg(
                    "People decided this. Your manager rated, the session weighed the reasons, and"
                    " people took each decision; nothing on this card was computed. You may ask"
                    " about all of it, and object."
                )
            ),
            "unrated": () if own.is_rated else tuple(say(text) for text in UNRATED),
            "verdicts": verdicts,
            "others": self._others(len([v for v in verdicts if v]) > 0),
            "no_overall": ""
            if not own.is_rated or OVERALL in own.decisions or OVERALL in own.scores
            else say(
                msg("There is no decision about the whole: the outcome is the score per criterion.")
            ),
            "stands_for": say(msg("What this score stands for:")),
            "year": say(msg("Your year")),
            "goals_title": say(msg("Your goals")),
            "goals": self._goals(),
            "no_goals": say(msg("No goals were recorded for this cycle.")),
            "evidence_title": say(msg("What was recorded about your work")),
            "evidence": self._evidence(),
            "no_evidence": say(
                msg("Nothing was recorded in this cycle. Bring your own examples, with a date.")
            ),
            "goals_more": self._more(len(own.goals) - MOST_GOALS),
            "evidence_more": self._more(len(own.evidence) - MOST_EVIDENCE),
            "object_title": say(msg("If you disagree")),
            "object": shorten(self.settings.card.objection(self.language.code)),
        }

    def _order(self) -> list[str]:
        """Return what was rated: the whole, what was discussed, then the others."""
        own = self.own
        every = sorted({*own.scores, *own.decisions} - {OVERALL})
        first = [OVERALL] if OVERALL in own.decisions or OVERALL in own.scores else []
        if len(every) > MOST_CRITERIA:
            every.sort(key=lambda one: one not in own.decisions)  # stable
        return first + every

    def _verdicts(self) -> Iterator[Verdict]:
        order = self._order()
        most = MOST_CRITERIA + (OVERALL in order)
        shown = order[:most]
        reasons = sum(one in self.own.decisions for one in shown)
        lines = max(2, min(_MOST_LINES, _WHY_LINES // max(1, reasons)))
        for one in shown:
            yield self._verdict(one, lines)

    def _verdict(self, one: str, lines: int) -> Verdict:
        decision = self.own.decisions.get(one)
        score = self.own.scores.get(one)
        if decision is None:
            return self._described(one, score, self._as_given(score))
        before = _number(decision["score_before"])
        after = _number(decision["score_after"])
        why_title, why = self._why(decision["argument"], lines)
        told = {"why_title": why_title, "why": why, "lines": lines}
        if decision["outcome"] == "parked":
            more = (self._what_next(),)
            text = self.say(msg("Parked: the session has not decided about this yet."))
            return self._described(one, None, text, more=more, **told)
        stands = after if after is not None else before
        if decision["outcome"] == "adjusted" and before is not None and before != stands:
            text = self.say(
                msg(
                    "Changed in the session: from {before} to {after}.",
                    before=self._score(before),
                    after=self._score(stands),
                )
            )
        elif decision["outcome"] == "adjusted":
            text = self.say(msg("Changed in the session."))
        else:
            text = self.say(msg("Discussed and upheld: it stays as your manager gave it."))
        changed = decision["outcome"] == "adjusted"
        return self._described(one, stands, text, changed=changed, **told)

    def _described(self, one: str, score: float | None, happened: str, **told: Any) -> Verdict:
        row = self.criteria.get(one, {})
        code = self.language.code
        title = self.say(msg("Overall")) if one == OVERALL else label_of(row, one, code)
        label = "" if score is None else self.settings.scale.label(score, code)
        behaviour = "" if score is None else anchor_at(row, score, code)
        return Verdict(
            shorten(title, _LONGEST_NAME),
            self._score(score),
            label,
            shorten(behaviour, _LONGEST + 40),
            happened,
            **told,
        )

    def _as_given(self, score: float | None) -> str:
        if score is None:
            return self.say(
                msg(
                    "Not discussed. You were given different scores for this; your manager will"
                    " tell you which one holds."
                )
            )
        return self.say(msg("Not discussed: it stays as your manager gave it."))

    def _why(self, argument: object, lines: int) -> tuple[str, str]:
        say = self.say
        if isinstance(argument, Suppressed):
            return say(msg("Why:")), say(argument.message)
        if not isinstance(argument, str):
            return say(msg("Why:")), say(msg("No reason was recorded; ask your manager for it."))
        text = shorten(argument, lines * _PER_LINE - 40)
        if not text.endswith(" …"):
            return say(msg("Why:")), text
        return say(msg("Why (the whole text: ask your manager):")), text

    def _what_next(self) -> str:
        """Say what happens with what was parked, and by when."""
        due = [row["due_on"].date() for row in self.own.parked if pd.notna(row["due_on"])]
        after = self.outcome.next_session
        if due:
            day = self.language.date(min(due))
        elif after is not None and after.held_on is not None:
            day = self.language.date(after.held_on)
        else:
            return self.say(
                msg(
                    "Until it is decided, this score is not final. Your manager comes back to you"
                    " about it; agree on a day together: ____________"
                )
            )
        return self.say(
            msg(
                "Until it is decided, this score is not final. Your manager comes back to you about"
                " it, by {day} at the latest.",
                day=day,
            )
        )

    def _others(self, _: bool) -> str:
        """Name the criteria beyond those told in full, with their scores."""
        order = self._order()
        rest = order[MOST_CRITERIA + (OVERALL in order) :]
        if not rest:
            return ""
        shown = []
        for one in rest[:MOST_OTHERS]:
            verdict = self._verdict(one, 1)
            shown.append(f"{shorten(verdict.title, 40)} {verdict.score}")
        text = self.say(msg("Also rated: {scores}.", scores="; ".join(shown)))
        return f"{text} {self._more(len(rest) - MOST_OTHERS)}".strip()

    def _goals(self) -> list[tuple[str, str]]:
        found = []
        for row in self.own.goals[:MOST_GOALS]:
            state = GOAL_STATES.get(str(row["status"]), GOAL_STATES["open"])
            words = [self.say(state), self._date(row["due_on"])]
            found.append((" · ".join(word for word in words if word), self._text(row["text"])))
        return found

    def _evidence(self) -> list[tuple[str, str]]:
        return [self._piece(row) for row in self.own.evidence[:MOST_EVIDENCE]]

    def _piece(self, row: dict[str, Any]) -> tuple[str, str]:
        words = [self._date(row["dated_on"])]
        if row["kind"] in EVIDENCE_KINDS:
            words.append(self.say(EVIDENCE_KINDS[row["kind"]]))
        return " · ".join(words), self._text(row["text"])

    def _more(self, n: int) -> str:
        if n <= 0:
            return ""
        return self.say(
            msgn("{n} more: ask your manager.", "{n} more: ask your manager.", n),
        )

    # the back ------------------------------------------------------------------------------

    def _back(self) -> dict[str, Any]:
        say = self.say
        themes = THEMES[self._changed()]
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
            "prompts": self._prompts(),
            "themes": [tuple(say(text) for text in theme) for theme in themes],
            "theme": say(msg("Theme")),
            "together": say(msg("Together: what we agree")),
            "columns": tuple(
                say(text) for text in (msg("What"), msg("Who"), msg("By when"), msg("How it shows"))
            ),
            "actions": self._actions(),
            "n_empty": 4 - len(self._actions()),
            "checkin": self._checkin(),
            "talked": say(msg("Talked on")),
        }

    def _changed(self) -> str:
        outcomes = {row["outcome"] for row in self.own.decisions.values()}
        if not self.own.is_rated:
            return "unrated"
        return next((one for one in ("adjusted", "parked") if one in outcomes), "upheld")

    def _prompts(self) -> list[tuple[str, str]]:
        """Return what was recorded on the criteria with the highest score, from the middle up."""
        stands = {one: self._stands(one) for one in self._order() if one != OVERALL}
        known = {one: score for one, score in stands.items() if score is not None}
        middle = (self.settings.scale.low + self.settings.scale.high) / 2
        best = max(known.values(), default=middle)
        if best < middle:
            return []
        top = {one for one, score in known.items() if score == best}
        rows = [
            row
            for row in self.own.evidence
            if row["kind"] in _GOOD_KINDS
            and row["criterion_id"] in top
            and isinstance(row["text"], str)
        ]
        return [self._piece(row) for row in rows[:MOST_PROMPTS]]

    def _stands(self, one: str) -> float | None:
        decision = self.own.decisions.get(one)
        if decision is None:
            return self.own.scores.get(one)
        return None if decision["outcome"] == "parked" else _number(decision["score_after"])

    def _actions(self) -> list[tuple[str, str, str, str]]:
        name = self.say(msg("you"))
        return [
            (
                self._text(row["text"]),
                name,
                self._date(row["due_on"]),
                self._text(row["measure"]) if row["measure"] is not None else "",
            )
            for row in self.own.actions[:MOST_ACTIONS]
        ]

    def _checkin(self) -> tuple[str, str]:
        """Return the title of the next check-in, and what is known of it."""
        title = self.say(msg("Next check-in on"))
        found = self._next_moment()
        if found is None:
            return title, ""
        when = found.when(self.language)
        return title, self.say(msg("In the cycle: {when}, {what}.", when=when, what=found.what))

    def _next_moment(self) -> Moment | None:
        rows = self.outcome.data.cycle
        held = self.outcome.sitting.held_on or self.outcome.session.held_on
        if rows.empty or held is None:
            return None
        later = [
            one
            for one in moments(rows["moments"].iloc[0])
            if one.first is not None and one.first > held
        ]
        return min(later, key=lambda one: one.first or dt.date.max, default=None)

    # how it is said ------------------------------------------------------------------------

    def _text(self, value: object) -> str:
        if isinstance(value, Suppressed):
            return self.say(value.message)
        return shorten(value, _LONGEST) if isinstance(value, str) else NO_VALUE

    def _date(self, value: Any) -> str:
        return "" if pd.isna(value) else self.language.date(value.date(), "medium")

    def _score(self, value: float | None) -> str:
        if value is None:
            return NO_VALUE
        return self.language.number(value, 0 if value.is_integer() else 2)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
