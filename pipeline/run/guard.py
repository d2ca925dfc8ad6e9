"""The guard of one pack: ends its kernel, and all that this started, beyond a limit."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import psutil

from pipeline.errors import Message, msg
from pipeline.settings import RunSettings

_LOOK_EVERY = 0.1


def too_long(limits: RunSettings) -> Message:
    """Say that a pack took longer than it may."""
    return msg(
        "Took longer than {seconds} seconds (run.seconds in workbench.toml).",
        seconds=limits.seconds,
    )


@dataclass
class Guard:
    """Watches what this process starts while a pack is made.

    Attributes
    ----------
    limits
        Time and memory.
    owner
        The worker that asked for the pack; when it is gone, so are this process and its children.
    broken
        Which limit was broken.
    """

    limits: RunSettings
    owner: Connection | None = None
    broken: Message | None = None
    _done: threading.Event = field(default_factory=threading.Event)
    _spared: set[int] = field(default_factory=set)

    def __enter__(self) -> Guard:
        if self.owner is None:  # a worker that makes the pack itself may have a template beside it
            self._spared = {child.pid for child in psutil.Process().children()}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        _kill(self._children())

    def _watch(self) -> None:
        ends = time.monotonic() + self.limits.seconds
        most = self.limits.memory_mb * 2**20
        while not self._done.wait(_LOOK_EVERY):
            children = self._children()
            if self.owner is not None and _is_closed(self.owner):
                _kill(children)
                os._exit(1)
            if time.monotonic() > ends:
                self.broken = too_long(self.limits)
            elif _memory(children, most) > most:
                self.broken = msg(
                    "Needed more than {memory} MB of memory (run.memory_mb in workbench.toml).",
                    memory=self.limits.memory_mb,
                )
            if self.broken:
                _kill(children)
                return

    def _children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for child in psutil.Process().children():
            if child.pid not in self._spared:
                with suppress(psutil.Error):  # it ended meanwhile
                    found += [child, *child.children(recursive=True)]
        return found


def _is_closed(owner: Connection) -> bool:
    # the owner says nothing after its question, so whatever there is to read is the end
    try:
        return owner.poll()
    except OSError:
        return True


def _memory(processes: list[psutil.Process], most: int) -> int:
    """Return the memory of processes in bytes.

    Resident memory counts pages that a fork shares with its template; only where that exceeds the
    limit is the proportional share asked for, which takes longer.
    """
    total = sum(_of(process, "rss") for process in processes)
    return total if total <= most else sum(_of(process, "pss") for process in processes)


def _of(process: psutil.Process, kind: str) -> int:
    try:
        if kind == "rss":
            return int(process.memory_info().rss)
        found = process.memory_full_info()
        return int(getattr(found, "pss", found.rss))  # not every system knows it
    except psutil.Error:
        return 0


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):  # it ended by itself
            process.kill()
