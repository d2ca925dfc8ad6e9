"""How good is a measured result beside the same measure of colleagues?

A result counts as its distance from the target as a share of the target (without a target, as the
value itself), in standard deviations from the mean of everyone with that metric in that cycle. So
metrics in different units can be set beside each other.

Assumes that more is better, except for the metrics named. It cannot tell what a metric leaves out,
nor luck from work.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd


def standardised_results(
    results: pd.DataFrame, *, lower_is_better: Collection[str] = (), least_people: int = 5
) -> pd.DataFrame:
    """Standardise results within metric and cycle.

    Parameters
    ----------
    results
        cycle, employee_id, metric, value, target (may be missing).
    lower_is_better
        Metrics of which less is better.
    least_people
        People with the metric in the cycle; metrics with fewer are left out.

    Returns
    -------
    pandas.DataFrame
        cycle, employee_id, metric, z (SDs, positive = better than colleagues).
    """
    known = results.loc[results["value"].notna()].copy()
    known["value"] = known["value"].astype(float)
    if "target" in known:
        target = known["target"].astype(float).where(lambda one: one != 0)
    else:
        target = pd.Series(float("nan"), index=known.index)
    # one metric is read in one way: against targets where everyone has one, else as it is
    by = [known["cycle"], known["metric"]]
    complete = target.notna().groupby(by).transform("all")
    share = ((known["value"] - target) / target.abs()).where(complete, known["value"])
    share = share.where(~known["metric"].isin(list(lower_is_better)), -share)
    grouped = share.groupby(by)
    spread, size = grouped.transform("std"), grouped.transform("size")
    scale = share.abs().groupby(by).transform("max")
    z = (share - grouped.transform("mean")) / spread.where(spread > 1e-9 * scale)
    kept = known.assign(z=z)[["cycle", "employee_id", "metric", "z"]]
    kept = kept.loc[(size >= least_people) & z.notna()]
    return kept.sort_values(["cycle", "employee_id", "metric"], ignore_index=True)
