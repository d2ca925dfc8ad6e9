"""From findings to cases to minutes: what the session discusses, in which order, how long.

Deterministic: the same ratings give the same agenda. 80 % of the discussion time goes to people
far from the rest or with a reason to look again; the remainder is kept for the quiet middle, so
that nobody goes unseen for being average. A case holds facts and the rule that fired, never a
proposed rating.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis import Analysis
from pipeline.errors import Message, msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.evidence import Evidence
from pipeline.methods.nested import Nested
from pipeline.methods.results_mismatch import ResultsMismatch
from pipeline.methods.standing import Standing, beside_others
from pipeline.methods.under_the_radar import UnderTheRadar
from pipeline.settings import ScaleSettings, Settings

JUMP = 1.0
"""Change since the last cycle, in scale points, that is worth a question."""
DISAGREEMENT = 1.0
"""Distance between two raters of one person, in scale points, that is worth a question."""
FEW_RATERS = 3
"""With more raters the distance between the two furthest apart only shows how many there are."""
FAR_FROM_GROUP = 1.5
"""Distance from the comparable group, in standard deviations, that makes an outlier."""
FRINGE = 0.15
"""Distance from the border between two scale points, in scale points, that is a fringe."""

_OPENING, _ANCHOR, _SMART_ROUND, _BREAK, _BREAK_EVERY = 5.0, 10.0, 10.0, 10.0, 75.0
_CONVERSATION_MINUTES = 8.0

OUTLIER_RULES = (
    "top", "bottom", "jump", "disagreement", "results", "under_the_radar", "questioned",
    "unsubstantiated",
)  # fmt: skip
_FAR = {
    (False, False): msg(
        "Score {score}; {n} other comparable people average {mean} (standard deviation {sd})."
    ),
    (False, True): msg(
        "Score {score}; the {n} other people of this rater average {mean} (standard deviation"
        " {sd})."
    ),
    (True, False): msg(
        "Score {score}; {n} conversations of other comparable people average {mean} (standard"
        " deviation {sd})."
    ),
    (True, True): msg(
        "Score {score}; {n} conversations of other people with this rater average {mean} (standard"
        " deviation {sd})."
    ),
}
"""By whether conversations are rated, and whether the others had the same rater."""


@dataclass(frozen=True)
class Rule:
    """A reason to discuss: which rule fired, with its numbers."""

    name: str
    message: Message


@dataclass(frozen=True)
class Case:
    """A person (or conversation) to discuss.

    Attributes
    ----------
    subject_id, employee_id
        Who or what.
    rules
        The rules that fired, most telling first; empty for the quiet middle.
    minutes
        Time in this session; 0 when it does not fit.
    session
        1 for this session, 2 and on for a next one.
    """

    subject_id: str
    employee_id: str
    rules: tuple[Rule, ...]
    minutes: float
    session: int

    @property
    def is_quiet(self) -> bool:
        """Whether this case comes from the quiet middle."""
        return not self.rules


@dataclass(frozen=True)
class Item:
    """A part of the session: what (``kind``), minutes, and why it takes that long."""

    kind: str
    minutes: float
    reason: Message


@dataclass(frozen=True)
class Agenda:
    """The plan of a session.

    Attributes
    ----------
    items
        Parts of the first session in order; their minutes add up to ``minutes`` at most.
    cases
        Cases in order of discussion, over all sessions.
    minutes
        Length of a session.
    n_sessions
        Sessions needed to discuss every case.
    n_outliers
        Cases with a rule that fired.
    """

    items: tuple[Item, ...]
    cases: tuple[Case, ...]
    minutes: int
    n_sessions: int
    n_outliers: int


def plan_agenda(analysis: Analysis, settings: Settings) -> Agenda:
    """Order the cases of a session and give each its minutes.

    Parameters
    ----------
    analysis
        What the methods found.
    settings
        Length of a session, minutes per case, share of time for outliers, the scale.

    Returns
    -------
    Agenda
        Without cases where nobody's standing could be computed or shown.
    """
    total = analysis.data.session.minutes or settings.session.minutes
    conversation = analysis.data.session.kind == "conversation"
    standing = analysis.standing
    if not isinstance(standing, Standing) or standing.subjects.empty:
        return Agenda(_frame_items(total, 0.0, 0.0), (), total, 1, 0)
    found = _rules(analysis, standing, settings)
    outliers = sorted(found, key=lambda subject: _urgency(subject, found[subject]))
    quiet = _quiet_middle(analysis, standing, set(found))

    discussion = total - sum(i.minutes for i in _frame_items(total, 0.0, 0.0))
    each = _CONVERSATION_MINUTES if conversation else settings.session.minutes_per_case[1]
    least = _CONVERSATION_MINUTES if conversation else settings.session.minutes_per_case[0]
    for_outliers = discussion * settings.session.outlier_share
    if len(outliers) * each > for_outliers:
        each = max(least, for_outliers / len(outliers))
    room = max(1, int(for_outliers / each + 1e-9))
    n_sessions = max(1, math.ceil(len(outliers) / room))
    quiet_room = max(1, int((discussion - for_outliers) / least + 1e-9))
    quiet = quiet[: quiet_room * n_sessions]

    owner = standing.subjects.set_index("subject_id")["employee_id"]
    cases: list[Case] = []
    for session in range(n_sessions):
        here = outliers[session * room : (session + 1) * room]
        calm = quiet[session * quiet_room : (session + 1) * quiet_room]
        cases += [Case(s, str(owner[s]), found[s], each, session + 1) for s in here]
        cases += [Case(s, str(owner[s]), (), least, session + 1) for s in calm]
    first = [case for case in cases if case.session == 1]
    spent = sum(case.minutes for case in first if not case.is_quiet)
    calm_spent = sum(case.minutes for case in first if case.is_quiet)
    return Agenda(
        items=_frame_items(total, spent, calm_spent),
        cases=tuple(cases),
        minutes=total,
        n_sessions=n_sessions,
        n_outliers=len(outliers),
    )


def _frame_items(total: int, outliers: float, quiet: float) -> tuple[Item, ...]:
    items = [
        Item("opening", _OPENING, msg("Goal, ground rules, confidentiality.")),
        Item("anchor", _ANCHOR, msg("Everybody scores one anchor case, then compare: same norm?")),
    ]
    if outliers:
        items.append(
            Item("outliers", outliers, msg("People far from the rest, or with a reason to look."))
        )
    if total > _BREAK_EVERY:
        items.append(Item("break", _BREAK, msg("Judgement tires; stop after an hour.")))
    if quiet:
        items.append(Item("quiet", quiet, msg("The quiet middle: nobody goes unseen.")))
    items.append(
        Item("smart", _SMART_ROUND, msg("Everybody names one SMART goal; parked items get owners."))
    )
    return tuple(items)


def _rules(
    analysis: Analysis, standing: Standing, settings: Settings
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules that fired per subject; subjects without any are left out."""
    scale = settings.scale
    conversation = analysis.data.session.kind == "conversation"
    others, same_rater = _compared(analysis, standing)
    questions = _questions(analysis)
    thin = _unsubstantiated(analysis)
    beside = (_off_results(analysis), _under_the_radar(analysis))
    found: dict[str, tuple[Rule, ...]] = {}
    for row in standing.subjects.itertuples(index=False):
        fired: list[Rule] = []
        outlier = _far(
            float(row.score), others.loc[row.subject_id], same_rater, conversation, scale
        )
        if outlier is not None:
            fired.append(outlier)
        if row.n_raters <= FEW_RATERS and pd.notna(row.spread) and row.spread >= DISAGREEMENT:
            fired.append(
                Rule("disagreement", msg("Raters differ by {gap} points.", gap=float(row.spread)))
            )
        # another conversation is no earlier cycle of the same work
        if not conversation and pd.notna(row.change) and abs(row.change) >= JUMP:
            fired.append(
                Rule(
                    "jump",
                    msg(
                        "Went from {previous} to {score} since the last cycle.",
                        previous=float(row.previous),
                        score=float(row.score),
                    ),
                )
            )
        fired += [rules[row.employee_id] for rules in beside if row.employee_id in rules]
        n_questions = questions.get(row.employee_id, 0)
        if n_questions:
            fired.append(
                Rule("questioned", msg("Colleagues who question this rating: {n}.", n=n_questions))
            )
        if outlier is not None and row.subject_id in thin:
            fired.append(
                Rule("unsubstantiated", msg("Far from the rest, without rationale or evidence."))
            )
        fringe = _fringe(float(row.score), scale.points)
        if fringe is not None:
            fired.append(fringe)
        if fired:
            found[row.subject_id] = tuple(fired)
    return found


def _compared(analysis: Analysis, standing: Standing) -> tuple[pd.DataFrame, bool]:
    """Return the others beside each subject, and whether they are those of the same rater.

    Where nothing links the raters, people are compared within the ratings of one rater.
    """
    nested, design = analysis.nested, analysis.design
    beside = standing.subjects.set_index("subject_id")
    if (
        not isinstance(nested, Nested)
        or not isinstance(design, Design)
        or design.verdict not in ("nested", "one_rater")
    ):
        return beside, False
    part = nested.subjects.set_index("subject_id")["component"].reindex(beside.index)
    people = beside["employee_id"].groupby(part).transform("nunique")
    others = beside_others(beside["score"], part, beside["employee_id"])
    others.loc[people < standing.floor] = np.nan
    return others, True


def _far(
    score: float, others: pd.Series, same_rater: bool, conversation: bool, scale: ScaleSettings
) -> Rule | None:
    n, mean, sd = others["n_others"], others["others_mean"], others["others_sd"]
    distance = score - mean
    # who differs from others that are all alike is far from them too
    if abs(distance) > 1e-9 and abs(distance) >= FAR_FROM_GROUP * sd:
        numbers = {"score": score, "n": int(n), "mean": float(mean), "sd": float(sd)}
        text = _FAR[conversation, same_rater]
        return Rule("top" if distance > 0 else "bottom", msg(text.text, **numbers))
    if score >= scale.high - 0.5:
        return Rule("top", msg("Score {score}: the top of the scale.", score=score))
    if score <= scale.low + 0.5:
        return Rule("bottom", msg("Score {score}: the bottom of the scale.", score=score))
    return None


def _fringe(score: float, points: list[float]) -> Rule | None:
    """Tell who sits on the border of the middle category, where one argument decides."""
    middle = points[len(points) // 2]
    step = points[1] - points[0]
    for border in (middle - step / 2, middle + step / 2):
        if abs(score - border) <= FRINGE:
            return Rule(
                "fringe", msg("Score {score}: on the edge of the middle category.", score=score)
            )
    return None


def _questions(analysis: Analysis) -> dict[str, int]:
    opinions = analysis.data.opinions
    asked = opinions[opinions["opinion"].eq("question")]
    return {str(k): int(v) for k, v in asked.groupby("employee_id").size().items()}


def _off_results(analysis: Analysis) -> dict[str, Rule]:
    """Tell whose rating is far from what results go with among colleagues."""
    found = analysis.results_mismatch
    if not isinstance(found, ResultsMismatch):
        return {}
    rows = found.employees[found.employees["flagged"].astype(bool)]
    return {
        str(row["employee_id"]): Rule("results", _beside_results(row))
        for row in rows.to_dict("records")
    }


def _beside_results(row: dict[Any, Any]) -> Message:
    size, low, high = abs(float(row["mismatch"])), float(row["pi_low"]), float(row["pi_high"])
    if row["mismatch"] > 0:
        return msg(
            "Rated {size} points higher than is usual with such results ({low} to {high}).",
            size=size,
            low=low,
            high=high,
        )
    return msg(
        "Rated {size} points lower than is usual with such results ({low} to {high}).",
        size=size,
        low=low,
        high=high,
    )


def _under_the_radar(analysis: Analysis) -> dict[str, Rule]:
    """Tell who rises or has good results, outside the top and with little written down."""
    found = analysis.under_the_radar
    if not isinstance(found, UnderTheRadar):
        return {}
    rows = found.employees[found.employees["under_the_radar"].astype(bool)]
    return {
        str(row["employee_id"]): Rule("under_the_radar", _why_unseen(row))
        for row in rows.to_dict("records")
    }


def _why_unseen(row: dict[Any, Any]) -> Message:
    recorded = msgn(
        "{n} piece of evidence recorded", "{n} pieces of evidence recorded", int(row["n_evidence"])
    )
    if row["rising"]:
        return msg(
            "Rises {slope} points a cycle beside colleagues (interval {low} to {high}); not in the"
            " top, {recorded}.",
            slope=float(row["slope"]),
            low=float(row["slope_low"]),
            high=float(row["slope_high"]),
            recorded=recorded,
        )
    return msg(
        "Results {result} standard deviations above what this rating leads to expect (interval"
        " {low} to {high}); not in the top, {recorded}.",
        result=float(row["result"]),
        low=float(row["result_low"]),
        high=float(row["result_high"]),
        recorded=recorded,
    )


def _unsubstantiated(analysis: Analysis) -> set[str]:
    evidence = analysis.evidence
    if not isinstance(evidence, Evidence):
        return set()
    rows = evidence.subjects
    return set(rows.loc[rows["n_with_rationale"].eq(0) & rows["n_evidence"].eq(0), "subject_id"])


_ORDER = (
    "top", "bottom", "fringe", "disagreement", "jump", "results", "under_the_radar", "questioned",
    "unsubstantiated",
)  # fmt: skip


def _urgency(subject: str, rules: tuple[Rule, ...]) -> tuple[int, int, int, str]:
    """Sort: outliers top then bottom, then the fringe; more reasons first; then a fixed order."""
    names = {rule.name for rule in rules}
    only_fringe = names == {"fringe"}
    first = min(_ORDER.index(name) for name in names)
    return (int(only_fringe), first if not only_fringe else 0, -len(names), _stable(subject))


def _quiet_middle(analysis: Analysis, standing: Standing, taken: set[str]) -> list[str]:
    """Order everybody else: least evidence recorded first, so that the unseen are seen."""
    rest = standing.subjects[~standing.subjects["subject_id"].isin(taken)]
    recorded: dict[str, int] = {}
    if isinstance(analysis.evidence, Evidence):
        rows = analysis.evidence.subjects
        recorded = dict(zip(rows["subject_id"], rows["n_evidence"], strict=True))
    return sorted(rest["subject_id"], key=lambda s: (recorded.get(s, 0), _stable(s)))


def _stable(subject: str) -> str:
    """Return an order that does not depend on names or numbers of people."""
    return hashlib.sha256(subject.encode()).hexdigest()
