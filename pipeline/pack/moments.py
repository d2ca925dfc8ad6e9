"""The moments of a cycle as employees were told them: lines of ``date | what | why``."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from babel.dates import format_skeleton

from pipeline.locale import Language
from pipeline.pack.wording import shorten

_DAY = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?")
_DUTCH_DAY = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")
_MOST, _LONGEST = 40, 300


@dataclass(frozen=True)
class Moment:
    """One moment of a cycle.

    Attributes
    ----------
    written
        When, as it was written down.
    first, last
        The days it may be on: one day, or a whole month; None where the text is no date.
    what, why
        The moment, and what it is for; may be empty.
    """

    written: str
    first: dt.date | None
    last: dt.date | None
    what: str
    why: str = ""

    def when(self, language: Language) -> str:
        """Write the day or the month; a text that is no date as it is."""
        if self.first is None:
            return self.written
        if self.first == self.last:
            return language.date(self.first)
        return str(format_skeleton("yMMMM", self.first, locale=language.code))


def moments(text: object) -> tuple[Moment, ...]:
    """Read the moments of a cycle; empty where there are none."""
    if not isinstance(text, str):
        return ()
    lines = [line for line in text.splitlines() if line.strip(" |")]
    return tuple(_moment(line) for line in lines[:_MOST])


def _moment(line: str) -> Moment:
    when, *rest = (shorten(part, _LONGEST) for part in line.split("|", 2))
    if not rest:  # no date at all
        return Moment("", None, None, when)
    first, last = _days(when)
    return Moment(when, first, last, rest[0], rest[1] if len(rest) > 1 else "")


def _days(text: str) -> tuple[dt.date, dt.date] | tuple[None, None]:
    try:
        if found := _DUTCH_DAY.fullmatch(text):
            day = dt.date(int(found[3]), int(found[2]), int(found[1]))
            return day, day
        if (found := _DAY.fullmatch(text)) is None:
            return None, None
        first = dt.date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        return None, None
    if found[3]:
        return first, first
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
