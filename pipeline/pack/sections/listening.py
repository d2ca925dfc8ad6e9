"""Which conversations are listened to, whose they are and why; then each with its scores."""

from __future__ import annotations

from pipeline.agenda import Case
from pipeline.agenda.turns import turn_order
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import (
    Block,
    CaseCard,
    Cell,
    Column,
    Fold,
    Note,
    Part,
    Table,
    Text,
    WriteLines,
)
from pipeline.pack.context import Context
from pipeline.pack.sections import case_evidence, cases
from pipeline.pack.wording import ANSWERS, ON_CONVERSATIONS
from pipeline.privacy import Audience

MOST_CARDS = 12
BY_LOT = msg("drawn by lot")
_WHY = {
    "disagreement": msg("raters differ"),
    "top": msg("far from the other conversations"),
    "bottom": msg("far from the other conversations"),
}
"""The rules in words that do not give the level away to who has yet to listen."""


def listed(context: Context) -> list[Case]:
    """Return the conversations of this session, in order of listening."""
    return [case for case in context.plan.cases if case.session == 1]


def build(context: Context) -> list[Block]:
    """Make the listening list."""
    say, first = context.say, listed(context)
    if context.view.audience is not Audience.ROOM:
        return [Note(say(msg("The listening list is in the session's pack.")))]
    if not first:
        return [context.no_answer(context.analysis.standing, ANSWERS["standing"])]
    reserve = [case for case in context.plan.cases if case.session > 1]
    blocks: list[Block] = [
        Text(_opening(context, first), lead=True),
        _table(context, say(msg("Listening list")), first, links=True),
    ]
    if reserve:
        table = _table(context, say(msg("In reserve")), reserve, links=False)
        text = say(
            msg(
                "Take the first one where a recording is missing, holds customer data that may"
                " not be heard, or when there is time left."
            )
        )
        blocks.append(Fold(say(msg("In reserve")), (Text(text), table)))
    return [*blocks, _brought(context)]


def _opening(context: Context, first: list[Case]) -> str:
    n_lot = sum(case.is_quiet for case in first)
    chosen = msgn(
        "{n} conversation to listen to together: {why} because the scores show something, {lot} by"
        " lot.",
        "{n} conversations to listen to together: {why} because the scores show something, {lot} by"
        " lot.",
        len(first),
        why=len(first) - n_lot,
        lot=n_lot,
    )
    blind = msg("The list holds no scores: listen first, then compare.")
    return f"{context.say(chosen)} {context.say(blind)}"


def _table(context: Context, caption: str, chosen: list[Case], *, links: bool) -> Table:
    say = context.say
    scored = context.data.ratings.groupby("subject_id")["rater_id"].nunique()
    return Table(
        caption,
        (
            Column(say(msg("Conversation"))),
            Column(say(msg("Adviser"))),
            Column(say(msg("Why chosen"))),
            Column(say(msg("Scored by")), numeric=True),
            Column(say(msg("Minutes")), numeric=True),
        ),
        tuple(
            (
                Cell(case.subject_id, link=f"case-{number}" if links else ""),
                context.person(case.employee_id),
                why(context, case),
                context.language.whole(int(scored.get(case.subject_id, 0))),
                context.language.whole(round(case.minutes)),
            )
            for number, case in enumerate(chosen, 1)
        ),
    )


def why(context: Context, case: Case) -> str:
    """Say why a conversation was chosen; without its scores."""
    if case.is_quiet:
        return context.say(BY_LOT)
    return context.language.join([context.say(_WHY[rule.name]) for rule in case.rules])


def _brought(context: Context) -> Part:
    """Leave a line for the conversation that each participant brings along."""
    say, people = context.say, turn_order(context.data)
    rule = msg(
        "Do advisers take part? Then everybody brings a conversation of their own: one to be proud"
        " of, or one to get feedback on. Among team managers or coaches, agree beforehand whether"
        " you listen by lot or to conversations that show something."
    )
    n = min(len(people), context.settings.session.most_participants) or 4
    label = msg("Brought along: who, which conversation, proud of it or feedback wanted")
    return Part(say(msg("Brought along")), (Text(say(rule)), WriteLines(say(label), n)))


def conversations(context: Context) -> list[Block]:
    """Make a card of each conversation: scores, where they differ, what to ask, the norm."""
    say = context.say
    if context.is_organisation:
        return [Note(say(msg("Conversations are about persons and are not shown in this pack.")))]
    first = listed(context)[:MOST_CARDS]
    if not first:
        return [context.no_answer(context.analysis.standing, ANSWERS["standing"])]
    rule = say(
        msg(
            "Open a card after listening. It shows who scored what, not who is right: the score is"
            " yours to decide."
        )
    )
    cards = [_card(context, case, number) for number, case in enumerate(first, 1)]
    return [Text(rule), *case_evidence.explained(context, first), *cards]


def _card(context: Context, case: Case, number: int) -> CaseCard:
    say = context.say
    row = context.standing.get(case.subject_id)
    facts = []
    if row is not None:
        raters = say(msgn("{n} rater", "{n} raters", int(row["n_raters"])))
        facts.append((say(msg("Mean score")), f"{context.score(row['score'])} ({raters})"))
    facts += case_evidence.expected(context, case)
    facts += case_evidence.unexpected(context, case)
    tags = (say(BY_LOT),) if case.is_quiet else cases.tags(context, case)
    reasons = (
        (say(msg("Nothing in its scores stands out. Ordinary conversations set the norm.")),)
        if case.is_quiet
        else cases.reasons(context, case)
    )
    norm = msg("The norm, in one sentence that all of you would apply tomorrow")
    return CaseCard(
        anchor=f"case-{number}",
        number=context.language.whole(number),
        title=context.subject(case.subject_id, case.employee_id),
        subtitle=cases.subtitle(context, context.rows_of("employees", case.employee_id)),
        tags=tags,
        minutes=say(msgn("{n} minute", "{n} minutes", max(1, round(case.minutes)))),
        reasons_title=say(msg("Why this conversation")),
        reasons=reasons,
        facts=tuple(facts),
        questions_title=say(msg("Questions to ask")),
        questions=cases.questions(context, case, ON_CONVERSATIONS),
        scores=tuple(cases.scores(context, case)),
        records=(*case_evidence.rationales(context, case), WriteLines(say(norm), 2)),
        planned=max(1, round(case.minutes)),
        wide=True,
    )
