"""Fills in decision forms for tests, as a facilitator would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.sample.facilitate import Form

__all__ = ["Change", "Form", "fill_in"]

Change = Callable[[Any], None]


def fill_in(path: Path, target: Path | None = None, *, held_on: Any = "2026-12-15") -> Path:
    """Fill in a Dutch form: one adjusted, one upheld, one parked, and what goes with them."""
    form = Form(path)
    who = str(form.value("attendance", 0, "name"))
    rows = [
        {"outcome": "aangepast", "score_after": 4, "minutes": 3, "dissent": "Een deelnemer blijft"
         " bij een 3."},
        {"outcome": "gehandhaafd", "minutes": 2},
        {"outcome": "geparkeerd", "minutes": 1},
    ]  # fmt: skip
    for number, values in enumerate(rows):
        argument = f"Loste op 3 juni een storing op en legde uit hoe ({number})."
        form.fill("decisions", number, {**values, "argument": argument, "decided_by": who})
    form.fill("actions", 0, {
        "owner_id": who, "kind": "SMART-doel", "text": "Elke maand een voorbeeld vastleggen",
        "measure": "telling per maand", "due_on": "2027-03-01",
    })  # fmt: skip
    criterion = form.value("decisions", 0, "criterion_id")
    form.fill("norms", 0, {"criterion_id": criterion, "text": "Een 4 vraagt een voorbeeld."})
    form.fill("parked", 0, {"text": "Wie kiest tweede beoordelaars?", "owner_id": who,
                            "due_on": "01-02-2027"})  # fmt: skip
    form.fill("attendance", 0, {"attended": "ja"})
    form.fill("sitting", 0, {"held": "ja", "held_on": held_on, "spent_minutes": 95})
    return form.save(target)
