"""One run: packs that are still right are left alone, the others are made, and all is recorded."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.errors import EXIT_SOME_FAILED, WorkbenchError, msg
from pipeline.locale import Language
from pipeline.run.cycle import write_cycles
from pipeline.run.engine import PoolMaker, local_pool, make_packs, workers_for
from pipeline.run.files import Target, reports_of
from pipeline.run.key import is_current, with_keys
from pipeline.run.lock import Owner, RunLock, guard, hold
from pipeline.run.manifest import Run, index_is_behind, write_index, write_run
from pipeline.run.outcome import FAILED, MADE, UNCHANGED, Outcome, read_record
from pipeline.run.plan import PackJob
from pipeline.settings import Settings
from pipeline.store import open_store

_LOOK_EVERY = 0.5


class ReportsOutOfReach(WorkbenchError):
    """The reports folder cannot be used; nothing was made."""

    exit_code = EXIT_SOME_FAILED


class Watcher:
    """Hears how a run goes; does nothing by itself."""

    def begin(self, run_id: str, total: int, workers: int) -> None:
        """Hear that a run begins, with so many packs, so many of them at a time."""

    def pack(self, outcome: Outcome) -> None:
        """Hear what became of a pack."""

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Hear that another run is making a pack, and that this one waits for it."""

    def end(self, report: Report) -> None:
        """Hear that the run has ended."""


@dataclass
class Report:
    """How a run ended.

    Attributes
    ----------
    run_id
        Which run.
    outcomes
        What became of each pack, in the order in which they ended.
    interrupted
        Whether it was stopped before the end.
    index
        The page that lists all packs.
    """

    run_id: str
    index: Target
    outcomes: list[Outcome] = field(default_factory=list)
    interrupted: bool = False

    def count(self, status: str) -> int:
        """Return the number of packs with this status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def succeeded(self) -> bool:
        """Whether every pack that was asked for is there."""
        return not self.interrupted and not self.count(FAILED)

    def plain(self) -> dict[str, object]:
        """Return plain values for machines."""
        return {
            "run_id": self.run_id,
            "made": self.count(MADE),
            "unchanged": self.count(UNCHANGED),
            "failed": self.count(FAILED),
            "interrupted": self.interrupted,
            "index": str(self.index),
        }


def run_packs(
    settings: Settings,
    jobs: Sequence[PackJob],
    *,
    force: bool = False,
    pool: PoolMaker = local_pool,
    watcher: Watcher | None = None,
) -> Report:
    """Bring packs up to date.

    Parameters
    ----------
    settings
        Of the home folder.
    jobs
        The packs; see `plan.plan_packs`.
    force
        Make also those that are still right.
    pool
        Opens what makes them; see `engine`.
    watcher
        Told how it goes.

    Returns
    -------
    Report
        An interruption (Ctrl-C) is in the report, and no exception: everything that was started
        has been stopped, what was made is kept.

    Raises
    ------
    ReportsOutOfReach
        The reports folder cannot be written.
    StoreError
        The store cannot be read.
    """
    run, watcher = Run.start(), watcher or Watcher()
    report = Report(run.run_id, reports_of(settings) / "index.html")
    watcher.begin(run.run_id, len(jobs), workers_for(settings.run, len(jobs)))

    def keep(outcome: Outcome) -> None:
        report.outcomes.append(outcome)
        watcher.pack(outcome)

    fault: WorkbenchError | None = None
    with _explained(), hold(settings.reports, run.run_id) as lock:
        try:
            _rounds(settings, jobs, lock, force, pool, keep, watcher)
        except KeyboardInterrupt:
            report.interrupted = True
        except WorkbenchError as reason:  # store or scheduler gone: record what was made before
            report.interrupted, fault = True, reason
        write_run(settings, run, report.outcomes, interrupted=report.interrupted)
        if report.count(UNCHANGED) < len(report.outcomes) or index_is_behind(settings):
            with guard(lock.folder):  # or a run beside this one lists what was there before
                with open_store(settings) as store:
                    write_cycles(settings, store, (job.session.cycle for job in jobs))
                write_index(settings, Language(settings.pack.language))
    watcher.end(report)
    if fault is not None:
        raise fault
    return report


def _rounds(
    settings: Settings,
    jobs: Sequence[PackJob],
    lock: RunLock,
    force: bool,
    pool: PoolMaker,
    keep: Callable[[Outcome], None],
    watcher: Watcher,
) -> None:
    """Make what no other run is making; wait for the rest, which then mostly needs no making."""
    left, told = list(jobs), set[str]()
    while left:
        with open_store(settings) as store:
            left = with_keys(settings, store, left)
        if not force:
            left = _leave_current(left, keep)
        held = lock.claim([job.place for job in left])
        # another run may have made it between the look and the claim
        mine = [job for job in left if job.place not in held]
        todo = mine if force else _leave_current(mine, keep, lock)

        def made(outcome: Outcome) -> None:
            lock.release(outcome.place)
            keep(outcome)

        make_packs(todo, settings.run, pool=pool, listener=made)
        left = [job for job in left if job.place in held]
        force = False  # what another run has just made need not be made again
        for job in left:
            if job.place not in told:
                told.add(job.place)
                watcher.wait(job, held[job.place])
        while left and all(job.place in held for job in left):
            time.sleep(_LOOK_EVERY)
            held = lock.others()


def _leave_current(
    jobs: Sequence[PackJob], keep: Callable[[Outcome], None], lock: RunLock | None = None
) -> list[PackJob]:
    """Report the packs that are still right; return the others."""
    others = []
    for job in jobs:
        record = read_record(job.output.parent, job.product)
        if record is not None and is_current(job, record):
            if lock is not None:
                lock.release(job.place)
            keep(Outcome.unchanged(record, job.place))
        else:
            others.append(job)
    return others


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as reason:
        if reason.errno == errno.ENOSPC:
            raise ReportsOutOfReach(
                msg("The disk is full. Free some space and run again; the other packs are kept.")
            ) from None
        if reason.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReportsOutOfReach(
                msg("The reports folder may not be written. Check its permissions and run again.")
            ) from None
        raise
