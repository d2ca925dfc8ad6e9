"""All packs: made side by side, each by itself, so that one failure leaves the others.

One code path for every kind of executor: whatever has the ``submit`` of `concurrent.futures`. By
default that is a pool of processes on this machine.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import multiprocessing
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

import psutil

from pipeline.errors import msg
from pipeline.run.kernels.client import shared_template
from pipeline.run.outcome import FAILED, Outcome
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings

Listener = Callable[[Outcome], None]
_KILL_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""
_TRACKER = "from multiprocessing.resource_tracker import main;main"
"""How the command of Python's own clean-up process begins, up to a number."""


class Pool(Protocol):
    """What makes packs: an executor of `concurrent.futures`, or anything with its ``submit``."""

    def submit(self, work: Callable[..., Outcome], /, *given: Any) -> Future[Outcome]:
        """Begin a piece of work and return its future."""


PoolMaker = Callable[[int], AbstractContextManager[Pool]]
"""Opens a pool for at most so many packs at a time. An exception that leaves the ``with`` block
means: stop what runs, at once. A future whose worker was lost ends with any exception at all."""


def workers_for(limits: RunSettings, n_jobs: int) -> int:
    """Return how many packs are made at the same time on this machine."""
    return min(limits.jobs or os.cpu_count() or 1, max(1, n_jobs))


def make_one(job: PackJob, limits: RunSettings) -> Outcome:
    """Make one pack, in the worker.

    papermill and nbconvert are imported here and not above: a run in which nothing has changed
    never needs them.
    """
    from pipeline.run.execute import make_pack

    return make_pack(job, limits)


@contextmanager
def local_pool(workers: int) -> Iterator[Pool]:
    """Open a pool of processes on this machine; all of them end with the ``with`` block."""
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(os.getpid(), tempfile.gettempdir()),
    )
    try:
        with shared_template():  # before the workers, which start when there is work
            yield pool
            pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it ended by itself
                # killed, it would complain; left alone, it ends with this process
                if not any(_TRACKER in word for word in child.cmdline()):
                    child.kill()
        raise


def make_packs(
    jobs: Sequence[PackJob],
    limits: RunSettings,
    *,
    pool: PoolMaker = local_pool,
    listener: Listener | None = None,
) -> list[Outcome]:
    """Make packs side by side.

    Parameters
    ----------
    jobs
        What to make.
    limits
        How many at the same time, and the limits of each.
    pool
        Opens what makes them.
    listener
        Told of each outcome as soon as it is there.

    Returns
    -------
    list of Outcome
        One per job, in the order of ``jobs``. After an interruption (Ctrl-C) only the packs that
        were finished; the exception `KeyboardInterrupt` is raised again once everything that was
        started has been stopped.
    """
    workers = workers_for(limits, len(jobs))
    outcomes: dict[int, Outcome] = {}

    def keep(number: int, outcome: Outcome) -> None:
        outcomes[number] = outcome
        if listener:
            listener(outcome)

    if jobs:
        lost = _run_pool(list(enumerate(jobs)), workers, limits, pool, keep)
        # a worker that died takes the others of its pool along: those are tried again, one at a
        # time, so that the one that kills its worker is found and only that one fails
        for number, job in lost:
            if _run_pool([(number, job)], 1, limits, pool, keep):
                keep(number, _lost(job))
    return [outcomes[number] for number in sorted(outcomes)]


def _run_pool(
    jobs: Sequence[tuple[int, PackJob]],
    workers: int,
    limits: RunSettings,
    pool: PoolMaker,
    keep: Callable[[int, Outcome], None],
) -> list[tuple[int, PackJob]]:
    """Run jobs in one pool; return those whose worker died."""
    lost: list[tuple[int, PackJob]] = []
    # each future reports itself: waiting for the first of a thousand, a thousand times, would not
    # stay cheap
    done: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
    with pool(min(workers, len(jobs))) as open_pool:
        running: dict[Future[Outcome], tuple[int, PackJob]] = {}
        for number, job in jobs:
            try:
                future = open_pool.submit(make_one, job, limits)
            except Exception:  # the pool is broken: each kind of pool has its own word for it
                lost.append((number, job))
                continue
            running[future] = (number, job)
            future.add_done_callback(done.put)
        while running:
            future = done.get()
            number, job = running.pop(future)
            if not future.cancelled() and future.exception() is None:
                keep(number, future.result())
            else:
                # `make_pack` raises nothing, so this is about the worker, not about the pack
                lost.append((number, job))
    return sorted(lost, key=lambda pair: pair[0])


def _start_worker(parent: int, scratch: str) -> None:
    """Leave Ctrl-C to the parent, end when the parent is gone, use one thread and its scratch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # other packs are made beside this one
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _lost(job: PackJob) -> Outcome:
    session = job.session
    return Outcome(
        session_id=session.session_id,
        department=session.department,
        cycle=session.cycle,
        kind=session.kind,
        audience=job.parameters.audience.value,
        status=FAILED,
        seconds=0.0,
        made_at=dt.datetime.now(dt.UTC),
        error=msg("The process that made this pack was killed twice."),
        place=job.place,
    )
