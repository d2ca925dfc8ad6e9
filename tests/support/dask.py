"""A real scheduler and real workers of Dask, as processes on loopback, without dashboards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

WAIT_SECONDS = 90


class Cluster:
    """A scheduler, and workers that can be started and killed."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder, self._env = folder, {**os.environ, **env}
        self._workers: list[subprocess.Popen[bytes]] = []
        place = folder / "scheduler.json"
        self._scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(place),
        )  # fmt: skip
        until(lambda: place.exists() and place.stat().st_size > 0)
        self.address = str(json.loads(place.read_text())["address"])

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{command[0]}-{len(self._workers)}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=self._folder,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def add_worker(self, *options: str) -> int:
        """Start a worker with one thread under its nanny; return its number."""
        self._workers.append(
            self._start(
                "worker",
                self.address,
                "--nthreads",
                "1",
                "--nworkers",
                "1",
                "--host",
                "127.0.0.1",
                "--no-dashboard",
                "--dashboard-address",
                "127.0.0.1:0",
                "--local-directory",
                str(self._folder / f"w{len(self._workers)}"),
                *options,
            )
        )
        return len(self._workers) - 1

    def logs(self) -> str:
        """Return everything that the scheduler and the workers wrote."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its nanny, as when its machine is lost."""
        _kill(self._workers[number])

    def kill_scheduler(self) -> None:
        """Kill the scheduler."""
        _kill(self._scheduler)

    def close(self) -> None:
        """Kill everything that is left."""
        for process in (*self._workers, self._scheduler):
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        family = [*psutil.Process(process.pid).children(recursive=True)]
    except psutil.Error:
        family = []
    process.send_signal(signal.SIGKILL)
    for one in family:
        try:
            one.kill()
        except psutil.Error:
            continue
    process.wait()


@contextmanager
def cluster(folder: Path, workers: int, env: dict[str, str] | None = None) -> Iterator[Cluster]:
    """Start a scheduler with so many workers, and end all of them afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    started = Cluster(folder, env or {})
    try:
        for _ in range(workers):
            started.add_worker()
        yield started
    finally:
        started.close()


def until(happened: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > ends:
            raise TimeoutError("it did not happen in time")
        time.sleep(0.05)
