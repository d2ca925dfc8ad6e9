"""Part 14: how the numbers were made, their limits, the words used, who gets what, provenance."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from pipeline.agenda.rules import DISAGREEMENT, FAR_FROM_GROUP, FRINGE, JUMP
from pipeline.errors import Message, msg
from pipeline.methods.nested import Nested
from pipeline.methods.severity import Severity
from pipeline.pack.blocks import Block, Bullets, Column, Facts, Fold, Part, Table
from pipeline.pack.context import Context
from pipeline.pack.wording import AUDIENCE, TABLE_NAMES

Text = Message | tuple[Message, Message]
"""A text, or one about people and one about conversations."""

GLOSSARY: tuple[tuple[Message, Text], ...] = (
    (msg("severity"), msg("how much lower a rater scores than others would for the same work")),
    (
        msg("linked"),
        (
            msg(
                "raters share people they rated, directly or through others, so they can be"
                " compared"
            ),
            msg(
                "raters share conversations they scored, directly or through others, so they can"
                " be compared"
            ),
        ),
    ),
    (
        msg("interval"),
        msg("the range that the data leave open; wide means that little is known"),
    ),
    (
        msg("agreement (ICC)"),
        msg("how far two raters give the same score to the same work; 1 is fully, 0 is not at all"),
    ),
    (
        msg("comparable people"),
        msg("people of the same job level and job family; small groups are taken together"),
    ),
    (
        msg("profile"),
        msg("a pattern in ratings over criteria; a description, not a kind of person"),
    ),
    (msg("not estimable"), msg("these data cannot answer the question; the reason is given")),
    (msg("hidden"), msg("not shown, because the group is so small that a person could be known")),
    (
        msg("quiet middle"),
        (
            msg("people about whom no rule fired; some are discussed all the same"),
            msg("conversations for which no rule fired; some are discussed all the same"),
        ),
    ),
)

LIMITS: tuple[Text, ...] = (
    msg("Ratings are judgements. No method here measures performance itself."),
    (
        msg("Rater-related differences are not bias: raters also see different work."),
        msg("Rater-related differences are not bias: a rater can hear what others miss."),
    ),
    msg("No computed score replaces a rating, and no rating is changed by this pack."),
    msg("A pattern in a small group is weak evidence; read the interval, not the dot."),
)

_USED = {
    "ratings": (
        "employee_id", "subject_id", "rater_id", "criterion_id", "score", "rater_role",
        "rationale",
    ),
    "employees": ("employee_id", "name", "job_level", "job_family", "manager_id", "left_on"),
    "criteria": ("criterion_id", "label_nl", "label_en", "weight", "observable"),
    "cycle": ("cycle", "starts_on", "ends_on", "what_counts", "what_does_not", "consequences"),
    "participants": ("person_id", "role", "personal_goal"),
    "evidence": ("employee_id", "dated_on", "kind", "criterion_id", "from_id", "text"),
    "goals": ("owner_id", "text", "due_on", "status"),
    "results": ("employee_id", "metric", "value", "target"),
    "opinions": ("employee_id", "rater_id", "opinion", "note"),
}  # fmt: skip


def build(context: Context) -> list[Block]:
    """Make the part about methods and governance."""
    say = context.say
    return [
        Part(say(msg("Limits")), (Bullets(tuple(_say(context, one) for one in LIMITS)),)),
        _governance(context),
        Part(say(msg("Provenance")), (Facts(tuple(_provenance(context))),), "provenance"),
        Fold(
            say(msg("How the numbers were made")),
            (Bullets(tuple(_say(context, one) for one in _methods(context))),),
        ),
        Fold(
            say(msg("Words")),
            (
                Table(
                    say(msg("Glossary")),
                    (Column(say(msg("Word"))), Column(say(msg("Meaning")), wide=True)),
                    tuple((say(word), _say(context, meaning)) for word, meaning in GLOSSARY),
                    dense=True,
                ),
            ),
        ),
        Fold(say(msg("Thresholds")), (Facts(tuple(_thresholds(context))),)),
    ]


def _say(context: Context, text: Text) -> str:
    return context.of_kind(*text) if isinstance(text, tuple) else context.say(text)


def _methods(context: Context) -> list[Text]:
    found: list[Text] = [
        msg(
            "Comparability: who rated whom is drawn as a network; only its connected parts compare."
        ),
        (
            msg(
                "Severity: a mixed model with a random effect for everybody rated and for every"
                " rater (REML), pulled towards zero where a rater gave few ratings."
            ),
            msg(
                "Severity: a mixed model with a random effect for every conversation and for every"
                " rater (REML), pulled towards zero where a rater gave few scores."
            ),
        ),
        msg(
            "Agreement: intraclass correlation ICC(A,1), in words after Koo and Li (2016). The"
            " words are those of both ends of the interval, so a wide interval gets a range of"
            " words."
        ),
        (
            msg("Means: ratings of one person count together, so intervals are not too narrow."),
            msg(
                "Means: scores of one conversation count together, so intervals are not too narrow."
            ),
        ),
        msg("Cases: written rules with fixed thresholds, below. No model chooses people."),
    ]
    severity = context.analysis.severity
    if context.analysis.profiles is not None:
        found.append(
            msg("Profiles: claimed only if four checks agree; otherwise differences are gradual.")
        )
    if isinstance(context.analysis.nested, Nested):
        found.append(
            msg(
                "Raters without shared ratings: for each person the workbench also works out within"
                " which bounds the score would lie if part or all of the difference between groups"
                " were severity. These bounds are for checks; they adjust no rating."
            )
        )
    if isinstance(severity, Severity):
        found += [
            msg(
                "Naming raters: by the chance that severity matters in practice, with a limit on"
                " the expected share of wrong names; tried again without each criterion and"
                " without the raters who share most."
            ),
            (
                msg(
                    "Ways of rating: each rater is set beside what the model expects for the same"
                    " people and the same number of ratings, with a limit on false alarms."
                ),
                msg(
                    "Ways of rating: each rater is set beside what the model expects for the same"
                    " conversations and the same number of scores, with a limit on false alarms."
                ),
            ),
        ]
        found.append(
            msg("The severity model here was fitted with {engine}.", engine=severity.engine)
        )
    return found


def _thresholds(context: Context) -> list[tuple[str, str]]:
    say, chosen, points = context.say, context.settings.methods, msg("{size} points")

    def size(value: float) -> str:
        return context.language.say(points.text, size=float(value))

    return [
        (say(msg("Level of intervals")), context.percent(chosen.level)),
        (say(msg("Severity that matters")), size(chosen.practical_difference)),
        (
            say(msg("Most raters that may be named wrongly, of all named")),
            context.percent(chosen.false_discovery_rate),
        ),
        (
            context.of_kind(
                msg("Shared people to be comparable"),
                msg("Shared conversations to be comparable"),
            ),
            context.language.whole(chosen.minimum_shared),
        ),
        (
            say(msg("Smallest group of comparable people for a position")),
            context.language.whole(chosen.minimum_comparables),
        ),
        (
            say(msg("Far from comparable people")),
            say(
                msg(
                    "{n} standard deviations, and half a step of the scale",
                    n=context.language.number(FAR_FROM_GROUP, 1),
                )
            ),
        ),
        (say(msg("Raters differ")), size(DISAGREEMENT)),
        (say(msg("Large change")), size(JUMP)),
        (say(msg("Edge of the middle")), size(FRINGE)),
        (
            say(msg("Smallest group outside the session")),
            context.language.whole(context.settings.privacy.minimum_group),
        ),
    ]


_COMPARED = {
    "gender": "gender",
    "age": "birth_year",
    "tenure": "hired_on",
    "working_hours": "fte",
}


def _compared(context: Context) -> tuple[str, ...]:
    """Return the fields of the attributes that this pack compares groups on."""
    return tuple(_COMPARED[name] for name in context.analysis.fairness)


def _governance(context: Context) -> Part:
    say = context.say
    recipients = {
        "room": msg(
            "Facilitator, process guard and the managers who calibrate. People who are rated here"
            " themselves do not find their own rating."
        ),
        "manager": msg("One manager: the own team and the own pattern as a rater."),
        "organisation": msg(
            "Works council, board, analysts: aggregates only, small groups hidden."
        ),
    }
    audience = str(context.view.audience)
    rows = []
    for name, wanted in _USED.items():
        table = getattr(context.data, name)
        if name == "employees":
            wanted += _compared(context)
        used = [
            column
            for column in wanted
            if column in table and len(table) and table[column].notna().any()
        ]
        if used:
            rows.append((say(TABLE_NAMES[name]), ", ".join(used)))
    blocks: list[Block] = [
        Facts(
            (
                (say(msg("Purpose")), say(msg("to prepare one calibration session; no other use"))),
                (say(AUDIENCE[audience]), say(recipients[audience])),
                (
                    say(msg("Kept until")),
                    say(msg("shortly after the ratings of this cycle are final")),
                ),
                (
                    say(msg("Automated decisions")),
                    say(msg("none: people decide, with an argument for each outcome")),
                ),
            )
        )
    ]
    if rows:
        blocks.append(
            Fold(
                say(msg("Fields used")),
                (
                    Table(
                        say(msg("Tables and fields that this pack used")),
                        (Column(say(msg("Table"))), Column(say(msg("Fields")), wide=True)),
                        tuple(rows),
                        dense=True,
                    ),
                ),
            )
        )
    return Part(say(msg("Governance")), tuple(blocks))


def package_version() -> str:
    """Return the version of the workbench."""
    try:
        return version("calibration-workbench")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


def _provenance(context: Context) -> list[tuple[str, str]]:
    say, data = context.say, context.data
    loaded = context.language.moment(data.loaded_at) if data.loaded_at else "–"
    found = [
        (say(msg("Session")), data.session.session_id),
        (say(msg("Data stamp")), data.data_stamp or "–"),
        (say(msg("Loaded")), loaded),
        (say(msg("Calibration Workbench")), package_version()),
        (
            say(msg("Notebook parameters")),
            f"session_id={data.session.session_id}, language={context.language.code},"
            f" audience={context.view.audience}",
        ),
    ]
    if context.view.viewer_id is not None and pd.notna(context.view.viewer_id):
        found.append((say(msg("Reader")), context.person(context.view.viewer_id)))
    return found
