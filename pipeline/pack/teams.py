"""Team overviews between two sessions: one page per manager, for that manager alone.

What people wrote down, and what is due; nothing is rated, and nobody is ordered but by name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import Message, msg, msgn
from pipeline.locale import Language
from pipeline.pack.blocks import (
    Block,
    Cell,
    Column,
    Cover,
    Facts,
    Fold,
    Note,
    Part,
    Record,
    Records,
    Table,
    Text,
)
from pipeline.pack.page import Section, render_cover, render_section
from pipeline.pack.person_pages import PersonPage, PersonPages
from pipeline.pack.wording import GOAL_STATES, NO_VALUE, shorten
from pipeline.privacy import leading, own_team
from pipeline.progress import (
    ActionState,
    Feedback,
    GoalState,
    PersonProgress,
    Progress,
    names_of,
    progress_of,
)
from pipeline.settings import Settings
from pipeline.store.outcome import SessionOutcome

MOST_SHOWN = 6
"""Of one sort, of one person; the rest is folded."""


def make_teams(
    outcome: SessionOutcome, settings: Settings, language: Language, today: dt.date
) -> PersonPages:
    """Make the overview of every manager who has a team here; none for conversations.

    Parameters
    ----------
    outcome
        What the session decided and what came after it.
    settings
        How often there is a check-in.
    language
        Of the pages.
    today
        From which overdue is counted.
    """
    if outcome.session.kind == "conversation":
        return PersonPages((), language)
    return PersonPages(tuple(_pages(outcome, settings, language, today)), language)


def _pages(
    outcome: SessionOutcome, settings: Settings, language: Language, today: dt.date
) -> Iterator[PersonPage]:
    for reader in leading(outcome.data):
        own = own_team(outcome, reader)
        found = progress_of(own, today, check_in_days=settings.progress.check_in_days)
        page = _Page(own, found, settings, language, reader, names_of(own))
        yield PersonPage("teams", reader, page.title, page.sections)


@dataclass(frozen=True)
class _Page:
    """The overview of one manager in the making."""

    outcome: SessionOutcome
    found: Progress
    settings: Settings
    language: Language
    reader: str
    names: dict[str, str]

    @property
    def title(self) -> str:
        session = self.outcome.session
        return self._say(
            msg(
                "Team overview {department}, {cycle}",
                department=session.department,
                cycle=session.cycle,
            )
        )

    @property
    def sections(self) -> tuple[Section, ...]:
        return (
            render_cover(self._cover()),
            render_section("team", self._say(msg("The team")), self._team()),
            render_section("people", self._say(msg("Person by person")), self._people()),
        )

    # parts -----------------------------------------------------------------------------------

    def _cover(self) -> Cover:
        say, session = self._say, self.outcome.session
        return Cover(
            organisation=self.settings.pack.organisation,
            over=say(msg("Overview for one manager")),
            title=session.department,
            subtitle=say(msg("What happens between two sessions")),
            facts=(
                (say(msg("For")), self._name(self.reader)),
                (say(msg("Cycle")), session.cycle),
                (say(msg("State of")), self._date(self.found.today)),
            ),
            notes=(
                Note(
                    say(
                        msg(
                            "Goals are followed and revised all year, check-ins and feedback go"
                            " on, so that the next rating rests on the whole year and not on the"
                            " last weeks."
                        )
                    )
                ),
            ),
            closing=(say(msg("For you alone: your own team. Meant for nobody else.")),),
        )

    def _team(self) -> list[Block]:
        say, people, whole = self._say, self.found.people, self.language.whole
        goals = [goal for one in people for goal in one.goals]
        tasks = [task for one in people for task in (*one.actions, *one.agreements)]
        # feedback within the team is given by one and received by another: counted once
        to_you = sum(one.to_id == self.reader for p in people for one in p.given)
        by_you = sum(one.from_id == self.reader for p in people for one in p.received)
        overdue = [one for one in self._by_name() if one.is_overdue]
        rows = (
            (say(msg("People")), whole(len(people))),
            (say(msg("Check-ins overdue")), whole(len(overdue))),
            (say(msg("Open goals")), whole(sum(goal.status == "open" for goal in goals))),
            (say(msg("Goals past their date")), whole(sum(goal.is_late for goal in goals))),
            (
                say(msg("Open actions and agreements")),
                whole(sum(task.status == "open" for task in tasks)),
            ),
            (say(msg("Actions past their date")), whole(sum(task.is_late for task in tasks))),
            (say(msg("Feedback by you to the team")), whole(by_you)),
            (say(msg("Feedback by the team to you")), whole(to_you)),
        )
        blocks: list[Block] = [Facts(rows, look="numbers")]
        if overdue:
            heading = msgn("{n} check-in is overdue", "{n} check-ins are overdue", len(overdue))
            listed = self.language.join([self._name(one.employee_id) for one in overdue])
            blocks.append(Note(f"{listed}.", say(heading), tone="warning"))
        if people and not to_you:
            blocks.append(
                Note(
                    say(
                        msg(
                            "No feedback from the team to you was recorded. It goes both ways: ask"
                            " for it."
                        )
                    )
                )
            )
        return [*blocks, self._table()]

    def _table(self) -> Table:
        say, whole = self._say, self.language.whole
        rows = []
        for number, one in enumerate(self._by_name(), 1):
            late = sum(goal.is_late for goal in one.goals)
            rows.append(
                (
                    Cell(self._name(one.employee_id), link=f"person-{number}"),
                    self._date(one.last_check_in),
                    Cell(
                        self._date(one.check_in_due),
                        strong=one.is_overdue,
                        under=say(msg("overdue")) if one.is_overdue else "",
                    ),
                    Cell(
                        whole(sum(goal.status == "open" for goal in one.goals)),
                        under=say(msgn("{n} past its date", "{n} past their date", late))
                        if late
                        else "",
                    ),
                    whole(len(one.received)),
                    whole(len(one.given)),
                )
            )
        return Table(
            say(msg("The team, by name")),
            (
                Column(say(msg("Who"))),
                Column(say(msg("Last check-in"))),
                Column(say(msg("Next one due"))),
                Column(say(msg("Open goals")), numeric=True),
                Column(say(msg("Feedback received")), numeric=True),
                Column(say(msg("Feedback given")), numeric=True),
            ),
            tuple(rows),
            note=say(
                msg(
                    "A check-in is due on the day that was agreed in the last one, else {days} days"
                    " after it or after the session, whichever came later.",
                    days=self.settings.progress.check_in_days,
                )
            ),
        )

    def _people(self) -> list[Block]:
        return [
            Part(
                self._name(one.employee_id),
                (
                    *self._check_ins(one),
                    *self._goals(one),
                    *self._tasks(one),
                    *self._feedback(one),
                    self._quarters(one),
                ),
                anchor=f"person-{number}",
            )
            for number, one in enumerate(self._by_name(), 1)
        ]

    # of one person ---------------------------------------------------------------------------

    def _check_ins(self, person: PersonProgress) -> list[Block]:
        say = self._say
        if not person.check_ins:
            due = person.check_in_due
            text = (
                msg("No check-in was recorded yet; it is due on {date}.", date=self._date(due))
                if due
                else msg("No check-in was recorded yet.")
            )
            return [Text(say(text), lead=person.is_overdue)]
        items = []
        for one in person.check_ins:
            day = self._date(one.dated_on)
            items += [
                Record(f"{day} · {self._by(who)}", shorten(text)) for who, text in one.said
            ] or [Record(day, say(msg("Held; nothing was written down.")))]
        return self._listed(msg("Check-ins"), items)

    def _goals(self, person: PersonProgress) -> list[Block]:
        say = self._say
        if not person.goals:
            return [Text(say(msg("No goals were recorded.")))]
        rows = tuple(
            (
                Cell(shorten(goal.text or goal.goal_id), under=self._under(goal)),
                self._date(goal.due_on),
                Cell(self._state(goal), strong=goal.is_late),
            )
            for goal in person.goals
        )
        columns = (
            Column(say(msg("Goal")), wide=True),
            Column(say(msg("Due on"))),
            Column(say(msg("State"))),
        )
        return [Table(say(msg("Goals")), columns, rows)]

    def _under(self, goal: GoalState) -> str:
        """Say how a goal is measured, and what it was before."""
        parts = [shorten(text, 200) for text in (goal.measure, goal.target) if text]
        parts += [
            self._say(msg("before it was revised: {goal}", goal=shorten(one.text or one.goal_id)))
            for one in goal.earlier
        ]
        return " · ".join(parts)

    def _tasks(self, person: PersonProgress) -> list[Block]:
        say = self._say
        tasks = (*person.agreements, *person.actions)
        if not tasks:
            return []
        rows = tuple(
            (
                Cell(
                    shorten(task.text.removesuffix(f" · {person.employee_id}")),
                    under=shorten(task.measure or "", 200),
                ),
                self._by(task.owner_id),
                self._date(task.due_on),
                Cell(self._state(task), strong=task.is_late),
            )
            for task in tasks
        )
        columns = (
            Column(say(msg("What")), wide=True),
            Column(say(msg("Who does it"))),
            Column(say(msg("Due on"))),
            Column(say(msg("State"))),
        )
        return [Table(say(msg("Agreements and actions")), columns, rows)]

    def _feedback(self, person: PersonProgress) -> list[Block]:
        say = self._say
        received = [self._one_feedback(one) for one in person.received]
        to_you = [self._one_feedback(one) for one in person.given if one.to_id == self.reader]
        elsewhere = len(person.given) - len(to_you)
        blocks = self._listed(msg("Feedback received"), received)
        blocks += self._listed(msg("Feedback to you"), to_you)
        if elsewhere:
            text = msgn(
                "Gave feedback to somebody else {n} time.",
                "Gave feedback to others {n} times.",
                elsewhere,
            )
            blocks.append(Text(say(text)))
        return blocks or [Text(say(msg("No feedback was recorded.")))]

    def _one_feedback(self, one: Feedback) -> Record:
        lead = f"{self._date(one.dated_on)} · {self._by(one.from_id)}"
        return Record(lead, shorten(one.text or NO_VALUE))

    def _quarters(self, person: PersonProgress) -> Text:
        counts = ", ".join(
            self._say(
                msg(
                    "Q{number} {year}: {n}",
                    number=str((first.month + 2) // 3),
                    year=str(first.year),
                    n=n,
                )
            )
            for first, n in person.quarters
        )
        return Text(self._say(msg("Written down per quarter: {counts}.", counts=counts)))

    def _listed(self, title: Message, items: list[Record]) -> list[Block]:
        if not items:
            return []
        blocks: list[Block] = [Records(self._say(title), tuple(items[:MOST_SHOWN]))]
        rest = tuple(items[MOST_SHOWN:])
        if rest:
            more = self._say(msgn("{n} earlier one", "{n} earlier ones", len(rest)))
            blocks.append(Fold(more, (Records("", rest),)))
        return blocks

    # words -----------------------------------------------------------------------------------

    def _by_name(self) -> list[PersonProgress]:
        return sorted(
            self.found.people, key=lambda one: (self._name(one.employee_id), one.employee_id)
        )

    def _state(self, one: GoalState | ActionState) -> str:
        if one.is_late:
            return self._say(msg("open, past its date"))
        return self._say(GOAL_STATES[one.status])

    def _by(self, person: str | None) -> str:
        if person == self.reader:
            return self._say(msg("You"))
        return self._name(person) if person in self.names else self._say(msg("a colleague"))

    def _name(self, person: str | None) -> str:
        return self.names.get(str(person), str(person))

    def _date(self, day: dt.date | None) -> str:
        return NO_VALUE if day is None else self.language.date(day, "medium")

    def _say(self, message: Message) -> str:
        return self.language.say(message)
