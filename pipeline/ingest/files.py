"""Which files are meant, and their content: regular files of bounded size, read once."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UnreadableInput, msg

MOST_BYTES = 2 * 2**30
"""Largest file, unpacked."""

READABLE = (".csv", ".csv.gz", ".tsv", ".txt", ".xlsx", ".parquet")
_IN_FOLDERS = (".csv", ".csv.gz", ".tsv", ".xlsx", ".parquet")
_LOOKALIKES = (".xls", ".xlsm", ".xlsb", ".xltx", ".ods", ".numbers")


@dataclass(frozen=True)
class SourceFile:
    """A file to be imported."""

    path: Path
    ending: str
    """One of `READABLE`."""

    @property
    def name(self) -> str:
        """Name without its folder."""
        return self.path.name

    @property
    def stem(self) -> str:
        """Name without its ending."""
        return self.name[: -len(self.ending)]

    def read(self) -> bytes:
        """Return the content as it is on disk.

        Raises
        ------
        UnreadableInput
            It is no regular file, may not be read, or is too large.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise UnreadableInput(
                    msg("{file} is no ordinary file and is not read.", file=self.name)
                )
            with self.path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise _cannot_open(self.path, error) from None
        if len(data) > MOST_BYTES:
            raise _too_large(self.name)
        return data

    def unpack(self, data: bytes) -> bytes:
        """Return the content without its GZIP packing, where it has one."""
        if not self.ending.endswith(".gz"):
            return data
        try:
            inflate = zlib.decompressobj(wbits=31)
            parts, left, size = [], data, 0
            while left and size <= MOST_BYTES:
                part = inflate.decompress(left, MOST_BYTES + 1 - size)
                parts.append(part)
                size += len(part)
                left = inflate.unconsumed_tail
                if inflate.eof:  # one file can be packed in several members
                    left, inflate = inflate.unused_data.lstrip(b"\0"), zlib.decompressobj(wbits=31)
                elif not left:
                    raise EOFError
        except (zlib.error, gzip.BadGzipFile, EOFError):
            raise UnreadableInput(
                msg("{file} is damaged or is no GZIP file. Pack it again.", file=self.name)
            ) from None
        if size > MOST_BYTES:
            raise _too_large(self.name)
        return b"".join(parts)


def find_files(paths: Iterable[Path | str]) -> list[SourceFile]:
    """List the files that are meant: each once, those of a folder in the order of their names.

    Raises
    ------
    UnreadableInput
        A path does not exist, a folder has nothing to read, or a file is of another kind.
    """
    found: dict[Path, SourceFile] = {}
    for given in paths:
        path = Path(given)
        try:
            mode = path.stat().st_mode
            members = sorted(path.iterdir()) if stat.S_ISDIR(mode) else None
            files = [_source(path)] if members is None else _in_folder(path, members)
            for file in files:
                found.setdefault(file.path.resolve(), file)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise _cannot_open(path, error) from None
    return list(found.values())


def _in_folder(folder: Path, members: list[Path]) -> list[SourceFile]:
    files = []
    for member in members:
        name = member.name.casefold()
        if name.startswith((".", "~$")) or not name.endswith(_IN_FOLDERS + _LOOKALIKES):
            continue
        if member.is_symlink():
            raise UnreadableInput(
                msg(
                    "{file} in the folder is a link to another file. Put the file itself in the "
                    "folder, or name the file on the command line.",
                    file=member.name,
                )
            )
        if not member.is_file():
            raise UnreadableInput(
                msg("{file} is no ordinary file and is not read.", file=member.name)
            )
        files.append(_source(member))
    if not files:
        raise UnreadableInput(
            msg(
                "The folder {folder} holds nothing to import. Files that can be read end with "
                "{endings}.",
                folder=folder.name,
                endings=" ".join(READABLE),
            )
        )
    return files


def _source(path: Path) -> SourceFile:
    name = path.name.casefold()
    ending = max((e for e in READABLE if name.endswith(e)), key=len, default="")
    if not ending:
        raise UnreadableInput(
            msg(
                "{file} is not of a kind that can be read. Save it as CSV, XLSX or Parquet; files "
                "that can be read end with {endings}.",
                file=path.name,
                endings=" ".join(READABLE),
            )
        )
    return SourceFile(path, ending)


def _cannot_open(path: Path, error: Exception) -> UnreadableInput:
    if isinstance(error, FileNotFoundError):
        return UnreadableInput(msg("{file} does not exist.", file=str(path)))
    if isinstance(error, PermissionError):
        return UnreadableInput(
            msg("{file} may not be read. Ask for read permission on it.", file=str(path))
        )
    return UnreadableInput(msg("{file} cannot be opened.", file=str(path)))


def _too_large(name: str) -> UnreadableInput:
    return UnreadableInput(
        msg("{file} is larger than {size} MB. Split it.", file=name, size=MOST_BYTES // 2**20)
    )
