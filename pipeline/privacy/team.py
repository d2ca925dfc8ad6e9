"""One manager's own team between two sessions: what happened, of nobody else."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pipeline.errors import WrongUse, msg
from pipeline.privacy.manager import own_data, reports_of
from pipeline.privacy.view import of, only_people
from pipeline.progress_form import agreement_text
from pipeline.store.outcome import SessionOutcome
from pipeline.store.slices import SessionData


def leading(data: SessionData) -> tuple[str, ...]:
    """Return who has a team in this session; the rater, where it is not told whose team it is."""
    there = data.employees[data.employees["left_on"].isna()]
    candidates = set(there["manager_id"].dropna()) | set(data.ratings["rater_id"])
    present = set(there["employee_id"])
    return tuple(one for one in sorted(candidates) if reports_of(data, one) & present)


def own_team(outcome: SessionOutcome, viewer: str) -> SessionOutcome:
    """Keep what happened to the own team of one manager.

    What the session decided is not in it. Of feedback that somebody gave to others than this
    manager it is known that it was given, and nothing else.

    Raises
    ------
    WrongUse
        This manager has no team here.
    """
    data = outcome.data
    team = reports_of(data, viewer)
    if not team:
        raise WrongUse(msg("This manager has no team in this session."))
    own = only_people(own_data(data, viewer), team)
    agreed = of(outcome.agreements, "employee_id", team)
    # what others do for the team is known where it was agreed with the team, and what the team
    # does for others is known to those others
    theirs = is_agreed(outcome.actions, outcome.agreements)
    kept = is_agreed(outcome.actions, agreed)
    kept |= outcome.actions["owner_id"].isin(team) & ~theirs
    return replace(
        outcome,
        data=replace(own, evidence=_seen(data.evidence, team, viewer)),
        decisions=outcome.decisions.iloc[:0],
        norms=outcome.norms.iloc[:0],
        parked=outcome.parked.iloc[:0],
        sitting=replace(outcome.sitting, remark=None),
        actions=outcome.actions[kept].reset_index(drop=True),
        agreements=agreed,
        check_ins=of(outcome.check_ins, "employee_id", team),
        later_evidence=_seen(outcome.later_evidence, team, viewer),
    )


def is_agreed(actions: pd.DataFrame, agreements: pd.DataFrame) -> pd.Series:
    """Tell which actions are agreements between two people, who made them after the session."""
    pairs = zip(agreements["owner_id"], agreements["employee_id"], agreements["text"], strict=True)
    made = {(str(o), agreement_text(str(o), str(e), str(text))) for o, e, text in pairs}
    rows = zip(actions["kind"], actions["owner_id"], actions["text"], strict=True)
    found = [kind == "agreement" and (owner, text) in made for kind, owner, text in rows]
    return pd.Series(found, index=actions.index, dtype=bool)


def _seen(evidence: pd.DataFrame, team: set[str], viewer: str) -> pd.DataFrame:
    """Keep what is about the team, and what the team gave: its text only to this manager."""
    about, given = evidence["employee_id"].isin(team), evidence["from_id"].isin(team)
    kept = evidence[about | given].reset_index(drop=True)
    elsewhere = ~kept["employee_id"].isin(team | {viewer})
    stranger = ~kept["from_id"].isin(team | {viewer})
    return kept.assign(
        employee_id=kept["employee_id"].mask(elsewhere),
        text=kept["text"].mask(elsewhere),
        from_id=kept["from_id"].mask(stranger),
    )
