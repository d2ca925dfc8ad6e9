"""Do raters give the same score to the same subject?

Model: score = mean + subject + rater + residual, two-way random, on the subjects that two raters
or more scored; overall on each rater's mean over criteria, and per criterion. ICC(A,1) is the
agreement of one rater, ICC(A,k) that of the mean of k raters; ICC(C,1) and ICC(C,k) leave
severity out. The variances come from all shared ratings, so missing and unbalanced ones count as
they are; on complete tables the results are those of Shrout & Fleiss (1979).

Agreement beyond chance, on the scores themselves: Krippendorff's alpha (ordinal unless asked
otherwise; interval from drawing subjects anew) and quadratic-weighted kappa pooled over pairs of
raters (interval from the influence of each subject). Over all criteria chance is that within each
criterion, for an easy criterion is no agreement.

Sources: Shrout & Fleiss (1979); McGraw & Wong (1996); Krippendorff (2011); Cohen (1968); see
`numerics.icc`, `numerics.alpha`, `numerics.pair_kappa` and `numerics.agreement`. The share of
pairs within one point is practice in contact centres.

Assumes scores on an interval scale, and that who rated whom does not depend on the scores. Where
raters rated different criteria of a subject, their means over criteria also differ by criterion:
they are compared on deviations from the mean of each criterion.

It cannot tell who is right, nor which rater deviates; between unlinked groups of raters it takes
the groups to be alike. ICC, alpha and kappa are low among subjects that hardly differ, however
well raters agree; the share within one point is high there by chance. Read both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.agreement import (
    DegenerateTable,
    IccResult,
    Metric,
    icc,
    pair_kappa,
    pooled_alpha_interval,
    within_one_point,
)
from pipeline.numerics.crossed_reml import CrossedModelError
from pipeline.numerics.given_ratings import rated_once

FloatArray = npt.NDArray[np.float64]

_LEAST_SUBJECTS = 3
_FORMS = [f"icc_{form}{end}" for form in ("ak", "c1", "ck") for end in ("", "_low", "_high")]
_MISSING = (
    "icc_a1",
    "ci_low",
    "ci_high",
    *_FORMS,
    "within_one",
    "within_one_low",
    "within_one_high",
)


@dataclass(frozen=True)
class Agreement:
    """Agreement between raters on shared subjects.

    Attributes
    ----------
    overall
        icc_a1, icc_a1_low, icc_a1_high: absolute agreement of one rater (Shrout & Fleiss
        ICC(2,1)) on the mean over criteria; icc_ak with its interval: of the mean of k raters;
        icc_c1, icc_ck with theirs: consistency. At most 1, can be negative. alpha, alpha_low,
        alpha_high: Krippendorff's alpha over criteria; alpha_reason (a Message where there is
        none, numbers then missing; else None). kappa, kappa_low, kappa_high, kappa_reason: weighted
        kappa pooled over pairs of raters; kappa_median, kappa_lowest, kappa_highest: of single
        pairs with at least 10 shared scores (missing where there are none); n_rater_pairs: pairs
        that these are about. A one-row frame.
    criteria
        One row per criterion, ordered by identifier: criterion_id, icc_a1, ci_low, ci_high
        (missing where not estimable), icc_ak, icc_c1 and icc_ck with _low and _high, alpha and
        kappa with _low, _high and _reason, and the rest of kappa, as in `overall`; within_one,
        within_one_low, within_one_high (share 0-1 of pairs of raters of a subject at most one
        point apart; missing where fewer than two
        subjects have two raters), n_subjects, n_pairs (shared subjects, and pairs of raters on
        them), reason (a Message where an ICC cannot be estimated, else None).
    k
        Raters per subject that the k-forms are about.
    n_subjects, n_raters
        Shared subjects (two raters or more) and their raters.
    level
        Confidence level of the intervals.
    metric
        What a difference means to alpha: ``"ordinal"``, ``"nominal"`` or ``"interval"``.
    """

    overall: pd.DataFrame
    criteria: pd.DataFrame
    k: float
    n_subjects: int
    n_raters: int
    level: float
    metric: Metric = "ordinal"


def estimate_agreement(
    ratings: pd.DataFrame,
    *,
    level: float = 0.95,
    metric: Metric = "ordinal",
    n_bootstrap: int = 999,
    seed: int = 1,
) -> Agreement:
    """Estimate how far raters agree on the subjects they share.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    level
        Confidence level of the intervals.
    metric
        What a difference means to alpha: order, equality or distance of scores.
    n_bootstrap
        Draws for the interval of alpha, at least 100.
    seed
        Of these draws: the same seed gives the same interval.

    Returns
    -------
    Agreement

    Raises
    ------
    NotEstimable
        No overall agreement can be estimated: no or too few shared subjects, or scores that do
        not differ.
    """
    rated = rated_once(ratings)
    if rated["rater_id"].nunique() == 1:
        raise NotEstimable(msg("There is only one rater, so nobody to agree with."))
    table = _table(_means(rated))
    whole = _icc(table, level)
    if isinstance(whole, Message):
        raise NotEstimable(whole)
    beyond = _BeyondChance(metric, level, n_bootstrap, seed)
    tables = _tables(rated)
    return Agreement(
        overall=pd.DataFrame([{**_forms(whole), **beyond.alpha(tables), **beyond.kappa(tables)}]),
        criteria=_per_criterion(rated, level, table, whole, beyond, tables),
        k=whole.k,
        n_subjects=table.shape[0],
        n_raters=table.shape[1],
        level=level,
        metric=metric,
    )


def _forms(found: IccResult) -> dict[str, object]:
    """Name the four forms of the ICC with their intervals."""
    forms: dict[str, object] = {}
    for form in ("a1", "ak", "c1", "ck"):
        forms[f"icc_{form}"] = getattr(found, f"icc_{form}")
        forms[f"icc_{form}_low"], forms[f"icc_{form}_high"] = getattr(found, f"icc_{form}_ci")
    return forms


@dataclass(frozen=True)
class _BeyondChance:
    """Alpha and kappa of tables (one per criterion), or the reason why there is none."""

    metric: Metric
    level: float
    n_bootstrap: int
    seed: int

    def alpha(self, tables: list[FloatArray]) -> dict[str, object]:
        """Krippendorff's alpha with its interval."""
        try:
            found = pooled_alpha_interval(
                tables, self.metric, self.level, self.n_bootstrap, self.seed
            )
        except DegenerateTable:
            nothing = dict.fromkeys(("alpha", "alpha_low", "alpha_high"), np.nan)
            return {**nothing, "alpha_reason": _NOT_BEYOND_CHANCE}
        return {
            "alpha": found.alpha,
            "alpha_low": found.ci_low,
            "alpha_high": found.ci_high,
            "alpha_reason": None,
        }

    def kappa(self, tables: list[FloatArray]) -> dict[str, object]:
        """Weighted kappa over pairs of raters with its interval."""
        names = ("kappa", "kappa_low", "kappa_high", "kappa_median", "kappa_lowest")
        try:
            found = pair_kappa(tables, self.level)
        except DegenerateTable:
            nothing = dict.fromkeys((*names, "kappa_highest"), np.nan)
            return {**nothing, "n_rater_pairs": 0, "kappa_reason": _NOT_BEYOND_CHANCE}
        return {
            "kappa": found.kappa,
            "kappa_low": found.ci_low,
            "kappa_high": found.ci_high,
            "kappa_median": found.median,
            "kappa_lowest": found.lowest,
            "kappa_highest": found.highest,
            "n_rater_pairs": found.n_single,
            "kappa_reason": None,
        }


_NOT_BEYOND_CHANCE = msg(
    "Too few people or conversations share scores that differ, so agreement cannot be told from "
    "chance."
)


def _tables(rated: pd.DataFrame) -> list[FloatArray]:
    """Subjects × raters per criterion, in order of criterion; subjects and raters in line."""
    subject, subjects = pd.factorize(rated["subject_id"], sort=True)
    rater, raters = pd.factorize(rated["rater_id"], sort=True)
    criterion, criteria = pd.factorize(rated["criterion_id"], sort=True)
    tables = np.full((len(criteria), len(subjects), len(raters)), np.nan)
    tables[criterion, subject, rater] = rated["score"].to_numpy(dtype=float)
    return list(tables)


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


def _shared(table: FloatArray) -> FloatArray:
    """Subjects with two scores or more, and the raters who gave them."""
    shared = table[(~np.isnan(table)).sum(axis=1) >= 2]
    kept: FloatArray = shared[:, ~np.isnan(shared).all(axis=0)]
    return kept


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
    ends = () if found is None else (*found.icc_a1_ci, *found.icc_ak_ci)
    if found is None or not np.isfinite([found.icc_a1, found.icc_ak, *ends]).all():
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
    rated: pd.DataFrame,
    level: float,
    overall: FloatArray,
    whole: IccResult,
    beyond: _BeyondChance,
    tables: list[FloatArray],
) -> pd.DataFrame:
    rows = []
    only_one = rated["criterion_id"].nunique() == 1
    for at, criterion in enumerate(sorted(rated["criterion_id"].unique())):
        table = overall if only_one else _shared(tables[at])
        found = whole if only_one else _icc(table, level)
        per_subject = (~np.isnan(table)).sum(axis=1)
        row: dict[str, object] = {
            "criterion_id": criterion,
            **dict.fromkeys(_MISSING, np.nan),
            "n_subjects": len(table),
            "n_pairs": int((per_subject * (per_subject - 1) // 2).sum()),
            "reason": found if isinstance(found, Message) else None,
        }
        if isinstance(found, IccResult):
            forms = _forms(found)
            row["ci_low"], row["ci_high"] = forms.pop("icc_a1_low"), forms.pop("icc_a1_high")
            row |= forms
        if len(table) >= 2:
            close = within_one_point(table, level)
            row["within_one"] = close.share
            row["within_one_low"], row["within_one_high"] = close.ci_low, close.ci_high
        row |= beyond.alpha([tables[at]]) | beyond.kappa([tables[at]])
        rows.append(row)
    reasons = ("reason", "alpha_reason", "kappa_reason")
    criteria = pd.DataFrame(rows).astype(dict.fromkeys(reasons, object))
    criteria["criterion_id"] = criteria["criterion_id"].astype(rated["criterion_id"].dtype)
    return criteria
