"""Do raters give the same score to the same subject?

Model: score = mean + subject + rater + residual, two-way random, on the subjects that two raters
or more scored; overall on each rater's mean over criteria, and per criterion. ICC(A,1) is the
agreement of one rater, ICC(A,k) that of the mean of k raters; ICC(C,1) and ICC(C,k) leave
severity out. The variances come from all shared ratings, so missing and unbalanced ones count as
they are; on complete tables the results are those of Shrout & Fleiss (1979).

Sources: Shrout & Fleiss (1979); McGraw & Wong (1996); see `numerics.icc` and
`numerics.agreement`. The share of pairs within one point is practice in contact centres.

Assumes scores on an interval scale, and that who rated whom does not depend on the scores. Where
raters rated different criteria of a subject, their means over criteria also differ by criterion:
they are compared on deviations from the mean of each criterion.

It cannot tell who is right, nor which rater deviates; between unlinked groups of raters it takes
the groups to be alike. An ICC is low among subjects that hardly differ, however well raters
agree; the share within one point is high there by chance. Read both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.agreement import DegenerateTable, IccResult, icc, within_one_point
from pipeline.numerics.crossed_reml import CrossedModelError

FloatArray = npt.NDArray[np.float64]

_LEAST_SUBJECTS = 3


@dataclass(frozen=True)
class Agreement:
    """Agreement between raters on shared subjects.

    Attributes
    ----------
    overall
        icc_a1, icc_a1_low, icc_a1_high: absolute agreement of one rater (Shrout & Fleiss
        ICC(2,1)) on the mean over criteria; icc_ak with its interval: of the mean of k raters;
        icc_c1, icc_ck: consistency. At most 1, can be negative. A one-row frame.
    criteria
        One row per criterion, ordered by identifier: criterion_id, icc_a1, ci_low, ci_high
        (missing where not estimable), within_one, within_one_low, within_one_high (share 0-1 of
        pairs of raters of a subject at most one point apart; missing where fewer than two
        subjects have two raters), n_subjects, n_pairs (shared subjects, and pairs of raters on
        them), reason (a Message where an ICC cannot be estimated, else None).
    k
        Raters per subject that the k-forms are about.
    n_subjects, n_raters
        Shared subjects (two raters or more) and their raters.
    level
        Confidence level of the intervals.
    """

    overall: pd.DataFrame
    criteria: pd.DataFrame
    k: float
    n_subjects: int
    n_raters: int
    level: float


def estimate_agreement(ratings: pd.DataFrame, *, level: float = 0.95) -> Agreement:
    """Estimate how far raters agree on the subjects they share.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    level
        Confidence level of the intervals.

    Returns
    -------
    Agreement

    Raises
    ------
    NotEstimable
        No overall agreement can be estimated: no or too few shared subjects, or scores that do
        not differ.
    """
    rated = ratings.loc[ratings["score"].notna()]
    if rated.empty:
        raise NotEstimable(msg("There are no ratings yet."))
    n_twice = int(rated.duplicated(["subject_id", "rater_id", "criterion_id"]).sum())
    if n_twice:
        raise NotEstimable(
            msgn(
                "{n} judgement is given twice by the same rater on the same criterion.",
                "{n} judgements are given twice by the same rater on the same criterion.",
                n_twice,
            )
        )
    if rated["rater_id"].nunique() == 1:
        raise NotEstimable(msg("There is only one rater, so nobody to agree with."))
    table = _table(_means(rated))
    whole = _icc(table, level)
    if isinstance(whole, Message):
        raise NotEstimable(whole)
    return Agreement(
        overall=pd.DataFrame(
            {
                "icc_a1": [whole.icc_a1],
                "icc_a1_low": [whole.icc_a1_ci.low],
                "icc_a1_high": [whole.icc_a1_ci.high],
                "icc_ak": [whole.icc_ak],
                "icc_ak_low": [whole.icc_ak_ci.low],
                "icc_ak_high": [whole.icc_ak_ci.high],
                "icc_c1": [whole.icc_c1],
                "icc_ck": [whole.icc_ck],
            }
        ),
        criteria=_per_criterion(rated, level, table, whole),
        k=whole.k,
        n_subjects=table.shape[0],
        n_raters=table.shape[1],
        level=level,
    )


def _means(rated: pd.DataFrame) -> pd.DataFrame:
    """Mean over criteria per rater and subject."""
    cell = [rated["subject_id"], rated["rater_id"]]
    criterion = rated["criterion_id"]
    n_criteria = criterion.groupby(cell).transform("size")
    score = rated["score"]
    if (n_criteria < criterion.nunique()).any():
        # not everyone rated all criteria: an easy criterion must not look like a mild rater
        score = score - score.groupby(criterion).transform("mean") + score.mean()
    return score.groupby(cell).mean().rename("score").reset_index()


def _table(cells: pd.DataFrame) -> FloatArray:
    """Subjects × raters, shared subjects only, missing where a rater gave no score."""
    n_raters = cells["subject_id"].map(cells["subject_id"].value_counts())
    shared = cells.loc[n_raters >= 2]
    subject, subjects = pd.factorize(shared["subject_id"], sort=True)
    rater, raters = pd.factorize(shared["rater_id"], sort=True)
    table = np.full((len(subjects), len(raters)), np.nan)
    table[subject, rater] = shared["score"].to_numpy(dtype=float)
    return table


def _icc(table: FloatArray, level: float) -> IccResult | Message:
    """Agreement of a table, or the reason why there is none."""
    if len(table) < _LEAST_SUBJECTS:
        return _too_few(len(table))
    scores = table[~np.isnan(table)]
    if np.ptp(scores) <= 1e-9 * max(1.0, float(np.abs(scores).max())):
        return msg("All shared scores are the same, so agreement cannot be told from no choice.")
    try:
        found = icc(table, level)
    except (DegenerateTable, CrossedModelError):
        found = None
    if found is None or not np.isfinite([found.icc_a1, found.icc_ak, *found.icc_a1_ci]).all():
        return msg(
            "The shared scores are too few, or subjects differ too little, to tell agreement from "
            "chance."
        )
    return found


def _too_few(n_subjects: int) -> Message:
    if n_subjects == 0:
        return msg("Nobody was rated by two raters, so agreement does not show.")
    return msgn(
        "Only {n} person or conversation was rated by two raters or more; at least {least} are "
        "needed to see agreement.",
        "Only {n} people or conversations were rated by two raters or more; at least {least} are "
        "needed to see agreement.",
        n_subjects,
        least=_LEAST_SUBJECTS,
    )


def _per_criterion(
    rated: pd.DataFrame, level: float, overall: FloatArray, whole: IccResult
) -> pd.DataFrame:
    rows = []
    only_one = rated["criterion_id"].nunique() == 1
    for criterion, own in rated.groupby("criterion_id", sort=True):
        table = overall if only_one else _table(own)
        found = whole if only_one else _icc(table, level)
        per_subject = (~np.isnan(table)).sum(axis=1)
        row: dict[str, object] = {
            "criterion_id": criterion,
            "icc_a1": np.nan,
            "ci_low": np.nan,
            "ci_high": np.nan,
            "within_one": np.nan,
            "within_one_low": np.nan,
            "within_one_high": np.nan,
            "n_subjects": len(table),
            "n_pairs": int((per_subject * (per_subject - 1) // 2).sum()),
            "reason": found if isinstance(found, Message) else None,
        }
        if isinstance(found, IccResult):
            row["icc_a1"] = found.icc_a1
            row["ci_low"], row["ci_high"] = found.icc_a1_ci
        if len(table) >= 2:
            close = within_one_point(table, level)
            row["within_one"] = close.share
            row["within_one_low"], row["within_one_high"] = close.ci_low, close.ci_high
        rows.append(row)
    criteria = pd.DataFrame(rows).astype({"reason": object})
    criteria["criterion_id"] = criteria["criterion_id"].astype(rated["criterion_id"].dtype)
    return criteria
