"""Scores before and after a session, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.lines import Line2D

from pipeline.locale import Language
from pipeline.pack.blocks import Picture
from pipeline.pack.charts.intervals import Scale
from pipeline.pack.charts.style import (
    BLUE,
    GREY,
    LINE,
    OCHRE_MARK,
    QUIET,
    bare,
    label,
    new_figure,
    numbers,
    picture,
    styled,
)


@dataclass(frozen=True)
class Pair:
    """A named score before and after."""

    name: str
    before: float
    after: float


def paired(
    rows: Sequence[Pair], scale: Scale, words: tuple[str, str, str], language: Language
) -> Picture:
    """Draw one row per changed score: an open mark before, a filled one after.

    Parameters
    ----------
    rows
        In order, from the top.
    scale
        Title, ends and ticks of the horizontal scale.
    words
        What before, after and higher, and after and lower are called.
    """
    with styled():
        figure = new_figure(0.95 + 0.25 * max(len(rows), 2))
        ax = figure.subplots()
        for at, row in enumerate(reversed(rows)):
            up = row.after > row.before
            colour, shape = (BLUE, "o") if up else (OCHRE_MARK, "D")
            ax.plot((row.before, row.after), (at, at), color=colour, linewidth=1.6, zorder=2)
            ax.plot(
                row.before, at, "o", markersize=6, markerfacecolor="white", markeredgecolor=GREY,
                markeredgewidth=1.4, zorder=3,
            )  # fmt: skip
            ax.plot(row.after, at, shape, color=colour, markersize=6, zorder=4)
        ax.set_yticks(range(len(rows)), [label(row.name, 34) for row in reversed(rows)])
        ax.set_ylim(-0.7, len(rows) - 0.3)
        if scale.ends is not None:
            ax.set_xlim(*scale.ends)
        numbers(ax.xaxis, language)
        if scale.ticks:
            ax.set_xticks(scale.ticks)
        ax.set_xlabel(scale.title, color=QUIET)
        ax.grid(axis="x")
        bare(ax)
        ax.spines["bottom"].set_color(LINE)
        before, higher, lower = words
        handles = [
            Line2D([], [], linestyle="none", marker="o", markerfacecolor="white",
                   markeredgecolor=GREY, markeredgewidth=1.4, label=before),
        ]  # fmt: skip
        for word, shape, colour, there in (
            (higher, "o", BLUE, any(row.after > row.before for row in rows)),
            (lower, "D", OCHRE_MARK, any(row.after < row.before for row in rows)),
        ):
            if there:
                handles.append(
                    Line2D([], [], linestyle="none", marker=shape, color=colour, label=word)
                )
        figure.legend(
            handles=handles, loc="outside upper left", ncols=3, handletextpad=0.5,
            columnspacing=1.6, borderpad=0,
        )  # fmt: skip
        return picture(figure, n_marks=3 * len(rows))
