"""The preparation lists beside a pack: one file per manager, for that manager alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pipeline.run.files import Target, slug, write_whole

FOLDER = "managers"
_OURS = b'content="default-src '
"""Begins the policy in each page of this package."""


def put_lists(folder: Target, pages: Mapping[str, str]) -> str | None:
    """Write the lists of a session in the place of those before; return their mark.

    Parameters
    ----------
    folder
        Of the session.
    pages
        Each page by its reader.
    """
    wanted = {f"{slug(reader)}.html": page for reader, page in pages.items()}
    for name in _made(folder):
        if name not in wanted:
            (folder / FOLDER / name).unlink()
    for name, page in wanted.items():
        write_whole(folder / FOLDER / name, page)
    return mark_of_lists(folder)


def drop_lists(folder: Target) -> None:
    """Remove the lists of a pack that failed."""
    for name in _made(folder):
        (folder / FOLDER / name).unlink()


def mark_of_lists(folder: Target) -> str | None:
    """Return one mark for all lists that are there, which names no reader; None without any."""
    digest = hashlib.blake2b(digest_size=16)
    found = _made(folder)
    for name in sorted(found):
        digest.update(hashlib.blake2b(name.encode()).digest())
        digest.update(hashlib.blake2b(found[name]).digest())
    return digest.hexdigest() if found else None


def _made(folder: Target) -> dict[str, bytes]:
    """Return the lists that are there by their names; a page of somebody else is left alone."""
    pages = {path.name: path.read_bytes() for path in (folder / FOLDER).glob("*.html")}
    return {name: page for name, page in pages.items() if _OURS in page}
