"""Part 8: each criterion: how it is used, and whether raters agree on it."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.errors import Message, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.differential import DifferentialSeverity
from pipeline.methods.distribution import Distribution
from pipeline.pack.blocks import Block, Cell, Column, Fold, Note, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.marks import bars
from pipeline.pack.sections import criteria_agreement, criteria_form
from pipeline.pack.sections.frame import anchor_columns
from pipeline.pack.wording import ANSWERS, NO_DIFFERENCE, NO_VALUE, agreement_word

USUAL_WITHIN_ONE = 0.85
MOST_NAMED = 8


def build(context: Context) -> list[Block]:
    """Make the part about criteria."""
    say, found = context.say, context.analysis.distribution
    agreement = context.analysis.agreement
    if not isinstance(found, Distribution):
        return [context.reason(found, ANSWERS["distribution"])]
    shared = agreement.criteria if isinstance(agreement, Agreement) else None
    blocks: list[Block] = [
        Text(
            say(
                msg(
                    "A criterion on which raters disagree is often an unclear criterion, not a"
                    " strict rater. Sharpen it before discussing people."
                )
            )
        ),
        *criteria_form.build(context),
        *_table(context, found, shared),
    ]
    if shared is None and not isinstance(agreement, Agreement):
        blocks.append(context.reason(agreement, ANSWERS["agreement"]))
    elif shared is not None:
        blocks.append(
            Note(
                say(
                    msg(
                        "Usual in practice: at least {share} of the pairs of raters within one"
                        " point. Agreement can be low because everybody got nearly the same score.",
                        share=context.percent(USUAL_WITHIN_ONE),
                    )
                )
            )
        )
    blocks += _severity(context)
    if shared is not None:
        blocks += criteria_agreement.more(context, shared)
        blocks += _reasons(context, shared)
    return blocks


def _table(context: Context, found: Distribution, shared: pd.DataFrame | None) -> list[Block]:
    """Set the criteria side by side; without scores where these are hidden."""
    say, parts = context.say, dict(iter(found.by_criterion.groupby("criterion_id", sort=True)))
    names = list(parts) if parts or shared is None else list(shared["criterion_id"])
    if not names:
        return []
    columns = [Column(say(msg("Criterion")))]
    if parts:
        columns += [
            Column(say(msg("Scores")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
            Column(say(msg("Spread over the scale"))),
        ]
    if shared is not None:
        columns += [
            Column(say(msg("Agreement (ICC)"))),
            Column(say(msg("Beyond chance (alpha)")), numeric=True),
            Column(say(msg("Within one point")), numeric=True),
        ]
    columns.append(Column(say(msg("Behaviour described"))))
    described = {
        str(row["criterion_id"]): len(anchor_columns(context, row))
        for row in context.data.criteria.to_dict("records")
    }
    n_points = sum(1 for p in context.points if float(p).is_integer())
    rows = []
    for criterion in names:
        cells: list[str | Cell] = [context.criterion(criterion)]
        if parts:
            cells += _spread(context, str(criterion), parts[criterion])
        if shared is not None:
            cells += _shared(context, shared[shared["criterion_id"] == criterion])
        cells.append(
            say(msg("{n} of {total} points", n=described.get(str(criterion), 0), total=n_points))
        )
        rows.append(tuple(cells))
    return [Table(say(msg("The criteria side by side")), tuple(columns), tuple(rows))]


def _spread(context: Context, criterion: str, part: pd.DataFrame) -> list[str | Cell]:
    hidden = context.say(msg("hidden"))
    name = context.criterion(criterion)
    known = part["n"].notna().all()
    n = part["n"].sum()
    mean = float((part["score"] * part["n"]).sum() / n) if known and n else float("nan")
    shares = [float(share) for share in part["share"]]
    text = "; ".join(
        f"{context.score(score, 1)}: {context.percent(share) if pd.notna(share) else hidden}"
        for score, share in zip(part["score"], part["share"], strict=True)
    )
    drawn = part["share"].notna().any() and len(part) <= 21
    return [
        context.language.whole(int(n)) if known else hidden,
        context.score(mean),
        Cell(drawing=bars(shares, f"{name}: {text}")) if drawn else hidden,
    ]


def _shared(context: Context, rows: pd.DataFrame) -> list[str | Cell]:
    if rows.empty:
        return [NO_VALUE] * 3
    row = rows.iloc[0]
    within = row["within_one"]
    if pd.isna(row["icc_a1"]):
        icc: str | Cell = context.say(msg("not estimable"))
    else:
        low, high = float(row["ci_low"]), float(row["ci_high"])
        icc = Cell(
            f"{context.score(row['icc_a1'])} {context.say(agreement_word(low, high))}",
            under=context.interval(low, high),
        )
    return [
        icc,
        criteria_agreement.beyond_chance(context, row, "alpha"),
        Cell(context.percent(within), strong=bool(within < USUAL_WITHIN_ONE)),
    ]


def _reasons(context: Context, shared: pd.DataFrame) -> list[Block]:
    """Gather why something about agreement is not estimable, once per reason."""
    found: dict[str, list[str]] = {}
    for row in shared.to_dict("records"):
        for name in ("reason", "alpha_reason", "kappa_reason"):
            if isinstance(row[name], Message):
                names = found.setdefault(context.say(row[name]), [])
                names.append(context.criterion(row["criterion_id"]))
    if not found:
        return []
    notes: list[Block] = []
    for text, names in found.items():
        once = list(dict.fromkeys(names))
        shown = once[:MOST_NAMED]
        if len(once) > len(shown):
            more = len(once) - len(shown)
            shown.append(context.say(msgn("{n} other", "{n} others", more)))
        notes.append(Text(f"{context.language.join(shown)}: {text}"))
    return [Fold(context.say(msg("Where agreement is not estimable, and why")), tuple(notes))]


def _severity(context: Context) -> list[Block]:
    """Say for the whole department whether severity differs by criterion."""
    found, say = context.analysis.differential, context.say
    if found is None:
        return []
    if not isinstance(found, DifferentialSeverity):
        note = context.reason(found, ANSWERS["differential"])
        return [Fold(note.title, (Text(note.text),))]
    if found.p_differential >= NO_DIFFERENCE:
        sentence = msg(
            "No sign that raters are stricter on one criterion than on another, beyond chance."
        )
    else:
        sentence = msg(
            "Raters are not equally strict on every criterion: beside a rater's own level the"
            " typical shift is {size} points.",
            size=found.sd_differential,
        )
    texts = [say(sentence), _how_large(context, found)]
    return [Text(" ".join(texts))]


def _how_large(context: Context, found: DifferentialSeverity) -> str:
    if math.isfinite(found.sd_high):
        return context.say(
            msg(
                "These ratings leave open a typical shift of {between} points.",
                between=context.interval(found.sd_low, found.sd_high),
            )
        )
    return context.say(msg("How large it can be, these ratings leave open."))
