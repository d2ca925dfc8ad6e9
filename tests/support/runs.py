"""`calibrate packs` as a process that can be killed, and what it has left in reports/."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from pipeline.run.lock import SCRATCH
from support.jobs import PARAMETERS

COMMAND = """
import sys
from pathlib import Path

import pipeline.run.plan as plan

plan.NOTEBOOKS = Path(sys.argv[1])
from pipeline.cli import main

if __name__ == "__main__":
    main(sys.argv[2:])
"""
QUICK = """
import time
from IPython.display import display
from pipeline.pack.page import Section
from pipeline.settings import read_settings
from pipeline.store import open_store
time.sleep({pause})
with open_store(read_settings(home)) as store:
    data = store.session_data(session_id)
shown = data.ratings.groupby("criterion_id")["score"].mean().to_dict()
display(Section("a", "Deel", f"<section><h2>Deel</h2><p>{{shown}}</p></section>"))
facts = {{"title": "t", "department": "d", "warnings": [], "n_cases": len(data.ratings),
         "not_estimable": []}}
display({{"application/vnd.calibration.facts+json": facts}}, raw=True)
"""


@dataclass
class Runner:
    """Runs the command on one home.

    Attributes
    ----------
    home
        With its store filled.
    notebooks
        Folder of the notebook; None for the real one.
    env
        Beside the environment of the tests.
    """

    home: Path
    notebooks: Path | None = None
    env: dict[str, str] | None = None

    @property
    def reports(self) -> Path:
        """Where the packs come."""
        return self.home / "reports"

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start `calibrate packs`."""
        arguments = ["--home", str(self.home), "--lang", "en", "packs", *options]
        command = [sys.executable, "-m", "pipeline", *arguments]
        if self.notebooks is not None:
            script = self.notebooks / "command.py"
            command = [sys.executable, str(script), str(self.notebooks), *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(self.env or {})}, cwd=self.home,
        )  # fmt: skip

    def finish(self, *options: str, timeout: float = 600) -> tuple[int, str]:
        """Run `calibrate packs` to its end; return its exit code and what it said."""
        running = self.start(*options)
        said, errors = running.communicate(timeout=timeout)
        return running.returncode, said + errors


def quick_notebook(folder: Path, pause: float = 0.0) -> Path:
    """Write a notebook that reads the slice of its session and shows a number of it, quickly."""
    folder.mkdir(parents=True, exist_ok=True)
    first = new_code_cell(PARAMETERS.strip(), metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[first, new_code_cell(QUICK.format(pause=pause).strip())])
    for cell in notebook.cells:
        cell["id"] = "same"
    notebook.cells[1]["id"] = "other"
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, folder / "calibration_pack.ipynb")
    (folder / "command.py").write_text(COMMAND)
    return folder


def packs_of(reports: Path) -> dict[str, object]:
    """Return every file that readers and later runs see, by its path, apart from times."""
    found: dict[str, object] = {}
    for path in sorted(reports.rglob("*")):
        name = path.relative_to(reports).as_posix()
        if not path.is_file() or (path.parent.name == "runs" and path.suffix == ".json"):
            continue
        if path.suffix == ".json":
            record = json.loads(path.read_text())
            found[name] = {k: v for k, v in record.items() if k not in ("seconds", "made_at")}
        elif name == "index.html":
            page = re.sub(r"\d\d?:\d\d|\d+[.,]\d", "0", path.read_text())
            found[name] = re.sub(r"\b\d{1,2} \w+ \d{4}", "date", page)
        else:
            found[name] = path.read_bytes()
    return found


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that it started, as far as they are there."""
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


def ended(processes: list[psutil.Process], seconds: float = 30) -> bool:
    """Wait until none of the processes runs."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [one for one in alive if one.is_running() and one.status() != "zombie"]


def left_behind(reports: Path) -> list[str]:
    """Return what no run should leave: half files, claims, and folders of passing files."""
    found = [str(path) for path in reports.rglob("*.part")]
    return found + [str(path) for path in (reports / "runs").glob("*.lock")]


def kill_at_random(runner: Runner, chance: random.Random, longest: float) -> str:
    """Start a run, kill one of its processes at a random moment, and wait for the end.

    Returns
    -------
    str
        What was killed: ``"command"``, ``"worker"`` (or another child of the command),
        ``"kernel"`` (or another grandchild), or ``"nothing"`` when it had ended already.
    """
    kind = chance.choice(["command", "worker", "kernel"])
    options = ["--force"] if chance.random() < 0.5 else []
    if not options:
        shutil.rmtree(runner.reports, ignore_errors=True)
    running = runner.start(*options)
    began = time.monotonic()
    moment = chance.uniform(0.05, longest)
    while running.poll() is None and time.monotonic() - began < moment:
        time.sleep(0.01)
    everybody = family(running.pid)
    children = {one.pid for one in psutil.Process(running.pid).children()} if everybody else set()
    chosen = {
        "command": everybody[:1],
        "worker": [one for one in everybody if one.pid in children],
        "kernel": [one for one in everybody[1:] if one.pid not in children],
    }[kind]
    killed = "nothing"
    if chosen and running.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(chosen).kill()
            killed = kind
    running.communicate(timeout=600)
    if not ended(everybody):
        names = [one.cmdline()[:4] for one in everybody if one.is_running()]
        raise AssertionError(f"still running after {killed} was killed: {names}")
    return killed


def scratch_folders(folder: Path) -> list[Path]:
    """Return the folders of passing files of runs."""
    return sorted(folder.glob(f"{SCRATCH}*"))
