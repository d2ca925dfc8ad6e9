"""Phrases of the invented company, read from the TOML files beside this module."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pipeline.sample.randomness import Stream

PERFORMANCE = ("P1", "P2", "P3", "P4", "P5")
CONVERSATION = ("Q1", "Q2", "Q3", "Q4", "Q5")
GOOD_FROM, BAD_UPTO = 4, 2
"""Scores that speak of good and of bad behaviour."""


@lru_cache
def read(name: str) -> dict[str, Any]:
    """Return one of the TOML files of this package."""
    text = files("pipeline.sample").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


class Phrases:
    """Makes sentences by putting phrases together."""

    def __init__(self) -> None:
        self.all = read("texts_nl")

    def behaviour(self, stream: Stream, criterion: str, *, good: bool) -> str:
        """Return a sentence about what somebody did, when, and what came of it."""
        phrase: str = stream.pick(self.all["good" if good else "bad"][criterion])
        return phrase.format(
            s=stream.pick(self.all["situations"]),
            e=stream.pick(self.all["effects_good" if good else "effects_bad"][criterion]),
        )

    def rationale(self, stream: Stream, criterion: str, score: int) -> str:
        """Return a substantiation: often behaviour, sometimes vague, sometimes nothing."""
        sort = stream.uniform()
        if sort < 0.18:
            return ""
        if sort < 0.36:
            return str(stream.pick(self.all["rationale"]["vague"]))
        good = score >= GOOD_FROM or (score > BAD_UPTO and stream.chance(0.7))
        text = self.behaviour(stream, criterion, good=good) + "."
        if good and score < GOOD_FROM:
            return f"{stream.pick(self.all['rationale']['middle'])} {text}"
        return text

    def conversation(self, stream: Stream, score: int) -> str:
        """Return a remark about a conversation, or nothing."""
        sort = stream.uniform()
        if sort < 0.3:
            return ""
        if sort < 0.45:
            return str(stream.pick(self.all["conversation"]["vague"]))
        good = score >= GOOD_FROM or (score > BAD_UPTO and stream.chance(0.5))
        return str(stream.pick(self.all["conversation"]["good" if good else "bad"]))

    def evidence(self, stream: Stream, kind: str, criterion: str, *, good: bool) -> str:
        """Return a piece of evidence."""
        tone = "good" if good else "bad"
        if kind == "check-in":
            return str(stream.pick(self.all["check_in"][tone]))
        if kind == "goal":
            return str(stream.pick(self.all["goal_note"][tone]))
        text = self.behaviour(stream, criterion, good=good)
        if kind == "feedback":
            source = stream.pick(self.all["feedback"]["from"])
            if criterion == "P4" and stream.chance(0.5):
                return f"Klant schreef: {stream.pick(self.all['feedback'][tone])}."
            return f"{source}: {text[0].lower()}{text[1:]}."
        return text + "."


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """Write a text with a-z, 0-9 and hyphens only."""
    plain = unicodedata.normalize("NFKD", text.replace("ı", "i"))
    letters = plain.encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in letters).split())


@lru_cache
def names() -> dict[str, tuple[str, ...]]:
    """Return first names by gender, and surnames."""
    return {key: tuple(value) for key, value in read("names").items()}
