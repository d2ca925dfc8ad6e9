"""What an analysis holds: answers, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import pandas as pd

from pipeline.errors import NotEstimable, Suppressed
from pipeline.methods.agreement import Agreement
from pipeline.methods.agreement_by_cycle import AgreementByCycle
from pipeline.methods.components import Components
from pipeline.methods.consistency import Consistency
from pipeline.methods.conversation import Conversation
from pipeline.methods.criteria import Criteria
from pipeline.methods.design import Design
from pipeline.methods.differential import (
    DifferentialSeverity,
    GroupSeverity,
)
from pipeline.methods.distribution import Distribution
from pipeline.methods.drift import Drift
from pipeline.methods.evidence import Evidence
from pipeline.methods.expected import Expected
from pipeline.methods.fairness import Fairness
from pipeline.methods.flags import Flags
from pipeline.methods.halo import Halo
from pipeline.methods.linking import Linking
from pipeline.methods.nested import Nested
from pipeline.methods.nine_box import NineBox
from pipeline.methods.norm_effect import NormEffect
from pipeline.methods.ordinal import Ordinal
from pipeline.methods.profiles import Profiles
from pipeline.methods.range_use import RangeUse
from pipeline.methods.rationales import Rationales
from pipeline.methods.recency import Recency
from pipeline.methods.reliability import Reliability
from pipeline.methods.results_mismatch import ResultsMismatch
from pipeline.methods.severity import Severity
from pipeline.methods.standing import Standing
from pipeline.methods.styles import Styles
from pipeline.methods.under_the_radar import UnderTheRadar
from pipeline.store import SessionData

T = TypeVar("T")

NoAnswer = NotEstimable | Suppressed
"""Why there is no answer: it cannot be estimated, or it may not be shown to this audience."""


@dataclass(frozen=True)
class Analysis:
    """What every method found in the ratings of one session.

    Each answer is the method's result or a `NoAnswer` with the reason; None where the question does
    not arise in this session. `data` is what was analysed; see `pipeline.store.SessionData`.
    `fairness` and `group_severity` hold an answer per attribute that the settings name.
    """

    data: SessionData
    design: Design | NoAnswer
    severity: Severity | NoAnswer
    agreement: Agreement | NoAnswer
    distribution: Distribution | NoAnswer
    standing: Standing | NoAnswer
    evidence: Evidence | NoAnswer
    rationales: Rationales | NoAnswer | None = None
    criteria: Criteria | NoAnswer | None = None
    # raters, where they can be compared
    flags: Flags | NoAnswer | None = None
    reliability: Reliability | NoAnswer | None = None
    components: Components | NoAnswer | None = None
    ordinal: Ordinal | NoAnswer | None = None
    conversation: Conversation | NoAnswer | None = None
    # raters, where they cannot
    nested: Nested | NoAnswer | None = None
    linking: Linking | NoAnswer | None = None
    # ways of rating
    halo: Halo | NoAnswer | None = None
    range_use: RangeUse | NoAnswer | None = None
    consistency: Consistency | NoAnswer | None = None
    drift: Drift | NoAnswer | None = None
    differential: DifferentialSeverity | NoAnswer | None = None
    styles: Styles | NoAnswer | None = None
    # since the last session
    agreement_by_cycle: AgreementByCycle | NoAnswer | None = None
    norm_effect: NormEffect | NoAnswer | None = None
    # people
    profiles: Profiles | NoAnswer | None = None
    expected: Expected | NoAnswer | None = None
    under_the_radar: UnderTheRadar | NoAnswer | None = None
    nine_box: NineBox | NoAnswer | None = None
    results_mismatch: ResultsMismatch | NoAnswer | None = None
    recency: Recency | NoAnswer | None = None
    fairness: Mapping[str, Fairness | NoAnswer] = field(default_factory=dict)
    group_severity: Mapping[str, GroupSeverity | NoAnswer] = field(default_factory=dict)

    def answers(self) -> dict[str, object]:
        """Return every answer by the name of its question, without those that do not arise."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        del every["data"], every["fairness"], every["group_severity"]
        return {name: answer for name, answer in every.items() if answer is not None}


def ask(method: Callable[..., T], *args: Any, **options: Any) -> T | NotEstimable:
    """Return the answer of a method, or the reason why there is none."""
    try:
        return method(*args, **options)
    except NotEstimable as reason:
        return reason.with_traceback(None)


def over_cycles(data: SessionData) -> pd.DataFrame:
    """Return the ratings of this cycle and the earlier ones."""
    past = data.past_ratings
    now = data.ratings[[name for name in past.columns if name != "cycle"]]
    return pd.concat([past, now.assign(cycle=data.session.cycle)], ignore_index=True)


def day_of(cycle: pd.DataFrame, name: str) -> pd.Timestamp | None:
    """Return a day of a cycle's row; None where it is not known."""
    if cycle.empty or cycle[name].isna().all():
        return None
    return pd.Timestamp(cycle[name].iloc[0])
