"""The lists of words in workbench.toml: odd entries are refused, with what is wrong with them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.locale.words import pattern_of
from pipeline.settings import WordSettings, read_settings


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("", "at least 2 characters"),
        ("x", "at least 2 characters"),
        ("  ", "two signs or more"),
        ("**", "two signs or more"),
        ("(heel)", "two signs or more"),
        ("a*", "two signs or more"),
        ("doet (het goed", "bracket"),
        ("doet ((het) goed)", "bracket"),
        ("a*b*c*d*e*f", "star stands at the end"),
        ("w" * 101, "at most 100 characters"),
    ],
)
def test_an_odd_entry_is_refused(tmp_path: Path, entry: str, fault: str) -> None:
    """It would be found in every text, or take long to look for."""
    (tmp_path / "workbench.toml").write_text(f"[words]\nvague = ['{entry}']\n", encoding="utf-8")
    with pytest.raises(WrongUse, match=fault):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    "entry", ["[a-z]+", "c++", "a.c", "hands-on", "’s avonds", "prima $", "ab\\"]
)
def test_signs_of_patterns_are_plain_signs(entry: str) -> None:
    """An entry is found as it stands, and nothing else is."""
    (kept,) = WordSettings(vague=(entry,)).vague
    found = pattern_of((kept,))
    assert found.search(f"was {entry} hier")
    assert found.search("was abc hier") is None


def test_every_list_of_the_package_can_be_dropped_and_given_again() -> None:
    """What stands in the lists holds to the rules for what is added."""
    lists = WordSettings().lists
    for name in ("vague", "container", "act", "moment", "deed", "amount"):
        words = getattr(lists, name)
        assert getattr(WordSettings(**{name: words}), name) == words
        assert not getattr(WordSettings(dropped=words).lists, name)


def test_a_long_text_is_read_at_once() -> None:
    """Fifty thousand letters without a space do not hold up a pack."""
    lists, began = WordSettings().lists, time.perf_counter()
    for text in ("w" * 50_000, "doet " * 10_000, "a-" * 25_000, "3 " * 25_000):
        for words in (lists.vague, lists.container, lists.act, lists.moment):
            pattern_of(words).search(text)
    assert time.perf_counter() - began < 10
