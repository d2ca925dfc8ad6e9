"""Texts that name somebody who would read them are withheld whole.

What is left of a sentence after leaving out a name often still tells who it was.
"""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msgn
from pipeline.privacy.names import Names
from pipeline.store import SessionData


def names_of(data: SessionData, who: set[str]) -> Names:
    """Return how these people are named in texts."""
    people = data.people[data.people["employee_id"].isin(who)]
    named = zip(people["employee_id"], people["name"], strict=True)
    # somebody of whom no name is known still has a number
    return Names([*named, *((one, None) for one in who)])


def without_texts(
    table: pd.DataFrame, columns: tuple[str, ...], names: Names
) -> tuple[pd.DataFrame, int]:
    """Take out the texts that name somebody, and count them."""
    found, n = table.copy(), 0
    for column in columns:
        texts = found[column]
        hit = pd.Series(
            [isinstance(text, str) and names.names_other(text) for text in texts],
            index=texts.index,
            dtype=bool,
        )
        n += int(hit.sum())
        found[column] = texts.mask(hit)
    return found, n


def withheld_of_present(n: int) -> Message:
    """Say how many texts the room does not read."""
    return msgn(
        "{n} text is withheld: it names somebody who takes part and is rated too.",
        "{n} texts are withheld: they name people who take part and are rated too.",
        n,
    )
