"""Part 0: which session this is, who reads it, and what kind of document it is."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Cover, Note
from pipeline.pack.context import Context
from pipeline.pack.wording import AUDIENCE, NO_VALUE, ROLES, shorten


def title(context: Context) -> str:
    """Return the title of the page."""
    return context.say(
        msg(
            "Calibration pack {department}, {cycle}",
            department=context.session.department,
            cycle=context.session.cycle,
        )
    )


def department(context: Context) -> str:
    """Return the department's name; a bare number is called a department."""
    name = context.session.department
    if any(letter.isalpha() for letter in name):
        return name
    return context.say(msg("Department {name}", name=name))


def build(context: Context, reading_minutes: tuple[int, int]) -> Cover:
    """Make the cover."""
    say, session = context.say, context.session
    facts = [
        (say(msg("Cycle")), session.cycle),
        # the focus is about people; conversations have a theme
        *([] if context.is_conversation else [(say(msg("Focus")), say(context.focus.name))]),
        (
            say(msg("Date")),
            context.date(session.held_on) if session.held_on else say(msg("not planned yet")),
        ),
        (
            say(msg("Duration")),
            say(msgn("{n} minute", "{n} minutes", context.plan.minutes)),
        ),
    ]
    if session.theme:
        facts.append((say(msg("Theme")), session.theme))
    if not context.is_organisation:
        for name, one in (
            (msg("Facilitator"), session.facilitator_id),
            (msg("Process guard"), session.process_guard_id),
        ):
            if one is not None and not context.knows_person(one):
                continue  # a manager's pack names nobody but the own team
            value = context.person(one)
            facts.append((say(name), say(msg("to be named")) if value == NO_VALUE else value))
    rest, cases = reading_minutes
    reading = say(msgn("about {n} minute", "about {n} minutes", rest))
    if context.plan.cases:
        reading = say(msg("{reading}, and {n} for the cases", reading=reading, n=cases))
    facts.append((say(msg("Reading time")), reading))
    loaded = context.data.loaded_at
    facts.append((say(msg("Data as of")), context.language.moment(loaded) if loaded else NO_VALUE))
    return Cover(
        organisation=context.settings.pack.organisation,
        over=say(AUDIENCE[str(context.view.audience)]),
        title=department(context),
        subtitle=context.of_kind(
            msg("Calibration of performance ratings, cycle {cycle}", cycle=session.cycle),
            msg("Calibration of customer conversations, cycle {cycle}", cycle=session.cycle),
        ),
        facts=tuple(facts),
        minutes=0 if context.is_organisation else context.plan.minutes,
        notes=tuple(_notes(context)),
        people_title=say(msg("Participants")),
        people=() if context.view.viewer_id else tuple(_people(context)),
        closing=(
            say(msg("This pack advises, people decide.")),
            say(
                msg(
                    "Confidential: for the people in this session only. Do not forward or copy it;"
                    " it is removed after the ratings are final."
                )
            )
            if not context.is_organisation
            else say(msg("This pack holds aggregates only. It names nobody.")),
        ),
    )


def _people(context: Context) -> list[tuple[str, str, str]]:
    return [
        (
            context.person(row["person_id"]),
            context.say(ROLES[row["role"]]) if row["role"] in ROLES else "",
            _goal(context, row["personal_goal"]),
        )
        for row in context.data.participants.to_dict("records")
    ]


def _goal(context: Context, text: object) -> str:
    if not isinstance(text, str):
        return ""
    return context.say(msg("Wants to learn: {goal}", goal=shorten(text)))


def warnings(context: Context) -> list[str]:
    """Say what a facilitator should act on before the session; names nobody."""
    say, found = context.say, []
    n, most = len(context.data.participants), context.settings.session.most_participants
    if n > most:
        found.append(
            say(
                msg(
                    "{n} participants; above {most} not everybody gets a turn. Split the session.",
                    n=n,
                    most=most,
                )
            )
        )
    if context.plan.n_sessions > 1:
        found.append(
            say(
                msg(
                    "The cases need {n} sessions of {minutes} minutes.",
                    n=context.plan.n_sessions,
                    minutes=context.plan.minutes,
                )
            )
        )
    return found


def _notes(context: Context) -> list[Note]:
    say, session = context.say, context.session
    notes = []
    acting = warnings(context)
    if acting:
        notes.append(Note(acting[0], tone="warning", more=tuple(acting[1:])))
    if context.view.left_out:
        first, *rest = (say(message) for message in context.view.left_out)
        notes.append(Note(first, say(msg("Left out of this pack")), more=tuple(rest)))
    if session.is_default and not context.is_organisation:
        notes.append(
            Note(
                say(
                    msg(
                        "There is no sessions table, so date, participants and roles are unknown"
                        " and the usual length is used."
                    )
                )
            )
        )
    return notes
