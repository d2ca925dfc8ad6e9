"""What a cell of a form says: one kind of value, or the reason why it cannot be read."""

from __future__ import annotations

import datetime as dt
import math
import re

from pipeline.errors import Message, msg
from pipeline.form_layout import Choices, choice_called
from pipeline.record.pages import Raw

LONGEST_TEXT = 5_000
_EXCEL_BEGINS = dt.date(1899, 12, 30)
_EARLIEST, _LATEST = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)
"""As imports: control signs, and signs that make equal texts differ or turn the reading order; half
signs, which no database takes."""
_DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
    re.compile(r"(?P<d>\d{1,2})[-./](?P<m>\d{1,2})[-./](?P<y>\d{4})"),
)


class Unreadable(Exception):
    """A cell does not hold what belongs in it; says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__()
        self.reason = reason


def text_of(value: Raw) -> str | None:
    """Return a text without blanks around it, or None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a number of somebody, typed as a number
    found = _UNSEEN.sub("", str(value)).strip()
    if len(found) > LONGEST_TEXT:
        raise Unreadable(
            msg("The text is longer than {most} characters. Shorten it.", most=LONGEST_TEXT)
        )
    return found or None


def number_of(value: Raw) -> float | None:
    """Return a number; a decimal comma is one too."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        found = float(value)
    else:
        plain = str(value).strip().replace(",", ".")
        if not plain:
            return None
        try:
            found = float(plain)
        except ValueError:
            raise Unreadable(msg("This is no number.")) from None
    if not math.isfinite(found):
        raise Unreadable(msg("This is no number."))
    return found


def whole_of(value: Raw, low: int, high: int) -> int | None:
    """Return a whole number between two others."""
    found = number_of(value)
    if found is None:
        return None
    if not found.is_integer() or not low <= found <= high:
        raise Unreadable(
            msg("This has to be a whole number from {low} to {high}.", low=low, high=high)
        )
    return int(found)


def date_of(value: Raw) -> dt.date | None:
    """Return a date: a real one, a number as Excel counts days, or a text such as 31-12-2026."""
    found: dt.date | None = None
    if isinstance(value, dt.datetime):
        found = value.date()
    elif isinstance(value, dt.date):
        found = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < 100_000:
            found = _EXCEL_BEGINS + dt.timedelta(days=int(value))
    elif value is not None and str(value).strip():
        found = _written_date(str(value).strip())
    else:
        return None
    if found is None or not _EARLIEST <= found <= _LATEST:
        raise Unreadable(msg("This is no date. Write it as 31-12-2026 or 2026-12-31."))
    return found


def _written_date(text: str) -> dt.date | None:
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match:
            try:
                return dt.date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                return None
    return None


def choice_of(value: Raw, choices: Choices) -> str | None:
    """Return the value that a word of a list stands for, in any language and case."""
    word = text_of(value)
    if word is None:
        return None
    found = choice_called(choices, word) or choice_called(choices, word.lower())
    if found is None and word in choices:
        found = word
    if found is None:
        raise Unreadable(msg("This is not in the list. Choose from the list."))
    return found
