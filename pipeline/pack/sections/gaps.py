"""Part 4: what is missing in data and evidence, before anybody draws a conclusion."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.methods.evidence import RECENT_DAYS, Evidence
from pipeline.methods.recency import Recency
from pipeline.pack.blocks import Block, Bullets, Fold, Note, Text
from pipeline.pack.context import Context
from pipeline.pack.sections import rationales
from pipeline.pack.wording import ANSWERS

MOST_NAMED = 30
_MUCH_RECENT = 0.5


def build(context: Context) -> list[Block]:
    """Make the part about gaps."""
    say, blocks = context.say, []
    blocks += refused(context)
    evidence = context.analysis.evidence
    if not isinstance(evidence, Evidence):
        return [*blocks, context.reason(evidence, ANSWERS["evidence"])]
    points = [_rationales(context, evidence), _dated(context, evidence)]
    recency = context.analysis.recency
    if isinstance(recency, Recency):
        points += _over_the_cycle(context, recency)
    else:
        points += _recent(context, evidence)
    blocks.append(Bullets(tuple(points)))
    blocks += _weight_unknown(context)
    blocks += _unrated(context)
    if len(evidence.subjects):
        blocks += _thin(context, evidence)
        blocks += rationales.build(context)
    elif context.is_organisation:
        blocks.append(Note(say(msg("Which ratings lack substantiation is in the session's pack."))))
    return blocks


def refused(context: Context) -> list[Block]:
    """Warn of rows that the import refused."""
    n = context.data.n_rejected
    if not n:
        # no sentence that all is well: a row about nobody known belongs to no department
        return []
    return [
        Note(
            context.say(
                msgn(
                    "{n} row about this department was refused at the last import and is not in"
                    " this pack. The reason is in the rejection report of the import.",
                    "{n} rows about this department were refused at the last import and are not in"
                    " this pack. The reasons are in the rejection report of the import.",
                    n,
                )
            ),
            tone="warning",
        )
    ]


def _rationales(context: Context, evidence: Evidence) -> str:
    if not evidence.share_rationale:
        return context.say(msg("None of the ratings comes with a rationale."))
    return context.say(
        msg(
            "{share} of the ratings come with a rationale.",
            share=context.percent(evidence.share_rationale),
        )
    )


def _dated(context: Context, evidence: Evidence) -> str:
    if not evidence.n_evidence:
        return context.say(
            msg("There is no dated evidence, so a score cannot be checked against what was seen.")
        )
    return context.say(
        msgn(
            "{n} piece of dated evidence was recorded in this cycle.",
            "{n} pieces of dated evidence were recorded in this cycle.",
            evidence.n_evidence,
        )
    )


def _recent(context: Context, evidence: Evidence) -> list[str]:
    share, low = evidence.share_recent, evidence.share_recent_low
    if share is None or low is None:
        return []
    text = context.say(
        msg(
            "{share} of the evidence is from the last {days} days of the cycle (interval {low} to"
            " {high}).",
            share=context.percent(share),
            days=RECENT_DAYS,
            low=context.percent(low),
            high=context.percent(evidence.share_recent_high),
        )
    )
    if low < _MUCH_RECENT:
        return [text]
    guard = msg("Guard against judging the last weeks instead of the cycle.")
    return [f"{text} {context.say(guard)}"]


def _over_the_cycle(context: Context, found: Recency) -> list[str]:
    """Say when evidence was gathered, beside an even spread, and which of it ratings follow."""
    say = context.say
    texts = [
        say(
            msg(
                "{share} of the evidence is from the last {days} days of the cycle (interval {low}"
                " to {high}); spread evenly it would be {even}.",
                share=context.percent(found.share_recent),
                days=found.recent_days,
                low=context.percent(found.share_low),
                high=context.percent(found.share_high),
                even=context.percent(found.share_even),
            )
        )
    ]
    if found.share_low > found.share_even:
        texts.append(say(msg("Guard against judging the last weeks instead of the cycle.")))
    weight = [" ".join(texts)]
    if found.difference is not None and found.ci_low is not None and found.ci_high is not None:
        weight.append(_weight(context, found.difference, found.ci_low, found.ci_high))
    return weight


def _weight(context: Context, difference: float, low: float, high: float) -> str:
    if low > 0:
        sentence = msg(
            "Ratings follow evidence of the last quarter more than earlier evidence. That can be"
            " memory, or real growth in that quarter."
        )
    elif high < 0:
        sentence = msg(
            "Ratings follow evidence of the last quarter less than earlier evidence. Late evidence"
            " can also be about what went wrong."
        )
    else:
        sentence = msg(
            "Whether ratings follow the last quarter more than the time before cannot be told."
        )
    size = msg(
        "Difference: {size} points per piece of evidence (interval {between}).",
        size=context.language.signed(difference),
        between=context.interval(low, high),
    )
    return f"{context.say(sentence)} {context.say(size)}"


def _weight_unknown(context: Context) -> list[Block]:
    """Say why it is not known which evidence ratings follow; nothing where it does not arise."""
    found = context.analysis.recency
    why = found.reason if isinstance(found, Recency) else found.message if found else None
    if why is None:
        return []
    title = context.say(msg("Why it is not known whether ratings follow late evidence"))
    return [Fold(title, (Text(context.say(why)),))]


def _unrated(context: Context) -> list[Block]:
    missing = context.unrated
    if not missing:
        return []
    names = [context.person(one) for one in missing[:MOST_NAMED]]
    more = len(missing) - len(names)
    if more:
        names.append(context.say(msgn("{n} other", "{n} others", more)))
    return [
        Note(
            context.language.join(names) + ".",
            context.say(
                msgn("{n} person without a rating", "{n} people without a rating", len(missing))
            ),
            tone="warning",
        )
    ]


def _thin(context: Context, evidence: Evidence) -> list[Block]:
    rows = evidence.subjects
    thin = rows[rows["n_with_rationale"].eq(0) & rows["n_evidence"].eq(0)]
    if thin.empty:
        return []
    names = [
        context.subject(str(one["subject_id"]), str(one["employee_id"]))
        for one in thin.head(MOST_NAMED).to_dict("records")
    ]
    more = len(thin) - len(names)
    if more:
        names.append(context.say(msgn("{n} other", "{n} others", more)))
    who = context.subjects_counted(len(thin))
    title = context.say(msg("{who} without rationale and without evidence", who=who))
    return [Fold(title, (Text(context.language.join(names) + "."),))]
