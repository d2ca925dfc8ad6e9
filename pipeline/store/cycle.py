"""What everybody may know about one cycle, read from the store: nothing about persons."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from pipeline.errors import WrongUse, msg
from pipeline.store import schema
from pipeline.store.sessions import cycles, frame, held_now, rows_of
from pipeline.tables import SESSION_KINDS


@dataclass(frozen=True)
class CycleOverview:
    """One cycle as employees are told about it.

    Attributes
    ----------
    cycle
        Which.
    row
        Its row of `cycles`; no row where there is none.
    criteria
        The wording of each criterion in this cycle, else the one without a cycle, with ``kind``:
        the kind of session whose ratings have it, missing where it was never rated. A criterion
        that both kinds rate has two rows.
    sessions
        department, kind and held_on of each planned session.
    kinds
        Kinds of which there are criteria or sessions.
    """

    cycle: str
    row: pd.DataFrame
    criteria: pd.DataFrame
    sessions: pd.DataFrame
    kinds: tuple[str, ...]


def cycle_overview(connection: sa.Connection, cycle: str) -> CycleOverview:
    """Read what everybody may know about one cycle.

    Raises
    ------
    WrongUse
        Nothing is known of this cycle.
    """
    kept, every = schema.contract["cycles"], cycles(connection)
    row = rows_of(connection, "cycles", kept.c.cycle == cycle)
    planned = _planned(connection, cycle)
    if row.empty and planned.empty and cycle not in every:
        raise WrongUse(
            msg(
                "Nothing is known of cycle {cycle}. Cycles with ratings: {known}.",
                cycle=cycle[:100],
                known=", ".join(every) or "-",
            )
        )
    criteria = _criteria(connection, cycle)
    found = {*criteria["kind"].dropna(), *planned["kind"]}
    return CycleOverview(
        cycle, row, criteria, planned, tuple(kind for kind in SESSION_KINDS if kind in found)
    )


def _planned(connection: sa.Connection, cycle: str) -> pd.DataFrame:
    kept = schema.contract["sessions"]
    kind = sa.func.coalesce(kept.c.kind, SESSION_KINDS[0]).label("kind")
    query = (
        sa.select(kept.c.department, kind, kept.c.held_on)
        .where(held_now(kept), kept.c.cycle == cycle)
        .order_by(kept.c.held_on, kept.c.department, kind)
    )
    return frame(connection, query)


def _criteria(connection: sa.Connection, cycle: str) -> pd.DataFrame:
    """Return the wordings with the kind of their ratings: of this cycle, else of any."""
    kept = schema.contract["criteria"]
    rows = rows_of(connection, "criteria", kept.c.cycle.in_([cycle, ""]))
    rows = rows.sort_values("cycle", na_position="last", kind="stable")
    rows = rows.drop_duplicates("criterion_id")
    rated = _rated(connection)
    now = rated[rated["cycle"].eq(cycle)]
    before = rated[~rated["criterion_id"].isin(now["criterion_id"])]
    if len(rows):  # what only another cycle rated, and nobody describes, is not of this cycle
        before = before[before["criterion_id"].isin(rows["criterion_id"])]
    else:
        before = before.iloc[:0]
    kinds = pd.concat([now, before])[["criterion_id", "kind"]].drop_duplicates()
    found = rows.merge(kinds, on="criterion_id", how="outer")
    return found.sort_values(["kind", "criterion_id"], na_position="last", ignore_index=True)


def _rated(connection: sa.Connection) -> pd.DataFrame:
    """Return which criteria each cycle rated, by kind."""
    counts = schema.score_counts
    columns = (counts.c.cycle, counts.c.criterion_id, counts.c.has_subject)
    found = frame(connection, sa.select(*columns).distinct())
    performance, conversation = SESSION_KINDS
    kind = found["has_subject"].astype("bool").map({True: conversation, False: performance})
    return found.assign(kind=kind.astype("str"))[["cycle", "criterion_id", "kind"]]
