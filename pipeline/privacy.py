"""The one place that knows audiences and small groups.

Three cuts of one analysis:

``room``
    Facilitator and calibrating managers: named cases in scope. Who takes part and is rated in the
    same department is left out, since everybody in the room reads the pack.
``manager``
    One manager: the own team and the own pattern as a rater, nothing of colleagues.
``organisation``
    Works council, board: aggregates only. No names, no row per person or rater, and no count
    below the smallest group, also not by subtraction.

Everything that is shown passes through `cut`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.analysis import Analysis, NoAnswer
from pipeline.errors import Message, Suppressed, WrongUse, msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.distribution import Distribution
from pipeline.methods.evidence import Evidence
from pipeline.methods.profiles import Profiles
from pipeline.methods.severity import Severity
from pipeline.methods.standing import Standing
from pipeline.settings import Audience, PrivacySettings

__all__ = ["Audience", "View", "cut", "suppress_counts"]


@dataclass(frozen=True)
class View:
    """What one audience may see.

    Attributes
    ----------
    analysis
        The analysis with everything removed that this audience may not see.
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
    analysis: Analysis,
    audience: Audience,
    settings: PrivacySettings,
    viewer_id: str | None = None,
) -> View:
    """Return what ``audience`` may see of an analysis.

    Raises
    ------
    WrongUse
        A manager's cut without a manager, or the other way round.
    """
    if (audience is Audience.MANAGER) != (viewer_id is not None):
        raise WrongUse(msg("A manager's pack, and no other, needs the identifier of its reader."))
    if audience is Audience.ROOM:
        return _room(analysis)
    if audience is Audience.MANAGER:
        return _manager(analysis, str(viewer_id))
    return _organisation(analysis, settings)


# room --------------------------------------------------------------------------------------


def _present(analysis: Analysis) -> set[str]:
    data = analysis.data
    roles = {data.session.facilitator_id, data.session.process_guard_id}
    readers = set(data.participants["person_id"]) | {one for one in roles if one}
    return readers | set(data.ratings["rater_id"])


def _room(analysis: Analysis) -> View:
    own = _present(analysis) & set(analysis.data.ratings["employee_id"])
    if not own:
        return View(analysis, Audience.ROOM, None, ())
    reason = msgn(
        "{n} person takes part in this session and is rated in it too. That rating is left out of"
        " this pack; calibrate it without this person present.",
        "{n} people take part in this session and are rated in it too. Those ratings are left out"
        " of this pack; calibrate them without these people present.",
        len(own),
    )
    return View(_without_people(analysis, own), Audience.ROOM, None, (reason,))


def _without_people(analysis: Analysis, gone: set[str]) -> Analysis:
    """Drop every row about these people; aggregates over the department stay as they are."""
    keep = set(analysis.data.employees["employee_id"]) - gone
    return _only_people(analysis, keep)


def _only_people(analysis: Analysis, keep: set[str]) -> Analysis:
    data = analysis.data
    ratings = _of(data.ratings, "employee_id", keep)
    data = replace(
        data,
        ratings=ratings,
        self_ratings=_of(data.self_ratings, "employee_id", keep),
        employees=_of(data.employees, "employee_id", keep),
        evidence=_of(data.evidence, "employee_id", keep),
        goals=_of(data.goals, "owner_id", keep),
        results=_of(data.results, "employee_id", keep),
        opinions=_of(data.opinions, "employee_id", keep),
        history=_of(data.history, "employee_id", keep),
    )
    standing, evidence, profiles = analysis.standing, analysis.evidence, analysis.profiles
    subjects = set(ratings["subject_id"])
    if isinstance(standing, Standing):
        standing = replace(standing, subjects=_of(standing.subjects, "employee_id", keep))
    if isinstance(evidence, Evidence):
        evidence = replace(
            evidence,
            subjects=_of(evidence.subjects, "employee_id", keep),
            unrated=tuple(one for one in evidence.unrated if one in keep),
        )
    if isinstance(profiles, Profiles):
        profiles = replace(profiles, members=_of(profiles.members, "subject_id", subjects))
    return replace(analysis, data=data, standing=standing, evidence=evidence, profiles=profiles)


def _of(table: pd.DataFrame, column: str, keep: set[str]) -> pd.DataFrame:
    return table[table[column].isin(keep)].reset_index(drop=True)


# manager -----------------------------------------------------------------------------------


def _manager(analysis: Analysis, viewer: str) -> View:
    employees = analysis.data.employees
    rated = analysis.data.ratings
    team = set(employees.loc[employees["manager_id"].eq(viewer), "employee_id"])
    team |= set(rated.loc[rated["rater_id"].eq(viewer), "employee_id"])
    team -= {viewer}
    if not team:
        raise WrongUse(msg("This manager has no team and rated nobody in this session."))
    cut_down = _only_people(analysis, team)
    data = cut_down.data
    own = data.ratings[data.ratings["rater_id"].eq(viewer)].reset_index(drop=True)
    known = team | {viewer}
    data = replace(
        data,
        ratings=own,
        people=_of(data.people, "employee_id", known),
        participants=_of(data.participants, "person_id", {viewer}),
        opinions=_of(data.opinions, "rater_id", {viewer}),
        last_actions=_of(data.last_actions, "owner_id", {viewer}),
    )
    standing, severity = cut_down.standing, cut_down.severity
    if isinstance(standing, Standing):
        # positions and spreads would show what colleagues gave
        hidden = standing.subjects.assign(position=float("nan"), spread=float("nan"))
        standing = replace(standing, subjects=hidden, groups=standing.groups.iloc[:0])
    if isinstance(severity, Severity):
        severity = replace(severity, raters=_of(severity.raters, "rater_id", {viewer}))
    design, distribution = cut_down.design, cut_down.distribution
    if isinstance(design, Design):
        design = replace(
            design,
            raters=_of(design.raters, "rater_id", {viewer}),
            subjects=_of(design.subjects, "subject_id", set(own["subject_id"])),
        )
    if isinstance(distribution, Distribution):
        distribution = replace(
            distribution, by_rater=_of(distribution.by_rater, "rater_id", {viewer})
        )
    shown = replace(
        cut_down,
        data=data,
        standing=standing,
        severity=severity,
        design=design,
        distribution=distribution,
    )
    reason = msg("This pack holds your own team and your own pattern as a rater; nothing else.")
    return View(shown, Audience.MANAGER, viewer, (reason,))


# organisation ------------------------------------------------------------------------------


def _organisation(analysis: Analysis, settings: PrivacySettings) -> View:
    floor = settings.minimum_group
    data = analysis.data
    n_people = data.ratings["employee_id"].nunique()
    hidden = Suppressed(
        msg("Hidden: fewer than {floor} people, so a person could be recognised.", floor=floor)
    )
    aggregates_only = Suppressed(msg("Not shown here: this pack holds aggregates only."))
    empty = _only_people(analysis, set())
    gone = empty.data.people.iloc[:0]
    data = replace(
        empty.data,
        people=gone,
        participants=empty.data.participants.iloc[:0],
        last_actions=empty.data.last_actions.iloc[:0],
        previous_scores=_counts_or_none(empty.data.previous_scores, floor),
        session=replace(data.session, facilitator_id=None, process_guard_id=None),
    )
    left_out = (msg("This pack holds aggregates only: no names, no row per person or rater."),)
    if n_people < floor:
        shown = replace(
            empty, data=data, design=hidden, severity=hidden, agreement=hidden,
            distribution=hidden, standing=hidden, profiles=hidden, evidence=hidden,
        )  # fmt: skip
        return View(shown, Audience.ORGANISATION, None, left_out)
    return View(
        replace(
            empty,
            data=data,
            design=_design_in_aggregate(analysis.design, floor, hidden),
            severity=_severity_in_aggregate(analysis.severity, floor),
            agreement=analysis.agreement,
            distribution=_distribution_in_aggregate(analysis.distribution, floor),
            standing=aggregates_only,
            profiles=_profiles_in_aggregate(analysis.profiles, floor, hidden),
            evidence=_evidence_in_aggregate(analysis.evidence),
        ),
        Audience.ORGANISATION,
        None,
        left_out,
    )


def _design_in_aggregate(
    design: Design | NoAnswer, floor: int, hidden: Suppressed
) -> Design | NoAnswer:
    if isinstance(design, NoAnswer):
        return design
    if design.n_raters < floor:
        return hidden
    return replace(design, raters=design.raters.iloc[:0], subjects=design.subjects.iloc[:0])


def _severity_in_aggregate(severity: Severity | NoAnswer, floor: int) -> Severity | NoAnswer:
    if isinstance(severity, NoAnswer):
        return severity
    if len(severity.raters) < floor:
        return Suppressed(
            msg("Hidden: fewer than {floor} raters, so a rater could be recognised.", floor=floor)
        )
    return replace(severity, raters=severity.raters.iloc[:0])


def _distribution_in_aggregate(
    distribution: Distribution | NoAnswer, floor: int
) -> Distribution | NoAnswer:
    if isinstance(distribution, NoAnswer):
        return distribution
    return replace(
        distribution,
        overall=suppress_counts(distribution.overall, [], floor),
        by_level=suppress_counts(distribution.by_level, ["job_level"], floor),
        by_criterion=suppress_counts(distribution.by_criterion, ["criterion_id"], floor),
        by_rater=distribution.by_rater.iloc[:0],
    )


def _profiles_in_aggregate(
    profiles: Profiles | NoAnswer, floor: int, hidden: Suppressed
) -> Profiles | NoAnswer:
    if isinstance(profiles, NoAnswer):
        return profiles
    if (profiles.profiles["n"] < floor).any():
        return hidden
    return replace(profiles, members=profiles.members.iloc[:0])


def _evidence_in_aggregate(evidence: Evidence | NoAnswer) -> Evidence | NoAnswer:
    if isinstance(evidence, NoAnswer):
        return evidence
    return replace(evidence, subjects=evidence.subjects.iloc[:0], unrated=())


def _counts_or_none(counts: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Return the counts if each is large enough, else no row at all."""
    return counts if len(counts) and counts["n"].min() >= floor else counts.iloc[:0]


def suppress_counts(table: pd.DataFrame, groups: Sequence[str], floor: int) -> pd.DataFrame:
    """Hide counts of small cells so that they cannot be found by subtraction either.

    Parameters
    ----------
    table
        Columns ``n`` (count) and ``share`` (0-1) plus what identifies the cell.
    groups
        Columns that define a row of cells with a known total; empty for one row.
    floor
        Smallest count that may be shown. An empty cell may be shown unless it would tell that
        everybody else is in one cell.

    Returns
    -------
    pandas.DataFrame
        The table with ``suppressed`` (bool); n and share of suppressed cells are missing. A row
        whose total is below the floor is hidden whole.
    """
    made = table.copy()
    made["n"] = made["n"].astype("float64")
    if made.empty:
        made["suppressed"] = pd.Series(dtype="bool")
        return made
    keys = list(groups)
    rows = made.groupby(keys, dropna=False, sort=False).indices.values() if keys else [
        range(len(made))
    ]  # fmt: skip
    suppressed = pd.Series(False, index=range(len(made)))
    counts = made["n"].reset_index(drop=True)
    for positions in rows:
        cells = counts.iloc[list(positions)]
        suppressed.iloc[list(positions)] = _cells_to_hide(cells, floor).to_numpy()
    made["suppressed"] = suppressed.to_numpy()
    made.loc[made["suppressed"], ["n", "share"]] = float("nan")
    return made


def _cells_to_hide(cells: pd.Series, floor: int) -> pd.Series:
    total = cells.sum()
    if total < floor or (cells.gt(0).sum() == 1):
        return pd.Series(True, index=cells.index)  # nobody, or everybody in one cell
    hide = cells.gt(0) & cells.lt(floor)
    if hide.any():
        # one hidden cell, or hidden cells that sum to less than the floor, can be recomputed
        for position in cells[~hide].sort_values(kind="stable").index:
            if hide.sum() >= 2 and cells[hide].sum() >= floor:
                break
            hide[position] = True
    return hide
