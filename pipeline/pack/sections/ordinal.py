"""The scale as a ladder, inside part 7: does the picture change when scores are only in order?"""

from __future__ import annotations

import pandas as pd

from pipeline.errors import msg, msgn
from pipeline.methods.ordinal import Ordinal
from pipeline.pack.blocks import Block, Column, Fold, Table, Text
from pipeline.pack.context import Context

MOST_SHOWN = 10
_FIT = {
    "muted": msg("very predictable"),
    "noisy": msg("erratic"),
    "degrading": msg("very erratic"),
}


def build(context: Context) -> list[Block]:
    """Make the sentences and the fold about the ladder."""
    found = context.analysis.ordinal
    if not isinstance(found, Ordinal):
        return []
    sentences = _about_severity(context, found)
    if context.is_organisation:
        # which points are empty or rare would tell of a small group
        return [Text(one) for one in sentences]
    text = " ".join([*sentences, *_about_the_scale(context, found)])
    blocks: list[Block] = [Text(text)] if text else []
    details = tuple(_details(context, found))
    return [*blocks, Fold(context.say(msg("The scale as a ladder of categories")), details)]


def _about_severity(context: Context, found: Ordinal) -> list[str]:
    if found.spearman is None:
        return []
    text = (
        msg(
            "The order of raters by severity changes when scale points need not be equally far"
            " apart (rank correlation {r}): read severity with care.",
            r=float(found.spearman),
        )
        if found.disagrees
        else msg(
            "The order of raters by severity hardly changes when scale points need not be equally"
            " far apart (rank correlation {r}).",
            r=float(found.spearman),
        )
    )
    return [context.say(text)]


def _about_the_scale(context: Context, found: Ordinal) -> list[str]:
    say, texts = context.say, []
    if found.crowded:
        texts.append(
            say(
                msg(
                    "The ends of the scale are crowded: {low} of the scores are the lowest point,"
                    " {high} the highest. Differences beyond an end cannot show.",
                    low=context.percent(found.share_floor),
                    high=context.percent(found.share_ceiling),
                )
            )
        )
    if found.unused:
        points = [context.score(point, 1) for point in found.unused]
        texts.append(
            say(
                msgn(
                    "Nobody used the point {points} of the scale.",
                    "Nobody used the points {points} of the scale.",
                    len(points),
                    points=context.language.join(points[:MOST_SHOWN]),
                )
            )
        )
    return texts


def _details(context: Context, found: Ordinal) -> list[Block]:
    say = context.say
    blocks: list[Block] = [
        Text(
            say(
                msg(
                    "Here scores are steps of a ladder: a step up is hard or easy, whatever its"
                    " number. Units are log odds (logits)."
                )
            )
        )
    ]
    if found.thresholds["threshold"].notna().any():
        blocks.append(_thresholds(context, found))
        if (found.thresholds["threshold"].diff() < 0).any():
            blocks.append(
                Text(
                    say(
                        msg(
                            "The steps do not rise everywhere, so one scale point is never the most"
                            " likely score. Ask what that point means."
                        )
                    )
                )
            )
    blocks += _fit(context, found)
    if found.spearman_reason is not None:
        blocks.append(
            Text(
                say(msg("Not compared with severity in scale points:"))
                + " "
                + say(found.spearman_reason)
            )
        )
    return blocks


def _thresholds(context: Context, found: Ordinal) -> Table:
    say = context.say
    rows = found.thresholds.to_dict("records")
    return Table(
        say(msg("How hard each step of the scale is")),
        (
            Column(say(msg("Step"))),
            Column(say(msg("Threshold (logits)")), numeric=True),
            Column(say(msg("Interval")), numeric=True),
        ),
        tuple(
            (
                f"{context.score(row['from_score'], 1)} → {context.score(row['to_score'], 1)}",
                context.score(row["threshold"]),
                context.interval(row["ci_low"], row["ci_high"]),
            )
            for row in rows
        ),
        dense=True,
    )


def _fit(context: Context, found: Ordinal) -> list[Block]:
    """Name raters whose scores are more, or less, predictable than the model expects."""
    say = context.say
    known = found.raters[found.raters["reason"].isna()]
    if known.empty:
        return []
    odd = known[known["fit"].isin(list(_FIT))]
    n_plain = len(known) - len(odd)
    blocks: list[Block] = [
        Text(
            say(
                msgn(
                    "{n} rater scores about as predictably as expected (infit and outfit from 0.5"
                    " to 1.5).",
                    "{n} raters score about as predictably as expected (infit and outfit from 0.5"
                    " to 1.5).",
                    n_plain,
                )
            )
        )
    ]
    if odd.empty:
        return blocks
    ordered = odd.assign(worst=odd[["infit", "outfit"]].max(axis=1)).sort_values(
        ["worst", "rater_id"], ascending=[False, True]
    )
    rest = len(ordered) - MOST_SHOWN
    blocks.append(
        Table(
            say(msg("Raters who score otherwise (1 is expected; above, less predictable)")),
            (
                Column(say(msg("Rater"))),
                Column(say(msg("Infit")), numeric=True),
                Column(say(msg("Outfit")), numeric=True),
                Column(say(msg("In words"))),
                Column(say(msg("Scores")), numeric=True),
            ),
            tuple(
                (
                    context.person(row["rater_id"]),
                    context.score(row["infit"]),
                    context.score(row["outfit"]),
                    say(_FIT[row["fit"]]),
                    context.language.whole(int(row["n_ratings"]))
                    if pd.notna(row["n_ratings"])
                    else "",
                )
                for row in ordered.head(MOST_SHOWN).to_dict("records")
            ),
            note=say(msg("{n} more.", n=rest)) if rest > 0 else "",
            dense=True,
        )
    )
    return blocks
