"""Conversations that raters of a customer-contact department score together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.sample.layout import Department
from pipeline.sample.people import Cycle, Person
from pipeline.sample.randomness import Stream
from pipeline.sample.scores import (
    IMPRESSION_SD,
    MEAN,
    RESIDUAL_SD,
    ordinary_severity,
    to_scale,
)
from pipeline.sample.texts import CONVERSATION, Phrases

MANAGERS_WHO_SCORE = 3
_CONVERSATION_SD, _AGENT_SHARE, _CRITERION_SD = 0.40, 0.5, 0.35
_MISSING = 0.015
_SECOND_REMARK = 0.12


@dataclass(frozen=True)
class Panel:
    """Who scores the conversations of a session, and who guards the process."""

    raters: tuple[tuple[Person, str], ...]
    guard: Person | None


def panel_of(present: list[Person], cycle: Cycle) -> Panel:
    """Choose the raters: some team managers, the coaches and the expert, at most six."""
    here = [p for p in present if p.in_service(cycle.ends_on)]
    managers = [p for p in here if p.seat.kind == "manager"]
    chosen = [(p, "second") for p in managers[:MANAGERS_WHO_SCORE]]
    chosen += [(p, "second") for p in here if p.seat.kind == "coach"]
    chosen += [(p, "expert") for p in here if p.seat.kind == "expert"]
    guard = managers[MANAGERS_WHO_SCORE] if len(managers) > MANAGERS_WHO_SCORE else None
    return Panel(tuple(chosen), guard)


def conversation_rows(
    department: Department,
    present: list[Person],
    cycle: Cycle,
    seed: int,
    phrases: Phrases,
) -> list[tuple[str, ...]]:
    """Return the rows of `ratings` about conversations: every rater scores every conversation."""
    rows: list[tuple[str, ...]] = []
    stream = Stream(seed, department.name, cycle.name, "conversations")
    words = Stream(seed, department.name, cycle.name, "conversation remarks")
    panel = panel_of(present, cycle)
    # the expert is the baseline
    severity = {
        p.employee_id: 0.0 if role == "expert" else ordinary_severity(seed, p.employee_id)
        for p, role in panel.raters
    }
    agents = [p for p in present if p.rated and p.seat.kind == "staff"]
    n = min(department.spec.conversations, len(agents))
    days = [dt.date(cycle.year, 11, day) for day in range(9, 28)]
    days = [day for day in days if day.weekday() < 5]
    for number, agent in enumerate(stream.some(agents, n), start=1):
        subject = f"G{cycle.name}-{number:03d}"
        level = MEAN + agent.level * _AGENT_SHARE + stream.normal(_CONVERSATION_SD)
        profile = [stream.normal(_CRITERION_SD) for _ in CONVERSATION]
        for rater, role in panel.raters:
            impression = stream.normal(IMPRESSION_SD)
            day = stream.pick(days).isoformat()
            mine = "manager" if agent.manager_id == rater.employee_id else role
            first = True
            for criterion, own in zip(CONVERSATION, profile, strict=True):
                value = level + own + impression - severity[rater.employee_id]
                score = to_scale(value + stream.normal(RESIDUAL_SD))
                if stream.chance(_MISSING):
                    continue
                remark = ""
                if first or words.chance(_SECOND_REMARK):
                    remark = phrases.conversation(words, score)
                first = False
                rows.append(
                    (
                        cycle.name,
                        agent.employee_id,
                        rater.employee_id,
                        criterion,
                        str(score),
                        mine,
                        subject,
                        day,
                        remark,
                    )
                )
    return rows
