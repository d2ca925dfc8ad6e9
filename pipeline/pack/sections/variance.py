"""Where differences between scores come from, and how many raters are enough; inside part 7."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.methods.components import CONVERSATIONS, RATERS, Components
from pipeline.pack.blocks import Block, Cell, Column, Fold, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.marks import share_bar
from pipeline.pack.wording import NO_DIFFERENCE, NO_VALUE

_PERSON, _CONVERSATION = 0, 1
TERMS = {
    "subject": (msg("The person"), msg("The conversation")),
    "rater": (msg("The rater: severity"), msg("The rater: severity")),
    "employee": (msg("The employee"), msg("The employee")),
    "subject:rater": (
        msg("One rater's view of one person (halo)"),
        msg("One rater's view of one conversation (halo)"),
    ),
    "subject:criterion": (
        msg("What this person is good or less good at"),
        msg("What goes well or less well in this conversation"),
    ),
    "rater:criterion": (
        msg("The rater: stricter on some criteria"),
        msg("The rater: stricter on some criteria"),
    ),
    "rater:period": (
        msg("The rater: stricter in some periods"),
        msg("The rater: stricter in some periods"),
    ),
    "residual": (msg("Chance and all else"), msg("Chance and all else")),
}
_NOT_ASKED = ("employee", "rater:period")
"""Terms whose absence needs no explanation: the question does not arise in most sessions."""


def build(context: Context) -> list[Block]:
    """Make the folds about variance components and the number of raters."""
    found, say = context.analysis.components, context.say
    if not isinstance(found, Components):
        return []
    return [
        Fold(say(msg("Where differences between scores come from")), tuple(shares(context, found))),
        Fold(say(msg("How many raters are enough")), tuple(enough(context, found))),
    ]


def sentence(context: Context) -> str:
    """Say in one sentence how many raters the numbers need; empty where that is not known."""
    found = context.analysis.components
    if not isinstance(found, Components):
        return ""
    rows = found.enough[found.enough["facet"].eq(RATERS) & found.enough["coefficient"].eq("phi")]
    row = rows.sort_values("target").iloc[-1].to_dict()
    if pd.isna(row["k"]):
        return ""
    return context.of_kind(
        msg(
            "Raters needed per person for a mean score that other raters would also give"
            " (reliability {target}): about {k} ({interval}).",
            target=float(row["target"]),
            k=int(row["k"]),
            interval=_range(context, row),
        ),
        msg(
            "Raters needed per conversation for a mean score that other raters would also give"
            " (reliability {target}): about {k} ({interval}).",
            target=float(row["target"]),
            k=int(row["k"]),
            interval=_range(context, row),
        ),
    )


def _name(context: Context, term: str) -> str:
    pair = TERMS.get(term)
    if pair is None:
        return term
    return context.say(pair[_CONVERSATION if context.is_conversation else _PERSON])


def shares(context: Context, found: Components) -> list[Block]:
    """Show where differences between single scores come from."""
    say, rows = context.say, []
    known = found.terms[found.terms["share"].notna()]
    for row in known.sort_values("share", ascending=False, kind="stable").to_dict("records"):
        name, share = _name(context, str(row["term"])), context.percent(row["share"])
        rows.append(
            (
                name,
                Cell(share, drawing=share_bar(float(row["share"]), f"{name}: {share}")),
                say(
                    msg(
                        "{low} to {high}",
                        low=context.percent(row["share_low"]),
                        high=context.percent(row["share_high"]),
                    )
                ),
                say(_tested(row)),
            )
        )
    blocks: list[Block] = [
        Text(
            context.of_kind(
                msg(
                    "Two single scores differ because people differ, because raters differ, and by"
                    " chance. Rater-related is not wrong: raters also see different work."
                ),
                msg(
                    "Two single scores differ because conversations differ, because raters differ,"
                    " and by chance. Rater-related is not wrong: a rater can hear what others miss."
                ),
            )
        ),
        Table(
            say(msg("Sources of differences between single scores")),
            (
                Column(say(msg("Source")), wide=True),
                Column(say(msg("Share"))),
                Column(say(msg("Interval")), numeric=True),
                Column(say(msg("More than chance?"))),
            ),
            tuple(rows),
            dense=True,
        ),
    ]
    return blocks + _left_out(context, found)


def _tested(row: Row) -> Message | str:
    if row["term"] in ("subject", "residual") or pd.isna(row["p_value"]):
        return NO_VALUE
    return msg("yes") if float(row["p_value"]) < NO_DIFFERENCE else msg("not shown to be")


def _left_out(context: Context, found: Components) -> list[Block]:
    texts = [
        f"{_name(context, str(row['term']))}: {context.say(row['reason'])}"
        for row in found.terms.to_dict("records")
        if isinstance(row["reason"], Message) and row["term"] not in _NOT_ASKED
    ]
    return [Text(" ".join(texts))] if texts else []


_HOLDS = {
    (RATERS, "e_rho2"): msg("The same order with other raters: raters needed"),
    (RATERS, "phi"): msg("The same numbers with other raters: raters needed"),
    (CONVERSATIONS, "e_rho2"): msg(
        "The same order of employees on other conversations: conversations needed"
    ),
    (CONVERSATIONS, "phi"): msg(
        "The same numbers for employees on other conversations: conversations needed"
    ),
}


def enough(context: Context, found: Components) -> list[Block]:
    """Show how many raters, or conversations, a reliability needs."""
    say, targets = context.say, sorted(found.enough["target"].unique())
    rows: list[tuple[str | Cell, ...]] = []
    for (facet, coefficient), part in found.enough.groupby(["facet", "coefficient"], sort=False):
        by_target = {row["target"]: row for row in part.to_dict("records")}
        rows.append(
            (
                say(_HOLDS[str(facet), str(coefficient)]),
                *(_needed(context, by_target[target]) for target in targets),
            )
        )
    return [
        Text(
            say(
                msg(
                    "Reliability says how far a mean score would stay the same with other raters:"
                    " 1 is fully. 0.70 is often taken as enough for a conversation, 0.80 for a"
                    " decision."
                )
            )
        ),
        Table(
            say(msg("How many are needed, with what the ratings leave open")),
            (
                Column(say(msg("What has to hold")), wide=True),
                *(
                    Column(say(msg("At reliability {target}", target=float(one))), numeric=True)
                    for one in targets
                ),
            ),
            tuple(rows),
            dense=True,
        ),
        _study(context, found),
    ]


def _needed(context: Context, row: Row) -> Cell:
    if pd.isna(row["k"]):
        return Cell(context.say(msg("over {most}", most=100)))
    return Cell(context.language.whole(int(row["k"])), under=_range(context, row))


def _range(context: Context, row: Row) -> str:
    low, high = (None if pd.isna(row[name]) else int(row[name]) for name in ("k_low", "k_high"))
    if high is None:
        return context.say(msg("{low} to over {most}", low=low or 1, most=100))
    return context.say(msg("{low} to {high}", low=low or 1, high=high))


def _study(context: Context, found: Components) -> Table:
    """Return the reliabilities at each number of raters (or conversations)."""
    say = context.say
    rows: list[tuple[str | Cell, ...]] = []
    for row in found.study.to_dict("records"):
        k = int(row["k"])
        rows.append(
            (
                say(
                    msgn("{n} rater", "{n} raters", k)
                    if row["facet"] == RATERS
                    else msgn("{n} conversation", "{n} conversations", k)
                ),
                *(
                    Cell(
                        context.score(row[name]),
                        under=context.interval(row[f"{name}_low"], row[f"{name}_high"]),
                    )
                    for name in ("e_rho2", "phi")
                ),
            )
        )
    return Table(
        say(msg("Reliability of a mean score")),
        (
            Column(say(msg("Mean of"))),
            Column(say(msg("Same order")), numeric=True),
            Column(say(msg("Same numbers")), numeric=True),
        ),
        tuple(rows),
        dense=True,
    )
