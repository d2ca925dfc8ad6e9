"""What a criterion is called and which behaviour a score of it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def label_of(row: Mapping[str, Any], criterion_id: str, language: str) -> str:
    """Return the name of a criterion in a language, else in the other, else its identifier."""
    return _either(row, "label", language) or criterion_id


def anchor_at(row: Mapping[str, Any], score: float, language: str) -> str:
    """Return the behaviour that a score stands for; empty where none is described."""
    return _either(row, f"anchor_{int(score)}", language) if float(score).is_integer() else ""


def _either(row: Mapping[str, Any], name: str, language: str) -> str:
    for code in (language, "nl" if language == "en" else "en"):
        text = row.get(f"{name}_{code}")
        if isinstance(text, str) and text.strip():
            return text
    return ""
