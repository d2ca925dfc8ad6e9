"""How scores are spread over the scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from pipeline.locale import Language
from pipeline.pack.blocks import Picture
from pipeline.pack.charts.style import (
    BLUE,
    GREY,
    INK,
    OCHRE_MARK,
    QUIET,
    bare,
    label,
    new_figure,
    percents,
    picture,
    styled,
)

_PANELS_A_ROW = 4


@dataclass(frozen=True)
class Series:
    """Shares (0-1) per scale point under a name; missing where hidden."""

    name: str
    shares: Sequence[float]


def score_bars(
    names: Sequence[str],
    main: Series,
    counts: Sequence[str],
    others: Sequence[Series],
    band: Mapping[int, tuple[float, float]],
    band_name: str,
    hidden: str,
    language: Language,
) -> Picture:
    """Draw the department as bars and others as marks on them.

    Parameters
    ----------
    names
        What each scale point is called.
    main, counts
        Shares of the department and the counts written above them.
    others
        At most two series, drawn as marks that also differ in shape.
    band, band_name
        Reference band: position of the point and its shares from-to.
    hidden
        Word for a bar that is not shown.
    """
    with styled():
        figure = new_figure(2.9)
        ax = figure.subplots()
        positions = range(len(names))
        shown = [0.0 if math.isnan(share) else share for share in main.shares]
        ax.bar(positions, shown, width=0.62, color=BLUE, zorder=2)
        for at, (low, high) in band.items():
            ax.add_patch(
                Rectangle(
                    (at - 0.42, low), 0.84, high - low, fill=False, hatch="////",
                    edgecolor=GREY, linewidth=0, alpha=0.65, zorder=1,
                )
            )  # fmt: skip
        marks = (("_", OCHRE_MARK, 26, 3.2), ("D", "white", 6.5, 1.4))
        for one, (shape, colour, size, weight) in zip(others, marks, strict=False):
            ax.plot(
                positions, one.shares, shape, color=colour, markersize=size,
                markeredgewidth=weight, markeredgecolor=OCHRE_MARK if shape == "_" else INK,
                zorder=4, linestyle="none", clip_on=False,
            )  # fmt: skip
        tops = [
            max([share, *(s.shares[i] for s in others if not math.isnan(s.shares[i]))])
            for i, share in enumerate(shown)
        ]
        _hidden_boxes(ax, positions, main.shares, 0.025, 0.62)
        tops = [
            max(top, 0.025 * math.isnan(own)) for top, own in zip(tops, main.shares, strict=True)
        ]
        for at, share, text, top in zip(positions, main.shares, counts, tops, strict=True):
            word = hidden if math.isnan(share) else text
            ax.annotate(
                word, (at, top), xytext=(0, 6), textcoords="offset points", ha="center",
                va="bottom", color=QUIET if math.isnan(share) else INK, fontsize=8.5,
            )  # fmt: skip
        highest = max([*tops, *(high for _, high in band.values()), 0.05])
        ax.set_ylim(0, highest * 1.16)
        ax.set_xlim(-0.6, len(names) - 0.4)
        every = max(1, math.ceil(len(names) / 12))
        ticks = [at for at in positions if at % every == 0]
        short = 20 if len(names) <= 5 else 15 if len(names) <= 7 else 6
        ax.set_xticks(ticks, [_two_lines(names[at], short) for at in ticks])
        percents(ax.yaxis, language)
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.grid(axis="y")
        bare(ax)
        handles: list[Patch | Line2D] = [Patch(color=BLUE, label=label(main.name, 40))]
        for one, (shape, colour, _, weight) in zip(others, marks, strict=False):
            handles.append(
                Line2D(
                    [], [], linestyle="none", marker=shape, color=colour, label=label(one.name, 40),
                    markersize=11 if shape == "_" else 6, markeredgewidth=weight,
                    markeredgecolor=OCHRE_MARK if shape == "_" else INK,
                )
            )  # fmt: skip
        if band:
            handles.append(
                Patch(fill=False, hatch="////", edgecolor=GREY, linewidth=0, label=band_name)
            )
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), handletextpad=0.5,
            columnspacing=1.6, borderpad=0,
        )  # fmt: skip
        return picture(figure)


def _two_lines(name: str, longest: int) -> str:
    first, _, rest = name.partition("\n")
    return f"{label(first, longest)}\n{label(rest, longest)}" if rest else label(first, longest)


def level_bars(
    points: Sequence[str],
    panels: Sequence[tuple[str, Sequence[float]]],
    hidden: str,
    language: Language,
) -> Picture:
    """Draw one small bar chart per job level, on one scale.

    Parameters
    ----------
    points
        Scale points.
    panels
        Title and shares per scale point, missing where hidden.
    hidden
        Word for a panel that is not shown.
    """
    with styled():
        rows = [panels[at : at + _PANELS_A_ROW] for at in range(0, len(panels), _PANELS_A_ROW)]
        figure = new_figure(0.3 + 1.3 * len(rows))
        grid = figure.subplots(len(rows), 1, sharey=True, squeeze=False)
        highest = max(
            [share for _, shares in panels for share in shares if not math.isnan(share)] or [1.0]
        )
        for ax, row in zip(grid.flat, rows, strict=True):
            _row_of_panels(ax, row, points, highest, hidden)
            percents(ax.yaxis, language)
            ax.yaxis.set_major_locator(MaxNLocator(3))
            ax.grid(axis="y")
            bare(ax)
        return picture(figure, n_marks=len(panels) * len(points))


def _row_of_panels(
    ax: Axes,
    panels: Sequence[tuple[str, Sequence[float]]],
    points: Sequence[str],
    highest: float,
    hidden: str,
) -> None:
    """Draw panels side by side in one axes: a tenth of the time of an axes each."""
    wide = len(points) + 1.6
    every = max(1, math.ceil(len(points) / 7))
    ticks: list[float] = []
    words: list[str] = []
    for number, (title, shares) in enumerate(panels):
        left = number * wide
        known = [0.0 if math.isnan(share) else share for share in shares]
        ax.bar([left + at for at in range(len(points))], known, width=0.72, color=BLUE)
        middle = left + (len(points) - 1) / 2
        if all(math.isnan(share) for share in shares):
            ax.text(middle, highest / 2, hidden, ha="center", color=QUIET, fontsize=8)
        else:
            places = [left + at for at in range(len(points))]
            _hidden_boxes(ax, places, shares, highest * 0.12, 0.72)
        ax.text(
            left - 0.4, highest * 1.16, label(title, 26), color=INK, fontsize=8.5, weight="bold"
        )
        ticks += [left + at for at in range(0, len(points), every)]
        words += [points[at] for at in range(0, len(points), every)]
    ax.set_xticks(ticks, words)
    ax.set_xlim(-0.9, _PANELS_A_ROW * wide - 1.2)
    ax.set_ylim(0, highest * 1.32)


def _hidden_boxes(
    ax: Axes, places: Sequence[float], shares: Sequence[float], tall: float, wide: float
) -> None:
    """Draw a dashed box where a share is hidden, so that it is not read as nothing."""
    for at, share in zip(places, shares, strict=True):
        if math.isnan(share):
            ax.add_patch(
                Rectangle(
                    (at - wide / 2, 0),
                    wide,
                    tall,
                    fill=False,
                    edgecolor=GREY,
                    linestyle="--",
                    linewidth=0.9,
                )
            )
