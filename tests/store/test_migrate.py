"""A store of an older version is brought up to date, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.errors import StoreError
from pipeline.settings import Settings, StoreSettings
from pipeline.store import Session, SessionData, Store, open_store, schema

Rows = Callable[..., pd.DataFrame]
VERSION_1 = Path(__file__).parent / "schema_1"


def frames(rows: Rows) -> dict[str, pd.DataFrame]:
    """Return two cycles with people, conversations and self-ratings."""
    return {
        "employees": rows("employees", employee_id=["1", "2"], department=["Noord", "Zuid"]),
        "ratings": rows(
            "ratings",
            cycle=["2025", "2026", "2026", "2026", "2026"],
            employee_id=["1", "1", "1", "2", "2"],
            rater_id=["9", "9", "1", "9", "9"],
            criterion_id=["c"] * 5,
            score=[1.0, 2.0, 5.0, 3.0, 4.0],
            rater_role=["manager", "manager", "self", "manager", "manager"],
            subject_id=[None, None, None, None, "call-1"],
        ),
    }


def contents(store: Store) -> dict[str, list[Any]]:
    """Return every row of every table, but for times."""
    with store.reading() as connection:
        return {
            name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for name, table in schema.metadata.tables.items()
            if name != "batches"
        }


@pytest.fixture
def old_store(store_settings: Settings, rows: Rows) -> Settings:
    """Return settings of a store as version 1 of the schema made and filled it."""
    with open_store(store_settings) as store:
        store.load("b1", [], frames(rows), [])
        changed = {"ratings": frames(rows)["ratings"].assign(score=[1.0, 2.0, 5.0, 3.0, 5.0])}
        store.load("b2", [], changed, [])
        with store.writing() as connection:
            kept = {
                table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
                for table in (*schema.contract.values(), schema.batches)
            }
            schema.metadata.drop_all(connection)
            text = (VERSION_1 / f"{store.dialect}.sql").read_text()
            for statement in text.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)
            for name, found in kept.items():
                if found:
                    connection.execute(schema.metadata.tables[name].insert(), found)
    return store_settings


def same(one: SessionData, other: SessionData) -> bool:
    """Tell whether two slices hold the same."""
    return all(
        getattr(one, name).equals(getattr(other, name))
        for name in (
            "ratings",
            "self_ratings",
            "past_ratings",
            "organisation_scores",
            "previous_scores",
        )
    )


def test_version_1_becomes_what_a_new_store_would_be(
    old_store: Settings, rows: Rows, tmp_path: Path
) -> None:
    """The totals are counted from its ratings, so slices are those of a store made now."""
    fresh = old_store.model_copy(update={"home": tmp_path, "store": StoreSettings()})
    with open_store(old_store) as migrated, open_store(fresh) as new:
        new.load("b1", [], frames(rows), [])
        changed = {"ratings": frames(rows)["ratings"].assign(score=[1.0, 2.0, 5.0, 3.0, 5.0])}
        new.load("b2", [], changed, [])
        assert contents(migrated) == contents(new)
        assert migrated.sessions() == new.sessions()
        for session in new.sessions():
            assert same(
                migrated.session_data(session.session_id), new.session_data(session.session_id)
            )
        made = sa.inspect(migrated._engine)
        for name, table in schema.metadata.tables.items():
            assert {one["name"] for one in made.get_indexes(name)} >= {
                index.name for index in table.indexes
            }
    with open_store(old_store) as again:
        assert again.cycles() == ["2025", "2026"]


def test_a_migration_that_fails_leaves_the_old_store(
    old_store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in the middle loses nothing, and the next attempt succeeds."""

    def fail(_: sa.Connection) -> None:
        raise sa.exc.OperationalError("", None, Exception("disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.migrate.count_everything", fail)
        with pytest.raises(StoreError, match="full"):
            open_store(old_store)
    with open_store(old_store) as store:
        assert [session.session_id for session in store.sessions("2026")] == [
            "2026-Noord",
            "2026-Zuid-conversation",
            "2026-Zuid",
        ]


def test_two_commands_may_open_an_old_store_at_once(old_store: Settings) -> None:
    """One of them migrates; the other waits and finds it done."""

    def cycles(_: int) -> list[str]:
        with open_store(old_store) as store:
            return store.cycles()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(cycles, range(4))) == [["2025", "2026"]] * 4


def test_a_new_store_may_be_opened_twice_at_once(store_settings: Settings) -> None:
    """Neither finds half a schema."""

    def cycles(_: int) -> list[str]:
        with open_store(store_settings) as store:
            return store.cycles()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(cycles, range(4))) == [[]] * 4


def test_sessions_are_found_by_name_as_they_are_listed(store: Store, rows: Rows) -> None:
    """Awkward names too: a department that ends in -conversation, a cycle within a cycle's name."""
    departments = ["Noord", "Noord-conversation", "Q1-Noord", "Leeg"]
    employees = rows("employees", employee_id=list("1234"), department=departments)
    ratings = rows(
        "ratings",
        cycle=["2025", "2025", "2025", "2025-Q1", "2025", "2025-Q1"],
        employee_id=["1", "2", "3", "1", "1", "2"],
        rater_id=["9"] * 6,
        criterion_id=["c"] * 6,
        score=[3.0] * 6,
        subject_id=[None, None, None, None, "call-1", None],
    )
    store.load("b1", [], {"employees": employees, "ratings": ratings}, [])
    first: dict[str, Session] = {}
    for session in store.sessions():
        first.setdefault(session.session_id, session)
    assert {name: store.session(name) for name in first} == first
    for name in ("2025-Leeg", "2025-", "2025-Noord-x", "", "2025-Q1-Leeg"):
        with pytest.raises(Exception, match="no session"):
            store.session(name)
