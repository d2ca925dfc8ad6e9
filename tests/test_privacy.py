"""Audiences: nobody sees more than their cut, also not by subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Suppressed, msg
from pipeline.ingest import import_files
from pipeline.locale import Language
from pipeline.methods.agreement import Agreement
from pipeline.methods.distribution import Distribution
from pipeline.methods.severity import Severity
from pipeline.methods.standing import Standing
from pipeline.pack import make_pack
from pipeline.privacy import Audience, cut, suppress_counts
from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from support import REPOSITORY

FLOOR = 5


def table(counts: list[int]) -> pd.DataFrame:
    """Return one row of counts over a scale."""
    total = max(1, sum(counts))
    return pd.DataFrame(
        {
            "score": range(1, len(counts) + 1),
            "n": [2 * n for n in counts],
            "n_people": counts,
            "share": [n / total for n in counts],
        }
    )


@given(st.lists(st.integers(0, 40), min_size=2, max_size=7))
def test_hidden_counts_cannot_be_found_by_subtraction(counts: list[int]) -> None:
    """With the total known, no hidden cell can be told, and no small one is shown."""
    shown = suppress_counts(table(counts), [], FLOOR)
    hidden = shown["suppressed"].to_numpy()
    visible = shown.loc[~hidden, "n_people"]
    assert not (visible < FLOOR).any()
    assert shown.loc[hidden, ["n", "share"]].isna().all(axis=None)
    if hidden.any() and not hidden.all():
        assert hidden.sum() >= 2
        assert sum(counts) - visible.sum() >= FLOOR


@given(st.lists(st.integers(0, 40), min_size=2, max_size=7))
def test_never_all_of_a_group_in_one_cell(counts: list[int]) -> None:
    """0 % and 100 % would tell everybody's score."""
    shown = suppress_counts(table(counts), [], FLOOR)
    assert not (shown.loc[~shown["suppressed"], "n"] == 0).any()
    if np.count_nonzero(counts) <= 1:
        assert shown["suppressed"].all()


def test_each_group_is_judged_by_itself() -> None:
    """A small level is hidden whole, a large one is shown."""
    both = pd.concat(
        [table([1, 1, 2]).assign(level="A"), table([10, 20, 30]).assign(level="B")],
        ignore_index=True,
    )
    shown = suppress_counts(both, ["level"], FLOOR)
    assert shown.groupby("level")["suppressed"].all().to_dict() == {"A": True, "B": False}


def test_what_was_given_is_not_changed() -> None:
    """The analyst's own table stays whole."""
    before = table([1, 10, 10])
    kept = before.copy()
    suppress_counts(before, [], FLOOR)
    pd.testing.assert_frame_equal(before, kept)


# cuts of the sample company ----------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Settings]]:
    """Return the store with the sample company."""
    home = tmp_path_factory.mktemp("home")
    settings = read_settings(home)
    with open_store(settings) as store:
        import_files([REPOSITORY / "data" / "sample"], settings, store)
        yield store, settings


Sample = tuple[Store, Settings]


def test_the_room_sees_nothing_of_who_is_in_it(sample: Sample) -> None:
    """Every number is of the others: nobody in the room can be subtracted out."""
    store, settings = sample
    for session in store.sessions("2026"):
        data = store.session_data(session.session_id)
        view = cut(data, Audience.ROOM, settings)
        here = set(data.participants["person_id"]) & set(data.ratings["employee_id"])
        shown = view.analysis.data
        for table in (shown.ratings, shown.employees, shown.evidence, shown.opinions):
            assert not here & set(table["employee_id"])
        spread = view.analysis.distribution
        if isinstance(spread, Distribution):
            assert spread.n_ratings == len(shown.ratings)
            assert spread.overall["n"].sum() == len(shown.ratings)
            assert spread.by_level["n"].sum() == len(shown.ratings)


def test_a_peer_is_not_removed_from_calibration(sample: Sample) -> None:
    """Giving a colleague a score as a peer does not put somebody in the room."""
    store, settings = sample
    data = store.session_data("2026-r-d-zuid")
    nobody = replace(data, participants=data.participants.iloc[:0])
    employee = str(data.ratings["employee_id"].iloc[0])
    peer = data.ratings.iloc[[0]].assign(rater_id=employee, employee_id="other", rater_role="peer")
    with_peer = replace(nobody, ratings=pd.concat([data.ratings, peer], ignore_index=True))
    formal = set(data.ratings["rater_id"])
    shown = cut(with_peer, Audience.ROOM, settings).analysis.data.ratings
    assert (employee in set(shown["employee_id"])) == (employee not in formal)


def test_a_manager_sees_only_own_scores_of_the_own_team(sample: Sample) -> None:
    """No mean over raters, no colleague, no own rating, no department beside it."""
    store, settings = sample
    data = store.session_data("2026-r-d-zuid")
    for viewer in sorted(set(data.ratings["rater_id"])):
        shown = cut(data, Audience.MANAGER, settings, viewer).analysis
        assert set(shown.data.ratings["rater_id"]) == {viewer}
        assert viewer not in set(shown.data.ratings["employee_id"])
        assert viewer not in set(shown.data.self_ratings["employee_id"])
        assert len(shown.data.organisation_scores) == len(shown.data.previous_scores) == 0
        if isinstance(shown.severity, Severity):
            assert set(shown.severity.raters["rater_id"]) <= {viewer}
        if isinstance(shown.standing, Standing):
            assert shown.standing.subjects["n_raters"].eq(1).all()


def test_the_organisation_sees_no_person_and_no_small_cell(sample: Sample) -> None:
    """Aggregates only; parts are shown when no cell of them had to be hidden."""
    store, settings = sample
    for session in store.sessions("2026"):
        data = store.session_data(session.session_id)
        shown = cut(data, Audience.ORGANISATION, settings).analysis
        for table in (shown.data.ratings, shown.data.people, shown.data.employees):
            assert table.empty
        assert shown.data.last_norms.empty
        assert isinstance(shown.standing, Suppressed)
        spread = shown.distribution
        if data.ratings["employee_id"].nunique() < FLOOR:
            assert isinstance(spread, Suppressed)
            continue
        assert isinstance(spread, Distribution)
        assert spread.by_rater.empty
        for part in (spread.by_level, spread.by_criterion):
            assert not part["suppressed"].any()
            assert part.empty or part["n_people"].min() >= FLOOR
        if spread.overall["suppressed"].any():
            assert shown.data.organisation_scores.empty
        if isinstance(shown.agreement, Agreement):
            assert min(shown.agreement.n_raters, shown.agreement.n_subjects) >= FLOOR


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_hidden_department_says_so_and_nothing_else(sample: Sample, language: str) -> None:
    """Four people: the organisation reads the reason, not that there are no ratings."""
    store, settings = sample
    data = store.session_data("2026-juridische-zaken")
    pack = make_pack(data, settings, language=language, audience="organisation")
    text = str(pack.summary().html)
    assert Language(language).say(msg("Hidden: fewer than {floor} people, so a person could be"
                                      " recognised.", floor=FLOOR)) in text  # fmt: skip
    assert ">0<" not in text
