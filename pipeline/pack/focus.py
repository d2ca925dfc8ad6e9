"""What a session with one focus asks, and what it leaves to others."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.errors import Message, msg


@dataclass(frozen=True)
class FocusTexts:
    """Texts of one focus.

    Attributes
    ----------
    name
        The focus in a word.
    question
        The one question of the session.
    not_here
        What the session does not decide.
    rules
        Ground rules beside those of every session.
    of_every_case
        A question to ask about each person who is discussed; None where the rules say enough.
    questions
        Questions by the rule that fired, beside those of every session.
    """

    name: Message
    question: Message
    not_here: Message
    rules: tuple[Message, ...] = ()
    of_every_case: Message | None = None
    questions: dict[str, tuple[Message, ...]] = field(default_factory=dict)


FOCUS = {
    "performance": FocusTexts(
        msg("performance"),
        msg("Does the same work get the same score, whoever rates it?"),
        msg("Reward, promotion and potential: each has a session of its own."),
    ),
    "reward": FocusTexts(
        msg("reward"),
        msg("Do the scores that a reward follows from hold for all teams?"),
        msg("Amounts and budgets: they are not in this pack and not on the table."),
        (
            msg("No amounts: what follows from a score is known, and is no argument for it."),
            msg("On a border between two scores one argument decides; write that one down."),
        ),
        msg("Would this argument stand if nothing followed from the score?"),
    ),
    "promotion": FocusTexts(
        msg("promotion"),
        msg("Who already shows behaviour of the next level, and where was it seen?"),
        msg("Whether there is a place: this session looks at behaviour, not at vacancies."),
        (
            msg("Compare with the behaviour of the next level, not with the best of this one."),
            msg("A high score at the own level does not prove the next one."),
        ),
        msg("Which behaviour of the next level was seen, when, and how often?"),
        {
            "sustained": (
                msg("Is this task still a challenge, and what would be?"),
                msg("Who would do this work, and how would this person be missed?"),
            ),
        },
    ),
    "talent": FocusTexts(
        msg("talent"),
        msg("Who can grow, in which direction, and what do they need for it?"),
        msg("Contracts, reward and ratings: a place in the grid changes none of them."),
        (
            msg("Keep performance and potential apart: one is about this year, one about a step."),
            msg("A place in the grid is a snapshot. The agreement that follows is what counts."),
            msg("Ask what somebody wants before planning it for them."),
        ),
        msg("What does this person want, and what is a first step within half a year?"),
        {
            "both_high": (
                msg("Who saw this beside the own manager, and in which work?"),
                msg("What does this person need to stay and to grow?"),
            ),
            "apart": (
                msg("Is it the task, the place or the moment that keeps the two apart?"),
                msg("Is the potential something that was seen, or an impression?"),
            ),
        },
    ),
}
