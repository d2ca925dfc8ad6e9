"""Opening the store: SQLite file by default, PostgreSQL by address; one interface on both."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import event

from pipeline.errors import Message, StoreError, WrongUse, msg
from pipeline.settings import Settings
from pipeline.store import cycle as cycle_parts
from pipeline.store import history, load, outcome, register, schema, sessions, slices, stamps
from pipeline.store.counts import refresh_counts
from pipeline.store.load import Batch
from pipeline.store.migrate import WRITES_AT_ONCE, ensure_schema
from pipeline.store.recording import Recording
from pipeline.store.sessions import Session
from pipeline.tables import key_of

_WAIT_SECONDS = 10


class Store:
    """An open store.

    Parameters
    ----------
    engine
        SQLAlchemy engine of a database whose schema has been checked; see `open_store`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def dialect(self) -> str:
        """Kind of database: ``"sqlite"`` or ``"postgresql"``."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection to read; database faults become `StoreError`."""
        with _clear_faults(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open one transaction: everything inside is kept, or nothing."""
        engine = self._engine.execution_options(**{WRITES_AT_ONCE: True})
        with _clear_faults(), engine.begin() as connection:
            yield connection

    # what is known -------------------------------------------------------------------------

    def known_ids(self, table: str) -> set[str]:
        """Return the identifiers that ``table`` holds now."""
        kept = schema.contract[table]
        column = kept.c[key_of(table)[0]]
        with self.reading() as connection:
            return set(
                connection.scalars(sa.select(column).where(kept.c.to_batch.is_(None)).distinct())
            )

    def cycle_dates(self) -> pd.DataFrame:
        """Return ``cycle``, ``starts_on`` and ``ends_on`` of the cycles that hold now."""
        kept = schema.contract["cycles"]
        query = sa.select(kept.c.cycle, kept.c.starts_on, kept.c.ends_on)
        with self.reading() as connection:
            return sessions.frame(connection, query.where(kept.c.to_batch.is_(None)))

    def cycles(self) -> list[str]:
        """Return the cycles with ratings, oldest first."""
        with self.reading() as connection:
            return sessions.cycles(connection)

    def sessions(self, cycle: str | None = None) -> list[Session]:
        """Return the sessions of one cycle or of all, default sessions included."""
        with self.reading() as connection:
            return sessions.sessions(connection, cycle)

    def session(self, session_id: str) -> Session:
        """Return one session.

        Raises
        ------
        WrongUse
            There is no such session.
        """
        with self.reading() as connection:
            found = sessions.find_session(connection, session_id)
        if found is not None:
            return found
        raise WrongUse(
            msg(
                "There is no session {session_id}. `calibrate status` lists the sessions.",
                session_id=session_id[:100],
            )
        )

    def session_data(self, session_id: str) -> slices.SessionData:
        """Return everything that bears on one session, and nothing else."""
        session = self.session(session_id)
        with self.reading() as connection:
            return slices.session_data(connection, session)

    def session_outcome(self, session_id: str) -> outcome.SessionOutcome:
        """Return what one session decided, beside what it began with."""
        session = self.session(session_id)
        with self.reading() as connection:
            return outcome.session_outcome(connection, session)

    def recorded_sessions(self) -> dict[str, outcome.Recorded]:
        """Return what is known of each session that decided something, by its identifier."""
        with self.reading() as connection:
            return outcome.recorded_sessions(connection)

    def without_check_in(self, wanted: Sequence[str], since: dt.date) -> dict[tuple[str, str], int]:
        """Return, per cycle and department, who had no check-in since a day and is still there."""
        with self.reading() as connection:
            return outcome.without_check_in(connection, wanted, since)

    def locked_sessions(self) -> frozenset[str]:
        """Return the sessions of which nothing is recorded any more."""
        with self.reading() as connection:
            return outcome.locked_sessions(connection)

    def cycle_overview(self, cycle: str) -> cycle_parts.CycleOverview:
        """Return what everybody may know about one cycle."""
        with self.reading() as connection:
            return cycle_parts.cycle_overview(connection, cycle)

    def outcome_stamps(self, sessions: Sequence[slices.Session]) -> dict[str, str]:
        """Return per session a stamp of what it decided; see `outcome`."""
        with self.reading() as connection:
            return outcome.outcome_stamps(connection, sessions)

    def rated_counts(self, wanted: list[str]) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return per cycle, department and kind: people with a rating, people there."""
        with self.reading() as connection:
            return sessions.rated_counts(connection, wanted)

    def slice_stamps(self, sessions: Sequence[slices.Session]) -> dict[str, str]:
        """Return per session a stamp of all that bears on it; see `stamps`."""
        with self.reading() as connection:
            return stamps.slice_stamps(connection, sessions)

    def organisation_counts(
        self, sessions: Sequence[slices.Session]
    ) -> dict[tuple[str, str], dict[float, int]]:
        """Return per cycle and kind how often each score was given in the organisation."""
        with self.reading() as connection:
            return stamps.organisation_counts(connection, sessions)

    def evidence_counts(self, wanted: list[str]) -> dict[tuple[str, str], int]:
        """Return per cycle and department how many people have dated evidence."""
        with self.reading() as connection:
            return stamps.evidence_counts(connection, wanted)

    def norms_and_arguments(
        self,
    ) -> tuple[pd.DataFrame, pd.DataFrame, history.People]:
        """Return all norms, why scores were decided, and the names and numbers of everybody."""
        with self.reading() as connection:
            return (
                history.every_norm(connection),
                history.every_argument(connection),
                history.people_named(connection),
            )

    # loading -------------------------------------------------------------------------------

    def load(
        self,
        batch_id: str,
        files: Sequence[load.FileRecord],
        rows: Mapping[str, pd.DataFrame],
        rejections: Sequence[load.Rejection],
    ) -> load.Loaded:
        """Load validated rows and the record of their batch in one transaction.

        Parameters
        ----------
        batch_id
            Identifies this import.
        files
            The files that were read.
        rows
            Per table the columns of the contract plus ``source_file`` and ``source_line``.
        rejections
            Rows that were refused.

        Raises
        ------
        StoreError
            The store is locked, full or gone; nothing was loaded.
        """
        with self.writing() as connection:
            if self.dialect == "postgresql":
                # one import after another; readers are not held up. SQLite does so by itself
                connection.execute(sa.text("LOCK TABLE batches IN EXCLUSIVE MODE"))
            counts = {
                table: load.load_table(connection, table, rows[table], batch_id)
                for table in schema.contract
                if table in rows
            }
            if "ratings" in counts:
                refresh_counts(connection, counts["ratings"].cycles, batch_id)
            load.record_batch(connection, batch_id, files, counts, rejections)
        return load.Loaded(
            new={table: count.new for table, count in counts.items()},
            corrected={table: count.corrected for table, count in counts.items()},
            unchanged={table: count.unchanged for table, count in counts.items()},
        )

    # the register ----------------------------------------------------------------------------

    @contextmanager
    def recording(self, session_id: str) -> Iterator[Recording]:
        """Open one transaction to record what a session decided: all of it is kept, or nothing."""
        with self.writing() as connection:
            yield Recording(connection, session_id)

    def register_entries(self, session_id: str | None = None) -> list[register.Entry]:
        """Return the entries of the register, of one session or of all, in order."""
        with self.reading() as connection:
            return register.entries(connection, session_id)

    def verify_register(self, head: str | None = None) -> register.Verification:
        """Tell whether the register is as it was written; see `register.verify`."""
        with self.reading() as connection:
            return register.verify(connection, head)

    def batches(self) -> list[Batch]:
        """Return the record of every import, oldest first."""
        with self.reading() as connection:
            return slices.batches(connection)


def open_store(settings: Settings) -> Store:
    """Open the store of a home folder; a new one is made where there is none.

    Raises
    ------
    StoreError
        The database cannot be reached, is no store, or has a schema of another version.
    """
    url = _absolute(settings)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if is_file:
        _make_private(Path(str(url.database)))
    with _clear_faults():
        try:
            engine = sa.create_engine(url, connect_args=_connect_args(url), hide_parameters=True)
        except ModuleNotFoundError:
            raise StoreError(
                msg('PostgreSQL needs its driver: pip install "calibration-workbench[postgres]".')
            ) from None
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _plain_transactions)
            event.listen(engine, "begin", _begin)
        try:
            ensure_schema(engine)
        except BaseException:
            engine.dispose()
            raise
    return Store(engine)


def _absolute(settings: Settings) -> sa.URL:
    try:
        url = sa.make_url(settings.store.url)
    except sa.exc.ArgumentError:
        # the address may hold a password, so it is not repeated
        raise WrongUse(msg("store.url in workbench.toml is no database address.")) from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            return url
        return url.set(database=str(settings.home / str(url.database)))
    raise WrongUse(msg("store.url: use a sqlite or a postgresql address."))


def _connect_args(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": _WAIT_SECONDS}
    return {"connect_timeout": _WAIT_SECONDS}


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            msg(
                "The store {file} cannot be opened: {reason}. Check the path and its permissions.",
                file=str(path),
                reason=error.strerror or type(error).__name__,
            )
        ) from None


def _plain_transactions(connection: sqlite3.Connection, _: object) -> None:
    # sqlite3 begins transactions late and by guess; SQLAlchemy says when, see `_begin`
    connection.isolation_level = None
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -65536")


def _begin(connection: sa.Connection) -> None:
    # who is going to write waits for its turn here; later, having read, it could not
    writes = connection.get_execution_options().get(WRITES_AT_ONCE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _clear_faults() -> Iterator[None]:
    """Turn database errors into sentences; the original may quote rows, so it is dropped."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise StoreError(_explain(error)) from None
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(
            msg("The store failed ({kind}). Nothing was changed.", kind=type(error).__name__)
        ) from None


def _explain(error: sa.exc.DBAPIError) -> Message:
    text = str(error.orig).lower()
    if "locked" in text or "lock timeout" in text:
        return msg(
            "The store is in use by another command. Wait until it has finished and try again;"
            " nothing was changed."
        )
    if "full" in text or "no space" in text:
        return msg("The disk of the store is full. Free some space; nothing was changed.")
    if "not a database" in text or "malformed" in text:
        return msg("The store's file is damaged or is no store. Restore it from a back-up.")
    if "readonly" in text or "read-only" in text or "permission denied" in text:
        return msg("The store may not be written. Check its permissions; nothing was changed.")
    if isinstance(error, sa.exc.OperationalError):
        return msg("The store cannot be reached. Check store.url and that the database runs.")
    return msg(
        "The store failed ({kind}). Nothing was changed.",
        kind=type(error.orig).__name__,
    )
