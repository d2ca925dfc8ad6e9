"""Part 11: whether groups of people get different scores, where comparing them is agreed."""

from __future__ import annotations

import pandas as pd

from pipeline.analysis import NoAnswer
from pipeline.errors import msg
from pipeline.methods.design import Design
from pipeline.methods.fairness import Fairness
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Fold, Note, Part, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.marks import interval
from pipeline.pack.sections import group_severity
from pipeline.pack.wording import ATTRIBUTES, BACKGROUND_GROUPS, NO_VALUE, shorten

MOST_ROWS = 10
VERDICT_FLOOR = 30
"""With fewer people in a group the method gives an interval and no verdict."""


def build(context: Context) -> list[Block]:
    """Make the part about fairness."""
    say = context.say
    if not context.settings.fairness.attributes:
        return [_off(context)]
    answers = context.analysis.fairness
    if not answers:
        floor = context.settings.privacy.minimum_group
        return [
            Note(
                say(
                    msg(
                        "Hidden: fewer than {floor} people, so a person could be recognised.",
                        floor=floor,
                    )
                )
            )
        ]
    known = {name: one for name, one in answers.items() if isinstance(one, Fairness)}
    unknown = {name: one for name, one in answers.items() if isinstance(one, NoAnswer)}
    blocks: list[Block] = []
    if known:
        blocks.append(
            Text(
                say(
                    msg(
                        "A gap is how much higher a group scores than another, in scale points."
                        " The raw gap is as given; the adjusted gap compares people of the same"
                        " job level, with the same raters, within linked groups."
                    )
                )
            )
        )
    blocks += [_attribute(context, name, found) for name, found in known.items()]
    if known:
        blocks += [_how_to_read(context), _cannot_tell(context)]
    return [
        *blocks,
        *_not_known(context, unknown, folded=bool(known)),
        *group_severity.build(context),
    ]


def _off(context: Context) -> Note:
    say = context.say
    return Note(
        say(
            msg(
                "No groups are compared. That needs a lawful purpose, written down, and agreement"
                " with the works council; then name the attributes in the settings under"
                " [fairness]."
            )
        ),
        say(msg("Off: fairness between groups")),
    )


def _group(context: Context, name: object) -> str:
    known = BACKGROUND_GROUPS.get(str(name))
    return context.say(known) if known is not None else shorten(str(name), 60)


def _attribute(context: Context, name: str, found: Fairness) -> Part:
    say = context.say
    rows = found.gaps.to_dict("records")
    by_group = {row["group"]: row for row in found.groups.to_dict("records")}
    blocks: list[Block] = [
        Bullets(tuple(_sentence(context, row) for row in rows[:MOST_ROWS])),
        _table(context, found, rows, by_group),
    ]
    left_out = _left_out(context, found)
    if left_out:
        blocks.append(Text(left_out))
    title = say(ATTRIBUTES[name])
    return Part(f"{title[:1].upper()}{title[1:]}", tuple(blocks))


def _sentence(context: Context, row: Row) -> str:
    name = _group(context, row["group"])
    return context.say(
        msg(
            "{group} beside {reference}. {sentence}",
            group=name[:1].upper() + name[1:],
            reference=_group(context, row["reference"]),
            sentence=row["sentence"],
        )
    )


def _table(context: Context, found: Fairness, rows: list[Row], by_group: dict[str, Row]) -> Table:
    say = context.say
    shown = rows[:MOST_ROWS]
    ends = [
        abs(float(row[name]))
        for row in shown
        for name in ("ci_low", "ci_high", "raw_low", "raw_high")
        if pd.notna(row[name])
    ]
    reach = max([0.5, *ends])
    more = len(rows) - len(shown)
    base = by_group[found.reference]
    return Table(
        say(msg("Gaps in scale points, raw and adjusted, with intervals")),
        (
            Column(say(msg("Groups"))),
            Column(say(msg("People")), numeric=True),
            Column(say(msg("Raw gap")), numeric=True),
            Column(say(msg("Adjusted gap")), numeric=True),
            Column(say(msg("Adjusted, around zero"))),
            Column(say(msg("df")), numeric=True),
            Column(say(msg("Would be found")), numeric=True),
            Column(say(msg("Ratio of top scores")), numeric=True),
        ),
        tuple(
            _row(context, row, by_group[row["group"]], base, reach, found.floor) for row in shown
        ),
        note=" ".join((_about_raw(context), say(msg("{n} more.", n=more)) if more else "")).strip(),
    )


def _compares_teams(context: Context) -> bool:
    """Whether people of different raters may be compared."""
    design = context.analysis.design
    return isinstance(design, Design) and design.verdict == "linked"


def _about_raw(context: Context) -> str:
    if _compares_teams(context):
        return context.say(msg("The interval of the raw gap takes no account of raters."))
    return context.say(
        msg("There is no raw gap: it would compare people of raters who share nobody.")
    )


def _row(
    context: Context, row: Row, own: Row, base: Row, reach: float, floor: int
) -> tuple[str | Cell, ...]:
    say = context.say
    names = say(
        msg(
            "{group} beside {reference}",
            group=_group(context, row["group"]),
            reference=_group(context, row["reference"]),
        )
    )
    adjusted: str | Cell = say(msg("not estimable"))
    drawing: str | Cell = NO_VALUE
    if pd.notna(row["gap"]):
        adjusted = _estimate(context, row, "gap", "ci_low", "ci_high")
        drawing = Cell(
            drawing=interval(
                float(row["gap"]),
                float(row["ci_low"]),
                float(row["ci_high"]),
                reach,
                f"{names}: {adjusted.text} ({adjusted.under})",
                width=130,
            )
        )
    return (
        names,
        _people(context, own, base, floor),
        _estimate(context, row, "raw_gap", "raw_low", "raw_high")
        if _compares_teams(context)
        else NO_VALUE,
        adjusted,
        drawing,
        _df(context, row),
        context.score(row["detectable"]),
        _ratio(context, row),
    )


def _people(context: Context, own: Row, base: Row, floor: int) -> str:
    if pd.isna(own["n_employees"]):
        return context.say(msg("at least {floor}", floor=floor))
    n, m = (context.language.whole(int(one["n_employees"])) for one in (own, base))
    return context.say(msg("{n} and {m}", n=n, m=m))


def _estimate(context: Context, row: Row, value: str, low: str, high: str) -> Cell:
    return Cell(
        context.language.signed(float(row[value])), under=context.interval(row[low], row[high])
    )


def _df(context: Context, row: Row) -> str:
    if pd.isna(row["gap"]):
        return NO_VALUE
    if pd.isna(row["df"]):
        return context.say(msg("hidden"))
    return context.language.number(float(row["df"]), 0)


def _ratio(context: Context, row: Row) -> str | Cell:
    """Show the ratio of shares at the top, not where it would tell that nobody or all are there."""
    if pd.isna(row["parity_ratio"]):
        return context.say(msg("hidden"))
    return Cell(
        context.score(row["parity_ratio"]),
        under=context.interval(row["parity_low"], row["parity_high"]),
    )


def _left_out(context: Context, found: Fairness) -> str:
    texts = []
    if found.groups["suppressed"].any():
        texts.append(
            context.say(
                msg(
                    "Groups of fewer than {floor} people are hidden; so are numbers from which"
                    " theirs could be worked out.",
                    floor=found.floor,
                )
            )
        )
    if found.n_unknown:
        texts.append(context.say(msg("People whose group is not known do not count.")))
    return " ".join(texts)


def _not_known(context: Context, answers: dict[str, NoAnswer], *, folded: bool) -> list[Block]:
    """Say which attributes have no answer and why; apart where there are answers too."""
    notes: list[Block] = [
        context.reason(answer, ATTRIBUTES[name]) for name, answer in answers.items()
    ]
    if notes and folded:
        return [Fold(context.say(msg("What could not be compared")), tuple(notes))]
    return notes


def _how_to_read(context: Context) -> Text:
    return Text(
        context.say(
            msg(
                "Positive: the first group scores higher. df (degrees of freedom, after"
                " Satterthwaite): on about how many independent comparisons the adjusted gap and"
                " its interval rest, which is far fewer than the scores. Would be found: the"
                " smallest gap that numbers like these show four times out of five. Below {n}"
                " people in a group there is an interval and no verdict.",
                n=VERDICT_FLOOR,
            )
        )
    )


def _cannot_tell(context: Context) -> Note:
    return Note(
        context.say(
            msg(
                "Whether a gap is deserved. An adjusted gap can hide what all raters share, and"
                " what was adjusted for: where one group gets the lower job levels, it looks"
                " smaller. A gap that was not found can still be there, up to the size given."
            )
        ),
        context.say(msg("What this does not tell")),
    )
