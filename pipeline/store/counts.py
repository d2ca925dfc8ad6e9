"""Totals that every pack needs, kept beside the ratings so that no pack counts a million of them.

They are made again, for the cycles that a batch touched, in the transaction that loads it; so they
always fit the ratings that hold.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from pipeline.store import schema

_LAST_RATINGS = "last_ratings_batch"


def refresh_counts(connection: sa.Connection, cycles: Collection[str], batch_id: str) -> None:
    """Count again what holds now in the cycles that a batch changed."""
    if not cycles:
        return
    for cycle in sorted(cycles):
        _recount(connection, cycle)
    remember_last_ratings(connection, batch_id)


def count_everything(connection: sa.Connection) -> None:
    """Count every cycle; for a store that was made without these totals."""
    kept = schema.contract["ratings"]
    held = kept.c.to_batch.is_(None)
    for cycle in connection.scalars(sa.select(kept.c.cycle).where(held).distinct()).all():
        _recount(connection, cycle)
    last = connection.scalar(sa.select(sa.func.max(kept.c.from_batch)))
    if last is not None:
        remember_last_ratings(connection, last)


def _recount(connection: sa.Connection, cycle: str) -> None:
    kept, scores, people = schema.contract["ratings"], schema.score_counts, schema.rated_people
    has_subject = (kept.c.subject_id != "").label("has_subject")
    by_self = (sa.func.coalesce(kept.c.rater_role, "") == "self").label("by_self")
    wanted = (kept.c.to_batch.is_(None), kept.c.cycle == cycle)
    groups = (kept.c.cycle, has_subject, by_self, kept.c.criterion_id, kept.c.score)
    connection.execute(scores.delete().where(scores.c.cycle == cycle))
    connection.execute(
        scores.insert().from_select(
            ["cycle", "has_subject", "by_self", "criterion_id", "score", "n"],
            sa.select(*groups, sa.func.count()).where(*wanted).group_by(*groups),
        )
    )
    connection.execute(people.delete().where(people.c.cycle == cycle))
    connection.execute(
        people.insert().from_select(
            ["cycle", "employee_id", "has_subject"],
            sa.select(kept.c.cycle, kept.c.employee_id, has_subject).where(*wanted).distinct(),
        )
    )


def remember_last_ratings(connection: sa.Connection, batch_id: str) -> None:
    """Keep which batch last brought ratings."""
    meta = schema.meta
    connection.execute(meta.delete().where(meta.c.name == _LAST_RATINGS))
    connection.execute(meta.insert().values(name=_LAST_RATINGS, value=batch_id))


def last_ratings_batch(connection: sa.Connection) -> str:
    """Return the batch that last brought new or corrected ratings; empty when there is none."""
    query = sa.select(schema.meta.c.value).where(schema.meta.c.name == _LAST_RATINGS)
    return connection.scalar(query) or ""
