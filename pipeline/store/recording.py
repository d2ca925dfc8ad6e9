"""Recording what a session decided: read, append and load within one transaction."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from pipeline.store import load, register, schema, sessions
from pipeline.store.content import contents
from pipeline.store.register import Entry, NewEntry

_MOST_VALUES = 500
"""Databases bound the number of parameters of a query."""


class Recording:
    """An open transaction about one session; everybody else who records waits for its end.

    Parameters
    ----------
    connection
        Open for writing.
    session_id
        Which session.
    """

    def __init__(self, connection: sa.Connection, session_id: str) -> None:
        self._connection, self._session_id = connection, session_id
        if connection.dialect.name == "postgresql":
            # the table of imports comes first, as in `Store.load`: two orders could wait forever
            connection.execute(sa.text("LOCK TABLE batches IN EXCLUSIVE MODE"))
            connection.execute(sa.text("LOCK TABLE register IN EXCLUSIVE MODE"))
        self.entries: list[Entry] = register.entries(connection, session_id)

    @property
    def head(self) -> str:
        """Hash of the last entry of the whole register."""
        kept = schema.register.c
        query = sa.select(kept.hash).order_by(kept.number.desc()).limit(1)
        return str(self._connection.scalar(query) or "")

    def append(self, entries: Sequence[NewEntry], *, source: str, now: dt.datetime) -> None:
        """Add entries to the register."""
        register.append(self._connection, self._session_id, entries, source=source, now=now)

    def rows(self, table: str, column: str, values: Collection[str]) -> list[dict[str, Any]]:
        """Return the rows of a contract table that hold now: days as ISO text, None for nothing."""
        wanted, found = sorted(values), []
        for start in range(0, len(wanted), _MOST_VALUES):
            part = wanted[start : start + _MOST_VALUES]
            rows = sessions.rows_of(
                self._connection, table, schema.contract[table].c[column].in_(part)
            )
            found += [
                {str(name): _plain(value) for name, value in row.items()}
                for row in rows.to_dict("records")
            ]
        return found

    def load(
        self,
        rows: Mapping[str, pd.DataFrame],
        file: load.FileRecord,
        withdrawn: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        """Load rows of contract tables, as an import does; ``withdrawn`` ones hold no longer."""
        batch_id = f"record-{secrets.token_hex(6)}"
        for table, gone in (withdrawn or {}).items():
            kept = schema.contract[table]
            keys = [key for part in contents(table, gone) for key in part["row_key"].to_pylist()]
            close = kept.update().where(
                kept.c.row_key == sa.bindparam("gone"), kept.c.to_batch.is_(None)
            )
            if keys:
                self._connection.execute(
                    close.values(to_batch=batch_id), [{"gone": key} for key in keys]
                )
        counts = {
            table: load.load_table(self._connection, table, rows[table], batch_id)
            for table in schema.contract
            if table in rows
        }
        load.record_batch(self._connection, batch_id, [file], counts, [])


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else value
