"""The pack of a session in which people listen to customer conversations together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipeline.errors import msg
from pipeline.pack.base import Pack, Plan
from pipeline.pack.page import Section
from pipeline.pack.sections import (
    blind,
    conversation_clinic,
    deviation,
    feedback,
    group,
    last_session,
    listening,
    methods,
    panel,
    spread,
    summary,
    theme,
    time_plan,
)


@dataclass(frozen=True)
class ConversationPack(Pack):
    """The pre-read of a session in which conversations are calibrated."""

    plan: ClassVar[Plan] = (
        ("summary", msg("In short"), summary.build),
        ("listening", msg("Listening list"), listening.build),
        ("theme", msg("What to listen for"), theme.build),
        ("last-session", msg("Since the last session"), last_session.build),
        ("blind", msg("Blind scores"), blind.build),
        ("distribution", msg("How the scores are spread"), spread.build),
        ("severity", msg("Rater effects"), panel.severity),
        ("deviation", msg("Beside the expert or the panel"), deviation.build),
        ("agreement", msg("Agreement"), panel.agreement),
        ("clinic", msg("Criterion clinic"), conversation_clinic.build),
        ("enough", msg("How many raters and conversations are enough"), panel.enough),
        ("cases", msg("Conversation by conversation"), listening.conversations),
        ("group", msg("The group"), group.build),
        ("agenda", msg("Time plan"), time_plan.build),
        ("feedback", msg("Feedback sheet"), feedback.build),
        ("methods", msg("Methods, limits and governance"), methods.build),
    )

    def warnings(self) -> list[str]:
        """Say what an analyst should know about a pack before sending it; names nobody."""
        return [*super().warnings(), *time_plan.warnings(self.context)]

    def summary(self) -> Section:
        """Part 1: what there is to settle."""
        return self._parts["summary"]

    def listening(self) -> Section:
        """Part 2: which conversations, whose, and why."""
        return self._parts["listening"]

    def theme(self) -> Section:
        """Part 3: theme, form and anchors, ground rules."""
        return self._parts["theme"]

    def last_session(self) -> Section:
        """Part 4: open actions and norms."""
        return self._parts["last-session"]

    def blind(self) -> Section:
        """Part 5: scores given before the session, beside each other."""
        return self._parts["blind"]

    def distribution(self) -> Section:
        """Part 6: how the scores are spread."""
        return self._parts["distribution"]

    def severity(self) -> Section:
        """Part 7: how strict each rater is, and whether that can be seen at all."""
        return self._parts["severity"]

    def deviation(self) -> Section:
        """Part 8: how far each rater is from the expert or the panel."""
        return self._parts["deviation"]

    def agreement(self) -> Section:
        """Part 9: how far raters agree, also per criterion."""
        return self._parts["agreement"]

    def clinic(self) -> Section:
        """Part 10: an unclear criterion, or raters who are stricter."""
        return self._parts["clinic"]

    def enough(self) -> Section:
        """Part 11: how many raters and conversations are enough."""
        return self._parts["enough"]

    def cases(self) -> Section:
        """Part 12: conversation by conversation, with its scores."""
        return self._parts["cases"]

    def group(self) -> Section:
        """Part 13: who takes part, in which role, with which goal."""
        return self._parts["group"]

    def agenda(self) -> Section:
        """Part 14: the session in minutes, turns, parking lot, SMART round."""
        return self._parts["agenda"]

    def feedback(self) -> Section:
        """Part 15: the sheet for compliments and recommendations."""
        return self._parts["feedback"]

    def methods(self) -> Section:
        """Part 16: methods, limits, governance."""
        return self._parts["methods"]
