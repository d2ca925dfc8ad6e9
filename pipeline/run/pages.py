"""The pages beside a pack that are for one person each, one file per reader."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from pipeline.run.files import Target, slug, write_whole

_OURS = b'content="default-src '
"""Begins the policy in each page of this package."""


def put_pages(
    folder: Target, folders: Sequence[str], pages: Mapping[tuple[str, str], str]
) -> str | None:
    """Write the pages of a pack in the place of those before; return their mark.

    Parameters
    ----------
    folder
        Of the session.
    folders
        The folders in it that belong to this sort of pack.
    pages
        Each page by its folder and its reader.
    """
    wanted = {
        (sort, f"{slug(reader)}.html"): page
        for (sort, reader), page in pages.items()
        if sort in folders
    }
    for sort, name in _made(folder, folders):
        if (sort, name) not in wanted:
            (folder / sort / name).unlink()
    for (sort, name), page in wanted.items():
        write_whole(folder / sort / name, page)
    return mark_of_pages(folder, folders)


def drop_pages(folder: Target, folders: Sequence[str]) -> None:
    """Remove the pages of a pack that failed."""
    for sort, name in _made(folder, folders):
        (folder / sort / name).unlink()


def mark_of_pages(folder: Target, folders: Sequence[str]) -> str | None:
    """Return one mark for all pages that are there, which names no reader; None without any."""
    digest = hashlib.blake2b(digest_size=16)
    found = _made(folder, folders)
    for sort, name in sorted(found):
        digest.update(hashlib.blake2b(f"{sort}/{name}".encode()).digest())
        digest.update(hashlib.blake2b(found[sort, name]).digest())
    return digest.hexdigest() if found else None


def _made(folder: Target, folders: Sequence[str]) -> dict[tuple[str, str], bytes]:
    """Return the pages that are there; a page of somebody else is left alone."""
    pages = {
        (sort, path.name): path.read_bytes()
        for sort in folders
        for path in (folder / sort).glob("*.html")
    }
    return {place: page for place, page in pages.items() if _OURS in page}
