"""Whom a card is for, and how things are said to this reader; texts with the room they may take."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from pipeline.errors import Message, Suppressed
from pipeline.locale import Language
from pipeline.pack.moments import Moment
from pipeline.pack.wording import EVIDENCE_KINDS, NO_VALUE, shorten
from pipeline.privacy import OwnOutcome
from pipeline.settings import Settings
from pipeline.tables import OVERALL

MOST_CRITERIA = 5
"""Criteria that are told in full."""
LONGEST_NAME = 60


@dataclass(frozen=True)
class Bounded:
    """A text with what stands before it, and the lines that it may take on paper."""

    lead: str
    text: str
    lines: int


@dataclass(frozen=True)
class Card:
    """One card in the making.

    Attributes
    ----------
    own
        What this person may read.
    department, cycle, held_on
        Of which session.
    moments
        Of the cycle.
    criteria
        The wording of each criterion.
    settings, language
        Scale and texts, and the language of the reader.
    """

    own: OwnOutcome
    department: str
    cycle: str
    held_on: dt.date | None
    moments: tuple[Moment, ...]
    criteria: Mapping[str, Mapping[str, Any]]
    settings: Settings
    language: Language

    def say(self, message: Message) -> str:
        """Write a message in the reader's language."""
        return self.language.say(message)

    @cached_property
    def order(self) -> list[str]:
        """What was rated: the whole, then the criteria; of many, the discussed first."""
        own = self.own
        every = sorted({*own.scores, *own.decisions} - {OVERALL})
        first = [OVERALL] if OVERALL in own.decisions or OVERALL in own.scores else []
        if len(every) > MOST_CRITERIA:
            every.sort(key=lambda one: one not in own.decisions)  # stable
        return first + every

    def stands(self, one: str) -> float | None:
        """Return the score that holds; None where none does yet."""
        decision = self.own.decisions.get(one)
        if decision is None:
            return self.own.scores.get(one)
        if decision["outcome"] == "parked":
            return None
        after = number(decision["score_after"])
        return number(decision["score_before"]) if after is None else after

    def piece(self, row: dict[str, Any], per_line: int, most: int) -> Bounded:
        """Write a piece of evidence."""
        words = [self.date(row["dated_on"])]
        if row["kind"] in EVIDENCE_KINDS:
            words.append(self.say(EVIDENCE_KINDS[row["kind"]]))
        return bounded(" · ".join(words), self.text(row["text"]), per_line, most)

    def text(self, value: object) -> str:
        """Write a text from data; what is withheld says who will tell it."""
        if isinstance(value, Suppressed):
            return self.say(value.message)
        return value if isinstance(value, str) else NO_VALUE

    def date(self, value: Any) -> str:
        """Write a date; empty where there is none."""
        return "" if pd.isna(value) else self.language.date(value.date(), "medium")

    def score(self, value: float | None) -> str:
        """Write a score; a dash where none holds."""
        if value is None:
            return NO_VALUE
        return self.language.number(value, 0 if value.is_integer() else 2)


def bounded(lead: str, text: str, per_line: int, most: int = 3, *, inline: bool = False) -> Bounded:
    """Cut a text to so many lines, the lead included where it stands on the first of them."""
    before = len(lead) + 1 if inline else 0
    kept = shorten(text, most * per_line - before)
    return Bounded(lead, kept, min(most, math.ceil((before + len(kept)) / per_line)))


def number(value: Any) -> float | None:
    """Return a number, or None where it is missing."""
    return None if pd.isna(value) else float(value)
