"""The schema of the store: made where there is none, brought up to date where it is older.

A step up runs in one transaction under a lock: the store has the old version or the new one, also
when two commands open it at the same moment. There is no way down; a newer store is refused.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from pipeline.errors import StoreError, msg
from pipeline.store import schema
from pipeline.store.counts import count_everything

_ADVISORY_LOCK = 0x63616C69  # any number of our own
WRITES_AT_ONCE = "calibrate_writes_at_once"
"""Execution option of a connection that is going to write; see `database._begin`."""


def ensure_schema(engine: sa.Engine) -> None:
    """Make the tables of a new store, or bring those of an older one up to date.

    Raises
    ------
    StoreError
        The store was made by a newer version, or is none of ours.
    """
    with engine.connect() as connection:
        if _version(connection) == schema.SCHEMA_VERSION:
            return
    writing = engine.execution_options(**{WRITES_AT_ONCE: True})
    with writing.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        found = _version(connection)  # another command may have been here first
        if found is None:
            schema.metadata.create_all(connection)
            connection.execute(schema.meta.insert().values(name="schema_version", value="0"))
        else:
            for version in range(found, schema.SCHEMA_VERSION):
                _STEPS[version](connection)
        connection.execute(
            schema.meta.update()
            .where(schema.meta.c.name == "schema_version")
            .values(value=str(schema.SCHEMA_VERSION))
        )


def _version(connection: sa.Connection) -> int | None:
    """Return the version of the schema; nothing where there is no store yet."""
    names = set(sa.inspect(connection).get_table_names())
    if not names & set(schema.metadata.tables):
        return None
    text = None
    if "meta" in names:
        query = sa.select(schema.meta.c.value).where(schema.meta.c.name == "schema_version")
        text = connection.scalar(query)
    found = int(text) if text is not None and text.isdigit() else -1
    if found > schema.SCHEMA_VERSION:
        raise StoreError(
            msg(
                "The store was made by a newer version of the workbench (schema {found}; this"
                " version knows {known}). Update the workbench; nothing was changed.",
                found=found,
                known=schema.SCHEMA_VERSION,
            )
        )
    if found != schema.SCHEMA_VERSION and found not in _STEPS:
        raise StoreError(
            msg(
                "The store has an unknown schema ({found}; this version knows {known}). Keep it,"
                " choose another store.url in workbench.toml and import the exports again.",
                found=text[:20] if text is not None else "-",
                known=schema.SCHEMA_VERSION,
            )
        )
    return found


def _from_1_to_2(connection: sa.Connection) -> None:
    """Add the totals of `counts`, and the indexes that slices of a large store need."""
    for table in (schema.score_counts, schema.rated_people):
        table.create(connection)
    connection.execute(sa.text("DROP INDEX ratings_by_employee_id"))  # now with the cycle
    for table in schema.contract.values():
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            index.create(connection, checkfirst=True)
    count_everything(connection)


def _from_2_to_3(connection: sa.Connection) -> None:
    """Add the register of decisions."""
    schema.register.create(connection)


_STEPS: dict[int, Callable[[sa.Connection], None]] = {1: _from_1_to_2, 2: _from_2_to_3}
"""How to come from a version to the next."""
