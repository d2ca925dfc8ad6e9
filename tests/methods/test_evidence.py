"""What substantiates each rating."""

from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from pipeline.methods.evidence import Evidence, estimate_evidence

RATINGS = pd.DataFrame(
    {
        "employee_id": ["a", "a", "b", "c"],
        "subject_id": ["a", "a", "b", "c"],
        "rater_id": ["r", "s", "r", "r"],
        "rationale": ["Saw it.", None, None, None],
    }
)
STAFF = pd.DataFrame({"employee_id": ["a", "b", "c", "d"]})
ENDS = pd.Timestamp("2026-12-31")


def pieces(*days: str, owner: str = "abc") -> pd.DataFrame:
    """Return dated evidence, about each person in turn."""
    owners = [owner[i % len(owner)] for i in range(len(days))]
    return pd.DataFrame({"employee_id": owners, "dated_on": pd.to_datetime(list(days))})


def estimate(evidence: pd.DataFrame) -> Evidence:
    """Count the evidence of these three people."""
    return estimate_evidence(RATINGS, evidence=evidence, employees=STAFF, ends_on=ENDS)


LATE, EARLY = "2026-12-01", "2026-05-01"


def test_what_is_there_is_counted() -> None:
    """Rationales per pair of rater and subject, people without a rating."""
    found = estimate(pieces(LATE, EARLY))
    assert found.share_rationale == 0.25
    assert found.unrated == ("d",)
    assert found.n_evidence == 2


def test_the_share_of_late_evidence_has_an_interval() -> None:
    """Wilson's where pieces are independent, checked against statsmodels."""
    found = estimate(pieces(LATE, EARLY, EARLY, EARLY, LATE, EARLY))
    expected = proportion_confint(2, 6, method="wilson")
    assert found.share_recent == pytest.approx(2 / 6)
    assert (found.share_recent_low, found.share_recent_high) == pytest.approx(expected)


def test_pieces_about_one_person_count_for_less() -> None:
    """Where one person has all that is late, the interval is wider than Wilson's."""
    found = estimate(pieces(*[LATE, EARLY, EARLY] * 5))
    low, high = proportion_confint(5, 15, method="wilson")
    assert found.share_recent_low < low < high < found.share_recent_high


def test_without_evidence_there_is_no_share() -> None:
    """Nothing recorded is not a share of 0."""
    found = estimate(pieces())
    assert found.share_recent is None
    assert found.share_recent_low is None
