"""Which rows are ratings, is each given once, and were enough subjects shared?

What every method refuses in the same words.

Assumes that a row without a score is no rating. It cannot tell a judgement given twice by mistake
from one that was corrected.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.errors import Message, NotEstimable, msg, msgn


def rated_rows(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a score; refuse where there are none."""
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    return rated


def rated_once(
    ratings: pd.DataFrame, judgement: Sequence[str] = ("subject_id", "rater_id", "criterion_id")
) -> pd.DataFrame:
    """Return the rows with a score; refuse a judgement that is given twice.

    Parameters
    ----------
    ratings
        score, and the columns that together name a judgement.
    judgement
        These columns.

    Raises
    ------
    NotEstimable
        There are no ratings, or a judgement is given twice.
    """
    rated = rated_rows(ratings)
    n_twice = int(rated.duplicated(list(judgement)).sum())
    if n_twice:
        raise NotEstimable(
            msgn(
                "{n} judgement is given twice by the same rater on the same criterion.",
                "{n} judgements are given twice by the same rater on the same criterion.",
                n_twice,
            )
        )
    return rated


def too_few_shared(n_shared: int, least: int) -> Message:
    """Say that too few subjects have two raters."""
    return msgn(
        "Only {n} person or conversation was rated by two raters or more; at least {least} "
        "are needed to compare raters.",
        "Only {n} people or conversations were rated by two raters or more; at least "
        "{least} are needed to compare raters.",
        n_shared,
        least=least,
    )
