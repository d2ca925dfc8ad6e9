"""Files that are written whole or not at all, readable by their owner only."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_LONGEST_SLUG = 60


def slug(name: str) -> str:
    """Turn a name into one that is safe as a file or folder name.

    A name that is safe already stays as it is; any other gets a mark made from the whole name, so
    that two names never share a folder, also not on a disk that ignores upper and lower case.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    if plain == name and not _reserved(plain):
        return plain
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{mark}" if plain else mark


def _reserved(plain: str) -> bool:
    # names of our own folders, and of devices on Windows
    return plain in {"", "runs", "index", "con", "prn", "aux", "nul"} or bool(
        re.fullmatch(r"(com|lpt)\d", plain)
    )


def make_folder(folder: Path) -> Path:
    """Make a private folder, its parents too."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a half."""
    make_folder(path.parent)
    data = content.encode() if isinstance(content, str) else content
    # mkstemp makes the file readable by its owner only
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
