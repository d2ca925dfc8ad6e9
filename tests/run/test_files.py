"""Names that cannot leave the folder, files that are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.files import slug, write_whole

AWKWARD = [
    "../../etc",
    "/etc/passwd",
    'R&D / "Zuid"',
    "R&D - Zuid",
    "r-d-zuid",
    "\N{GRINNING FACE}",
    "\N{GRINNING FACE WITH SMILING EYES}",
    "x" * 300,
    "x" * 301,
    "Zuid",
    "zuid",
    "ZUID",
    "Zuíd",
    "con",
    "runs",
    "index",
    ".",
    "..",
    " ",
    "a\0b",
    "a\nb",
]


def test_awkward_names_are_safe_and_do_not_collide() -> None:
    """Each name gets a folder of its own, also where case is ignored."""
    slugs = [slug(name) for name in AWKWARD]
    assert len({s.lower() for s in slugs}) == len(AWKWARD)
    assert slug("zuid") == "zuid"


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_two_names_give_two_plain_folders(one: str, other: str) -> None:
    """A slug is short, plain, and belongs to one name only."""
    for name in (one, other):
        made = slug(name)
        assert made == made.lower()
        assert 0 < len(made) <= 80
        assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert Path("reports", made).resolve().parent == Path("reports").resolve()
    if one != other:
        assert slug(one) != slug(other)


def test_a_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    """Nobody else reads it; a second write replaces the first."""
    path = tmp_path / "a" / "b.txt"
    write_whole(path, "one")
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == ["b.txt"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk loses nothing that was there."""
    path = tmp_path / "b.txt"
    write_whole(path, "one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.run.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "two")
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["b.txt"]
