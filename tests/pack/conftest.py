"""Small sessions of every shape, and packs made of them without a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from pipeline.pack import Pack, make_pack
from pipeline.pack.html import to_html
from pipeline.privacy import Audience, View, cut
from pipeline.settings import Settings
from pipeline.store import Session, SessionData
from pipeline.store.history import DECIDED, NORMS, parked_table
from pipeline.tables import TABLES

LOADED = dt.datetime(2026, 11, 20, 9, 30)


def table(name: str, rows: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    """Return rows of a table of the contract, with every column and its type."""
    made = pd.DataFrame(rows or [], columns=list(TABLES[name].columns))
    for column, rules in TABLES[name].columns.items():
        made[column] = made[column].astype(str(rules.dtype)) if len(made) else pd.Series(
            dtype=str(rules.dtype)
        )  # fmt: skip
    return made


@dataclass(frozen=True)
class Shape:
    """What an invented session is like: who rates whom."""

    n_people: int = 24
    n_raters: int = 4
    second: bool = True
    groups: int = 1
    n_criteria: int = 3
    kind: str = "performance"
    seed: int = 7


def session_data(shape: Shape = Shape(), **changes: Any) -> SessionData:  # frozen
    """Return what bears on an invented session."""
    random = np.random.default_rng(shape.seed)
    people = [f"p{i:05d}" for i in range(shape.n_people)]
    raters = [f"r{i:05d}" for i in range(shape.n_raters)]
    criteria = [f"c{i}" for i in range(1, shape.n_criteria + 1)]
    severity = random.normal(0, 0.4, shape.n_raters)
    rows = []
    for i, person in enumerate(people):
        level = random.normal(3.2, 0.7)
        group = i % shape.groups
        mine = [k for k in range(shape.n_raters) if k % shape.groups == group]
        chosen = [mine[(i // shape.groups) % len(mine)]]
        if shape.second and len(mine) > 1:
            chosen.append(mine[(i // shape.groups + 1 + i // len(mine)) % len(mine)])
        for k in dict.fromkeys(chosen):
            for criterion in criteria:
                score = round(level - severity[k] + random.normal(0, 0.5))
                rows.append(
                    {
                        "employee_id": person,
                        "subject_id": person if shape.kind == "performance" else f"g-{person}",
                        "rater_id": raters[k],
                        "criterion_id": criterion,
                        "score": float(min(5, max(1, score))),
                        "rater_role": "manager",
                        "rationale": f"Saw {person} do it." if random.random() < 0.7 else None,
                    }
                )
    every = table("ratings", rows)
    every["subject_id"] = pd.Series([row["subject_id"] for row in rows], dtype="str")
    staff = table(
        "employees",
        [
            {
                "employee_id": person,
                "department": "Zuid",
                "job_level": "ABC"[i % 3],
                "job_family": "Advies",
                "manager_id": raters[i % shape.n_raters],
                "name": f"Persoon {i}",
            }
            for i, person in enumerate(people)
        ],
    )
    known = pd.concat(
        [
            staff[["employee_id", "name", "department", "job_level", "manager_id"]],
            pd.DataFrame(
                {
                    "employee_id": raters,
                    "name": [f"Beoordelaar {i}" for i in range(shape.n_raters)],
                    "department": "Zuid",
                    "job_level": None,
                    "manager_id": None,
                }
            ).astype("str"),
        ],
        ignore_index=True,
    )
    names = table(
        "criteria",
        [
            {
                "criterion_id": one,
                "label_nl": f"Criterium {one}",
                "label_en": f"Criterion {one}",
                "weight": 1.0,
                "anchor_3_nl": "Komt afspraken na.",
                "anchor_5_nl": "Helpt anderen vooruit.",
            }
            for one in criteria
        ],
    )
    count = every.groupby(["criterion_id", "score"], as_index=False).size()
    made = SessionData(
        session=Session(
            session_id="2026-zuid",
            cycle="2026",
            department="Zuid",
            kind=shape.kind,
            held_on=dt.date(2026, 12, 3),
            minutes=90,
            facilitator_id="f1",
        ),
        ratings=every.drop(columns="cycle"),
        self_ratings=every.iloc[:0].drop(columns="cycle"),
        employees=staff,
        people=known,
        criteria=names,
        cycle=table("cycles", [{"cycle": "2026", "ends_on": pd.Timestamp("2026-12-31")}]),
        participants=table(
            "participants",
            [{"session_id": "2026-zuid", "person_id": one, "role": "rater"} for one in raters[:6]],
        ),
        evidence=table(
            "evidence",
            [
                {
                    "employee_id": person,
                    "dated_on": pd.Timestamp("2026-05-02"),
                    "kind": "example",
                    "criterion_id": "c1",
                    "from_id": raters[0],
                    "text": "Kwam de afspraak na.",
                }
                for person in people[:10]
            ],
        ),
        goals=table("goals"),
        results=table("results"),
        past_results=table("results"),
        opinions=table(
            "opinions",
            [
                {
                    "session_id": "2026-zuid",
                    "employee_id": people[0],
                    "rater_id": raters[0],
                    "opinion": "question",
                    "note": "Waarom?",
                }
            ],
        ),
        cycles=("2025", "2026"),
        past_ratings=pd.DataFrame(
            {
                "employee_id": pd.Series(people, dtype="str"),
                "cycle": "2025",
                "subject_id": pd.Series(people, dtype="str"),
                "rater_id": raters[0],
                "criterion_id": "c1",
                "score": 3.0,
            }
        ),
        organisation_scores=count.rename(columns={"size": "n"}),
        previous_scores=pd.DataFrame({"score": [2.0, 3.0, 4.0], "n": [5, 20, 9]}),
        last_session=None,
        last_actions=table("actions"),
        last_norms=table("norms"),
        last_parked=parked_table([]),
        past_decisions=pd.DataFrame({name: [] for name in DECIDED}),
        past_norms=pd.DataFrame({name: [] for name in NORMS}),
        n_rejected=0,
        data_stamp="20261120-093000",
        loaded_at=LOADED,
    )
    return replace(made, **changes)


MakePack = Callable[..., Pack]
_shaped = lru_cache(maxsize=None)(session_data)
_cuts: dict[tuple[object, ...], tuple[SessionData, View]] = {}


def _remembered(
    data: SessionData, audience: Audience, settings: Settings, viewer_id: str | None = None
) -> View:
    """Analyse each invented session once: these tests are about what is shown."""
    key = (id(data), audience, viewer_id, settings.fairness.attributes)
    if key not in _cuts:
        # data is kept, so the id stays its own
        _cuts[key] = (data, cut(data, audience, settings, viewer_id))
    return _cuts[key][1]


@pytest.fixture
def pack_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> MakePack:
    """Return a function that makes a pack of invented session data."""
    monkeypatch.setattr("pipeline.pack.prepare.cut", _remembered)

    def make(data: SessionData | Shape | None = None, language: str = "en", **options: Any) -> Pack:
        if not isinstance(data, SessionData):
            data = _shaped(data or Shape())
        return make_pack(data, options.pop("settings", settings), language=language, **options)

    return make


def executed(pack: Pack) -> nbformat.NotebookNode:
    """Return the notebook that papermill would leave, without running one."""
    cells = [
        nbformat.v4.new_code_cell(
            "", outputs=[nbformat.v4.new_output("execute_result", shown._repr_mimebundle_())]
        )
        for shown in (pack, *pack.sections(), pack.facts())
    ]
    return nbformat.v4.new_notebook(cells=cells)


def page_of(pack: Pack) -> str:
    """Return the whole page of a pack."""
    return to_html(executed(pack), title=pack.title, language=pack.context.language)
