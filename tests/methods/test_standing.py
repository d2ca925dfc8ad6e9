"""Each subject beside comparable ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import NotEstimable
from pipeline.methods.standing import Standing, estimate_standing

NO_HISTORY = pd.DataFrame({"employee_id": [], "cycle": [], "score": [], "n": []})
FEW = settings(max_examples=15, deadline=None)


def ratings(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    """(employee, rater, criterion, score)."""
    made = pd.DataFrame(rows, columns=["employee_id", "rater_id", "criterion_id", "score"])
    made = made.astype({"employee_id": "str", "rater_id": "str", "criterion_id": "str"})
    return made.assign(subject_id=made["employee_id"], score=made["score"].astype(float))


def weights(**weight: float | None) -> pd.DataFrame:
    """Criteria and their weights."""
    made = pd.DataFrame({"criterion_id": list(weight), "weight": list(weight.values())})
    return made.astype({"criterion_id": "str", "weight": "float64"})


def staff(*cells: tuple[str | None, str | None, int]) -> pd.DataFrame:
    """(level, family, number of people)."""
    rows = [(level, family) for level, family, n in cells for _ in range(n)]
    made = pd.DataFrame(rows, columns=["job_level", "job_family"], dtype="str")
    return made.assign(employee_id=pd.Series([f"p{i:03}" for i in range(len(made))], dtype="str"))


def standing(rated: pd.DataFrame, employees: pd.DataFrame, **options: object) -> Standing:
    """The standing with no weights and no history, unless given."""
    given_options = {"criteria": weights(), "history": NO_HISTORY, **options}
    return estimate_standing(rated, employees=employees, **given_options)


def groups_of(*cells: tuple[str | None, str | None, int], floor: int = 5) -> list[tuple]:
    """Label, size, merged and shown of the groups that these people make."""
    employees = staff(*cells)
    rated = ratings([(p, "ann", "a", 3.0) for p in employees["employee_id"]])
    found = standing(rated, employees, floor=floor).groups
    return list(zip(found["label"], found["n"], found["merged"], found["shown"], strict=True))


def scores_of(rated: pd.DataFrame, criteria: pd.DataFrame) -> dict[str, float]:
    """Score by subject."""
    found = standing(rated, staff(), criteria=criteria).subjects
    return dict(zip(found["subject_id"], found["score"], strict=True))


TWO_CRITERIA = ratings(
    [("e1", "ann", "a", 2), ("e1", "bob", "a", 4), ("e1", "ann", "b", 5), ("e2", "ann", "b", 4)]
)


def test_a_score_is_the_weighted_mean_over_criteria_of_the_mean_over_raters() -> None:
    """A score is the weighted mean over criteria of the mean over raters."""
    assert scores_of(TWO_CRITERIA, weights(a=3, b=1))["e1"] == pytest.approx((3 * 3 + 5) / 4)


def test_criteria_that_were_not_rated_leave_their_weight_to_the_others() -> None:
    """Criteria that were not rated leave their weight to the others."""
    assert scores_of(TWO_CRITERIA, weights(a=3, b=1))["e2"] == 4


@pytest.mark.parametrize("criteria", [weights(), weights(a=None, b=None)])
def test_without_weights_criteria_count_equally(criteria: pd.DataFrame) -> None:
    """Without weights criteria count equally."""
    assert scores_of(TWO_CRITERIA, criteria)["e1"] == 4


def test_a_criterion_without_a_weight_counts_as_the_average_one() -> None:
    """A criterion without a weight counts as the average one."""
    assert scores_of(TWO_CRITERIA, weights(a=2, b=None))["e1"] == 4


def test_weights_of_zero_only_leave_nothing_to_compute() -> None:
    """Weights of zero only leave nothing to compute."""
    with pytest.raises(NotEstimable, match="weight 0"):
        scores_of(TWO_CRITERIA, weights(a=0, b=0))


def test_a_subject_with_unweighted_criteria_only_has_no_score_or_position() -> None:
    """A subject with unweighted criteria only has no score or position."""
    found = standing(TWO_CRITERIA, staff(), criteria=weights(a=1, b=0), floor=1).subjects
    assert found["score"].fillna(-1).tolist() == [3, -1]
    assert found["position"].fillna(-1).tolist() == [1, -1]


def test_spread_compares_raters_on_criteria_both_rated() -> None:
    """Spread compares raters on criteria both rated."""
    found = standing(TWO_CRITERIA, staff()).subjects
    assert found["spread"].fillna(-1).tolist() == [2, -1]
    none_shared = ratings([("e1", "ann", "a", 1), ("e1", "bob", "b", 5)])
    assert standing(none_shared, staff()).subjects["spread"].isna().all()
    complete = ratings([("e1", r, c, s) for r, s in (("x", 1), ("y", 2), ("z", 4)) for c in "ab"])
    assert standing(complete, staff()).subjects["spread"].tolist() == [3]


def test_counts_of_raters_and_ratings() -> None:
    """Counts of raters and ratings."""
    found = standing(TWO_CRITERIA, staff()).subjects
    assert found["n_raters"].tolist() == [2, 1]
    assert found["n_ratings"].tolist() == [3, 1]


def test_groups_large_enough_stay_as_they_are() -> None:
    """Groups large enough stay as they are."""
    assert groups_of(("10", "Sales", 6), ("9", "Sales", 5), ("9", "IT", 7)) == [
        ("9 · IT", 7, False, True), ("9 · Sales", 5, False, True), ("10 · Sales", 6, False, True),
    ]  # fmt: skip


def test_small_families_are_taken_together_within_their_level() -> None:
    """Small families are taken together within their level."""
    assert groups_of(("A", "HR", 3), ("A", "IT", 2), ("A", "Sales", 8)) == [
        ("A · Sales", 8, False, True), ("A · HR, IT", 5, True, True),
    ]  # fmt: skip


def test_a_small_rest_joins_the_smallest_family_of_its_level() -> None:
    """A small rest joins the smallest family of its level."""
    assert groups_of(("A", "HR", 2), ("A", "IT", 6), ("A", "Sales", 8)) == [
        ("A · Sales", 8, False, True), ("A · HR, IT", 8, True, True),
    ]  # fmt: skip


def test_a_small_level_joins_the_smaller_neighbour_and_there_its_own_family() -> None:
    """A small level joins the smaller neighbour and there its own family."""
    assert groups_of(("8", "IT", 9), ("9", "IT", 2), ("10", "HR", 5), ("10", "IT", 3)) == [
        ("8 · IT", 9, False, True), ("9, 10 · HR, IT", 10, True, True),
    ]  # fmt: skip
    assert groups_of(("8", "HR", 5), ("8", "IT", 7), ("9", "IT", 2)) == [
        ("8 · HR", 5, False, True), ("8, 9 · IT", 9, True, True),
    ]  # fmt: skip


def test_levels_that_are_all_small_end_in_one_group_that_is_not_shown() -> None:
    """Levels that are all small end in one group that is not shown."""
    assert groups_of(("A", "HR", 1), ("B", "HR", 1), ("C", "IT", 2)) == [
        ("A, B, C · HR, IT", 4, True, False)
    ]


def test_people_without_a_level_stay_apart() -> None:
    """People without a level stay apart."""
    assert groups_of(("A", "HR", 6), (None, "HR", 2)) == [
        ("A · HR", 6, False, True), ("HR", 2, False, False),
    ]  # fmt: skip


def test_without_levels_and_families_all_are_one_group() -> None:
    """Without levels and families all are one group."""
    assert groups_of((None, None, 7)) == [("", 7, False, True)]
    found = standing(TWO_CRITERIA, staff()[["employee_id"]])
    assert found.groups["n"].tolist() == [2]


def test_positions_count_from_the_highest_score_and_ties_share() -> None:
    """Positions count from the highest score and ties share."""
    people = staff(("A", "HR", 5), ("B", "HR", 5))
    scores = [5, 4, 4, 2, 1, 1, 2, 3, 4, 5]
    rows = [(p, "ann", "a", s) for p, s in zip(people["employee_id"], scores, strict=True)]
    found = standing(ratings(rows), people).subjects
    assert found["position"].tolist() == [1, 2.5, 2.5, 4, 5, 5, 4, 3, 2, 1]


def test_below_the_floor_no_position_is_given() -> None:
    """Below the floor no position is given."""
    found = standing(TWO_CRITERIA, staff(), floor=3)
    assert found.subjects["position"].isna().all()
    assert found.groups["shown"].tolist() == [False]


def test_the_same_mean_summed_in_another_order_is_a_tie() -> None:
    """The same mean summed in another order is a tie."""
    rows = [("e1", f"r{i}", "a", s) for i, s in enumerate([0.1, 0.2, 0.3])]
    rows += [("e2", f"r{i}", "a", s) for i, s in enumerate([0.3, 0.2, 0.1])]
    found = standing(ratings(rows), staff(), floor=1).subjects
    assert found["position"].tolist() == [1.5, 1.5]


HISTORY = pd.DataFrame(
    {
        "employee_id": ["e1", "e1", "e2"],
        "cycle": ["spring", "autumn", "autumn"],
        "criterion_id": ["a", "a", "a"],
        "score": [3.5, 2.0, 3.0],
        "n": [1, 1, 1],
    }
)


def test_previous_is_the_last_earlier_cycle_by_name_or_by_the_order_given() -> None:
    """Previous is the last earlier cycle by name or by the order given."""
    by_name = standing(TWO_CRITERIA, staff(), history=HISTORY).subjects
    assert by_name["previous"].fillna(-1).tolist() == [3.5, -1]
    assert by_name["change"][0] == pytest.approx(0.5)
    given_order = standing(
        TWO_CRITERIA, staff(), history=HISTORY, cycle_order=["spring", "autumn", "now"]
    )
    assert given_order.subjects["previous"].tolist() == [2.0, 3.0]


def test_conversations_stand_beside_those_of_comparable_people() -> None:
    """Conversations stand beside those of comparable people."""
    rated = ratings([("e1", "ann", "a", 2), ("e1", "ann", "a", 4), ("e2", "ann", "a", 3)])
    rated["subject_id"] = pd.Series(["c1", "c2", "c3"], dtype="str")
    found = standing(rated, staff(), floor=2)
    assert found.groups["n"].tolist() == [2]
    # beside a conversation stand those of the other person only
    assert found.subjects["n_others"].tolist() == [1, 1, 2]
    assert found.subjects["others_mean"].tolist() == [3, 3, 3]
    assert found.subjects["position"].tolist() == [3, 1, 2]


def test_a_person_is_compared_with_the_others_only() -> None:
    """The mean, the SD and the number beside a person leave that person out."""
    scores = [5.0, 3.0, 3.5, 2.5, 3.0]
    rows = [(f"e{i}", "ann", "a", score) for i, score in enumerate(scores)]
    found = standing(ratings(rows), staff(), floor=5).subjects
    assert found["n_others"].tolist() == [4] * 5
    for i in range(5):
        others = np.delete(scores, i)
        assert found["others_mean"][i] == pytest.approx(others.mean())
        assert found["others_sd"][i] == pytest.approx(others.std(ddof=1))
    assert standing(ratings(rows), staff(), floor=6).subjects["others_mean"].isna().all()


def test_others_that_are_all_alike_have_no_spread() -> None:
    """Rounding leaves no tiny SD, by which anybody would be far away."""
    rows = [(f"e{i}", "ann", "a", 3.3) for i in range(7)] + [("e9", "ann", "a", 4.1)]
    found = standing(ratings(rows), staff(), floor=5).subjects
    assert found["others_sd"].iloc[-1] == 0


def test_one_number_for_conversations_of_several_people_is_refused() -> None:
    """One number for conversations of several people is refused."""
    rated = ratings([("e1", "ann", "a", 2), ("e2", "ann", "a", 4)]).assign(subject_id="c1")
    with pytest.raises(NotEstimable, match="several people"):
        standing(rated, staff())


@pytest.mark.parametrize("nothing", [TWO_CRITERIA.iloc[:0], TWO_CRITERIA.assign(score=np.nan)])
def test_without_scores_nobody_has_a_standing(nothing: pd.DataFrame) -> None:
    """Without scores nobody has a standing."""
    with pytest.raises(NotEstimable, match="no ratings"):
        standing(nothing, staff())


def test_one_employee_has_a_score_and_no_position() -> None:
    """One employee has a score and no position."""
    found = standing(ratings([("e1", "ann", "a", 3.7)]), staff())
    assert found.subjects["score"].tolist() == [3.7]
    assert found.groups["sd"].isna().all()


rows = st.lists(
    st.tuples(
        st.sampled_from([f"p{i:03}" for i in range(12)]), st.sampled_from(["ann", "bob", "cas"]),
        st.sampled_from("ab"), st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]),
    ),
    min_size=1, max_size=40, unique_by=lambda row: row[:3],
)  # fmt: skip
PEOPLE = staff(("9", "IT", 4), ("9", None, 1), ("10", "IT", 3), ("11", "HR", 3), (None, "IT", 1))


@FEW
@given(rows, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(drawn: list, random: object) -> None:
    """Order of rows does not matter."""
    mixed = list(drawn)
    random.shuffle(mixed)
    one = standing(ratings(drawn), PEOPLE, floor=3)
    other = standing(ratings(mixed), PEOPLE, floor=3)
    pd.testing.assert_frame_equal(one.subjects, other.subjects)
    pd.testing.assert_frame_equal(one.groups, other.groups)


@FEW
@given(rows, st.floats(-3, 3))
def test_a_shift_of_all_scores_shifts_scores_and_nothing_else(drawn: list, shift: float) -> None:
    """A shift of all scores shifts scores and nothing else."""
    one = standing(ratings(drawn), PEOPLE, floor=3)
    other = standing(ratings([(*row[:3], row[3] + shift) for row in drawn]), PEOPLE, floor=3)
    both = ["score", "others_mean"]
    shifted = one.subjects.assign(**(one.subjects[both] + shift))
    pd.testing.assert_frame_equal(other.subjects, shifted, atol=1e-6)


@FEW
@given(rows)
def test_everyone_is_in_one_group_and_nothing_given_changes(drawn: list) -> None:
    """Everyone is in one group and nothing given changes."""
    rated, people = ratings(drawn), PEOPLE.copy(deep=True)
    before = rated.copy(deep=True)
    found = standing(rated, people, floor=3)
    assert found.groups["n"].sum() == len({row[0] for row in drawn})
    shown = found.groups.set_index("group").query("shown")
    expected = found.subjects["group"].map(shown["n"]) - 1
    assert found.subjects["n_others"].fillna(-9).tolist() == expected.fillna(-9).tolist()
    pd.testing.assert_frame_equal(rated, before)
    pd.testing.assert_frame_equal(people, PEOPLE)


def test_every_earlier_cycle_is_told_with_the_weights_of_now() -> None:
    """Oldest first, in the order given; a cycle without any weight has no score."""
    found = standing(
        TWO_CRITERIA, staff(), history=HISTORY, cycle_order=["spring", "autumn", "now"]
    ).earlier
    assert found["cycle"].drop_duplicates().tolist() == ["spring", "autumn"]
    last = found[found["cycle"].eq("autumn")].set_index("employee_id")["score"]
    assert last.to_dict() == {"e1": 2.0, "e2": 3.0}
    retired = HISTORY.assign(criterion_id=HISTORY["criterion_id"].where(
        HISTORY["cycle"].eq("autumn"), "gone"))  # fmt: skip
    weights = pd.DataFrame({"criterion_id": ["a", "b", "gone"], "weight": [1.0, 1.0, 0.0]})
    untold = standing(TWO_CRITERIA, staff(), history=retired, criteria=weights).earlier
    assert untold.loc[untold["cycle"].ne("autumn"), "score"].isna().all()
