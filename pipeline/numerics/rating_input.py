"""Read the ratings of one question, and refuse what no crossed model can answer."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, NotEstimable, msg
from pipeline.numerics.given_ratings import rated_once, rated_rows, too_few_shared
from pipeline.numerics.rating_model import (
    CodedRatings,
    code_ratings,
    keep,
    linked_rows,
    raters_per_subject,
)

NOTHING_LEFT = msg(
    "These ratings are too few, or too regular, to tell rater, rated person and chance apart."
)
LEAST_SHARED = 3


def linked_ratings(
    ratings: pd.DataFrame, *, unlinked: Message, subject: tuple[str, ...] = ("subject_id",)
) -> CodedRatings:
    """Code the ratings of raters who share subjects with others.

    Parameters
    ----------
    ratings
        subject_id, rater_id, criterion_id, score; rows without a score do not count.
    unlinked
        Why there is no answer where nobody was rated by two raters.
    subject
        Columns that together say what a score is about.

    Raises
    ------
    NotEstimable
        No ratings, a judgement given twice, too few shared subjects, or equal scores.
    """
    rated = rated_once(ratings, (*subject, "rater_id", "criterion_id"))
    about = pd.MultiIndex.from_frame(rated[list(subject)]).factorize(sort=True)[0]
    every = code_ratings(rated["score"], about, rated["rater_id"], rated["criterion_id"])
    linked = linked_rows(every)
    if not linked.any():
        raise NotEstimable(unlinked)
    coded = every if linked.all() else keep(every, linked)
    n_shared = int((raters_per_subject(coded) >= 2).sum())
    if n_shared < LEAST_SHARED:
        raise NotEstimable(too_few_shared(n_shared, LEAST_SHARED))
    if coded.constant:
        raise NotEstimable(msg("All scores that could be compared are the same."))
    return coded


def person_scores(ratings: pd.DataFrame, severity: pd.Series | None = None) -> pd.Series:
    """Score each employee beside the others, scale points.

    The mean over raters and criteria of the deviation from the criterion's mean, plus the mean of
    all scores, so that easy criteria and criteria not rated make no difference.

    Parameters
    ----------
    ratings
        employee_id, rater_id, criterion_id, score; rows without a score do not count.
    severity
        Severity by rater_id, positive = gives lower scores, to be added; raters without one
        count as 0.

    Returns
    -------
    pandas.Series
        By employee_id, sorted.

    Raises
    ------
    NotEstimable
        There are no ratings.
    """
    rated = rated_rows(ratings)
    # one order of adding up, so that the order of rows does not show in the last digit
    rated = rated.sort_values(["employee_id", "criterion_id", "rater_id", "score"])
    score = rated["score"].astype(float)
    if severity is not None:
        score = score + rated["rater_id"].map(severity).astype(float).fillna(0.0)
    away = score - score.groupby(rated["criterion_id"]).transform("mean")
    return away.groupby(rated["employee_id"]).mean() + float(score.mean())
