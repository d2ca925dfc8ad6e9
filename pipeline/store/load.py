"""How validated rows enter the store: in one transaction, comparing by key.

A row whose key is unknown is new; one whose key is known with another content is a correction,
which closes the old row; one that is already there changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from pipeline.errors import Message
from pipeline.store import schema
from pipeline.tables import TABLES, key_of, kind_of

_CHUNK = 20_000


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
class Batch:
    """The record of one import."""

    batch_id: str
    loaded_at: dt.datetime
    n_new: int
    n_corrected: int
    n_unchanged: int
    n_rejected: int
    files: tuple[FileRecord, ...]


def _digests(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Hash the given columns of each row; 128 bits, so that two rows never share one."""
    if not columns:  # every column is part of the key
        return [""] * len(frame)
    texts = [_as_text(frame[name]) for name in columns]
    blake = hashlib.blake2b
    return [
        blake("\x1f".join(row).encode(), digest_size=16).hexdigest()
        for row in zip(*texts, strict=True)
    ]


def _as_text(values: pd.Series) -> list[str]:
    if values.dtype.kind == "M":
        return list(values.dt.strftime("%Y-%m-%d").fillna(""))
    if values.dtype.kind == "f":
        return [repr(value) if value == value else "" for value in values.tolist()]
    return list(values.astype("str").fillna(""))


def _records(frame: pd.DataFrame) -> Iterator[list[tuple[object, ...]]]:
    """Yield the rows as tuples of plain Python values, a chunk at a time."""
    for start in range(0, len(frame), _CHUNK):
        part = frame.iloc[start : start + _CHUNK]
        columns = []
        for name in part.columns:
            values = part[name]
            if values.dtype.kind == "M":
                plain = [None if v is pd.NaT else v.date() for v in values.tolist()]
            else:
                plain = values.astype(object).where(values.notna(), None).tolist()
            columns.append(plain)
        yield list(zip(*columns, strict=True))


def load_table(
    connection: sa.Connection, table: str, rows: pd.DataFrame, batch_id: str
) -> tuple[int, int, int]:
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

    Returns
    -------
    tuple of int
        Number of new, corrected and unchanged rows.
    """
    names = list(TABLES[table].columns)
    key = key_of(table)
    frame = rows[[*names, "source_file", "source_line"]].copy()
    for name in key:
        if kind_of(table, name) in ("id", "text", "choice"):
            frame[name] = frame[name].fillna("")
    frame["row_key"] = _digests(frame, key)
    frame["row_hash"] = _digests(frame, [name for name in names if name not in key])

    stage = sa.Table(
        f"stage_{table}",
        sa.MetaData(),
        *schema.contract_columns(table),
        sa.Column("source_file", sa.Text),
        sa.Column("source_line", sa.Integer),
        sa.Column("row_key", sa.Text, primary_key=True),
        sa.Column("row_hash", sa.Text),
        prefixes=["TEMPORARY"],
    )
    stage.create(connection)
    _fill(connection, stage, frame)

    kept = schema.contract[table]
    holds = kept.c.to_batch.is_(None)
    same_key = kept.c.row_key == stage.c.row_key
    unchanged = int(
        connection.scalar(
            sa.select(sa.func.count())
            .select_from(stage.join(kept, sa.and_(same_key, holds)))
            .where(kept.c.row_hash == stage.c.row_hash)
        )
        or 0
    )
    other_content = sa.select(stage.c.row_key).where(same_key, stage.c.row_hash != kept.c.row_hash)
    corrected = connection.execute(
        kept.update().where(holds, other_content.exists()).values(to_batch=batch_id)
    ).rowcount
    copied = [column.name for column in stage.columns]
    already = sa.select(kept.c.row_id).where(same_key, holds)
    connection.execute(
        kept.insert().from_select(
            [*copied, "from_batch"],
            sa.select(*stage.columns, sa.literal(batch_id)).where(~already.exists()),
        )
    )
    stage.drop(connection)
    return len(frame) - corrected - unchanged, corrected, unchanged


def _fill(connection: sa.Connection, stage: sa.Table, frame: pd.DataFrame) -> None:
    names = list(frame.columns)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        columns = ", ".join(f'"{name}"' for name in names)
        try:
            with cursor.copy(f'COPY "{stage.name}" ({columns}) FROM STDIN') as copy:
                for chunk in _records(frame):
                    for row in chunk:
                        copy.write_row(row)
        except connection.dialect.loaded_dbapi.Error as error:
            # COPY goes past SQLAlchemy, so its error is wrapped here as SQLAlchemy does
            raise sa.exc.DBAPIError("COPY", None, error, hide_parameters=True) from None
        return
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{stage.name}" ({columns}) VALUES ({places})'
    for chunk in _records(frame):
        plain = [
            tuple(v.isoformat() if isinstance(v, dt.date) else v for v in row) for row in chunk
        ]
        connection.exec_driver_sql(statement, plain)


def record_batch(
    connection: sa.Connection,
    batch_id: str,
    files: Sequence[FileRecord],
    counts: Mapping[str, tuple[int, int, int]],
    rejections: Sequence[Rejection],
) -> None:
    """Keep what a batch brought and what it did not."""
    totals = [sum(count[i] for count in counts.values()) for i in range(3)]
    connection.execute(
        schema.batches.insert().values(
            batch_id=batch_id,
            loaded_at=dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0),
            n_new=totals[0],
            n_corrected=totals[1],
            n_unchanged=totals[2],
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
