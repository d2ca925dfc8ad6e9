"""The data contract: every table, its columns, what they mean and what makes a row valid.

One place. The importer validates against these schemas, the store makes its tables from them, and
`data/README.md` is written from them. Minimum: `ratings` and `employees`; every further table
unlocks a part of the pack.

Each table is a pandera schema. A column's ``metadata["kind"]`` says how its text is read and
stored:

======== =============================================================
kind     meaning
======== =============================================================
id       identifier; always text, leading zeros survive
text     free text
choice   one of a fixed list
number   decimal number
whole    whole number
date     calendar date
flag     yes or no
======== =============================================================

``schema.metadata`` holds ``key`` (the columns that identify a row: a second row with the same key
is a correction), ``unlocks`` (what the pack shows because of this table).
"""

from __future__ import annotations

from typing import Any

import pandera.pandas as pa

ANCHOR_POINTS = range(11)
"""Scale points that a behaviour anchor can describe."""

RATER_ROLES = ("manager", "second", "peer", "self", "expert")
SESSION_KINDS = ("performance", "conversation")
SESSION_FOCUS = ("performance", "reward", "promotion", "talent")
PARTICIPANT_ROLES = ("facilitator", "process_guard", "rater", "observer")
EVIDENCE_KINDS = ("example", "goal", "check-in", "feedback")
GOAL_STATUS = ("open", "done", "revised", "dropped")
OPINIONS = ("agree", "question", "no view")
OUTCOMES = ("upheld", "adjusted", "parked")
ACTION_KINDS = ("smart_goal", "follow_up_talk", "training", "criterion_rewrite", "agreement")
ACTION_STATUS = ("open", "done", "dropped")
GENDERS = ("female", "male", "other")

OVERALL = "overall"
"""The criterion of a decision about a person as a whole."""

LONGEST_ID, LONGEST_TEXT = 200, 100_000
LONGEST_NAME = 500
"""Of texts that are headings elsewhere; see `_name`."""

_DTYPES = {
    "id": "str",
    "text": "str",
    "choice": "str",
    "number": "float64",
    "whole": "Int64",
    "date": "datetime64[us]",
    "flag": "boolean",
}


def _column(
    kind: str, meaning: str, *checks: pa.Check, required: bool = False, **metadata: Any
) -> pa.Column:
    lengths = {"id": LONGEST_ID, "text": LONGEST_TEXT}
    rules = list(checks)
    longest = metadata.setdefault("longest", lengths.get(kind))
    if longest is not None:
        rules.append(pa.Check.str_length(1, longest, name="length"))
    return pa.Column(
        _DTYPES[kind],
        rules,
        nullable=not required,
        required=required,
        description=meaning,
        metadata={"kind": kind, **metadata},
    )


def _id(meaning: str, *, required: bool = False, of: str | None = None) -> pa.Column:
    """Make an identifier; ``of`` names the table that must know it."""
    return _column("id", meaning, required=required, of=of)


def _text(meaning: str, *, required: bool = False) -> pa.Column:
    return _column("text", meaning, required=required)


def _name(meaning: str, *, required: bool = False) -> pa.Column:
    """Make a text that names somebody or something, so that it fits in a heading or a table."""
    return _column("text", meaning, required=required, longest=LONGEST_NAME)


def _choice(meaning: str, choices: tuple[str, ...], *, required: bool = False) -> pa.Column:
    check = pa.Check.isin(choices, name="choice")
    return _column("choice", meaning, check, required=required, choices=choices)


def _number(meaning: str, *checks: pa.Check, required: bool = False) -> pa.Column:
    return _column("number", meaning, *checks, required=required)


def _whole(meaning: str, low: int, high: int) -> pa.Column:
    check = pa.Check.in_range(low, high, name="range")
    return _column("whole", meaning, check, low=low, high=high)


def _date(meaning: str, *, required: bool = False) -> pa.Column:
    return _column("date", meaning, required=required)


def _flag(meaning: str) -> pa.Column:
    return _column("flag", meaning)


def _score(meaning: str, *, required: bool = False) -> pa.Column:
    # the scale is a setting, so the importer adds its check
    return _column("number", meaning, required=required, on_scale=True)


def _table(
    name: str,
    meaning: str,
    columns: dict[str, pa.Column],
    *,
    key: tuple[str, ...],
    unlocks: str,
) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        columns,
        name=name,
        description=meaning,
        metadata={"key": key, "unlocks": unlocks},
        strict="filter",
    )


def _anchors() -> dict[str, pa.Column]:
    return {
        f"anchor_{point}_{code}": _text(f"Observable behaviour at score {point}, {language}")
        for point in ANCHOR_POINTS
        for code, language in (("nl", "in Dutch"), ("en", "in English"))
    }


CYCLES = _table(
    "cycles",
    "Review periods and what employees were told about them.",
    {
        "cycle": _id("Review period, such as 2025", required=True),
        "starts_on": _date("First day of the period"),
        "ends_on": _date("Last day of the period"),
        "moments": _text("Moments of the cycle, a line each: date | what | why"),
        "what_counts": _text("What is judged"),
        "what_does_not": _text("What is not judged"),
        "consequences": _text("What a rating means for pay and growth"),
    },
    key=("cycle",),
    unlocks="the frame of the session; dates out of the period are found",
)

EMPLOYEES = _table(
    "employees",
    "People who are rated or who rate. Without a cycle a row holds for every cycle.",
    {
        "employee_id": _id("Personnel number", required=True),
        "department": _name("Department that the session is held for", required=True),
        "cycle": _id("Review period that this row describes"),
        "job_level": _name("Job level or grade; people are compared within it"),
        "job_family": _name("Job family; people are compared within it"),
        "manager_id": _id("Personnel number of the manager"),
        "name": _name("Name as shown in the pack"),
        "hired_on": _date("First working day"),
        "left_on": _date("Last working day"),
        "fte": _number(
            "Working hours as a share of full time, 0–1",
            pa.Check.in_range(0, 1.5, name="range"),
        ),
        "gender": _choice("Gender; shown in aggregate only", GENDERS),
        "birth_year": _whole("Year of birth; shown in aggregate only", 1900, 2100),
        "location": _name("Work location"),
        "email": _text("Mail address; never shown in a pack"),
    },
    key=("employee_id", "cycle"),
    unlocks="the minimum, with ratings",
)

CRITERIA = _table(
    "criteria",
    "What is rated, with observable behaviour per scale point.",
    {
        "criterion_id": _id("Criterion", required=True),
        "cycle": _id("Review period that this wording held for"),
        "label_nl": _name("Name in Dutch"),
        "label_en": _name("Name in English"),
        "weight": _number("Weight in the overall rating", pa.Check.ge(0, name="range")),
        "observable": _text("Observable behaviour that counts"),
        **_anchors(),
    },
    key=("criterion_id", "cycle"),
    unlocks="names, weights and behaviour anchors of the criteria",
)

RATINGS = _table(
    "ratings",
    "One row is one judgement: rater × subject × criterion × cycle.",
    {
        "cycle": _id("Review period", required=True),
        "employee_id": _id("Who is rated", required=True, of="employees"),
        "rater_id": _id("Who gave the rating", required=True),
        "criterion_id": _id("What is rated", required=True),
        "score": _score("The judgement, on the scale of workbench.toml", required=True),
        "rater_role": _choice("In which role the rater judged", RATER_ROLES),
        "subject_id": _id("Conversation that was scored, where conversations are rated"),
        "rated_on": _date("Day of the judgement"),
        "rationale": _text("Substantiation: behaviour, performance, impact"),
    },
    key=("cycle", "employee_id", "subject_id", "rater_id", "criterion_id"),
    unlocks="the minimum, with employees",
)

SESSIONS = _table(
    "sessions",
    "Calibration sessions. Without this table every department of a cycle gets a default session.",
    {
        "session_id": _id("Session", required=True),
        "cycle": _id("Review period", required=True),
        "department": _name("Department whose ratings are calibrated", required=True),
        "kind": _choice("What is rated: people or conversations", SESSION_KINDS),
        "focus": _choice("The one question of the session", SESSION_FOCUS),
        "theme": _name("Theme of a conversation session"),
        "held_on": _date("Day of the session"),
        "minutes": _whole("Planned length in minutes", 10, 600),
        "facilitator_id": _id("Neutral facilitator"),
        "process_guard_id": _id("Keeps time and turns, gives no feedback"),
    },
    key=("session_id",),
    unlocks="date, focus, length and roles of the session",
)

PARTICIPANTS = _table(
    "participants",
    "Who takes part in a session.",
    {
        "session_id": _id("Session", required=True, of="sessions"),
        "person_id": _id("Participant", required=True),
        "role": _choice("Role in the session", PARTICIPANT_ROLES),
        "personal_goal": _text("What this participant wants to learn"),
        "attended": _flag("Was present"),
    },
    key=("session_id", "person_id"),
    unlocks="participants on the cover; nobody reads the rating about himself or herself",
)

EVIDENCE = _table(
    "evidence",
    "Dated evidence gathered through the year.",
    {
        "employee_id": _id("Whom it is about", required=True, of="employees"),
        "dated_on": _date("When it happened", required=True),
        "kind": _choice("Sort of evidence", EVIDENCE_KINDS),
        "criterion_id": _id("Criterion it bears on"),
        "from_id": _id("Who recorded it"),
        "text": _text("What was seen"),
    },
    key=("employee_id", "dated_on", "kind", "criterion_id", "from_id", "text"),
    unlocks="dated evidence beside each case; evidence gaps and recency",
)

GOALS = _table(
    "goals",
    "Goals of people and teams, revised through the year.",
    {
        "goal_id": _id("Goal", required=True),
        "owner_id": _id("Whose goal it is", required=True),
        "text": _text("What is to be reached"),
        "measure": _text("How it is measured"),
        "target": _text("Target"),
        "due_on": _date("Due date"),
        "status": _choice("State of the goal", GOAL_STATUS),
        "revised_from": _id("Goal that this one replaces"),
    },
    key=("goal_id",),
    unlocks="goals beside each case",
)

RESULTS = _table(
    "results",
    "Measured results beside the ratings.",
    {
        "cycle": _id("Review period", required=True),
        "employee_id": _id("Whose result", required=True, of="employees"),
        "metric": _name("What is measured", required=True),
        "value": _number("Result", required=True),
        "target": _number("Target"),
    },
    key=("cycle", "employee_id", "metric"),
    unlocks="results against target beside each case",
)

OPINIONS_TABLE = _table(
    "opinions",
    "Independent opinions, given before the session.",
    {
        "session_id": _id("Session", required=True, of="sessions"),
        "employee_id": _id("Whose rating", required=True, of="employees"),
        "rater_id": _id("Who gives the opinion", required=True),
        "opinion": _choice("The opinion", OPINIONS, required=True),
        "note": _text("Why"),
    },
    key=("session_id", "employee_id", "rater_id"),
    unlocks="ratings that colleagues question before the session",
)

DECISIONS = _table(
    "decisions",
    "What a session decided, upheld ratings included.",
    {
        "session_id": _id("Session", required=True, of="sessions"),
        "subject": _id("Employee or conversation", required=True),
        "criterion_id": _id("Criterion, or overall", required=True),
        "score_before": _score("Score before the session"),
        "score_after": _score("Score after the session"),
        "outcome": _choice("What was decided", OUTCOMES, required=True),
        "argument": _text("Why: required for every outcome", required=True),
        "evidence": _text("Evidence that the argument rests on"),
        "decided_by": _id("Who decided"),
        "dissent": _text("Objections that remain"),
        "minutes": _whole("Minutes spent", 0, 600),
    },
    key=("session_id", "subject", "criterion_id"),
    unlocks="what earlier sessions decided about a person",
)

ACTIONS = _table(
    "actions",
    "Actions and SMART goals from a session.",
    {
        "session_id": _id("Session", required=True, of="sessions"),
        "owner_id": _id("Who does it", required=True),
        "kind": _choice("Sort of action", ACTION_KINDS, required=True),
        "text": _text("What", required=True),
        "due_on": _date("When it is due"),
        "measure": _text("How it shows that it is done"),
        "status": _choice("State", ACTION_STATUS),
        "done_on": _date("Day it was done"),
    },
    key=("session_id", "owner_id", "kind", "text"),
    unlocks="the open actions of the last session",
)

NORMS = _table(
    "norms",
    "Norms that a session agreed on.",
    {
        "session_id": _id("Session", required=True, of="sessions"),
        "criterion_id": _id("Criterion", required=True),
        "job_level": _name("Level it holds for"),
        "text": _text("The norm", required=True),
    },
    key=("session_id", "criterion_id", "job_level", "text"),
    unlocks="the norms of earlier sessions",
)

TABLES: dict[str, pa.DataFrameSchema] = {
    str(table.name): table
    for table in (
        # in the order of loading: a table comes after the tables that it refers to
        CYCLES,
        EMPLOYEES,
        CRITERIA,
        SESSIONS,
        PARTICIPANTS,
        RATINGS,
        EVIDENCE,
        GOALS,
        RESULTS,
        OPINIONS_TABLE,
        DECISIONS,
        ACTIONS,
        NORMS,
    )
}


def key_of(table: str) -> tuple[str, ...]:
    """Return the columns that identify a row of ``table``."""
    return tuple((TABLES[table].metadata or {})["key"])


def kind_of(table: str, column: str) -> str:
    """Return the kind of a column: id, text, choice, number, whole, date or flag."""
    return str((TABLES[table].columns[column].metadata or {})["kind"])


def required_columns(table: str) -> tuple[str, ...]:
    """Return the columns without which ``table`` cannot be read."""
    return tuple(name for name, column in TABLES[table].columns.items() if column.required)


def dtype_of(table: str, column: str) -> str:
    """Return the pandas dtype in which a column is held."""
    return _DTYPES[kind_of(table, column)]
