"""Part 0: was the session held, who was there, how long, and what is kept of it."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Cover, Note
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.sections.cover import department
from pipeline.pack.wording import NO_VALUE, ROLES


def title(context: FollowUpContext) -> str:
    """Return the title of the page."""
    return context.say(
        msg(
            "Follow-up {department}, {cycle}",
            department=context.session.department,
            cycle=context.session.cycle,
        )
    )


def build(context: FollowUpContext, minutes: int) -> Cover:
    """Make the cover."""
    say = context.say
    reading = say(msgn("about {n} minute", "about {n} minutes", minutes))
    loaded = context.data.loaded_at
    facts = [
        (say(msg("Session")), context.session.session_id),
        (say(msg("Cycle")), context.session.cycle),
        (say(msg("Date")), _held(context)),
        (say(msg("Duration")), _duration(context)),
        *([] if context.is_organisation else [(say(msg("Who was there")), _present(context))]),
        (say(msg("Lock")), _lock(context)),
        (say(msg("Last entry in the register")), context.outcome.head or say(msg("none"))),
        (say(msg("Data as of")), context.language.moment(loaded) if loaded else NO_VALUE),
        (say(msg("Reading time")), reading),
    ]
    over = (
        msg("Follow-up for the organisation")
        if context.is_organisation
        else msg("Follow-up for the session")
    )
    closing = (
        msg("This pack holds aggregates only. It names nobody.")
        if context.is_organisation
        else msg("Confidential: for the people in this session only. Do not forward or copy it.")
    )
    return Cover(
        organisation=context.settings.pack.organisation,
        over=say(over),
        title=department(context),
        subtitle=context.of_kind(
            msg(
                "After the calibration of performance ratings, cycle {cycle}",
                cycle=context.session.cycle,
            ),
            msg(
                "After the calibration of customer conversations, cycle {cycle}",
                cycle=context.session.cycle,
            ),
        ),
        facts=tuple(facts),
        notes=tuple(_notes(context)),
        people_title=say(msg("Participants")),
        people=tuple(_people(context)),
        closing=(say(msg("People decided. Nothing in this pack changes a rating.")), say(closing)),
    )


def state(context: FollowUpContext) -> list[str]:
    """Say what is not known of the session; names nobody."""
    say, outcome, sitting = context.say, context.outcome, context.sitting
    if sitting.held is False:
        text = msg("This session was not held. What is below was known before it.")
        return [say(text)]
    if not context.was_held:
        text = msg(
            "Nothing is recorded of this session: not that it was held, no decisions, no actions."
            " Record its decision form with calibrate record, and make this pack again."
        )
        return [say(text)]
    if outcome.recorded_at is None:
        text = msg(
            "These decisions were imported. They are not in the register, so this pack cannot tell"
            " whether they were changed afterwards, nor how the session went."
        )
        return [say(text)]
    missing = _not_recorded(context)
    if not missing:
        return []
    return [say(msg("Partly recorded. Missing: {what}.", what=context.language.join(missing)))]


def _not_recorded(context: FollowUpContext) -> list[str]:
    outcome, people = context.outcome, context.data.participants
    found = [
        (context.sitting.held is None, msg("whether and how long it was held")),
        (not context.after.people["n"].sum() and not context.is_organisation, msg("decisions")),
        (not len(context.after.actions), msg("actions and goals")),
        (
            not context.is_organisation and not people["attended"].notna().any(),
            msg("who was present"),
        ),
        (not outcome.locked, msg("the lock")),
    ]
    return [context.say(text) for lacking, text in found if lacking]


def _held(context: FollowUpContext) -> str:
    say, sitting = context.say, context.sitting
    day = context.date(context.held_on) if context.held_on else ""
    if sitting.held is False:
        planned = msg("not held (planned: {day})", day=day)
        return say(planned) if day else say(msg("not held"))
    if sitting.held:
        return say(msg("held on {day}", day=day)) if day else say(msg("held, date unknown"))
    if not day:
        return say(msg("unknown"))
    return say(msg("planned for {day}; not recorded that it was held", day=day))


def _duration(context: FollowUpContext) -> str:
    sitting, say = context.sitting, context.say
    planned, spent = sitting.planned_minutes or context.plan.minutes, sitting.spent_minutes
    if spent is None:
        return say(msg("{planned} minutes planned; spent: not recorded", planned=planned))
    return say(msg("{spent} minutes, {planned} planned", spent=spent, planned=planned))


def _present(context: FollowUpContext) -> str:
    attended = context.data.participants["attended"]
    if not attended.notna().any():
        return context.say(msg("not recorded"))
    n, total = int(attended.fillna(False).sum()), len(attended)
    unknown = int(attended.isna().sum())
    if unknown:
        return context.say(
            msg("{n} of {total}; of {unknown} not recorded", n=n, total=total, unknown=unknown)
        )
    return context.say(msg("{n} of {total}", n=n, total=total))


def _lock(context: FollowUpContext) -> str:
    locked_at = context.outcome.locked_at
    if locked_at is None:
        return context.say(msg("not locked"))
    return context.say(msg("locked on {day}", day=context.date(locked_at)))


def _people(context: FollowUpContext) -> list[tuple[str, str, str]]:
    presence = {True: msg("present"), False: msg("absent")}
    found = []
    for row in context.data.participants.to_dict("records"):
        known = row["attended"]
        there = msg("presence not recorded") if pd.isna(known) else presence[bool(known)]
        role = context.say(ROLES[row["role"]]) if row["role"] in ROLES else ""
        found.append((context.person(row["person_id"]), role, context.say(there)))
    return found


def _notes(context: FollowUpContext) -> list[Note]:
    say, found = context.say, state(context)
    notes = [Note(found[0], tone="warning", more=tuple(found[1:]))] if found else []
    if context.after.left_out:
        first, *rest = (say(message) for message in context.after.left_out)
        notes.append(Note(first, say(msg("Left out of this pack")), more=tuple(rest)))
    remark = context.told(context.sitting.remark)
    if remark:
        notes.append(Note(remark, say(msg("Remark of the facilitator"))))
    return notes
