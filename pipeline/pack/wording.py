"""The words of a pack that occur in more than one place."""

from __future__ import annotations

from pipeline.decision_form import ACTION_WORDS, ROLE_WORDS
from pipeline.errors import Message, msg

NO_VALUE = "\N{EN DASH}"
NO_DIFFERENCE = 0.05
"""Chance of such differences where there are none, from which nothing is claimed."""
LONGEST_SHOWN = 600
"""Characters of a text from data that are shown; the rest is in the store."""

SESSION_KIND = {
    "performance": msg("performance ratings"),
    "conversation": msg("customer conversations"),
}

AUDIENCE = {
    "room": msg("Pack for the session"),
    "manager": msg("Pack for one manager"),
    "organisation": msg("Pack for the organisation"),
}

ROLES = ROLE_WORDS

RATER_ROLES = {
    "manager": msg("manager"),
    "second": msg("second rater"),
    "peer": msg("peer"),
    "self": msg("self"),
    "expert": msg("expert"),
}

EVIDENCE_KINDS = {
    "example": msg("example"),
    "goal": msg("goal"),
    "check-in": msg("check-in"),
    "feedback": msg("feedback"),
}

OPINIONS = {
    "agree": msg("agree"),
    "question": msg("question"),
    "no view": msg("no view"),
}

ACTION_KINDS = ACTION_WORDS

STATES = {"open": msg("open"), "done": msg("done"), "dropped": msg("dropped")}

GOAL_STATES = {**STATES, "revised": msg("revised")}

TABLE_NAMES = {
    "ratings": msg("ratings"),
    "employees": msg("employees"),
    "criteria": msg("criteria"),
    "cycle": msg("cycle"),
    "cycles": msg("cycles"),
    "sessions": msg("sessions"),
    "participants": msg("participants"),
    "evidence": msg("dated evidence"),
    "goals": msg("goals"),
    "results": msg("results"),
    "opinions": msg("opinions"),
    "actions": msg("actions"),
    "norms": msg("norms"),
}

RULES = {
    "top": msg("high"),
    "bottom": msg("low"),
    "fringe": msg("edge of the middle"),
    "disagreement": msg("raters differ"),
    "jump": msg("large change"),
    "results": msg("far from results"),
    "under_the_radar": msg("under the radar"),
    "questioned": msg("questioned"),
    "unsubstantiated": msg("no substantiation"),
    "sustained": msg("high twice"),
    "both_high": msg("high on both"),
    "apart": msg("far apart on both"),
}

PAGE = {
    "skip": msg("Skip to the pack"),
    "contents": msg("Contents"),
    "confidential": msg("Confidential"),
    "stage": msg("Presentation and clock"),
    "present": msg("Present"),
    "back": msg("Previous"),
    "on": msg("Next"),
    "clock": msg("Clock"),
}

QUIET = msg("quiet middle")

AGENDA_ITEMS = {
    "opening": msg("Opening"),
    "anchor": msg("Anchor case"),
    "outliers": msg("Far from the rest"),
    "break": msg("Break"),
    "quiet": msg("Quiet middle"),
    "conversation": msg("Conversation"),
    "spare": msg("Spare time"),
    "smart": msg("SMART round"),
}

QUESTIONS: dict[str, tuple[Message, ...]] = {
    "top": (
        msg("Which behaviour was seen that the anchor of this score describes? When, by whom?"),
        msg("Would somebody less visible with the same results have got this score?"),
    ),
    "bottom": (
        msg("Which behaviour was missing, on which dates, and what was agreed about it?"),
        msg("Did this person have the means, the time and the feedback to do better?"),
    ),
    "fringe": (
        msg("Which one observation makes the difference between these two scale points?"),
        msg("Would you defend the same score for a comparable colleague?"),
    ),
    "disagreement": (
        msg("What did each rater see that the other did not?"),
        msg("Do you read the criterion differently, or did you see different work?"),
    ),
    "jump": (
        msg("What changed in the work since the last cycle: the person, the task or the rater?"),
        msg("Is the change visible in dated evidence from the whole cycle?"),
    ),
    "results": (
        msg("Which part of the work do these results not measure, and how was it seen?"),
        msg("Did this person have the same means and the same market as colleagues?"),
    ),
    "under_the_radar": (
        msg("What has grown in this person's work, and who saw it?"),
        msg("Why is so little written down: the work, the person, or our attention?"),
    ),
    "questioned": (msg("What do the colleagues who question this rating want to understand?"),),
    "unsubstantiated": (
        msg("Which dated example supports this score? Without one: park it until there is."),
    ),
    "quiet": (
        msg("What does this person contribute that is easily overlooked?"),
        msg("Is a middle score a judgement here, or the lack of one?"),
    ),
}

ON_CONVERSATIONS: dict[str, tuple[Message, ...]] = {
    "disagreement": (
        msg("What did each rater hear that the other did not? Play that moment again."),
        msg("Do you read the criterion differently, or did you hear something else?"),
    ),
    "top": (
        msg("Which sentence in this conversation shows the behaviour of the top score?"),
        msg("Would a colleague who says it in another way get this score too?"),
    ),
    "bottom": (
        msg("At which moment was the behaviour missing, and what did the customer do next?"),
        msg("What in this conversation was outside the adviser's control?"),
    ),
    "quiet": (
        msg("What makes this an ordinary conversation: which norm do all of you apply here?"),
        msg("Which one sentence would have lifted this conversation a point?"),
    ),
}

ANSWERS = {
    "design": msg("comparability of raters"),
    "severity": msg("severity"),
    "flags": msg("naming of raters"),
    "reliability": msg("levels of severity"),
    "components": msg("where differences come from"),
    "ordinal": msg("the scale as a ladder"),
    "nested": msg("each rater on its own"),
    "linking": msg("ways to make raters comparable"),
    "halo": msg("halo"),
    "range_use": msg("use of the scale"),
    "consistency": msg("consistency"),
    "drift": msg("change of severity over time"),
    "differential": msg("severity per criterion"),
    "styles": msg("styles of rating"),
    "agreement_by_cycle": msg("agreement over the cycles"),
    "norm_effect": msg("the norms of the last session"),
    "agreement": msg("agreement of raters"),
    "distribution": msg("distribution"),
    "standing": msg("position among comparable people"),
    "profiles": msg("rating profiles"),
    "nine_box": msg("performance and potential"),
    "evidence": msg("evidence"),
    "criteria": msg("the criteria themselves"),
    "rationales": msg("substantiation of the ratings"),
    "conversation": msg("deviation from the expert or the panel"),
    "recency": msg("weight of late evidence"),
    "expected": msg("score with the average rater"),
    "results_mismatch": msg("ratings beside results"),
    "under_the_radar": msg("people under the radar"),
}

ATTRIBUTES = {
    "gender": msg("gender"),
    "age": msg("age"),
    "tenure": msg("tenure"),
    "working_hours": msg("working hours"),
}

BACKGROUND_GROUPS = {
    "female": msg("women"),
    "male": msg("men"),
    "other": msg("other"),
    "part-time": msg("part-time"),
    "full-time": msg("full-time"),
    "under 35": msg("under 35"),
    "35 to 49": msg("35 to 49"),
    "50 and over": msg("50 and over"),
    "under 2 years": msg("under 2 years"),
    "2 to 9 years": msg("2 to 9 years"),
    "10 years and over": msg("10 years and over"),
}


_AGREEMENT = (
    (0.5, msg("poor")),
    (0.75, msg("moderate")),
    (0.9, msg("good")),
    (float("inf"), msg("excellent")),
)


def agreement_word(low: float, high: float) -> Message:
    """Put an intraclass correlation in words, from its interval and not from the estimate.

    As Koo & Li (2016), J. Chiropr. Med. 15, 155-163, prescribe: one word where both ends of the
    interval earn the same, else a range.
    """
    worst, best = (next(word for top, word in _AGREEMENT if end < top) for end in (low, high))
    return worst if worst == best else msg("{low} to {high}", low=worst, high=best)


def shorten(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Cut a text from data at a word, so that one note cannot fill a pack."""
    plain = " ".join(text.split())
    if len(plain) <= longest:
        return plain
    kept = plain[:longest]
    at_word = kept.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > longest * 0.6 else kept) + " …"
