"""Who rates whom, and the model that the scores come from.

    score = 3.25 + level + quarters + criterion + impression − severity + residual

rounded and clipped to 1–5. Level, quarters and criterion belong to the employee, severity to the
rater, impression to rater × employee. A planted effect changes a term of this sum, never a score
afterwards; every term is drawn whether or not an effect uses it, so that a sample without
planted effects has the same people and the same noise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from pipeline.sample.effects import DepartmentEffects
from pipeline.sample.layout import Department
from pipeline.sample.people import Cycle, Person
from pipeline.sample.randomness import Stream
from pipeline.sample.texts import PERFORMANCE, Phrases

MEAN, LOW, HIGH = 3.25, 1, 5
SEVERITY_SD, IMPRESSION_SD, RESIDUAL_SD = 0.19, 0.22, 0.50
"""Spread of ordinary raters, of rater × employee, and of the rest, before rounding."""
SEVERITY_MOST = 2.0
"""Ordinary severity is cut off here, in SDs: no ordinary rater is as strict as a planted one."""
_HALO_LEAVES = 0.25
_MISSING_JUDGEMENT = {"manager": 0.012, "second": 0.04, "self": 0.1}
_MISSING_SCORE = 0.02
_MORE_RATIONALE = 0.2

Pair = tuple[Person, str, str]
"""Employee, rater, role."""


@dataclass(frozen=True)
class RaterStyle:
    """How a rater comes to scores."""

    severity: float
    impression_sd: float = IMPRESSION_SD
    residual_sd: float = RESIDUAL_SD
    criteria_share: float = 1.0
    slope: float = 1.0


@dataclass(frozen=True)
class Judgement:
    """One rater about one employee; a criterion without a score holds None."""

    person: Person
    rater_id: str
    role: str
    day: dt.date
    scores: tuple[int | None, ...]

    @property
    def mean(self) -> float:
        """Mean of the scores given."""
        given = [score for score in self.scores if score is not None]
        return sum(given) / len(given) if given else MEAN


def to_scale(value: float) -> int:
    """Round to the scale, half up."""
    return max(LOW, min(HIGH, floor(value + 0.5)))


def ordinary_severity(seed: int, rater_id: str) -> float:
    """Return the severity of a rater for whom nothing is planted."""
    return Stream(seed, "severity", rater_id).normal_within(SEVERITY_SD, SEVERITY_MOST)


def style_of(
    seed: int, rater_id: str, seat: str, effects: DepartmentEffects, ago: int
) -> RaterStyle:
    """Return how a rater rates in the cycle ``ago`` cycles before the last."""
    severity = ordinary_severity(seed, rater_id)
    effect = effects.at(seat, "severity", "severity_not_identifiable", "drift")
    if effect:
        return RaterStyle(effect.size_in(ago))
    if effect := effects.at(seat, "halo"):
        return RaterStyle(
            severity,
            impression_sd=effect.size_in(ago),
            residual_sd=RESIDUAL_SD * _HALO_LEAVES,
            criteria_share=_HALO_LEAVES,
        )
    if effect := effects.at(seat, "central_tendency"):
        return RaterStyle(severity, slope=effect.size_in(ago))
    if effect := effects.at(seat, "inconsistency"):
        return RaterStyle(severity, residual_sd=effect.size_in(ago))
    return RaterStyle(severity)


def pairs(
    department: Department, present: list[Person], cycle: Cycle, effects: DepartmentEffects
) -> Iterator[Pair]:
    """Yield who rates whom in a cycle: managers, then second raters, then self."""
    spec = department.spec
    seats = department.seats
    holders = {p.seat.index: p for p in present if p.in_service(cycle.ends_on)}
    groups = int(effects.size("unlinked_groups", 1))
    pools: dict[int, list[Person]] = {}
    for index, person in holders.items():
        if seats[index].leads:
            pools.setdefault(seats[index].site % groups, []).append(person)
    turn, due = 0, 0.5
    for person in present:
        if not person.rated:
            continue
        yield person, person.manager_id, "manager"
        due += spec.second_share
        # spread evenly, as an organisation that plans second raters would
        if due >= 1:
            due -= 1
            pool = pools.get(person.seat.site % groups, [])
            for step in range(len(pool)):
                second = pool[(turn + step) % len(pool)]
                if second.employee_id != person.manager_id and not _under(
                    second.seat.index, person.seat.index, department
                ):
                    yield person, second.employee_id, "second"
                    break
            turn += 1
        if spec.self_ratings:
            yield person, person.employee_id, "self"


def _under(seat: int, boss: int, department: Department) -> bool:
    """Return whether a seat is ``boss`` itself or reports to it, directly or through others."""
    at: int | None = seat
    while at is not None:
        if at == boss:
            return True
        at = department.seats[at].boss
    return False


def judge(
    department: Department,
    present: list[Person],
    cycle: Cycle,
    effects: DepartmentEffects,
    seed: int,
) -> list[Judgement]:
    """Rate everybody of a department in a cycle."""
    stream = Stream(seed, department.name, cycle.name, "ratings")
    days = [dt.date(cycle.year, 11, day) for day in range(16, 31)]
    days = [day for day in days if day.weekday() < 5]
    seat_of = {p.employee_id: p.seat.name for p in present}
    last_quarter = effects.size("recency", 0.25)
    gap = effects.size("gender_gap", 0.0)
    styles: dict[str, RaterStyle] = {}
    found = []
    for person, rater_id, role in pairs(department, present, cycle, effects):
        if rater_id not in styles:
            seat = seat_of.get(rater_id, "")
            styles[rater_id] = style_of(seed, rater_id, seat, effects, cycle.before_last)
        style = styles[rater_id]
        level = rated_level(person, effects, cycle, last_quarter)
        if person.gender == "female" and role != "self":
            level += gap
        base = MEAN + level + stream.normal(style.impression_sd) - style.severity
        missing = stream.chance(_MISSING_JUDGEMENT[role])
        day = stream.pick(days)
        scores: list[int | None] = []
        for own in person.by_criterion:
            value = base + own * style.criteria_share + stream.normal(style.residual_sd)
            value = 3 + (value - 3) * style.slope
            scores.append(None if stream.chance(_MISSING_SCORE) else to_scale(value))
        if not missing:
            found.append(Judgement(person, rater_id, role, day, tuple(scores)))
    return found


def rated_level(
    person: Person, effects: DepartmentEffects, cycle: Cycle, last_quarter: float = 0.25
) -> float:
    """Return the level of an employee as raters see it."""
    radar = effects.at(person.seat.name, "under_the_radar")
    if radar:
        return radar.size_in(cycle.before_last)
    *earlier, last = person.quarters
    return person.level + last_quarter * last + (1 - last_quarter) * sum(earlier) / len(earlier)


def rating_rows(
    judgements: list[Judgement], cycle: Cycle, phrases: Phrases, stream: Stream
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `ratings`; the first score of a judgement carries the rationale."""
    for judgement in judgements:
        day = judgement.day.isoformat()
        first = True
        for criterion, score in zip(PERFORMANCE, judgement.scores, strict=True):
            if score is None:
                continue
            text = ""
            if first or stream.chance(_MORE_RATIONALE):
                text = phrases.rationale(stream, criterion, score)
            first = False
            yield (
                cycle.name,
                judgement.person.employee_id,
                judgement.rater_id,
                criterion,
                str(score),
                judgement.role,
                "",
                day,
                text,
            )
