"""What every part of a follow-up needs: the pack's context, and what the session decided."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pipeline.agenda.talks import Talk, plan_talks
from pipeline.decision_form import OVERALL_WORD
from pipeline.locale import NO_BREAK
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import shorten
from pipeline.privacy import OutcomeView
from pipeline.store import SessionOutcome, Sitting
from pipeline.tables import OVERALL


@dataclass(frozen=True)
class FollowUpContext(Context):
    """One follow-up in the making.

    Attributes
    ----------
    after
        What this audience may see of what the session decided.
    """

    after: OutcomeView

    @property
    def outcome(self) -> SessionOutcome:
        """What the session decided, cut for the audience."""
        return self.after.outcome

    @property
    def sitting(self) -> Sitting:
        """How it went."""
        return self.outcome.sitting

    @property
    def decided(self) -> pd.DataFrame:
        """The decisions, with whom they are about."""
        return self.after.decided

    @property
    def held_on(self) -> dt.date | None:
        """When the session was held; the planned day where nobody told another."""
        return self.sitting.held_on or self.session.held_on

    @property
    def was_held(self) -> bool:
        """Whether it was held, as far as is known: who records decisions has met."""
        if self.sitting.held is not None:
            return self.sitting.held
        return self.after.is_known

    @cached_property
    def talks(self) -> tuple[Talk, ...]:
        """The conversations that follow, by manager and in order."""
        known = self.decided[self.decided["employee_id"].notna()]
        return plan_talks(known, self.held_on)

    @cached_property
    def open_actions(self) -> pd.DataFrame:
        """What was agreed and is not done."""
        actions = self.outcome.actions
        return actions[actions["status"].fillna("open").eq("open")].reset_index(drop=True)

    def count(self, result: str) -> int | None:
        """Count people by what became of their rating; None where hidden."""
        rows = self.after.people
        found = rows[rows["result"].eq(result)]
        if found.empty:
            return None if rows.empty else 0
        n = found["n_people"].iloc[0]
        return None if pd.isna(n) else int(n)

    def about(self, row: Row) -> str:
        """Write who or what a decision is about."""
        return self.subject(str(row["subject"]), row["employee_id"])

    def on_criterion(self, criterion: object) -> str:
        """Write what of a rating was decided."""
        return self.say(OVERALL_WORD) if criterion == OVERALL else self.criterion(criterion)

    def move(self, row: Row) -> str:
        """Write the score before and after, as far as known."""
        before, after = (self.score(row[name], 1) for name in ("score_before", "score_after"))
        return f"{before} → {after}" if row["outcome"] == "adjusted" else before

    def day(self, value: object) -> str:
        """Write a short date that stays on one line, for tables."""
        return self.date(value, "medium").replace(" ", NO_BREAK)

    def told(self, text: object) -> str:
        """Write a text from data at a bounded length, or nothing."""
        return shorten(text) if isinstance(text, str) else ""
