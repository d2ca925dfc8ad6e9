"""Performance beside potential, inside part 6 of a session about talent."""

from __future__ import annotations

from pipeline.errors import msg, msgn
from pipeline.methods.nine_box import HIGH, LOW, MIDDLE, NineBox
from pipeline.pack.blocks import Block, Cell, Column, Note, Part, Table, Text
from pipeline.pack.context import Context, Row
from pipeline.pack.wording import ANSWERS

MOST_NAMES = 12
_BANDS = {LOW: msg("low"), MIDDLE: msg("middle"), HIGH: msg("high")}


def build(context: Context) -> list[Block]:
    """Make the grid, or say why there is none; nothing where the session has another focus."""
    found = context.analysis.nine_box
    if found is None:
        return []
    title = context.say(msg("Performance and potential"))
    if not isinstance(found, NineBox):
        return [Part(title, (context.reason(found, ANSWERS["nine_box"]),))]
    return [Part(title, (Text(_opening(context, found)), _grid(context, found), _limits(context)))]


def _opening(context: Context, found: NineBox) -> str:
    say = context.say
    criteria = context.language.join([context.criterion(one) for one in found.potential])
    low, high = (context.score(border, 1) for border in found.borders)
    texts = [
        say(
            msg(
                "Potential is the mean score on {criteria}, performance that on all other criteria;"
                " low is below {low}, high from {high}.",
                criteria=criteria,
                low=low,
                high=high,
            )
        )
    ]
    unknown = [one for one in context.settings.talent.potential if one not in found.potential]
    if unknown:
        texts.append(
            say(
                msg(
                    "Nobody was rated on {names}, which workbench.toml names as potential too.",
                    names=context.language.join(unknown),
                )
            )
        )
    known = found.people["sure"].notna()
    unsure = int((~found.people.loc[known, "sure"].astype(bool)).sum())
    if not known.any():
        texts.append(say(msg("How sure the places are, these ratings cannot tell.")))
    elif unsure:
        texts.append(
            say(
                msgn(
                    "For {n} of {total} people (marked ±) the interval reaches another box.",
                    "For {n} of {total} people (marked ±) the interval reaches another box.",
                    unsure,
                    total=int(known.sum()),
                )
            )
        )
    if found.n_left_out:
        texts.append(
            say(
                msgn(
                    "{n} person without a score on one of the two is not in the grid.",
                    "{n} people without a score on one of the two are not in the grid.",
                    found.n_left_out,
                )
            )
        )
    return " ".join(texts)


def _grid(context: Context, found: NineBox) -> Table:
    say, people = context.say, found.people.to_dict("records")
    rows: list[tuple[str | Cell, ...]] = []
    for potential in (HIGH, MIDDLE, LOW):
        cells: list[str | Cell] = [say(msg("{band} potential", band=say(_BANDS[potential])))]
        for performance in (LOW, MIDDLE, HIGH):
            here = [
                one
                for one in people
                if (one["performance_band"], one["potential_band"]) == (performance, potential)
            ]
            cells.append(_box(context, here))
        rows.append(tuple(cells))
    columns = (
        Column(say(msg("Potential"))),
        *(
            Column(say(msg("{band} performance", band=say(_BANDS[band]))), wide=True)
            for band in (LOW, MIDDLE, HIGH)
        ),
    )
    return Table(
        say(msg("Performance and potential of everybody in this pack")), columns, tuple(rows)
    )


def _box(context: Context, people: list[Row]) -> str | Cell:
    if not people:
        return context.say(msg("nobody"))
    names = sorted(
        context.person(one["employee_id"]) + ("\u00a0±" if one["sure"] is False else "")
        for one in people
    )
    text = ", ".join(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        text += ", " + context.say(msg("and {n} more", n=len(names) - MOST_NAMES))
    return Cell(text, under=context.subjects_counted(len(people)))


def _limits(context: Context) -> Note:
    return Note(
        context.say(
            msg(
                "The grid shows scores of now. It predicts nobody's career, and meanings of"
                " potential differ: agree first on what was seen."
            )
        )
    )
