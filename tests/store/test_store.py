"""The store: what goes in comes out, once, with its history."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.errors import StoreError, WrongUse, msg
from pipeline.settings import Settings, read_settings
from pipeline.store import FileRecord, Rejection, Store, open_store, schema

Rows = Callable[..., pd.DataFrame]


def company(rows: Rows) -> dict[str, pd.DataFrame]:
    """Return two departments in two cycles; 003 moved from Noord to Zuid."""
    return {
        "cycles": rows(
            "cycles",
            cycle=["2025", "2026"],
            starts_on=["2025-01-01", "2026-01-01"],
            ends_on=["2025-12-31", "2026-12-31"],
        ),
        "employees": rows(
            "employees",
            employee_id=["001", "002", "003", "003", "m1"],
            department=["Noord", "Zuid", "Noord", "Zuid", "Noord"],
            cycle=[None, None, "2025", "2026", None],
            name=["Anna", "Bas", "Cor", "Cor", "Mo"],
        ),
        "ratings": rows(
            "ratings",
            cycle=["2025", "2025", "2026", "2026", "2026", "2026"],
            employee_id=["001", "003", "001", "002", "003", "001"],
            rater_id=["m1", "m1", "m1", "m1", "m1", "001"],
            criterion_id=["c1"] * 6,
            score=[3.0, 4.0, 2.0, 5.0, 4.0, 5.0],
            rater_role=["manager"] * 5 + ["self"],
        ),
    }


def load(store: Store, frames: dict[str, pd.DataFrame], batch: str = "b1") -> object:
    """Load frames as one batch."""
    return store.load(batch, [FileRecord("test.csv", "0" * 64, 1, 0)], frames, [])


def test_rows_come_back_with_their_types(store: Store, rows: Rows) -> None:
    """Identifiers keep leading zeros, dates are dates, missing stays missing."""
    load(store, company(rows))
    data = store.session_data("2026-Noord")
    assert data.ratings["employee_id"].tolist() == ["001"]
    assert data.ratings["score"].tolist() == [2.0]
    assert data.ratings["rationale"].isna().all()
    assert data.cycle["ends_on"].iloc[0] == pd.Timestamp("2026-12-31")
    assert data.ratings["subject_id"].tolist() == ["001"]


def test_loading_twice_changes_nothing(store: Store, rows: Rows) -> None:
    """The second time every row is known, whatever its order."""
    load(store, company(rows))
    again = {name: table.iloc[::-1] for name, table in company(rows).items()}
    loaded = store.load("b2", [], again, [])
    assert set(loaded.new.values()) == {0}
    assert set(loaded.corrected.values()) == {0}
    assert loaded.unchanged == {"cycles": 2, "employees": 5, "ratings": 6}


def test_a_correction_is_a_new_version(store: Store, rows: Rows) -> None:
    """The new score holds; the old one stays in the store with the batch that replaced it."""
    load(store, company(rows))
    ratings = company(rows)["ratings"]
    ratings.loc[2, "score"] = 3.0
    loaded = store.load("b2", [], {"ratings": ratings}, [])
    assert (loaded.new["ratings"], loaded.corrected["ratings"]) == (0, 1)
    assert loaded.unchanged["ratings"] == 5
    assert store.session_data("2026-Noord").ratings["score"].tolist() == [3.0]
    kept = schema.contract["ratings"]
    with store.reading() as connection:
        old = connection.execute(sa.select(kept).where(kept.c.to_batch == "b2")).one()
    assert old.score == 2.0
    assert old.from_batch == "b1"


def test_a_department_holds_who_was_in_it_in_that_cycle(store: Store, rows: Rows) -> None:
    """A row of a cycle wins over the row without a cycle."""
    load(store, company(rows))
    assert store.session_data("2025-Noord").ratings["employee_id"].tolist() == ["001", "003"]
    assert store.session_data("2026-Zuid").ratings["employee_id"].tolist() == ["002", "003"]


def test_self_ratings_are_kept_apart(store: Store, rows: Rows) -> None:
    """What employees gave themselves is no rating by a rater."""
    load(store, company(rows))
    data = store.session_data("2026-Noord")
    assert data.self_ratings["score"].tolist() == [5.0]
    assert set(data.ratings["rater_id"]) == {"m1"}
    assert data.organisation_scores["n"].sum() == 3


def test_every_department_gets_a_default_session(store: Store, rows: Rows) -> None:
    """Without a sessions table there is one session per department and cycle with ratings."""
    load(store, company(rows))
    assert [s.session_id for s in store.sessions()] == ["2025-Noord", "2026-Noord", "2026-Zuid"]
    assert all(s.is_default for s in store.sessions())


def test_conversations_get_a_session_of_their_own(store: Store, rows: Rows) -> None:
    """Ratings of conversations and of people do not mix."""
    frames = company(rows)
    scored = rows(
        "ratings",
        cycle=["2026"],
        employee_id=["001"],
        rater_id=["m1"],
        criterion_id=["q1"],
        score=[1.0],
        subject_id=["call-7"],
    )
    frames["ratings"] = pd.concat([frames["ratings"], scored], ignore_index=True)
    load(store, frames)
    data = store.session_data("2026-Noord-conversation")
    assert data.session.kind == "conversation"
    assert data.ratings["subject_id"].tolist() == ["call-7"]
    assert store.session_data("2026-Noord").criteria["criterion_id"].tolist() == ["c1"]


def test_named_sessions_replace_the_default_of_their_cycle(store: Store, rows: Rows) -> None:
    """A cycle with a sessions table has those sessions only; earlier ones are found."""
    frames = company(rows)
    frames["sessions"] = rows(
        "sessions",
        session_id=["s25", "s26"],
        cycle=["2025", "2026"],
        department=["Noord", "Noord"],
        held_on=["2025-12-10", "2026-12-10"],
        minutes=[60, None],
    )
    frames["actions"] = rows(
        "actions", session_id=["s25"], owner_id=["m1"], kind=["training"], text=["Norm van 3"]
    )
    load(store, frames)
    assert [s.session_id for s in store.sessions("2026")] == ["s26"]
    data = store.session_data("s26")
    assert data.session.held_on == dt.date(2026, 12, 10)
    assert data.session.minutes is None
    assert data.last_session is not None
    assert data.last_session.session_id == "s25"
    assert data.last_session.minutes == 60
    assert data.last_actions["text"].tolist() == ["Norm van 3"]
    assert data.history["score"].tolist() == [3.0]
    assert data.previous_scores["n"].sum() == 2


def test_unknown_sessions_and_cycles_are_refused(store: Store, rows: Rows) -> None:
    """The message says where to look."""
    load(store, company(rows))
    with pytest.raises(WrongUse, match="calibrate status"):
        store.session("nope")
    with pytest.raises(WrongUse, match="2025, 2026"):
        store.sessions("1999")


def test_rejections_count_for_the_department_until_the_next_import(
    store: Store, rows: Rows
) -> None:
    """The pack shows what its last import of ratings refused."""
    frames = company(rows)
    reason = msg("The score is off the scale.")
    refused = [
        Rejection("r.csv", "ratings", 9, "score", reason, "001"),
        Rejection("r.csv", "ratings", 9, "cycle", reason, "001"),
        Rejection("r.csv", "ratings", 10, "score", reason, "002"),
        Rejection("r.csv", "ratings", 11, "score", reason, None),
    ]
    store.load("b1", [], frames, refused)
    assert store.session_data("2026-Noord").n_rejected == 1
    assert store.batches()[0].n_rejected == 3
    ratings = frames["ratings"]
    ratings.loc[0, "score"] = 1.0
    store.load("b2", [], {"ratings": ratings}, [])
    assert store.session_data("2026-Noord").n_rejected == 0


def test_a_failed_load_leaves_nothing(store: Store, rows: Rows) -> None:
    """One transaction: when a later table fails, the earlier ones are not kept."""
    frames = company(rows)
    frames["ratings"] = pd.concat([frames["ratings"]] * 2)  # a key twice: breaks the stage
    with pytest.raises(StoreError):
        load(store, frames)
    assert store.cycles() == []
    assert store.known_ids("employees") == set()


def test_database_errors_name_no_person(store: Store, rows: Rows) -> None:
    """The text of the database quotes the row; ours does not."""
    frames = company(rows)
    frames["employees"] = pd.concat([frames["employees"]] * 2)
    with pytest.raises(StoreError) as caught:
        load(store, frames)
    assert "Anna" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_newer_store_is_refused(store_settings: Settings) -> None:
    """A store of a newer version is left alone."""
    with open_store(store_settings) as opened, opened.writing() as connection:
        connection.execute(schema.meta.update().values(value="99"))
    with pytest.raises(StoreError, match="newer version"):
        open_store(store_settings)


def test_a_store_of_an_unknown_version_is_refused(store_settings: Settings) -> None:
    """An older store has no way up yet: the message says what to do."""
    with open_store(store_settings) as opened, opened.writing() as connection:
        connection.execute(schema.meta.update().values(value="0"))
    with pytest.raises(StoreError, match="import the exports again"):
        open_store(store_settings)


def test_a_locked_store_says_so(home: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command that writes does not damage this one; it has to be tried again."""
    monkeypatch.setattr("pipeline.store.database._WAIT_SECONDS", 0.1)
    settings = read_settings(home)
    with open_store(settings) as opened:
        other = sqlite3.connect(home / "data" / "workbench.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="in use by another command"):
            load(opened, company(rows))
        other.execute("ROLLBACK")
        other.close()
        load(opened, company(rows))
        assert opened.cycles() == ["2025", "2026"]


def test_a_full_disk_says_so(home: Path, rows: Rows) -> None:
    """A store that cannot grow loads nothing and says why."""
    many = rows("employees", employee_id=[f"{i:06d}" for i in range(5000)], department=["A"] * 5000)
    with open_store(read_settings(home)) as opened:
        opened.close()  # so that the next connection is made with a limit

        @sa.event.listens_for(opened._engine, "connect")
        def _small_disk(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA max_page_count = 120").close()

        with pytest.raises(StoreError, match="full"):
            load(opened, {"employees": many})
        assert opened.known_ids("employees") == set()


def test_a_file_that_is_no_store_is_refused(home: Path) -> None:
    """A damaged file is reported, not overwritten."""
    (home / "data").mkdir()
    path = home / "data" / "workbench.sqlite"
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 50)
    with pytest.raises(StoreError, match="no store"):
        open_store(read_settings(home))
    assert path.read_bytes().startswith(b"this is no database")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_store_is_private(home: Path) -> None:
    """Only its owner reads the ratings."""
    open_store(read_settings(home)).close()
    assert (home / "data" / "workbench.sqlite").stat().st_mode & 0o777 == 0o600


def test_an_address_that_is_no_database_is_not_repeated(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold a password."""
    monkeypatch.setenv("CALIBRATE_STORE__URL", "postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(StoreError) as caught:
        open_store(read_settings(home))
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("CALIBRATE_STORE__URL", "secret:://")
    with pytest.raises(WrongUse) as wrong:
        open_store(read_settings(home))
    assert "secret" not in str(wrong.value)


def test_a_slice_reads_only_its_rows_through_an_index(home: Path, rows: Rows) -> None:
    """The plan of a session's ratings names an index, not a scan of the table."""
    with open_store(read_settings(home)) as opened:
        load(opened, company(rows))
        plans: list[str] = []

        @sa.event.listens_for(opened._engine, "before_cursor_execute")
        def _explain(connection, cursor, statement, parameters, context, many):  # type: ignore[no-untyped-def]
            if statement.lstrip().startswith("SELECT") and "ratings.rationale" in statement:
                cursor.execute("EXPLAIN QUERY PLAN " + statement, parameters)
                plans.extend(row[3] for row in cursor.fetchall())

        opened.session_data("2026-Noord")
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN ratings")]
    assert any("ratings" in plan and "INDEX" in plan for plan in plans)
