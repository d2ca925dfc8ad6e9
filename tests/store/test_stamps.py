"""The stamp of a session: another one when anything that bears on it changed, and only then."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from pipeline.errors import msg
from pipeline.settings import read_settings
from pipeline.store import Rejection, SessionData, Store, open_store
from pipeline.store.register import NewEntry
from pipeline.tables import TABLES, key_of, kind_of
from support.company import BEFORE, NOORD, ZUID, company, load

NOT_IN_STAMP = {"organisation_scores", "data_stamp", "loaded_at", "cycles"}
"""Parts of a slice that a stamp leaves out: see docs/decisions and `stamps`."""


def stamps(store: Store) -> dict[str, str]:
    """Return the stamps of all sessions."""
    return store.slice_stamps(store.sessions())


CHANGES: list[tuple[str, int, str, object, set[str]]] = [
    ("ratings", 1, "score", 1.0, {NOORD}),
    ("ratings", 1, "rationale", "other", {NOORD}),
    ("ratings", 5, "score", 1.0, {NOORD}),
    ("ratings", 4, "score", 1.0, {ZUID}),
    ("ratings", 0, "score", 1.0, {NOORD, BEFORE}),
    ("ratings", 4, "criterion_id", "c3", {ZUID}),
    ("employees", 0, "job_level", "B", {NOORD, BEFORE}),
    ("employees", 2, "name", "Other", {ZUID}),
    # p1 is of Zuid and rates in Noord; nobody but his own department is told his mail address
    ("employees", 6, "name", "Other", {NOORD, ZUID}),
    ("employees", 6, "email", "y@example.org", {ZUID}),
    ("employees", 5, "name", "Other", {ZUID}),
    ("criteria", 0, "label_nl", "other", {NOORD, ZUID, BEFORE}),
    ("criteria", 1, "label_nl", "other", {ZUID}),
    ("criteria", 2, "label_nl", "other", set()),
    ("cycles", 1, "what_counts", "other", {NOORD, ZUID}),
    ("cycles", 0, "what_counts", "other", {BEFORE}),
    ("sessions", 2, "theme", "other", {ZUID}),
    ("sessions", 0, "theme", "other", {NOORD, BEFORE}),
    ("participants", 0, "personal_goal", "other", {NOORD}),
    ("participants", 1, "person_id", "z2", {ZUID}),
    ("evidence", 0, "text", "other", {NOORD}),
    ("evidence", 1, "text", "other", set()),
    ("goals", 1, "text", "other", {ZUID}),
    ("results", 1, "value", 9.0, {ZUID}),
    ("results", 2, "value", 9.0, {BEFORE, NOORD}),
    ("opinions", 0, "note", "other", {NOORD}),
    # the next session is told what this one decided
    ("decisions", 0, "outcome", "parked", {NOORD}),
    ("decisions", 1, "outcome", "parked", set()),
    ("actions", 0, "measure", "other", {NOORD}),
    ("actions", 1, "measure", "other", set()),
    # a norm on a criterion goes round to all who are rated on it
    ("norms", 0, "text", "other", {NOORD, ZUID}),
    ("norms", 0, "criterion_id", "c3", {NOORD}),
    ("norms", 1, "text", "other", set()),
]


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "bears_on"),
    CHANGES,
    ids=[f"{table}-{row}-{column}" for table, row, column, _, _ in CHANGES],
)
def test_a_change_rebuilds_what_it_bears_on(
    store: Store, table: str, row: int, column: str, value: object, bears_on: set[str]
) -> None:
    """A changed cell changes the stamps of the sessions that read it, and no others."""
    frames = company()
    load(store, frames)
    before = stamps(store)
    changed = frames[table].copy()
    changed.loc[row, column] = value
    load(store, {table: changed}, "b2")
    after = stamps(store)
    assert {session for session in before if before[session] != after[session]} == bears_on


def test_every_table_has_its_change() -> None:
    """A table that is added to the contract has to be thought of here."""
    assert {table for table, *_ in CHANGES} == set(TABLES)


def test_every_part_of_a_slice_is_stamped_or_named_as_left_out() -> None:
    """A part that is added to a slice has to be added to its stamp."""
    assert {field.name for field in fields(SessionData)} == NOT_IN_STAMP | {
        "session", "ratings", "self_ratings", "employees", "people", "criteria", "cycle",
        "participants", "evidence", "goals", "results", "opinions", "past_ratings",
        "past_results", "previous_scores", "last_session", "last_actions", "last_norms",
        "last_parked", "past_decisions", "past_norms", "n_rejected",
    }  # fmt: skip


def test_the_same_exports_give_the_same_stamps(store: Store, tmp_path: Path) -> None:
    """A store that is filled anew, in another order and in other batches, rebuilds nothing."""
    load(store, company())
    again = tmp_path / "again"
    again.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CALIBRATE_STORE__URL", raising=False)
        with open_store(read_settings(again)) as other:
            for number, (table, frame) in enumerate(company().items()):
                load(other, {table: frame.iloc[::-1]}, f"x{number}")
            assert stamps(other) == stamps(store)


def test_refused_rows_show_in_their_department(store: Store) -> None:
    """The pack tells how many rows were refused, so a refusal changes it."""
    frames = company()
    load(store, frames)
    before = stamps(store)
    refused = Rejection("test.csv", "ratings", 9, "score", msg("Off the scale."), "n1")
    store.load("b2", [], {"ratings": frames["ratings"]}, [refused])
    after = stamps(store)
    assert {session for session in before if before[session] != after[session]} == {NOORD, BEFORE}


def test_scores_of_the_organisation_are_counted_per_kind(store: Store) -> None:
    """Over all departments of a cycle, without what people gave themselves."""
    load(store, company())
    counts = store.organisation_counts(store.sessions("2026"))
    assert counts == {("2026", "performance"): {2.0: 1, 3.0: 1, 4.0: 1, 5.0: 1}}


def test_evidence_is_counted_within_the_cycle(store: Store) -> None:
    """One person of each department has evidence of this year."""
    load(store, company())
    assert store.evidence_counts(["2026"]) == {("2026", "Noord"): 1, ("2026", "Zuid"): 1}


# any change whatever -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the company in its store."""
    home = tmp_path_factory.mktemp("stamps")
    with open_store(read_settings(home)) as store:
        load(store, company())
    return home


def shown(store: Store) -> dict[str, str]:
    """Return all that packs can show of each session, as text."""
    found = {}
    for session in store.sessions():
        data = store.session_data(session.session_id)
        parts = {f.name: getattr(data, f.name) for f in fields(data) if f.name not in NOT_IN_STAMP}
        found[session.session_id] = repr(
            [p.to_dict("list") if isinstance(p, pd.DataFrame) else p for p in parts.values()]
        )
    return found


OTHERS = {
    "id": ["n1", "n2", "z1", "m2", "p1", "c2", NOORD, BEFORE, "2025", "2026"],
    "text": ["Noord", "Zuid", "something else"],
    "number": [1.0, 2.5],
    "whole": [60, 1980],
    "date": ["2026-05-05", "2025-05-05"],
    "flag": [True, False],
}


@rules(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_change_that_shows_is_missed(filled: Path, data: st.DataObject) -> None:
    """Whatever cell changes: where a session's slice differs, its stamp differs.

    And where the stamp differs without the slice, the cell belongs to that session's department:
    a change elsewhere rebuilds nothing.
    """
    frames = company()
    table = data.draw(st.sampled_from(sorted(frames)))
    frame = frames[table]
    row = data.draw(st.integers(0, len(frame) - 1))
    column = data.draw(st.sampled_from(list(TABLES[table].columns)))
    kind = kind_of(table, column)
    if kind == "choice":
        metadata = TABLES[table].columns[column].metadata or {}
        value = data.draw(st.sampled_from(sorted(metadata["choices"])))
    else:
        value = data.draw(st.sampled_from(OTHERS[kind]))
    frame.loc[row, column] = pd.Timestamp(value) if kind == "date" else value
    whole = [*key_of(table)]
    if frame.duplicated(whole).any():
        return
    home = filled.parent / "changed"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(filled, home)
    with open_store(read_settings(filled)) as store:
        stamps_before, shown_before = stamps(store), shown(store)
    with open_store(read_settings(home)) as store:
        load(store, {table: frame}, "b2")
        stamps_after, shown_after = stamps(store), shown(store)
    for session in stamps_before.keys() & stamps_after.keys():
        differs = stamps_before[session] != stamps_after[session]
        if shown_before[session] != shown_after[session]:
            assert differs, (session, table, row, column, value)
        elif differs:
            near = {BEFORE: "n", NOORD: "n", ZUID: "z"}[session]
            cells = {str(v) for v in company()[table].loc[row]} | {str(value)}
            mine = {c for c in cells if c.startswith((near, near.upper()))}
            assert mine, (session, table, row, column, value)


def test_a_parked_item_changes_the_stamp_of_the_next_session(store: Store) -> None:
    """What a session put off stands in the register, and opens the next session's pack."""
    load(store, company())
    before = stamps(store)
    with store.recording(BEFORE) as recording:
        recording.append(
            [NewEntry("parked", {"text": "weights", "owner_id": "m1", "due_on": "2026-02-01"})],
            source="0" * 64,
            now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        )
    after = stamps(store)
    assert {session for session in before if before[session] != after[session]} == {NOORD}
    parked = store.session_data(NOORD).last_parked
    assert parked.to_dict("list") == {
        "text": ["weights"],
        "owner_id": ["m1"],
        "due_on": [pd.Timestamp("2026-02-01")],
    }
