"""What became of one pack, and the record of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import Message

MADE, FAILED = "made", "failed"
RECORD = "calibration-pack.json"
"""Name of the record beside the pack."""


@dataclass(frozen=True)
class Outcome:
    """What became of one pack.

    Attributes
    ----------
    session_id, department, cycle, kind, audience
        Which pack.
    status
        ``"made"`` or ``"failed"``.
    seconds
        Wall-clock time.
    made_at
        When, in UTC.
    warnings
        Texts in the pack's language; they name nobody.
    n_cases
        Cases in the pack.
    not_estimable
        Names of the questions without an answer.
    error
        Why it failed; names nobody.
    """

    session_id: str
    department: str
    cycle: str
    kind: str
    audience: str
    status: str
    seconds: float
    made_at: dt.datetime
    warnings: tuple[str, ...] = ()
    n_cases: int | None = None
    not_estimable: tuple[str, ...] = ()
    error: Message | None = None

    def record(self) -> dict[str, Any]:
        """Return the outcome as plain values, to be kept."""
        plain = asdict(self)
        plain["made_at"] = self.made_at.isoformat(timespec="seconds")
        plain["seconds"] = round(self.seconds, 2)
        plain["error"] = str(self.error) if self.error else None
        return plain
