"""How many departments, how large, who reports to whom, and which personnel numbers they use.

A department is a tree of seats. Seats stay; the people on them change (`people`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from pipeline.errors import WrongUse, msg
from pipeline.sample.company import BASE, OUTSIDE, Spec, extra_department

SeatKind = Literal["head", "middle", "manager", "coach", "expert", "staff"]
LEADING: tuple[SeatKind, ...] = ("head", "middle", "manager")

SMALLEST = 4
"""People in the smallest department."""
LARGEST_SPAN = 12
"""Most people who report to one manager."""
USUAL_TEAM = 9
"""A team with its manager."""
USUAL_DEPARTMENT = 45
"""People in a department beyond the base list, where only their total is given."""
MOST_CYCLES = 10
_FIRST_ID = 101
_ID_STEP = 7919  # a prime, so that the numbers of a department are spread without a collision


@dataclass(frozen=True)
class Seat:
    """A place in a department; ``boss`` is the index of the seat that it reports to."""

    index: int
    kind: SeatKind
    number: int
    boss: int | None
    site: int = 0

    @property
    def name(self) -> str:
        """Name of the seat, such as ``manager 2``."""
        return f"{self.kind} {self.number}"

    @property
    def leads(self) -> bool:
        """Whether people report to this seat."""
        return self.kind in LEADING


@dataclass
class _Tree:
    seats: list[Seat] = field(default_factory=list)
    counts: dict[SeatKind, int] = field(default_factory=dict)

    def add(self, kind: SeatKind, boss: int | None, site: int = 0) -> int:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.seats.append(Seat(len(self.seats), kind, self.counts[kind], boss, site))
        return len(self.seats) - 1

    def grow(self, size: int, site: int, coaches: int, experts: int) -> None:
        start = len(self.seats)
        bosses = [self.add("head", None, site)]
        if size > LARGEST_SPAN + 1:
            layers = [max(2, round(size / USUAL_TEAM))]
            while layers[-1] > LARGEST_SPAN:
                layers.append(-(-layers[-1] // USUAL_TEAM))
            for depth, layer in reversed(list(enumerate(layers))):
                kind: SeatKind = "middle" if depth else "manager"
                bosses = [self.add(kind, bosses[i % len(bosses)], site) for i in range(layer)]
        for i in range(start + size - len(self.seats)):
            kind = "coach" if i < coaches else "expert" if i < coaches + experts else "staff"
            self.add(kind, bosses[i % len(bosses)], site)


@dataclass(frozen=True)
class Department:
    """A department with its place in the numbering.

    Parameters
    ----------
    spec
        What it is like.
    number
        From 0; also its order in the files.
    first_id, capacity
        Its personnel numbers are ``capacity`` numbers from ``first_id``.
    outside_manager
        Personnel number of a manager in another department to whom everybody reports.
    """

    spec: Spec
    number: int
    first_id: int
    capacity: int
    outside_manager: str = ""

    @property
    def name(self) -> str:
        """Name of the department."""
        return self.spec.name

    def personnel_number(self, person: int) -> str:
        """Return an identifier; the first holder of seat i is person i."""
        return f"{self.first_id + (person * _ID_STEP + 5) % self.capacity:06d}"

    @cached_property
    def seats(self) -> list[Seat]:
        """The seats, those who lead first."""
        tree = _Tree()
        size, quality = self.spec.size, bool(self.spec.conversations)
        if self.outside_manager:
            for _ in range(size):
                tree.add("staff", None)
            return tree.seats
        # a site needs a team of its own
        sites = min(self.spec.sites, max(1, size // (LARGEST_SPAN + 2)))
        for site in range(sites):
            share = size // sites + (site < size % sites)
            tree.grow(share, site, coaches=2 * quality, experts=1 * quality)
        return tree.seats

    def id_at(self, seat: str) -> str:
        """Return who first held a seat; empty when the department has no such seat."""
        for one in self.seats:
            if one.name == seat:
                return self.personnel_number(one.index)
        return ""


def _sizes(specs: list[Spec], employees: int) -> list[int]:
    """Spread the employees; the base departments keep their sizes where there is room."""
    base = [spec.size for spec in specs[: len(BASE)]]
    room = employees - sum(base)
    others = len(specs) - len(base)
    kept = len(base) if (room >= SMALLEST * others if others else room == 0) else 0
    wishes = [spec.size for spec in specs[kept:]]
    rest = employees - sum(base[:kept]) - SMALLEST * len(wishes)
    wished = sum(wishes)
    sizes, upto, given = base[:kept], 0, 0
    for wish in wishes:
        upto += wish
        share = rest * upto // wished - given
        given += share
        sizes.append(SMALLEST + share)
    return sizes


def lay_out(
    departments: int | None, employees: int | None, cycles: int, seed: int
) -> list[Department]:
    """Decide on departments, sizes and personnel numbers.

    The base departments come first and keep their sizes where the numbers asked for allow it.

    Raises
    ------
    WrongUse
        The numbers asked for make no company.
    """
    if not 1 <= cycles <= MOST_CYCLES:
        raise WrongUse(
            msg("A sample has 1 to {most} cycles, not {cycles}.", most=MOST_CYCLES, cycles=cycles)
        )
    if departments is None:
        base = sum(spec.size for spec in BASE)
        wanted = len(BASE)
        if employees is not None:
            wanted += max(0, round((employees - base) / USUAL_DEPARTMENT))
            wanted = max(1, min(wanted, employees // SMALLEST))
    else:
        wanted = departments
    if wanted < 1:
        raise WrongUse(msg("A sample has at least 1 department, not {n}.", n=wanted))
    if employees is not None and employees < SMALLEST * wanted:
        raise WrongUse(
            msg(
                "{employees} employees are too few for {departments} departments of at least "
                "{smallest} people.",
                employees=employees,
                departments=wanted,
                smallest=SMALLEST,
            )
        )
    specs = [BASE[i] if i < len(BASE) else extra_department(i, seed) for i in range(wanted)]
    if employees is not None:
        sizes = _sizes(specs, employees)
        specs = [
            replace(spec, size=size, conversations=spec.conversations if size > 25 else 0)
            for spec, size in zip(specs, sizes, strict=True)
        ]
    return _numbered(specs, cycles)


def _numbered(specs: list[Spec], cycles: int) -> list[Department]:
    company: list[Department] = []
    first_id, head_elsewhere = _FIRST_ID, ""
    for number, spec in enumerate(specs):
        capacity = spec.size * (cycles + 1)  # a seat changes hands once a cycle at most
        capacity += capacity % _ID_STEP == 0
        department = Department(spec, number, first_id, capacity)
        if spec.manager_elsewhere and spec.size <= LARGEST_SPAN and head_elsewhere:
            department = replace(department, outside_manager=head_elsewhere)
        if spec.name == OUTSIDE:
            head_elsewhere = department.personnel_number(0)
        company.append(department)
        first_id += capacity
    return company
