"""Finds people in free texts: the one matcher for telling, withholding and taking out.

By rule: full names and personnel numbers in any case; surnames of four letters or more in any case;
any part of a name of three letters or more where it is written with a capital. Accents, invisible
signs and what stands around a word do not matter. It finds too much rather than too little, and it
cannot know nicknames, misspelt names or descriptions by which somebody would be recognised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

MASK = "[…]"
_SHORTEST_SURNAME, _SHORTEST_PART, _SHORTEST_NUMBER = 4, 3, 3
_SMALL = frozenset(
    {"van", "von", "den", "der", "ten", "ter", "the", "het", "del", "dos"}
    | {"onder", "over", "voor", "della", "dalla"}
)
"""Words within names that occur in every text."""
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_UNSPACED = "\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff"
"""Scripts that put no space between words: each sign is a word of its own."""
_WORD = re.compile(rf"\d+|[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+")

# how a person was found
_WHOLE, _COUNT, _SURNAME, _PART = "whole", "count", "surname", "part"

_Words = tuple[str, ...]


class _Word(NamedTuple):
    """A word without case and accents, and the place in the text that it was written in."""

    plain: str
    start: int
    end: int
    in_lower_case: bool


class _Hit(NamedTuple):
    """Words that name somebody: how, from which to which, and who it can be."""

    how: str
    first: int
    last: int
    who: set[str]


class Names:
    """People who can be found in texts.

    Parameters
    ----------
    people
        Number and name of each; the name may be missing.
    """

    def __init__(self, people: Iterable[tuple[str, object]]) -> None:
        self._whole: dict[_Words, set[str]] = {}
        self._counts: set[_Words] = set()
        self._surnames: dict[str, set[str]] = {}
        self._parts: dict[str, set[str]] = {}
        for one, name in people:
            self._add_number(one)
            if isinstance(name, str):
                self._add_name(name, one)
        self._starts: dict[str, list[_Words]] = {}
        for words in self._whole:
            self._starts.setdefault(words[0], []).append(words)

    def _add_number(self, one: str) -> None:
        words = _plain(one)
        if words:
            self._whole.setdefault(words, set()).add(one)
        if one.isdigit() and len(one) < _SHORTEST_NUMBER:
            self._counts.add(words)

    def _add_name(self, name: str, one: str) -> None:
        last, _, first = re.sub(r"\(.*?\)", " ", name).partition(",")
        whole = _plain(f"{first} {last}")
        if "".join(whole)[1:]:
            self._whole.setdefault(whole, set()).add(one)
        surnames = whole[max(1, len(_plain(first))) :]
        for table, found, shortest in (
            (self._surnames, surnames, _SHORTEST_SURNAME),
            (self._parts, _plain(name), _SHORTEST_PART),
        ):
            for word in found:
                if len(word) >= shortest and word not in _SMALL and not word.isdigit():
                    table.setdefault(word, set()).add(one)

    def names_only(self, text: str, who: str) -> bool:
        """Tell whether a text is surely about this person: by a full name or number of nobody else.

        A short number in a text is a count, and two of one name are told apart by number.
        """
        hits = self._hits(_words(text))
        return any(one.how == _WHOLE and one.who == {who} for one in hits)

    def names_other(self, text: str, own: str = "") -> bool:
        """Tell whether a text may name somebody else; a name that is also the own is not one."""
        hits = list(self._hits(_words(text)))
        mine = [range(one.first, one.last) for one in hits if one.how == _WHOLE and own in one.who]
        return any(
            own not in one.who
            and not any(one.first in span and one.last - 1 in span for span in mine)
            for one in hits
        )

    def masked(self, text: str) -> str:
        """Return the text with `MASK` wherever somebody is named; common words and counts stay."""
        words = _words(text)
        pieces, at = [], 0
        spans = sorted(
            (words[one.first].start, words[one.last - 1].end)
            for one in self._hits(words)
            if one.how in (_WHOLE, _PART)
        )
        for start, end in spans:
            if start >= at:
                pieces += [text[at:start], MASK]
            at = max(at, end)
        made = "".join([*pieces, text[at:]])
        return re.sub(rf"{re.escape(MASK)}(?:[\s-]+{re.escape(MASK)})+", MASK, made)

    def _hits(self, words: Sequence[_Word]) -> Iterator[_Hit]:
        plain = tuple(one.plain for one in words)
        for at, word in enumerate(words):
            for whole in self._starts.get(word.plain, ()):
                if plain[at : at + len(whole)] == whole:
                    how = _COUNT if whole in self._counts else _WHOLE
                    yield _Hit(how, at, at + len(whole), self._whole[whole])
            # Jansens: of Jansen
            for form in {word.plain, word.plain.removesuffix("s")}:
                if form in self._surnames:
                    yield _Hit(_SURNAME, at, at + 1, self._surnames[form])
                if form in self._parts and not word.in_lower_case:
                    yield _Hit(_PART, at, at + 1, self._parts[form])


def _plain(text: str) -> _Words:
    return tuple(one.plain for one in _words(text))


def _words(text: str) -> list[_Word]:
    folded, at = _folded(text)
    found = []
    for one in _WORD.finditer(folded):
        first, end = at[one.start()], at[one.end() - 1] + 1
        # accents written as signs of their own belong to the word
        after = at[one.end()] if one.end() < len(at) else len(text)
        found.append(_Word(one.group(), first, max(end, after), text[first].islower()))
    return found


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Return a text without case and accents, and the place of each of its signs in the text."""
    if text.isascii():
        return text.lower(), range(len(text))
    signs = [_fold(one) for one in text]
    return "".join(signs), [i for i, one in enumerate(signs) for _ in one]


@lru_cache(maxsize=4096)
def _fold(sign: str) -> str:
    parts = unicodedata.normalize("NFKD", sign.casefold())
    return "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf")).translate(
        _LETTERS
    )
