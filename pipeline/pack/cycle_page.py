"""The page about one cycle for everybody: which moments, which criteria, which consequences.

It holds no personal data, so it may be shared with all employees before anybody is rated.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from pipeline.errors import Message, msg
from pipeline.locale import Language
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Cover, Facts, Note, Part, Table, Text
from pipeline.pack.criterion_texts import anchor_at, label_of
from pipeline.pack.html import whole_page
from pipeline.pack.moments import Moment, moments
from pipeline.pack.page import render_cover, render_section
from pipeline.pack.wording import NO_VALUE, SESSION_KIND, TABLE_NAMES, shorten
from pipeline.settings import Settings

_LONGEST, _ASIDE = 1500, msg("For everybody")

HOW = (
    msg("Your manager rates, with examples of what was seen and a date to each."),
    msg(
        "In a calibration session managers lay their ratings side by side and agree on what each"
        " score asks for. The aim is one norm, not equal scores: there is no quota."
    ),
    msg(
        "People decide. A rating is upheld, changed or put off, always with a reason that is"
        " written down. Computed numbers are questions for that talk, never a rating."
    ),
    msg(
        "You get a conversation card with what was decided and why, and talk about it with your"
        " manager: results, development, collaboration, wellbeing."
    ),
    msg("If you disagree, you object; somebody who was not involved looks again."),
)

RIGHTS = (
    msg("See what is kept about you, the reasons of your rating included, and get a copy."),
    msg("Have mistakes corrected, and add your own view."),
    msg("Hear from a human being why a rating is what it is."),
    msg("Object, without adverse consequences."),
)

UNLOCKS = {
    "cycles": msg("the moments, what counts and what does not, and what follows from a rating"),
    "criteria": msg("names, weights and behaviour per score of the criteria"),
    "sessions": msg("when each department calibrates"),
}


def render_cycle(
    cycle_row: pd.DataFrame,
    criteria: pd.DataFrame,
    sessions: pd.DataFrame,
    settings: Settings,
    language: Language,
    *,
    cycle: str = "",
    today: dt.date | None = None,
) -> str:
    """Return the page about a cycle; see `pipeline.store.cycle.CycleOverview` for what goes in.

    Parameters
    ----------
    cycle_row
        The row of `cycles`; no row where there is none.
    criteria
        The criteria of the cycle, with ``kind``.
    sessions
        department, kind and held_on of the sessions.
    settings
        Scale, organisation, and the texts about objecting and contact.
    language
        Of the reader.
    cycle
        Name of the cycle, for where it has no row.
    today
        Day from which something is still to come; without it the calendar has no "next".

    Returns
    -------
    str
        The whole page.
    """
    page = _CyclePage(cycle_row, criteria, sessions, settings, language, today)
    return page.render(cycle)


class _CyclePage:
    def __init__(
        self,
        cycle_row: pd.DataFrame,
        criteria: pd.DataFrame,
        sessions: pd.DataFrame,
        settings: Settings,
        language: Language,
        today: dt.date | None,
    ) -> None:
        self.row: dict[str, Any] = (
            {str(k): v for k, v in cycle_row.iloc[0].to_dict().items()} if len(cycle_row) else {}
        )
        self.criteria, self.sessions = criteria, sessions
        self.settings, self.language, self.today = settings, language, today
        self.moments = moments(self.row.get("moments"))
        self.say = language.say

    def render(self, cycle: str) -> str:
        say = self.say
        name = shorten(str(self.row.get("cycle") or cycle), 60)
        title = say(msg("Cycle {cycle}: what you can expect", cycle=name))
        parts: list[tuple[str, Message, list[Block]]] = [
            ("moments", msg("The moments"), self._moments()),
            ("calendar", msg("Calendar"), self._calendar()),
            ("criteria", msg("What is looked at"), self._criteria()),
            ("counts", msg("What counts, and what does not"), self._counts()),
            ("how", msg("How a rating comes about"), self._how()),
            ("rights", msg("Your rights"), self._rights()),
            ("missing", msg("What is not known yet"), self._missing()),
        ]
        sections = [
            render_section(anchor, say(heading), blocks)
            for anchor, heading, blocks in parts
            if blocks
        ]
        cover = render_cover(self._cover(name, title))
        return whole_page(title, [cover, *sections], self.language, aside=_ASIDE)

    def _cover(self, name: str, title: str) -> Cover:
        say, row = self.say, self.row
        facts = tuple(
            (say(heading), self.language.date(row[column].date()))
            for column, heading in (("starts_on", msg("From")), ("ends_on", msg("Until")))
            if pd.notna(row.get(column))
        )
        return Cover(
            organisation=self.settings.pack.organisation,
            over=say(_ASIDE),
            title=title,
            subtitle=say(
                msg("When we talk and what for, what is looked at, and what follows from it.")
            ),
            facts=facts,
            notes=(),
            closing=(say(msg("This page says nothing about persons. You may share it.")),),
        )

    def _moments(self) -> list[Block]:
        say = self.say
        if not self.moments:
            return []
        rows = tuple(
            (one.when(self.language) or NO_VALUE, one.what or NO_VALUE, one.why or NO_VALUE)
            for one in self.moments
        )
        columns = (
            Column(say(msg("When"))),
            Column(say(msg("What"))),
            Column(say(msg("What for"))),
        )
        return [Table(say(msg("The moments of this cycle, and what each is for")), columns, rows)]

    def _calendar(self) -> list[Block]:
        say = self.say
        days = [(one.first, one.last, one) for one in self.moments if one.first and one.last]
        for row in self.sessions.to_dict("records"):
            if pd.notna(row["held_on"]):
                day = row["held_on"].date()
                what = say(
                    msg(
                        "Calibration session {department}: {kind}",
                        department=shorten(str(row["department"]), 120),
                        kind=say(SESSION_KIND.get(row["kind"], SESSION_KIND["performance"])),
                    )
                )
                days.append((day, day, Moment("", day, day, what)))
        if not days:
            return []
        days.sort(key=lambda one: one[:2])
        coming = [one for one in days if self.today is not None and one[1] >= self.today]
        rows = tuple(
            (one.when(self.language), Cell(one.what, strong=(first, last, one) in coming))
            for first, last, one in days
        )
        columns = (Column(say(msg("When"))), Column(say(msg("What")), wide=True))
        blocks: list[Block] = []
        if coming:
            first = coming[0][2]
            when, what = first.when(self.language), first.what
            text = say(msg("Next: {when}, {what}.", when=when, what=what))
            blocks.append(Note(text, tone="key"))
        return [*blocks, Table(say(msg("All dates, the first one first")), columns, rows)]

    def _criteria(self) -> list[Block]:
        blocks: list[Block] = []
        titles = {**SESSION_KIND, "": msg("not rated yet")}
        for kind, title in titles.items():
            rows = self.criteria[self.criteria["kind"].fillna("").eq(kind)].to_dict("records")
            if rows:
                plain = [{str(k): v for k, v in row.items()} for row in rows]
                heading = self.say(title)
                inner = tuple(self._criterion(row) for row in plain)
                blocks.append(Part(f"{heading[:1].upper()}{heading[1:]}", inner, f"kind-{kind}"))
        if blocks:
            lead = msg("Behaviour that anybody could have seen: what each score asks for.")
            blocks.insert(0, Text(self.say(lead), lead=True))
        return blocks

    def _criterion(self, row: dict[str, Any]) -> Block:
        say, code, scale = self.say, self.language.code, self.settings.scale
        one = str(row["criterion_id"])
        facts: list[tuple[str, str]] = []
        if isinstance(row.get("observable"), str):
            facts.append((say(msg("What counts")), shorten(row["observable"], _LONGEST)))
        for point in scale.points:
            if text := anchor_at(row, point, code):
                score = f"{self.language.number(point, 0)} · {scale.label(point, code)}"
                facts.append((score.rstrip(" ·"), shorten(text)))
        inner: list[Block] = []
        if pd.notna(row.get("weight")):
            weight = self.language.number(float(row["weight"]), 2)
            inner.append(Text(say(msg("Weight in the whole: {weight}.", weight=weight))))
        if facts:
            inner.append(Facts(tuple(facts), "rows"))
        else:
            inner.append(
                Text(
                    say(
                        msg(
                            "No behaviour is described yet. Ask your manager what a middle and a"
                            " high score look like."
                        )
                    )
                )
            )
        return Part(shorten(label_of(row, one, code), 120), tuple(inner))

    def _counts(self) -> list[Block]:
        texts = tuple(
            (self.say(title), shorten(self.row[name], _LONGEST))
            for name, title in (
                ("what_counts", msg("What is judged")),
                ("what_does_not", msg("What is not judged")),
                ("consequences", msg("What follows from a rating")),
            )
            if isinstance(self.row.get(name), str)
        )
        return [Facts(texts, "rows")] if texts else []

    def _how(self) -> list[Block]:
        objection = self.settings.card.objection(self.language.code)
        return [
            Bullets(tuple(self.say(one) for one in HOW), ordered=True),
            Note(objection, self.say(msg("If you disagree")), tone="key"),
        ]

    def _rights(self) -> list[Block]:
        contact = self.settings.card.contact(self.language.code)
        return [
            Bullets(tuple(self.say(one) for one in RIGHTS)),
            Note(contact, self.say(msg("Whom to ask"))),
        ]

    def _missing(self) -> list[Block]:
        """Say which tables are missing, and what each would add."""
        wording = [c for c in ("label_nl", "label_en", "observable") if c in self.criteria]
        lacking = {
            "cycles": not self.row,
            "criteria": self.criteria.empty or self.criteria[wording].isna().all(axis=None),
            "sessions": self.sessions.empty,
        }
        rows = tuple(
            (Cell(self.say(TABLE_NAMES[name]), under=name), self.say(UNLOCKS[name]))
            for name, lacks in lacking.items()
            if lacks
        )
        if not rows:
            return []
        columns = (Column(self.say(msg("Table"))), Column(self.say(msg("Would add")), wide=True))
        return [Table(self.say(msg("Tables that are missing")), columns, rows)]
