"""What the next session learns of earlier ones: decisions without texts, norms, parked items."""

from __future__ import annotations

import pandas as pd

from pipeline.store import Store
from pipeline.store.history import DECIDED
from support.company import BEFORE, NOORD, ZUID, company, load


def test_decisions_of_earlier_cycles_come_without_texts(store: Store) -> None:
    """Who, which criterion, which scores, which outcome; nothing of this cycle or of others."""
    load(store, company())
    found = store.session_data(NOORD).past_decisions
    assert tuple(found.columns) == DECIDED
    assert found["session_id"].tolist() == [BEFORE]
    assert found[["employee_id", "cycle", "outcome"]].iloc[0].tolist() == ["n1", "2025", "upheld"]
    for other in (BEFORE, ZUID):
        assert store.session_data(other).past_decisions.empty


def test_norms_go_round_the_organisation_and_say_whose_they_are(store: Store) -> None:
    """Zuid rates c1 too, so it reads the norm of Noord; the own ones come first."""
    frames = company()
    frames["norms"].loc[1, ["session_id", "text"]] = [BEFORE, "another"]
    load(store, frames)
    own, other = (store.session_data(one).past_norms for one in (NOORD, ZUID))
    assert own["text"].tolist() == other["text"].tolist() == ["another", "n1"]
    assert own["is_own"].all()
    assert not other["is_own"].any()
    assert other["department"].eq("Noord").all()
    assert store.session_data(BEFORE).past_norms.empty


def test_the_same_norm_of_other_departments_is_one_row(store: Store) -> None:
    """With how many sessions agreed on it."""
    frames = company()
    sessions = frames["sessions"]
    more = sessions.iloc[[0]].assign(session_id="o25", department="Oost", held_on="2025-11-01")
    more["held_on"] = pd.to_datetime(more["held_on"]).astype(sessions["held_on"].dtype)
    frames["sessions"] = pd.concat([sessions, more], ignore_index=True)
    norms = frames["norms"]
    frames["norms"] = pd.concat(
        [norms, norms.iloc[[0]].assign(session_id="o25")], ignore_index=True
    )
    load(store, frames)
    other = store.session_data(ZUID).past_norms
    assert other[["text", "n_sessions", "is_own"]].to_numpy().tolist() == [["n1", 2, False]]
    own = store.session_data(NOORD).past_norms
    assert own[["department", "is_own"]].to_numpy().tolist() == [["Noord", True], ["Oost", False]]
