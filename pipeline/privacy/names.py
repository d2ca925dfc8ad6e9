"""Does a text name somebody? For texts that may be read by others than it was written for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

import pandas as pd

_SHORTEST = 4
"""Letters of a surname that is looked for by itself; a shorter one is too often a word."""


def naming(people: pd.DataFrame, who: Iterable[str]) -> Callable[[object], bool]:
    """Return a function that tells whether a text names one of these people.

    Parameters
    ----------
    people
        employee_id and name.
    who
        Identifiers. A text names them by number, by full name, or by a surname of four letters or
        more, in capitals or not, with or without accents.
    """
    wanted = {str(one) for one in who}
    names = people.loc[people["employee_id"].isin(wanted), "name"].dropna()
    entries = {_plain(one) for one in wanted}
    for name in names:
        words = _plain(str(name)).split()
        entries.add(" ".join(words))
        if words and len(words[-1]) >= _SHORTEST:
            entries.add(words[-1])
    entries.discard("")
    if not entries:
        return lambda _: False
    either = "|".join(re.escape(one) for one in sorted(entries, key=len, reverse=True))
    found = re.compile(rf"(?<!\w)(?:{either})(?!\w)")
    return lambda text: isinstance(text, str) and found.search(_plain(text)) is not None


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())
