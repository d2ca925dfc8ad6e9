"""Estimates with their intervals: named one by one where few, as a sorted band where many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pipeline.locale import Language
from pipeline.pack.blocks import Picture
from pipeline.pack.charts.style import (
    BLUE,
    BLUE_PALE,
    BLUE_SOFT,
    INK,
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

MOST_SINGLE_INTERVALS = 150
"""Above this many intervals single ones are noise; the band shows the typical one."""
MOST_NAMED = 40
"""Above this many rows names cannot be read; the rows become a sorted band."""


@dataclass(frozen=True)
class Estimate:
    """A named value with its interval (missing where there is none) and a note at the right."""

    name: str
    middle: float
    low: float
    high: float
    note: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Scale:
    """The horizontal scale: its title, a reference line, a zone around it, its ends."""

    title: str
    reference: float | None = None
    zone: tuple[float, float] | None = None
    ends: tuple[float, float] | None = None
    left_word: str = ""
    right_word: str = ""
    ticks: tuple[float, ...] = ()


def forest(rows: Sequence[Estimate], scale: Scale, note_title: str, language: Language) -> Picture:
    """Draw one row per estimate: a mark, its interval, a note.

    Marked rows have another shape as well as another colour.
    """
    with styled():
        figure = new_figure(0.85 + 0.235 * max(len(rows), 3))
        ax = figure.subplots()
        at = np.arange(len(rows))[::-1]
        _ground(ax, scale)
        for marked, colour, shape, size in ((False, BLUE, "o", 5.0), (True, OCHRE_MARK, "D", 5.4)):
            chosen = [(y, row) for y, row in zip(at, rows, strict=True) if row.marked is marked]
            known = [(y, row) for y, row in chosen if np.isfinite(row.low + row.high)]
            ax.hlines(
                [y for y, _ in known],
                [row.low for _, row in known],
                [row.high for _, row in known],
                color=colour,
                linewidth=1.7,
                zorder=2,
            )
            ax.plot(
                [row.middle for _, row in chosen],
                [y for y, _ in chosen],
                shape,
                color=colour,
                markersize=size,
                markeredgecolor="white",
                markeredgewidth=0.6,
                zorder=3,
            )
        ax.set_yticks(at, [label(row.name) for row in rows])
        ax.set_ylim(-0.7, len(rows) - 0.3)
        beside = ax.get_yaxis_transform()
        for y, row in zip(at, rows, strict=True):
            note = ax.text(
                1.01, y, row.note, transform=beside, va="center", color=QUIET, fontsize=8
            )
            note.set_in_layout(False)  # the title above them keeps the room
        top = len(rows) - 0.3
        ax.text(1.01, top, note_title, transform=beside, va="bottom", color=QUIET, fontsize=8)
        ax.tick_params(axis="y", length=0)
        _finish(ax, scale, language)
        return picture(figure, n_marks=3 * len(rows))


def ribbon(
    middle: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    scale: Scale,
    counted: str,
    number_title: str,
    language: Language,
) -> Picture:
    """Draw many estimates sorted, with their intervals as a band and their distribution beside.

    Parameters
    ----------
    middle, low, high
        Estimates and intervals, in any order; intervals may be missing.
    scale
        The scale of the estimates (drawn upwards here).
    counted
        Title along the ranks, such as "2,498 raters, sorted".
    number_title
        Title of the distribution.
    """
    with styled():
        order = np.argsort(middle, kind="stable")
        mid, down, up = middle[order], low[order], high[order]
        figure = new_figure(3.1)
        ax, side = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
        ranks = np.arange(1, len(mid) + 1)
        if scale.zone is not None:
            for one in (ax, side):
                one.axhspan(*scale.zone, color=BLUE_SOFT, zorder=0, linewidth=0)
        if scale.reference is not None:
            for one in (ax, side):
                one.axhline(scale.reference, color=INK, linewidth=0.9, zorder=1)
        known = np.isfinite(down) & np.isfinite(up)
        if known.sum() > MOST_SINGLE_INTERVALS:
            wide = int(known.sum()) // 25
            ax.fill_between(
                ranks[known],
                _typical(down[known], wide),
                _typical(up[known], wide),
                color=BLUE_PALE,
                alpha=0.7,
                linewidth=0,
                zorder=2,
            )
        elif known.any():
            ax.vlines(
                ranks[known],
                down[known],
                up[known],
                color=BLUE_PALE,
                linewidth=max(0.8, min(2.4, 240 / len(mid))),
                zorder=2,
            )
        ax.plot(ranks, mid, color=BLUE, linewidth=2, zorder=3)
        sns.histplot(
            y=mid,
            ax=side,
            bins=min(30, max(8, len(mid) // 8)),
            color=BLUE,
            edgecolor="white",
            linewidth=0.3,
            alpha=1,
        )
        side.set_xlabel(label(number_title, 24))
        side.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        numbers(side.xaxis, language, 0)
        ax.set_xlabel(counted)
        ax.set_ylabel(scale.title)
        ax.set_xlim(0, len(mid) + 1)
        if scale.ends is not None:
            ax.set_ylim(*scale.ends)
        if scale.ticks:
            ax.set_yticks(scale.ticks)
        numbers(ax.yaxis, language)
        numbers(ax.xaxis, language, 0)
        ax.grid(axis="y")
        bare(ax)
        bare(side)
        return picture(figure, n_marks=len(mid))


def _typical(ends: np.ndarray, wide: int) -> np.ndarray:
    """Return the running median of interval ends, so that a band can be read."""
    running = pd.Series(ends).rolling(wide, center=True, min_periods=1).median()
    return np.asarray(running)


def _ground(ax: Axes, scale: Scale) -> None:
    if scale.zone is not None:
        ax.axvspan(*scale.zone, color=BLUE_SOFT, zorder=0, linewidth=0)
    if scale.reference is not None:
        ax.axvline(scale.reference, color=INK, linewidth=0.9, zorder=1)


def _finish(ax: Axes, scale: Scale, language: Language) -> None:
    if scale.ends is not None:
        ax.set_xlim(*scale.ends)
    numbers(ax.xaxis, language)
    if scale.ticks:
        ax.set_xticks(scale.ticks)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.set_xlabel(scale.title)
    ax.grid(axis="x")
    for word, x, side in ((scale.left_word, 0.0, "left"), (scale.right_word, 1.0, "right")):
        if word:
            ax.annotate(
                word,
                (x, 1.0),
                xycoords="axes fraction",
                xytext=(0, 3),
                textcoords="offset points",
                ha=side,
                va="bottom",
                color=QUIET,
                fontsize=8,
            )
    bare(ax)
    ax.spines["bottom"].set_color(LINE)
