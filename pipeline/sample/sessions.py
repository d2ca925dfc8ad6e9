"""Calibration sessions: who takes part, and what colleagues think of the ratings beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.sample.company import FACILITATING, FACILITATORS, OUTSIDE
from pipeline.sample.conversations import Panel
from pipeline.sample.effects import DepartmentEffects
from pipeline.sample.layout import Department
from pipeline.sample.people import Cycle, Person
from pipeline.sample.randomness import Stream
from pipeline.sample.scores import MEAN, Judgement, rated_level
from pipeline.sample.texts import Phrases, slug

_ATTENDED = 0.94
_ASKED, _ASKED_TWICE, _NO_VIEW = 0.45, 0.15, 0.2
_OPINION_SD, _QUESTION_FROM = 0.45, 0.65
_NOTE = 0.8


@dataclass(frozen=True)
class Session:
    """A session with the people who calibrate in it."""

    session_id: str
    department: Department
    cycle: Cycle
    kind: str
    focus: str
    theme: str
    held_on: dt.date
    minutes: int
    facilitator_id: str
    guard_id: str
    rater_ids: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Whether it lies in the past; the sessions of the last cycle are still to come."""
        return self.cycle.before_last > 0

    def row(self) -> tuple[str, ...]:
        """Return its row of `sessions`."""
        return (
            self.session_id,
            self.cycle.name,
            self.department.name,
            self.kind,
            self.focus,
            self.theme,
            self.held_on.isoformat(),
            str(self.minutes),
            self.facilitator_id,
            self.guard_id,
        )


def facilitators(company: list[Department]) -> dict[str, tuple[str, ...]]:
    """Return who can facilitate, per department; ``""`` is every department without an entry."""
    by_name = {department.name: department for department in company}
    found: dict[str, tuple[str, ...]] = {"": ()}
    if FACILITATING in by_name:
        hr = by_name[FACILITATING]
        ids = (hr.id_at(f"staff {number}") for number in range(1, FACILITATORS + 1))
        found[""] = tuple(one for one in ids if one)
        found[FACILITATING] = (by_name[OUTSIDE].personnel_number(0),) if OUTSIDE in by_name else ()
    return found


def _day(stream: Stream, year: int) -> dt.date:
    days = [dt.date(year, 12, day) for day in range(1, 19)]
    return stream.pick([day for day in days if day.weekday() < 5])


def performance_session(
    department: Department,
    cycle: Cycle,
    judgements: list[Judgement],
    who: tuple[str, ...],
    seed: int,
) -> Session:
    """Return the session about the ratings of a department."""
    stream = Stream(seed, department.name, cycle.name, "session")
    size = department.spec.size
    raters = dict.fromkeys(j.rater_id for j in judgements if j.role in ("manager", "second"))
    return Session(
        f"{cycle.name}-{slug(department.name)}",
        department,
        cycle,
        "performance",
        department.spec.focus,
        "",
        _day(stream, cycle.year),
        60 if size <= 12 else 90 if size <= 60 else 120 if size <= 120 else 150,
        who[department.number % len(who)] if who else "",
        "",
        tuple(raters),
    )


def conversation_session(
    department: Department,
    cycle: Cycle,
    panel: Panel,
    who: tuple[str, ...],
    phrases: Phrases,
    seed: int,
) -> Session:
    """Return the session about conversations."""
    stream = Stream(seed, department.name, cycle.name, "conversation session")
    themes = phrases.all["session"]["themes"]
    return Session(
        f"{cycle.name}-{slug(department.name)}-gesprekken",
        department,
        cycle,
        "conversation",
        "performance",
        themes[cycle.year % len(themes)],
        _day(stream, cycle.year),
        90,
        who[(department.number + 1) % len(who)] if who else "",
        panel.guard.employee_id if panel.guard else "",
        tuple(person.employee_id for person, _ in panel.raters),
    )


def participant_rows(session: Session, phrases: Phrases, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `participants`: facilitator, process guard, raters."""
    stream = Stream(seed, session.session_id, "participants")
    people = [(session.facilitator_id, "facilitator"), (session.guard_id, "process_guard")]
    people += [(rater, "rater") for rater in session.rater_ids]
    seen = {""}
    for person, role in people:
        there = stream.chance(_ATTENDED) or role != "rater"
        goal = stream.pick(phrases.all["session"]["personal_goals"])
        if person in seen:
            continue
        seen.add(person)
        yield (
            session.session_id,
            person,
            role,
            goal if session.kind == "conversation" and role == "rater" else "",
            ("true" if there else "false") if session.held else "",
        )


def opinion_rows(
    session: Session,
    judgements: list[Judgement],
    effects: DepartmentEffects,
    phrases: Phrases,
    seed: int,
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `opinions`: raters about people whom they did not rate themselves."""
    stream = Stream(seed, session.session_id, "opinions")
    people: dict[str, Person] = {j.person.employee_id: j.person for j in judgements}
    given: dict[str, float] = {}
    rated_by: dict[str, set[str]] = {}
    for j in judgements:
        rated_by.setdefault(j.person.employee_id, {j.person.employee_id}).add(j.rater_id)
        if j.role == "manager":
            given[j.person.employee_id] = j.mean
    raters = session.rater_ids
    for employee_id, mean in given.items():
        asked = stream.chance(_ASKED) + stream.chance(_ASKED_TWICE)
        person = people[employee_id]
        start = stream.below(len(raters))
        others = (raters[(start + i) % len(raters)] for i in range(min(len(raters), 6)))
        fit = [r for r in others if r not in rated_by[employee_id]][:asked]
        # nobody has a say about those to whom he or she reports
        fit = [] if person.seat.leads else fit
        for rater in fit:
            seen = MEAN + rated_level(person, effects, session.cycle) + stream.normal(_OPINION_SD)
            no_view, note = stream.chance(_NO_VIEW), stream.chance(_NOTE)
            question = abs(mean - seen) > _QUESTION_FROM
            text = stream.pick(phrases.all["session"]["questions"])
            yield (
                session.session_id,
                employee_id,
                rater,
                "no view" if no_view else "question" if question else "agree",
                text if question and note and not no_view else "",
            )
