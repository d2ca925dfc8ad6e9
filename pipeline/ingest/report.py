"""What an import did: counts, reasons and where the details are. Holds no value of any row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EXIT_OK, EXIT_ROWS_REJECTED, Message
from pipeline.store import FileRecord, Loaded


@dataclass(frozen=True)
class ReasonCount:
    """How many rows of a table were rejected for one reason."""

    table: str
    column: str
    """Column that it concerns; empty for the row as a whole."""
    reason: Message
    n_rows: int


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one import."""

    batch_id: str
    loaded: Loaded | None
    """What changed in the store; none where strictness held everything back."""
    files: tuple[FileRecord, ...]
    n_read: Mapping[str, int]
    """Rows read per table."""
    n_rejected: Mapping[str, int]
    """Rows rejected per table; a row with several reasons counts once."""
    reasons: tuple[ReasonCount, ...]
    """Most frequent first; a row with several reasons counts under each."""
    warnings: tuple[Message, ...]
    ignored_columns: Mapping[str, tuple[str, ...]]
    """Per file the columns that were not used."""
    rejected_folder: Path | None
    """Where the rejected rows are, with line and reason; none where all rows were good."""

    @property
    def exit_code(self) -> int:
        """Exit code of the command."""
        return EXIT_ROWS_REJECTED if any(self.n_rejected.values()) else EXIT_OK
