"""The template process: imports and rehearses once, then forks a process for each pack asked.

It has one thread and no socket of zmq, and its standard input is a pipe from its owner: when that
closes, the owner has ended, and so does the template. Started by `pipeline.run.kernels.client`.
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from pipeline.run.kernels.linux import adopt_orphans

_LOOK_EVERY = 0.5


def main(descriptor: int) -> None:
    """Serve packs until the owner ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner
    adopt_orphans()
    listener = socket.socket(fileno=descriptor)
    listener.setblocking(False)
    folder = Path(listener.getsockname()).parent

    from pipeline.run.kernels.warm import warm_up

    warm_up()
    gc.collect()
    gc.freeze()  # the collector would otherwise copy every page it looks at in every fork
    packs: set[int] = set()
    while True:
        ready, _, _ = select.select([0, descriptor], [], [], _LOOK_EVERY)
        _end_orphans(packs)
        if 0 in ready:  # nothing is ever written there: it has closed
            break
        if descriptor in ready:
            with suppress(BlockingIOError, ConnectionError):
                plug, _ = listener.accept()
                packs.add(_fork(plug, listener, folder))
    shutil.rmtree(folder, ignore_errors=True)


def _fork(plug: socket.socket, listener: socket.socket, folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            listener.close()
            plug.setblocking(True)
            _serve(plug, folder)
        finally:
            os._exit(1)
    plug.close()
    return pid


def _end_orphans(packs: set[int]) -> None:
    """Forget the pack processes that have ended; end what one that was killed left behind."""
    ended = False
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if not pid:
            break
        packs.discard(pid)
        ended = True
    if ended:
        for child in psutil.Process().children():
            if child.pid not in packs:
                with suppress(psutil.Error):
                    child.kill()


def _serve(plug: socket.socket, folder: Path) -> None:
    """Make one pack, in a process of its own."""
    from pipeline.run.execute import make_here
    from pipeline.run.kernels.provisioner import hold_kernel

    adopt_orphans()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)  # the pipe of the owner is the template's alone
    connection = Connection(plug.detach())
    connection.send(os.getpid())
    hold_kernel(close=[connection.fileno()])
    job, limits, env, cwd = connection.recv()
    tempfile.tempdir = str(folder)  # what a killed process leaves is removed with the template
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    time.tzset()
    connection.send(make_here(job, limits, owner=connection))
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
