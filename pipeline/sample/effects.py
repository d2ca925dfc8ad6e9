"""Every planted effect: who, how large, when, and which method should find it.

The generation reads its sizes from `PLANTED` and from nowhere else, so the list is the truth about
the sample. Where nothing is listed nothing is planted: ordinary raters differ in severity with a
standard deviation of `scores.SEVERITY_SD`, at most two of these (0.38 scale points).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

EffectKind = Literal[
    "severity",
    "severity_not_identifiable",
    "halo",
    "central_tendency",
    "inconsistency",
    "drift",
    "unlinked_groups",
    "recency",
    "gender_gap",
    "under_the_radar",
    "container_word",
]


@dataclass(frozen=True)
class PlantedEffect:
    """One planted effect.

    Parameters
    ----------
    name
        Short name, unique.
    kind
        What sort of effect it is; the generation acts on it.
    department
        Where; ``"*"`` is everywhere.
    seat
        Who, as a seat of the department (``"manager 2"``, ``"staff 5"``); empty for a department.
        A planted seat keeps its holder in every cycle.
    size
        Size per cycle in the unit that ``unit`` tells, the last value for the last cycle. One
        value holds for every cycle; none where the effect has no size.
    unit
        What ``size`` means.
    found_by
        What should be found, by which method.
    results_above
        Results above what the level as rated would give, as a share of the target.
    """

    name: str
    kind: EffectKind
    department: str
    seat: str
    size: tuple[float, ...]
    unit: str
    found_by: str
    results_above: float = 0.0

    def size_in(self, cycles_before_last: int) -> float:
        """Return the size in a cycle; before the first known cycle the first value holds."""
        return self.size[max(0, len(self.size) - 1 - cycles_before_last)]


_SEVERITY = "scale points; positive = gives lower scores"
_CROSSED = "severity (crossed random effects): flagged, with the right sign"

PLANTED: tuple[PlantedEffect, ...] = (
    PlantedEffect("strict-it", "severity", "IT & Data", "manager 2", (0.7,), _SEVERITY, _CROSSED),
    PlantedEffect("strict-rd", "severity", "R&D / Zuid", "manager 3", (0.6,), _SEVERITY, _CROSSED),
    PlantedEffect(
        "lenient-finance", "severity", "Financiën", "manager 1", (-0.7,), _SEVERITY, _CROSSED
    ),
    PlantedEffect(
        "lenient-sales", "severity", "Verkoop", "manager 3", (-0.8,), _SEVERITY, _CROSSED
    ),
    PlantedEffect(
        "strict-nested",
        "severity_not_identifiable",
        "Logistiek",
        "manager 3",
        (0.7,),
        _SEVERITY,
        "design audit: cannot be identified, because nobody else rates this team; the right "
        "answer is NotEstimable, not a flag",
    ),
    PlantedEffect(
        "halo-sales",
        "halo",
        "Verkoop",
        "manager 2",
        (0.6,),
        "SD of the rater's general impression of a person (others 0.22); differences between "
        "criteria shrink to a quarter",
        "halo: SD across criteria within a person far below that of other raters",
    ),
    PlantedEffect(
        "central-it",
        "central_tendency",
        "IT & Data",
        "manager 4",
        (0.5,),
        "slope: what is left of each distance from the middle of the scale",
        "range use: share of 3s far above, SD far below other raters of the same people",
    ),
    PlantedEffect(
        "inconsistent-rd",
        "inconsistency",
        "R&D / Zuid",
        "manager 1",
        (1.1,),
        "residual SD before rounding (others 0.5)",
        "inconsistency: residual SD of this rater; infit above 1.5",
    ),
    PlantedEffect(
        "drift-sales",
        "drift",
        "Verkoop",
        "manager 5",
        (-0.4, 0.1, 0.6),
        "severity per cycle; scale points, positive = gives lower scores",
        "drift: severity rises over the cycles; in one cycle alone this is a strict rater",
    ),
    PlantedEffect(
        "unlinked-facilities",
        "unlinked_groups",
        "Facilitair",
        "",
        (2,),
        "groups of raters who share no employee; each group is crossed within itself",
        "design audit: two components, no severity contrast between them",
    ),
    PlantedEffect(
        "recency-marketing",
        "recency",
        "Marketing & Communicatie",
        "",
        (0.85,),
        "weight of the last quarter in what is rated (elsewhere 0.25, as every quarter); most "
        "evidence is recorded in that quarter too",
        "recency: ratings follow evidence of September–November more than that of the year",
    ),
    PlantedEffect(
        "gender-gap-production",
        "gender_gap",
        "Productie",
        "",
        (-0.25,),
        "scale points that every rater adds to each rating of a woman, at equal true level",
        "fairness: adjusted gap of women against men below 0; results show no such gap",
    ),
    PlantedEffect(
        "radar-finance",
        "under_the_radar",
        "Financiën",
        "staff 9",
        (-0.8, -0.2, 0.4),
        "level per cycle, as rated (0 = average); results 5 % above what that level "
        "would give; at most one piece of evidence a cycle",
        "under the radar: ratings rise over three cycles, not in the top, little evidence",
        results_above=0.05,
    ),
    PlantedEffect(
        "radar-logistics",
        "under_the_radar",
        "Logistiek",
        "staff 20",
        (-0.1,),
        "level as rated (0 = average) while results are about 28 % above target; at most one "
        "piece of evidence a cycle",
        "under the radar: results far above expectation, ratings in the middle, little evidence",
        results_above=0.28,
    ),
    PlantedEffect(
        "container-word",
        "container_word",
        "*",
        "",
        (),
        "criterion P5 has no observable behaviour in its wording; its scores are as those of the "
        "others",
        "criterion clinic: container word without behaviour",
    ),
)


@dataclass(frozen=True)
class DepartmentEffects:
    """The effects of one department, as the generation asks for them."""

    effects: tuple[PlantedEffect, ...]

    def at(self, seat: str, *kinds: EffectKind) -> PlantedEffect | None:
        """Return the effect at a seat of one of these kinds."""
        for effect in self.effects:
            if effect.seat == seat and effect.kind in kinds:
                return effect
        return None

    def size(self, kind: EffectKind, otherwise: float) -> float:
        """Return the size of an effect of the whole department."""
        found = self.at("", kind)
        return found.size[-1] if found else otherwise

    @property
    def seats(self) -> frozenset[str]:
        """Seats that keep their holder."""
        return frozenset(effect.seat for effect in self.effects if effect.seat)


def effects_of(department: str, *, planted: bool = True) -> DepartmentEffects:
    """Return what is planted in a department; nothing when ``planted`` is off."""
    return DepartmentEffects(
        tuple(effect for effect in PLANTED if planted and effect.department == department)
    )


@dataclass(frozen=True)
class PlantedWho:
    """A planted effect with the identifiers of those it is about."""

    effect: PlantedEffect
    person_id: str
    cycles: tuple[str, ...]


def effects_table(planted: Iterable[PlantedWho]) -> str:
    """Write planted effects as a Markdown table."""
    lines = [
        "| effect | department | who | size | unit | cycles | what should be found, by what |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in planted:
        effect = one.effect
        who = f"`{one.person_id}` ({effect.seat})" if one.person_id else "all"
        size = ", ".join(f"{value:g}" for value in effect.size) or "\N{EN DASH}"
        department = "all" if effect.department == "*" else effect.department
        cells = (
            f"`{effect.name}`",
            department,
            who,
            size.replace("-", "\N{MINUS SIGN}"),
            effect.unit,
            ", ".join(one.cycles),
            effect.found_by,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
