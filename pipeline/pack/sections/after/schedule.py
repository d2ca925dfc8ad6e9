"""Parts 7 to 9: conversation cards, when which conversation is held, sheets of raters."""

from __future__ import annotations

from itertools import groupby

from pipeline.agenda.talks import CHANGED_WITHIN, MOST_MINUTES, OTHERS_WITHIN, Talk
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Note, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.lists import MOST_READERS
from pipeline.pack.sections.after.decisions import without_argument
from pipeline.pack.sections.after.summary import RESULT_WORDS

_BOX = "☐"
_CHANGED = ("raised", "lowered", "adjusted")


def cards(context: FollowUpContext) -> list[Block]:
    """Say how many cards there are, where, and how many have nothing to tell of a decision."""
    say = context.say
    if context.is_conversation:
        text = msg(
            "A session about conversations makes no cards: what it decided is about a conversation,"
            " and the feedback is given on that conversation."
        )
        return [Note(say(text))]
    if context.is_organisation:
        return [Note(say(msg("Each employee has a card of the own; none is shown here.")))]
    n_rated = context.after.n_rated or 0
    discussed = context.decided["employee_id"].nunique()
    unread = without_argument(context.decided)["employee_id"].nunique()
    items = [
        say(
            msg(
                "Rated people without a decision, whose card says that the score was not"
                " discussed: {n}.",
                n=max(0, n_rated - discussed),
            )
        ),
        say(msg("Cards with a change but no argument to read: {n}.", n=unread)),
    ]
    rated = msgn(
        "{n} person in this pack has a rating; everybody who is rated gets a card, in the folder"
        " cards/ beside it.",
        "{n} people in this pack have a rating; everybody who is rated gets a card, in the folder"
        " cards/ beside it.",
        n_rated,
    )
    give = msg(
        "A card is for one employee and the own manager. Give each to its reader only, before the"
        " conversation, not by sending the folder."
    )
    return [Text(say(rated)), Bullets(tuple(items)), Note(say(give))]


def schedule(context: FollowUpContext) -> list[Block]:
    """Plan the conversations: changed ratings first, per manager."""
    say = context.say
    if context.is_organisation:
        text = msg(
            "Everybody whose rating changed has a conversation about it within {days} days; the"
            " schedule is in the session's pack.",
            days=CHANGED_WITHIN,
        )
        return [Note(say(text))]
    if not context.talks:
        return [Note(say(msg("No decisions of this session are known.")))]
    rule = msg(
        "Changed ratings first, within {changed} days of the session; everybody else about whom"
        " something was decided within {others}. At most {minutes} minutes each.",
        changed=CHANGED_WITHIN,
        others=OTHERS_WITHIN,
        minutes=MOST_MINUTES,
    )
    if context.held_on is None:
        dates = msg("The day of the session is unknown, so there are no dates: order only.")
    else:
        dates = msg(
            "The days are a proposal from the first working day after {day}, two conversations a"
            " day; holidays and part-time days are not known here.",
            day=context.date(context.held_on),
        )
    blocks: list[Block] = [Text(say(rule)), Text(say(dates))]
    unseen = (context.after.n_rated or 0) - len({talk.employee_id for talk in context.talks})
    if unseen > 0 and not context.is_conversation:
        others = msgn(
            "{n} person was not discussed and has the usual conversation, with the card.",
            "{n} people were not discussed and have the usual conversation, with the card.",
            unseen,
        )
        blocks.append(Text(say(others)))
    for manager, talks in groupby(context.talks, key=lambda talk: talk.manager_id):
        name = context.person(manager) if manager else say(msg("Manager unknown"))
        blocks.append(Part(name, (_table(context, name, tuple(talks)),)))
    return blocks


def _table(context: FollowUpContext, name: str, talks: tuple[Talk, ...]) -> Table:
    say = context.say
    columns = [
        Column(say(msg("Employee"))),
        Column(say(msg("Why"))),
        Column(say(msg("Proposed day"))),
        Column(say(msg("At the latest"))),
        Column(say(msg("Held"))),
    ]
    rows = []
    for talk in talks:
        changed = talk.result in _CHANGED
        why = say(msg("score changed")) if changed else say(RESULT_WORDS[talk.result])
        late = bool(talk.on and talk.before and talk.on > talk.before)
        rows.append(
            (
                context.person(talk.employee_id),
                Cell(why, strong=changed),
                Cell(
                    context.day(talk.on),
                    under=say(msg("too late: spread over more people")) if late else "",
                ),
                context.day(talk.before),
                _BOX,
            )
        )
    return Table(
        say(msg("Conversations of {name}", name=name)), tuple(columns), tuple(rows), dense=True
    )


def sheets(context: FollowUpContext) -> list[Block]:
    """Say that each rater has a private sheet."""
    say = context.say
    if context.data.ratings["rater_id"].nunique() > MOST_READERS:
        many = msg("With more than {n} raters no private sheets are made.", n=MOST_READERS)
        return [Note(say(many))]
    text = msg(
        "Each rater has a sheet of the own, in the folder raters/ beside this pack: the own"
        " pattern, what the session changed in the own ratings and why, the own goal and actions."
        " It is for that rater alone; this pack says nothing about one rater."
    )
    return [Note(say(text))]
