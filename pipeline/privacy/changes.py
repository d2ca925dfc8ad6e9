"""What a session changed per group of employees: aggregates that tell no small count."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pipeline.analysis import NoAnswer
from pipeline.errors import NotEstimable, Suppressed
from pipeline.methods.change_fairness import SELECTION, ChangeFairness
from pipeline.privacy.aggregates import tells_a_small_count

_NUMBERS = ("gap", "ci_low", "ci_high", "p_value", "q_value", "cannot_rule_out")


def change_gaps_in_aggregate(
    answer: ChangeFairness | NoAnswer, few: Suppressed, floor: int
) -> ChangeFairness | NoAnswer:
    """Keep the gaps that rest on large counts only, and nothing of single groups.

    Who knows the sizes of two groups, how many people were discussed in all, and the gap in shares,
    knows how many were discussed of each; so too for a mean change. A gap is shown only where each
    count behind it holds ``floor`` people: discussed and not, or raised, lowered and left alike.
    """
    if isinstance(answer, NotEstimable) and tells_a_small_count(answer, floor):
        return few
    if not isinstance(answer, ChangeFairness):
        return answer
    groups = answer.groups.set_index("group")
    discussed = groups["n_discussed"]
    selection = [discussed, groups["n_people"] - discussed]
    moved = groups["n_raised"] + groups["n_lowered"]
    change = [groups["n_raised"], groups["n_lowered"], discussed - moved]
    enough = {True: _all_large(selection, floor), False: _all_large(change, floor)}
    gaps = answer.gaps.copy()
    hide = pd.Series(
        [
            row.reason is None
            and not {row.group, row.reference} <= enough[row.question == SELECTION]
            for row in gaps.itertuples()
        ],
        index=gaps.index,
        dtype=bool,
    )
    gaps.loc[hide, list(_NUMBERS)] = float("nan")
    gaps["verdict"] = gaps["verdict"].where(~hide, None)
    gaps["reason"] = [
        few.message if hidden else reason
        for hidden, reason in zip(hide, gaps["reason"], strict=True)
    ]
    return replace(answer, groups=answer.groups.iloc[:0], gaps=gaps, n_unknown=0)


def _all_large(counts: list[pd.Series], floor: int) -> set[str]:
    """Return the groups of which every count holds the floor; a hidden one does not."""
    large = pd.concat(counts, axis=1).fillna(0).ge(floor).all(axis=1)
    return {str(name) for name in large.index[large]}
