"""Packs: the only code that renders. Tables, figures and sentences in, one HTML file out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.pack.prepare import (
        FollowUpPack,
        Pack,
        make_follow_up,
        make_pack,
        open_follow_up,
        open_pack,
    )

__all__ = [
    "FollowUpPack", "Pack", "make_follow_up", "make_pack", "open_follow_up", "open_pack",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Import what makes packs when it is first asked for: the list of packs does without."""
    if name in __all__:
        return getattr(import_module("pipeline.pack.prepare"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
