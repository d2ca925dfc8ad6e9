"""The decision form: its sheets and columns, described once for who writes it and who reads it.

One workbook per session. Sheets and columns have a name that never changes and a title in the
reader's language; `sheet_called`, `column_called` and `choice_called` lead from a title in any
language back to the name. A column of the data contract keeps its name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.errors import Message, msg
from pipeline.locale import LANGUAGES, Language
from pipeline.tables import ACTION_KINDS, OUTCOMES, OVERALL, PARTICIPANT_ROLES

FORM_FILE = "decision-form.xlsx"
FORM_NAME, FORM_VERSION = "calibration-decision-form", 1
"""What the form calls itself on its identity sheet; the version changes with the layout."""

HEADING_ROW = 2
"""Row with the titles of the columns; above it what the sheet is for, below it the rows."""

NOW = "now:"
"""Begins the name of a column with current scores; the criterion follows."""

Choices = Mapping[str, Message]

OUTCOME_WORDS: Choices = dict(
    zip(OUTCOMES, (msg("upheld"), msg("adjusted"), msg("parked")), strict=True)
)
ACTION_WORDS: Choices = dict(
    zip(
        ACTION_KINDS,
        (
            msg("SMART goal"),
            msg("follow-up talk"),
            msg("training"),
            msg("rewrite of a criterion"),
            msg("agreement"),
        ),
        strict=True,
    )
)
ROLE_WORDS: Choices = dict(
    zip(
        PARTICIPANT_ROLES,
        (msg("facilitator"), msg("process guard"), msg("rater"), msg("observer")),
        strict=True,
    )
)
YES_NO: Choices = {"yes": msg("yes"), "no": msg("no")}
OVERALL_WORD = msg("overall")


@dataclass(frozen=True)
class Needed:
    """When a cell may not stay empty: ``column`` is filled, with ``choice`` where that is named."""

    column: str
    choice: str | None = None


@dataclass(frozen=True)
class FormColumn:
    """A column of a sheet.

    Attributes
    ----------
    name
        As in the data contract where it has such a column.
    title
        Heading; see `now_title` for columns with current scores.
    width
        In characters.
    kind
        ``"text"``, ``"number"``, ``"whole"``, ``"date"`` or ``"score"``.
    locked
        Filled by the workbench, not by the session.
    choices
        What can be chosen, by the value that is kept.
    listed
        List of this session to choose from: ``"scale"``, ``"criteria"``, ``"present"``,
        ``"subjects"``.
    only_listed
        Whether nothing else may be entered.
    needed
        When the cell may not stay empty.
    """

    name: str
    title: Message
    width: int
    kind: str = "text"
    locked: bool = False
    choices: Choices = field(default_factory=dict)
    listed: str = ""
    only_listed: bool = True
    needed: Needed | None = None


@dataclass(frozen=True)
class FormSheet:
    """A sheet of the form: its name, its title, what it is for, its columns and its empty rows."""

    name: str
    title: Message
    purpose: Message
    columns: tuple[FormColumn, ...]
    n_empty: int = 0


_DECIDED = Needed("outcome")

DECISIONS = FormSheet(
    "decisions",
    msg("Decisions"),
    msg(
        "One row per decision. An outcome needs an argument, also when the rating is upheld. Write"
        " as if the person reads it."
    ),
    (
        FormColumn("subject", msg("Number"), 11, locked=True),
        FormColumn("name", msg("Who or what"), 20, locked=True, listed="subjects"),
        FormColumn("job_level", msg("Level"), 7, locked=True),
        FormColumn("reason", msg("Why on the agenda"), 22, locked=True),
        FormColumn("criterion_id", msg("Decision about"), 14, listed="criteria"),
        FormColumn("outcome", msg("Outcome"), 13, choices=OUTCOME_WORDS),
        FormColumn(
            "score_after",
            msg("Score after the session"),
            10,
            "score",
            listed="scale",
            needed=Needed("outcome", "adjusted"),
        ),
        FormColumn("argument", msg("Argument"), 38, needed=_DECIDED),
        FormColumn("evidence", msg("Evidence it rests on"), 24),
        FormColumn(
            "decided_by",
            msg("Decided by"),
            16,
            listed="present",
            only_listed=False,
            needed=_DECIDED,
        ),
        FormColumn("dissent", msg("Dissent that remains"), 18),
        FormColumn("minutes", msg("Minutes"), 9, "whole"),
    ),
    n_empty=20,
)

ACTIONS = FormSheet(
    "actions",
    msg("Actions and goals"),
    msg(
        "Everybody leaves with one SMART goal: specific, measurable, with a date. Everything else"
        " that somebody will do comes here too."
    ),
    (
        FormColumn(
            "owner_id",
            msg("Who does it"),
            22,
            listed="present",
            only_listed=False,
            needed=Needed("text"),
        ),
        FormColumn("kind", msg("Sort"), 20, choices=ACTION_WORDS, needed=Needed("text")),
        FormColumn("text", msg("What"), 60, needed=Needed("owner_id")),
        FormColumn(
            "measure", msg("How it shows that it is done"), 40, needed=Needed("kind", "smart_goal")
        ),
        FormColumn("due_on", msg("Due on"), 14, "date", needed=Needed("text")),
    ),
    n_empty=30,
)

NORMS = FormSheet(
    "norms",
    msg("Norms"),
    msg("What this session agreed that a score means from now on; the next pack shows it."),
    (
        FormColumn("criterion_id", msg("Criterion"), 22, listed="criteria", needed=Needed("text")),
        FormColumn("job_level", msg("Level it holds for"), 16),
        FormColumn("text", msg("The norm"), 90, needed=Needed("criterion_id")),
    ),
    n_empty=15,
)

PARKED = FormSheet(
    "parked",
    msg("Parked items"),
    msg("What was not settled or was off the subject: who takes it up, and by when."),
    (
        FormColumn("text", msg("Item"), 70, needed=Needed("owner_id")),
        FormColumn(
            "owner_id",
            msg("Who takes it up"),
            22,
            listed="present",
            only_listed=False,
            needed=Needed("text"),
        ),
        FormColumn("due_on", msg("Before"), 14, "date", needed=Needed("text")),
    ),
    n_empty=15,
)

ATTENDANCE = FormSheet(
    "attendance",
    msg("Attendance"),
    msg("Who was there. Add who joined; names from here can be chosen on the other sheets."),
    (
        FormColumn("person_id", msg("Number"), 14),
        FormColumn("name", msg("Name"), 32),
        FormColumn("role", msg("Role"), 18, choices=ROLE_WORDS),
        FormColumn("attended", msg("Was present"), 14, choices=YES_NO),
    ),
    n_empty=8,
)

SITTING = FormSheet(
    "sitting",
    msg("Course of the session"),
    msg("Whether the session was held, and how long it took."),
    (
        FormColumn("held", msg("Held"), 12, choices=YES_NO),
        FormColumn("held_on", msg("On"), 16, "date", needed=Needed("held", "yes")),
        FormColumn("planned_minutes", msg("Minutes planned"), 16, "whole", locked=True),
        FormColumn(
            "spent_minutes", msg("Minutes taken"), 16, "whole", needed=Needed("held", "yes")
        ),
        FormColumn("remark", msg("Remark"), 60),
    ),
)

SHEETS = (DECISIONS, ACTIONS, NORMS, PARKED, ATTENDANCE, SITTING)
"""The sheets to fill in, in order."""

INSTRUCTIONS, IDENTITY = msg("Read first"), msg("About this form")
"""Titles of the first sheet, for people, and of the last, for `calibrate record`."""

IDENTITY_KEYS: dict[str, Message] = {
    "form": msg("Sort of form"),
    "form_version": msg("Version of the form"),
    "session_id": msg("Session"),
    "cycle": msg("Cycle"),
    "department": msg("Department"),
    "kind": msg("What is rated"),
    "language": msg("Language"),
    "pack_version": msg("Version of the pack that it belongs to"),
    "data_stamp": msg("Data loaded"),
    "scores": msg("Mark of the current scores"),
}
"""Names in the first column of the identity sheet and what they mean; the value is beside it."""

LISTS: dict[str, Message] = {
    "scale": msg("Scores"),
    "criteria": msg("Criteria"),
    "criteria_ids": msg("Identifiers of the criteria"),
}
"""Lists of this session on the identity sheet, a column each; criteria and their identifiers stand
in the same order."""


def now_title(criterion: str) -> Message:
    """Return the heading of the column with the current scores of a criterion."""
    return msg("Now: {criterion}", criterion=criterion)


def now_column(criterion_id: str, label: str) -> FormColumn:
    """Return the column with the current scores of a criterion, or of all together."""
    width = max(9, min(14, len(label) + 3))
    return FormColumn(f"{NOW}{criterion_id}", now_title(label), width, "number", locked=True)


def decision_columns(criteria: Mapping[str, str], overall: str) -> tuple[FormColumn, ...]:
    """Return the columns of the decisions with this session's criteria among them.

    Parameters
    ----------
    criteria
        Label of each criterion, by identifier.
    overall
        What all criteria together are called.
    """
    at = [column.name for column in DECISIONS.columns].index("criterion_id")
    now = [now_column(OVERALL, overall)]
    now += [now_column(name, label) for name, label in criteria.items()]
    return (*DECISIONS.columns[:at], *now, *DECISIONS.columns[at:])


def sheet_called(title: str) -> FormSheet | None:
    """Return the sheet with this title in any language."""
    return next((sheet for sheet in SHEETS if title in _said(sheet.title)), None)


def column_called(sheet: FormSheet, title: str) -> FormColumn | None:
    """Return the column of a sheet with this heading in any language."""
    return next((column for column in sheet.columns if title in _said(column.title)), None)


def choice_called(choices: Choices, word: str) -> str | None:
    """Return the value that a word in any language stands for."""
    return next((value for value, said in choices.items() if word in _said(said)), None)


def _said(message: Message) -> set[str]:
    return {Language(code).say(message) for code in LANGUAGES}
