"""The plan of a conversation session: which conversations are listened to, for how long."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.agenda.model import Agenda, Case, Item, Rule
from pipeline.agenda.rules import fired_rules
from pipeline.agenda.turns import by_lot, turn_order
from pipeline.analysis import Analysis
from pipeline.errors import msg, msgn
from pipeline.methods.standing import Standing
from pipeline.settings import Settings

USUAL_WITHIN_ONE = 0.85
"""Share of pairs of scores within one point that is usual; below it raters differ."""
OPENING, COMPARING, TURN, PARKED, BREAK = 5, 2, 1, 2, 10
"""Minutes: the opening; comparing the scores of one conversation; one person's turn; handing out
parked items; the break."""
BREAK_ABOVE = 75
"""Minutes above which a session has a break."""
_MOST_FRAME = 0.5
_LEAST_SMART = 5
_FROM_FOR_LOT = 3
"""From this many conversations on, one is drawn by lot."""
_ON_LEVEL = ("top", "bottom")
_ORDER = ("disagreement", *_ON_LEVEL)


def plan_conversations(analysis: Analysis, settings: Settings) -> Agenda:
    """Choose the conversations to listen to, and as many again in reserve; give each its minutes.

    Parameters
    ----------
    analysis
        What the methods found.
    settings
        Length of a session, of a conversation, and how many people take part at most.

    Returns
    -------
    Agenda
        One item per conversation; the minutes of the items add up to the session. Cases of session
        2 are the reserve. Without cases where no scores could be computed or shown.
    """
    data = analysis.data
    total = data.session.minutes or settings.session.minutes
    turns = turns_counted(analysis, settings)
    frame = _frame(total, turns)
    left = total - sum(item.minutes for item in frame)
    each = min(settings.session.listening_minutes + COMPARING + TURN * turns, left)
    reasons, quiet = _chosen(analysis, settings)
    room = max(1, int(left / each + 1e-9))
    n_lot = int(room >= _FROM_FOR_LOT and bool(quiet))
    flagged = list(reasons)
    listed = [*flagged[: room - n_lot], *quiet[:n_lot]]
    rest = [*flagged[room - n_lot :], *quiet[n_lot:]]
    listed += rest[: room - len(listed)]
    reserve = [one for one in rest if one not in listed][:room]
    owner = _owners(analysis)
    cases = [
        Case(one, owner[one], reasons.get(one, ()), each, session)
        for session, part in ((1, listed), (2, reserve))
        for one in part
    ]
    return Agenda(
        items=_items(frame, len(listed), each, turns, settings, total),
        cases=tuple(cases),
        minutes=total,
        n_sessions=1,  # the reserve is for choice: not every conversation has to be heard
        n_outliers=len(reasons),
    )


def turns_counted(analysis: Analysis, settings: Settings) -> int:
    """Return how many people take a turn on each conversation, at most a full group."""
    return min(len(turn_order(analysis.data)), settings.session.most_participants) or 1


def differing(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return per conversation how close its raters are.

    Parameters
    ----------
    ratings
        subject_id, rater_id, criterion_id, score.

    Returns
    -------
    DataFrame
        Indexed by subject_id: within_one (share 0-1 of pairs of scores on one criterion that are at
        most one point apart), n_pairs. Conversations with one rater are not in it.
    """
    keys = ["subject_id", "criterion_id"]
    known = ratings.loc[ratings["score"].notna(), [*keys, "rater_id", "score"]]
    pairs = known.merge(known, on=keys, suffixes=("", "_other"))
    pairs = pairs[pairs["rater_id"] < pairs["rater_id_other"]]
    close = (pairs["score"] - pairs["score_other"]).abs() <= 1 + 1e-9
    return close.groupby(pairs["subject_id"]).agg(within_one="mean", n_pairs="size")


def _chosen(
    analysis: Analysis, settings: Settings
) -> tuple[dict[str, tuple[Rule, ...]], list[str]]:
    """Return the conversations with a reason, most telling first, and the others by lot."""
    standing = analysis.standing
    if not isinstance(standing, Standing) or standing.subjects.empty:
        return {}, []
    apart = differing(analysis.data.ratings)
    found = {
        subject: tuple(rule for rule in rules if rule.name in _ON_LEVEL)
        for subject, rules in fired_rules(analysis, standing, settings).items()
    }
    for row in apart[apart["within_one"] < USUAL_WITHIN_ONE].itertuples():
        text = msg(
            "Of {n} pairs of scores {close} are within one point of each other; 85% is usual.",
            n=int(row.n_pairs),
            close=round(row.within_one * row.n_pairs),
        )
        found[str(row.Index)] = (Rule("disagreement", text), *found.get(str(row.Index), ()))
    named = {one: rules for one, rules in found.items() if rules and one in _owners(analysis)}
    close = apart["within_one"].to_dict()

    def urgency(subject: str) -> tuple[int, float, str]:
        first = _ORDER.index(named[subject][0].name)
        return first, close.get(subject, 1.0) if first == 0 else 1.0, by_lot(subject)

    quiet = sorted(set(_owners(analysis)) - set(named), key=by_lot)
    return {one: named[one] for one in sorted(named, key=urgency)}, quiet


def _owners(analysis: Analysis) -> dict[str, str]:
    standing = analysis.standing
    if not isinstance(standing, Standing):
        return {}
    rows = standing.subjects
    return dict(zip(rows["subject_id"].astype(str), rows["employee_id"].astype(str), strict=True))


def _frame(total: int, turns: int) -> tuple[Item, ...]:
    """Return opening, break and SMART round; of a very short session half at most."""
    smart = max(_LEAST_SMART, TURN * turns + PARKED)
    pause = BREAK if total > BREAK_ABOVE else 0
    shrink = min(1.0, _MOST_FRAME * total / (OPENING + smart + pause))
    return (
        Item(
            "opening",
            shrink * OPENING,
            msg("Theme, personal goals, confidentiality; nobody laughs at anybody."),
        ),
        *([Item("break", pause, msg("Judgement tires; stop after an hour."))] if pause else []),
        Item(
            "smart",
            shrink * smart,
            msgn(
                "One minute for the SMART goal of {n} person; parked items get owners.",
                "One minute each for the SMART goals of {n} people; parked items get owners.",
                turns,
            ),
        ),
    )


def _items(
    frame: tuple[Item, ...], n: int, each: float, turns: int, settings: Settings, total: int
) -> tuple[Item, ...]:
    """Put the conversations between opening and SMART round, the break halfway."""
    opening, *pause, smart = frame
    heard = Item(
        "conversation",
        each,
        msgn(
            "Listen {listen}, compare the scores {compare}, one minute for {n} turn.",
            "Listen {listen}, compare the scores {compare}, one minute for each of {n} turns.",
            turns,
            listen=settings.session.listening_minutes,
            compare=COMPARING,
        ),
    )
    before = math.ceil(n / 2)
    left = total - sum(item.minutes for item in frame) - n * each
    spare = Item(
        "spare",
        left,
        msg("Room for what runs over, for conversations brought along and for parked items."),
    )
    return (
        opening,
        *[heard] * before,
        *pause,
        *[heard] * (n - before),
        *([spare] if left > 1e-9 else []),
        smart,
    )
