"""Words for numbers: no more certain than the numbers are."""

from __future__ import annotations

import pytest

from pipeline.pack.wording import agreement_word

from .conftest import MakePack
from .test_sessions import text_of


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.2, 0.49, "poor"),
        (0.5, 0.74, "moderate"),
        (0.76, 0.89, "good"),
        (0.9, 1.0, "excellent"),
        (0.41, 0.82, "poor to good"),
        (0.74, 0.75, "moderate to good"),
        (-0.1, 1.0, "poor to excellent"),
    ],
)
def test_agreement_is_worded_from_both_ends_of_its_interval(
    low: float, high: float, word: str
) -> None:
    """One word where both ends earn it, else a range (Koo & Li 2016)."""
    assert str(agreement_word(low, high)) == word


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_pack_words_agreement_as_its_interval_allows(pack_of: MakePack, language: str) -> None:
    """The word beside the number and its interval is that of the interval."""
    pack = pack_of(language=language)
    context = pack.context
    row = context.analysis.agreement.overall.iloc[0]  # type: ignore[union-attr]
    low, high = float(row["icc_a1_low"]), float(row["icc_a1_high"])
    expected = f"{context.say(agreement_word(low, high))} ({context.interval(low, high)})"
    assert expected in text_of(str(pack.raters().html))
