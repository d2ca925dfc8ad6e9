"""Expected scores with the average rater."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.expected import Expected, estimate_expected


def planted(
    n_subjects: int = 30, n_raters: int = 8, n_criteria: int = 3, each: int = 3, *,
    subject: float = 0.4, rater: float = 0.15, halo: float = 0.1, chance: float = 0.3,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.Series]:  # fmt: skip
    """Ratings, and what each subject would get from the average of these raters."""
    rng = np.random.default_rng(seed)
    rows = [
        (s, r, c)
        for s in range(n_subjects)
        for r in rng.choice(n_raters, each, replace=False)
        for c in range(n_criteria)
    ]
    s, r, c = np.array(rows).T
    level = rng.normal(0, subject**0.5, n_subjects)
    strict = rng.normal(0, rater**0.5, n_raters)
    pair = rng.normal(0, halo**0.5, (n_subjects, n_raters))
    score = 3 + 0.2 * c + level[s] - strict[r] + pair[s, r]
    score = score + rng.normal(0, chance**0.5, len(s))
    made = pd.DataFrame(
        {
            "subject_id": [f"e{i:03}" for i in s],
            "rater_id": [f"r{i:03}" for i in r],
            "criterion_id": [f"c{i}" for i in c],
        },
        dtype="str",
    ).assign(score=score)
    truth = 3 + 0.2 * np.arange(n_criteria).mean() + level - strict[np.unique(r)].mean()
    return made, pd.Series(truth, index=[f"e{i:03}" for i in range(n_subjects)])


def one_part(rated: pd.DataFrame) -> pd.Series:
    """All subjects in one component."""
    return pd.Series(0, index=pd.Index(rated["subject_id"].unique()))


def estimate(rated: pd.DataFrame, **options: object) -> Expected:
    """Expected scores, in one component unless given."""
    return estimate_expected(rated, **{"component": one_part(rated), **options})


def test_expected_scores_are_nearer_to_the_truth_than_means() -> None:
    """Taking severity out helps where raters are linked and differ."""
    rated, truth = planted(rater=0.4, each=2, seed=1)
    found = estimate(rated).subjects.set_index("subject_id")
    assert np.std(found["expected"] - truth) < 0.8 * np.std(found["mean"] - truth)


@pytest.mark.parametrize("shape", [(30, 8, 3, 3), (20, 5, 1, 2), (50, 15, 4, 2)])
def test_intervals_and_differences_cover_the_planted_truth(shape: tuple) -> None:
    """95 % intervals of scores, and of differences between neighbours, cover 95 %."""
    hits, pairs = [], []
    for seed in range(25):
        rated, truth = planted(*shape, seed=seed, halo=0.1 if shape[2] > 1 else 0.0)
        try:
            found = estimate(rated)
        except NotEstimable:
            continue
        rows = found.subjects.set_index("subject_id")
        own = truth.reindex(rows.index)
        hits.append(((rows["ci_low"] <= own) & (own <= rows["ci_high"])).mean())
        for one, other in zip(rows.index[:-1:3], rows.index[1::3], strict=False):
            gap = rows.at[one, "expected"] - rows.at[other, "expected"] - own[one] + own[other]
            pairs.append(abs(gap) <= 1.96 * found.se_of_difference(one, other))
    assert 0.88 <= np.mean(hits) <= 0.99
    assert 0.88 <= np.mean(pairs) <= 0.99


def test_one_rating_borrows_more_than_many() -> None:
    """The fewer ratings somebody has, the more the others decide, and the wider the interval."""
    rated, _ = planted(each=4, seed=2)
    few = rated["subject_id"] == "e003"
    kept = rated[~few | (rated["rater_id"] == rated.loc[few, "rater_id"].iloc[0])]
    found = estimate(kept).subjects.set_index("subject_id")
    assert found["borrowed"].idxmax() == found["se"].idxmax() == "e003"
    assert found["borrowed"].between(0, 1).all()
    assert found.loc["e003", "n_raters"] == 1


def test_nobody_is_ordered_on_less_than_the_uncertainty() -> None:
    """People far apart may be ordered, neighbours not, and nobody against oneself."""
    found = estimate(planted(seed=3)[0])
    order = found.subjects.sort_values("expected")["subject_id"].tolist()
    assert found.distinguishable(order[0], order[-1])
    assert found.distinguishable(order[-1], order[0])
    assert not found.distinguishable(order[3], order[4])
    assert not found.distinguishable(order[0], order[0])
    with pytest.raises(KeyError):
        found.distinguishable("nobody", order[0])


def test_parts_with_one_rater_get_a_reason_and_no_number() -> None:
    """Somebody whose rater shares nobody has no expected score, and is ordered with no one."""
    rated, _ = planted(seed=4)
    lone = rated[rated["subject_id"] < "e004"].drop_duplicates(["subject_id", "criterion_id"])
    lone = lone.assign(subject_id="z" + lone["subject_id"], rater_id="z")
    every = pd.concat([rated, lone])
    parts = one_part(every)
    parts[parts.index.str.startswith("z")] = 1
    found = estimate(every, component=parts)
    rows = found.subjects.set_index("subject_id")
    assert rows.loc["ze001", ["expected", "se", "borrowed"]].isna().all()
    assert "look the same" in str(rows.loc["ze001", "reason"])
    assert rows.loc["e001", "reason"] is None
    assert not found.distinguishable("ze001", "e001")
    with pytest.raises(NotEstimable, match="Nothing links"):
        found.se_of_difference("ze001", "e001")
    pd.testing.assert_frame_equal(
        rows.loc[:"e999"].reset_index(), estimate(rated).subjects, check_dtype=False
    )


def test_two_linked_parts_are_not_ordered_with_each_other() -> None:
    """No contrast runs across components."""
    rated, _ = planted(n_subjects=15, seed=5)
    other = rated.assign(
        subject_id="x" + rated["subject_id"], rater_id="x" + rated["rater_id"],
        score=rated["score"] + 2,
    )  # fmt: skip
    every = pd.concat([rated, other])
    parts = one_part(every)
    parts[parts.index.str.startswith("x")] = 1
    found = estimate(every, component=parts)
    assert not found.distinguishable("e001", "xe001")
    rows = found.subjects.set_index("subject_id")["expected"]
    alone = estimate(rated).subjects.set_index("subject_id")["expected"]
    np.testing.assert_allclose(rows[alone.index], alone, atol=2e-3)
    np.testing.assert_allclose(rows["x" + alone.index], alone + 2, atol=2e-3)


def test_shift_order_and_labels_change_only_the_level() -> None:
    """A shift of all scores shifts the expected scores, and nothing else."""
    rated, _ = planted(n_subjects=12, seed=6)
    other = rated.assign(
        score=rated["score"] + 1.5, rater_id=rated["rater_id"].map(lambda name: name[::-1])
    ).sample(frac=1, random_state=3)
    one, two = estimate(rated).subjects, estimate(other).subjects
    np.testing.assert_allclose(two["expected"], one["expected"] + 1.5, atol=1e-3)
    np.testing.assert_allclose(two["se"], one["se"], atol=1e-3)


REFUSED = {
    "none": (planted()[0].iloc[:0], "no ratings"),
    "constant": (planted()[0].assign(score=3.0), "the same"),
    "one rater": (planted()[0][lambda d: d["rater_id"] == "r001"], "only one rater"),
    "people alike": (planted(60, 6, 1, 6, subject=0.0, halo=0.0, seed=2)[0], "no differences"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ratings_that_cannot_answer_say_why(case: str) -> None:
    """A reason in words instead of a number."""
    rated, reason = REFUSED[case]
    with pytest.raises(NotEstimable, match=reason):
        estimate(rated)


def test_criteria_that_only_one_part_rated_are_no_obstacle() -> None:
    """Each component has its own criteria."""
    rated, _ = planted(n_subjects=15, seed=7)
    other = rated.assign(
        subject_id="x" + rated["subject_id"],
        rater_id="x" + rated["rater_id"],
        criterion_id="y" + rated["criterion_id"],
    )
    every = pd.concat([rated, other])
    parts = one_part(every)
    parts[parts.index.str.startswith("x")] = 1
    rows = estimate(every, component=parts).subjects
    assert rows["expected"].iloc[0] == pytest.approx(rows["expected"].iloc[15], abs=1e-6)
