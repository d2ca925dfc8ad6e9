"""Which conversations follow a session, in which order, and when."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import pandas as pd

from pipeline.agenda.turns import by_lot

CHANGED_WITHIN, OTHERS_WITHIN = 14, 30
"""Days after the session."""
MOST_MINUTES = 30
_A_DAY = 2
"""Conversations that one manager has on one day."""
_ORDER = {"raised": 0, "lowered": 0, "adjusted": 0, "parked": 1, "upheld": 2}


@dataclass(frozen=True)
class Talk:
    """One conversation about what a session decided.

    Attributes
    ----------
    employee_id, manager_id
        Between whom; the manager is None where nobody told who it is.
    result
        What became of the rating.
    on, before
        Proposed working day, and the last day; None where the day of the session is unknown.
    """

    employee_id: str
    manager_id: str | None
    result: str
    on: dt.date | None
    before: dt.date | None


def plan_talks(decided: pd.DataFrame, held_on: dt.date | None) -> tuple[Talk, ...]:
    """Plan a conversation with everybody about whom a session decided: changed ratings first.

    Parameters
    ----------
    decided
        Decisions with employee_id, manager_id and result.
    held_on
        Day of the session.

    Returns
    -------
    tuple of Talk
        By manager, then in order.
    """
    results: dict[str, str] = {}
    managers: dict[str, str | None] = {}
    for row in decided.to_dict("records"):
        one = str(row["employee_id"])
        known = results.get(one)
        if known is None or _ORDER.get(row["result"], 3) < _ORDER.get(known, 3):
            results[one] = row["result"]
        managers[one] = str(row["manager_id"]) if isinstance(row["manager_id"], str) else None
    by_manager: dict[str | None, list[str]] = defaultdict(list)
    for one in sorted(results, key=lambda person: (_ORDER.get(results[person], 3), by_lot(person))):
        by_manager[managers[one]].append(one)
    talks: list[Talk] = []
    for manager in sorted(by_manager, key=lambda one: (one is None, one or "")):
        for number, one in enumerate(by_manager[manager]):
            changed = _ORDER.get(results[one], 3) == 0
            within = CHANGED_WITHIN if changed else OTHERS_WITHIN
            talks.append(
                Talk(
                    one,
                    manager,
                    results[one],
                    _working_day(held_on, 1 + number // _A_DAY),
                    held_on + dt.timedelta(days=within) if held_on else None,
                )
            )
    return tuple(talks)


def _working_day(start: dt.date | None, n: int) -> dt.date | None:
    if start is None:
        return None
    day: dt.date = (pd.Timestamp(start) + pd.offsets.BDay(n)).date()
    return day
