"""How validated rows enter the store: in one transaction, comparing by key.

A row whose key is unknown is new; one whose key is known with another content is a correction,
which closes the old row; one that is already there changes nothing.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from pipeline.errors import Message
from pipeline.store import schema
from pipeline.store.content import CHUNK, as_tuples, contents


@dataclass(frozen=True)
class FileRecord:
    """A file of a batch: its name, SHA-256 in hexadecimal, rows read and rows rejected."""

    name: str
    sha256: str
    n_read: int
    n_rejected: int


@dataclass(frozen=True)
class Rejection:
    """A row that was not loaded, and why. Holds no value of the row but whom it was about."""

    file: str
    table: str
    line: int
    column: str
    reason: Message
    employee_id: str | None


@dataclass(frozen=True)
class Loaded:
    """Rows per table that were new, corrected an earlier row, or were there already."""

    new: dict[str, int]
    corrected: dict[str, int]
    unchanged: dict[str, int]


@dataclass(frozen=True)
class Changed:
    """What a batch did to one table: numbers of rows, and the cycles of those not unchanged."""

    new: int
    corrected: int
    unchanged: int
    cycles: frozenset[str]


@dataclass(frozen=True)
class Batch:
    """The record of one import."""

    batch_id: str
    loaded_at: dt.datetime
    n_new: int
    n_corrected: int
    n_unchanged: int
    n_rejected: int
    files: tuple[FileRecord, ...]


def load_table(connection: sa.Connection, table: str, rows: pd.DataFrame, batch_id: str) -> Changed:
    """Load the rows of one table within a transaction.

    Parameters
    ----------
    connection
        Open transaction.
    table
        Name in the data contract.
    rows
        Columns of the contract plus ``source_file`` and ``source_line``; keys are unique.
    batch_id
        The batch that brings these rows.
    """
    kept = schema.contract[table]
    if connection.execute(sa.select(kept.c.row_id).limit(1)).first() is None:
        return _load_first(connection, kept, rows, batch_id)
    return _load_beside(connection, kept, rows, batch_id)


def _load_first(
    connection: sa.Connection, kept: sa.Table, rows: pd.DataFrame, batch_id: str
) -> Changed:
    """Load into an empty table: nothing to compare with."""
    # indexes are built much faster from the whole than row by row
    apart = len(rows) > CHUNK
    if apart:
        for index in kept.indexes:
            index.drop(connection)
    cycles: set[str] = set()
    for chunk in contents(kept.name, rows):
        _insert(connection, kept, chunk, batch_id)
        cycles |= _cycles(chunk)
    if apart:
        for index in sorted(kept.indexes, key=lambda one: str(one.name)):
            index.create(connection)
        _analyze(connection, kept)
    return Changed(len(rows), 0, 0, frozenset(cycles))


def _load_beside(
    connection: sa.Connection, kept: sa.Table, rows: pd.DataFrame, batch_id: str
) -> Changed:
    """Load beside rows that are there already, comparing by key."""
    stage = sa.Table(
        f"stage_{kept.name}",
        sa.MetaData(),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("row_key", sa.Text),
        sa.Column("row_hash", sa.Text),
        prefixes=["TEMPORARY"],
    )
    stage.create(connection)
    same = (kept.c.row_hash == stage.c.row_hash).label("same")
    match = sa.and_(kept.c.row_key == stage.c.row_key, kept.c.to_batch.is_(None))
    known = sa.select(stage.c.position, kept.c.row_id, same).join_from(stage, kept, match)
    close = kept.update().where(kept.c.row_id == sa.bindparam("old"))
    corrected = unchanged = 0
    cycles: set[str] = set()
    for chunk in contents(kept.name, rows):
        keys = chunk.select(["row_key", "row_hash"])
        numbers = pa.array(range(len(chunk)), pa.int32())
        _put(connection, stage, keys.add_column(0, "position", numbers))
        if connection.dialect.name == "postgresql":
            _analyze(connection, stage)  # without it the plan is made for an empty table
        wanted = np.ones(len(chunk), dtype=bool)
        outdated = []
        for position, row_id, is_same in connection.execute(known):
            if is_same:
                wanted[position] = False
                unchanged += 1
            else:
                outdated.append({"old": row_id})
        corrected += len(outdated)
        if outdated:
            connection.execute(close.values(to_batch=batch_id), outdated)
        fresh = chunk.filter(pa.array(wanted))
        if len(fresh):
            _insert(connection, kept, fresh, batch_id)
            cycles |= _cycles(fresh)
        connection.execute(stage.delete())
    stage.drop(connection)
    new = len(rows) - corrected - unchanged
    if new + corrected > CHUNK:
        _analyze(connection, kept)
    return Changed(new, corrected, unchanged, frozenset(cycles))


def _cycles(chunk: pa.Table) -> set[str]:
    return set(chunk["cycle"].unique().to_pylist()) if "cycle" in chunk.column_names else set()


def _insert(connection: sa.Connection, kept: sa.Table, chunk: pa.Table, batch_id: str) -> None:
    column = pa.repeat(pa.scalar(batch_id, pa.large_string()), len(chunk))
    _put(connection, kept, chunk.append_column("from_batch", column))


def _put(connection: sa.Connection, table: sa.Table, chunk: pa.Table) -> None:
    columns = ", ".join(f'"{name}"' for name in chunk.column_names)
    if connection.dialect.name == "postgresql":
        _copy(connection, f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT csv)', chunk)
        return
    places = ", ".join("?" * chunk.num_columns)
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})'
    connection.exec_driver_sql(statement, as_tuples(chunk))


def _copy(connection: sa.Connection, statement: str, chunk: pa.Table) -> None:
    # Arrow writes the text of a chunk at once. Quotes tell the empty text from a missing one
    options = pa.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    text = io.BytesIO()
    pa.csv.write_csv(chunk, text, options)
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            copy.write(text.getbuffer())
    except connection.dialect.loaded_dbapi.Error as error:
        # COPY goes past SQLAlchemy, so its error is wrapped here as SQLAlchemy does
        raise sa.exc.DBAPIError("COPY", None, error, hide_parameters=True) from None
    finally:
        cursor.close()


def _analyze(connection: sa.Connection, table: sa.Table) -> None:
    """Let PostgreSQL know the new size at once; SQLite plans by the indexes alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f'ANALYZE "{table.name}"'))


def record_batch(
    connection: sa.Connection,
    batch_id: str,
    files: Sequence[FileRecord],
    counts: Mapping[str, Changed],
    rejections: Sequence[Rejection],
) -> None:
    """Keep what a batch brought and what it did not."""
    connection.execute(
        schema.batches.insert().values(
            batch_id=batch_id,
            loaded_at=dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0),
            n_new=sum(count.new for count in counts.values()),
            n_corrected=sum(count.corrected for count in counts.values()),
            n_unchanged=sum(count.unchanged for count in counts.values()),
            n_rejected=len({(r.file, r.table, r.line) for r in rejections}),
        )
    )
    if files:
        connection.execute(
            schema.batch_files.insert(),
            [
                {
                    "batch_id": batch_id,
                    "name": file.name,
                    "sha256": file.sha256,
                    "n_read": file.n_read,
                    "n_rejected": file.n_rejected,
                }
                for file in files
            ],
        )
    if rejections:
        connection.execute(
            schema.rejections.insert(),
            [
                {
                    "batch_id": batch_id,
                    "file": rejection.file,
                    "table_name": rejection.table,
                    "line": rejection.line,
                    "column_name": rejection.column,
                    "reason": str(rejection.reason),
                    "employee_id": rejection.employee_id,
                }
                for rejection in rejections
            ],
        )
