"""The tables of the store, made from the data contract.

Beside the columns of the contract each row carries where it came from and for how long it held:
``from_batch`` brought it, ``to_batch`` replaced it (missing: it holds now). A correction closes
the old row and adds a new one, so what an earlier pack showed can always be seen again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pipeline.tables import TABLES, key_of, kind_of

SCHEMA_VERSION = 3

metadata = sa.MetaData()

_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "id": sa.Text,
    "text": sa.Text,
    "choice": sa.Text,
    "number": sa.Float,
    "whole": sa.Integer,
    "date": sa.Date,
    "flag": sa.Boolean,
}

_SLICED_BY: dict[str, tuple[tuple[str, ...], ...]] = {
    "ratings": (("employee_id", "cycle"), ("cycle", "employee_id"), ("rater_id",)),
    "employees": (("department", "cycle"), ("employee_id",)),
    "sessions": (("cycle",), ("department",)),
    "participants": (("session_id",),),
    "evidence": (("employee_id",),),
    "goals": (("owner_id",),),
    "results": (("employee_id", "cycle"),),
    "opinions": (("session_id",),),
    "decisions": (("session_id",),),
    "actions": (("session_id",),),
    "norms": (("session_id",),),
}
"""Columns that slices select on, for the indexes."""


def contract_columns(table: str) -> list[sa.Column[Any]]:
    """Return the columns of a contract table as SQL columns.

    Text columns of the key are never null (missing is the empty text), so that keys compare.
    """
    key = key_of(table)
    columns: list[sa.Column[Any]] = []
    for name in TABLES[table].columns:
        kind = kind_of(table, name)
        in_key = name in key and kind in ("id", "text", "choice")
        columns.append(sa.Column(name, _TYPES[kind], nullable=not in_key))
    return columns


def _contract_table(table: str) -> sa.Table:
    made = sa.Table(
        table,
        metadata,
        sa.Column("row_id", sa.Integer, primary_key=True),
        *contract_columns(table),
        sa.Column("row_key", sa.Text, nullable=False),
        sa.Column("row_hash", sa.Text, nullable=False),
        sa.Column("source_file", sa.Text, nullable=False),
        sa.Column("source_line", sa.Integer, nullable=False),
        sa.Column("from_batch", sa.Text, nullable=False),
        sa.Column("to_batch", sa.Text),
    )
    current = made.c.to_batch.is_(None)
    sa.Index(
        f"{table}_current", made.c.row_key, unique=True,
        sqlite_where=current, postgresql_where=current,
    )  # fmt: skip
    for columns in _SLICED_BY.get(table, ()):
        sa.Index(
            f"{table}_by_{'_'.join(columns)}", *(made.c[name] for name in columns),
            sqlite_where=current, postgresql_where=current,
        )  # fmt: skip
    return made


contract: dict[str, sa.Table] = {table: _contract_table(table) for table in TABLES}
"""The contract's tables, by name."""

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

score_counts = sa.Table(
    "score_counts",
    metadata,
    sa.Column("cycle", sa.Text, primary_key=True),
    sa.Column("has_subject", sa.Boolean, primary_key=True),
    sa.Column("by_self", sa.Boolean, primary_key=True),
    sa.Column("criterion_id", sa.Text, primary_key=True),
    sa.Column("score", sa.Float, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False),
)
"""How often each score was given in a cycle, of the ratings that hold now; see `counts`."""

rated_people = sa.Table(
    "rated_people",
    metadata,
    sa.Column("cycle", sa.Text, primary_key=True),
    sa.Column("employee_id", sa.Text, primary_key=True),
    sa.Column("has_subject", sa.Boolean, primary_key=True),
)
"""Who has a rating in a cycle, self-ratings included; see `counts`."""

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("loaded_at", sa.DateTime, nullable=False),
    sa.Column("n_new", sa.Integer, nullable=False),
    sa.Column("n_corrected", sa.Integer, nullable=False),
    sa.Column("n_unchanged", sa.Integer, nullable=False),
    sa.Column("n_rejected", sa.Integer, nullable=False),
)

batch_files = sa.Table(
    "batch_files",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("n_read", sa.Integer, nullable=False),
    sa.Column("n_rejected", sa.Integer, nullable=False),
)

register = sa.Table(
    "register",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("content", sa.Text),
    sa.Column("salt", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
)
"""What sessions decided, append only; see `register`."""

rejections = sa.Table(
    "rejections",
    metadata,
    sa.Column("rejection_id", sa.Integer, primary_key=True),
    sa.Column("batch_id", sa.Text, nullable=False, index=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("column_name", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("employee_id", sa.Text),
)


# the database refuses what a slip or another program would do; whoever may drop triggers can still
# alter entries, and the chain shows it
_ERASES = (
    "NEW.content IS NULL AND NEW.salt IS NULL AND NEW.number = OLD.number"
    " AND NEW.hash = OLD.hash AND NEW.previous = OLD.previous AND NEW.digest = OLD.digest"
    " AND NEW.recorded_at = OLD.recorded_at AND NEW.session_id = OLD.session_id"
    " AND NEW.kind = OLD.kind AND NEW.source = OLD.source"
)
_GUARDS = {
    "sqlite": (
        "CREATE TRIGGER register_keeps BEFORE DELETE ON register"
        " BEGIN SELECT RAISE(ABORT, 'the register is append only'); END",
        f"CREATE TRIGGER register_stays BEFORE UPDATE ON register WHEN NOT ({_ERASES})"
        " BEGIN SELECT RAISE(ABORT, 'the register is append only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION register_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the register is append only'; END $$",
        "CREATE TRIGGER register_keeps BEFORE DELETE ON register"
        " FOR EACH ROW EXECUTE FUNCTION register_refuses()",
        f"CREATE TRIGGER register_stays BEFORE UPDATE ON register FOR EACH ROW"
        f" WHEN (NOT ({_ERASES})) EXECUTE FUNCTION register_refuses()",
        "CREATE TRIGGER register_whole BEFORE TRUNCATE ON register"
        " EXECUTE FUNCTION register_refuses()",
    ),
}
for _dialect, _statements in _GUARDS.items():
    for _statement in _statements:
        _guard = sa.DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        sa.event.listen(register, "after_create", _guard.execute_if(dialect=_dialect))
