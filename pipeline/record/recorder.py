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

from pipeline.errors import EXIT_ROWS_REJECTED, WorkbenchError, WrongUse, msg
from pipeline.record.form import Fault, FilledForm, read_form
from pipeline.record.kinds import FORM_KINDS
from pipeline.record.model import FormKind, Known
from pipeline.record.rows import Said
from pipeline.settings import Settings
from pipeline.store import FileRecord, Store
from pipeline.store.outcome import Key, is_locked, key_of_entry, latest
from pipeline.store.register import NewEntry
from pipeline.tables import TABLES, dtype_of


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


_OPEN = (None, "open")


@dataclass(frozen=True)
class Recorded:
    """What became of a form.

    Attributes
    ----------
    form
        Name of its layout.
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

    form: str
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
    """Record what a session decided, or what became of it.

    Parameters
    ----------
    path
        The filled-in form: a workbook, or CSV files of its sheets.
    settings
        The scale.
    store
        Where decisions are kept.
    supersede
        Why what contradicts earlier records replaces them.
    now
        In UTC; by default that of the clock.

    Raises
    ------
    UnreadableInput
        It is no form.
    WrongUse
        It is of no session of this store, or holds decisions that are new to a locked session.
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
    kind = FORM_KINDS[form.layout.name]
    found = kind.check(form, store, settings, moment.date())
    said, again = _once(found.said)
    faults = [*found.faults, *again]
    if faults:
        raise FormRefused(form.name, faults)
    with store.recording(session.session_id) as recording:
        recorded = latest(recording.entries)
        known = {**recorded, **kind.states(recording, session.session_id, said)}
        plan = _compare(kind, said, known, supersede)
        if kind.decides and is_locked(recording.entries) and (plan.entries or plan.conflicts):
            raise WrongUse(
                msg(
                    "Session {session_id} is locked, so it takes no new decisions.",
                    session_id=session.session_id,
                )
            )
        if plan.conflicts:
            raise FormRefused(form.name, plan.conflicts)
        if plan.entries:
            recording.append(plan.entries, source=form.digest, now=moment)
            rows = kind.contract(recording, session.session_id, plan.entries, recorded)
            recording.load(
                _frames(rows.held, form),
                FileRecord(form.name, form.digest, len(said), 0),
                withdrawn=_frames(rows.withdrawn, form),
            )
        head = recording.head
    entries = {(e.kind, key_of_entry(e.kind, e.content)) for e in plan.entries}
    return Recorded(
        form=form.layout.name,
        session_id=session.session_id,
        new=plan.new,
        added=plan.added,
        replaced=plan.replaced,
        unchanged=plan.unchanged,
        n_decisions=sum(1 for one, _ in {*recorded, *entries} if one == "decision"),
        head=head,
        remarks=tuple(found.remarks),
    )


def _once(said: Sequence[Said]) -> tuple[list[Said], list[Fault]]:
    """Leave out what a form repeats; two rows that disagree are a fault."""
    first: dict[tuple[str, tuple[str, ...]], Said] = {}
    faults = []
    for one in said:
        same = first.setdefault((one.kind, key_of_entry(one.kind, one.values)), one)
        if same.values != one.values:
            reason = msg("Another row says otherwise about the same. Keep one of the two.")
            faults.append(Fault(one.sheet, one.row, "", reason))
    return list(first.values()), faults


@dataclass
class _Plan:
    """What of a form is to be kept."""

    entries: list[NewEntry] = field(default_factory=list)
    conflicts: list[Fault] = field(default_factory=list)
    new: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0


def _compare(kind: FormKind, said: Sequence[Said], known: Known, supersede: str | None) -> _Plan:
    """Tell what is new, what adds, what contradicts."""
    plan = _Plan()
    for one in said:
        old = known.get((one.kind, key_of_entry(one.kind, one.values)))
        if old is None:
            plan.new += 1
            plan.entries.append(NewEntry(one.kind, one.values))
            continue
        given = {
            name: value
            for name, value in one.values.items()
            if value is not None and name not in kind.elsewhere
        }
        goes_on = [n for n in kind.goes_on if old.get(n) == "open" and given.get(n) not in _OPEN]
        differs = [n for n, v in given.items() if n not in goes_on and _differs(old.get(n), v)]
        if differs and supersede is None:
            plan.conflicts.append(_conflict(one))
            continue
        if not differs and not goes_on and all(old.get(name) is not None for name in given):
            plan.unchanged += 1
            continue
        plan.replaced += bool(differs)
        plan.added += not differs
        # a state says all there is to say; of anything else what was said before stays
        content = dict(one.values) if one.kind in kind.states_of else {**old, **given}
        content.pop("supersedes", None)
        if differs:
            content["supersedes"] = supersede
        plan.entries.append(NewEntry(one.kind, content))
    return plan


def _differs(old: Any, new: Any) -> bool:
    if old is None:
        return False
    if isinstance(old, float) and isinstance(new, int | float):
        return abs(old - new) > 1e-9
    return bool(old != new)


def _conflict(one: Said) -> Fault:
    return Fault(
        one.sheet,
        one.row,
        "",
        msg(
            "This contradicts what was recorded before. Nothing is overwritten: mend the form, or"
            " say with --supersede why this version holds."
        ),
    )


def _frames(
    rows: Mapping[str, Mapping[Key, Mapping[str, Any]]], form: FilledForm
) -> dict[str, pd.DataFrame]:
    """Return rows of the data contract, with where they came from."""
    return {
        table: _frame(table, list(found.values()), form.name)
        for table, found in rows.items()
        if found
    }


def _frame(table: str, rows: Sequence[Mapping[str, Any]], name: str) -> pd.DataFrame:
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
