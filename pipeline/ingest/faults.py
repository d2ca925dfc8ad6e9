"""Why rows cannot be loaded: one reason for many rows, kept as row positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def at(self, i: int) -> tuple[str, Message]:
        """Return the column and what is said of the ``i``-th row."""
        column = self.columns[i] if len(self.columns) > 1 else self.columns[0]
        return column, self.details[i] if self.details else self.reason


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

    def by_row(self) -> Iterator[list[tuple[str, Message]]]:
        """Give for each bad row, in order, its columns and what is said of them."""
        if not self.found:
            return
        rows = np.concatenate([fault.rows for fault in self.found])
        which = np.repeat(np.arange(len(self.found)), [len(fault.rows) for fault in self.found])
        place = np.concatenate([np.arange(len(fault.rows)) for fault in self.found])
        order = np.argsort(rows, kind="stable")
        ends = np.flatnonzero(np.diff(rows[order])) + 1
        start = 0
        for end in [*ends.tolist(), len(order)]:
            yield [self.found[which[i]].at(int(place[i])) for i in order[start:end]]
            start = end

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
