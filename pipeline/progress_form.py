"""The progress form: what happens between two sessions comes back in by it.

One workbook per session: what became of its actions, goals that are followed and revised,
check-ins, feedback both ways, and what employee and manager agreed in their conversation. See
`form_layout` for what a form is made of.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from pipeline.errors import msg
from pipeline.form_layout import IDENTITY_KEYS, Choices, FormColumn, FormLayout, FormSheet, Needed
from pipeline.tables import ACTION_STATUS, GOAL_STATUS

PROGRESS_FILE = "progress-form.xlsx"
_LONGEST_SHOWN, _LONGEST_NAME = 1_000, 120

_WORDS = {
    "open": msg("open"),
    "done": msg("done"),
    "revised": msg("revised"),
    "dropped": msg("dropped"),
}
ACTION_STATE_WORDS: Choices = {state: _WORDS[state] for state in ACTION_STATUS}
GOAL_STATE_WORDS: Choices = {state: _WORDS[state] for state in GOAL_STATUS}

_REVISED = Needed("status", "revised")

ACTIONS = FormSheet(
    "action_states",
    msg("Actions"),
    msg("What the session agreed. Fill in what changed; what stays as it is stays empty."),
    (
        FormColumn("action_id", msg("Number"), 12, locked=True),
        FormColumn("owner_name", msg("Who does it"), 22, locked=True),
        FormColumn("kind", msg("Sort"), 18, locked=True),
        FormColumn("text", msg("What"), 60, locked=True),
        FormColumn("due_on", msg("Due on"), 14, "date", locked=True),
        FormColumn("state", msg("State now"), 12, locked=True),
        FormColumn("status", msg("New state"), 14, choices=ACTION_STATE_WORDS),
        FormColumn("done_on", msg("Done on"), 14, "date", needed=Needed("status", "done")),
    ),
    kept=2,
)

GOALS = FormSheet(
    "goal_states",
    msg("Goals"),
    msg(
        "Goals are followed and revised all year. A revised goal gets a new text; the old one is"
        " kept as its history."
    ),
    (
        FormColumn("goal_id", msg("Number"), 17, locked=True),
        FormColumn("owner_name", msg("Who"), 22, locked=True),
        FormColumn("text", msg("Goal"), 44, locked=True),
        FormColumn("old_measure", msg("Measured by"), 24, locked=True),
        FormColumn("old_due_on", msg("Due on"), 14, "date", locked=True),
        FormColumn("state", msg("State now"), 12, locked=True),
        FormColumn("status", msg("New state"), 14, choices=GOAL_STATE_WORDS),
        FormColumn("new_text", msg("Revised goal"), 44, needed=_REVISED),
        FormColumn("measure", msg("Revised measure"), 24),
        FormColumn("target", msg("Revised target"), 18),
        FormColumn("due_on", msg("Revised date"), 14, "date", needed=_REVISED),
    ),
    kept=2,
)

NEW_GOALS = FormSheet(
    "new_goals",
    msg("New goals"),
    msg("Goals set since: specific, measurable, with a date."),
    (
        FormColumn(
            "owner_id", msg("Employee"), 24, listed="employees", only_listed=False,
            needed=Needed("text"),
        ),
        FormColumn("text", msg("Goal"), 60, needed=Needed("owner_id")),
        FormColumn("measure", msg("How it is measured"), 30, needed=Needed("text")),
        FormColumn("target", msg("Target"), 20),
        FormColumn("due_on", msg("Due on"), 14, "date", needed=Needed("text")),
    ),
    n_empty=30,
)  # fmt: skip

CHECK_INS = FormSheet(
    "check_ins",
    msg("Check-ins"),
    msg("A row per conversation. Both sides count: what each of the two said, in own words."),
    (
        FormColumn(
            "employee_id", msg("Employee"), 24, listed="employees", only_listed=False,
            needed=Needed("dated_on"),
        ),
        FormColumn("dated_on", msg("On"), 14, "date", needed=Needed("employee_id")),
        FormColumn("employee_text", msg("What the employee said"), 46),
        FormColumn("manager_text", msg("What the manager said or agreed"), 46),
        FormColumn("next_on", msg("Next check-in on"), 14, "date"),
    ),
    n_empty=60,
)  # fmt: skip

FEEDBACK = FormSheet(
    "feedback",
    msg("Feedback"),
    msg("Feedback goes both ways: to employees, between colleagues, and to managers."),
    (
        FormColumn(
            "from_id", msg("From"), 24, listed="people", only_listed=False, needed=Needed("text")
        ),
        FormColumn(
            "employee_id", msg("To"), 24, listed="people", only_listed=False, needed=Needed("text")
        ),
        FormColumn("dated_on", msg("On"), 14, "date", needed=Needed("text")),
        FormColumn("text", msg("What was seen, and what it brought about"), 70),
    ),
    n_empty=60,
)

AGREEMENTS = FormSheet(
    "agreements",
    msg("Agreements"),
    msg("What employee and manager agreed in the conversation about the conversation card."),
    (
        FormColumn(
            "employee_id", msg("Employee"), 24, listed="employees", only_listed=False,
            needed=Needed("text"),
        ),
        FormColumn("text", msg("What"), 54, needed=Needed("employee_id")),
        FormColumn("due_on", msg("By when"), 14, "date", needed=Needed("text")),
        FormColumn("measure", msg("How it shows that it is done"), 36),
        FormColumn(
            "owner_id", msg("Who does it"), 24, listed="people", only_listed=False,
            needed=Needed("text"),
        ),
    ),
    n_empty=40,
)  # fmt: skip

PROGRESS_FORM = FormLayout(
    name="calibration-progress-form",
    version=1,
    file=PROGRESS_FILE,
    title=msg("Progress form"),
    sheets=(ACTIONS, GOALS, NEW_GOALS, CHECK_INS, FEEDBACK, AGREEMENTS),
    identity=IDENTITY_KEYS,
    lists={"employees": msg("Employees"), "people": msg("Employees and managers")},
)


def shown(text: str) -> str:
    """Return a text as a locked cell shows it: on one line, bounded, without invisible signs."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain[:_LONGEST_SHOWN].rstrip()


def action_id(owner_id: str, kind: str, text: str) -> str:
    """Return a short number for an action, which has none of its own."""
    return _mark(owner_id, kind, text)[:8]


def new_goal_id(owner_id: str, text: str) -> str:
    """Return the identifier of a goal that a form brings: the same form, the same goal."""
    return f"g-{_mark('new', owner_id, text)}"


def revision_id(goal_id: str) -> str:
    """Return the identifier of the goal that replaces another one."""
    return f"g-{_mark('revised', goal_id)}"


def agreement_text(owner_id: str, employee_id: str, text: str) -> str:
    """Return an agreement as an action says it: one of each, where several people have the same."""
    return text if owner_id == employee_id else f"{text} · {employee_id}"


def _mark(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()


def called(names: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return what each person is called in the lists of a form; two of one name by number too.

    Parameters
    ----------
    names
        Identifier and name of each person.
    """
    plain = {who: shown(name)[:_LONGEST_NAME].rstrip() if name else who for who, name in names}
    times = Counter(plain.values())
    return {who: f"{name} ({who})" if times[name] > 1 else name for who, name in plain.items()}
