"""Which run is making which packs, so that two runs at once do not disturb each other.

Each run keeps one file, ``reports/runs/<run>.lock``: who it is and which sessions it has claimed.
The file is written while a guard is held that the system lets go when a process ends, however it
ends; so a claim is made by one run at a time. The claims themselves outlive a killed run. They are
recognised as stale, and cleared away with all that the run left:

* on the same machine by the process that is gone, or of which the number went to another process;
* on another machine by a heartbeat that did not move while it was watched. Nothing is compared with
  a clock, since clocks of machines differ and jump.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from pipeline.run.files import make_folder, write_whole

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HEARTBEAT, STALE_AFTER = 5.0, 60.0
"""Seconds between signs of life, and how long a run of another machine may be without."""
SCRATCH = "calibration-run-"
_SUFFIX = ".lock"


@dataclass(frozen=True)
class Owner:
    """A run at work.

    Attributes
    ----------
    run_id, pid, host
        Which run, in which process of which machine.
    since
        When it began, in UTC.
    machine, birth
        What tells this machine (and container) and this process from others of the same name or
        number.
    scratch
        Folder for its passing files.
    sessions
        Folders of the sessions that it is making, within reports/.
    """

    run_id: str
    pid: int
    host: str
    since: str
    machine: str
    birth: str
    scratch: str
    sessions: tuple[str, ...] = ()

    @property
    def age(self) -> dt.timedelta:
        """Time since it began; never negative, whatever the clock did."""
        begun = dt.datetime.fromisoformat(self.since)
        return max(dt.datetime.now(dt.UTC) - begun, dt.timedelta())

    def plain(self) -> dict[str, Any]:
        """Return what a person or a machine wants to know of it."""
        seconds = round(self.age.total_seconds())
        return {"run_id": self.run_id, "pid": self.pid, "host": self.host, "seconds": seconds}


@dataclass
class RunLock:
    """The claims of this run; see `hold`."""

    folder: Path
    owner: Owner
    _claimed: set[str] = field(default_factory=set)
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def path(self) -> Path:
        """The file of this run."""
        return self.folder / f"{self.owner.run_id}{_SUFFIX}"

    def claim(self, sessions: Iterable[str]) -> dict[str, Owner]:
        """Claim sessions; return those that another run holds, which are left to it."""
        with guard(self.folder):
            held = self._held_by_others()
            with self._mutex:
                self._claimed |= {one for one in sessions if one not in held}
                self._write()
        return {one: held[one] for one in sessions if one in held}

    def others(self) -> dict[str, Owner]:
        """Return the sessions that other runs are making, and who they are."""
        with guard(self.folder):
            return self._held_by_others()

    def release(self, session: str) -> None:
        """Let a session go: its pack is made."""
        with self._mutex:
            self._claimed.discard(session)
            self._write()

    def clear(self, reports: Path) -> None:
        """Remove what killed runs left: half-written files that nobody writes any more."""
        with guard(self.folder):
            held = self._held_by_others()
            busy = {reports / place for place in held}
            parts = {
                part
                for place in ("*/*", "*/*/*", "*/*/managers/*")
                for part in reports.glob(f"{place}/.*.part")
            }
            if not held:
                parts |= {*reports.glob(".*.part"), *self.folder.glob(".*.part")}
            for part in parts:
                if busy.isdisjoint(part.parents):
                    part.unlink(missing_ok=True)

    def _held_by_others(self) -> dict[str, Owner]:
        held: dict[str, Owner] = {}
        for path, owner in _read_all(self.folder):
            if path == self.path:
                continue
            if self._is_gone(path, owner):
                _clear_after(owner)
                path.unlink(missing_ok=True)
            else:
                held |= dict.fromkeys(owner.sessions, owner)
        return held

    def _is_gone(self, path: Path, owner: Owner) -> bool:
        if owner.machine == machine():
            return birth_of(owner.pid) != owner.birth
        try:
            beat = path.stat().st_mtime_ns
        except OSError:
            return True
        now = time.monotonic()
        last, since = self._seen.get(path, (None, now))
        if beat != last:
            self._seen[path] = (beat, now)
            return False
        return now - since > STALE_AFTER

    def _write(self) -> None:
        mine = {**asdict(self.owner), "sessions": sorted(self._claimed)}
        write_whole(self.path, json.dumps(mine))


@contextmanager
def hold(reports: Path, run_id: str) -> Iterator[RunLock]:
    """Take part in the making of packs; whatever was claimed is let go at the end."""
    folder = make_folder(reports / "runs")
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH))
    lock = RunLock(
        folder,
        Owner(
            run_id=run_id,
            pid=os.getpid(),
            host=socket.gethostname(),
            since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            machine=machine(),
            birth=birth_of(os.getpid()) or "",
            scratch=str(scratch),
        ),
    )
    ended = threading.Event()
    try:
        lock.claim(())
        lock.clear(reports)
        heart = threading.Thread(target=_beat, args=(lock.path, ended), daemon=True)
        heart.start()
        with _passing_files_in(scratch):
            yield lock
    finally:
        ended.set()
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            lock.path.unlink(missing_ok=True)


@contextmanager
def _passing_files_in(scratch: Path) -> Iterator[None]:
    """Let this process and those it starts keep their passing files in one folder."""
    before, kept = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
    try:
        yield
    finally:
        tempfile.tempdir = kept
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def held(reports: Path) -> dict[str, Owner]:
    """Return the sessions that are being made now, and by whom; without waiting for anything."""
    return {
        session: owner
        for _, owner in _read_all(reports / "runs")
        if owner.machine != machine() or birth_of(owner.pid) == owner.birth
        for session in owner.sessions
    }


@contextmanager
def guard(folder: Path) -> Iterator[None]:
    """Be alone for a moment; the system lets go when this process ends in whatever way."""
    with (folder / ".guard").open("a+b") as file:
        if os.name == "posix":
            os.fchmod(file.fileno(), 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]  # Windows
        yield


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        with contextlib.suppress(OSError):  # gone: a run that thought us dead; we end soon
            os.utime(path)


def _read_all(folder: Path) -> Sequence[tuple[Path, Owner]]:
    found = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            found.append((path, Owner(**{**values, "sessions": tuple(values["sessions"])})))
        except FileNotFoundError:
            continue  # it has just ended
        except (OSError, ValueError, TypeError, KeyError):
            # not ours, or of another version: it claims nothing that we could respect
            continue
    return found


def _clear_after(owner: Owner) -> None:
    """Remove the passing files of a killed run: they hold copies of what it was making."""
    scratch = Path(owner.scratch)
    if owner.machine != machine() or not scratch.name.startswith(SCRATCH):
        return
    if scratch.is_symlink() or not scratch.is_dir() or os.name != "posix":
        return
    if scratch.stat().st_uid == os.getuid():
        shutil.rmtree(scratch, ignore_errors=True)


@cache
def machine() -> str:
    """Return what tells this machine since its start, and this container, from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"


def birth_of(pid: int) -> str | None:
    """Return when a process began, in a form that no change of the clock alters; None: no such."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # the name of the program stands in brackets and may hold anything
        state, *rest = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    except FileNotFoundError:
        if stat.parent.parent.joinpath("self").exists():
            return None
    except (OSError, IndexError, ValueError):
        return None
    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        return None
