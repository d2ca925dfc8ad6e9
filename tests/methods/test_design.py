"""Who shares subjects with whom."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import NotEstimable
from pipeline.methods.design import estimate_design


def ratings(*cells: tuple[str, str]) -> pd.DataFrame:
    """One criterion, one score per (rater, subject)."""
    made = pd.DataFrame(cells, columns=["rater_id", "subject_id"], dtype="str")
    return made.assign(criterion_id="a", employee_id=made["subject_id"], score=3.0)


def of_raters(design: object, column: str) -> dict[str, object]:
    """One column by rater."""
    raters = design.raters
    return dict(zip(raters["rater_id"], raters[column].tolist(), strict=True))


LINKED = ratings(
    *[("ann", f"e{i}") for i in range(5)],
    *[("bob", f"e{i}") for i in range(4)],
    *[("cas", f"e{i}") for i in range(3)],
    ("dee", "e0"),
)


def test_raters_with_shared_subjects_and_partners_are_comparable() -> None:
    """Raters with shared subjects and partners are comparable."""
    found = estimate_design(LINKED)
    assert found.verdict == "linked"
    assert of_raters(found, "verdict") == {
        "ann": "comparable", "bob": "comparable", "cas": "comparable", "dee": "weakly_linked",
    }  # fmt: skip
    assert of_raters(found, "n_shared") == {"ann": 4, "bob": 4, "cas": 3, "dee": 1}
    assert of_raters(found, "n_partners") == {"ann": 3, "bob": 3, "cas": 3, "dee": 3}
    assert of_raters(found, "n_subjects") == {"ann": 5, "bob": 4, "cas": 3, "dee": 1}
    assert (found.n_raters, found.n_subjects, found.n_ratings) == (4, 5, 13)
    assert found.share_shared == 0.8


def test_own_reports_only_is_nested_and_nobody_is_comparable() -> None:
    """Own reports only is nested and nobody is comparable."""
    found = estimate_design(ratings(("ann", "e1"), ("ann", "e2"), ("bob", "e3"), ("cas", "e4")))
    assert found.verdict == "nested"
    assert set(found.raters["verdict"]) == {"not_comparable"}
    assert found.n_components == 3
    assert found.share_shared == 0


def test_a_single_rater_is_said_to_be_one() -> None:
    """A single rater is said to be one."""
    found = estimate_design(ratings(("ann", "e1"), ("ann", "e2")))
    assert found.verdict == "one_rater"
    assert of_raters(found, "verdict") == {"ann": "not_comparable"}


def test_two_raters_need_only_each_other_as_partner() -> None:
    """Two raters need only each other as partner."""
    both = ratings(*[(rater, f"e{i}") for rater in ("ann", "bob") for i in range(3)])
    assert set(estimate_design(both).raters["verdict"]) == {"comparable"}


def test_the_main_part_is_the_largest_linked_one_even_if_a_lone_rater_rated_more() -> None:
    """The main part is the largest linked one even if a lone rater rated more."""
    lone = ratings(*[("zoe", f"z{i}") for i in range(30)])
    small = ratings(*[(rater, f"s{i}") for rater in ("x", "y") for i in range(3)])
    found = estimate_design(pd.concat([lone, small, LINKED]))
    assert found.verdict == "unlinked_groups"
    assert of_raters(found, "component") == {
        "ann": 0, "bob": 0, "cas": 0, "dee": 0, "x": 1, "y": 1, "zoe": 2,
    }  # fmt: skip
    verdicts = of_raters(found, "verdict")
    assert verdicts["ann"] == "comparable"
    assert {verdicts["x"], verdicts["y"], verdicts["zoe"]} == {"not_comparable"}
    assert found.subjects.set_index("subject_id")["component"]["z3"] == 2


def test_the_minima_can_be_set() -> None:
    """The minima can be set."""
    found = estimate_design(LINKED, minimum_shared=1, minimum_partners=1)
    assert set(found.raters["verdict"]) == {"comparable"}


def test_several_criteria_count_as_one_meeting() -> None:
    """Several criteria count as one meeting."""
    twice = pd.concat([LINKED, LINKED.assign(criterion_id="b")])
    found = estimate_design(twice)
    assert of_raters(found, "n_shared") == of_raters(estimate_design(LINKED), "n_shared")
    assert of_raters(found, "n_ratings")["ann"] == 10


@pytest.mark.parametrize("nothing", [LINKED.iloc[:0], LINKED.assign(score=np.nan)])
def test_without_scores_there_is_no_design(nothing: pd.DataFrame) -> None:
    """Without scores there is no design."""
    with pytest.raises(NotEstimable, match="no ratings"):
        estimate_design(nothing)


def test_the_ratings_are_left_as_they_were() -> None:
    """The ratings are left as they were."""
    before = LINKED.copy(deep=True)
    estimate_design(LINKED)
    pd.testing.assert_frame_equal(LINKED, before)


def test_a_thousand_raters_with_one_rating_each() -> None:
    """A thousand raters with one rating each."""
    alone = ratings(*[(f"r{i}", f"e{i}") for i in range(1000)])
    found = estimate_design(alone)
    assert (found.verdict, found.n_components) == ("nested", 1000)


def test_thousands_of_raters_take_a_tenth_of_a_second() -> None:
    """Thousands of raters take a tenth of a second."""
    rng = np.random.default_rng(1)
    many = ratings(*[(f"r{i}", f"e{j}") for i in range(2498) for j in rng.integers(0, 59, 5)])
    estimate_design(many)
    times = []
    for _ in range(3):
        start = time.thread_time()
        estimate_design(many)
        times.append(time.thread_time() - start)
    assert min(times) < 0.1


FEW = settings(max_examples=25, deadline=None)

cells = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("123456789")), min_size=1, max_size=40
)


@FEW
@given(cells, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(drawn: list[tuple[str, str]], random: object) -> None:
    """Order of rows does not matter."""
    mixed = list(drawn)
    random.shuffle(mixed)
    one, other = estimate_design(ratings(*drawn)), estimate_design(ratings(*mixed))
    pd.testing.assert_frame_equal(one.raters, other.raters)
    pd.testing.assert_frame_equal(one.subjects, other.subjects)


@FEW
@given(cells)
def test_another_department_beside_it_changes_no_counts(drawn: list[tuple[str, str]]) -> None:
    """Another department beside it changes no counts."""
    alone = estimate_design(ratings(*drawn))
    beside = estimate_design(ratings(*drawn, *[(f"x{r}", f"x{s}") for r, s in drawn]))
    assert beside.n_components == 2 * alone.n_components
    assert beside.share_shared == alone.share_shared
    counts = ["rater_id", "n_subjects", "n_ratings", "n_shared", "n_partners"]
    own = beside.raters.loc[~beside.raters["rater_id"].str.startswith("x"), counts]
    pd.testing.assert_frame_equal(own.reset_index(drop=True), alone.raters[counts])


@FEW
@given(cells)
def test_shared_subjects_connect(drawn: list[tuple[str, str]]) -> None:
    """Shared subjects connect."""
    found = estimate_design(ratings(*drawn))
    part = of_raters(found, "component")
    of_subject = dict(zip(found.subjects["subject_id"], found.subjects["component"], strict=True))
    assert all(part[rater] == of_subject[subject] for rater, subject in drawn)
    shared = found.raters["n_shared"] > 0
    assert ((found.raters["n_partners"] > 0) == shared).all()
    assert set(found.raters["component"]) == set(range(found.n_components))
