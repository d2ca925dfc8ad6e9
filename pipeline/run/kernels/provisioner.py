"""The kernel provisioner: hands out a forked kernel where one is held, else starts an ordinary one.

`hold_kernel` forks a child that waits; `ForkedProvisioner`, chosen by the runner alone (no
kernelspec names it), turns that child into the kernel. It listens before the client connects: a
socket of zmq that finds nobody tries again only after a tenth of a second.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from pipeline.run.kernels.linux import end_with_parent

NAME = "calibration-forked"
"""Name of the entry point in the group ``jupyter_client.kernel_provisioners``."""

_LAUNCHER = ["-m", "ipykernel_launcher"]
_START_SECONDS = 30.0
_READY = "ready"
_held: HeldKernel | None = None


class HeldKernel:
    """A forked child that waits to become a kernel; the part of `subprocess.Popen` Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, orders: Connection) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._orders = orders

    def start(self, arguments: list[str], env: dict[str, str], cwd: str) -> None:
        """Turn the child into a kernel."""
        self._orders.send((arguments, env, cwd))

    async def listens(self) -> None:
        """Wait until the kernel listens.

        Raises
        ------
        RuntimeError
            It ended, or took too long.
        """
        ends = time.monotonic() + _START_SECONDS
        while not self._orders.poll():
            if time.monotonic() > ends:
                raise RuntimeError("the forked kernel did not start in time")
            await asyncio.sleep(0.002)
        try:
            self._orders.recv()
        except (EOFError, OSError):
            raise RuntimeError("the forked kernel ended while starting") from None

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # the guard was first
                self.returncode = -signal.SIGKILL
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = 5.0) -> int | None:
        """Wait until it has ended."""
        ends = time.monotonic() + timeout
        while self.poll() is None and time.monotonic() < ends:
            time.sleep(0.001)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def hold_kernel(close: Sequence[int] = ()) -> None:
    """Fork a child that will become this process's next kernel.

    Call it while the process has one thread and no socket of zmq: a fork copies neither well.

    Parameters
    ----------
    close
        File descriptors that the child must not keep open.
    """
    global _held
    parent = os.getpid()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            for descriptor in close:
                os.close(descriptor)
            _become_kernel(Connection(theirs.detach()), parent)
        finally:
            os._exit(1)
    theirs.close()
    _held = HeldKernel(pid, Connection(ours.detach()))


def is_held() -> bool:
    """Whether a forked kernel waits in this process."""
    return _held is not None


def _become_kernel(orders: Connection, parent: int) -> None:
    os.setsid()  # an interrupt of the kernel is for it alone
    end_with_parent(parent)
    try:
        arguments, env, cwd = orders.recv()
    except EOFError:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    time.tzset()
    sys.argv = ["ipykernel_launcher", *arguments]
    _new_randomness()
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(arguments)  # type: ignore[no-untyped-call]  # ipykernel is untyped
    orders.send(_READY)
    app.start()  # type: ignore[no-untyped-call]  # ipykernel is untyped
    os._exit(0)


def _new_randomness() -> None:
    # Python's own generator is seeded anew in a fork; numpy's would repeat itself in every pack
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()


class ForkedProvisioner(LocalProvisioner):
    """Uses the kernel that this process holds; starts an ordinary one where there is none."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel."""
        global _held
        held, _held = _held, None
        forkable = Path(cmd[0]).resolve() == Path(sys.executable).resolve()
        if held is None or not forkable or cmd[1:3] != _LAUNCHER:
            if held is not None:
                held.kill()
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = held
        self.pid = self.pgid = held.pid
        self.cwd = kwargs.get("cwd") or os.getcwd()
        held.start(cmd[3:], dict(kwargs["env"]), str(self.cwd))
        await held.listens()
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once; it has ended when this returns, so nobody waits and polls."""
        await super().kill(restart)
        if isinstance(self.process, HeldKernel):
            self.process.wait()
