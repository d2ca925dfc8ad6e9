"""Do ratings follow the last quarter more than the whole year?

Model: least squares over employees, ``score ~ pieces of evidence in the last quarter + pieces
before``, with HC3 standard errors. If every part of the year counted alike, one piece of evidence
would go with the same difference in score whenever it was dated; the effect size is the slope of
the last quarter minus that of the rest of the cycle, in scale points per piece. Beside it: the
share of evidence dated in the last days of the cycle, with the share that an even spread would
give; its interval knows that the pieces about one employee hang together
(`numerics/clustered_share`). No bootstrap: with tens of employees a
simulation of M2 would say nothing about evidence.

Sources: MacKinnon & White (1985), J. Econometrics 29, 305-325 (HC3); Murphy & Cleveland
(1995), Understanding Performance Appraisal (recency).

Assumes that more pieces of evidence mean more that went well, as many as happened were recorded in
each part of the year, and that a piece says as much in every quarter.

It cannot tell a rater who forgot the spring from an employee who really grew in the autumn, nor
evidence that was not recorded from evidence that did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.clustered_share import clustered_share
from pipeline.numerics.rating_input import person_scores

FloatArray = npt.NDArray[np.float64]

_QUARTER_DAYS = 91
_LEAST_PIECES = 20
_LEAST_EACH = 10
_LEAST_PEOPLE = 15


@dataclass(frozen=True)
class Recency:
    """Weight of the last part of the cycle.

    Attributes
    ----------
    n_evidence, n_employees
        Dated pieces within the cycle, and rated employees.
    recent_days
        What counts as the last days of the cycle.
    share_recent, share_low, share_high
        Share (0-1) of the evidence dated in these days, with its interval.
    share_even
        That share (0-1) if evidence were spread evenly over the cycle.
    slope_recent, slope_earlier
        Scale points per piece of evidence in the last quarter and before; None where not
        estimable.
    difference, ci_low, ci_high, p
        slope_recent minus slope_earlier, scale points per piece, positive = ratings follow the
        last quarter more; its interval and two-sided p-value; None where not estimable.
    reason
        Why there are no slopes; None if there are.
    level
        Confidence level of the intervals.
    """

    n_evidence: int
    n_employees: int
    recent_days: int
    share_recent: float
    share_low: float
    share_high: float
    share_even: float
    slope_recent: float | None
    slope_earlier: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    reason: Message | None
    level: float


def estimate_recency(
    ratings: pd.DataFrame,
    *,
    evidence: pd.DataFrame,
    starts_on: pd.Timestamp | None,
    ends_on: pd.Timestamp | None,
    severity: pd.Series | None = None,
    recent_days: int = 60,
    level: float = 0.95,
) -> Recency:
    """Estimate whether ratings follow late evidence more than the rest.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count.
    evidence
        employee_id, dated_on.
    starts_on, ends_on
        First and last day of the cycle.
    severity
        Severity by rater_id to take out of the scores, where estimable.
    recent_days
        Days before the end of the cycle that count as recent for the share.
    level
        Confidence level of the intervals.

    Returns
    -------
    Recency

    Raises
    ------
    NotEstimable
        No ratings, no dates of the cycle, or too little dated evidence.
    """
    score = person_scores(ratings, severity)
    if starts_on is None or ends_on is None or not starts_on < ends_on:
        raise NotEstimable(
            msg("The first and last day of the cycle are not known, so nothing is early or late.")
        )
    dated = evidence.loc[evidence["dated_on"].notna() & evidence["employee_id"].isin(score.index)]
    dated = dated.loc[dated["dated_on"].between(starts_on, ends_on)]
    if len(dated) < _LEAST_PIECES:
        raise NotEstimable(
            msgn(
                "There is only {n} dated piece of evidence in this cycle; at least {least} are "
                "needed to see when it was gathered.",
                "There are only {n} dated pieces of evidence in this cycle; at least {least} are "
                "needed to see when it was gathered.",
                len(dated),
                least=_LEAST_PIECES,
            )
        )
    recent = dated["dated_on"] > ends_on - pd.Timedelta(days=recent_days)
    share, low, high = clustered_share(recent, dated["employee_id"], level)
    days = (ends_on - starts_on).days + 1
    late = dated["dated_on"] > ends_on - pd.Timedelta(days=_QUARTER_DAYS)
    counts = pd.DataFrame(
        {
            "late": late.groupby(dated["employee_id"]).sum(),
            "early": (~late).groupby(dated["employee_id"]).sum(),
        }
    ).reindex(score.index, fill_value=0)
    slopes = _slopes(score.to_numpy(), counts.to_numpy(dtype=float), level)
    found = None if isinstance(slopes, Message) else slopes
    return Recency(
        n_evidence=len(dated),
        n_employees=len(score),
        recent_days=recent_days,
        share_recent=share,
        share_low=low,
        share_high=high,
        share_even=min(recent_days / days, 1.0),
        slope_recent=found and found[0],
        slope_earlier=found and found[1],
        difference=found and found[2],
        ci_low=found and found[3],
        ci_high=found and found[4],
        p=found and found[5],
        reason=slopes if isinstance(slopes, Message) else None,
        level=level,
    )


def _slopes(
    score: FloatArray, counts: FloatArray, level: float
) -> tuple[float, float, float, float, float, float] | Message:
    """Slopes, difference, its interval and p; or why there are none."""
    if len(score) < _LEAST_PEOPLE:
        return msg(
            "Fewer than {least} people were rated, too few to see what their ratings follow.",
            least=_LEAST_PEOPLE,
        )
    if (counts.sum(axis=0) < _LEAST_EACH).any():
        return msg(
            "Fewer than {least} pieces of evidence in the last quarter or in the time before, so "
            "the two cannot be compared.",
            least=_LEAST_EACH,
        )
    if np.ptp(score) <= 1e-9 * max(1.0, float(np.abs(score).max())):
        return msg("All ratings are the same, so they follow nothing.")
    X = np.column_stack([np.ones(len(score)), counts])
    if np.linalg.matrix_rank(X) < 3:
        return msg("Everyone has as much evidence, so ratings cannot follow it.")
    inverse = np.linalg.inv(X.T @ X)
    beta = inverse @ X.T @ score
    leverage = np.einsum("ij,jk,ik->i", X, inverse, X)
    # a person alone with a count fixes the line there; keep the weight finite
    away = (score - X @ beta) / np.maximum(1 - leverage, 1e-3)
    covariance = inverse @ (X.T * away**2) @ X @ inverse
    contrast = np.array([0.0, 1.0, -1.0])
    difference = float(contrast @ beta)
    se = float(np.sqrt(contrast @ covariance @ contrast))
    df = len(score) - 3
    reach = float(stats.t.ppf((1 + level) / 2, df)) * se
    p = 2 * float(stats.t.sf(abs(difference) / se, df)) if se > 0 else float(difference == 0)
    return float(beta[1]), float(beta[2]), difference, difference - reach, difference + reach, p
