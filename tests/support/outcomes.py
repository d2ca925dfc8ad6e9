"""What sessions decided, invented: plain, empty, and as long as the store allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from pipeline.store import SessionData, SessionOutcome, Sitting
from pipeline.tables import TABLES

LONGEST = 100_000


def rows(table: str, *given: dict[str, Any]) -> pd.DataFrame:
    """Return rows of a table of the contract, with every column and its type."""
    made = pd.DataFrame(list(given), columns=list(TABLES[table].columns))
    types = {name: str(column.dtype) for name, column in TABLES[table].columns.items()}
    return made.astype(types)


def parked(*given: dict[str, Any]) -> pd.DataFrame:
    """Return parked items."""
    made = pd.DataFrame(list(given), columns=["text", "owner_id", "due_on"])
    return made.assign(due_on=pd.to_datetime(made["due_on"]))


def decision(subject: str, criterion: str, outcome: str, **more: Any) -> dict[str, Any]:
    """Return one decision: from 3, by default to 4."""
    return {
        "session_id": "2026-zuid", "subject": subject, "criterion_id": criterion,
        "score_before": 3.0, "score_after": {"adjusted": 4.0, "upheld": 3.0}.get(outcome),
        "outcome": outcome, "argument": "Legde op 3 juni uit hoe het moest.", "minutes": 3, **more,
    }  # fmt: skip


def outcome_of(data: SessionData, *decisions: dict[str, Any], **changes: Any) -> SessionOutcome:
    """Return what a session decided."""
    given: dict[str, Any] = {
        "data": data, "decisions": rows("decisions", *decisions), "actions": rows("actions"),
        "norms": rows("norms"), "parked": parked(), "sitting": Sitting(held=True),
        "n_superseded": 0, "locked": False, "recorded_at": None, "head": "",
        "next_session": None, "later_evidence": rows("evidence"), **changes,
    }  # fmt: skip
    return SessionOutcome(**given)


def longest(outcome: SessionOutcome, who: str, word: str) -> SessionOutcome:
    """Return an outcome in which everything about one person is as long as it can be."""
    data, long, name = outcome.data, (word * LONGEST)[:LONGEST], (word * 500)[:500]
    criteria = [f"C{number:02d}" for number in range(14)]
    wording = [c for c in TABLES["criteria"].columns if c.startswith(("label_", "anchor_"))]
    first = data.ratings.iloc[0].to_dict()
    given = {"employee_id": who, "subject_id": who, "score": 4.0, "rater_role": "manager"}
    ratings = pd.DataFrame([{**first, **given, "criterion_id": one} for one in criteria])
    day = data.cycle["ends_on"].iloc[0] - pd.Timedelta(days=30)
    people = data.people["name"].mask(data.people["employee_id"].eq(who), name)
    return replace(
        outcome,
        data=replace(
            data,
            session=replace(data.session, department=name),
            ratings=ratings.astype(data.ratings.dtypes.to_dict()),
            people=data.people.assign(name=people),
            criteria=rows("criteria", *(
                {"criterion_id": one, **dict.fromkeys(wording, name)} for one in criteria
            )),
            cycle=data.cycle.assign(moments=f"2099-12-31 | {long} | {long}"),
            evidence=rows("evidence", *(
                {"employee_id": who, "dated_on": day, "kind": "feedback", "criterion_id": "C01",
                 "text": f"{number} {long}"} for number in range(30)
            )),
            goals=rows("goals", *(
                {"goal_id": str(number), "owner_id": who, "text": long, "due_on": day,
                 "status": "revised"} for number in range(30)
            )),
        ),
        decisions=rows("decisions", *(
            decision(who, one, ("adjusted", "upheld", "parked")[number % 3], argument=long)
            for number, one in enumerate(["overall", *criteria])
        )),
        actions=rows("actions", *(
            {"session_id": "s", "owner_id": who, "kind": "agreement", "text": f"{number} {long}",
             "measure": long, "due_on": day} for number in range(9)
        )),
        parked=parked({"text": f"{who} {long}", "due_on": day}),
    )  # fmt: skip
