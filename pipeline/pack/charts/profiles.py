"""Rating profiles: the mean of each profile per criterion."""

from __future__ import annotations

from collections.abc import Sequence

import seaborn as sns

from pipeline.locale import Language
from pipeline.pack.blocks import Picture
from pipeline.pack.charts.style import (
    BLUE,
    GREY,
    INK,
    OCHRE_MARK,
    bare,
    label,
    new_figure,
    numbers,
    picture,
    styled,
)

_COLOURS = (BLUE, OCHRE_MARK, GREY, INK)
_SHAPES = ("o", "D", "s", "^")
_STYLES = ("-", "--", ":", "-.")


def profile_lines(
    criteria: Sequence[str],
    profiles: Sequence[tuple[str, Sequence[float]]],
    ends: tuple[float, float],
    language: Language,
) -> Picture:
    """Draw a line per profile over the criteria; lines differ in shape and dash as well."""
    with styled():
        figure = new_figure(2.8)
        ax = figure.subplots()
        for number, (name, means) in enumerate(profiles):
            style = number % len(_COLOURS)
            sns.lineplot(
                x=range(len(criteria)), y=list(means), ax=ax, color=_COLOURS[style],
                marker=_SHAPES[style], linestyle=_STYLES[style], markersize=6, linewidth=1.8,
                label=label(name, 40), errorbar=None,
            )  # fmt: skip
        ax.set_xticks(range(len(criteria)), [label(c, 18) for c in criteria])
        ax.set_ylim(*ends)
        ax.set_xlim(-0.3, len(criteria) - 0.7)
        numbers(ax.yaxis, language)
        ax.grid(axis="y")
        bare(ax)
        if (inner := ax.get_legend()) is not None:
            inner.remove()
        figure.legend(loc="outside upper left", ncols=min(4, len(profiles)), borderpad=0)
        return picture(figure)
