"""What is known beside the score of a case: rationales, dated evidence, results, goals."""

from __future__ import annotations

import pandas as pd

from pipeline.agenda import Case
from pipeline.errors import msg, msgn
from pipeline.methods.expected import Expected
from pipeline.methods.ordinal import Ordinal
from pipeline.methods.results_mismatch import CAVEAT
from pipeline.pack.blocks import Block, Fold, Note, Record, Records, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import EVIDENCE_KINDS, GOAL_STATES, RATER_ROLES, shorten

MOST_EVIDENCE, MOST_RATIONALES, MOST_GOALS, MOST_RESULTS, MOST_UNEXPECTED = 6, 6, 4, 4, 2
MOST_OPEN = 2
"""Rationales, and pieces of evidence, that are shown at once; the others in a fold."""
LONGEST = 400


def build(context: Context, case: Case) -> list[Block]:
    """Return what was written about a case: rationales, then dated evidence."""
    found = [*rationales(context, case), *_evidence(context, case)]
    if any(rule.name == "results" for rule in case.rules):
        found.append(Note(context.say(CAVEAT), context.say(msg("Beside results"))))
    return found


def explained(context: Context, cases: list[Case]) -> list[Block]:
    """Say what the numbers from a model in the cases mean, where there are any."""
    say, texts = context.say, []
    if any(expected(context, case) for case in cases):
        texts.append(
            say(
                msg(
                    "With the average rater: what the ratings of all raters together lead to expect"
                    " if an average rater had scored. The borrowed part comes from the others, for"
                    " want of ratings. It is evidence for the conversation, never a grade."
                )
            )
        )
    if any(unexpected(context, case) for case in cases):
        texts.append(
            say(
                msg(
                    "Unexpected score: far from what the rater's other scores and the other raters"
                    " lead to expect. It can be a slip, or something only this rater saw."
                )
            )
        )
    title = say(msg("How to read the numbers in a case"))
    return [Fold(title, tuple(Text(text) for text in texts))] if texts else []


def expected(context: Context, case: Case) -> list[tuple[str, str]]:
    """Return what the average rater would be expected to score, with how sure that is."""
    found = context.analysis.expected
    if not isinstance(found, Expected):
        return []
    rows = found.subjects
    rows = rows[rows["subject_id"].eq(case.subject_id) & rows["expected"].notna()]
    if rows.empty:
        return []
    row = rows.iloc[0]
    text = context.say(
        msgn(
            "{score} ({between}); {n} rater, {share} borrowed",
            "{score} ({between}); {n} raters, {share} borrowed",
            int(row["n_raters"]),
            score=context.score(row["expected"]),
            between=context.interval(row["ci_low"], row["ci_high"]),
            share=context.percent(row["borrowed"]),
        )
    )
    return [(context.say(msg("With the average rater")), text)]


def unexpected(context: Context, case: Case) -> list[tuple[str, str]]:
    """Return single scores of a case that are far from what the others lead to expect."""
    found, say = context.analysis.ordinal, context.say
    if not isinstance(found, Ordinal):
        return []
    rows = found.unexpected[found.unexpected["subject_id"].eq(case.subject_id)]
    facts = [
        (
            say(msg("Unexpected score")),
            say(
                msg(
                    "{score} by {name} on {criterion}; {expected} expected",
                    score=context.score(row["observed"], 1),
                    name=context.person(row["rater_id"]),
                    criterion=context.criterion(row["criterion_id"]),
                    expected=context.score(row["expected"]),
                )
            ),
        )
        for row in rows.head(MOST_UNEXPECTED).to_dict("records")
    ]
    if len(rows) > len(facts):
        more = len(rows) - len(facts)
        facts.append((say(msg("Unexpected score")), say(msgn("{n} more", "{n} more", more))))
    return facts


def results(context: Context, case: Case) -> list[tuple[str, str]]:
    """Return what was measured about a person, each with its target."""
    own = context.rows_of("results", case.employee_id)

    def write(value: float) -> str:
        return context.language.number(float(value), 0 if float(value).is_integer() else 1)

    found = []
    for row in own[:MOST_RESULTS]:
        text = write(row["value"])
        if pd.notna(row["target"]):
            text = context.say(
                msg("{value}, target {target}", value=text, target=write(row["target"]))
            )
        found.append((shorten(str(row["metric"]), 120), text))
    return found


def rationales(context: Context, case: Case) -> list[Block]:
    """Return what raters wrote beside their scores."""
    written: dict[tuple[str, str], list[Row]] = {}
    for row in context.rows_of("ratings", case.subject_id):
        if isinstance(row["rationale"], str):
            written.setdefault((row["rater_id"], row["rationale"]), []).append(row)
    say = context.say
    if not written:
        return [Note(say(msg("No rationale was written.")), tone="warning")]
    found = [
        Record(
            f"{context.person(rater)}{_role(context, rows[0]['rater_role'])} · "
            + context.language.join([context.criterion(row["criterion_id"]) for row in rows]),
            shorten(text, LONGEST),
        )
        for (rater, text), rows in written.items()
    ]
    rest = found[MOST_OPEN:MOST_RATIONALES]
    folded = say(msgn("{n} more rationale", "{n} more rationales", len(rest)))
    first = Records(say(msg("Rationales")), tuple(found[:MOST_OPEN]))
    return [first, *_fold(folded, rest, _more(context, len(found) - MOST_RATIONALES))]


def _fold(title: str, rest: list[Record], note: str) -> list[Block]:
    return [Fold(title, (Records("", tuple(rest), note),))] if rest else []


def _role(context: Context, role: object) -> str:
    known = isinstance(role, str) and role in RATER_ROLES
    return f", {context.say(RATER_ROLES[str(role)])}" if known else ""


def _more(context: Context, n: int) -> str:
    if n <= 0:
        return ""
    return context.say(msgn("{n} more is in the data.", "{n} more are in the data.", n))


def _evidence(context: Context, case: Case) -> list[Block]:
    say, own = context.say, context.rows_of("evidence", case.employee_id)
    if not own:
        return [Note(say(msg("No dated evidence was recorded.")))]
    shown = sorted(own, key=lambda row: row["dated_on"], reverse=True)[:MOST_EVIDENCE]
    items = []
    for row in shown:
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
                say(msg("by {name}", name=context.person(by)))
                if isinstance(by, str) and context.knows_person(by)
                else "",
            )
        )
    rest = items[MOST_OPEN:]
    folded = say(msgn("{n} more piece of evidence", "{n} more pieces of evidence", len(rest)))
    first = Records(say(msg("Dated evidence")), tuple(items[:MOST_OPEN]))
    return [first, *_fold(folded, rest, _more(context, len(own) - len(shown)))]


def _due(row: Row) -> pd.Timestamp:
    return pd.Timestamp.min if pd.isna(row["due_on"]) else row["due_on"]


def goals(context: Context, case: Case) -> list[Block]:
    """Return the goals of a person, the last ones first."""
    say, own = context.say, context.rows_of("goals", case.employee_id)
    if not own:
        return []
    shown = sorted(own, key=_due, reverse=True)[:MOST_GOALS]
    items = []
    for row in shown:
        words = [context.date(row["due_on"], "medium")]
        if row["status"] in GOAL_STATES:
            words.append(say(GOAL_STATES[row["status"]]))
        text = shorten(row["text"], LONGEST) if isinstance(row["text"], str) else "–"
        items.append(Record(" · ".join(words), text))
    note = _more(context, len(own) - len(shown))
    title = say(msgn("{n} goal", "{n} goals", len(own)))
    return _fold(title, items, note)
