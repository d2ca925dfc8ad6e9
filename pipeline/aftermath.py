"""Asks what came of one session, and keeps each answer or the reason why there is none.

It computes on whatever outcome it is given: what an audience may not see is taken out before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis import NoAnswer, ask, day_of, norm_effect_of, over_cycles
from pipeline.errors import NotEstimable, msg
from pipeline.methods.background import background_groups
from pipeline.methods.change_fairness import ChangeFairness, estimate_change_fairness
from pipeline.methods.convergence import Convergence, estimate_convergence
from pipeline.methods.expected import Expected
from pipeline.methods.movement import Movement, estimate_movement
from pipeline.methods.norm_effect import NormEffect
from pipeline.methods.smart import Smart, estimate_smart
from pipeline.methods.trading import Trading, estimate_trading
from pipeline.settings import Settings
from pipeline.store import SessionData, SessionOutcome
from pipeline.tables import OVERALL

_GROUPED = ("manager_id", "job_level", "criterion_id")


@dataclass(frozen=True)
class Aftermath:
    """What every method found in the outcome of one session.

    Each answer is the method's result or a `NoAnswer` with the reason. `fairness` holds an answer
    per attribute that the settings name, and none in a session about conversations.
    `norm_effect` is about the norms of the session before this one, in this session's ratings.
    """

    outcome: SessionOutcome
    movement: Movement | NoAnswer
    trading: Trading | NoAnswer
    convergence: Convergence | NoAnswer
    fairness: Mapping[str, ChangeFairness | NoAnswer]
    norm_effect: NormEffect | NoAnswer
    smart: Smart | NoAnswer


def look_back(
    outcome: SessionOutcome, settings: Settings, expected: Expected | NoAnswer | None = None
) -> Aftermath:
    """Ask every method about the outcome of one session.

    Parameters
    ----------
    outcome
        What the session decided, as far as its reader may see it.
    settings
        Thresholds of the methods.
    expected
        Expected scores of the people, from the ratings before the session.
    """
    data, scale, level = outcome.data, settings.scale, settings.methods.level
    decided = decided_scores(outcome)
    return Aftermath(
        outcome=outcome,
        movement=ask(
            estimate_movement,
            decided,
            middle=(scale.low + scale.high) / 2,
            by=_GROUPED,
            level=level,
        ),
        trading=_trading(outcome, decided, expected),
        convergence=_convergence(outcome, level),
        fairness=_fairness(data, decided, settings),
        norm_effect=norm_effect_of(data, level),
        smart=ask(estimate_smart, outcome.actions, words=settings.words.lists),
    )


def decided_scores(outcome: SessionOutcome) -> pd.DataFrame:
    """Return the decisions with who they are about: employee_id, manager_id, job_level, change.

    A conversation is about whoever held it.
    """
    data, rows = outcome.data, outcome.decisions
    people = data.employees.drop_duplicates("employee_id").set_index("employee_id")
    owner = data.ratings.drop_duplicates("subject_id").set_index("subject_id")["employee_id"]
    about = rows["subject"].map(owner)
    if data.session.kind != "conversation":
        about = about.fillna(rows["subject"])
    return rows.assign(
        employee_id=about,
        manager_id=about.map(people["manager_id"]),
        job_level=about.map(people["job_level"]),
        change=(rows["score_after"] - rows["score_before"]).astype("float64"),
    )


def _trading(
    outcome: SessionOutcome, decided: pd.DataFrame, expected: Expected | NoAnswer | None
) -> Trading | NoAnswer:
    if outcome.session.kind == "conversation":
        return NotEstimable(
            msg(
                "Exchange between managers is looked for where people are rated, not conversations."
            )
        )
    there = outcome.data.participants
    # where nobody noted who came, whoever was invited counts as there
    present = there.loc[~there["attended"].eq(False), "person_id"]
    gap = pd.Series(dtype="float64")
    if isinstance(expected, Expected):
        rows = expected.subjects.set_index("subject_id")
        # the mean as given counts criteria equally, as the expected score does
        gap = rows["expected"] - rows["mean"]
    on_all = decided["criterion_id"].eq(OVERALL)
    decided = decided.assign(gap=decided["subject"].map(gap).astype("float64").where(on_all))
    return ask(
        estimate_trading,
        decided[decided["outcome"].isin(["upheld", "adjusted"])],
        present=frozenset(present),
    )


def _convergence(outcome: SessionOutcome, level: float) -> Convergence | NoAnswer:
    data = outcome.data
    people = data.employees.drop_duplicates("employee_id").set_index("employee_id")["manager_id"]
    about_people = data.session.kind != "conversation"
    order = [cycle for cycle in data.cycles if cycle in set(data.past_ratings["cycle"])]
    criteria = data.criteria.drop_duplicates("criterion_id").set_index("criterion_id")
    return ask(
        estimate_convergence,
        over_cycles(data),
        decisions=outcome.decisions,
        managers=people.dropna() if about_people else people.iloc[:0],
        cycle_order=[*order, data.session.cycle],
        weights=criteria.get("weight"),
        overall=OVERALL,
        level=level,
    )


def _fairness(
    data: SessionData, decided: pd.DataFrame, settings: Settings
) -> dict[str, ChangeFairness | NoAnswer]:
    if data.session.kind == "conversation":
        return {}
    ends_on = day_of(data.cycle, "ends_on")
    return {
        attribute: ask(
            estimate_change_fairness,
            decided,
            people=sorted(set(data.ratings["employee_id"])),
            groups=background_groups(data.employees, attribute, on=ends_on),
            floor=settings.privacy.minimum_fairness,
            level=settings.methods.level,
        )
        for attribute in settings.fairness.attributes
    }
