"""The pack of a session about performance ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipeline.errors import msg, msgn
from pipeline.pack.base import Pack, Plan
from pipeline.pack.page import Section
from pipeline.pack.sections import (
    agenda,
    cases,
    criteria,
    fairness,
    frame,
    gaps,
    groups,
    last_session,
    methods,
    opinions,
    raters,
    spread,
    summary,
)


@dataclass(frozen=True)
class CalibrationPack(Pack):
    """The pre-read of a session in which managers calibrate ratings of people."""

    plan: ClassVar[Plan] = (
        ("summary", msg("In short"), summary.build),
        ("frame", msg("Frame of the session"), frame.build),
        ("last-session", msg("Since the last session"), last_session.build),
        ("gaps", msg("Gaps in data and evidence"), gaps.build),
        ("distribution", msg("How the scores are spread"), spread.build),
        ("groups", msg("Comparable people and profiles"), groups.build),
        ("raters", msg("Rater effects"), raters.build),
        ("criteria", msg("Criterion by criterion"), criteria.build),
        ("opinions", msg("Opinions before the session"), opinions.build),
        ("cases", msg("Cases to discuss"), cases.build),
        ("fairness", msg("Fairness between groups"), fairness.build),
        ("agenda", msg("Agenda"), agenda.build),
        ("methods", msg("Methods, limits and governance"), methods.build),
    )

    def warnings(self) -> list[str]:
        """Say what an analyst should know about a pack before sending it; names nobody."""
        found, missing = super().warnings(), len(self.context.unrated)
        if missing:
            text = msgn("{n} person without a rating.", "{n} people without a rating.", missing)
            found.append(self.context.say(text))
        return found

    def summary(self) -> Section:
        """Part 1: what there is to settle."""
        return self._parts["summary"]

    def frame(self) -> Section:
        """Part 2: scale, criteria, ground rules."""
        return self._parts["frame"]

    def last_session(self) -> Section:
        """Part 3: open actions and norms."""
        return self._parts["last-session"]

    def gaps(self) -> Section:
        """Part 4: what is missing in data and evidence."""
        return self._parts["gaps"]

    def distribution(self) -> Section:
        """Part 5: how the scores are spread."""
        return self._parts["distribution"]

    def groups(self) -> Section:
        """Part 6: comparable people and rating profiles."""
        return self._parts["groups"]

    def raters(self) -> Section:
        """Part 7: rater effects, and whether they can be seen at all."""
        return self._parts["raters"]

    def criteria(self) -> Section:
        """Part 8: criterion by criterion."""
        return self._parts["criteria"]

    def opinions(self) -> Section:
        """Part 9: opinions before the session."""
        return self._parts["opinions"]

    def cases(self) -> Section:
        """Part 10: the cases."""
        return self._parts["cases"]

    def fairness(self) -> Section:
        """Part 11: differences between groups, where agreed."""
        return self._parts["fairness"]

    def agenda(self) -> Section:
        """Part 12: the session in minutes."""
        return self._parts["agenda"]

    def methods(self) -> Section:
        """Part 14: methods, limits, governance."""
        return self._parts["methods"]
