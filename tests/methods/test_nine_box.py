"""Performance beside potential: two means, their bands, and how sure a place is."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.methods.nine_box import HIGH, LOW, MIDDLE, estimate_nine_box

NOISE = {"rater": 0.1, "pair": 0.05, "residual": 0.2}


def ratings(**scores: tuple[float | None, ...]) -> pd.DataFrame:
    """Return scores of two raters: two criteria of performance, one of potential."""
    rows = [
        (person, rater, criterion, score)
        for person, given in scores.items()
        for rater in ("r1", "r2")
        for criterion, score in zip(("work", "craft", "growth"), given, strict=True)
    ]
    return pd.DataFrame(rows, columns=["employee_id", "rater_id", "criterion_id", "score"])


def boxes(table: pd.DataFrame, **options: object) -> pd.DataFrame:
    """Place people with the settings of these tests."""
    given = {"potential": ["growth"], "ends": (1.0, 5.0), "variance": NOISE, **options}
    return estimate_nine_box(table, **given).people.set_index("employee_id")


def test_each_axis_is_the_mean_of_its_own_criteria() -> None:
    """What counts as potential does not count as performance."""
    found = boxes(ratings(ann=(4.0, 5.0, 1.0), bob=(3.0, 3.0, 3.0), cor=(1.0, 2.0, 5.0)))
    assert found["performance"].to_dict() == {"ann": 4.5, "bob": 3.0, "cor": 1.5}
    assert found["potential"].to_dict() == {"ann": 1.0, "bob": 3.0, "cor": 5.0}
    assert found["performance_band"].to_dict() == {"ann": HIGH, "bob": MIDDLE, "cor": LOW}
    assert found["potential_band"].to_dict() == {"ann": LOW, "bob": MIDDLE, "cor": HIGH}


def test_the_border_belongs_to_the_higher_band() -> None:
    """2.5 is middle and 3.5 is high on a scale of 1 to 5."""
    found = boxes(ratings(ann=(2.5, 2.5, 3.5)))
    assert found.loc["ann", ["performance_band", "potential_band"]].tolist() == [MIDDLE, HIGH]


def test_the_error_of_a_mean_follows_from_raters_and_scores() -> None:
    """Two raters; four scores of performance, two of potential; 1.96 standard errors."""
    found = boxes(ratings(ann=(3.0, 3.0, 3.0))).loc["ann"]
    assert found["performance_error"] == pytest.approx(1.959964 * (0.15 / 2 + 0.2 / 4) ** 0.5)
    assert found["potential_error"] == pytest.approx(1.959964 * (0.15 / 2 + 0.2 / 2) ** 0.5)


def test_a_place_is_sure_where_no_interval_reaches_another_band() -> None:
    """Both axes have to be sure; without any error known nothing is said."""
    table = ratings(ann=(5.0, 5.0, 5.0), bob=(5.0, 5.0, 3.4))
    assert boxes(table)["sure"].to_dict() == {"ann": True, "bob": False}
    unknown = boxes(table, variance=None)
    assert unknown["sure"].isna().all()
    assert unknown[["performance_error", "potential_error"]].isna().all(axis=None)


def test_who_lacks_an_axis_is_counted_not_placed() -> None:
    """A missing score is no low score."""
    found = estimate_nine_box(
        ratings(ann=(3.0, 3.0, 3.0), bob=(3.0, 3.0, None)),
        potential=["growth"],
        ends=(1.0, 5.0),
        variance=None,
    )
    assert list(found.people["employee_id"]) == ["ann"]
    assert found.n_left_out == 1


@pytest.mark.parametrize("potential", [[], ["unknown"], ["work", "craft", "growth"]])
def test_without_two_axes_there_is_a_reason(potential: list[str]) -> None:
    """Nothing is named, nothing named was rated, or nothing else was."""
    with pytest.raises(NotEstimable):
        estimate_nine_box(
            ratings(ann=(3.0, 3.0, 3.0)), potential=potential, ends=(1.0, 5.0), variance=NOISE
        )


def test_a_criterion_that_does_not_exist_is_named() -> None:
    """So that a slip in the settings is found."""
    with pytest.raises(NotEstimable, match=r"names as potential: groei, kans"):
        estimate_nine_box(
            ratings(ann=(3.0, 3.0, 3.0)),
            potential=["groei", "kans"],
            ends=(1.0, 5.0),
            variance=NOISE,
        )
