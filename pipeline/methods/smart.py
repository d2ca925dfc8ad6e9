"""What does each action or goal still lack: something specific, a measure, a date, an owner?

Model: none; fixed rules on words.

specific    at least `LEAST_WORDS` words, a word for what will be done, and no container word
            ("proactive") that everybody fills in differently
measurable  a way to see that it is done that holds an amount: a digit, or a listed word such as
            "every", "number of", "per month"; in the measure, or in the text itself
dated       a due date
owned       somebody whose it is

Words are matched on their forms from the lists in `pipeline/locale/*/words.toml`, so everybody can
check why a text was marked.

Sources: Doran (1981), Management Review 70, 35-36 (SMART); Locke & Latham (2002), American
Psychologist 57, 705-717 (specific goals).

Assumes that a goal is told in these words. It cannot tell whether a goal is wise, hard enough or
within reach, and it misses what is told in unlisted words. What is lacking is a question about the
text, never a judgement of the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.locale.words import Words, pattern_of

CHECKS = ("specific", "measurable", "dated", "owned")
"""What a goal needs, in the order in which it is asked."""
LEAST_WORDS = 4


@dataclass(frozen=True)
class Smart:
    """What each action or goal has and lacks.

    Attributes
    ----------
    actions
        The rows that were given, in their order and with their index, beside them a column (bool)
        per check; missing (tuple of the checks that fail, in order); words (tuple of container
        words found).
    n_complete
        Rows that lack nothing.
    counts
        Rows that lack each check.
    """

    actions: pd.DataFrame
    n_complete: int
    counts: dict[str, int]


def estimate_smart(actions: pd.DataFrame, *, words: Words) -> Smart:
    """Say what each action or goal lacks.

    Parameters
    ----------
    actions
        text, measure, due_on, owner_id.
    words
        Lists of words; see `pipeline.locale.words`.

    Raises
    ------
    NotEstimable
        There are no actions.
    """
    if actions.empty:
        raise NotEstimable(msg("No actions or goals were recorded."))
    made = actions.copy()
    texts = actions["text"].fillna("").astype(str)
    told = texts + "\n" + actions["measure"].fillna("").astype(str)
    made["words"] = [_found(text, words.container) for text in texts]
    made["specific"] = [
        _is_specific(text, words) and not found
        for text, found in zip(texts, made["words"], strict=True)
    ]
    amount = pattern_of(words.amount)
    made["measurable"] = [bool(re.search(r"\d", one) or amount.search(one)) for one in told]
    made["dated"] = actions["due_on"].notna()
    made["owned"] = actions["owner_id"].fillna("").astype(str).str.strip().ne("")
    made["missing"] = [
        tuple(name for name, holds in zip(CHECKS, row, strict=True) if not holds)
        for row in made[list(CHECKS)].itertuples(index=False)
    ]
    return Smart(
        actions=made,
        n_complete=int(made[list(CHECKS)].all(axis=1).sum()),
        counts={name: int((~made[name]).sum()) for name in CHECKS},
    )


def _is_specific(text: str, words: Words) -> bool:
    return len(re.findall(r"\w+", text)) >= LEAST_WORDS and bool(_found(text, words.deed))


def _found(text: str, listed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.group() for found in pattern_of(listed).finditer(text)))
