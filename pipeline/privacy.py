"""The one place that knows audiences and small groups.

Three cuts of one session:

``room``
    Facilitator and calibrating managers: named cases in scope. Who takes part and is rated in the
    same department is left out, since everybody in the room reads the pack.
``manager``
    One manager: the own team and the own pattern as a rater, nothing of colleagues.
``organisation``
    Works council, board: aggregates only. No names, no row per person or rater, and no count
    below the smallest group, also not by subtraction.

The cut comes first: what an audience may not see is taken out of the data, and the analysis is of
what remains. So every number of a pack comes from one visible set, and none can be subtracted from
another. The organisation's aggregates are of everybody, and pass the floors below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis import Analysis, NoAnswer, analyse
from pipeline.errors import Message, NotEstimable, Suppressed, WrongUse, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.conversation import Conversation
from pipeline.methods.design import Design
from pipeline.methods.differential import GroupSeverity
from pipeline.methods.distribution import Distribution
from pipeline.methods.evidence import Evidence
from pipeline.methods.fairness import Fairness
from pipeline.methods.linking import Linking
from pipeline.methods.profiles import Profiles
from pipeline.methods.recency import Recency
from pipeline.methods.reliability import Reliability
from pipeline.methods.severity import Severity
from pipeline.settings import Audience, Settings
from pipeline.store import Session, SessionData

__all__ = ["Audience", "View", "cut", "suppress_counts"]

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


def cut(
    data: SessionData, audience: Audience, settings: Settings, viewer_id: str | None = None
) -> View:
    """Analyse what ``audience`` may see of a session.

    Raises
    ------
    WrongUse
        A manager's cut without a manager, or the other way round.
    """
    if (audience is Audience.MANAGER) != (viewer_id is not None):
        raise WrongUse(msg("A manager's pack, and no other, needs the identifier of its reader."))
    if audience is Audience.ROOM:
        view = _room(data, settings)
    elif audience is Audience.MANAGER:
        view = _manager(data, settings, str(viewer_id))
    else:
        view = _organisation(data, settings)
    floor = settings.privacy.minimum_fairness
    fairness = {
        name: _fairness_without_levels(answer, floor, settings.privacy.minimum_group)
        for name, answer in view.analysis.fairness.items()
    }
    by_group = {
        name: _group_severity_in_counts(answer, audience, settings.privacy.minimum_group)
        for name, answer in view.analysis.group_severity.items()
    }
    return replace(
        view, analysis=replace(view.analysis, fairness=fairness, group_severity=by_group)
    )


def _formal(ratings: pd.DataFrame) -> pd.Series:
    return ratings["rater_role"].isna() | ratings["rater_role"].isin(_FORMAL_ROLES)


def _of(table: pd.DataFrame, column: str, keep: set[str]) -> pd.DataFrame:
    return table[table[column].isin(keep)].reset_index(drop=True)


def _only_people(data: SessionData, keep: set[str]) -> SessionData:
    """Keep what is about these people."""
    return replace(
        data,
        ratings=_of(data.ratings, "employee_id", keep),
        self_ratings=_of(data.self_ratings, "employee_id", keep),
        employees=_of(data.employees, "employee_id", keep),
        evidence=_of(data.evidence, "employee_id", keep),
        goals=_of(data.goals, "owner_id", keep),
        results=_of(data.results, "employee_id", keep),
        opinions=_of(data.opinions, "employee_id", keep),
        past_ratings=_of(data.past_ratings, "employee_id", keep),
        past_results=_of(data.past_results, "employee_id", keep),
    )


def _without_backgrounds(data: SessionData) -> SessionData:
    """Drop the distributions beside the department's own, which hold everybody."""
    return replace(
        data,
        previous_scores=data.previous_scores.iloc[:0],
        organisation_scores=data.organisation_scores.iloc[:0],
    )


# room --------------------------------------------------------------------------------------


def _present(data: SessionData) -> set[str]:
    """Tell who reads the room's pack: participants, or the calibrating raters where unknown."""
    roles = {data.session.facilitator_id, data.session.process_guard_id}
    readers = set(data.participants["person_id"])
    if not readers:
        readers = set(data.ratings.loc[_formal(data.ratings), "rater_id"])
    return readers | {one for one in roles if one}


def _room(data: SessionData, settings: Settings) -> View:
    rated = set(data.ratings["employee_id"])
    everybody = rated | set(data.employees["employee_id"]) | set(data.past_ratings["employee_id"])
    shown = _only_people(data, everybody - _present(data))
    own = _present(data) & rated
    if not own:
        return View(analyse(shown, settings), Audience.ROOM, None, ())
    if _tells(data, shown, settings):
        shown = _without_backgrounds(shown)
    elif len(own) < settings.privacy.minimum_group:
        shown = replace(shown, previous_scores=shown.previous_scores.iloc[:0])
    reason = msgn(
        "{n} person takes part in this session and is rated in it too. That rating is left out of"
        " this pack; calibrate it without this person present.",
        "{n} people take part in this session and are rated in it too. Those ratings are left out"
        " of this pack; calibrate them without these people present.",
        len(own),
    )
    return View(analyse(shown, settings), Audience.ROOM, None, (reason,))


def _tells(data: SessionData, shown: SessionData, settings: Settings) -> bool:
    """Whether organisation minus what is shown would leave too few people."""
    rest = int(data.organisation_scores["n"].sum()) - len(shown.ratings)
    return rest < settings.privacy.minimum_group * _most_per_person(data)


def _most_per_person(data: SessionData) -> int:
    """Return the most scores that one person has: floors on people become floors on scores."""
    sizes = data.ratings.groupby("employee_id").size()
    return int(sizes.max()) if len(sizes) else 1


# manager -----------------------------------------------------------------------------------


def _manager(data: SessionData, settings: Settings, viewer: str) -> View:
    given = data.ratings["rater_id"].eq(viewer)
    team = set(data.employees.loc[data.employees["manager_id"].eq(viewer), "employee_id"])
    rated = set(data.ratings.loc[given & _formal(data.ratings), "employee_id"])
    # who rates here too is a colleague, of whom only what the viewer gave would be the viewer's
    rated -= set(data.ratings["rater_id"]) - team
    people = (team | rated) - {viewer}
    if not people:
        raise WrongUse(msg("This manager has no team and rated nobody in this session."))
    own = _only_people(data, people)
    reports = (team or rated) - {viewer}
    own = replace(
        _without_backgrounds(own),
        # of people in other teams only what the viewer gave them
        self_ratings=_of(own.self_ratings, "employee_id", reports),
        evidence=_of(own.evidence, "employee_id", reports),
        goals=_of(own.goals, "owner_id", reports),
        results=_of(own.results, "employee_id", reports),
        past_results=_of(own.past_results, "employee_id", reports),
        # only the own scores: a mean over raters would tell what a colleague gave
        ratings=_of(own.ratings, "rater_id", {viewer}),
        past_ratings=_of(own.past_ratings, "rater_id", {viewer}),
        people=_of(data.people, "employee_id", people | {viewer}),
        participants=_of(data.participants, "person_id", {viewer}),
        opinions=_of(own.opinions, "rater_id", {viewer}),
        last_actions=_of(data.last_actions, "owner_id", {viewer}),
    )
    analysis = analyse(own, settings)
    # one rater says nothing of raters, and how strict one is for whom is told to nobody
    analysis = replace(analysis, group_severity={})
    # the own pattern as a rater needs the ratings of all; only the own row of it is shown
    whole = analyse(data, settings)
    pattern, design = whole.severity, whole.design
    if (
        isinstance(pattern, Severity)
        and isinstance(design, Design)
        and len(pattern.raters) >= settings.privacy.minimum_group
    ):
        analysis = replace(
            analysis,
            severity=replace(pattern, raters=_of(pattern.raters, "rater_id", {viewer})),
            design=replace(
                design,
                raters=_of(design.raters, "rater_id", {viewer}),
                subjects=_of(design.subjects, "subject_id", set(own.ratings["subject_id"])),
            ),
        )
    reason = msg("This pack holds your own team and your own pattern as a rater; nothing else.")
    return View(analysis, Audience.MANAGER, viewer, (reason,))


# organisation ------------------------------------------------------------------------------


def _organisation(data: SessionData, settings: Settings) -> View:
    floor = settings.privacy.minimum_group
    whole = analyse(data, settings)
    nobody = _only_people(data, set())
    shown = replace(
        nobody,
        people=nobody.people.iloc[:0],
        participants=nobody.participants.iloc[:0],
        last_actions=nobody.last_actions.iloc[:0],
        last_norms=nobody.last_norms.iloc[:0],  # free text, which may name people
        session=_nameless(data.session),
        last_session=_nameless(data.last_session) if data.last_session else None,
        n_rejected=0,
    )
    left_out = (msg("This pack holds aggregates only: no names, no row per person or rater."),)
    few = Suppressed(
        msg("Hidden: fewer than {floor} people, so a person could be recognised.", floor=floor)
    )
    few_raters = Suppressed(
        msg("Hidden: fewer than {floor} raters, so a rater could be recognised.", floor=floor)
    )
    if data.ratings["employee_id"].nunique() < floor:
        hidden = _all_hidden(whole, few, _without_backgrounds(shown))
        return View(hidden, Audience.ORGANISATION, None, left_out)
    distribution = _distribution_in_aggregate(whole.distribution, data, floor)
    if _tells(data, data, settings) or not _is_whole(distribution):
        shown = _without_backgrounds(shown)
    elif (data.previous_scores["n"] < floor * _most_per_person(data)).any():
        shown = replace(shown, previous_scores=data.previous_scores.iloc[:0])
    # what is not named here stays hidden: a new method is not shown before it is thought about
    single = Suppressed(msg("Not shown here: this pack holds aggregates only."))
    analysis = replace(
        _all_hidden(whole, single, shown),
        design=_design_in_aggregate(whole.design, floor, few_raters),
        severity=_severity_in_aggregate(whole.severity, floor, few_raters),
        agreement=_agreement_in_aggregate(whole.agreement, floor, few_raters),
        distribution=distribution,
        profiles=_profiles_in_aggregate(whole.profiles, floor, few),
        evidence=_evidence_in_aggregate(whole.evidence),
        fairness=whole.fairness,
        group_severity=whole.group_severity,
    )
    by_rater: dict[str, Any] = {
        name: _without_rows(getattr(whole, name), tables, floor, few_raters)
        for name, tables in _ROWS_OF_RATERS.items()
    }
    if not isinstance(analysis.agreement, Agreement):
        # both rest on the people whom several raters share
        by_rater["components"] = few_raters if whole.components is not None else None
    analysis = replace(analysis, **by_rater)
    spoken = {
        name: few
        for name, answer in analysis.answers().items()
        if isinstance(answer, NotEstimable) and _tells_a_small_count(answer, floor)
    }
    return View(replace(analysis, **spoken), Audience.ORGANISATION, None, left_out)  # type: ignore[arg-type]


_ROWS_OF_RATERS = {
    "reliability": ("components", "raters"),
    "components": (),
    "ordinal": ("raters", "unexpected"),
    "conversation": ("raters", "cells"),
    "linking": ("proposals",),
    "halo": ("raters",),
    "consistency": ("raters",),
    "drift": ("cells", "raters"),
    "differential": ("cells",),
    "recency": (),
}
"""Answers that remain as aggregates once these tables, one row per rater or person, are empty."""


def _all_hidden(whole: Analysis, reason: Suppressed, shown: SessionData) -> Analysis:
    """Replace every answer by a reason."""
    hidden: dict[str, Any] = dict.fromkeys(whole.answers(), reason)
    return replace(whole, data=shown, **hidden, fairness={}, group_severity={})


def _nameless(session: Session) -> Session:
    return replace(session, facilitator_id=None, process_guard_id=None)


def _tells_a_small_count(reason: NotEstimable, floor: int) -> bool:
    count = reason.message.values.get("n")
    return isinstance(count, int | float) and count < floor


def _without_rows(answer: Any, tables: tuple[str, ...], floor: int, few: Suppressed) -> Any:
    """Empty the tables of an answer about raters; hide all of it where it rests on few."""
    if answer is None or isinstance(answer, NoAnswer):
        return answer
    if _raters_behind(answer, tables) < floor:
        return few
    kept: dict[str, Any] = {name: getattr(answer, name).iloc[:0] for name in tables}
    if isinstance(answer, Conversation):
        criteria = answer.criteria[answer.criteria["n_conversations"] >= floor]
        # beside the mean of all, the deviations would tell how the one expert scores
        unknown = dict.fromkeys(("deviation", "ci_low", "ci_high"), float("nan"))
        kept |= {"criteria": criteria.assign(**unknown).reset_index(drop=True), "n_left_out": 0}
    if isinstance(answer, Linking):
        # the worst rater is the one with the smallest team, and tells its size
        kept["plans"] = answer.plans.assign(se_low=float("nan"), se_high=float("nan"))
    return replace(answer, **kept)


def _raters_behind(answer: Any, tables: tuple[str, ...]) -> float:
    """Count the raters (or people) that an answer rests on, which may be few of a large group."""
    if isinstance(answer, Conversation | Linking):
        return answer.n_raters
    if isinstance(answer, Recency):
        return answer.n_employees
    if isinstance(answer, Reliability):
        return float(answer.components["n_raters"].sum())
    if not tables:
        return float("inf")
    rows = getattr(answer, tables[0])
    known = rows.loc[rows["reason"].isna(), "rater_id"] if "reason" in rows else rows["rater_id"]
    return float(known.nunique())


def _design_in_aggregate(
    design: Design | NoAnswer, floor: int, few: Suppressed
) -> Design | NoAnswer:
    if isinstance(design, NoAnswer):
        return design
    if design.n_raters < floor:
        return few
    return replace(design, raters=design.raters.iloc[:0], subjects=design.subjects.iloc[:0])


def _severity_in_aggregate(
    severity: Severity | NoAnswer, floor: int, few: Suppressed
) -> Severity | NoAnswer:
    if isinstance(severity, NoAnswer):
        return severity
    if len(severity.raters) < floor:
        return few
    return replace(severity, raters=severity.raters.iloc[:0], n_left_out=0)


def _agreement_in_aggregate(
    agreement: Agreement | NoAnswer, floor: int, few: Suppressed
) -> Agreement | NoAnswer:
    if isinstance(agreement, NoAnswer):
        return agreement
    if agreement.n_raters < floor or agreement.n_subjects < floor:
        return few
    enough = agreement.criteria["n_subjects"] >= floor
    return replace(agreement, criteria=agreement.criteria[enough].reset_index(drop=True))


def _distribution_in_aggregate(
    distribution: Distribution | NoAnswer, data: SessionData, floor: int
) -> Distribution | NoAnswer:
    """Show the whole; show its parts only where no cell of any part has to be hidden.

    Parts add up to the whole, so one hidden cell in a part could be computed from the others.
    """
    if isinstance(distribution, NoAnswer):
        return distribution
    levels = data.employees.drop_duplicates("employee_id").set_index("employee_id")["job_level"]
    rated = data.ratings.assign(job_level=data.ratings["employee_id"].map(levels))
    overall = suppress_counts(_with_people(distribution.overall, rated, []), [], floor)
    parts = {}
    for name, groups in (("by_level", ["job_level"]), ("by_criterion", ["criterion_id"])):
        table = suppress_counts(
            _with_people(getattr(distribution, name), rated, groups), groups, floor
        )
        whole = not table["suppressed"].any() and not overall["suppressed"].any()
        parts[name] = table if whole else table.iloc[:0]
    made = replace(distribution, overall=overall, by_rater=distribution.by_rater.iloc[:0], **parts)
    if overall["suppressed"].any():
        # the total and the mean together would tell two hidden counts
        return replace(made, mean=float("nan"), ci_low=float("nan"), ci_high=float("nan"))
    return made


def _with_people(table: pd.DataFrame, rated: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Add ``n_people``: how many people the scores of a cell are about."""
    points = np.sort(table["score"].unique())
    # scores between two points were counted at the nearest one
    nearest = points[np.abs(rated["score"].to_numpy()[:, None] - points).argmin(axis=1)]
    counted = rated.assign(score=nearest).groupby([*groups, "score"], dropna=False)
    people = counted["employee_id"].nunique().rename("n_people").reset_index()
    return table.merge(people, on=[*groups, "score"], how="left").fillna({"n_people": 0})


def _is_whole(distribution: Distribution | NoAnswer) -> bool:
    return isinstance(distribution, Distribution) and not distribution.overall["suppressed"].any()


def _profiles_in_aggregate(
    profiles: Profiles | NoAnswer, floor: int, few: Suppressed
) -> Profiles | NoAnswer:
    if isinstance(profiles, NoAnswer):
        return profiles
    if (profiles.profiles["n"] < floor).any():
        return few
    return replace(profiles, members=profiles.members.iloc[:0])


def _evidence_in_aggregate(evidence: Evidence | NoAnswer) -> Evidence | NoAnswer:
    if isinstance(evidence, NoAnswer):
        return evidence
    return replace(evidence, subjects=evidence.subjects.iloc[:0], unrated=())


def _fairness_without_levels(
    answer: Fairness | NoAnswer, floor: int, least: int
) -> Fairness | NoAnswer:
    """Keep only the gaps where some people are in no group that is shown.

    With the department's totals, the number and mean of the others would tell theirs; a difference
    between two other groups does not.
    """
    if isinstance(answer, NoAnswer):
        return answer
    groups, gaps = answer.groups.copy(), answer.gaps.copy()
    ratio = ["parity_ratio", "parity_low", "parity_high"]
    if answer.groups["suppressed"].any() or 0 < answer.n_unknown < floor:
        numbers = [name for name in groups.columns if name not in ("group", "suppressed")]
        groups[numbers] = float("nan")
        # degrees of freedom follow the number of people
        gaps[[*ratio, "df"]] = float("nan")
        return replace(answer, groups=groups, gaps=gaps)
    # a ratio of small counts, beside the sizes of the groups, tells the counts
    at_top = groups.set_index("group")["rate"] * groups.set_index("group")["n_employees"]
    below = groups.set_index("group")["n_employees"] - at_top
    small = (at_top < least) | (below < least)
    hidden = gaps["group"].map(small).astype(bool) | bool(small.get(answer.reference, True))
    gaps.loc[hidden, ratio] = float("nan")
    return replace(answer, gaps=gaps)


def _group_severity_in_counts(
    answer: GroupSeverity | NoAnswer, audience: Audience, floor: int
) -> GroupSeverity | NoAnswer:
    """Keep what holds for all raters together: for whom one rater is strict is told to nobody.

    The room reads how many raters stand out, since its talk is about the norm; others do not.
    """
    few = Suppressed(
        msg("Hidden: fewer than {floor} raters, so a rater could be recognised.", floor=floor)
    )
    if isinstance(answer, NotEstimable) and _tells_a_small_count(answer, floor):
        return few
    if isinstance(answer, NoAnswer):
        return answer
    if answer.n_raters < floor:
        return few
    n_flagged = answer.n_flagged if audience is Audience.ROOM else None
    return replace(answer, cells=answer.cells.iloc[:0], n_flagged=n_flagged, n_suppressed=None)


def suppress_counts(table: pd.DataFrame, groups: Sequence[str], floor: int) -> pd.DataFrame:
    """Hide counts of small cells so that they cannot be found by subtraction either.

    Parameters
    ----------
    table
        Columns ``n`` (scores), ``n_people`` (people they are about) and ``share`` (0-1), plus what
        identifies the cell.
    groups
        Columns that define a row of cells with a known total; empty for one row.
    floor
        Smallest number of people that may be shown. An empty cell counts as small: "0 %" tells
        something of everybody in a group.

    Returns
    -------
    pandas.DataFrame
        The table with ``suppressed`` (bool); n, n_people and share of suppressed cells are
        missing. In a row either no cell is hidden, or at least two that together hold the floor.
    """
    made = table.reset_index(drop=True).copy()
    made["n"] = made["n"].astype("float64")
    made["n_people"] = made["n_people"].astype("float64")
    suppressed = pd.Series(False, index=made.index)
    if len(made):
        keys = list(groups)
        rows = made.groupby(keys, dropna=False).indices.values() if keys else [made.index]
        for positions in rows:
            suppressed.iloc[positions] = _cells_to_hide(made["n_people"].iloc[positions], floor)
    made["suppressed"] = suppressed
    made.loc[made["suppressed"], ["n", "n_people", "share"]] = float("nan")
    return made


def _cells_to_hide(people: pd.Series, floor: int) -> pd.Series:
    hide = people < floor
    if hide.any():
        # one hidden cell, or hidden cells that hold less than the floor, could be recomputed
        for position in people[~hide].sort_values(kind="stable").index:
            if hide.sum() >= 2 and people[hide].sum() >= floor:
                break
            hide[position] = True
    return hide
