"""The register of decisions: what was written stays, and every change shows."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from pipeline.settings import Settings
from pipeline.store import Store, open_store, register, schema
from pipeline.store.register import NewEntry, append, entries, verify

NOW = dt.datetime(2026, 12, 16, 9, 30, tzinfo=dt.UTC)
TABLE = schema.register


def write(store: Store, *texts: str, session: str = "s1") -> int:
    """Append decisions with these arguments."""
    new = [NewEntry("decision", {"subject": "0042", "argument": text}) for text in texts]
    with store.writing() as connection:
        return append(connection, session, new, source="f" * 64, now=NOW)


def check(store: Store, head: str | None = None) -> register.Verification:
    """Verify the register of a store."""
    with store.reading() as connection:
        return verify(connection, head)


def tamper(store: Store, *statements: sa.Executable) -> None:
    """Change the table as somebody who may drop the guards."""
    triggers = ["register_keeps", "register_stays"]
    with store.writing() as connection:
        if store.dialect == "postgresql":
            connection.execute(sa.text("ALTER TABLE register DISABLE TRIGGER USER"))
        else:
            for name in triggers:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(statement)


def test_what_is_written_is_read_back_in_order(store: Store) -> None:
    """Numbers go on from one form to the next; each session has its own entries."""
    assert write(store, "één", "twee") == 2
    assert write(store, "drie", session="s2") == 3
    with store.reading() as connection:
        every, own = entries(connection), entries(connection, "s2")
    assert [entry.number for entry in every] == [1, 2, 3]
    assert [entry.content and entry.content["argument"] for entry in every] == [
        "één", "twee", "drie",
    ]  # fmt: skip
    assert [(entry.number, entry.session_id) for entry in own] == [(3, "s2")]
    assert every[0].recorded_at == NOW
    found = check(store)
    assert found.intact
    assert (found.n_entries, found.n_erased, found.head) == (3, 0, every[-1].hash)


def test_an_empty_register_is_intact(store: Store) -> None:
    """Nothing was written, nothing is wrong."""
    assert check(store) == register.Verification(0, 0, "", ())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (TABLE.update().where(TABLE.c.number == 2).values(content='{"argument":"x"}'), "content"),
        (TABLE.update().where(TABLE.c.number == 2).values(session_id="s9"), "altered"),
        (TABLE.update().where(TABLE.c.number == 2).values(recorded_at=dt.datetime(2020, 1, 1)),
         "altered"),
        (TABLE.delete().where(TABLE.c.number == 2), "missing"),
        (TABLE.update().where(TABLE.c.number == 2).values(number=9), "missing"),
    ],
)  # fmt: skip
def test_a_later_change_shows(store: Store, statement: sa.Executable, words: str) -> None:
    """Content, session, time, a row that is gone or moved: the entry is named."""
    write(store, "one", "two", "three")
    assert check(store).intact
    tamper(store, statement)
    found = check(store)
    assert any(words in str(fault) for fault in found.faults)


def test_removed_last_entries_show_beside_a_noted_hash(store: Store) -> None:
    """The chain alone is whole without its end; the hash that somebody noted tells."""
    write(store, "one", "two")
    head = check(store).head
    assert check(store, head).intact
    tamper(store, TABLE.delete().where(TABLE.c.number == 2))
    assert check(store).intact
    assert not check(store, head).intact


@pytest.mark.parametrize(
    "statement",
    [
        TABLE.delete(),
        TABLE.update().values(content="{}"),
        TABLE.update().values(content=None, salt=None, hash="x"),
        TABLE.update().values(kind="norm"),
    ],
)
def test_the_database_refuses_to_change_entries(store: Store, statement: sa.Executable) -> None:
    """A slip or another program cannot alter or delete; nothing changes."""
    write(store, "one")
    # the workbench's own error, or the database's own where it goes past SQLAlchemy
    with pytest.raises(Exception, match="store"), store.writing() as connection:
        connection.execute(statement)
    found = check(store)
    assert found.intact
    assert found.n_entries == 1


def test_erased_content_leaves_the_chain_whole(store: Store) -> None:
    """A person's texts can go; that there was an entry, and when, stays."""
    write(store, "one", "two")
    with store.writing() as connection:
        connection.execute(
            TABLE.update().where(TABLE.c.number == 1).values(content=None, salt=None)
        )
    found = check(store)
    assert found.intact
    assert found.n_erased == 1
    with store.reading() as connection:
        assert entries(connection)[0].content is None


def test_equal_contents_have_unlike_digests(store: Store) -> None:
    """Nobody can find out an erased text by trying: each digest has a salt of its own."""
    write(store, "same", "same")
    with store.reading() as connection:
        assert len(set(connection.scalars(sa.select(TABLE.c.digest)))) == 2


def test_two_who_write_at_once_lose_nothing(store_settings: Settings) -> None:
    """Every entry has its own number, and the chain is whole."""

    def add(name: str) -> None:
        with open_store(store_settings) as own:
            for i in range(5):
                write(own, f"{name} {i}", session=name)

    with open_store(store_settings) as store:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, ["a", "b", "c", "d"]))
        found = check(store)
        assert found.intact
        assert found.n_entries == 20
        with store.reading() as connection:
            own = entries(connection, "c")
        assert [e.content and e.content["argument"] for e in own] == [f"c {i}" for i in range(5)]


def test_a_failure_leaves_no_part(store: Store) -> None:
    """All entries of a transaction, or none."""

    def fail(connection: sa.Connection) -> None:
        append(connection, "s1", [NewEntry("norm", {"text": "x"})], source="", now=NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError), store.writing() as connection:
        fail(connection)
    assert check(store).n_entries == 0
