"""One style for every figure, and how a figure becomes an image in the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from pipeline.locale import Language
from pipeline.pack.blocks import Picture

INK, TEXT, QUIET, LINE = "#16253b", "#24303f", "#5d6470", "#ddd8cf"
BLUE, BLUE_PALE, BLUE_SOFT = "#1f4e79", "#9db8d2", "#e8eef4"
OCHRE, OCHRE_MARK, GREY = "#96530c", "#cf8a2e", "#8b8578"

WIDTH = 7.6
"""Width of a figure in inches."""
MOST_MARKS_AS_VECTOR = 400
"""Above this many marks a picture is smaller as pixels."""
_PIXELS_PER_INCH = 96

_RC: Any = {
    **sns.axes_style("white"),
    **sns.plotting_context("paper"),
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.8,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": "#ece8e1",
    "grid.linewidth": 0.8,
    "text.color": TEXT,
    "text.parse_math": False,  # a name may hold a dollar sign
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "calibration-workbench",  # the same figure gives the same bytes
}


@contextmanager
def styled() -> Iterator[None]:
    """Use the style inside the block, whatever the notebook set."""
    with mpl.rc_context(_RC):
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return a figure that belongs to nobody else."""
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def picture(figure: Figure, n_marks: int = 0) -> Picture:
    """Turn a figure into an image in the page: lines where few marks, pixels where many."""
    width, height = figure.get_size_inches()
    raw = io.BytesIO()
    if n_marks <= MOST_MARKS_AS_VECTOR:
        # savefig would draw everything twice; the layout is found at the start of each drawing
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(raw, metadata={"Date": None, "Creator": None})
        kind = "svg+xml"
    else:
        figure.savefig(raw, format="png", dpi=2 * _PIXELS_PER_INCH, metadata={"Software": None})
        kind = "png"
    data = base64.b64encode(raw.getvalue()).decode()
    address = Markup(f"data:image/{kind};base64,{data}")  # base64 has no markup
    return Picture(address, round(width * _PIXELS_PER_INCH), round(height * _PIXELS_PER_INCH))


@lru_cache
def _drawable() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def label(text: str, longest: int = 30) -> str:
    """Cut a label from data to size and replace what the font cannot draw."""
    known = _drawable()
    plain = "".join(c if ord(c) in known else "\N{WHITE SQUARE}" for c in " ".join(text.split()))
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def numbers(axis: Any, language: Language, decimals: int | None = None) -> None:
    """Write the numbers along an axis as the language does."""

    def write(value: float, _: int | None) -> str:
        places = decimals
        if places is None:
            places = 0 if abs(value - round(value)) < 1e-9 else 1 if abs(
                value * 10 - round(value * 10)
            ) < 1e-6 else 2  # fmt: skip
        return language.number(value, places)

    axis.set_major_formatter(FuncFormatter(write))


def percents(axis: Any, language: Language) -> None:
    """Write shares along an axis as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: language.percent(value)))


def bare(ax: Axes, *, left: bool = True, bottom: bool = False) -> None:
    """Remove the frame but for what carries a scale."""
    sns.despine(ax=ax, left=left, bottom=bottom)
