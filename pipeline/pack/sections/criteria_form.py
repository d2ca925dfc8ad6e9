"""Part 8, first: the criterion clinic: what in the form itself stands between two raters."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.methods.criteria import ALIKE, MOST_CRITERIA, Criteria
from pipeline.pack.blocks import Block, Bullets, Column, Fold, Note, Part, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import ANSWERS, NO_VALUE

MOST_PAIRS = 60


def build(context: Context) -> list[Block]:
    """Make the clinic; nothing where this audience does not see it."""
    found, say = context.analysis.criteria, context.say
    if found is None:
        return []
    if not isinstance(found, Criteria):
        return [context.reason(found, ANSWERS["criteria"])]
    points = [*_number(context, found), *_words(context, found), *_anchors(context, found)]
    points += _alike(context, found)
    blocks: list[Block] = [Bullets(tuple(points))] if points else []
    if not points:
        blocks.append(
            Text(say(msg("In the form itself nothing was found that has to be sharpened first.")))
        )
    return [Part(say(msg("The form itself")), (*blocks, *_pairs(context, found)), "clinic")]


def _number(context: Context, found: Criteria) -> list[str]:
    if not found.too_many:
        return []
    return [
        context.say(
            msg(
                "{n} criteria; above {most} people no longer keep them apart. Which can go, or go"
                " together?",
                n=len(found.criteria),
                most=MOST_CRITERIA,
            )
        )
    ]


def _words(context: Context, found: Criteria) -> list[str]:
    return [
        context.say(
            msg(
                "{criterion} is described by words that everybody fills in differently ({words})."
                " Which behaviour do they stand for?",
                criterion=context.criterion(row["criterion_id"]),
                words=context.language.join([f"“{word}”" for word in row["words"][:4]]),
            )
        )
        for row in found.criteria.to_dict("records")
        if row["words"]
    ]


def _anchors(context: Context, found: Criteria) -> list[str]:
    texts = []
    for row in found.criteria.to_dict("records"):
        if row["missing_points"]:
            texts.append(
                context.say(
                    msg(
                        "{criterion} has no behaviour described at {points}.",
                        criterion=context.criterion(row["criterion_id"]),
                        points=context.language.join(
                            [context.score(float(point), 0) for point in row["missing_points"]]
                        ),
                    )
                )
            )
        elif not row["has_observable"]:
            texts.append(
                context.say(
                    msg(
                        "{criterion} does not say what can be observed.",
                        criterion=context.criterion(row["criterion_id"]),
                    )
                )
            )
    return texts


def _alike(context: Context, found: Criteria) -> list[str]:
    rows = found.pairs[found.pairs["verdict"].eq("alike")].to_dict("records")
    return [
        context.say(
            msg(
                "{first} and {second} are rated almost as one (correlation {size}, interval"
                " {between}). Are they two things?",
                first=context.criterion(row["first"]),
                second=context.criterion(row["second"]),
                size=float(row["correlation"]),
                between=context.interval(row["ci_low"], row["ci_high"]),
            )
        )
        for row in rows
    ]


def _pairs(context: Context, found: Criteria) -> list[Block]:
    """Set out every pair, the most alike first, with what these ratings leave open."""
    if found.pairs.empty:
        return []
    say, rows = context.say, found.pairs
    title = say(msg("Pairs of criteria"))
    reasons = {say(one) for one in rows["reason"] if one is not None}
    if rows["reason"].notna().all() and len(reasons) == 1:
        return [Note(reasons.pop(), title)]
    shown = rows.sort_values(["correlation", "first", "second"], ascending=[False, True, True])
    table = Table(
        say(msg("How alike two criteria are rated, within raters")),
        (
            Column(say(msg("Criterion"))),
            Column(say(msg("and"))),
            Column(say(msg("Correlation")), numeric=True),
            Column(say(msg("Interval")), numeric=True),
            Column(say(msg("Told apart"))),
        ),
        tuple(_row(context, row) for row in shown.head(MOST_PAIRS).to_dict("records")),
        note=say(
            msgn(
                "{n} pair more is left out.", "{n} pairs more are left out.", len(rows) - MOST_PAIRS
            )
        )
        if len(rows) > MOST_PAIRS
        else "",
    )
    limit = msg(
        "Each rater's own level is taken out. From {alike} on, two criteria share half of what they"
        " say. It can be one criterion in two words, people who are good at both, or halo; the"
        " session knows which.",
        alike=ALIKE,
    )
    return [Fold(title, (table, Note(say(limit))))]


def _left_out(context: Context, n: int) -> str:
    if n <= 0:
        return ""
    return context.say(msgn("{n} pair more is left out.", "{n} pairs more are left out.", n))


def _row(context: Context, row: Row) -> tuple[str, ...]:
    say = context.say
    names = context.criterion(row["first"]), context.criterion(row["second"])
    if row["reason"] is not None:
        return (*names, NO_VALUE, NO_VALUE, say(row["reason"]))
    verdicts = {
        "alike": msg("no: almost as one"),
        "apart": msg("yes"),
        "open": msg("these ratings do not tell"),
    }
    return (
        *names,
        context.score(row["correlation"]),
        context.interval(row["ci_low"], row["ci_high"]),
        say(verdicts[row["verdict"]]),
    )
