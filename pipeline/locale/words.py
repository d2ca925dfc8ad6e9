"""Words by which texts are read: vague phrases, container words, acts, moments, goals.

Data, in `<language>/words.toml`, of all languages together: who rates in one language quotes in
another. They are matched on word forms by rule, so that a reader can check why a text was marked.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.locale import LANGUAGES

_DATES = (r"\d{1,2}[-/.]\d{1,2}(?:[-/.]\d{2,4})?", r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Words:
    """Lists of words; in each a star stands for any ending.

    Attributes
    ----------
    vague
        Phrases that judge without saying what was seen; parts in brackets may be absent, a bar
        separates alternatives.
    container
        Qualities that everybody fills in differently.
    act
        Verbs for what a bystander could have seen or heard.
    moment
        Words for when it was; ``#`` stands for a number.
    deed
        Words for what somebody will do.
    amount
        Words for how much or how often.
    """

    vague: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    act: tuple[str, ...] = ()
    moment: tuple[str, ...] = ()
    deed: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()


@lru_cache
def word_lists() -> Words:
    """Return the words of every language."""
    found: dict[str, tuple[str, ...]] = {}
    for code in LANGUAGES:
        path = Path(__file__).parent / code / "words.toml"
        for name, words in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[name] = (*found.get(name, ()), *words)
    return Words(**found)


@lru_cache
def pattern_of(words: tuple[str, ...], *, dates: bool = False) -> re.Pattern[str]:
    """Return the pattern that finds any of the words, the longest first.

    Parameters
    ----------
    words
        As in `Words`.
    dates
        Whether a date in digits is found too.
    """
    parts = [_part(word) for word in sorted(words, key=len, reverse=True)]
    if dates:
        parts += _DATES
    if not parts:
        return re.compile(r"(?!)")
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def _part(word: str) -> str:
    """Turn one entry into a pattern: brackets are optional, stars and spaces stretch."""
    found = ""
    for piece in re.findall(r"\([^()]*\) ?|[^()]+", word):
        if piece.startswith("("):
            choices = piece.strip()[1:-1].split("|")
            found += f"(?:(?:{'|'.join(_plain(one) for one in choices)})\\s+)?"
        else:
            found += _plain(piece)
    return found


def _plain(text: str) -> str:
    escaped = re.escape(text)
    return escaped.replace(r"\*", r"\w*").replace(r"\ ", r"\s+").replace(r"\#", r"\d+")
