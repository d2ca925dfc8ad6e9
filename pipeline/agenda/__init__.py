"""From findings to cases to minutes: what the session discusses, in which order, how long.

Deterministic: the same ratings give the same agenda. 80 % of the discussion time goes to people
far from the rest or with a reason to look again; the remainder is kept for the quiet middle, so
that nobody goes unseen for being average. A case holds facts and the rule that fired, never a
proposed rating. Which rules count, and which come first, follows from the session's one focus.
"""

from __future__ import annotations

from pipeline.agenda.model import Agenda, Case, Item, Rule
from pipeline.agenda.plan import plan_agenda

__all__ = ["Agenda", "Case", "Item", "Rule", "plan_agenda"]
