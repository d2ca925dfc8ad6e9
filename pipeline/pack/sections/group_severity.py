"""Whether raters are stricter for one group than for another, inside part 11; without names."""

from __future__ import annotations

from pipeline.analysis import NoAnswer
from pipeline.errors import msg
from pipeline.methods.differential import GroupSeverity
from pipeline.pack.blocks import Block, Column, Fold, Part, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.sections.ways import typical
from pipeline.pack.wording import ATTRIBUTES, NO_DIFFERENCE, NO_VALUE


def build(context: Context) -> list[Block]:
    """Say per attribute whether severity goes with it, and how many raters stand out."""
    say, answers = context.say, context.analysis.group_severity
    known = {name: one for name, one in answers.items() if isinstance(one, GroupSeverity)}
    unknown = {name: one for name, one in answers.items() if isinstance(one, NoAnswer)}
    reasons: list[Block] = [context.reason(one, ATTRIBUTES[name]) for name, one in unknown.items()]
    title = say(msg("Is any rater stricter for one group than for another?"))
    if not known:
        return [Fold(title, tuple(reasons))] if reasons else []
    return [Part(title, (Text(_opening(context)), _table(context, known), *reasons))]


def _opening(context: Context) -> str:
    return context.say(
        msg(
            "Beside the gap that all raters share, single raters may be stricter for one group."
            " Nobody is named here: it rests on few people per rater and group. It is a question"
            " about the norm, and raters also see different work."
        )
    )


def _table(context: Context, known: dict[str, GroupSeverity]) -> Table:
    say = context.say
    counted = any(one.n_flagged is not None for one in known.values())
    columns = [
        Column(say(msg("Compared on"))),
        Column(say(msg("Raters")), numeric=True),
        Column(say(msg("More than chance?"))),
        Column(say(msg("Difference within a rater"))),
        *([Column(say(msg("Raters who stand out")), numeric=True)] if counted else []),
    ]
    rows = []
    for name, found in known.items():
        differs = found.p_differential < NO_DIFFERENCE
        row = (
            say(ATTRIBUTES[name]),
            context.language.whole(found.n_raters),
            say(msg("yes") if differs else msg("not shown to be")),
            typical(context, found.sd_differential, found.sd_low, found.sd_high),
        )
        n = found.n_flagged
        rows.append((*row, NO_VALUE if n is None else context.language.whole(n))[: len(columns)])
    least = context.settings.privacy.minimum_fairness
    return Table(
        say(msg("Severity within raters, per group")),
        tuple(columns),
        tuple(rows),
        note=say(
            msg(
                "Raters count who rated at least {n} people of two groups or more. A gap that all"
                " raters share does not show here.",
                n=least,
            )
        ),
        dense=True,
    )
