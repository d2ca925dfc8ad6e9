"""The analysis finds what was planted in the invented company, and little where nothing was."""

from __future__ import annotations

import runpy
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.sample import PLANTED, SEED
from pipeline.sample.generate import Company
from pipeline.settings import read_settings
from support import REPOSITORY
from support.wolkenveen import Wolkenveen, wolkenveen

SIMULATE = REPOSITORY / "benchmarks" / "simulations" / "simulate.py"
TESTED = {
    "strict-it", "strict-rd", "lenient-finance", "lenient-sales", "strict-nested", "halo-sales",
    "central-it", "inconsistent-rd", "drift-sales", "unlinked-facilities", "recency-marketing",
    "gender-gap-production", "radar-finance", "radar-logistics", "container-word",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wolkenveen]:
    """Return the sample that is kept in git, imported, with the gender gap asked for."""
    home = tmp_path_factory.mktemp("home")
    (home / "workbench.toml").write_text('[fairness]\nattributes = ["gender"]\n')
    company = Company.plan(None, None, 3, SEED, planted=True)
    with wolkenveen(REPOSITORY / "data" / "sample", read_settings(home), company) as opened:
        yield opened


def row(rows: pd.DataFrame, name: str, value: str) -> pd.Series:
    """Return the one row of a person."""
    (found,) = (one for _, one in rows[rows[name] == value].iterrows())
    return found


def test_every_planted_effect_has_its_test() -> None:
    """An effect that is added to the sample has to be looked for here."""
    assert {effect.name for effect in PLANTED} == TESTED


@pytest.mark.parametrize("name", ["strict-it", "lenient-finance", "lenient-sales"])
def test_a_strict_or_mild_rater_is_named(sample: Wolkenveen, name: str) -> None:
    """Flagged with the right sign, and first in the list."""
    planted = sample.planted[name]
    found = sample.analysis(planted.effect.department).flags.raters
    assert found.iloc[0]["rater_id"] == planted.person_id
    assert found.iloc[0]["flagged"]
    assert np.sign(found.iloc[0]["severity"]) == np.sign(planted.effect.size[-1])


def test_a_strict_rater_beside_a_scattering_one_is_seen_but_not_named(sample: Wolkenveen) -> None:
    """The scatter of another rater leaves .86 certainty, the rule asks .90: it says just that."""
    planted = sample.planted["strict-rd"]
    found = sample.analysis(planted.effect.department)
    first = found.flags.raters.iloc[0]
    true = sample.severity(planted.effect.department, found.severity.raters["rater_id"])
    assert first["rater_id"] == planted.person_id
    assert 0 < first["ci_low"] <= true[planted.person_id] - true.mean() <= first["ci_high"]
    assert not first["flagged"]
    assert "no individual can be named" in found.flags.sentence.text


def test_intervals_hold_the_severities_that_scores_were_made_with(sample: Wolkenveen) -> None:
    """Of all raters in the linked departments, most lie within their 95 % interval."""
    held: list[bool] = []
    for department in ("IT & Data", "R&D / Zuid", "Financiën", "Verkoop", "Facilitair"):
        raters = sample.analysis(department).severity.raters.set_index("rater_id")
        true = sample.severity(department, raters.index.to_series())
        true -= true.groupby(raters["component"]).transform("mean")
        held += list(true.between(raters["ci_low"], raters["ci_high"]))
    assert np.mean(held) >= 0.8


def test_a_strict_rater_of_an_own_team_only_is_not_named(sample: Wolkenveen) -> None:
    """Where nobody else rates the team, the answer is the reason, and bounds per person."""
    planted = sample.planted["strict-nested"]
    found = sample.analysis(planted.effect.department)
    assert isinstance(found.severity, NotEstimable)
    assert found.flags is None
    assert found.design.verdict == "nested"
    mine = found.data.ratings.loc[found.data.ratings["rater_id"] == planted.person_id]
    bounds = found.nested.subjects.set_index("subject_id").loc[mine["subject_id"].unique()]
    # a team rated low: had it all been severity, its people would stand higher
    assert (bounds["at_one"] > bounds["raw"]).all()


def test_halo_is_found(sample: Wolkenveen) -> None:
    """The rater scores all criteria alike, half as different as expected, and nobody else does."""
    planted = sample.planted["halo-sales"]
    raters = sample.analysis(planted.effect.department).halo.raters
    assert list(raters.loc[raters["flagged"], "rater_id"]) == [planted.person_id]
    assert row(raters, "rater_id", planted.person_id)["ci_high"] < 0.8


def test_central_tendency_is_found(sample: Wolkenveen) -> None:
    """Far more 3s than expected and half the spread, and nobody else."""
    planted = sample.planted["central-it"]
    raters = sample.analysis(planted.effect.department).range_use.raters
    assert list(raters.loc[raters["central"], "rater_id"]) == [planted.person_id]
    found = row(raters, "rater_id", planted.person_id)
    assert found["restricted"]
    assert found["middle_low"] > 0.1
    assert found["sd_ratio_low"] <= planted.effect.size[-1] <= found["sd_ratio_high"]


def test_inconsistency_is_found(sample: Wolkenveen) -> None:
    """Residual spread above that of the others, and nobody else."""
    planted = sample.planted["inconsistent-rd"]
    found = sample.analysis(planted.effect.department)
    raters = found.consistency.raters
    assert list(raters.loc[raters["flagged"], "rater_id"]) == [planted.person_id]
    assert row(raters, "rater_id", planted.person_id)["ci_low"] > 1.1


def test_drift_is_found(sample: Wolkenveen) -> None:
    """The trend of severity over the cycles is the steepest, flagged, its interval holds it."""
    planted = sample.planted["drift-sales"]
    raters = sample.analysis(planted.effect.department).drift.raters
    found = row(raters, "rater_id", planted.person_id)
    assert found["flagged"]
    assert found["trend"] == raters["trend"].max()
    rise = planted.effect.size[-1] - planted.effect.size[0]
    assert found["ci_low"] <= rise <= found["ci_high"]


def test_unlinked_groups_are_found(sample: Wolkenveen) -> None:
    """Two components, severity centred in each, no contrast across."""
    planted = sample.planted["unlinked-facilities"]
    found = sample.analysis(planted.effect.department)
    assert found.design.verdict == "unlinked_groups"
    raters = found.severity.raters
    assert raters["component"].nunique() == planted.effect.size[-1]
    centred = raters.groupby("component")["severity"].mean()
    assert centred.to_numpy() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_recency_is_found_in_when_evidence_was_written(sample: Wolkenveen) -> None:
    """Half the evidence is of the last 60 days, an even spread would give a sixth.

    Which evidence ratings follow cannot be told: hardly any is from earlier in the year, and the
    answer says so.
    """
    planted = sample.planted["recency-marketing"]
    found = sample.analysis(planted.effect.department).recency
    assert found.share_low > 2 * found.share_even
    assert found.difference is None
    assert "Fewer than" in found.reason.text
    elsewhere = sample.analysis("Verkoop").recency
    assert elsewhere.share_low < elsewhere.share_even
    assert elsewhere.ci_low < 0


def test_a_gender_gap_is_found(sample: Wolkenveen) -> None:
    """Women are rated lower, after adjustment too; not so where nothing was planted."""
    planted = sample.planted["gender-gap-production"]
    gaps = sample.analysis(planted.effect.department).fairness["gender"].gaps
    assert list(gaps["group"]) == ["female"]
    assert gaps["verdict"].iloc[0] == "gap"
    assert gaps["ci_high"].iloc[0] < 0
    elsewhere = sample.analysis("IT & Data").fairness["gender"].gaps
    assert elsewhere["verdict"].iloc[0] != "gap"


def test_the_one_who_rises_is_under_the_radar(sample: Wolkenveen) -> None:
    """Named for rising and for nothing else; the interval holds the rise."""
    planted = sample.planted["radar-finance"]
    people = sample.analysis(planted.effect.department).under_the_radar.employees
    assert list(people.loc[people["under_the_radar"], "employee_id"]) == [planted.person_id]
    found = row(people, "employee_id", planted.person_id)
    assert found["rising"]
    assert not found["results_above"]
    first, _, last = planted.effect.size
    assert found["slope_low"] <= (last - first) / 2 <= found["slope_high"]


def test_the_one_with_results_is_under_the_radar(sample: Wolkenveen) -> None:
    """Results further above what the rating leads to expect than those of anybody else."""
    planted = sample.planted["radar-logistics"]
    people = sample.analysis(planted.effect.department).under_the_radar.employees
    found = row(people, "employee_id", planted.person_id)
    assert found["under_the_radar"]
    assert found["results_above"]
    assert not found["rising"]
    assert found["result"] == people["result"].max()


def test_a_container_word_shows_in_its_wording_only(sample: Wolkenveen) -> None:
    """Scores do not tell: raters agree on it as on the others, so its wording has to be read."""
    found = sample.analysis("Verkoop")
    wording = found.data.criteria.set_index("criterion_id")["observable"]
    assert wording["P5"].startswith("Is proactief")
    agreement = found.agreement.criteria.set_index("criterion_id")
    others = agreement["within_one"].drop("P5")
    assert others.min() - 0.05 <= agreement.loc["P5", "within_one"] <= others.max() + 0.05


def test_a_company_with_nothing_planted_stays_silent() -> None:
    """Over two small companies few sessions mark anything; `make simulate` counts more."""
    company_alarms = runpy.run_path(str(SIMULATE))["company_alarms"]
    sessions = [one for seed in (101, 102) for one in company_alarms(seed, departments=5)]
    assert len(sessions) == 10
    # one session in ten is nominal for each detector
    raters = ("severity", "halo", "central tendency", "inconsistency", "drift, trends")
    for name in raters:
        assert sum(one[name] > 0 for one in sessions) <= 2, name
    assert sum(one["profiles"] + one["styles"] for one in sessions) == 0
    assert sum(any(one.values()) for one in sessions) <= 6
