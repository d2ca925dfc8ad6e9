"""Looking back on sessions of the invented company, and what may be shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import pandas as pd
import pytest

from pipeline.aftermath import decided_scores, look_back
from pipeline.analysis import NoAnswer
from pipeline.errors import NotEstimable
from pipeline.ingest import import_files
from pipeline.methods.change_fairness import ChangeFairness, estimate_change_fairness
from pipeline.methods.convergence import Convergence, Distance, Spread
from pipeline.methods.movement import Movement
from pipeline.methods.norm_effect import NormEffect
from pipeline.methods.smart import Smart
from pipeline.privacy.changes import change_fairness_without_small_cells
from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from support import REPOSITORY

Sample = tuple[Store, Settings]
FLOOR, LEAST = 10, 5


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """Return a store with the sample company, and settings that compare groups."""
    settings = read_settings(tmp_path_factory.mktemp("home"))
    asked = settings.fairness.model_copy(update={"attributes": ("gender", "working_hours")})
    settings = settings.model_copy(update={"fairness": asked})
    with open_store(settings) as store:
        import_files([REPOSITORY / "data" / "sample"], settings, store)
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


def compared(sizes: dict[str, tuple[int, int, int, int]], unknown: int = 0) -> ChangeFairness:
    """Return groups with so many people, of whom so many were raised, lowered, upheld."""
    people, groups, rows = [], {}, []
    for group, (n, up, down, same) in sizes.items():
        own = [f"{group}{i:03}" for i in range(n)]
        people += own
        groups |= dict.fromkeys(own, group)
        rows += zip(own, [1.0] * up + [-1.0] * down + [0.0] * same, strict=False)
    people += [f"x{i}" for i in range(unknown)]
    found = estimate_change_fairness(
        pd.DataFrame(rows, columns=["employee_id", "change"]),
        people=people,
        groups=pd.Series(groups),
        floor=FLOOR,
    )
    shown = change_fairness_without_small_cells(found, FLOOR, LEAST)
    assert isinstance(shown, ChangeFairness)
    assert shown.gaps.equals(found.gaps)
    return shown


LARGE = (60, 6, 7, 20)


def test_large_cells_are_shown() -> None:
    """Every count holds five people or more."""
    shown = compared({"a": LARGE, "b": LARGE}).groups
    assert shown["n_raised"].tolist() == [6, 6]
    assert shown["mean_change"].notna().all()


@pytest.mark.parametrize(
    "small", [(60, 4, 7, 20), (60, 7, 0, 20), (60, 7, 20, 2)], ids=["up", "down", "same"]
)
def test_one_small_count_hides_those_of_all_groups(small: tuple[int, int, int, int]) -> None:
    """Beside the total of the department, the other group's count would tell it."""
    shown = compared({"a": LARGE, "b": small}).groups
    assert shown[["n_raised", "n_lowered", "share_lowered", "mean_change"]].isna().all(axis=None)
    assert shown["n_discussed"].notna().all()


def test_few_left_aside_hide_who_was_discussed() -> None:
    """Four of a group were not discussed: neither number of any group is shown."""
    shown = compared({"a": LARGE, "b": (37, 6, 7, 20)}).groups
    assert shown[["n_discussed", "share_discussed", "n_raised"]].isna().all(axis=None)
    assert shown["n_people"].notna().all()


def test_a_hidden_group_or_few_unknown_hide_all_numbers() -> None:
    """With the totals of the department, the others would tell theirs."""
    for shown in (
        compared({"a": LARGE, "b": LARGE, "c": (4, 1, 1, 1)}),
        compared({"a": LARGE, "b": LARGE}, unknown=3),
    ):
        kept = shown.groups.drop(columns=["group", "suppressed", "changes_suppressed"])
        assert kept.isna().all(axis=None)
