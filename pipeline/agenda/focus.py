"""Which reasons count in a session with one focus, and which come first."""

from __future__ import annotations

from dataclasses import dataclass

_ALWAYS = ("disagreement", "results", "under_the_radar", "questioned", "unsubstantiated")
ONLY_BESIDE = ("unsubstantiated",)
"""Rules that say more of a score that is a case already, and make none by themselves."""


@dataclass(frozen=True)
class FocusRules:
    """Rules of a focus.

    Attributes
    ----------
    order
        Names of the rules that count, most telling first.
    last
        Names of rules that, alone, put somebody after everybody else.
    """

    order: tuple[str, ...]
    last: tuple[str, ...] = ()


OF_FOCUS = {
    "performance": FocusRules(
        (
            "top", "bottom", "fringe", "disagreement", "jump", "results", "under_the_radar",
            "questioned", "unsubstantiated",
        ),
        last=("fringe",),
    ),
    # a border between two scores has a consequence, so who is on it comes first
    "reward": FocusRules(("fringe", "top", "bottom", "jump", *_ALWAYS)),
    # a low score is no question of promotion; high twice, or rising unseen, is
    "promotion": FocusRules(("sustained", "top", "jump", *_ALWAYS)),
    "talent": FocusRules(("both_high", "apart", "jump", "top", "bottom", *_ALWAYS)),
}  # fmt: skip
