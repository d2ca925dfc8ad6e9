"""Conversations in a pack: deviations with their band, and criteria with their cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.store import SessionData

from .conftest import MakePack, Shape, session_data
from .test_sessions import text_of


def panel(*, expert: bool, n: int = 20, seed: int = 3) -> SessionData:
    """Return conversations that six raters scored, of whom the first scores higher."""
    data = session_data(Shape(kind="conversation", n_people=n, n_raters=6))
    random = np.random.default_rng(seed)
    raters = sorted(data.people.loc[data.people["employee_id"].str.startswith("r"), "employee_id"])
    rows = []
    for subject in data.employees["employee_id"]:
        level = random.normal(3, 0.6)
        for k, rater in enumerate(raters):
            for criterion in ("c1", "c2", "c3"):
                noise = random.normal(0, 0.9 if criterion == "c2" else 0.3)
                score = round(level + (1.2 if k == 0 else 0) + noise)
                rows.append(
                    {
                        "employee_id": subject,
                        "subject_id": f"g-{subject}",
                        "rater_id": rater,
                        "criterion_id": criterion,
                        "score": float(min(5, max(1, score))),
                        "rater_role": "expert" if expert and k == 5 else "manager",
                        "rationale": None,
                    }
                )
    made = pd.DataFrame(rows)
    for name in data.ratings.columns.difference(made.columns):
        made[name] = None
    made = made[list(data.ratings.columns)].astype(data.ratings.dtypes.to_dict())
    return session_data(Shape(kind="conversation", n_people=n, n_raters=6), ratings=made)


@pytest.fixture(scope="module")
def beside_expert() -> SessionData:
    """Return a panel with an expert."""
    return panel(expert=True)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_each_rater_stands_beside_the_expert(
    pack_of: MakePack, beside_expert: SessionData, language: str
) -> None:
    """The deviation with its sign, interval and verdict; the expert is no row."""
    pack = pack_of(beside_expert, language)
    html = str(pack.raters().html)
    row = pack.context.analysis.conversation.raters.iloc[0]  # type: ignore[union-attr]
    assert row["verdict"] == "outside"
    assert row["deviation"] > 0.5  # scores higher
    assert pack.context.language.signed(float(row["deviation"])) in html
    assert pack.context.interval(row["ci_low"], row["ci_high"]) in html
    if language == "en":
        text = text_of(html)
        assert "Beside the expert" in text
        assert "outside the band" in text
        assert "outside: 1;" in text
        assert "Above zero: scores higher" in text


def test_without_an_expert_the_panel_is_no_norm(pack_of: MakePack) -> None:
    """The reader is told that the panel is only the others."""
    pack = pack_of(panel(expert=False))
    assert "a rater can be right and stand alone" in text_of(str(pack.raters().html))
    assert "All raters beside the expert" not in str(pack.criteria().html)


def test_criteria_are_ranked_by_disagreement_with_the_cause(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """The noisy criterion comes first; its cause is the criterion or cannot be told."""
    pack = pack_of(beside_expert)
    html = str(pack.criteria().html)
    assert "spread most on Criterion c2" in html
    ranked = html[html.index("Criteria on which raters differ") :]
    assert ranked.index("Criterion c2") < ranked.index("Criterion c1")
    assert "All raters beside the expert" in html
    assert "nan" not in text_of(html).lower().split()


def test_the_organisation_sees_no_rater(pack_of: MakePack, beside_expert: SessionData) -> None:
    """Aggregates remain: the criteria; raters do not."""
    pack = pack_of(beside_expert, audience="organisation")
    text = text_of(str(pack.raters().html))
    assert "Single raters are not shown in this pack." in text
    assert "Deviation per rater" not in text
    assert "Criteria on which raters differ" in str(pack.criteria().html)


def test_two_conversations_give_reasons_in_a_fold(pack_of: MakePack) -> None:
    """Too few to tell: the reason, gathered once, and no number."""
    html = str(pack_of(panel(expert=True, n=2)).raters().html)
    assert "raters without an answer" in html
    assert "Deviation per rater" not in html


def test_a_performance_session_has_none_of_it(pack_of: MakePack) -> None:
    """The question does not arise."""
    pack = pack_of()
    assert "Beside the" not in str(pack.raters().html)
    assert "Criteria on which raters differ" not in str(pack.criteria().html)


@pytest.mark.parametrize("thin", [False, True])
def test_a_pack_on_conversations_says_what_is_true_of_conversations(
    pack_of: MakePack, thin: bool
) -> None:
    """Where all scored the same conversations nothing says that raters saw different work."""
    data = panel(expert=False)
    if thin:
        missed = data.ratings["rater_id"].eq("r00003") & data.ratings["subject_id"].eq("g-p00004")
        data = replace(data, ratings=data.ratings[~missed].reset_index(drop=True))
    pack = pack_of(data)
    text = text_of("".join(str(part.html) for part in pack.sections()))
    for phrase in ("raters also see different work", "raters rated different people",
                   "did you see different work", "because people differ"):  # fmt: skip
        assert phrase not in text
    assert ("all raters scored the same conversations" in text) is not thin
    assert ("not every rater scored the same conversations" in text) is thin
    assert "a rater can hear what others miss" in text


def test_a_pack_on_people_says_that_raters_see_different_work(pack_of: MakePack) -> None:
    """Managers rate the people they work with, which are not the same."""
    text = text_of("".join(str(part.html) for part in pack_of().sections()))
    assert "raters also see different work" in text
    assert "raters rated different people" in text
    assert "hear" not in text


def test_late_evidence_beside_conversations_has_its_interval(pack_of: MakePack) -> None:
    """The share is told with what the few pieces leave open."""
    pack = pack_of(panel(expert=False))
    found = pack.context.analysis.evidence
    text = text_of(str(pack.gaps().html))
    low, high = (
        pack.context.percent(one)
        for one in (found.share_recent_low, found.share_recent_high)  # type: ignore[union-attr]
    )
    assert f"days of the cycle (interval {low} to {high})." in text
