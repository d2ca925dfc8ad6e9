"""The sample is a company that hangs together, and it is the committed one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.sample import MARKER
from pipeline.sample.write import file_of
from pipeline.settings import REPOSITORY
from pipeline.tables import TABLES, key_of, required_columns

Tables = dict[str, pd.DataFrame]
COMMITTED = REPOSITORY / "data" / "sample"
SIZES = {
    "Klantcontact": 64,
    "Financiën": 28,
    "IT & Data": 45,
    "Logistiek": 70,
    "Verkoop": 52,
    "HR": 12,
    "Juridische Zaken": 4,
    "Productie": 150,
    "Marketing & Communicatie": 38,
    "R&D / Zuid": 36,
    "Facilitair": 40,
}


@pytest.mark.parametrize("name", [MARKER, *(file_of(table) for table in TABLES)])
def test_the_committed_copy_is_what_the_code_writes(name: str, sample_folder: Path) -> None:
    """The same bytes on every Python and numpy: all draws come from `random.Random.random`."""
    assert (COMMITTED / name).read_bytes() == (sample_folder / name).read_bytes(), (
        "write it anew: python -c 'from pathlib import Path; "
        'from pipeline.sample import write_sample; write_sample(Path("data/sample"))\''
    )


def test_the_committed_copy_is_small() -> None:
    """The whole stays below 4 MB, the ratings below 2.5 MB."""
    files = {str(path.relative_to(COMMITTED)): path for path in COMMITTED.rglob("*.*")}
    assert sum(path.stat().st_size for path in files.values()) < 4_000_000
    assert (COMMITTED / "ratings.csv").stat().st_size < 2_500_000
    assert set(files) == {MARKER, *(file_of(table) for table in TABLES)}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_keeps_the_contract(table: str, sample: Tables) -> None:
    """Columns, kinds, choices and ranges hold; no column is strange to the contract."""
    frame = sample[table]
    assert len(frame)
    assert set(frame.columns) <= set(TABLES[table].columns)
    assert set(required_columns(table)) <= set(frame.columns)
    TABLES[table].validate(frame, lazy=True)


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_identified_by_their_key(table: str, sample: Tables) -> None:
    """No row is a correction of another."""
    key = [name for name in key_of(table) if name in sample[table].columns]
    assert not sample[table].duplicated(key).any()


def test_references_are_known(sample: Tables) -> None:
    """Who is named exists, in the cycle where that matters."""
    people = sample["employees"]
    known = set(zip(people["employee_id"], people["cycle"], strict=True))
    ratings = sample["ratings"]
    for column in ("employee_id", "rater_id"):
        assert set(zip(ratings[column], ratings["cycle"], strict=True)) <= known
    ids = set(people["employee_id"])
    assert set(people["manager_id"].dropna()) <= ids
    assert set(sample["participants"]["person_id"]) <= ids
    assert set(sample["evidence"]["from_id"]) <= ids
    assert set(sample["goals"]["owner_id"]) <= ids
    assert set(sample["actions"]["owner_id"]) <= ids
    assert set(sample["sessions"]["facilitator_id"].dropna()) <= ids
    criteria = set(sample["criteria"]["criterion_id"])
    assert set(ratings["criterion_id"]) == criteria
    assert set(sample["norms"]["criterion_id"]) <= criteria
    revised = sample["goals"]["revised_from"].dropna()
    assert set(revised) <= set(sample["goals"]["goal_id"])
    subjects = ids | set(ratings["subject_id"].dropna())
    assert set(sample["decisions"]["subject"]) <= subjects
    sessions = set(sample["sessions"]["session_id"])
    for table in ("participants", "opinions", "decisions", "actions", "norms"):
        assert set(sample[table]["session_id"]) <= sessions


def test_departments_have_their_sizes(sample: Tables) -> None:
    """In service at the end of 2026; everybody belongs to one department in a cycle."""
    people = sample["employees"]
    now = people[(people["cycle"] == "2026") & people["left_on"].isna()]
    assert now.groupby("department").size().to_dict() == SIZES
    assert not people.duplicated(["employee_id", "cycle"]).any()


def test_people_come_and_go(sample: Tables) -> None:
    """There are joiners, leavers, promotions and identifiers with leading zeros."""
    people = sample["employees"]
    ids = people.groupby("cycle")["employee_id"].agg(set)
    assert len(ids["2026"] - ids["2024"]) > 50
    assert len(ids["2024"] - ids["2026"]) > 50
    assert people.groupby("employee_id")["job_level"].nunique().max() > 1
    assert people["employee_id"].str.fullmatch(r"0\d{5}").all()
    assert people["email"].str.endswith("example.invalid").all()
    gone = people[people["left_on"].notna()]
    assert (gone["left_on"].dt.year.astype(str) <= gone["cycle"]).all()
    assert (gone["hired_on"] < gone["left_on"]).all()


def test_managers_have_six_to_twelve_reports(sample: Tables) -> None:
    """At least where there are people enough; nobody leads more than twelve."""
    people = sample["employees"]
    now = people[(people["cycle"] == "2026") & people["left_on"].isna()]
    reports = now.groupby("manager_id").size()
    teams = now[now["job_family"] != "Leidinggeven"].groupby("manager_id").size()
    assert reports.max() <= 12
    assert 6 <= teams.median() <= 12
    assert (teams >= 4).all()


def test_dates_lie_in_their_cycle(sample: Tables) -> None:
    """Ratings and evidence within the year; sessions in December, right after it."""
    cycles = sample["cycles"].set_index("cycle")
    ratings = sample["ratings"].join(cycles[["starts_on", "ends_on"]], on="cycle")
    assert ratings["rated_on"].between(ratings["starts_on"], ratings["ends_on"]).all()
    assert sample["evidence"]["dated_on"].between("2023-12-01", "2026-11-15").all()
    sessions = sample["sessions"]
    assert (sessions["held_on"].dt.year.astype(str) == sessions["cycle"]).all()
    assert (sessions["held_on"].dt.month == 12).all()
    assert sessions["held_on"].dt.day.between(1, 18).all()
    assert (sessions["held_on"].dt.day_of_week < 5).all()


def test_only_earlier_sessions_were_held(sample: Tables) -> None:
    """The current ones have opinions, and no attendance, decisions, actions or norms yet."""
    cycle = sample["sessions"].set_index("session_id")["cycle"]
    there = sample["participants"]
    now = there["session_id"].map(cycle) == "2026"
    assert there.loc[now, "attended"].isna().all()
    assert there.loc[~now, "attended"].notna().all()
    assert not there.loc[~now, "attended"].all()
    for table in ("decisions", "actions", "norms"):
        assert set(sample[table]["session_id"].map(cycle)) == {"2024", "2025"}
    assert set(sample["opinions"]["session_id"].map(cycle)) == {"2026"}
    assert {"open", "done"} <= set(sample["actions"]["status"])


def test_nobody_has_an_opinion_about_an_own_rating(sample: Tables) -> None:
    """Opinions come from others than the person and the raters of the person."""
    opinions, ratings = sample["opinions"], sample["ratings"]
    assert (opinions["employee_id"] != opinions["rater_id"]).all()
    rated = ratings[(ratings["cycle"] == "2026") & ratings["subject_id"].isna()]
    pairs = set(zip(rated["employee_id"], rated["rater_id"], strict=True))
    assert not pairs & set(zip(opinions["employee_id"], opinions["rater_id"], strict=True))


def test_decisions_are_on_the_scale_and_argued(sample: Tables) -> None:
    """A change of outcome agrees with the scores; a parked case has no score after."""
    decisions = sample["decisions"]
    assert decisions["score_before"].between(1, 5).all()
    step = decisions["score_after"] - decisions["score_before"]
    assert (step[decisions["outcome"] == "upheld"] == 0).all()
    assert (step[decisions["outcome"] == "adjusted"].abs() == 1).all()
    assert step[decisions["outcome"] == "parked"].isna().all()
    assert decisions["score_after"].dropna().between(1, 5).all()


def test_conversations_are_scored_together(sample: Tables) -> None:
    """In each cycle six raters, one of them the expert, score the same 24 conversations."""
    ratings = sample["ratings"]
    scored = ratings[ratings["subject_id"].notna()]
    for _, cycle in scored.groupby("cycle"):
        assert cycle["subject_id"].nunique() == 24
        assert (cycle.groupby("subject_id")["rater_id"].nunique() == 6).all()
        assert cycle.loc[cycle["rater_role"] == "expert", "rater_id"].nunique() == 1
    assert scored.groupby("subject_id")["employee_id"].nunique().max() == 1
    guards = sample["sessions"].query("kind == 'conversation'")["process_guard_id"]
    assert guards.notna().all()
    assert not set(guards) & set(scored["rater_id"])
    assert sample["participants"]["personal_goal"].notna().any()


def test_rationales_are_uneven(sample: Tables) -> None:
    """Many tell behaviour, some are vague, some are missing; none could be a formula."""
    ratings = sample["ratings"]
    first = ratings[ratings["criterion_id"] == "P1"]["rationale"]
    assert 0.1 < first.isna().mean() < 0.3
    vague = first.isin(["Doet het gewoon goed.", "Prima collega.", "Erg proactief."])
    assert vague.sum() > 20
    assert (first.dropna().str.len() > 60).mean() > 0.5
    for table in sample.values():
        for name in table.select_dtypes("str"):
            assert not table[name].dropna().str.match(r"[=+@-]").any(), name


def test_the_scale_is_used_in_full(sample: Tables) -> None:
    """Scores are whole, from 1 to 5, mostly in the middle; a few are missing."""
    shares = sample["ratings"]["score"].value_counts(normalize=True)
    assert set(shares.index) == {1, 2, 3, 4, 5}
    assert shares.idxmax() == 3
    assert shares.max() < 0.55
    given = sample["ratings"].groupby(["cycle", "employee_id", "rater_id"])["criterion_id"]
    assert 0.05 < (given.nunique() < 5).mean() < 0.2
