"""All packs: made side by side, each by itself, so that one failure leaves the others."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import psutil

from pipeline.errors import msg
from pipeline.run.execute import make_pack
from pipeline.run.outcome import FAILED, Outcome
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings

Listener = Callable[[Outcome], None]


def make_packs(
    jobs: Sequence[PackJob], limits: RunSettings, *, listener: Listener | None = None
) -> list[Outcome]:
    """Make packs side by side.

    Parameters
    ----------
    jobs
        What to make.
    limits
        How many at the same time, and the limits of each.
    listener
        Told of each outcome as soon as it is there.

    Returns
    -------
    list of Outcome
        One per job, in the order of ``jobs``. After an interruption (Ctrl-C) only the packs that
        were finished; the exception `KeyboardInterrupt` is raised again once everything that was
        started has been stopped.
    """
    workers = min(limits.jobs or os.cpu_count() or 1, max(1, len(jobs)))
    outcomes: dict[int, Outcome] = {}

    def keep(number: int, outcome: Outcome) -> None:
        outcomes[number] = outcome
        if listener:
            listener(outcome)

    if jobs:
        lost = _run_pool(list(enumerate(jobs)), workers, limits, keep)
        # a worker that died takes the others of its pool along: those are tried again, one at a
        # time, so that the one that kills its worker is found and only that one fails
        for number, job in lost:
            if _run_pool([(number, job)], 1, limits, keep):
                keep(number, _lost(job))
    return [outcomes[number] for number in sorted(outcomes)]


def _run_pool(
    jobs: Sequence[tuple[int, PackJob]],
    workers: int,
    limits: RunSettings,
    keep: Callable[[int, Outcome], None],
) -> list[tuple[int, PackJob]]:
    """Run jobs in one pool of processes; return those whose worker died."""
    lost: list[tuple[int, PackJob]] = []
    with _pool(min(workers, len(jobs))) as pool:
        running: dict[Future[Outcome], tuple[int, PackJob]] = {}
        for number, job in jobs:
            try:
                running[pool.submit(make_pack, job, limits)] = (number, job)
            except BrokenProcessPool:
                lost.append((number, job))
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                number, job = running.pop(future)
                try:
                    keep(number, future.result())
                except BrokenProcessPool:
                    lost.append((number, job))
    return sorted(lost, key=lambda pair: pair[0])


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in psutil.Process().children(recursive=True):
            try:
                child.kill()
            except psutil.Error:
                continue  # it ended by itself
        raise
    pool.shutdown()


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

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
    )
