"""Asking the template for a pack; starting it, and ending it with its owner."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from pipeline.run.kernels.linux import SUPPORTED
from pipeline.run.outcome import Outcome
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings

ADDRESS = "CALIBRATION_TEMPLATE"
"""Environment variable with the socket of the run's template; "off" for ordinary kernels."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_QUIET = {
    **dict.fromkeys(THREADS, "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow's; a fork would not have it
    "MPLBACKEND": "agg",
}
"""A template has one thread."""

_START_SECONDS = 120.0
_GRACE_SECONDS = 30.0
_MOST_STARTS = 3
_PREFIX, _SOCKET = "calibrate-", "template"
_STALE_SECONDS = 24 * 3600
_MODULE = "pipeline.run.kernels.template"

_log = logging.getLogger("pipeline.run")
_lock = threading.Lock()
_own: Template | None = None
_starts = 0


class NoTemplate(Exception):
    """There is no template to ask: make the pack with an ordinary kernel."""


class PackProcessLost(Exception):
    """The process that made the pack was killed."""


class PackProcessStuck(Exception):
    """The process that made the pack did not end in time and was killed."""


class Template:
    """A template process; it ends when this process ends, however it ends.

    It listens on a socket in a folder of its own that nobody else may enter.
    """

    def __init__(self) -> None:
        base = None if len(tempfile.gettempdir()) < 60 else "/tmp"  # sockets have short names
        _sweep(Path(base or tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        self.address = str(self._folder / _SOCKET)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(128)
            # its standard input is our hold on it: that closes when this process ends
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    _MODULE,
                    str(listener.fileno()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                env={**os.environ, **_QUIET},
            )

    @property
    def pid(self) -> int:
        """Of the template process."""
        return self._process.pid

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:  # it still imports
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _sweep(base: Path) -> None:
    """Remove the folders of templates that were killed together with their owners."""
    for folder in base.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            state = folder.lstat()
            ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid()
            if ours and state.st_mtime < time.time() - _STALE_SECONDS and not _listens(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _listens(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as plug:
        try:
            plug.connect(str(folder / _SOCKET))
        except OSError:
            return False
    return True


@contextmanager
def shared_template() -> Iterator[None]:
    """Start one template for this process and the workers it starts within the block."""
    if not SUPPORTED or ADDRESS in os.environ:
        yield
        return
    try:
        template = Template()
    except OSError:  # no process, no socket: each worker tries for itself, or does without
        yield
        return
    os.environ[ADDRESS] = template.address
    try:
        yield
    finally:
        os.environ.pop(ADDRESS, None)
        template.close()


def make_warm(job: PackJob, limits: RunSettings) -> Outcome:
    """Make a pack in a fork of the template.

    Raises
    ------
    NoTemplate
        There is none, and none could be started.
    PackProcessLost, PackProcessStuck
        The process that made the pack was killed, or had to be.
    """
    if not SUPPORTED or os.environ.get(ADDRESS) == "off":
        raise NoTemplate
    shared = os.environ.get(ADDRESS)
    if shared:
        with suppress(NoTemplate):
            return _ask(shared, job, limits)
    while True:
        address = _own_address()
        try:
            return _ask(address, job, limits)
        except NoTemplate:
            _forget(address)


def _own_address() -> str:
    """Return the address of this process's own template, started when first needed.

    That is so in a Dask worker, and where the shared template has ended.
    """
    global _own, _starts
    with _lock:
        if _own is None:
            if _starts >= _MOST_STARTS:
                raise NoTemplate
            _starts += 1
            try:
                _own = Template()
            except OSError:
                raise NoTemplate from None
            if _starts == 1:
                atexit.register(close_own)
        return _own.address


def _forget(address: str) -> None:
    global _own
    with _lock:
        if _own is not None and _own.address == address:
            _own.close()
            _own = None
            # an operator should know why packs take long; the text names nobody
            _log.warning("A template of warm kernels ended; trying again or going on without.")


def close_own() -> None:
    """End the template that this process started for itself."""
    global _own, _starts
    with _lock:
        if _own is not None:
            _own.close()
            _own = None
        _starts = 0


def _ask(address: str, job: PackJob, limits: RunSettings) -> Outcome:
    plug = socket.socket(socket.AF_UNIX)
    try:
        plug.connect(address)
        connection = Connection(plug.detach())
    except OSError:
        plug.close()
        raise NoTemplate from None
    with connection:
        try:
            connection.send((job, limits, dict(os.environ), os.getcwd()))
            pid = _receive(connection, _START_SECONDS)
        except (EOFError, OSError):
            raise NoTemplate from None
        if pid is None:
            raise NoTemplate
        try:
            outcome = _receive(connection, limits.seconds + _GRACE_SECONDS)
        except (EOFError, OSError):
            raise PackProcessLost from None
        if outcome is None:
            end_family(pid)
            raise PackProcessStuck
        return outcome  # type: ignore[no-any-return]  # what the pack process sends


def _receive(connection: Connection, seconds: float) -> Any:
    """Return what comes, or None after so many seconds."""
    return connection.recv() if connection.poll(seconds) else None


def end_family(pid: int) -> None:
    """Kill a process and what it started."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (*process.children(recursive=True), process):
            with suppress(psutil.Error):
                one.kill()
