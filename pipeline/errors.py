"""What can go wrong, said so that a user knows what happened, where, and what to do.

Every text is a `Message`: an English sentence with named places, translated where it is shown.
Values in a message are counts, settings, file and column names, never personal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EXIT_OK, EXIT_SOME_FAILED, EXIT_WRONG_USE, EXIT_ROWS_REJECTED = 0, 1, 2, 3


@dataclass(frozen=True)
class Message:
    """A sentence to be shown in the reader's language.

    Parameters
    ----------
    text
        English sentence with ``{named}`` places; the key in the language catalogues.
    values
        What fills the places. Numbers and dates are written in the reader's language.
    plural
        The sentence for every count but one; the count is ``values["n"]``.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    plural: str | None = None

    def __str__(self) -> str:
        text = self.text if self.plural is None or self.values.get("n") == 1 else self.plural
        return text.format(**self.values)


def msg(text: str, **values: object) -> Message:
    """Make a `Message`; the catalogues are extracted from calls to this function."""
    return Message(text, values)


def msgn(text: str, plural: str, n: int, **values: object) -> Message:
    """Make a `Message` that depends on the count ``n``."""
    return Message(text, {"n": n, **values}, plural)


class WorkbenchError(Exception):
    """Something the user can act on; shown as one sentence, never as a traceback."""

    exit_code = EXIT_WRONG_USE

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple[type[WorkbenchError], tuple[Message]]:
        return type(self), (self.message,)


class WrongUse(WorkbenchError):
    """A command, parameter or setting that cannot be followed."""


class UnreadableInput(WorkbenchError):
    """A file with a structural fault; nothing of it was loaded."""


class StoreError(WorkbenchError):
    """The store cannot be opened, is locked, full, or of another version."""

    exit_code = EXIT_SOME_FAILED


class NotEstimable(WorkbenchError):
    """A method has no answer for these ratings; the message is the reason, for a manager.

    Shown in the pack where the answer would have been. Never NaN, never 0.
    """


class Suppressed(WorkbenchError):
    """An answer that this audience may not see; the message says why."""
