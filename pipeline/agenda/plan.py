"""Minutes: the cases in order, what fits in the session, and what moves to a next one."""

from __future__ import annotations

import math

from pipeline.agenda.conversations import plan_conversations
from pipeline.agenda.focus import OF_FOCUS, ONLY_BESIDE, FocusRules
from pipeline.agenda.model import Agenda, Case, Item, Rule
from pipeline.agenda.rules import fired_rules
from pipeline.agenda.turns import by_lot
from pipeline.analysis import Analysis
from pipeline.errors import msg
from pipeline.methods.evidence import Evidence
from pipeline.methods.standing import Standing
from pipeline.settings import Settings

_OPENING, _ANCHOR, _SMART_ROUND, _BREAK, _BREAK_EVERY = 5.0, 10.0, 10.0, 10.0, 75.0
_MOST_FRAME = 0.5
"""Share of a short session that opening, anchor and SMART round may take at most."""


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
    if analysis.data.session.kind == "conversation":
        return plan_conversations(analysis, settings)
    total = analysis.data.session.minutes or settings.session.minutes
    standing = analysis.standing
    if not isinstance(standing, Standing) or standing.subjects.empty:
        return Agenda(_frame_items(total, 0.0, 0.0), (), total, 1, 0)
    fired = fired_rules(analysis, standing, settings)
    focus = OF_FOCUS.get(analysis.data.session.focus, OF_FOCUS["performance"])
    found = _of_focus(fired, focus)
    outliers = sorted(found, key=lambda subject: _urgency(subject, found[subject], focus))
    quiet = _quiet_middle(analysis, standing, set(fired))

    discussion = total - sum(i.minutes for i in _frame_items(total, 0.0, 0.0))
    least, each = settings.session.minutes_per_case
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
    shrink = min(1.0, _MOST_FRAME * total / (_OPENING + _ANCHOR + _SMART_ROUND))
    items = [
        Item("opening", shrink * _OPENING, msg("Goal, ground rules, confidentiality.")),
        Item(
            "anchor",
            shrink * _ANCHOR,
            msg("Everybody scores one anchor case, then compare: same norm?"),
        ),
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
        Item(
            "smart",
            shrink * _SMART_ROUND,
            msg("Everybody names one SMART goal; parked items get owners."),
        )
    )
    return tuple(items)


def _of_focus(fired: dict[str, tuple[Rule, ...]], focus: FocusRules) -> dict[str, tuple[Rule, ...]]:
    """Keep the rules that count in this session, most telling first."""
    kept = {
        subject: tuple(
            sorted(
                (rule for rule in rules if rule.name in focus.order),
                key=lambda rule: focus.order.index(rule.name),
            )
        )
        for subject, rules in fired.items()
    }
    return {
        subject: rules
        for subject, rules in kept.items()
        if any(rule.name not in ONLY_BESIDE for rule in rules)
    }


def _urgency(
    subject: str, rules: tuple[Rule, ...], focus: FocusRules
) -> tuple[bool, int, int, str]:
    """Sort by the most telling rule; more reasons first; then a fixed order."""
    names = {rule.name for rule in rules}
    return (
        names <= set(focus.last),
        focus.order.index(rules[0].name),
        -len(names),
        by_lot(subject),
    )


def _quiet_middle(analysis: Analysis, standing: Standing, taken: set[str]) -> list[str]:
    """Order everybody else: least evidence recorded first, so that the unseen are seen."""
    rest = standing.subjects[~standing.subjects["subject_id"].isin(taken)]
    recorded: dict[str, int] = {}
    if isinstance(analysis.evidence, Evidence):
        rows = analysis.evidence.subjects
        recorded = dict(zip(rows["subject_id"], rows["n_evidence"], strict=True))
    return sorted(rest["subject_id"], key=lambda s: (recorded.get(s, 0), by_lot(s)))
