"""Which ratings can tell raters from rated people, and as which arrays?

Severity, expected scores and variance components rest on the same ratings: those in connected
parts of the design with two raters or more. This module picks them out, codes them, and refuses
what no model of raters and subjects can answer.

Assumes that the connected part of every rating is known. It cannot tell whether the subjects that
raters share are typical of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.fixed_columns import fixed_columns
from pipeline.numerics.given_ratings import rated_once, too_few_shared

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_LEAST_SHARED = 3


@dataclass(frozen=True)
class LinkedRatings:
    """Ratings in components with two raters or more, as arrays over these n ratings.

    Attributes
    ----------
    rows : ndarray of int, (n,)
        Positions of these ratings in what was given.
    score : ndarray, (n,)
        Scale points.
    fixed : ndarray, (n, p)
        Columns of full rank: an intercept per component, then criteria.
    codes : dict of str to ndarray of int, each (n,)
        ``"rater"``, ``"subject"`` and ``"pair"`` (subject × rater), counted from 0.
    criterion : ndarray of int, (n,)
        Criteria counted from 0.
    rater_ids, subject_ids : pandas.Index
        What the codes stand for, sorted.
    component : ndarray of int, (raters,)
        Component of each rater.
    part : ndarray of int, (n,)
        Component of each rating.
    n_left_out : int
        Raters in components of their own.
    """

    rows: IntArray
    score: FloatArray
    fixed: FloatArray
    codes: dict[str, IntArray]
    criterion: IntArray
    rater_ids: pd.Index
    subject_ids: pd.Index
    component: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]
    n_left_out: int


def link_ratings(
    score: pd.Series, rater: pd.Series, subject: pd.Series, criterion: pd.Series, part: pd.Series
) -> LinkedRatings:
    """Keep the components with two raters or more; refuse what cannot be answered.

    Parameters
    ----------
    score, rater, subject, criterion, part : pandas.Series, each (n,)
        A judgement a row, with the same index; rows without a score do not count. `part` is the
        number of the connected part of the design.

    Returns
    -------
    LinkedRatings

    Raises
    ------
    NotEstimable
        The ratings cannot tell strict raters from weaker subjects, or from chance.
    ValueError
        A rating lacks its part.
    """
    # as numbers from here on, which is far quicker than as text
    codes, labels = {}, {}
    for name, column in (("rater", rater), ("subject", subject), ("criterion", criterion)):
        codes[name], labels[name] = pd.factorize(column, sort=True)
    given = pd.DataFrame(
        {"score": score.to_numpy(), "part": part.to_numpy(), **codes, "row": np.arange(len(score))}
    )
    rated = rated_once(given, ("subject", "rater", "criterion"))
    _refuse_what_no_model_answers(rated)
    if rated["part"].isna().any():
        n_lacking = rated["part"].isna().sum()
        raise ValueError(f"expected a component of every subject, {n_lacking} rows lack it")
    n_every = rated["rater"].nunique()
    met = rated[["part", "rater"]].drop_duplicates()["part"].value_counts()
    rated = rated.loc[rated["part"].isin(met.index[met >= 2])]
    if rated.empty:
        raise NotEstimable(
            msg(
                "From these ratings alone a strict manager and a weaker team look the same: nobody "
                "was rated by two raters. A second rater for some people, or a few cases that all "
                "raters score, would tell them apart."
            )
        )
    values = rated["score"].to_numpy(dtype=float)
    if np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
        raise NotEstimable(
            msg("All scores that could be compared are the same: no severity can show.")
        )
    raters, of_rater = np.unique(rated["rater"], return_inverse=True)
    subjects, of_subject = np.unique(rated["subject"], return_inverse=True)
    rater_ids, subject_ids = labels["rater"][raters], labels["subject"][subjects]
    of_part = rated["part"].to_numpy(dtype=np.int64)
    of_criterion = np.unique(rated["criterion"], return_inverse=True)[1]
    cells, pair = np.unique(of_subject * len(rater_ids) + of_rater, return_inverse=True)
    _refuse_few_links(cells // len(rater_ids), len(rater_ids), len(np.unique(of_part)))
    return LinkedRatings(
        rows=rated["row"].to_numpy(dtype=np.intp),
        score=values,
        fixed=fixed_columns(of_part, of_criterion),
        codes={"rater": of_rater, "subject": of_subject, "pair": pair},
        criterion=of_criterion,
        rater_ids=pd.Index(rater_ids),
        subject_ids=pd.Index(subject_ids),
        component=of_part[np.unique(of_rater, return_index=True)[1]],
        part=of_part,
        n_left_out=n_every - len(rater_ids),
    )


def _refuse_what_no_model_answers(rated: pd.DataFrame) -> None:
    if rated["rater"].nunique() == 1:
        raise NotEstimable(
            msg(
                "There is only one rater. Severity shows only beside others who rated the same "
                "people."
            )
        )
    if rated["subject"].nunique() == 1:
        raise NotEstimable(
            msg("Only one person or conversation was rated. That is too little to know a rater by.")
        )


def _refuse_few_links(subject_of_cell: IntArray, n_raters: int, n_parts: int) -> None:
    per_subject = np.bincount(subject_of_cell)
    n_shared = int((per_subject >= 2).sum())
    if n_shared < _LEAST_SHARED:
        raise NotEstimable(too_few_shared(n_shared, _LEAST_SHARED))
    # every further cell that closes a loop in the graph is one check of a rater against chance
    if len(subject_of_cell) - n_raters - len(per_subject) + n_parts < 1:
        raise NotEstimable(
            msg(
                "Raters are linked by single people only, so a strict rater cannot be told from "
                "chance. Two raters who share several people would show it."
            )
        )
