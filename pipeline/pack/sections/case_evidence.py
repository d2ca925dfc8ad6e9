"""What is known beside the score of a case: rationales, dated evidence, results, goals."""

from __future__ import annotations

import pandas as pd

from pipeline.agenda import Case
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Fold, Note, Record, Records
from pipeline.pack.context import Context, shorten
from pipeline.pack.wording import EVIDENCE_KINDS, GOAL_STATES, RATER_ROLES

MOST_EVIDENCE, MOST_RATIONALES, MOST_GOALS, MOST_RESULTS = 5, 5, 4, 4
LONGEST = 400


def build(context: Context, case: Case) -> list[Block]:
    """Return what was written about a case: rationales, then dated evidence."""
    return [*_rationales(context, case), *_evidence(context, case)]


def results(context: Context, case: Case) -> list[tuple[str, str]]:
    """Return what was measured about a person, each with its target."""
    own = context.rows_of("results", case.employee_id)

    def write(value: float) -> str:
        return context.language.number(float(value), 0 if float(value).is_integer() else 1)

    found = []
    for row in own.head(MOST_RESULTS).to_dict("records"):
        text = write(row["value"])
        if pd.notna(row["target"]):
            text = context.say(
                msg("{value}, target {target}", value=text, target=write(row["target"]))
            )
        found.append((shorten(str(row["metric"]), 120), text))
    return found


def _rationales(context: Context, case: Case) -> list[Block]:
    say, own = context.say, context.rows_of("ratings", case.subject_id)
    own = own[own["rationale"].notna()]
    if own.empty:
        return [Note(say(msg("No rationale was written.")), tone="warning")]
    found = [
        Record(
            f"{context.person(rater)}{_role(context, rows['rater_role'].iloc[0])} · "
            + context.language.join([context.criterion(one) for one in rows["criterion_id"]]),
            shorten(str(text), LONGEST),
        )
        for (rater, text), rows in own.groupby(["rater_id", "rationale"], sort=False)
    ]
    note = _more(context, len(found) - MOST_RATIONALES)
    return [Records(say(msg("Rationales")), tuple(found[:MOST_RATIONALES]), note)]


def _role(context: Context, role: object) -> str:
    known = isinstance(role, str) and role in RATER_ROLES
    return f", {context.say(RATER_ROLES[str(role)])}" if known else ""


def _more(context: Context, n: int) -> str:
    if n <= 0:
        return ""
    return context.say(msgn("{n} more is in the data.", "{n} more are in the data.", n))


def _evidence(context: Context, case: Case) -> list[Block]:
    say, own = context.say, context.rows_of("evidence", case.employee_id)
    if own.empty:
        return [Note(say(msg("No dated evidence was recorded.")))]
    shown = own.sort_values("dated_on", ascending=False, kind="stable").head(MOST_EVIDENCE)
    items = []
    for row in shown.to_dict("records"):
        words = [context.date(row["dated_on"], "medium")]
        if row["kind"] in EVIDENCE_KINDS:
            words.append(say(EVIDENCE_KINDS[row["kind"]]))
        if context.knows_criterion(row["criterion_id"]):
            words.append(context.criterion(row["criterion_id"]))
        by = row["from_id"]
        items.append(
            Record(
                " · ".join(words),
                shorten(row["text"], LONGEST) if isinstance(row["text"], str) else "",
                say(msg("by {name}", name=context.person(by))) if isinstance(by, str) else "",
            )
        )
    note = _more(context, len(own) - len(shown))
    return [Records(say(msg("Dated evidence")), tuple(items), note)]


def goals(context: Context, case: Case) -> list[Block]:
    """Return the goals of a person, the last ones first."""
    say, own = context.say, context.rows_of("goals", case.employee_id)
    if own.empty:
        return []
    shown = own.sort_values("due_on", ascending=False, kind="stable").head(MOST_GOALS)
    items = []
    for row in shown.to_dict("records"):
        words = [context.date(row["due_on"], "medium")]
        if row["status"] in GOAL_STATES:
            words.append(say(GOAL_STATES[row["status"]]))
        text = shorten(row["text"], LONGEST) if isinstance(row["text"], str) else "–"
        items.append(Record(" · ".join(words), text))
    note = _more(context, len(own) - len(shown))
    title = say(msgn("{n} goal", "{n} goals", len(own)))
    return [Fold(title, (Records(say(msg("Goals")), tuple(items), note),))]
