"""What an agenda is made of."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import Message


@dataclass(frozen=True)
class Rule:
    """A reason to discuss: which rule fired, with its numbers."""

    name: str
    message: Message


@dataclass(frozen=True)
class Case:
    """A person (or conversation) to discuss.

    Attributes
    ----------
    subject_id, employee_id
        Who or what.
    rules
        The rules that fired, most telling first; empty for the quiet middle.
    minutes
        Time in this session; 0 when it does not fit.
    session
        1 for this session, 2 and on for a next one.
    """

    subject_id: str
    employee_id: str
    rules: tuple[Rule, ...]
    minutes: float
    session: int

    @property
    def is_quiet(self) -> bool:
        """Whether this case comes from the quiet middle."""
        return not self.rules


@dataclass(frozen=True)
class Item:
    """A part of the session: what (``kind``), minutes, and why it takes that long."""

    kind: str
    minutes: float
    reason: Message


@dataclass(frozen=True)
class Agenda:
    """The plan of a session.

    Attributes
    ----------
    items
        Parts of the first session in order; their minutes add up to ``minutes`` at most.
    cases
        Cases in order of discussion, over all sessions.
    minutes
        Length of a session.
    n_sessions
        Sessions needed to discuss every case.
    n_outliers
        Cases with a rule that fired.
    """

    items: tuple[Item, ...]
    cases: tuple[Case, ...]
    minutes: int
    n_sessions: int
    n_outliers: int
