"""Recording what a session decided: read, append and load within one transaction."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence

import pandas as pd
import sqlalchemy as sa

from pipeline.store import load, register, schema
from pipeline.store.register import Entry, NewEntry


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

    def load(self, rows: Mapping[str, pd.DataFrame], file: load.FileRecord) -> None:
        """Load rows of contract tables, as an import does."""
        batch_id = f"record-{secrets.token_hex(6)}"
        counts = {
            table: load.load_table(self._connection, table, rows[table], batch_id)
            for table in schema.contract
            if table in rows
        }
        load.record_batch(self._connection, batch_id, [file], counts, [])
