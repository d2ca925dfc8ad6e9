"""The decision form: its sheets and columns, described once for who writes it and who reads it.

One workbook per session; see `form_layout` for what a form is made of.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import Message, msg
from pipeline.form_layout import IDENTITY_KEYS, Choices, FormColumn, FormLayout, FormSheet, Needed
from pipeline.tables import ACTION_KINDS, OUTCOMES, OVERALL, PARTICIPANT_ROLES

FORM_FILE = "decision-form.xlsx"

NOW = "now:"
"""Begins the name of a column with current scores; the criterion follows."""

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
    kept=2,
    awaited="outcome",
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

DECISION_FORM = FormLayout(
    name="calibration-decision-form",
    version=1,
    file=FORM_FILE,
    title=msg("Decision form"),
    sheets=(DECISIONS, ACTIONS, NORMS, PARKED, ATTENDANCE, SITTING),
    identity={
        **IDENTITY_KEYS,
        "pack_version": msg("Version of the pack that it belongs to"),
        "scores": msg("Mark of the current scores"),
    },
    # criteria and their identifiers stand in the same order
    lists={
        "scale": msg("Scores"),
        "criteria": msg("Criteria"),
        "criteria_ids": msg("Identifiers of the criteria"),
    },
    sheet_lists={
        "subjects": (DECISIONS.name, "name"),
        "present": (ATTENDANCE.name, "name"),
    },
)


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
