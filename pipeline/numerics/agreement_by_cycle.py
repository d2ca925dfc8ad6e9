"""How far did raters agree in each cycle, before its session?

Per cycle, on each rater's mean over criteria of the subjects that two raters or more share:
ICC(A,1), the share of pairs of raters within one point, and the standard deviation of raters.

Sources: see `numerics.icc` and `numerics.agreement`.

Assumes that cycles are rated on the same scale. It cannot tell why agreement changes: other people,
other raters and another form change it too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.errors import msg
from pipeline.numerics.agreement import DegenerateTable, icc, within_one_point

LEAST_SHARED = 5
_NUMBERS = ("icc", "icc_low", "icc_high", "within_one", "within_low", "within_high", "sd_raters")


def agreement_by_cycle(
    rated: pd.DataFrame, cycle_order: Sequence[str], level: float
) -> pd.DataFrame:
    """Describe how far raters agreed in each cycle that has ratings.

    Parameters
    ----------
    rated
        Rows with a score: cycle, subject_id, rater_id, score.
    cycle_order
        Cycles, oldest first.
    level
        Confidence level of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per cycle, in order: cycle; n_subjects (with two raters or more), n_raters; icc,
        icc_low, icc_high (at most 1); within_one, within_low, within_high (0-1); sd_raters (scale
        points, 0 or more); reason (a Message where there are no numbers, else None).
    """
    parts = dict(iter(rated.groupby("cycle", sort=False)))
    rows = [_row(cycle, parts[cycle], level) for cycle in cycle_order if cycle in parts]
    columns = ["cycle", "n_subjects", "n_raters", *_NUMBERS, "reason"]
    return pd.DataFrame(rows, columns=columns).astype({"reason": object})


def _row(cycle: str, rated: pd.DataFrame, level: float) -> dict[str, object]:
    table = rated.pivot_table(index="subject_id", columns="rater_id", values="score")
    shared = table[table.notna().sum(axis=1) >= 2].dropna(axis=1, how="all")
    row: dict[str, object] = {
        "cycle": cycle, "n_subjects": len(shared), "n_raters": shared.shape[1],
        **dict.fromkeys(_NUMBERS, float("nan")), "reason": None,
    }  # fmt: skip
    if len(shared) < LEAST_SHARED:
        reason = msg(
            "Rated by two raters or more: {n}. {least} are needed to say how far raters agree.",
            n=len(shared),
            least=LEAST_SHARED,
        )
        return row | {"reason": reason}
    try:
        close, found = within_one_point(shared, level), icc(shared, level)
    except (DegenerateTable, ArithmeticError):
        return row | {"reason": msg("These scores hardly differ, or share too few people.")}
    return row | {
        "icc": found.icc_a1, "icc_low": found.icc_a1_ci[0], "icc_high": found.icc_a1_ci[1],
        "within_one": close.share, "within_low": close.ci_low, "within_high": close.ci_high,
        "sd_raters": float(np.sqrt(max(found.var_rater, 0.0))),
    }  # fmt: skip
