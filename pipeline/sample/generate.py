"""All rows of the sample, table by table for the company, then department by department."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.sample import conversations, evidence, outcomes, scores, sessions
from pipeline.sample.company import BASE
from pipeline.sample.effects import PLANTED, PlantedWho, effects_of
from pipeline.sample.layout import Department, lay_out
from pipeline.sample.people import LEVELS, Cycle, People, Person, cycles_until
from pipeline.sample.randomness import Stream
from pipeline.sample.texts import Phrases, read

LAST_YEAR = 2026
"""The current cycle: its sessions are still to come."""

Rows = Iterable[tuple[str, ...]]

_POINTS = range(1, 6)

COLUMNS: dict[str, tuple[str, ...]] = {
    "cycles": (
        "cycle",
        "starts_on",
        "ends_on",
        "moments",
        "what_counts",
        "what_does_not",
        "consequences",
    ),
    "employees": (
        "employee_id",
        "department",
        "cycle",
        "job_level",
        "job_family",
        "manager_id",
        "name",
        "hired_on",
        "left_on",
        "fte",
        "gender",
        "birth_year",
        "location",
        "email",
    ),
    "criteria": (
        "criterion_id",
        "label_nl",
        "label_en",
        "weight",
        "observable",
        *(f"anchor_{point}_{code}" for point in _POINTS for code in ("nl", "en")),
    ),
    "sessions": (
        "session_id",
        "cycle",
        "department",
        "kind",
        "focus",
        "theme",
        "held_on",
        "minutes",
        "facilitator_id",
        "process_guard_id",
    ),
    "participants": ("session_id", "person_id", "role", "personal_goal", "attended"),
    "ratings": (
        "cycle",
        "employee_id",
        "rater_id",
        "criterion_id",
        "score",
        "rater_role",
        "subject_id",
        "rated_on",
        "rationale",
    ),
    "evidence": ("employee_id", "dated_on", "kind", "criterion_id", "from_id", "text"),
    "goals": (
        "goal_id",
        "owner_id",
        "text",
        "measure",
        "target",
        "due_on",
        "status",
        "revised_from",
    ),
    "results": ("cycle", "employee_id", "metric", "value", "target"),
    "opinions": ("session_id", "employee_id", "rater_id", "opinion", "note"),
    "decisions": (
        "session_id",
        "subject",
        "criterion_id",
        "score_before",
        "score_after",
        "outcome",
        "argument",
        "evidence",
        "decided_by",
        "dissent",
        "minutes",
    ),
    "actions": (
        "session_id",
        "owner_id",
        "kind",
        "text",
        "due_on",
        "measure",
        "status",
        "done_on",
    ),
    "norms": ("session_id", "criterion_id", "job_level", "text"),
}
"""The columns that the sample writes of every table."""


@dataclass(frozen=True)
class Company:
    """What to generate: departments, cycles, seed, and whether effects are planted."""

    departments: list[Department]
    cycles: list[Cycle]
    seed: int
    planted: bool

    @classmethod
    def plan(
        cls, departments: int | None, employees: int | None, cycles: int, seed: int, planted: bool
    ) -> Company:
        """Lay out a company; raises `WrongUse` when the numbers make none."""
        laid_out = lay_out(departments, employees, cycles, seed)
        return cls(laid_out, cycles_until(LAST_YEAR, cycles), seed, planted)

    def planted_effects(self) -> tuple[PlantedWho, ...]:
        """Return every effect that this company holds, with the identifiers."""
        by_name = {department.name: department for department in self.departments}
        names = tuple(cycle.name for cycle in self.cycles)
        found = []
        for effect in PLANTED if self.planted else ():
            department = by_name.get(effect.department)
            person = department.id_at(effect.seat) if department and effect.seat else ""
            if effect.department == "*" or (department and (person or not effect.seat)):
                found.append(PlantedWho(effect, person, names))
        return tuple(found)

    def shared_rows(self) -> Iterator[tuple[str, Rows]]:
        """Yield the tables that are about no department."""
        told = read("criteria")
        yield "cycles", (_cycle_row(cycle, told["cycle"]) for cycle in self.cycles)
        yield "criteria", (_criterion_row(criterion) for criterion in told["criterion"])

    def department_rows(self, department: Department) -> Iterator[tuple[str, Rows]]:
        """Yield the rows of one department, a table of a cycle at a time."""
        phrases = Phrases()
        who = sessions.facilitators(self.departments[: len(BASE)])
        people = People(department, self.cycles, self.seed)
        for k, cycle in enumerate(self.cycles):
            present = people.in_cycle(k)
            yield "employees", people.rows(present, cycle)
            yield from self._cycle(people, present, cycle, who, phrases)

    def _cycle(
        self,
        people: People,
        present: list[Person],
        cycle: Cycle,
        who: dict[str, tuple[str, ...]],
        phrases: Phrases,
    ) -> Iterator[tuple[str, Rows]]:
        department, seed = people.department, self.seed
        effects = effects_of(department.name, planted=self.planted)
        judgements = scores.judge(department, present, cycle, effects, seed)
        words = Stream(seed, department.name, cycle.name, "rationale")
        yield "ratings", scores.rating_rows(judgements, cycle, phrases, words)
        yield (
            "evidence",
            evidence.evidence_rows(people, present, cycle, effects, phrases, seed),
        )
        yield "goals", evidence.goal_rows(people, present, cycle, phrases, seed)
        yield "results", evidence.result_rows(people, present, cycle, effects, seed)
        facilitating = who.get(department.name, who[""])
        if judgements:
            session = sessions.performance_session(
                department, cycle, judgements, facilitating, seed
            )
            yield from _session(session, phrases, seed)
            if session.held:
                decided = outcomes.performance_decisions(session, judgements, phrases, seed)
                yield "decisions", decided
            else:
                asked = sessions.opinion_rows(session, judgements, effects, phrases, seed)
                yield "opinions", asked
        if department.spec.conversations:
            scored = conversations.conversation_rows(department, present, cycle, seed, phrases)
            yield "ratings", scored
            panel = conversations.panel_of(present, cycle)
            session = sessions.conversation_session(
                department, cycle, panel, facilitating, phrases, seed
            )
            yield from _session(session, phrases, seed)
            if session.held:
                yield "decisions", outcomes.conversation_decisions(session, scored, phrases, seed)


def _session(session: sessions.Session, phrases: Phrases, seed: int) -> Iterator[tuple[str, Rows]]:
    yield "sessions", [session.row()]
    yield "participants", sessions.participant_rows(session, phrases, seed)
    if session.held:
        yield "actions", outcomes.action_rows(session, phrases, seed)
        yield "norms", outcomes.norm_rows(session, list(LEVELS), phrases, seed)


def _cycle_row(cycle: Cycle, told: dict[str, str]) -> tuple[str, ...]:
    return (
        cycle.name,
        cycle.starts_on.isoformat(),
        cycle.ends_on.isoformat(),
        told["moments"].format(year=cycle.year, before=cycle.year - 1),
        told["what_counts"],
        told["what_does_not"],
        told["consequences"],
    )


def _criterion_row(criterion: dict[str, Any]) -> tuple[str, ...]:
    return (
        criterion["id"],
        criterion["nl"],
        criterion["en"],
        str(criterion["weight"]),
        criterion["observable"],
        *(text for pair in criterion["anchors"] for text in pair),
    )
