"""Why rows cannot be loaded: one reason for many rows, kept as row positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.errors import Message


@dataclass(frozen=True)
class Fault:
    """A reason, and the rows it holds for."""

    rows: np.ndarray
    """Positions of the rows."""
    columns: tuple[str, ...]
    """Column per row, or one for all; ``""`` for the row as a whole."""
    reason: Message
    """Said the same for all rows, so that they can be counted."""
    details: tuple[Message, ...] = ()
    """Said per row, with line numbers; the reason itself where there are none."""

    def at(self, i: int) -> tuple[int, str, Message]:
        """Return row, column and what is said of the ``i``-th row."""
        column = self.columns[i] if len(self.columns) > 1 else self.columns[0]
        return int(self.rows[i]), column, self.details[i] if self.details else self.reason


@dataclass
class Faults:
    """Every fault of the rows of one file and table."""

    n_rows: int
    found: list[Fault] = field(default_factory=list)

    def add(
        self,
        rows: np.ndarray,
        columns: str | Sequence[str],
        reason: Message,
        details: Sequence[Message] = (),
    ) -> None:
        """Take up a reason, unless it holds for no row."""
        if len(rows):
            names = (columns,) if isinstance(columns, str) else tuple(columns)
            self.found.append(Fault(rows, names, reason, tuple(details)))

    @property
    def bad(self) -> np.ndarray:
        """Tell per row whether anything is wrong with it."""
        bad = np.zeros(self.n_rows, dtype=bool)
        for fault in self.found:
            bad[fault.rows] = True
        return bad

    def at_cell(self, column: str) -> np.ndarray:
        """Tell per row whether something is wrong with this cell."""
        bad = np.zeros(self.n_rows, dtype=bool)
        for fault in self.found:
            if fault.columns == (column,):
                bad[fault.rows] = True
        return bad
