"""Looking back on sessions of the invented company, and what may be shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import pandas as pd
import pytest

from pipeline.aftermath import decided_scores, look_back
from pipeline.analysis import NoAnswer
from pipeline.errors import NotEstimable, Suppressed, msg
from pipeline.ingest import import_files
from pipeline.methods.change_fairness import (
    CHANGE,
    SELECTION,
    ChangeFairness,
    estimate_change_fairness,
)
from pipeline.methods.convergence import Convergence, Distance, Spread
from pipeline.methods.movement import Movement
from pipeline.methods.norm_effect import NormEffect
from pipeline.methods.smart import Smart
from pipeline.privacy.changes import change_gaps_in_aggregate
from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from support import SAMPLE

Sample = tuple[Store, Settings]
FLOOR = 5


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """Return a store with the sample company, and settings that compare groups."""
    settings = read_settings(tmp_path_factory.mktemp("home"))
    asked = settings.fairness.model_copy(update={"attributes": ("gender", "working_hours")})
    settings = settings.model_copy(update={"fairness": asked})
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
        yield store, settings


def test_a_large_department_has_answers(sample: Sample) -> None:
    """Production: movement, spread, distance, agreement, goals; every answer is one or a reason."""
    store, settings = sample
    outcome = store.session_outcome("2025-productie")
    found = look_back(outcome, settings)
    assert isinstance(found.movement, Movement)
    decided = outcome.decisions["outcome"].value_counts()
    assert found.movement.n_up + found.movement.n_down == decided["adjusted"]
    assert found.movement.n_parked == decided["parked"]
    assert isinstance(found.convergence, Convergence)
    assert isinstance(found.convergence.spread, Spread)
    assert isinstance(found.convergence.distance, Distance)
    assert found.convergence.cycles["cycle"].tolist() == ["2024", "2025"]
    assert isinstance(found.smart, Smart)
    assert set(found.fairness) == {"gender", "working_hours"}


def test_every_session_gets_an_answer_or_a_reason(sample: Sample) -> None:
    """Small, large, of conversations, not held yet."""
    store, settings = sample
    for session in store.sessions():
        found = look_back(store.session_outcome(session.session_id), settings)
        for one in fields(found):
            value = getattr(found, one.name)
            if isinstance(value, NoAnswer):
                assert str(value), one.name
        if session.kind == "conversation":
            assert found.fairness == {}
            assert isinstance(found.trading, NotEstimable)
            assert isinstance(found.norm_effect, NormEffect) == (session.cycle != "2024")


def test_a_conversation_is_about_who_held_it(sample: Sample) -> None:
    """The owner is found through the ratings; who is rated is owner of the own score."""
    store, _ = sample
    talks = decided_scores(store.session_outcome("2025-klantcontact-gesprekken"))
    assert talks["employee_id"].notna().all()
    assert not set(talks["employee_id"]) & set(talks["subject"])
    people = decided_scores(store.session_outcome("2025-klantcontact"))
    assert people["employee_id"].tolist() == people["subject"].tolist()
    assert people["manager_id"].notna().all()


def test_it_computes_on_what_it_is_given(sample: Sample) -> None:
    """Cut first, then computed: without half of the people nothing is of them."""
    store, settings = sample
    outcome = store.session_outcome("2025-productie")
    keep = set(sorted(outcome.decisions["subject"])[::2])
    cut = replace(outcome, decisions=outcome.decisions[outcome.decisions["subject"].isin(keep)])
    found = look_back(cut, settings).movement
    assert isinstance(found, Movement)
    assert found.groups.query("by == 'job_level'")["n"].sum() <= len(keep)


# what may be shown of groups -----------------------------------------------------------------

FEW = Suppressed(msg("Hidden."))
LARGE = (60, 6, 7, 20)


def shown_gaps(sizes: dict[str, tuple[int, int, int, int]]) -> set[str]:
    """Return the questions with a gap, of groups of whom so many were raised, lowered, upheld."""
    people, groups, rows = [], {}, []
    for group, (n, up, down, same) in sizes.items():
        own = [f"{group}{i:03}" for i in range(n)]
        people += own
        groups |= dict.fromkeys(own, group)
        rows += zip(own, [1.0] * up + [-1.0] * down + [0.0] * same, strict=False)
    found = estimate_change_fairness(
        pd.DataFrame(rows, columns=["employee_id", "change"]),
        people=people,
        groups=pd.Series(groups),
    )
    assert found.gaps["gap"].notna().all(), "the test needs both gaps"
    shown = change_gaps_in_aggregate(found, FEW, FLOOR)
    assert isinstance(shown, ChangeFairness)
    assert shown.groups.empty
    hidden = shown.gaps[shown.gaps["gap"].isna()]
    numbers = ["ci_low", "ci_high", "p_value", "q_value", "cannot_rule_out", "verdict"]
    assert hidden[numbers].isna().all(axis=None)
    assert hidden["reason"].eq(FEW.message).all()
    return set(shown.gaps.loc[shown.gaps["gap"].notna(), "question"])


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (LARGE, {SELECTION, CHANGE}),
        ((60, 4, 7, 20), {SELECTION}),
        ((60, 7, 0, 20), {SELECTION}),
        ((60, 7, 20, 2), {SELECTION}),
        ((38, 6, 7, 20), {SELECTION, CHANGE}),
        ((35, 6, 7, 18), {CHANGE}),
    ],
    ids=["large", "few up", "none down", "few alike", "enough left", "few left"],
)
def test_a_gap_that_tells_a_small_count_is_hidden(
    other: tuple[int, int, int, int], kept: set[str]
) -> None:
    """With the sizes of the groups and the total, the gap would tell how many."""
    assert shown_gaps({"a": LARGE, "b": other}) == kept


def test_a_reason_that_tells_a_small_count_is_hidden() -> None:
    """Others stay."""
    told = NotEstimable(msg("Only {n}.", n=3))
    assert change_gaps_in_aggregate(told, FEW, FLOOR) is FEW
    plain = NotEstimable(msg("Nothing."))
    assert change_gaps_in_aggregate(plain, FEW, FLOOR) is plain
