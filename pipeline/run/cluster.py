"""Packs made on several machines, by the workers of a Dask scheduler.

A pack is a task: it is sent to a worker, tried again on another when its worker is lost, and
its outcome comes back. A worker needs this package and the home folder at the same paths, the store
and the place of the reports; docs/operations.md shows how.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import EXIT_SOME_FAILED, WorkbenchError, WrongUse, msg
from pipeline.run.engine import Pool, PoolMaker, local_pool
from pipeline.run.outcome import Outcome
from pipeline.settings import Settings

CONNECT_SECONDS = 10.0
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")

_log = logging.getLogger("pipeline.run")


class SchedulerGone(WorkbenchError):
    """The scheduler does not answer; packs made before are kept."""

    exit_code = EXIT_SOME_FAILED


def cluster_pool(address: str) -> PoolMaker:
    """Return what opens the cluster of a scheduler, for `engine.make_packs`.

    Parameters
    ----------
    address
        Of a Dask scheduler, such as ``tcp://10.0.0.5:8786``. With ``tls://`` the certificates come
        from the configuration of Dask.

    Raises
    ------
    WrongUse
        The address is none, or Dask is not installed.
    """
    if urlsplit(address).scheme not in _SCHEMES:
        raise WrongUse(
            msg("The scheduler is an address such as tcp://10.0.0.5:8786; see docs/operations.md.")
        )
    try:
        import distributed  # noqa: F401  # only whether it is there
    except ModuleNotFoundError:
        raise WrongUse(
            msg('A scheduler needs an extra: pip install "calibration-workbench[cluster]".')
        ) from None

    @contextmanager
    def opened(_: int) -> Iterator[Pool]:
        # how many packs are made at a time is up to the workers that the scheduler has
        with _client(address) as client:
            if not client.scheduler_info(n_workers=-1)["workers"]:
                _log.warning("The scheduler has no workers yet; packs begin when one joins.")
            pool = _Tasks(client)
            try:
                yield pool
            except BaseException:
                # a pack that a worker has begun is ended there, and is written whole or not
                pool.cancel()
                raise

    return opened


class _Tasks:
    """The tasks of one client, as futures of `concurrent.futures`."""

    def __init__(self, client: Any) -> None:
        # `pure`: the same pack asked again is made again, not taken from the scheduler's memory
        self._executor = client.get_executor(pure=False)

    def submit(self, work: Callable[..., Outcome], /, *given: Any) -> Future[Outcome]:
        """Send a task to the scheduler."""
        future: Future[Outcome] = self._executor.submit(work, *given)
        return future

    def cancel(self) -> None:
        """Take back what has not begun."""
        with suppress(Exception):  # the scheduler may be what has gone
            self._executor.shutdown(wait=False)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    with _quietly():
        try:
            client: Any = Client(  # type: ignore[no-untyped-call]  # distributed is half typed
                address, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError, RuntimeError):
            raise SchedulerGone(
                msg(
                    "The scheduler {address} does not answer. Packs made before are kept; run the"
                    " same command again for the rest.",
                    address=_shown(address),
                )
            ) from None
        try:
            yield client
        finally:
            with suppress(Exception):  # closing a connection that is gone
                client.close(timeout=2)


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out Dask's own account of a lost connection: ours says what to do."""
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.core")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _shown(address: str) -> str:
    split = urlsplit(address)
    return f"{split.scheme}://{split.netloc.rpartition('@')[2]}"


def pool_of(settings: Settings, scheduler: str | None = None) -> PoolMaker:
    """Return what makes the packs: the given scheduler, that of the settings, or this machine."""
    address = settings.cluster.scheduler if scheduler is None else scheduler
    return cluster_pool(address) if address else local_pool
