"""Whether this machine and this home folder can make packs: each check with what to do."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from packaging.requirements import Requirement

from pipeline.errors import Message, WorkbenchError, msg
from pipeline.run.plan import NOTEBOOKS
from pipeline.settings import Settings
from pipeline.store import open_store

_LEAST_FREE = 500 * 2**20


@dataclass(frozen=True)
class Check:
    """One check: ``ok`` and what was found."""

    name: str
    ok: bool
    found: Message


def examine(settings: Settings) -> Iterator[Check]:
    """Check the environment, the store, the folders and the kernel, one at a time."""
    checks: dict[str, Callable[[Settings], Message]] = {
        "python": _python,
        "packages": _packages,
        "kernel": _kernel,
        "notebooks": _notebooks,
        "folders": _folders,
        "disk": _disk,
        "store": _store,
    }
    for name, check in checks.items():
        try:
            yield Check(name, True, check(settings))
        except WorkbenchError as error:
            yield Check(name, False, error.message)


def _python(_: Settings) -> Message:
    return msg("Python {version}.", version=".".join(str(n) for n in sys.version_info[:3]))


def _packages(_: Settings) -> Message:
    every = [Requirement(text) for text in requires("calibration-workbench") or []]
    wanted = [one for one in every if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for one in wanted:
        try:
            fits = one.specifier.contains(version(one.name), prereleases=True)
        except PackageNotFoundError:
            fits = False
        if not fits:
            wrong.append(one.name)
    if wrong:
        raise WorkbenchError(
            msg(
                "Packages missing or of another version: {names}. Run `make lab` or install"
                " requirements.lock.",
                names=", ".join(wrong),
            )
        )
    return msg("All {n} packages are there.", n=len(wanted))


def _kernel(_: Settings) -> Message:
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        raise WorkbenchError(
            msg("There is no python3 kernel. Install ipykernel in this environment.")
        ) from None
    # jupyter_client itself puts this Python in the place of a bare "python"
    command = spec.argv[0] if spec.argv else ""
    own = Path(command).name == command and command.startswith("python")
    if not own and Path(command).resolve() != Path(sys.executable).resolve():
        raise WorkbenchError(
            msg(
                "The python3 kernel belongs to another Python. Run:"
                " python -m ipykernel install --sys-prefix"
            )
        )
    return msg("The python3 kernel runs in this environment.")


def _notebooks(_: Settings) -> Message:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not found:
        raise WorkbenchError(
            msg("The notebooks are missing. Install from a clone: pip install -e .")
        )
    return msg("Notebooks: {names}.", names=", ".join(path.stem for path in found))


def _folders(settings: Settings) -> Message:
    for folder in (settings.data, settings.reports):
        place = folder if folder.exists() else settings.home
        try:
            with tempfile.NamedTemporaryFile(dir=place):
                pass
        except OSError as error:
            raise WorkbenchError(
                msg(
                    "The folder {folder} cannot be written: {reason}.",
                    folder=str(place),
                    reason=error.strerror or type(error).__name__,
                )
            ) from None
    open_to_others = [
        folder.name
        for folder in (settings.reports,)
        if os.name == "posix" and folder.exists() and folder.stat().st_mode & 0o077
    ]
    if open_to_others:
        raise WorkbenchError(
            msg("Others can read {folder}/. Run: chmod -R go= {folder}", folder=open_to_others[0])
        )
    return msg("The folders can be written, by you only.")


def _disk(settings: Settings) -> Message:
    free = shutil.disk_usage(settings.home).free
    if free < _LEAST_FREE:
        raise WorkbenchError(msg("Only {free} MB of disk is free.", free=free // 2**20))
    return msg("{free} MB of disk is free.", free=free // 2**20)


def _store(settings: Settings) -> Message:
    with open_store(settings) as store:
        cycles = store.cycles()
        return msg(
            "The store ({kind}) answers; cycles with ratings: {cycles}.",
            kind=store.dialect,
            cycles=", ".join(cycles[-5:]) or "-",
        )
