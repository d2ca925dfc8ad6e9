"""Files that are written whole or not at all, readable by their owner only."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

from pipeline.run.remote import RemotePath, remote_folder
from pipeline.settings import Settings

Target = Path | RemotePath
"""Where a file is written: a folder of this machine, or a place that fsspec reaches."""

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


def reports_of(settings: Settings) -> Target:
    """Return the folder of all packs and records.

    Raises
    ------
    WrongUse
        It is an address, and what that needs is not installed.
    """
    url = settings.output.url
    return remote_folder(url) if settings.output.is_address else settings.reports


def make_folder(folder: Path) -> Path:
    """Make a private folder, its parents too."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def write_whole(path: Target, content: str | bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a half."""
    data = content.encode() if isinstance(content, str) else content
    if isinstance(path, RemotePath):
        path.write_whole(data)
        return
    make_folder(path.parent)
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


def write_json(path: Target, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def keep_file(source: Path, target: Target) -> None:
    """Move a passing file to where it is kept, for its owner only."""
    write_whole(target, source.read_bytes())
    source.unlink()


def remove_folder(folder: Target) -> None:
    """Delete a folder and what is in it, if there is any."""
    if isinstance(folder, RemotePath):
        folder.remove_all()
    else:
        shutil.rmtree(folder, ignore_errors=True)
