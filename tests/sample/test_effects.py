"""Every planted effect shows in a plain statistic, and nothing else is planted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipeline.sample import PLANTED, SEED, PlantedWho, describe_effects
from pipeline.sample.generate import Company
from pipeline.sample.scores import SEVERITY_MOST, SEVERITY_SD, ordinary_severity

Tables = dict[str, pd.DataFrame]
Join = Callable[[Tables], pd.DataFrame]

JUDGEMENT = ["cycle", "employee_id", "rater_id"]


@pytest.fixture(scope="module")
def planted() -> dict[str, PlantedWho]:
    """Return the planted effects by name."""
    company = Company.plan(None, None, 3, SEED, planted=True)
    return {one.effect.name: one for one in company.planted_effects()}


@pytest.fixture(scope="module")
def ratings(sample: Tables, with_department: Join) -> pd.DataFrame:
    """Return the performance ratings of the default sample."""
    return with_department(sample)


@pytest.fixture(scope="module")
def ratings_without(unplanted: Tables, with_department: Join) -> pd.DataFrame:
    """Return the performance ratings of the same company without planted effects."""
    return with_department(unplanted)


def against_others(ratings: pd.DataFrame, rater_id: str) -> pd.Series:
    """Return mean score of a rater minus that of the others about the same people, per cycle."""
    mean = ratings.groupby(JUDGEMENT)["score"].mean().reset_index()
    pairs = mean.merge(mean, on=["cycle", "employee_id"], suffixes=("", "_other"))
    pairs = pairs[(pairs["rater_id"] == rater_id) & (pairs["rater_id_other"] != rater_id)]
    return (pairs["score"] - pairs["score_other"]).groupby(pairs["cycle"]).mean()


def components(ratings: pd.DataFrame) -> int:
    """Count the groups of raters that no shared employee joins."""
    group = {rater: {rater} for rater in ratings["rater_id"].unique()}
    for _, raters in ratings.groupby("employee_id")["rater_id"]:
        joined = set().union(*(group[rater] for rater in raters))
        for rater in joined:
            group[rater] = joined
    return len({id(members) for members in group.values()})


def test_all_effects_are_in_the_default_company(planted: dict[str, PlantedWho]) -> None:
    """Each effect has a name of its own, and a holder who stays where it is about a person."""
    assert list(planted) == [effect.name for effect in PLANTED]
    kinds = [one.effect.kind for one in planted.values()]
    assert kinds.count("severity") == 4
    assert kinds.count("under_the_radar") == 2
    assert all(bool(one.person_id) == bool(one.effect.seat) for one in planted.values())


def test_planted_people_stay(planted: dict[str, PlantedWho], sample: Tables) -> None:
    """They are in service in every cycle."""
    people = sample["employees"]
    for one in planted.values():
        mine = people[people["employee_id"] == one.person_id]
        if one.person_id:
            assert list(mine["cycle"]) == ["2024", "2025", "2026"]
            assert mine["left_on"].isna().all()
            assert set(mine["department"]) == {one.effect.department}


def test_the_description_lists_every_effect(planted: dict[str, PlantedWho]) -> None:
    """One table row for each, with the personnel number and the size."""
    lines = describe_effects().splitlines()
    assert len(lines) == 2 + len(PLANTED)
    for line, one in zip(lines[2:], planted.values(), strict=True):
        assert f"`{one.effect.name}`" in line
        assert one.person_id in line
        assert line.count("|") == 8


@pytest.mark.parametrize("name", ["strict-it", "strict-rd", "lenient-finance", "lenient-sales"])
def test_strict_and_lenient_raters_differ_from_their_co_raters(
    name: str, planted: dict[str, PlantedWho], ratings: pd.DataFrame
) -> None:
    """In every cycle, in the direction and about the size planted."""
    difference = against_others(ratings, planted[name].person_id)
    size = planted[name].effect.size[-1]
    assert (np.sign(difference) == -np.sign(size)).all()
    assert difference.mean() == pytest.approx(-size, abs=0.35)


def test_a_strict_manager_in_a_nested_department_shares_nobody(
    planted: dict[str, PlantedWho], ratings: pd.DataFrame, ratings_without: pd.DataFrame
) -> None:
    """The planted strictness is in the scores, and nothing in the data can tell it from level."""
    rater = planted["strict-nested"].person_id
    assert against_others(ratings, rater).empty
    with_it, without = (
        frame.loc[frame["rater_id"] == rater, "score"].mean()
        for frame in (ratings, ratings_without)
    )
    assert with_it - without == pytest.approx(-0.7, abs=0.45)  # the ordinary one is replaced


def test_halo_rater_hardly_differs_between_criteria(
    planted: dict[str, PlantedWho], ratings: pd.DataFrame
) -> None:
    """SD across criteria within a person is less than half that of any colleague."""
    here = ratings[ratings["department"] == "Verkoop"]
    within = here.groupby(JUDGEMENT)["score"].std().groupby("rater_id").mean()
    mine = within.pop(planted["halo-sales"].person_id)
    assert mine < 0.5 * within.min()


def test_central_rater_gives_threes(planted: dict[str, PlantedWho], ratings: pd.DataFrame) -> None:
    """More 3s and less spread than any colleague."""
    here = ratings[ratings["department"] == "IT & Data"].groupby("rater_id")["score"]
    threes, spread = here.agg(lambda s: (s == 3).mean()), here.std()
    rater = planted["central-it"].person_id
    assert threes.pop(rater) > 1.3 * threes.max()
    assert spread.pop(rater) < 0.7 * spread.min()


def test_inconsistent_rater_scatters(planted: dict[str, PlantedWho], ratings: pd.DataFrame) -> None:
    """SD across criteria within a person is far above that of the colleagues."""
    here = ratings[ratings["department"] == "R&D / Zuid"]
    within = here.groupby(JUDGEMENT)["score"].std().groupby("rater_id").mean()
    mine = within.pop(planted["inconsistent-rd"].person_id)
    assert mine > 1.3 * within.max()


def test_drifting_rater_becomes_stricter(
    planted: dict[str, PlantedWho], ratings: pd.DataFrame
) -> None:
    """From lenient in 2024 to strict in 2026."""
    difference = against_others(ratings, planted["drift-sales"].person_id)
    assert difference.is_monotonic_decreasing
    assert difference.iloc[0] - difference.iloc[-1] == pytest.approx(1.0, abs=0.6)


@pytest.mark.parametrize("cycle", ["2024", "2025", "2026"])
def test_designs_are_as_told(cycle: str, ratings: pd.DataFrame) -> None:
    """Facilitair falls apart in two; other cross-rated departments hang together."""
    now = ratings[ratings["cycle"] == cycle]
    found = {name: components(rows) for name, rows in now.groupby("department")}
    linked = ("Financiën", "IT & Data", "Verkoop", "Productie", "R&D / Zuid")
    assert found["Facilitair"] == 2
    assert found["Marketing & Communicatie"] == found["HR"] == found["Juridische Zaken"] == 1
    assert {found[name] for name in linked} == {1}
    for nested in ("Klantcontact", "Logistiek"):
        raters = now.loc[now["department"] == nested, "rater_id"].nunique()
        assert found[nested] == raters > 5


def test_unlinked_groups_hang_together_within(ratings: pd.DataFrame) -> None:
    """Everybody has two raters, and each rater two partners."""
    here = ratings[(ratings["department"] == "Facilitair") & (ratings["cycle"] == "2026")]
    per_person = here.groupby("employee_id")["rater_id"].nunique()
    assert (per_person == 2).mean() > 0.85
    pairs = here.merge(here, on="employee_id")
    partners = pairs.groupby("rater_id_x")["rater_id_y"].nunique() - 1
    assert (partners == 2).all()


def test_part_of_production_has_a_second_rater(ratings: pd.DataFrame) -> None:
    """About three in ten."""
    here = ratings[ratings["department"] == "Productie"]
    raters = here.groupby(["cycle", "employee_id"])["rater_id"].nunique()
    assert (raters == 2).mean() == pytest.approx(0.3, abs=0.05)


def test_recent_evidence_goes_with_ratings_in_one_department(
    sample: Tables, ratings: pd.DataFrame
) -> None:
    """There most evidence is of the last quarter, and ratings follow how much there is."""
    evidence = sample["evidence"].assign(
        cycle=lambda e: (e["dated_on"] + pd.DateOffset(months=1)).dt.year.astype(str),
        recent=lambda e: e["dated_on"].dt.month.between(9, 11),
    )
    counts = evidence.groupby(["employee_id", "cycle"])["recent"].agg(["sum", "size"])
    mean = ratings.groupby(["department", "employee_id", "cycle"])["score"].mean().reset_index()
    both = mean.merge(counts, on=["employee_id", "cycle"])
    recent = both.groupby("department")[["sum", "size"]].sum()
    share = recent["sum"] / recent["size"]
    assert share.pop("Marketing & Communicatie") > 0.7
    assert share.max() < 0.4
    here = both[both["department"] == "Marketing & Communicatie"]
    there = both[both["department"] != "Marketing & Communicatie"]
    assert here["score"].corr(here["sum"]) > 0.2
    assert abs(there["score"].corr(there["sum"])) < 0.15


def test_gender_gap_in_one_department(
    sample: Tables, ratings: pd.DataFrame, ratings_without: pd.DataFrame
) -> None:
    """Women get 0.25 less than without the effect; their results are not lower."""
    keys = [*JUDGEMENT, "criterion_id"]
    both = ratings.merge(ratings_without[[*keys, "score"]], on=keys, suffixes=("", "_without"))
    here = both[both["department"] == "Productie"]
    change = (here["score"] - here["score_without"]).groupby(here["gender"]).mean()
    assert change["female"] == pytest.approx(-0.25, abs=0.05)
    assert change["male"] == change["other"] == 0
    raw = here.groupby(["cycle", "gender"])["score"].mean().unstack()
    assert (raw["female"] < raw["male"]).all()
    people = sample["employees"][["employee_id", "cycle", "department", "gender"]]
    results = sample["results"].merge(people, on=["employee_id", "cycle"])
    results = results[results["department"] == "Productie"]
    reached = (results["value"] / results["target"]).groupby(results["gender"]).mean()
    assert reached["female"] == pytest.approx(reached["male"], abs=0.03)


@pytest.mark.parametrize("name", ["radar-finance", "radar-logistics"])
def test_under_the_radar(
    name: str, planted: dict[str, PlantedWho], sample: Tables, ratings: pd.DataFrame
) -> None:
    """Little evidence, no top rating, and a rise or results above target."""
    who = planted[name].person_id
    assert (sample["evidence"]["employee_id"] == who).sum() <= 3
    scores = ratings[ratings["employee_id"] == who].groupby("cycle")["score"].mean()
    assert scores.iloc[-1] < 4
    results = sample["results"].query("employee_id == @who")
    last = (results["value"] / results["target"]).iloc[-1]
    if name == "radar-finance":
        assert scores.is_monotonic_increasing
        assert scores.iloc[-1] - scores.iloc[0] > 0.6
    else:
        assert 2.7 < scores.mean() < 3.6
        assert last > 1.2


def test_one_criterion_is_a_container_word(sample: Tables) -> None:
    """P5 says no behaviour, in its wording or its anchors; its scores are as the others'."""
    criteria = sample["criteria"].set_index("criterion_id")
    assert criteria.loc["P5", "observable"] == "Is proactief en ondernemend."
    anchors = [f"anchor_{point}_nl" for point in range(1, 6)]
    assert criteria.loc["P5", anchors].str.contains("proactief").all()
    spread = sample["ratings"].groupby("criterion_id")["score"].std()
    assert spread["P5"] == pytest.approx(spread[["P1", "P2", "P3", "P4"]].mean(), abs=0.05)


def test_ordinary_raters_differ_a_little(ratings: pd.DataFrame) -> None:
    """Nobody for whom nothing is planted comes near a planted severity."""
    severity = [ordinary_severity(SEED, rater) for rater in ratings["rater_id"].unique()]
    assert max(map(abs, severity)) <= SEVERITY_SD * SEVERITY_MOST < 0.4
    assert np.std(severity) == pytest.approx(0.17, abs=0.04)


def test_only_planted_departments_change(
    ratings: pd.DataFrame, ratings_without: pd.DataFrame
) -> None:
    """Without effects the same people are rated with the same noise: other scores are equal."""
    keys = [*JUDGEMENT, "criterion_id"]
    touched = {effect.department for effect in PLANTED}
    for rows, name in ((ratings, "with"), (ratings_without, "without")):
        assert not rows.duplicated(keys).any(), name
    same = ratings[~ratings["department"].isin(touched)]
    other = ratings_without[~ratings_without["department"].isin(touched)]
    assert len(same) > 500
    pd.testing.assert_frame_equal(
        same[[*keys, "score"]].reset_index(drop=True),
        other[[*keys, "score"]].reset_index(drop=True),
    )


def test_without_effects_the_two_groups_are_linked(ratings_without: pd.DataFrame) -> None:
    """Facilitair is one component then."""
    here = ratings_without[ratings_without["department"] == "Facilitair"]
    assert {components(rows) for _, rows in here.groupby("cycle")} == {1}
