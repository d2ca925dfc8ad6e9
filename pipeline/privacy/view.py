"""What one audience sees, and how rows are taken out of a session's data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from pipeline.analysis import Analysis
from pipeline.errors import Message, Suppressed
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData

_FORMAL_ROLES = ("manager", "second")
"""Raters in these roles, or without a role, calibrate; peers and experts only gave a score."""


@dataclass(frozen=True)
class View:
    """What one audience may see.

    Attributes
    ----------
    analysis
        The analysis of what this audience may see.
    audience
        For whom.
    viewer_id
        The manager, in a manager's cut.
    left_out
        What was removed and why, to be shown.
    """

    analysis: Analysis
    audience: Audience
    viewer_id: str | None
    left_out: tuple[Message, ...]


def all_hidden(whole: Analysis, reason: Suppressed, shown: SessionData) -> Analysis:
    """Replace every answer by a reason."""
    hidden: dict[str, Any] = dict.fromkeys(whole.answers(), reason)
    return replace(whole, data=shown, **hidden, fairness={}, group_severity={})


def formal(ratings: pd.DataFrame) -> pd.Series:
    """Tell which ratings were given by who calibrates."""
    return ratings["rater_role"].isna() | ratings["rater_role"].isin(_FORMAL_ROLES)


def of(table: pd.DataFrame, column: str, keep: set[str]) -> pd.DataFrame:
    """Keep the rows about some people."""
    return table[table[column].isin(keep)].reset_index(drop=True)


def only_people(data: SessionData, keep: set[str]) -> SessionData:
    """Keep what is about these people."""
    return replace(
        data,
        ratings=of(data.ratings, "employee_id", keep),
        self_ratings=of(data.self_ratings, "employee_id", keep),
        employees=of(data.employees, "employee_id", keep),
        evidence=of(data.evidence, "employee_id", keep),
        goals=of(data.goals, "owner_id", keep),
        results=of(data.results, "employee_id", keep),
        opinions=of(data.opinions, "employee_id", keep),
        past_ratings=of(data.past_ratings, "employee_id", keep),
        past_results=of(data.past_results, "employee_id", keep),
        past_decisions=of(data.past_decisions, "employee_id", keep),
    )


def without_backgrounds(data: SessionData) -> SessionData:
    """Drop the distributions beside the department's own, which hold everybody."""
    return replace(
        data,
        previous_scores=data.previous_scores.iloc[:0],
        organisation_scores=data.organisation_scores.iloc[:0],
    )


def tells(data: SessionData, shown: SessionData, settings: Settings) -> bool:
    """Whether organisation minus what is shown would leave too few people."""
    rest = int(data.organisation_scores["n"].sum()) - len(shown.ratings)
    return rest < settings.privacy.minimum_group * most_per_person(data)


def most_per_person(data: SessionData) -> int:
    """Return the most scores that one person has: floors on people become floors on scores."""
    sizes = data.ratings.groupby("employee_id").size()
    return int(sizes.max()) if len(sizes) else 1
