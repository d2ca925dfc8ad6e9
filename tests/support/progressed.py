"""What an invented session decided and what came after it, without a store."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd

from pipeline.store import Session, SessionData
from pipeline.store.history import DECIDED, NORMS, parked_table
from pipeline.store.outcome import SessionOutcome, Sitting
from pipeline.tables import TABLES

TODAY = dt.date(2026, 6, 15)
PEOPLE = ("001", "002", "003", "004")


def table(name: str, rows: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    """Return rows of a table of the contract, with every column and its type."""
    made = pd.DataFrame(rows or [], columns=list(TABLES[name].columns))
    for column, rules in TABLES[name].columns.items():
        made[column] = made[column].astype(str(rules.dtype)) if len(made) else pd.Series(
            dtype=str(rules.dtype)
        )  # fmt: skip
    return made


def days(rows: list[dict[str, Any]], *columns: str) -> pd.DataFrame:
    """Return rows whose days are timestamps."""
    made = pd.DataFrame(rows, columns=list(columns))
    dated = [one for one in columns if one.endswith("_on")]
    return made.assign(**{one: pd.to_datetime(made[one]) for one in dated})


def evidence(*rows: tuple[str, str, str, str | None, str | None]) -> pd.DataFrame:
    """Return evidence: about whom, when, kind, from whom, text."""
    names = ("employee_id", "dated_on", "kind", "from_id", "text")
    return table("evidence", [dict(zip(names, row, strict=True)) for row in rows])


def agreed(*rows: tuple[str, str, str, str]) -> dict[str, pd.DataFrame]:
    """Return agreements and the actions they are: with whom, who does it, what, by when."""
    names = ("employee_id", "owner_id", "text", "due_on")
    return {"agreements": days([dict(zip(names, row, strict=True)) for row in rows], *names)}


def session_outcome(**changes: Any) -> SessionOutcome:
    """Return what is known of a session of two managers with two people each."""
    staff = table(
        "employees",
        [
            {
                "employee_id": one,
                "department": "Noord",
                "manager_id": "m1" if i < 2 else "m2",
                "name": f"Naam {one}",
            }
            for i, one in enumerate(PEOPLE)
        ],
    )
    names = ["employee_id", "name", "department", "job_level", "manager_id"]
    leads = pd.DataFrame(
        [[one, f"Baas {one}", "Top", None, None] for one in ("m1", "m2")], columns=names
    )
    empty = {
        name: table(name) for name in ("participants", "evidence", "goals", "results", "opinions")
    }
    data = SessionData(
        session=Session("2025-noord", "2025", "Noord", held_on=dt.date(2025, 12, 12)),
        ratings=table(
            "ratings",
            [
                {"employee_id": one, "subject_id": one, "rater_id": "m1" if i < 2 else "m2",
                 "criterion_id": "c1", "score": 3.0}
                for i, one in enumerate(PEOPLE)
            ],
        ).drop(columns="cycle"),
        self_ratings=table("ratings").drop(columns="cycle"),
        employees=staff,
        people=pd.concat([staff[names], leads], ignore_index=True),
        criteria=table("criteria"),
        cycle=table(
            "cycles", [{"cycle": "2025", "starts_on": "2025-01-01", "ends_on": "2025-12-31"}]
        ),
        past_results=table("results"),
        cycles=("2025",),
        past_ratings=pd.DataFrame(
            columns=["employee_id", "cycle", "subject_id", "rater_id", "criterion_id", "score"]
        ),
        organisation_scores=pd.DataFrame(columns=["criterion_id", "score", "n"]),
        previous_scores=pd.DataFrame(columns=["score", "n"]),
        last_session=None,
        last_actions=table("actions"),
        last_norms=table("norms"),
        last_parked=parked_table([]),
        past_decisions=pd.DataFrame(columns=list(DECIDED)),
        past_norms=pd.DataFrame(columns=list(NORMS)),
        n_rejected=0,
        data_stamp="x",
        loaded_at=None,
        **empty,
    )  # fmt: skip
    of_data = {name: changes.pop(name) for name in list(changes) if name in ("goals", "employees")}
    if "own_evidence" in changes:
        of_data["evidence"] = changes.pop("own_evidence")
    made = SessionOutcome(
        data=replace(data, **of_data),
        decisions=table("decisions"),
        actions=table("actions"),
        norms=table("norms"),
        parked=days([], "text", "owner_id", "due_on"),
        sitting=Sitting(held=True, held_on=dt.date(2025, 12, 12), remark="Geheim van de zaal"),
        n_superseded=0,
        locked=False,
        recorded_at=None,
        head="",
        next_session=None,
        later_evidence=table("evidence"),
    )
    return replace(made, **changes)
