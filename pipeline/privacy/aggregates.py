"""Answers as aggregates: without rows per person or rater, hidden where they rest on few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis import NoAnswer
from pipeline.errors import NotEstimable, Suppressed, msg
from pipeline.methods.agreement import Agreement
from pipeline.methods.conversation import Conversation
from pipeline.methods.criteria import Criteria
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
from pipeline.privacy.cells import suppress_counts
from pipeline.settings import Audience
from pipeline.store import SessionData


def without_rows(answer: Any, tables: tuple[str, ...], floor: int, few: Suppressed) -> Any:
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


def design_in_aggregate(
    design: Design | NoAnswer, floor: int, few: Suppressed
) -> Design | NoAnswer:
    """Keep the verdict, not who shares subjects with whom."""
    if isinstance(design, NoAnswer):
        return design
    if design.n_raters < floor:
        return few
    return replace(design, raters=design.raters.iloc[:0], subjects=design.subjects.iloc[:0])


def severity_in_aggregate(
    severity: Severity | NoAnswer, floor: int, few: Suppressed
) -> Severity | NoAnswer:
    """Keep how far raters differ, not who."""
    if isinstance(severity, NoAnswer):
        return severity
    if len(severity.raters) < floor:
        return few
    return replace(severity, raters=severity.raters.iloc[:0], n_left_out=0)


def agreement_in_aggregate(
    agreement: Agreement | NoAnswer, floor: int, few: Suppressed
) -> Agreement | NoAnswer:
    """Keep agreement where enough people and raters are behind it."""
    if isinstance(agreement, NoAnswer):
        return agreement
    if agreement.n_raters < floor or agreement.n_subjects < floor:
        return few
    enough = agreement.criteria["n_subjects"] >= floor
    return replace(agreement, criteria=agreement.criteria[enough].reset_index(drop=True))


def distribution_in_aggregate(
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


def is_whole(distribution: Distribution | NoAnswer) -> bool:
    """Tell whether no count of the whole had to be hidden."""
    return isinstance(distribution, Distribution) and not distribution.overall["suppressed"].any()


def profiles_in_aggregate(
    profiles: Profiles | NoAnswer | None, floor: int, few: Suppressed
) -> Profiles | NoAnswer | None:
    """Keep the profiles, not who is in them."""
    if not isinstance(profiles, Profiles):
        return profiles
    if (profiles.profiles["n"] < floor).any():
        return few
    return replace(profiles, members=profiles.members.iloc[:0])


def evidence_in_aggregate(
    evidence: Evidence | NoAnswer, data: SessionData, floor: int, few: Suppressed
) -> Evidence | NoAnswer:
    """Keep the counts, not whose evidence; nothing where it is about few people."""
    if isinstance(evidence, NoAnswer):
        return evidence
    if 0 < data.evidence["employee_id"].nunique() < floor:
        return few
    return replace(evidence, subjects=evidence.subjects.iloc[:0], unrated=())


def criteria_in_aggregate(
    criteria: Criteria | NoAnswer | None, data: SessionData, floor: int
) -> Criteria | NoAnswer | None:
    """Keep the texts of the form; how alike criteria are rated where enough raters are behind it.

    A pair rests on ten people or more, or has no number.
    """
    if not isinstance(criteria, Criteria) or data.ratings["rater_id"].nunique() >= floor:
        return criteria
    return replace(criteria, pairs=criteria.pairs.iloc[:0])


def fairness_without_levels(
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


def group_severity_in_counts(
    answer: GroupSeverity | NoAnswer, audience: Audience, floor: int
) -> GroupSeverity | NoAnswer:
    """Keep what holds for all raters together: for whom one rater is strict is told to nobody.

    The room reads how many raters stand out, since its talk is about the norm; others do not.
    """
    few = Suppressed(
        msg("Hidden: fewer than {floor} raters, so a rater could be recognised.", floor=floor)
    )
    if isinstance(answer, NotEstimable) and tells_a_small_count(answer, floor):
        return few
    if isinstance(answer, NoAnswer):
        return answer
    if answer.n_raters < floor:
        return few
    n_flagged = answer.n_flagged if audience is Audience.ROOM else None
    return replace(answer, cells=answer.cells.iloc[:0], n_flagged=n_flagged, n_suppressed=None)


def tells_a_small_count(reason: NotEstimable, floor: int) -> bool:
    """Tell whether a reason says a number below the floor."""
    count = reason.message.values.get("n")
    return isinstance(count, int | float) and count < floor
