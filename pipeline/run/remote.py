"""Files in a place that is no folder of this machine, such as a bucket, through fsspec.

`RemotePath` has the part of `pathlib.Path` that runs use, so that all other code reads the same for
both. An object store writes an object whole or not at all; there are no folders to make and no
modes to set: who may read is a setting of the bucket.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pipeline.errors import WrongUse, msg


@dataclass(frozen=True)
class _Stat:
    st_mtime_ns: int


@dataclass(frozen=True, order=True, repr=False)
class RemotePath:
    """A place below an address that fsspec knows.

    Parameters
    ----------
    url
        Address of the folder for all reports, such as ``s3://bucket/reports``. Keys and passwords
        come from the environment; where the address holds one, it is never shown.
    parts
        Names below it.
    """

    url: str
    parts: tuple[str, ...] = ()

    def __truediv__(self, name: str | PurePath) -> RemotePath:
        more = PurePosixPath(name).parts
        if ".." in more or "/" in more:
            raise ValueError("a name below the folder was expected")
        return RemotePath(self.url, (*self.parts, *more))

    def __str__(self) -> str:
        return self.as_uri()

    def __repr__(self) -> str:
        return f"RemotePath({self.as_uri()!r})"  # the address may hold a password

    @property
    def name(self) -> str:
        """The last name."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> RemotePath:
        """The folder that holds this."""
        return RemotePath(self.url, self.parts[:-1])

    def relative_to(self, other: RemotePath) -> PurePosixPath:
        """Return the names below another place."""
        return PurePosixPath(*self.parts).relative_to(PurePosixPath(*other.parts))

    def as_uri(self) -> str:
        """Return the address without any user name or password."""
        split = urlsplit(self.url)
        host = split.netloc.rpartition("@")[2]
        base = urlunsplit((split.scheme, host, split.path, "", ""))
        if split.scheme and not host and not base.startswith(f"{split.scheme}://"):
            base = base.replace(":", "://", 1)  # memory:/x is written memory:///x
        return "/".join([base.rstrip("/"), *self.parts])

    def exists(self) -> bool:
        """Tell whether there is such a file or folder."""
        with _as_os_errors():
            system, path = self._open()
            return bool(system.exists(path))

    def read_bytes(self) -> bytes:
        """Return the content."""
        with _as_os_errors():
            system, path = self._open()
            return bytes(system.cat_file(path))

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the content as text."""
        return self.read_bytes().decode(encoding)

    def write_whole(self, data: bytes) -> None:
        """Write the content in one request: a reader sees the old file or the new one."""
        with _as_os_errors():
            system, path = self._open()
            if "/" in path.strip("/"):
                # nothing to an object store; other systems have folders
                system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            system.pipe_file(path, data)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the file."""
        with _as_os_errors():
            system, path = self._open()
            try:
                system.rm_file(path)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def remove_all(self) -> None:
        """Delete the folder and what is in it, if there is any."""
        with _as_os_errors():
            system, path = self._open()
            system.invalidate_cache()
            if system.exists(path):
                system.rm(path, recursive=True)

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield what fits a pattern below this place, by name."""
        with _as_os_errors():
            system, path = self._open()
            system.invalidate_cache()  # other machines write here too
            root = path.rstrip("/") + "/"
            found = system.glob(root + pattern)
        for one in sorted(found):
            yield self / one[one.index(root.lstrip("/")) + len(root.lstrip("/")) :]

    def stat(self) -> _Stat:
        """Return when the file was written."""
        with _as_os_errors():
            system, path = self._open()
            system.invalidate_cache()
            return _Stat(int(system.modified(path).timestamp() * 1e9))

    def _open(self) -> tuple[Any, str]:
        system, root = _connect(self.url)
        return system, "/".join([root.rstrip("/"), *self.parts])


def remote_folder(url: str) -> RemotePath:
    """Return the folder of an address.

    Raises
    ------
    WrongUse
        fsspec, or what it needs for this kind of address, is not installed.
    """
    _connect(url)
    return RemotePath(url)


def _connect(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise WrongUse(
            msg(
                "An address in reports.url needs an extra: pip install"
                ' "calibration-workbench[cluster]".'
            )
        ) from None
    try:
        # fsspec keeps the connection of an address; a fork makes its own
        system, root = url_to_fs(url)
    except ImportError:
        raise WrongUse(
            msg(
                "Addresses {kind}:// in reports.url need a package of fsspec that is not installed"
                " (s3fs, gcsfs, adlfs, sshfs …).",
                kind=url.partition("://")[0][:20],
            )
        ) from None
    except ValueError:
        # its text repeats the address, which may hold a password
        raise WrongUse(
            msg("reports.url in workbench.toml is no address that fsspec knows.")
        ) from None
    return system, str(root)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Let every fault of a storage look like one of a disk: that is what callers explain."""
    try:
        yield
    except (OSError, WrongUse):
        raise
    except Exception as reason:
        # the text of a foreign exception may quote addresses and keys
        raise OSError(errno.EIO, f"the storage failed: {type(reason).__name__}") from None
