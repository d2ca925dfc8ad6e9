"""The questions of a conversation card: the same four themes for everybody, asked of both."""

from __future__ import annotations

from pipeline.errors import Message, msg

COLUMNS = {"you": msg("You prepare"), "manager": msg("Your manager prepares")}

UNRATED = (
    msg("There is no rating of you in this cycle, and the session decided nothing about you."),
    msg(
        "That matters. Without a rating you do not know where you stand, and what follows from a"
        " rating passes you by. Ask your manager why there is none, whether one still comes, and by"
        " which day."
    ),
    msg("The conversation on the back is yours all the same."),
)

Theme = tuple[Message, Message, Message]
"""Its name, the question to the employee, the question to the manager."""

_RESULTS = {
    "upheld": (
        msg("Which result are you proud of, and which example shows it?"),
        msg("Which result mattered most, and what did I see happen?"),
    ),
    "adjusted": (
        msg("Which part of the reason for the change do you recognise, and which not?"),
        msg("What did I see myself, and how do I explain the change with an example?"),
    ),
    "parked": (
        msg("Which example should be known before this is decided?"),
        msg("What is still missing for a decision, who finds it out, and when?"),
    ),
    "unrated": (
        msg("Which result are you proud of, and which example shows it?"),
        msg("Why is there no rating, and what have I seen of this year's work?"),
    ),
}

_OTHERS: tuple[Theme, ...] = (
    (
        msg("Development"),
        msg("What do you want to learn or do more of, and what do you need for it?"),
        msg("Which strength deserves more room, and what can I arrange for it?"),
    ),
    (
        msg("Collaboration"),
        msg("Where does working together go well, and where does it get stuck?"),
        msg("What do I do that helps you, and what gets in your way?"),
    ),
    (
        msg("Wellbeing"),
        msg("What gives you energy at work, what costs it? Tell only what you want to tell."),
        msg(
            "What do I notice about workload and balance, and what can I change? Not about health."
        ),
    ),
)

THEMES: dict[str, tuple[Theme, ...]] = {
    name: ((msg("Results"), *questions), *_OTHERS) for name, questions in _RESULTS.items()
}
"""By what the session decided about this person."""
