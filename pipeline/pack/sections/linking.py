"""What would make raters comparable, inside part 7: who rates whom, and what it would buy."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.methods.linking import PRESENT, SECOND_RATINGS, SHARED_CASES, Linking
from pipeline.pack.blocks import Block, Cell, Column, Fold, Part, Table, Text
from pipeline.pack.context import Context, Row

MOST_SHOWN = 10
ENOUGH = 0.7
"""Reliability of severities at which a plan suffices, also where severities hardly differ."""
_MOST_EXTRA = 5
_KINDS = {
    PRESENT: msg("As it is now"),
    SECOND_RATINGS: msg("Each rater also rates people of others"),
    SHARED_CASES: msg("All raters score the same invented cases"),
}


def remedy(context: Context) -> str:
    """Say what would help to make raters comparable, with its worth where that is worked out."""
    found = context.analysis.linking
    if not isinstance(found, Linking):
        return context.say(
            msg(
                "What would help: a second rating for a quarter of the people by another rater, or"
                " two or three anchor cases that everybody scores."
            )
        )
    now, plan = _present(found), _chosen(context, found)
    text = context.of_kind(
        msgn(
            "What would help: each rater also rates {n} person of another rater ({extra} ratings"
            " more in all). Of a true difference between teams {share} would then be taken for"
            " severity, and now {before}.",
            "What would help: each rater also rates {n} people of other raters ({extra} ratings"
            " more in all). Of a true difference between teams {share} would then be taken for"
            " severity, and now {before}.",
            int(plan["size"]),
            extra=int(plan["n_extra"]),
            share=context.percent(plan["team_as_severity"]),
            before=context.percent(now["team_as_severity"]),
        ),
        msgn(
            "What would help: each rater also scores {n} conversation of another rater ({extra}"
            " more in all). Of a true difference between teams {share} would then be taken for"
            " severity, and now {before}.",
            "What would help: each rater also scores {n} conversations of other raters ({extra}"
            " more in all). Of a true difference between teams {share} would then be taken for"
            " severity, and now {before}.",
            int(plan["size"]),
            extra=int(plan["n_extra"]),
            share=context.percent(plan["team_as_severity"]),
            before=context.percent(now["team_as_severity"]),
        ),
    )
    if not found.variances["assumed"].any():
        return text
    caution = msg("That is an estimate, on assumptions about how people and raters differ.")
    return f"{text} {context.say(caution)}"


def build(context: Context) -> list[Block]:
    """Make the blocks about designs that link raters."""
    found = context.analysis.linking
    if not isinstance(found, Linking):
        return []
    say = context.say
    return [
        Part(
            say(msg("How to make the raters comparable")),
            (
                Text(
                    say(
                        msg(
                            "Extra ratings tell strict raters from weaker teams. More of them make"
                            " severity surer. Second ratings of real people buy somewhat more than"
                            " as many invented cases."
                        )
                        if _seconds_win(found)
                        else msg(
                            "Extra ratings tell strict raters from weaker teams. More of them make"
                            " severity surer."
                        )
                    )
                ),
                _plans(context, found),
                *_proposal(context, found),
            ),
        )
    ]


def _present(found: Linking) -> Row:
    row: Row = found.plans[found.plans["kind"].eq(PRESENT)].iloc[0].to_dict()
    return row


def _chosen(context: Context, found: Linking) -> Row:
    """Return the smallest plan of second ratings that links all well enough, else the largest.

    Well enough: severities are reliable, or their intervals narrower than what matters in practice.
    """
    narrow = context.settings.methods.practical_difference / 2
    plans = found.plans[found.plans["kind"].eq(SECOND_RATINGS)].sort_values("size")
    sure = plans["reliability"].ge(ENOUGH) | plans["se"].le(narrow)
    enough = plans[plans["linked"].astype(bool) & sure]
    row: Row = (enough.iloc[0] if len(enough) else plans.iloc[-1]).to_dict()
    return row


def _seconds_win(found: Linking) -> bool:
    """Whether second ratings are surer than cases at every size shown."""
    plans = found.plans[found.plans["size"] <= _MOST_EXTRA]
    se = plans.pivot_table(index="size", columns="kind", values="se").drop(index=0)
    return bool((se[SECOND_RATINGS] < se[SHARED_CASES]).all())


def _plans(context: Context, found: Linking) -> Table:
    say, language = context.say, context.language
    rows = found.plans[found.plans["size"] <= _MOST_EXTRA]
    assumed = found.variances["assumed"].astype(bool)
    note = say(
        msg(
            "These numbers rest on assumptions about how far people and raters differ on a"
            " five-point scale. They compare plans; they promise nothing."
        )
        if assumed.all()
        else msg(
            "How far people and raters differ is taken from these ratings, the rest is assumed."
            " The numbers compare plans; they promise nothing."
        )
    )
    words = say(
        msg(
            "Typical error: of a severity in scale points, with the best and the worst rater below"
            " it. Team as severity: the part of a true difference between teams that would be taken"
            " for severity."
        )
    )
    return Table(
        say(msg("What extra ratings would buy")),
        (
            Column(say(msg("Plan")), wide=True),
            Column(say(msg("Extra per rater")), numeric=True),
            Column(say(msg("In all")), numeric=True),
            Column(say(msg("Typical error")), numeric=True),
            Column(say(msg("Reliability")), numeric=True),
            Column(say(msg("Team as severity")), numeric=True),
        ),
        tuple(
            (
                say(_KINDS[row["kind"]]),
                language.whole(int(row["size"])),
                language.whole(int(row["n_extra"])),
                Cell(
                    context.score(row["se"]), under=context.interval(row["se_low"], row["se_high"])
                ),
                context.score(row["reliability"]),
                context.percent(row["team_as_severity"]),
            )
            for row in rows.to_dict("records")
        ),
        note=f"{words} {note}",
        dense=True,
    )


def _proposal(context: Context, found: Linking) -> list[Block]:
    """Return who would rate whom in the first round of second ratings."""
    rows = found.proposals
    rows = rows[rows["kind"].eq(SECOND_RATINGS) & rows["round"].eq(1)]
    if rows.empty:
        return []
    say, rest = context.say, len(rows) - MOST_SHOWN
    whose = dict(
        zip(context.data.ratings["subject_id"], context.data.ratings["employee_id"], strict=True)
    )
    return [
        Fold(
            say(msg("Who could rate whom: the first round")),
            (
                Text(
                    say(
                        msg(
                            "One extra rating per rater links all raters. It is a proposal from"
                            " who rated whom only: change it where a rater does not know the work."
                        )
                    )
                ),
                Table(
                    say(msg("Second ratings, first round")),
                    (
                        Column(say(msg("Rater"))),
                        Column(
                            say(msg("also rates"))
                            if not context.is_conversation
                            else say(msg("also scores"))
                        ),
                        Column(say(msg("now rated by"))),
                    ),
                    tuple(
                        (
                            context.person(row["rater_id"]),
                            context.subject(
                                str(row["subject_id"]),
                                whose.get(row["subject_id"], row["subject_id"]),
                            ),
                            context.person(row["beside"]),
                        )
                        for row in rows.head(MOST_SHOWN).to_dict("records")
                    ),
                    note=say(msg("{n} more.", n=rest)) if rest > 0 else "",
                    dense=True,
                ),
            ),
        )
    ]
