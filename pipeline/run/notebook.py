"""One notebook run by papermill, in a kernel of its own, under limits.

The only module that knows papermill. What it is careful about (papermill 2.7): names are checked
before they reach a cell; the notebook is passed as an object, since paths go through
``str.format``; the saved status of cells is not believed; limits on time and memory are our own.
"""

from __future__ import annotations

import base64
import os
import time
from copy import copy
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import papermill
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from pipeline import errors
from pipeline.errors import Message, WorkbenchError, WrongUse, msg
from pipeline.pack.page import FACTS_MIME, FORM_MIME
from pipeline.run.files import keep_file
from pipeline.run.guard import Guard
from pipeline.run.kernels.client import THREADS
from pipeline.run.kernels.provisioner import NAME, is_held
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings


class PackFailed(WorkbenchError):
    """A pack could not be made; the message names nobody."""

    exit_code = errors.EXIT_SOME_FAILED


class _PromptClient(AsyncKernelClient):
    """A client that goes on as soon as the kernel answers, where the base always waits 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its outputs arrive here.

        Raises
        ------
        RuntimeError
            The kernel ended or stayed silent.
        """
        ends = time.monotonic() + (timeout or 60)
        asked: set[str] = set()  # a kernel that is slow to come up answers them all, in turn
        while True:
            asked.add(self.kernel_info())
            if await self._answers(asked):
                return
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > ends:
                raise RuntimeError("Kernel didn't respond in time")

    async def _answers(self, asked: set[str]) -> bool:
        try:
            reply = await self.shell_channel.get_msg(timeout=1)
            if reply["parent_header"].get("msg_id") not in asked:
                return False
            while True:  # its last word about a request is that it is idle again
                told = await self.iopub_channel.get_msg(timeout=0.2)
                own = told["parent_header"].get("msg_id") in asked
                if own and told["content"].get("execution_state") == "idle":
                    self._handle_kernel_info_reply(reply)
                    return True
        except (TimeoutError, Empty):
            return False  # not up yet, or its outputs are not connected yet: ask again


class _PrivateKernelManager(AsyncKernelManager):
    """Starts a kernel that talks over sockets in a private folder instead of over TCP."""

    workspace: Path

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if hasattr(os, "fork"):  # Windows has no unix sockets for zmq
            self.transport = "ipc"
            self.ip = str(self.workspace / "k")
        self.connection_file = str(self.workspace / "kernel.json")
        self.client_factory = _PromptClient

    async def start_kernel(  # type: ignore[override]  # the base makes it at run time
        self, **options: Any
    ) -> None:
        """Start the kernel with one thread: other packs are made beside it."""
        if is_held():
            self._choose_forked()
        threads = dict.fromkeys(THREADS, "1")
        private = {"IPYTHONDIR": str(self.workspace), "MPLBACKEND": "agg"}
        options["env"] = {**os.environ, **options.get("env", {}), **threads, **private}
        await super()._async_start_kernel(**options)

    def _choose_forked(self) -> None:
        # in this copy of the kernelspec only: what JupyterLab and others see stays as it is
        chosen: Any = copy(self.kernel_spec)
        chosen.metadata = {**chosen.metadata, "kernel_provisioner": {"provisioner_name": NAME}}
        if KernelProvisionerFactory.instance().is_provisioner_available(chosen):
            self._kernel_spec = chosen


def run_notebook(
    job: PackJob, limits: RunSettings, workspace: Path, owner: Connection | None = None
) -> NotebookNode:
    """Run the notebook of a pack and return it with its outputs.

    A start that fails is tried once more, with an ordinary kernel.

    Parameters
    ----------
    job, limits
        What to run, and within which time and memory.
    workspace
        Private folder for sockets and the running notebook.
    owner
        Connection to the worker that asked; see `Guard`.

    Raises
    ------
    PackFailed
        A cell failed, the kernel died or did not start, or a limit was broken. What ran of the
        notebook is kept beside the place of the pack.
    """
    notebook = nbformat.read(job.notebook, as_version=4)
    parameters = job.parameters.plain()
    _check_names(notebook, parameters, job.notebook.name)
    output = workspace / "pack.ipynb"
    manager = type("PrivateKernelManager", (_PrivateKernelManager,), {"workspace": workspace})
    with Guard(limits, owner) as guard:
        for attempt in (1, 2):
            try:
                ran: NotebookNode = papermill.execute_notebook(
                    notebook,
                    output,
                    parameters=parameters,
                    kernel_name="python3",
                    kernel_manager_class=manager,
                    cwd=str(job.notebook.parent),
                    progress_bar=False,
                    log_output=False,
                    request_save_on_cell_execute=False,
                    start_timeout=60,
                    shutdown_kernel="immediate",  # nothing in it is needed after the last cell
                )
                return ran
            except papermill.PapermillExecutionError as error:
                _keep(output, job)
                raise PackFailed(_explain(error)) from None
            except DeadKernelError:
                _keep(output, job)
                raise PackFailed(
                    guard.broken
                    or msg("The kernel ended by itself; the machine may be out of memory.")
                ) from None
            except RuntimeError:
                # nbclient and jupyter_client say so when a kernel does not come up
                if guard.broken:
                    raise PackFailed(guard.broken) from None
                if attempt == 2:
                    raise PackFailed(
                        msg("The kernel could not be started. Run: calibrate doctor.")
                    ) from None
    raise AssertionError("unreachable")


def _check_names(notebook: NotebookNode, parameters: dict[str, Any], name: str) -> None:
    """Refuse parameters that the notebook does not have.

    Raises
    ------
    WrongUse
        A name that is no identifier, or that the notebook's parameters cell lacks.
    """
    known = set(papermill.inspect_notebook(notebook))
    unknown = sorted(one for one in parameters if not one.isidentifier() or (one not in known))
    if unknown:
        raise WrongUse(
            msg(
                "The notebook {notebook} has no parameter {names}.",
                notebook=name,
                names=", ".join(unknown),
            )
        )


def _explain(error: papermill.PapermillExecutionError) -> Message:
    """Say which cell failed; the text of a foreign exception may quote data, so it is left out."""
    own = {name for name, one in vars(errors).items() if isinstance(one, type)}
    if error.ename in own:
        return msg("{reason} (cell {cell})", reason=str(error.evalue), cell=error.exec_count or 0)
    return msg(
        "{kind} in cell {cell}. The notebook is kept in the folder failed/ for a closer look.",
        kind=str(error.ename),
        cell=error.exec_count or 0,
    )


def _keep(output: Path, job: PackJob) -> None:
    """Keep the notebook of a failed pack, for its owner only."""
    if not output.exists():
        return
    keep_file(output, job.output.parent / job.product.failed)


def form_of(notebook: NotebookNode) -> bytes | None:
    """Return the decision form that an executed notebook shows, if it shows one."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get(FORM_MIME)
            if found is not None:
                return base64.b64decode(found)
    return None


def facts_of(notebook: NotebookNode) -> dict[str, Any]:
    """Return what the closing cell told about the pack.

    Raises
    ------
    PackFailed
        There is no such cell: the notebook stopped early.
    """
    for cell in reversed(notebook.cells):
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get(FACTS_MIME)
            if found is not None:
                return dict(found)
    raise PackFailed(msg("The notebook ended without its closing cell; no pack was made."))
