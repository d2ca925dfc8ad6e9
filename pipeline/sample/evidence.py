"""What was recorded through the year: dated evidence, goals with revisions, measured results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.sample.effects import DepartmentEffects
from pipeline.sample.people import Cycle, People, Person
from pipeline.sample.randomness import Stream
from pipeline.sample.scores import rated_level
from pipeline.sample.texts import PERFORMANCE, Phrases

_PER_QUARTER = 0.75
"""Pieces of evidence about an ordinary employee in an ordinary quarter."""
_MORE_WHEN_GOOD = 1.0
_VALENCE_SD = 0.5
_MOST_PER_QUARTER = 7
_UNDER_THE_RADAR = 1
_KINDS = (("example", 45), ("feedback", 25), ("check-in", 20), ("goal", 10))
_QUARTER_DAYS = ((0, 89), (90, 181), (182, 273), (274, 347))
"""Days of the cycle per quarter; the last ends before the ratings are given."""

_GOALS, _REVISED, _TEAM_GOALS = 0.7, 0.18, 0.8
_RESULT_PER_POINT, _RESULT_SD = 0.09, 0.06


def evidence_rows(
    people: People,
    present: list[Person],
    cycle: Cycle,
    effects: DepartmentEffects,
    phrases: Phrases,
    seed: int,
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `evidence` of a cycle, by employee and date."""
    department = people.department
    stream = Stream(seed, department.name, cycle.name, "evidence")
    words = Stream(seed, department.name, cycle.name, "evidence texts")
    here = {p.employee_id: p for p in present}
    last = effects.size("recency", 0.25)
    # where only the last quarter is seen, most is recorded there too
    weights = (*((1 - last) / 3,) * 3, last)
    for i, person in enumerate(present):
        if not person.rated:
            continue
        manager = here.get(person.manager_id)
        hidden = effects.at(person.seat.name, "under_the_radar") is not None
        written = 0
        for quarter, weight, (first, until) in zip(
            person.quarters, weights, _QUARTER_DAYS, strict=True
        ):
            mean = _PER_QUARTER * (manager.recording if manager else 1) * weight * 4
            mean *= max(0.1, 1 + _MORE_WHEN_GOOD * quarter)
            days = sorted(
                {
                    _workday(cycle.starts_on + dt.timedelta(stream.between(first, until)))
                    for _ in range(_count(stream, mean))
                }
            )
            for day in days:
                kind = stream.weighted(_KINDS)
                criterion = stream.pick(PERFORMANCE)
                good = person.level + quarter + stream.normal(_VALENCE_SD) > -0.15
                colleague = present[(i + stream.between(1, 5)) % len(present)]
                if day < person.hired_on or (hidden and written == _UNDER_THE_RADAR):
                    continue
                written += 1
                from_id = person.manager_id
                if kind == "feedback" and colleague.in_service(day) and colleague is not person:
                    from_id = colleague.employee_id
                yield (
                    person.employee_id,
                    day.isoformat(),
                    kind,
                    criterion if kind in ("example", "feedback") else "",
                    from_id,
                    phrases.evidence(words, kind, criterion, good=good),
                )


def _count(stream: Stream, mean: float) -> int:
    """Draw how many pieces there are, with this mean."""
    return sum(stream.chance(mean / _MOST_PER_QUARTER) for _ in range(_MOST_PER_QUARTER))


def _workday(day: dt.date) -> dt.date:
    return day + dt.timedelta(7 - day.weekday() if day.weekday() > 4 else 0)


def goal_rows(
    people: People, present: list[Person], cycle: Cycle, phrases: Phrases, seed: int
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `goals` of a cycle: of people, and of teams in their manager's name."""
    stream = Stream(seed, people.department.name, cycle.name, "goals")
    current = cycle.before_last == 0
    for person in present:
        if not (person.rated or person.seat.leads):
            continue
        if not stream.chance(_TEAM_GOALS if person.seat.leads else _GOALS):
            continue
        goal = stream.pick(phrases.all["goal"])
        text = f"Team: {goal['text'].lower()}" if person.seat.leads else goal["text"]
        target, later = stream.pick(goal["targets"]), stream.pick(goal["targets"])
        month, revised = stream.between(5, 11), stream.chance(_REVISED)
        done = stream.chance(0.45 if current else 0.75)
        status = "done" if done else ("open" if current else "dropped")
        first = f"{cycle.name}-{person.employee_id}-1"
        due = dt.date(cycle.year, month, 28)
        yield (
            first,
            person.employee_id,
            text,
            goal["measure"],
            target,
            due.isoformat(),
            "revised" if revised else status,
            "",
        )
        if revised:
            yield (
                f"{cycle.name}-{person.employee_id}-2",
                person.employee_id,
                text,
                goal["measure"],
                later,
                dt.date(cycle.year, 11, 28).isoformat(),
                status,
                first,
            )


def result_rows(
    people: People,
    present: list[Person],
    cycle: Cycle,
    effects: DepartmentEffects,
    seed: int,
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `results` of a cycle, for job families whose work is measured."""
    stream = Stream(seed, people.department.name, cycle.name, "results")
    for person in present:
        noise = stream.normal(_RESULT_SD)
        _, metric, target = people.family(person)
        if not person.rated or not metric:
            continue
        radar = effects.at(person.seat.name, "under_the_radar")
        share = 1 + _RESULT_PER_POINT * rated_level(person, effects, cycle) + noise
        share += radar.results_above if radar else 0
        value = target * max(0.3, share)
        if "%" in metric or "(0-100)" in metric:
            value = min(100.0, value)
        yield (
            cycle.name,
            person.employee_id,
            metric,
            f"{value:.1f}",
            f"{target:g}",
        )
