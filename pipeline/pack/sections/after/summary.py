"""Part 1: what the session decided, what remains to be done by whom, what cannot be said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Column, Facts, Part, Table, Text
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.after.cover import state
from pipeline.pack.wording import NO_VALUE

RESULT_WORDS = {
    "raised": msg("raised"),
    "lowered": msg("lowered"),
    "adjusted": msg("adjusted"),
    "upheld": msg("upheld"),
    "parked": msg("parked"),
    "open": msg("not discussed"),
}


def build(context: FollowUpContext) -> list[Block]:
    """Make the summary."""
    say = context.say
    return [
        Text(_lead(context), lead=True),
        *_numbers(context),
        *_to_do(context),
        Part(say(msg("What cannot be said")), (Bullets(tuple(cannot_say(context))),)),
    ]


def _lead(context: FollowUpContext) -> str:
    say, people = context.say, context.after.people
    if context.sitting.held is False:
        return say(msg("The session was not held, so nothing was decided."))
    if people.empty:
        few = msg("Hidden: too few people were rated to show counts without showing a person.")
        return say(few)
    if context.is_organisation:
        return _of_organisation(context)
    discussed = int(people.loc[people["result"].ne("open"), "n_people"].sum())
    if not discussed:
        return say(msg("No decisions of this session are known."))
    total = context.after.n_rated or 0
    discussed -= context.after.n_unrated
    sentence = context.of_kind(
        msg("{n} of {total} people with a rating were discussed.", n=discussed, total=total),
        msg("{n} of {total} scored conversations were discussed.", n=discussed, total=total),
    )
    if context.after.n_unrated:
        beside = msgn(
            "Something was decided about {n} more without a rating.",
            "Something was decided about {n} more without a rating.",
            context.after.n_unrated,
        )
        sentence = f"{sentence} {say(beside)}"
    changed = sum(context.count(one) or 0 for one in ("raised", "lowered", "adjusted"))
    if not changed:
        kept = msg("No score was changed; upholding one is a decision too, with its argument.")
        return f"{sentence} {say(kept)}"
    return sentence


def _of_organisation(context: FollowUpContext) -> str:
    n_rated = context.after.n_rated or 0
    rated = context.say(msgn("{n} person has a rating.", "{n} people have a rating.", n_rated))
    if context.after.people["suppressed"].any():
        hidden = msg("Counts of few people are hidden, and so is what they could be told from.")
        return f"{rated} {context.say(hidden)}"
    return rated


def _numbers(context: FollowUpContext) -> list[Block]:
    if context.after.people.empty or context.sitting.held is False:
        return []
    say, hidden = context.say, context.say(msg("hidden"))
    rows = []
    for row in context.after.people.to_dict("records"):
        n = hidden if pd.isna(row["n_people"]) else context.language.whole(int(row["n_people"]))
        word = say(RESULT_WORDS[row["result"]])
        rows.append((word[:1].upper() + word[1:], n))
    return [Facts(tuple(rows), "numbers"), Text(_counted(context))]


def _counted(context: FollowUpContext) -> str:
    return context.of_kind(
        msg("People, each counted once: by the sum of the changes where several scores changed."),
        msg(
            "Conversations, each counted once: by the sum of the changes where several scores"
            " changed."
        ),
    )


@dataclass
class _Duties:
    talks: int = 0
    actions: int = 0
    parked: int = 0
    dates: list[dt.date] = field(default_factory=list)


def _to_do(context: FollowUpContext) -> list[Block]:
    """Show per person what remains: conversations, actions, parked items, and the first date."""
    say, whole = context.say, context.language.whole
    if context.is_organisation:
        return []
    duties: dict[str, _Duties] = {}
    for talk in context.talks:
        one = duties.setdefault(talk.manager_id or "", _Duties())
        one.talks += 1
        one.dates += [talk.before] if talk.before else []
    for row in context.open_actions.to_dict("records"):
        one = duties.setdefault(str(row["owner_id"]), _Duties())
        one.actions += 1
        one.dates += [] if pd.isna(row["due_on"]) else [row["due_on"].date()]
    for row in context.outcome.parked.to_dict("records"):
        owner = row["owner_id"] if isinstance(row["owner_id"], str) else ""
        one = duties.setdefault(owner, _Duties())
        one.parked += 1
        one.dates += [] if pd.isna(row["due_on"]) else [row["due_on"].date()]
    heading = say(msg("What remains to be done"))
    if not duties:
        return [Part(heading, (Text(say(msg("Nothing that is recorded remains to be done."))),))]
    rows = []
    for person in sorted(duties, key=lambda one: (one == "", context.person(one))):
        one = duties[person]
        rows.append(
            (
                context.person(person) if person else say(msg("nobody named")),
                *(whole(n) if n else NO_VALUE for n in (one.talks, one.actions, one.parked)),
                context.day(min(one.dates)) if one.dates else NO_VALUE,
            )
        )
    table = Table(
        say(msg("Who has what to do")),
        (
            Column(say(msg("Who"))),
            Column(say(msg("Conversations to hold")), numeric=True),
            Column(say(msg("Open actions")), numeric=True),
            Column(say(msg("Parked items")), numeric=True),
            Column(say(msg("First date"))),
        ),
        tuple(rows),
        note=say(msg("Conversations are with people about whom something was decided.")),
        dense=True,
    )
    return [Part(heading, (table,))]


def cannot_say(context: FollowUpContext) -> list[str]:
    """Return what the data of this session leave open."""
    say = context.say
    found = state(context)
    found.append(
        say(
            msg(
                "Whether a change was right. A change is a decision of people with an argument, not"
                " the correction of a mistake."
            )
        )
    )
    found.append(
        say(
            msg(
                "Whether fewer differences between scores are better: people can differ, and a"
                " session can also push scores to the middle."
            )
        )
    )
    if context.outcome.n_superseded and not context.is_organisation:
        found.append(
            say(
                msgn(
                    "Why {n} entry was replaced: the register has the reason, this pack the last"
                    " version.",
                    "Why {n} entries were replaced: the register has the reasons, this pack the"
                    " last versions.",
                    context.outcome.n_superseded,
                )
            )
        )
    return found
