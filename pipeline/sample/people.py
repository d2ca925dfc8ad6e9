"""Who works in a department in each cycle: joiners, leavers, levels and what a person is like."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.sample.company import FACILITATING, FACILITATORS, LOCATIONS, MAIL_DOMAIN
from pipeline.sample.effects import effects_of
from pipeline.sample.layout import Department, Seat
from pipeline.sample.randomness import Stream
from pipeline.sample.texts import PERFORMANCE, names, slug

LEVELS = ("A", "B", "C", "D", "E")
LEADER_LEVELS = {"manager": "M1", "middle": "M2", "head": "M3"}

LEVEL_SD, CRITERION_SD, QUARTER_SD = 0.45, 0.30, 0.45
"""Spread of people, of a person over criteria, and of a person over the quarters of a year."""
_LEAVE, _LEAVE_LEADING, _NEW_SEAT, _PROMOTED = 0.09, 0.05, 0.05, 0.07
_SHORTEST_RATED = dt.timedelta(days=90)


@dataclass(frozen=True)
class Cycle:
    """A performance year, from 1 December to 30 November."""

    year: int
    before_last: int

    @property
    def name(self) -> str:
        """Identifier of the cycle."""
        return str(self.year)

    @property
    def starts_on(self) -> dt.date:
        """First day."""
        return dt.date(self.year - 1, 12, 1)

    @property
    def ends_on(self) -> dt.date:
        """Last day."""
        return dt.date(self.year, 11, 30)

    def month(self, n: int) -> dt.date:
        """Return the first day of month ``n``, from 0 (December) to 11 (November)."""
        return dt.date(self.year, n, 1) if n else self.starts_on


def cycles_until(last: int, n: int) -> list[Cycle]:
    """Return ``n`` cycles, the oldest first."""
    return [Cycle(last - before, before) for before in reversed(range(n))]


@dataclass(slots=True)
class Person:
    """Somebody on a seat, set to a cycle; level and quarters are never written to a file.

    Parameters
    ----------
    first_cycle, last_cycle
        Places in the list of cycles.
    family
        Place in the job families of the department.
    level
        True level against others, in scale points; with ``by_criterion`` and ``quarters`` on top.
    recording
        How much evidence this person records about others, as a multiple.
    rated
        Whether there is anything to rate in the cycle.
    """

    employee_id: str
    seat: Seat
    first_cycle: int
    last_cycle: int
    hired_on: dt.date
    left_on: dt.date | None
    name: str
    gender: str
    birth_year: int
    fte: str
    location: str
    family: int
    start_level: int
    level: float
    by_criterion: tuple[float, ...]
    recording: float
    manager_id: str = ""
    job_level: str = ""
    quarters: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    rated: bool = False

    def in_service(self, day: dt.date) -> bool:
        """Whether the person works here on a day."""
        return self.hired_on <= day and (self.left_on is None or self.left_on >= day)


class People:
    """Everybody who ever sat on a seat of the department, cycle by cycle."""

    def __init__(self, department: Department, cycles: list[Cycle], seed: int) -> None:
        self.department = department
        self._cycles = cycles
        self._seed = seed
        self._stream = Stream(seed, department.name, "people")
        # also where nothing is planted, so that the same people work there
        self._stay = effects_of(department.name).seats
        self._made = len(department.seats)
        self._all: list[Person] = []
        for seat in department.seats:
            self._fill(seat)

    def _pinned(self, seat: Seat) -> bool:
        spec = self.department.spec
        return (
            seat.name in self._stay
            or seat.kind == "head"
            or seat.kind in ("coach", "expert")
            or bool(self.department.outside_manager)
            or (spec.name == FACILITATING and seat.kind == "staff" and seat.number <= FACILITATORS)
        )

    def _fill(self, seat: Seat) -> None:
        stream, cycles = self._stream, self._cycles
        pinned = self._pinned(seat)
        first = cycles[0]
        long_ago = first.starts_on - dt.timedelta(days=int(7500 * stream.uniform() ** 1.6))
        hired = long_ago.replace(day=1)
        opened = 0
        if not seat.leads:
            for k in range(1, len(cycles)):
                if stream.chance(_NEW_SEAT) and not pinned:
                    opened, hired = k, cycles[k].month(stream.below(12))
        person = self._person(seat, seat.index, opened, hired)
        for k in range(opened + bool(opened), len(cycles)):
            leaves = stream.chance(_LEAVE_LEADING if seat.leads else _LEAVE)
            month, gap = stream.between(1, 10), stream.below(2)
            if leaves and not pinned:
                person.left_on = cycles[k].month(month) - dt.timedelta(days=1)
                person.last_cycle = k
                person = self._person(seat, self._made, k, cycles[k].month(month + gap))
                self._made += 1

    def _person(self, seat: Seat, number: int, first_cycle: int, hired: dt.date) -> Person:
        stream, spec = self._stream, self.department.spec
        sort = stream.uniform()
        women = spec.women * 0.98
        gender = "female" if sort < women else "male" if sort < 0.98 else "other"
        lists = names()
        name = f"{stream.pick(lists[gender])} {stream.pick(lists['surnames'])}"
        age = min(66, 19 + (8 if seat.leads else 0) + int(42 * stream.uniform()))
        family = stream.below(len(spec.families))
        if seat.name in self._stay:
            family = 0  # the first has results without a ceiling
        birth_year = min(self._cycles[-1].year - age, hired.year - 18)
        person = Person(
            employee_id=self.department.personnel_number(number),
            seat=seat,
            first_cycle=first_cycle,
            last_cycle=len(self._cycles) - 1,
            hired_on=hired,
            left_on=None,
            name=name,
            gender=gender,
            birth_year=birth_year,
            fte=stream.weighted((("1.0", 55), ("0.9", 12), ("0.8", 18), ("0.6", 10), ("0.5", 5))),
            location=LOCATIONS[seat.site if spec.sites > 1 else int(stream.chance(0.35))],
            family=family,
            start_level=stream.weighted(((0, 15), (1, 28), (2, 30), (3, 18), (4, 6))),
            level=stream.normal(LEVEL_SD),
            by_criterion=tuple(stream.normal(CRITERION_SD) for _ in PERFORMANCE),
            recording=0.6 + 0.8 * stream.uniform(),
        )
        self._all.append(person)
        return person

    def in_cycle(self, k: int) -> list[Person]:
        """Return everybody who worked here in cycle ``k``, set to that cycle, in order of seat."""
        cycle = self._cycles[k]
        present = [p for p in self._all if p.first_cycle <= k <= p.last_cycle]
        present.sort(key=lambda person: (person.seat.index, person.hired_on))
        holder = {p.seat.index: p for p in present if p.in_service(cycle.ends_on)}
        for person in present:
            stream = Stream(self._seed, self.department.name, cycle.name, person.employee_id)
            boss = person.seat.boss
            person.manager_id = (
                self.department.outside_manager if boss is None else holder[boss].employee_id
            )
            person.quarters = tuple(stream.normal(QUARTER_SD) for _ in range(4))
            person.job_level = self._job_level(person, k)
            person.rated = bool(
                person.manager_id
                and person.in_service(cycle.ends_on)
                and person.hired_on + _SHORTEST_RATED <= cycle.ends_on
            )
        return present

    def _job_level(self, person: Person, k: int) -> str:
        if person.seat.kind in LEADER_LEVELS:
            return LEADER_LEVELS[person.seat.kind]
        level = person.start_level + (1 if person.seat.kind in ("coach", "expert") else 0)
        for cycle in self._cycles[person.first_cycle + 1 : k + 1]:
            draw = Stream(self._seed, "promotion", cycle.name, person.employee_id)
            level += draw.chance(_PROMOTED)
        return LEVELS[min(level, len(LEVELS) - 1)]

    def family(self, person: Person) -> tuple[str, str, float]:
        """Return job family, metric of its results and target."""
        if person.seat.leads:
            return "Leidinggeven", "", 0
        if person.seat.kind in ("coach", "expert"):
            return "Gesprekskwaliteit", "", 0
        return self.department.spec.families[person.family]

    def rows(self, present: list[Person], cycle: Cycle) -> Iterator[tuple[str, ...]]:
        """Yield the rows of `employees` of a cycle."""
        for p in present:
            # an export of an earlier year does not know who left later
            left = p.left_on if p.left_on and p.left_on <= cycle.ends_on else None
            yield (
                p.employee_id,
                self.department.name,
                cycle.name,
                p.job_level,
                self.family(p)[0],
                p.manager_id,
                p.name,
                p.hired_on.isoformat(),
                left.isoformat() if left else "",
                p.fte,
                p.gender,
                str(p.birth_year),
                p.location,
                f"{slug(p.name)}.{p.employee_id}@{MAIL_DOMAIN}",
            )
