"""Audiences: nobody sees more than their cut, also not by subtraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis import Analysis, NoAnswer, analyse
from pipeline.errors import NotEstimable, Suppressed, msg
from pipeline.ingest import import_files
from pipeline.locale import Language
from pipeline.methods.agreement import Agreement
from pipeline.methods.conversation import Conversation
from pipeline.methods.distribution import Distribution
from pipeline.methods.fairness import Fairness
from pipeline.methods.linking import Linking
from pipeline.methods.severity import Severity
from pipeline.methods.standing import Standing
from pipeline.pack import make_pack
from pipeline.privacy import Audience, cut, suppress_counts
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionData, Store, open_store
from support import SAMPLE

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
        import_files(SAMPLE, settings, store)
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
        for table in (shown.data.last_norms, shown.data.last_actions, shown.data.past_norms):
            assert table.empty
        assert shown.data.last_parked.empty
        assert shown.data.past_decisions.empty
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


def test_a_manager_sees_of_other_teams_only_what_was_given(sample: Sample) -> None:
    """Rating somebody of another team shows the own score, not the evidence or the results."""
    store, settings = sample
    data = store.session_data("2026-r-d-zuid")
    team = data.employees.set_index("employee_id")["manager_id"]
    given = data.ratings.drop_duplicates(["rater_id", "employee_id"])
    theirs = given[given["employee_id"].map(team) != given["rater_id"]]
    viewer = str(theirs["rater_id"].iloc[0])
    shown = cut(data, Audience.MANAGER, settings, viewer).analysis.data
    guests = set(theirs.loc[theirs["rater_id"].eq(viewer), "employee_id"])
    assert guests & set(shown.ratings["employee_id"])
    assert guests & set(data.evidence["employee_id"])
    for about in (shown.evidence, shown.results, shown.past_results):
        assert not guests & set(about["employee_id"])
    assert not guests & set(shown.goals["owner_id"])
    assert set(shown.past_ratings["rater_id"]) <= {viewer}
    assert set(shown.past_decisions["employee_id"]) <= set(team[team == viewer].index)
    assert set(shown.last_parked["owner_id"]) <= {viewer}


def test_the_room_sees_no_past_of_who_is_in_it(sample: Sample) -> None:
    """A participant who is not rated this cycle has earlier ratings, which stay hidden too."""
    store, settings = sample
    data = store.session_data("2026-r-d-zuid")
    here = set(data.participants["person_id"])
    rated = set(data.ratings["employee_id"])
    guest = min(here - rated)
    past = data.past_ratings.head(1).assign(employee_id=guest, subject_id=guest)
    decided = data.past_decisions.head(1).assign(employee_id=guest, subject=guest)
    with_past = replace(
        data,
        past_ratings=pd.concat([data.past_ratings, past]),
        past_decisions=pd.concat([data.past_decisions, decided]),
    )
    shown = cut(with_past, Audience.ROOM, settings).analysis.data
    assert len(shown.past_ratings)
    assert not here & set(shown.past_ratings["employee_id"])
    assert not here & set(shown.past_decisions["employee_id"])
    assert not here & set(shown.past_results["employee_id"])


Aggregates = list[tuple[SessionData, Analysis, Analysis]]


@pytest.fixture(scope="module")
def aggregates(sample: Sample) -> Aggregates:
    """Return each session of the last cycle with its whole analysis and the organisation's."""
    store, settings = sample
    asked = settings.fairness.model_copy(update={"attributes": ("gender", "age")})
    settings = settings.model_copy(update={"fairness": asked})
    every = (store.session_data(session.session_id) for session in store.sessions("2026"))
    return [
        (data, analyse(data, settings), cut(data, Audience.ORGANISATION, settings).analysis)
        for data in every
    ]


def test_no_number_of_the_organisation_tells_of_few(aggregates: Aggregates) -> None:
    """Rows of raters are gone; what rests on few raters, or says a small number, is hidden."""
    by_rater = ("raters", "cells", "subjects", "members", "unexpected", "proposals", "unrated")
    hidden_means = plans = 0
    for _, whole, shown in aggregates:
        for name, answer in shown.answers().items():
            for table in by_rater:
                assert not len(getattr(answer, table, ())), (name, table)
            if isinstance(answer, NotEstimable):
                assert answer.message.values.get("n", FLOOR) >= FLOOR, name
            raters = getattr(getattr(whole, name), "raters", None)
            if raters is not None and not isinstance(answer, NoAnswer):
                known = raters[raters["reason"].isna()] if "reason" in raters else raters
                assert known["rater_id"].nunique() >= FLOOR, name
        if isinstance(shown.distribution, Distribution):
            hidden = bool(shown.distribution.overall["suppressed"].any())
            assert np.isnan(shown.distribution.mean) == hidden
            hidden_means += hidden
        if isinstance(shown.linking, Linking):
            assert shown.linking.plans[["se_low", "se_high"]].isna().all(axis=None)
            plans += len(shown.linking.plans)
        assert shown.data.session.facilitator_id is None
    assert hidden_means
    assert plans


@pytest.mark.parametrize("every", [2, 40])
def test_a_ratio_of_small_counts_is_hidden(sample: Sample, every: int) -> None:
    """Beside the sizes of the groups it would tell how many women have the top score."""
    store, settings = sample
    data = store.session_data("2026-productie")
    people = sorted(data.ratings["employee_id"].unique())
    high = data.ratings["employee_id"].isin(people[::every])
    data = replace(
        data,
        ratings=data.ratings.assign(score=data.ratings["score"].mask(high, 5.0)),
        employees=data.employees.assign(gender=data.employees["gender"].replace("other", "male")),
    )
    asked = settings.fairness.model_copy(update={"attributes": ("gender",)})
    settings = settings.model_copy(update={"fairness": asked})
    found = cut(data, Audience.ORGANISATION, settings).analysis.fairness["gender"]
    assert isinstance(found, Fairness)
    groups = found.groups.set_index("group")
    at_top = groups["rate"] * groups["n_employees"]
    assert (at_top.min() >= FLOOR) == (every == 2), "the test needs both cases"
    assert found.gaps["parity_ratio"].notna().all() == (every == 2)


def test_one_expert_cannot_be_told_from_the_aggregates(aggregates: Aggregates) -> None:
    """Beside the mean of all, the raters' deviations would tell how the expert scores."""
    seen = 0
    for _, whole, shown in aggregates:
        if isinstance(shown.conversation, Conversation):
            assert isinstance(whole.conversation, Conversation)
            assert (
                shown.conversation.criteria[["deviation", "ci_low", "ci_high"]]
                .isna()
                .all(axis=None)
            )
            assert shown.conversation.n_left_out == 0
            assert not len(shown.conversation.raters)
            seen += 1
    assert seen


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
