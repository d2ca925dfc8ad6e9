"""Asks every method about one session and keeps the answer, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from pipeline.errors import NotEstimable, Suppressed
from pipeline.methods.agreement import Agreement, estimate_agreement
from pipeline.methods.design import Design, estimate_design
from pipeline.methods.distribution import Distribution, estimate_distribution
from pipeline.methods.evidence import Evidence, estimate_evidence
from pipeline.methods.profiles import Profiles, estimate_profiles
from pipeline.methods.severity import Severity, estimate_severity
from pipeline.methods.standing import Standing, estimate_standing
from pipeline.settings import Settings
from pipeline.store import SessionData

T = TypeVar("T")

NoAnswer = NotEstimable | Suppressed
"""Why there is no answer: it cannot be estimated, or it may not be shown to this audience."""


@dataclass(frozen=True)
class Analysis:
    """What every method found in the ratings of one session.

    Each answer is the method's result or a `NoAnswer` with the reason. `data` is what was
    analysed; see `pipeline.store.SessionData`.
    """

    data: SessionData
    design: Design | NoAnswer
    severity: Severity | NoAnswer
    agreement: Agreement | NoAnswer
    distribution: Distribution | NoAnswer
    standing: Standing | NoAnswer
    profiles: Profiles | NoAnswer
    evidence: Evidence | NoAnswer


def _ask(method: Callable[..., T], *args: Any, **options: Any) -> T | NotEstimable:
    try:
        return method(*args, **options)
    except NotEstimable as reason:
        return reason.with_traceback(None)


def analyse(data: SessionData, settings: Settings) -> Analysis:
    """Ask every method about one session.

    Parameters
    ----------
    data
        The slice of the session.
    settings
        Thresholds of the methods.

    Returns
    -------
    Analysis
        Each answer, or the reason why there is none.
    """
    chosen = settings.methods
    ratings = data.ratings
    design = _ask(
        estimate_design,
        ratings,
        minimum_shared=chosen.minimum_shared,
        minimum_partners=chosen.minimum_partners,
    )
    severity: Severity | NotEstimable = design if isinstance(design, NotEstimable) else _ask(
        estimate_severity,
        ratings,
        component=design.subjects.set_index("subject_id")["component"],
        level=chosen.level,
        practical_difference=chosen.practical_difference,
        statsmodels_most_ratings=chosen.statsmodels_most_ratings,
    )  # fmt: skip
    return Analysis(
        data=data,
        design=design,
        severity=severity,
        agreement=_ask(estimate_agreement, ratings, level=chosen.level),
        distribution=_ask(
            estimate_distribution,
            ratings,
            employees=data.employees,
            points=settings.scale.points,
            level=chosen.level,
        ),
        standing=_ask(
            estimate_standing,
            ratings,
            employees=data.employees,
            criteria=data.criteria,
            history=data.history,
            cycle_order=list(data.cycles),
            floor=chosen.minimum_comparables,
        ),
        profiles=_ask(estimate_profiles, ratings),
        evidence=_ask(
            estimate_evidence,
            ratings,
            evidence=data.evidence,
            employees=data.employees,
            ends_on=_ends_on(data.cycle),
        ),
    )


def _ends_on(cycle: pd.DataFrame) -> pd.Timestamp | None:
    if cycle.empty or cycle["ends_on"].isna().all():
        return None
    return pd.Timestamp(cycle["ends_on"].iloc[0])
