"""Do raters agree more, or less, than in earlier cycles?

Agreement per cycle, each from its own ratings as they were before its session; no model over the
cycles. See `numerics.agreement_by_cycle` for what is estimated.

Sources: McGraw & Wong (1996), Psychol. Methods 1, 30-46; Korn & Graubard (1998), Survey Methodology
24, 193-201.

Assumes that cycles are rated on the same scale. Intervals that overlap are no proof that nothing
changed, and it cannot tell why agreement changes: sessions, other people, other raters or another
form. More agreement is not automatically better judgement.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.numerics.agreement_by_cycle import agreement_by_cycle


@dataclass(frozen=True)
class AgreementByCycle:
    """Agreement of raters per cycle.

    Attributes
    ----------
    cycles
        One row per cycle, oldest first; see `numerics.agreement_by_cycle`.
    level
        Confidence level of the intervals.
    """

    cycles: pd.DataFrame
    level: float


def estimate_agreement_by_cycle(
    ratings: pd.DataFrame, *, cycle_order: list[str], level: float = 0.95
) -> AgreementByCycle:
    """Estimate how far raters agreed in each cycle.

    Parameters
    ----------
    ratings
        cycle, subject_id, rater_id, score.
    cycle_order
        Cycles, oldest first.
    level
        Confidence level of the intervals.

    Raises
    ------
    NotEstimable
        Fewer than two cycles have enough people with two raters.
    """
    rated = ratings[ratings["score"].notna()]
    cycles = agreement_by_cycle(rated, cycle_order, level)
    if cycles["reason"].isna().sum() < 2:
        raise NotEstimable(
            msg("Fewer than two cycles have enough ratings by two raters to compare agreement.")
        )
    return AgreementByCycle(cycles, level)
