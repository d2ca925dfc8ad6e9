"""What the decision form of one session holds: rows, lists, identity; nothing about its looks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import pandas as pd

from pipeline.decision_form import (
    ATTENDANCE,
    DECISION_FORM,
    DECISIONS,
    NOW,
    OUTCOME_WORDS,
    OVERALL_WORD,
    ROLE_WORDS,
    SITTING,
    decision_columns,
)
from pipeline.errors import Message, msg, msgn
from pipeline.pack.context import Context
from pipeline.pack.form.model import FormContent, FormRow
from pipeline.pack.wording import QUIET, RULES, shorten
from pipeline.tables import OVERALL

_LONGEST_NAME = 120


def form_content(context: Context, pack_version: str) -> FormContent:
    """Gather what the decision form of a session holds.

    Parameters
    ----------
    context
        The room's view, the plan and the language.
    pack_version
        Mark of the pack that the form belongs to.
    """
    overall = context.say(OVERALL_WORD)
    criteria = _labels(context, overall)
    decisions = _decisions(context, list(criteria), overall)
    columns = {sheet.name: sheet.columns for sheet in DECISION_FORM.sheets}
    columns[DECISIONS.name] = decision_columns(criteria, overall)
    rows: dict[str, list[FormRow]] = {sheet.name: [] for sheet in DECISION_FORM.sheets}
    rows[DECISIONS.name] = decisions
    rows[ATTENDANCE.name] = _present(context)
    minutes = context.session.minutes or context.settings.session.minutes
    rows[SITTING.name] = [{"planned_minutes": minutes}]
    return FormContent(
        layout=DECISION_FORM,
        columns=columns,
        rows=rows,
        lists={
            "scale": list(context.points),
            "criteria": [overall, *criteria.values()],
            "criteria_ids": [OVERALL, *criteria],
        },
        identity=_identity(context, decisions, pack_version),
        instructions=_instructions(context, decisions),
        n_cases=sum(1 for row in decisions if row["reason"]),
    )


def _labels(context: Context, overall: str) -> dict[str, str]:
    """Return the label of each criterion; two alike, or like "overall", get their identifier."""
    rated = sorted(set(context.data.ratings["criterion_id"]) - {OVERALL})
    labels = {str(one): context.criterion(one) for one in rated}
    times = Counter([overall, *labels.values()])
    return {one: f"{label} ({one})" if times[label] > 1 else label for one, label in labels.items()}


def _decisions(context: Context, criteria: list[str], overall: str) -> list[FormRow]:
    """Return a row per case in the order of the agenda, then one per other employee."""
    scores = _current(context.data.ratings)
    cases = {case.subject_id: case for case in context.plan.cases}
    owners = context.data.ratings.drop_duplicates("subject_id")
    owner = dict(zip(owners["subject_id"], owners["employee_id"], strict=True))
    rated = {str(one) for one in owner}
    unrated = [] if context.is_conversation else list(context.unrated)
    owner |= {one: one for one in unrated}
    named = {one: context.subject(str(one), str(who)) for one, who in owner.items()}
    others = sorted((rated | set(unrated)) - set(cases), key=lambda one: (named[one], one))
    levels = dict(
        zip(context.data.employees["employee_id"], context.data.employees["job_level"], strict=True)
    )
    rows: list[FormRow] = []
    for subject in [one for one in cases if one in named] + others:
        standing = context.standing.get(subject)
        level = levels.get(owner[subject])
        row: FormRow = {
            "subject": subject,
            "name": shorten(named[subject], _LONGEST_NAME),
            "job_level": shorten(str(level), 40) if isinstance(level, str) else None,
            "reason": _why(context, cases[subject]) if subject in cases else None,
            f"{NOW}{OVERALL}": _rounded(standing["score"]) if standing else None,
            "criterion_id": overall,
        }
        row |= {f"{NOW}{one}": scores.get((subject, one)) for one in criteria}
        rows.append(row)
    return rows


def _why(context: Context, case: Any) -> str:
    words = [context.say(RULES[rule.name]) for rule in case.rules if rule.name in RULES]
    return ", ".join(words) if words else context.say(QUIET)


def _current(ratings: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the mean over raters per subject and criterion."""
    means = ratings.groupby(["subject_id", "criterion_id"])["score"].mean().dropna()
    return {(str(a), str(b)): round(float(value), 2) for (a, b), value in means.items()}


def _rounded(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 2)


def _present(context: Context) -> list[FormRow]:
    """Return who is expected: the participants and those who guide; else the raters."""
    data, session = context.data, context.session
    roles: dict[str, str] = {}
    for row in data.participants.to_dict("records"):
        role = row["role"]
        roles[str(row["person_id"])] = role if isinstance(role, str) else "rater"
    if not roles:
        roles = dict.fromkeys(sorted(set(data.ratings["rater_id"])), "rater")
    guides = ((session.facilitator_id, "facilitator"), (session.process_guard_id, "process_guard"))
    roles |= {who: role for who, role in guides if who}
    order = list(ROLE_WORDS)
    return [
        {"person_id": one, "name": context.person(one), "role": context.say(ROLE_WORDS[role])}
        for one, role in sorted(roles.items(), key=lambda pair: (order.index(pair[1]), pair[0]))
    ]


def _identity(context: Context, decisions: list[FormRow], pack_version: str) -> dict[str, str]:
    session = context.session
    return {
        "form": DECISION_FORM.name,
        "form_version": str(DECISION_FORM.version),
        "session_id": session.session_id,
        "cycle": session.cycle,
        "department": shorten(session.department, _LONGEST_NAME),
        "kind": session.kind,
        "language": context.language.code,
        "pack_version": pack_version,
        "data_stamp": context.data.data_stamp,
        "scores": scores_mark(decisions),
    }


def scores_mark(decisions: list[FormRow]) -> str:
    """Return a mark of the current scores: other scores, another mark."""
    plain = sorted(
        [str(row["subject"]), name, value]
        for row in decisions
        for name, value in row.items()
        if name.startswith(NOW) and value is not None
    )
    text = json.dumps(plain, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _instructions(context: Context, rows: list[FormRow]) -> tuple[str, ...]:
    say, session = context.say, context.session
    words = {value: say(word) for value, word in OUTCOME_WORDS.items()}
    texts: list[Message] = [
        msg(
            "This form records what the session {session} decided. Fill it in during the session,"
            " save it under the same name and give it back to whoever sent it.",
            session=session.session_id,
        ),
        msg("People decide, not this form: it proposes no score. Confidential: only for the room."),
        msg(
            "On the sheet with decisions each person or conversation has a row, the agenda first."
            " Grey cells are fixed; the scores in them are those of before the session. White cells"
            " are yours."
        ),
        msg(
            "Outcome: {upheld} (the score stays), {adjusted} (choose the new score) or {parked} (no"
            " decision yet). Every outcome needs an argument: behaviour that was seen, and when. A"
            " row without an outcome was not discussed, and nothing about it changes.",
            **words,
        ),
        msg(
            "A coloured cell is still missing something. A decision about one criterion, or a"
            " second decision about somebody, goes in an empty row at the bottom: choose the name"
            " and what the decision is about."
        ),
        msg("Dissent that remains is written down too; whoever dissents chooses the words."),
        _scale(context),
        *_overall(context, rows),
        *context.view.left_out,
    ]
    if context.view.left_out:
        texts.append(
            msg(
                "Decisions about people who take part are not in this form. The facilitator"
                " records them apart, without the person present."
            )
        )
    found = [say(text) for text in texts]
    n = len(context.plan.cases)
    if n:
        found.insert(2, say(msgn("{n} case is on the agenda.", "{n} cases are on the agenda.", n)))
    return tuple(found)


def _overall(context: Context, rows: list[FormRow]) -> list[Message]:
    """Say how a new overall score is written, where the present ones lie between two points."""
    known = [row[f"{NOW}{OVERALL}"] for row in rows]
    between = [one for one in known if one is not None and one not in context.points]
    if not between:
        return []
    return [
        msg(
            "The overall score of now is a weighted mean over the criteria, such as {example}. A"
            " new overall score is one point of the scale: what the session finds that it should"
            " be as a whole. To change part of it, decide about one criterion instead.",
            example=float(str(between[0])),
        )
    ]


def _scale(context: Context) -> Message:
    scale = context.settings.scale
    named = []
    for point in context.points:
        label = scale.label(point, context.language.code)
        if label:
            named.append(f"{context.score(point, 1)} = {label}")
    if not named:
        return msg(
            "The scale runs from {low} to {high}.",
            low=context.score(scale.low, 1),
            high=context.score(scale.high, 1),
        )
    return msg("The scale: {points}.", points="; ".join(named))
