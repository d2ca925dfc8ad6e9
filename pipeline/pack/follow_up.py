"""The pack after a session: what was decided, what remains, and a look back at the session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import ClassVar

from pipeline.errors import Message, NotEstimable, msg
from pipeline.pack.base import PackFacts, Parts, minutes_to_read
from pipeline.pack.blocks import Block
from pipeline.pack.cards import make_cards
from pipeline.pack.follow_up_context import FollowUpContext
from pipeline.pack.form.progress import progress_bytes
from pipeline.pack.page import Section, render_cover
from pipeline.pack.person_pages import PersonPages
from pipeline.pack.sections.after import (
    actions,
    audit,
    change,
    cover,
    decisions,
    norms,
    parked,
    retention,
    schedule,
    summary,
    upcoming,
)
from pipeline.pack.sheets import make_sheets
from pipeline.pack.teams import make_teams
from pipeline.privacy import Audience
from pipeline.store import SessionOutcome

Plan = Sequence[tuple[str, Message, Callable[[FollowUpContext], list[Block]]]]


@dataclass(frozen=True)
class FollowUpPack(Parts):
    """The pack of what a session decided, of either kind.

    Attributes
    ----------
    context
        What this audience may see, and the language.
    source
        What the session decided, whole, for the sheets of single raters.
    """

    context: FollowUpContext
    source: SessionOutcome = field(repr=False)
    plan: ClassVar[Plan] = (
        ("summary", msg("In short"), summary.build),
        ("change", msg("Before and after"), change.build),
        ("decisions", msg("Decision register"), decisions.build),
        ("audit", msg("Look back at the session"), audit.build),
        ("norms", msg("Norms and criteria"), norms.build),
        ("actions", msg("Actions and goals"), actions.build),
        ("cards", msg("Conversation cards"), schedule.cards),
        ("schedule", msg("Conversation schedule"), schedule.schedule),
        ("sheets", msg("Private sheets of raters"), schedule.sheets),
        ("parked", msg("Parked items and objections"), parked.build),
        ("upcoming", msg("Next session and check-ins"), upcoming.build),
        ("retention", msg("How long what is kept"), retention.build),
    )

    @property
    def title(self) -> str:
        """Title of the page."""
        return cover.title(self.context)

    def cover(self) -> Section:
        """Part 0: held or not, who was there, how long, what is locked."""
        shown = "".join(str(part.html) for part in self._parts.values())
        return render_cover(cover.build(self.context, minutes_to_read(shown)))

    def summary(self) -> Section:
        """Part 1: what was decided, what remains, what cannot be said."""
        return self._parts["summary"]

    def change(self) -> Section:
        """Part 2: scores before and after."""
        return self._parts["change"]

    def decisions(self) -> Section:
        """Part 3: every decision with its argument."""
        return self._parts["decisions"]

    def audit(self) -> Section:
        """Part 4: movement, exchange, time, spread, groups."""
        return self._parts["audit"]

    def norms(self) -> Section:
        """Part 5: norms agreed, criteria to rewrite."""
        return self._parts["norms"]

    def actions(self) -> Section:
        """Part 6: actions and goals, and what each lacks."""
        return self._parts["actions"]

    def cards(self) -> Section:
        """Part 7: how many conversation cards, and where."""
        return self._parts["cards"]

    def schedule(self) -> Section:
        """Part 8: which conversation when."""
        return self._parts["schedule"]

    def sheets(self) -> Section:
        """Part 9: that each rater has a private sheet."""
        return self._parts["sheets"]

    def parked(self) -> Section:
        """Part 10: parked items and objections."""
        return self._parts["parked"]

    def upcoming(self) -> Section:
        """Part 11: next session, moments, open dates; with it the form by which progress comes."""
        part, context = self._parts["upcoming"], self.context
        if not self._is_whole:
            return part
        form = progress_bytes(self.source, context.settings, context.language)
        return replace(part, form=form)

    def retention(self) -> Section:
        """Part 12: until when what is kept."""
        return self._parts["retention"]

    def sections(self) -> list[Section]:
        """Return every part, the cover first."""
        return [self.cover(), *self._parts.values()]

    def pages(self) -> PersonPages:
        """Return cards, sheets of raters and team overviews; none but with the room's pack."""
        return self._pages

    @cached_property
    def _pages(self) -> PersonPages:
        context = self.context
        if context.view.audience is not Audience.ROOM:
            return PersonPages((), context.language)
        found = [make_sheets(self.source, context)]
        if self._is_whole:
            found.append(make_cards(self.source, context.settings, context.language))
            today = dt.date.today()
            found.append(make_teams(self.source, context.settings, context.language, today))
        pages = tuple(page for one in found for page in one.pages)
        warnings = tuple(text for one in found for text in one.warnings)
        return PersonPages(pages, context.language, warnings)

    @property
    def _is_whole(self) -> bool:
        """Whether cards and the form for progress go with this pack."""
        is_room = self.context.view.audience is Audience.ROOM
        return is_room and self.source.session.kind == "performance" and self.source.is_known

    def warnings(self) -> list[str]:
        """Say what an analyst should know about a pack before sending it; names nobody."""
        context = self.context
        found = cover.state(context)
        n = len(decisions.without_argument(context.decided))
        if n:
            found.append(context.say(msg("Changes without an argument: {n}.", n=n)))
        found += self._pages.warnings
        return found

    def facts(self) -> PackFacts:
        """Return what the runner records about this pack."""
        context, aftermath = self.context, self.context.after.aftermath
        answers = {one.name: getattr(aftermath, one.name) for one in fields(aftermath)}
        return PackFacts(
            {
                "title": self.title,
                "department": context.session.department,
                "warnings": self.warnings(),
                "n_rated": context.after.n_rated,
                "n_cases": len(context.decided),
                "not_estimable": [
                    name for name, answer in answers.items() if isinstance(answer, NotEstimable)
                ],
            }
        )
