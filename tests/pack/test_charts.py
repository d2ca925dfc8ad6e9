"""Figures: readable and of bounded size from four to thousands of marks, the same every time."""

from __future__ import annotations

import base64
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import _pylab_helpers

from pipeline.locale import Language
from pipeline.pack.blocks import Picture
from pipeline.pack.charts import forest, level_bars, profile_lines, ribbon, score_bars
from pipeline.pack.charts.intervals import Estimate, Scale
from pipeline.pack.charts.spread import Series

NL, EN = Language("nl"), Language("en")
NAN = float("nan")
SCALE = Scale("severity", reference=0.0, zone=(-0.3, 0.3), left_word="milder", right_word="strict")


def estimates(n: int, name: str = "Rater") -> list[Estimate]:
    """Return so many estimates, one without an interval."""
    return [
        Estimate(f"{name} {i}", i / n, NAN if i == 0 else i / n - 0.2, i / n + 0.2, "7", i == 1)
        for i in range(n)
    ]


def raw(picture: Picture) -> bytes:
    """Return the image itself."""
    return base64.b64decode(str(picture.address).split(",", 1)[1])


@pytest.mark.parametrize("n", [1, 4, 40])
def test_a_forest_names_each_row_and_stays_small(n: int) -> None:
    """Up to forty raters have a row each, drawn as lines."""
    picture = forest(estimates(n), SCALE, "people", EN)
    assert str(picture.address).startswith("data:image/svg+xml;base64,")
    assert len(picture.address) < 400_000
    assert picture.height < 1_200


@pytest.mark.parametrize("n", [41, 2_500])
def test_a_ribbon_holds_thousands(n: int) -> None:
    """A picture of 2,500 raters is no larger than one of 41."""
    middle = np.linspace(-1, 1, n)
    picture = ribbon(middle, middle - 0.3, middle + 0.3, SCALE, f"{n} raters", "raters", NL)
    assert len(picture.address) < 400_000
    assert picture.height < 500


def test_a_ribbon_without_intervals() -> None:
    """Raters of one person each have a mean and no interval."""
    middle = np.linspace(1, 5, 60)
    ribbon(middle, middle * NAN, middle * NAN, SCALE, "60 raters", "raters", EN)


def bars(**changes: object) -> Picture:
    """Draw a distribution."""
    options: dict[str, object] = {
        "names": ["1\nlow", "2", "3\nhigh"],
        "main": Series("here", [0.2, NAN, 0.8]),
        "counts": ["2", "", "8"],
        "others": [Series("all", [0.3, 0.3, 0.4]), Series("before", [0.1, 0.1, 0.8])],
        "band": {0: (0.0, 0.1), 2: (0.05, 0.2)},
        "band_name": "not a quota",
        "hidden": "hidden",
        "language": NL,
        **changes,
    }
    return score_bars(**options)  # type: ignore[arg-type]


def test_the_distribution_stands_hidden_bars_and_long_scales() -> None:
    """A hidden share is no bar; a scale of 101 points still fits."""
    assert bars().width == 730
    many = [1 / 101] * 101
    bars(
        names=[str(i) for i in range(101)],
        main=Series("here", many),
        counts=["1"] * 101,
        others=[],
        band={},
    )


def test_levels_and_profiles() -> None:
    """Twelve levels and four profiles are drawn, hidden ones in words."""
    panels = [(f"Level {i}", [0.1, NAN if i == 3 else 0.2, 0.7]) for i in range(12)]
    level_bars(["1", "2", "3"], panels, "hidden", NL)
    profile_lines(["a", "b"], [(f"P{i}", [1.0, 2.0 + i]) for i in range(4)], (1, 5), NL)


def test_the_same_figure_gives_the_same_bytes() -> None:
    """Packs are compared by their bytes."""
    assert raw(bars()) == raw(bars())


def test_an_image_names_no_outside_address_outside_its_own_namespace() -> None:
    """Nothing in an image could be fetched."""
    text = raw(forest(estimates(4), SCALE, "people", EN)).decode()
    assert "<script" not in text
    assert 'href="http' not in text


@pytest.mark.parametrize("name", ["$x^$", "👩‍👧 \U0001f9ff", "שלום", "名前", "a" * 500, "<b>&"])
def test_labels_from_data_draw_without_a_warning(name: str) -> None:
    """Names with dollars, emoji or foreign letters are no reason to stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forest(estimates(4, name), SCALE, "people", EN)


def test_no_global_state_is_left() -> None:
    """A figure leaves pyplot and the notebook's own style alone."""
    before = dict(mpl.rcParams)
    forest(estimates(4), SCALE, "people", EN)
    assert dict(mpl.rcParams) == before
    assert _pylab_helpers.Gcf.get_num_fig_managers() == 0


def test_numbers_along_axes_follow_the_language() -> None:
    """Dutch figures have decimal commas, so the bytes differ from English ones."""
    assert raw(forest(estimates(4), SCALE, "x", NL)) != raw(forest(estimates(4), SCALE, "x", EN))
