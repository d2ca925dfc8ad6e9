"""What a part of a pack is made of: paragraphs, facts, tables, figures.

Blocks hold finished texts in the reader's language. A plain ``str`` is always escaped where it is
shown; only `markupsafe.Markup`, made by this package itself, is HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class Text:
    """A paragraph; ``lead`` for the sentence that opens a part."""

    kind: ClassVar[str] = "text"
    text: str
    lead: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences; numbered where the order matters."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]
    ordered: bool = False
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    """Names and values; ``look`` is "" (a grid), "numbers" (large figures) or "rows"."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]
    look: str = ""


@dataclass(frozen=True)
class Note:
    """A calm box: a reason, a limit, or (``tone="warning"``) something to act on."""

    kind: ClassVar[str] = "note"
    text: str
    title: str = ""
    tone: str = "calm"
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell with more than text.

    Attributes
    ----------
    text, drawing, strong, under
        A text, a small drawing before it, emphasis, a quiet second line.
    link
        Anchor in this page that the text leads to.
    order
        What to sort by, where the text does not sort by itself.
    """

    text: str = ""
    drawing: Markup | None = None
    strong: bool = False
    under: str = ""
    link: str = ""
    order: float | None = None


@dataclass(frozen=True)
class Tools:
    """Sorting and filtering of one table, where scripts run; ``filter`` labels the field."""

    name: str
    filter: str


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first column names the row."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    note: str = ""
    dense: bool = False
    tools: Tools | None = None


@dataclass(frozen=True)
class Picture:
    """An image as a data address, with its size in CSS pixels."""

    address: Markup
    width: int
    height: int


@dataclass(frozen=True)
class Figure:
    """A figure: what it shows, and what it does not."""

    kind: ClassVar[str] = "figure"
    picture: Picture
    alt: str
    shows: str
    shows_not: str


@dataclass(frozen=True)
class Drawing:
    """A drawing made of marks in the page itself, with a text that says the same."""

    kind: ClassVar[str] = "drawing"
    drawing: Markup
    shows: str = ""


@dataclass(frozen=True)
class Fold:
    """Details that a reader may open; open on paper."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Part:
    """A part with its own heading, below the heading of the section."""

    kind: ClassVar[str] = "part"
    title: str
    blocks: tuple[Block, ...]
    anchor: str = ""


@dataclass(frozen=True)
class Record:
    """Something that was written: by whom or when, what, and what belongs to it."""

    lead: str
    text: str
    under: str = ""


@dataclass(frozen=True)
class Records:
    """What was written about a case, under a small heading; none where a fold names it."""

    kind: ClassVar[str] = "records"
    title: str
    items: tuple[Record, ...]
    note: str = ""


@dataclass(frozen=True)
class CaseCard:
    """One case: who, why, what is known, what to ask; ``folded`` names what is known, if folded."""

    kind: ClassVar[str] = "case"
    anchor: str
    number: str
    title: str
    subtitle: str
    tags: tuple[str, ...]
    minutes: str
    reasons_title: str
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    questions_title: str
    questions: tuple[str, ...]
    scores: tuple[Block, ...]
    records: tuple[Block, ...]
    wide: bool = False
    planned: int = 0
    folded: str = ""


@dataclass(frozen=True)
class WriteLines:
    """Empty lines to write on during the session."""

    kind: ClassVar[str] = "lines"
    label: str
    n: int = 3


@dataclass(frozen=True)
class Link:
    """A file of our own beside the page."""

    kind: ClassVar[str] = "link"
    text: str
    file: str


Block = (
    Text
    | Bullets
    | Facts
    | Note
    | Table
    | Figure
    | Drawing
    | Fold
    | Part
    | Records
    | CaseCard
    | WriteLines
    | Link
)


@dataclass(frozen=True)
class Cover:
    """The opening of a pack, with its one main heading."""

    organisation: str
    over: str
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    people_title: str = ""
    people: tuple[tuple[str, str, str], ...] = ()
    closing: tuple[str, ...] = field(default=())
    minutes: int = 0
