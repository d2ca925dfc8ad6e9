"""One pack: a notebook run by papermill, under limits, turned into one HTML file.

The only module that knows papermill. What it is careful about (papermill 2.7): names are checked
before they reach a cell; the notebook is passed as an object, since paths go through
``str.format``; the saved status of cells is not believed; limits on time and memory are our own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from pipeline import errors
from pipeline.errors import Message, WorkbenchError, WrongUse, msg
from pipeline.pack.html import FACTS_MIME, to_html
from pipeline.run.files import FILE_MODE, make_folder, write_json, write_whole
from pipeline.run.outcome import FAILED, MADE, RECORD, Outcome
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings

FAILED_NOTEBOOK = Path("failed") / "calibration-pack.ipynb"
_LOOK_EVERY = 0.1
_LONGEST_SOCKET = 90


class PackFailed(WorkbenchError):
    """A pack could not be made; the message names nobody."""

    exit_code = errors.EXIT_SOME_FAILED


def make_pack(job: PackJob, limits: RunSettings) -> Outcome:
    """Make one pack; a failure is an outcome, not an exception.

    On failure the executed notebook is kept in a private folder beside the place of the pack, and
    no pack is left, not even an older one: it would not fit the data.
    """
    started = time.monotonic()
    facts: dict[str, Any] = {}
    error: Message | None = None
    try:
        with _workspace() as workspace:
            notebook = _run(job, limits, workspace)
            facts = _facts(notebook)
            page = to_html(notebook, title=job.title, language=job.parameters.language)
            write_whole(job.output, page)
        shutil.rmtree(job.output.parent / FAILED_NOTEBOOK.parent, ignore_errors=True)
    except WorkbenchError as reason:
        error = reason.message
    except OSError as reason:
        error = _explain_disk(reason)
    except Exception as reason:
        # an unforeseen fault of one pack must not stop the others; its text may quote data
        error = msg("Unexpected fault {kind} while making the pack.", kind=type(reason).__name__)
    outcome = Outcome(
        session_id=job.session.session_id,
        department=job.session.department,
        cycle=job.session.cycle,
        kind=job.session.kind,
        audience=job.parameters.audience.value,
        status=FAILED if error else MADE,
        seconds=time.monotonic() - started,
        made_at=dt.datetime.now(dt.UTC),
        warnings=tuple(facts.get("warnings", ())),
        n_cases=facts.get("n_cases"),
        not_estimable=tuple(facts.get("not_estimable", ())),
        error=error,
    )
    with contextlib.suppress(OSError):  # disk full or forbidden: the outcome itself says so
        if error:
            job.output.unlink(missing_ok=True)
        write_json(job.output.parent / RECORD, outcome.record())
    return outcome


def _explain_disk(reason: OSError) -> Message:
    if reason.errno == errno.ENOSPC:
        return msg("The disk is full. Free some space and run again; the other packs are kept.")
    if reason.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return msg("The reports folder may not be written. Check its permissions and run again.")
    return msg("The pack could not be written ({reason}).", reason=reason.strerror or "OSError")


@contextmanager
def _workspace() -> Iterator[Path]:
    """Make a private folder for sockets and the running notebook; removed afterwards."""
    base: str | None = None
    if len(tempfile.gettempdir()) > _LONGEST_SOCKET - 40:
        base = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="calibrate-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _PrivateKernelManager(AsyncKernelManager):
    """Starts a kernel that talks over sockets in a private folder instead of over TCP."""

    workspace: Path

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if hasattr(os, "fork"):  # Windows has no unix sockets for zmq
            self.transport = "ipc"
            self.ip = str(self.workspace / "k")
        self.connection_file = str(self.workspace / "kernel.json")

    async def start_kernel(  # type: ignore[override]  # the base makes it at run time
        self, **options: Any
    ) -> None:
        """Start the kernel with one thread: other packs are made beside it."""
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        private = {"IPYTHONDIR": str(self.workspace), "MPLBACKEND": "agg"}
        options["env"] = {**os.environ, **options.get("env", {}), **threads, **private}
        await super()._async_start_kernel(**options)


@dataclass
class _Guard:
    """Watches the kernels of this process and ends them beyond a limit."""

    limits: RunSettings
    broken: Message | None = None
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Guard:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        for child in psutil.Process().children(recursive=True):
            _kill(child)

    def _watch(self) -> None:
        ends = time.monotonic() + self.limits.seconds
        most = self.limits.memory_mb * 2**20
        while not self._done.wait(_LOOK_EVERY):
            children = psutil.Process().children(recursive=True)
            if time.monotonic() > ends:
                self.broken = msg(
                    "Took longer than {seconds} seconds (run.seconds in workbench.toml).",
                    seconds=self.limits.seconds,
                )
            elif sum(_memory(child) for child in children) > most:
                self.broken = msg(
                    "Needed more than {memory} MB of memory (run.memory_mb in workbench.toml).",
                    memory=self.limits.memory_mb,
                )
            if self.broken:
                for child in children:
                    _kill(child)
                return


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):  # it ended by itself
        process.kill()


def _run(job: PackJob, limits: RunSettings, workspace: Path) -> NotebookNode:
    notebook = nbformat.read(job.notebook, as_version=4)
    parameters = job.parameters.plain()
    _check_names(notebook, parameters, job.notebook.name)
    output = workspace / "pack.ipynb"
    manager = type("PrivateKernelManager", (_PrivateKernelManager,), {"workspace": workspace})
    with _Guard(limits) as guard:
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
    target = job.output.parent / FAILED_NOTEBOOK
    make_folder(target.parent)
    shutil.move(output, target)
    target.chmod(FILE_MODE)


def _facts(notebook: NotebookNode) -> dict[str, Any]:
    for cell in reversed(notebook.cells):
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get(FACTS_MIME)
            if found is not None:
                return dict(found)
    raise PackFailed(msg("The notebook ended without its closing cell; no pack was made."))
