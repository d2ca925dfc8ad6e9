"""Takes the names and numbers of people out of free texts that leave their own session.

By rule: whole names in any case; parts of a name (`SHORTEST` letters or more) where they are
written with a capital; personnel numbers. Accents do not matter. It takes out too much rather than
too little (a capital at the beginning of a sentence), and it cannot know nicknames, misspelt names
or descriptions by which somebody would be recognised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MASK = "[…]"
SHORTEST = 3
_LONGEST_NAME = 6
_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset({"van", "von", "den", "der", "ten", "ter", "the", "het", "del", "dos"})
"""Small words in names that mean something by themselves."""


class NameMask:
    """Takes names out of texts.

    Parameters
    ----------
    names
        Names of people.
    numbers
        Personnel numbers.
    """

    def __init__(self, names: Iterable[str], numbers: Iterable[str]) -> None:
        whole = {tuple(_fold(word) for word in _WORD.findall(name)) for name in names}
        self._names = {name for name in whole if 1 < len(name) <= _LONGEST_NAME}
        parts = {part for name in whole for part in name if len(part) >= SHORTEST}
        self._parts = parts - _SMALL
        # a short number in a text is a count
        known = (one for one in numbers if len(one) >= SHORTEST or not one.isdigit())
        self._numbers = {_fold(one) for one in known}

    def __call__(self, text: str) -> str:
        """Return the text with `MASK` wherever somebody is named."""
        found = list(_WORD.finditer(text))
        folded = [_fold(one.group()) for one in found]
        hide = [
            word in self._numbers or (one.group()[:1].isupper() and self._is_part(word))
            for word, one in zip(folded, found, strict=True)
        ]
        for start in range(len(folded)):
            for end in range(start + 2, min(start + _LONGEST_NAME, len(folded)) + 1):
                if tuple(folded[start:end]) in self._names:
                    hide[start:end] = [True] * (end - start)
        pieces, at = [], 0
        for one, hidden in zip(found, hide, strict=True):
            if hidden:
                pieces += [text[at : one.start()], MASK]
                at = one.end()
        masked = "".join([*pieces, text[at:]])
        return re.sub(rf"{re.escape(MASK)}(?:[\s-]+{re.escape(MASK)})+", MASK, masked)

    def _is_part(self, word: str) -> bool:
        # Jansens: of Jansen
        return word in self._parts or word.removesuffix("s") in self._parts


def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word)
    return "".join(one for one in plain if not unicodedata.combining(one)).casefold()
