"""What people decided, as a table for other systems; nothing computed is in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.errors import UnreadableInput, msg
from pipeline.store import Store
from pipeline.store.outcome import latest

COLUMNS = (
    "session_id", "cycle", "department", "subject", "criterion_id", "score_before", "score_after",
    "outcome", "argument", "evidence", "decided_by", "dissent",
)  # fmt: skip


_RISKY = r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]"
"""Begins what a spreadsheet may take for a formula: after blanks and in full width too."""


def decisions_table(
    store: Store, *, cycle: str | None = None, session_ids: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the decisions that hold, a row each.

    Parameters
    ----------
    store
        Where decisions are kept.
    cycle, session_ids
        Which; all by default.
    """
    for one in session_ids:
        store.session(one)  # an unknown one is a slip, not an empty table
    by_session: dict[str, list] = {}
    for entry in store.register_entries():
        by_session.setdefault(entry.session_id, []).append(entry)
    rows = []
    for session in store.sessions(cycle):
        if session_ids and session.session_id not in session_ids:
            continue
        found = latest(by_session.get(session.session_id, []))
        for (kind, _), content in sorted(found.items()):
            if kind == "decision":
                about = {
                    "session_id": session.session_id,
                    "cycle": session.cycle,
                    "department": session.department,
                }
                rows.append({**about, **content})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_csv(table: pd.DataFrame, target: Path) -> None:
    """Write a table whole or not at all, for its owner only; no cell can become a formula.

    Raises
    ------
    UnreadableInput
        The place cannot be written.
    """
    safe = table.copy()
    for column in safe.select_dtypes(include=["object", "string"]):
        text = safe[column].astype("object")
        risky = (
            text.astype("str").str.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]").fillna(False)
            & text.notna()
        )
        safe[column] = text.where(~risky, "'" + text.astype("str"))
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as file:
                safe.to_csv(file, index=False)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as reason:
        raise UnreadableInput(
            msg(
                "{file} cannot be written: {reason}.",
                file=target.name,
                reason=reason.strerror or type(reason).__name__,
            )
        ) from None
