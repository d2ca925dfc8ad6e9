"""Raters of conversations beside each other: severity, agreement, and how many are enough."""

from __future__ import annotations

from pipeline.errors import msg
from pipeline.methods.components import Components
from pipeline.methods.design import Design
from pipeline.pack.blocks import Block, Part, Text
from pipeline.pack.context import Context
from pipeline.pack.sections import criteria, raters, variance
from pipeline.pack.wording import ANSWERS


def severity(context: Context) -> list[Block]:
    """Say whether raters can be compared, and how strict each of them is."""
    design = context.analysis.design
    if not isinstance(design, Design):
        return [context.reason(design, ANSWERS["design"])]
    return [
        raters.banner(context, design),
        *raters.beside_each_other(context, design),
        *raters.details(context, design, []),
    ]


def agreement(context: Context) -> list[Block]:
    """Show agreement, first over all criteria together, then per criterion."""
    return [
        *raters.agreement(context),
        Part(context.say(msg("Per criterion")), tuple(criteria.build(context))),
    ]


def enough(context: Context) -> list[Block]:
    """Say how many raters and conversations are enough, and what that rests on."""
    found, say = context.analysis.components, context.say
    if not isinstance(found, Components):
        return [context.no_answer(found, ANSWERS["components"])]
    needed = variance.sentence(context)
    sources = say(msg("Where differences between scores come from"))
    return [
        *([Text(needed, lead=True)] if needed else []),
        *variance.enough(context, found),
        Part(sources, tuple(variance.shares(context, found))),
    ]
