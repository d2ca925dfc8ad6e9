"""What earlier sessions decided: decisions, actions and norms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.sample.randomness import Stream
from pipeline.sample.scores import HIGH, LOW, MEAN, Judgement, to_scale
from pipeline.sample.sessions import Session
from pipeline.sample.texts import CONVERSATION, GOOD_FROM, PERFORMANCE, Phrases
from pipeline.tables import OVERALL

_OUTLIERS, _MIDDLE = 0.2, 0.06
"""Share of the people who are discussed because they are far from the rest, and of the others."""
_MOST_CASES = 30
_OUTCOMES = (("upheld", 60), ("lowered", 17), ("raised", 11), ("parked", 12))
_ON_ONE_CRITERION = 0.25
_CONVERSATIONS_DISCUSSED = 6
_DISSENT = 0.1
_SAYS_WHAT_WAS_SEEN = 0.85
_DONE_LAST, _DROPPED = 0.6, 0.12


def performance_decisions(
    session: Session, judgements: list[Judgement], phrases: Phrases, seed: int
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `decisions` about people: mostly outliers, a few of the middle."""
    stream = Stream(seed, session.session_id, "decisions")
    by_manager = [j for j in judgements if j.role == "manager"]
    centre = sum(j.mean for j in by_manager) / len(by_manager) if by_manager else MEAN
    far = sorted(by_manager, key=lambda j: (-abs(j.mean - centre), j.person.employee_id))
    n = min(_MOST_CASES, max(2, round(_OUTLIERS * len(far))))
    cases = far[:n] + [j for j in far[n:] if stream.chance(_MIDDLE)][: _MOST_CASES // 3]
    for judgement in cases:
        one, criterion = stream.chance(_ON_ONE_CRITERION), stream.below(len(PERFORMANCE))
        score = judgement.scores[criterion]
        if one and score is not None:
            yield _decision(
                session,
                judgement.person.employee_id,
                PERFORMANCE[criterion],
                score,
                judgement.rater_id,
                phrases,
                stream,
            )
        else:
            yield _decision(
                session,
                judgement.person.employee_id,
                OVERALL,
                to_scale(judgement.mean),
                judgement.rater_id,
                phrases,
                stream,
            )


def conversation_decisions(
    session: Session, ratings: list[tuple[str, ...]], phrases: Phrases, seed: int
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `decisions` about conversations: the widest spread of a few of them."""
    stream = Stream(seed, session.session_id, "decisions")
    scores: dict[str, dict[str, list[int]]] = {}
    for _, _, _, criterion, score, _, subject, _, _ in ratings:
        scores.setdefault(subject, {}).setdefault(criterion, []).append(int(score))
    for subject in stream.some(list(scores), _CONVERSATIONS_DISCUSSED):
        found = scores[subject]
        widest = max(CONVERSATION, key=lambda c: max(found.get(c, [0])) - min(found.get(c, [0])))
        given = sorted(found[widest])
        before = given[len(given) // 2]
        decided_by = session.guard_id or session.rater_ids[0]
        yield _decision(session, subject, widest, before, decided_by, phrases, stream)


def _decision(
    session: Session,
    subject: str,
    criterion: str,
    before: int,
    decided_by: str,
    phrases: Phrases,
    stream: Stream,
) -> tuple[str, ...]:
    texts = phrases.all["session"]
    sort = stream.weighted(_OUTCOMES)
    if (sort == "raised" and before == HIGH) or (sort == "lowered" and before == LOW):
        sort = "upheld"
    after = before + {"raised": 1, "lowered": -1}.get(sort, 0)
    argument = stream.pick(texts[sort])
    if sort != "parked" and stream.chance(_SAYS_WHAT_WAS_SEEN):
        seen = _seen(session, criterion, good=after >= GOOD_FROM, phrases=phrases, stream=stream)
        argument = f"{seen} {argument}"
    evidence, dissent = stream.pick(texts["evidence"]), stream.pick(texts["dissent"])
    objects = stream.chance(_DISSENT) and sort != "parked"
    minutes = stream.between(2, 4)
    return (
        session.session_id,
        subject,
        criterion,
        str(before),
        "" if sort == "parked" else str(after),
        sort if sort in ("upheld", "parked") else "adjusted",
        argument,
        "" if sort == "parked" else evidence,
        decided_by,
        dissent if objects else "",
        str(minutes),
    )


def _seen(session: Session, criterion: str, *, good: bool, phrases: Phrases, stream: Stream) -> str:
    """Return what was seen, on which an argument rests."""
    if session.kind == "conversation":
        return str(stream.pick(phrases.all["conversation"]["good" if good else "bad"]))
    about = stream.pick(PERFORMANCE) if criterion == OVERALL else criterion
    return f"{phrases.behaviour(stream, about, good=good)}."


def action_rows(session: Session, phrases: Phrases, seed: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `actions`; some of the last session are still open."""
    stream = Stream(seed, session.session_id, "actions")
    if session.kind == "conversation":
        planned = [
            (owner, {"kind": "smart_goal", **stream.pick(phrases.all["smart"])})
            for owner in session.rater_ids
        ]
    else:
        actions = stream.some(phrases.all["action"], stream.between(2, 4))
        planned = [(stream.pick(session.rater_ids), action) for action in actions]
    for owner, action in planned:
        talk = action["kind"] == "follow_up_talk"
        month = 1 if talk else stream.between(3, 6)
        due = dt.date(session.cycle.year + 1, month, 28)
        done = due + dt.timedelta(stream.between(-20, 8))
        ready, dropped = stream.chance(_DONE_LAST), stream.chance(_DROPPED)
        if session.cycle.before_last == 1 and not ready:
            status = "open"
        else:
            status = "dropped" if dropped else "done"
        yield (
            session.session_id,
            owner,
            action["kind"],
            action["text"],
            due.isoformat(),
            action["measure"],
            status,
            done.isoformat() if status == "done" else "",
        )


def norm_rows(
    session: Session, levels: list[str], phrases: Phrases, seed: int
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of `norms`: one to three that the session agreed on."""
    stream = Stream(seed, session.session_id, "norms")
    known = phrases.all["norms"]
    wanted = CONVERSATION if session.kind == "conversation" else PERFORMANCE
    criteria = [criterion for criterion in wanted if criterion in known]
    for criterion in stream.some(criteria, stream.between(1, 3)):
        for_one, level = stream.chance(0.3), stream.pick(levels)
        text = stream.pick(known[criterion])
        one = for_one and session.kind == "performance"
        yield session.session_id, criterion, level if one else "", text
