"""From a filled-in form to the store: checked, compared with what was recorded before, kept whole.

One transaction per form. What was recorded already stays as it is; a form may add to it. Where it
contradicts, it is refused, unless somebody says why it supersedes; then the new version comes after
the old one, which stays in the register too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.decision_form import ACTIONS, ATTENDANCE, DECISIONS, NORMS, PARKED, SITTING
from pipeline.errors import EXIT_ROWS_REJECTED, WorkbenchError, WrongUse, msg
from pipeline.record.check import Checked, Values, check_form
from pipeline.record.current import expected_of
from pipeline.record.form import Fault, FilledForm, read_form
from pipeline.settings import Settings
from pipeline.store import FileRecord, Store
from pipeline.store.outcome import Key, is_locked, key_of_entry, latest
from pipeline.store.register import NewEntry
from pipeline.tables import TABLES, dtype_of

_TABLES = {"decision": "decisions", "action": "actions", "norm": "norms",
           "attendance": "participants"}  # fmt: skip
_SHEETS = {"decision": DECISIONS, "action": ACTIONS, "norm": NORMS, "parked": PARKED,
           "attendance": ATTENDANCE, "sitting": SITTING}  # fmt: skip


class FormRefused(WorkbenchError):
    """A form with faults; nothing of it was recorded.

    Attributes
    ----------
    faults
        What has to be mended.
    """

    exit_code = EXIT_ROWS_REJECTED

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        super().__init__(
            msg(
                "{file} was not recorded: {n} things have to be mended first. Nothing was changed.",
                file=name,
                n=len(faults),
            )
        )
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Recorded:
    """What became of a form.

    Attributes
    ----------
    session_id
        Of which session.
    new, added, replaced, unchanged
        Entries that are new, that add to an earlier one, that supersede one, or were there already.
    n_decisions
        Scores of the session that have an outcome now.
    head
        Hash of the register's last entry.
    remarks
        Worth a look.
    """

    session_id: str
    new: int
    added: int
    replaced: int
    unchanged: int
    n_decisions: int
    head: str
    remarks: tuple[Fault, ...] = field(default=())


def record_form(
    path: Path,
    settings: Settings,
    store: Store,
    *,
    supersede: str | None = None,
    now: dt.datetime | None = None,
) -> Recorded:
    """Record the decisions of a session.

    Parameters
    ----------
    path
        The filled-in form.
    settings
        The scale.
    store
        Where decisions are kept.
    supersede
        Why what contradicts earlier decisions replaces them.
    now
        In UTC; by default that of the clock.

    Raises
    ------
    UnreadableInput
        It is no decision form.
    WrongUse
        It is of no session of this store, or the session is locked.
    FormRefused
        Something has to be mended first.
    """
    form = read_form(path)
    moment = now or dt.datetime.now(dt.UTC)
    session = store.session(form.identity.get("session_id", ""))
    if (form.identity.get("cycle"), form.identity.get("kind")) != (session.cycle, session.kind):
        raise WrongUse(
            msg("{file} does not fit its session: cycle or kind differ.", file=form.name)
        )
    expected = expected_of(store.session_data(session.session_id))
    checked = check_form(form, expected, settings.scale, settings.words.lists, moment.date())
    if checked.faults:
        raise FormRefused(form.name, checked.faults)
    found = _entries_of(checked)
    with store.recording(session.session_id) as recording:
        before = recording.entries
        if is_locked(before):
            raise WrongUse(
                msg(
                    "Session {session_id} is locked, so nothing is recorded any more.",
                    session_id=session.session_id,
                )
            )
        known = latest(before)
        plan = _compare(form, found, known, supersede)
        if plan.entries:
            recording.append(plan.entries, source=form.digest, now=moment)
            rows = _rows(session.session_id, form.name, plan.entries)
            recording.load(rows, FileRecord(form.name, form.digest, len(found), 0))
        head = recording.head
    decided = {key for kind, key in {**known, **dict(plan.kept)} if kind == "decision"}
    return Recorded(
        session_id=session.session_id,
        new=plan.new,
        added=plan.added,
        replaced=plan.replaced,
        unchanged=plan.unchanged,
        n_decisions=len(decided),
        head=head,
        remarks=tuple(checked.remarks),
    )


def _entries_of(checked: Checked) -> list[tuple[str, int, Values]]:
    """Return everything that a form says: its kind, its row in the form, its values."""
    lists = {
        "decision": checked.decisions,
        "action": checked.actions,
        "norm": checked.norms,
        "parked": checked.parked,
        "attendance": checked.attendance,
        "sitting": [checked.sitting] if checked.sitting else [],
    }
    return [
        (kind, row["row"], {name: value for name, value in row.items() if name != "row"})
        for kind, rows in lists.items()
        for row in rows
    ]


@dataclass
class _Plan:
    """What of a form is to be kept."""

    entries: list[NewEntry] = field(default_factory=list)
    kept: list[tuple[tuple[str, Key], Values]] = field(default_factory=list)
    new: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0


def _compare(
    form: FilledForm,
    found: Sequence[tuple[str, int, Values]],
    known: Mapping[tuple[str, Key], Mapping[str, Any]],
    supersede: str | None,
) -> _Plan:
    """Tell what is new, what adds, what contradicts.

    Raises
    ------
    FormRefused
        Something contradicts, and nobody said why it supersedes.
    """
    plan, conflicts = _Plan(), []
    for kind, row, values in found:
        key = (kind, key_of_entry(kind, values))
        old = known.get(key)
        given = {name: value for name, value in values.items() if value is not None}
        if old is None:
            plan.new += 1
            content = values
        else:
            # the state of an action goes on after the session
            differs = [n for n, v in given.items() if n != "status" and _differs(old.get(n), v)]
            adds = [n for n in given if old.get(n) is None]
            if differs and supersede is None:
                conflicts.append(_conflict(form, kind, row))
                continue
            if not differs and not adds:
                plan.unchanged += 1
                continue
            plan.replaced += bool(differs)
            plan.added += not differs
            content = {**old, **given}
            content.pop("supersedes", None)
            if differs:
                content["supersedes"] = supersede
        plan.entries.append(NewEntry(kind, content))
        plan.kept.append((key, content))
    if conflicts:
        raise FormRefused(form.name, conflicts)
    return plan


def _differs(old: Any, new: Any) -> bool:
    if old is None:
        return False
    if isinstance(old, float) and isinstance(new, int | float):
        return abs(old - new) > 1e-9
    return bool(old != new)


def _conflict(form: FilledForm, kind: str, row: int) -> Fault:
    sheet = form.sheets.get(_SHEETS[kind].name)
    return Fault(
        sheet.title if sheet else _SHEETS[kind].name,
        row,
        "",
        msg(
            "This contradicts what was recorded before. Nothing is overwritten: mend the form, or"
            " say with --supersede why this version holds."
        ),
    )


def _rows(session_id: str, name: str, entries: Sequence[NewEntry]) -> dict[str, pd.DataFrame]:
    """Return what is kept as rows of the data contract."""
    by_table: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        table = _TABLES.get(entry.kind)
        if table is not None:
            by_table.setdefault(table, []).append({**entry.content, "session_id": session_id})
    return {table: _frame(table, rows, name) for table, rows in by_table.items()}


def _frame(table: str, rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    columns = TABLES[table].columns
    made = pd.DataFrame({column: [row.get(column) for row in rows] for column in columns})
    for column in columns:
        made[column] = made[column].astype(dtype_of(table, column))
    return made.assign(source_file=name, source_line=range(1, len(rows) + 1))


def lock_session(
    store: Store, session_id: str, *, unlock: str | None = None, now: dt.datetime | None = None
) -> bool:
    """Close a session for records, or open it again.

    Parameters
    ----------
    store
        Where decisions are kept.
    session_id
        Which session.
    unlock
        Why it is opened again; without it the session is closed.
    now
        In UTC; by default that of the clock.

    Returns
    -------
    bool
        Whether that changed anything.
    """
    store.session(session_id)
    with store.recording(session_id) as recording:
        if is_locked(recording.entries) == (unlock is None):
            return False
        entry = NewEntry("locked", {}) if unlock is None else NewEntry("unlocked", {"why": unlock})
        recording.append([entry], source="", now=now or dt.datetime.now(dt.UTC))
        return True
