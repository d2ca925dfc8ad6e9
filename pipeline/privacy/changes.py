"""What a session changed per group of employees, without counts that tell of few."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pipeline.analysis import NoAnswer
from pipeline.methods.change_fairness import ChangeFairness
from pipeline.privacy.cells import suppress_counts

_OF_CHANGES = (
    "n_raised", "n_lowered", "share_raised", "raised_low", "raised_high", "share_lowered",
    "lowered_low", "lowered_high",
)  # fmt: skip
_OF_SELECTION = ("n_discussed", "share_discussed", "discussed_low", "discussed_high")
_OF_MEANS = ("mean_change", "change_low", "change_high")


def change_fairness_without_small_cells(
    answer: ChangeFairness | NoAnswer, floor: int, least: int
) -> ChangeFairness | NoAnswer:
    """Keep only the gaps where counts would tell of few people.

    Where somebody is in no group that is shown, the department's totals would tell theirs: then no
    group keeps a number. Else a group keeps its counts of raised, lowered and left alike, or of
    discussed and not, only where each of them holds ``least`` people and no other group's has to be
    hidden; a count that one group lacks could be found from the totals.

    Parameters
    ----------
    answer
        Of `methods.change_fairness`.
    floor
        Smallest group of employees.
    least
        Smallest count that may be shown.
    """
    if isinstance(answer, NoAnswer):
        return answer
    groups = answer.groups.copy()
    if groups["suppressed"].any() or 0 < answer.n_unknown < floor:
        hidden = [name for name in groups if not str(name).endswith(("group", "suppressed"))]
        groups[hidden] = pd.NA
        return replace(answer, groups=groups)
    n, discussed = groups["n_people"], groups["n_discussed"]
    if _tells_of_few({"yes": discussed, "no": n - discussed}, least):
        groups[[*_OF_SELECTION, *_OF_CHANGES, *_OF_MEANS]] = pd.NA
    elif groups["changes_suppressed"].any() or _tells_of_few(
        {
            "up": groups["n_raised"],
            "down": groups["n_lowered"],
            "same": discussed - groups["n_raised"] - groups["n_lowered"],
        },
        least,
    ):
        # the mean of a group beside that of all tells the mean of the other
        groups[[*_OF_CHANGES, *_OF_MEANS]] = pd.NA
    return replace(answer, groups=groups)


def _tells_of_few(counts: dict[str, pd.Series], least: int) -> bool:
    """Tell whether any cell of these columns, or of their total, has to be hidden."""
    cells = pd.concat(
        [pd.DataFrame({"row": n.index, "n": n.astype("float64")}) for n in counts.values()]
    )
    cells = cells.assign(n_people=cells["n"].fillna(0.0), share=0.0)
    return bool(suppress_counts(cells, ["row"], least)["suppressed"].any())
