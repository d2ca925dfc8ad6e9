"""One pack: made whole, or not at all, and a clear reason without anybody's data."""

from __future__ import annotations

import json
import os
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pipeline.run import execute
from pipeline.run.execute import make_here, make_pack
from pipeline.run.kernels import client
from pipeline.run.outcome import FAILED, MADE
from pipeline.settings import RunSettings
from support.jobs import GOOD, PARAMETERS, JobMaker

SECRET = "Anna de Vries"


@pytest.fixture(params=["warm", "ordinary"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with forked and with ordinary kernels."""
    if request.param == "ordinary":
        monkeypatch.setenv(client.ADDRESS, "off")
    return str(request.param)


_before: set[int] = set()


@pytest.fixture(autouse=True)
def _note_processes() -> None:
    """Note what ran before the test: Python's own clean-up process outlives other tests' pools."""
    _before.clear()
    _before.update(child.pid for child in psutil.Process().children(recursive=True))


def still_running() -> list[psutil.Process]:
    """Return the processes that this test started and that have not ended, but for the template."""
    known = _before | {client._own.pid if client._own else 0}
    ends = time.monotonic() + 10  # the process of a pack ends just after its answer
    while True:
        found = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.pid not in known and child.status() != psutil.STATUS_ZOMBIE
        ]
        if not found or time.monotonic() > ends:
            return found
        time.sleep(0.05)


def left(job: execute.PackJob) -> set[str]:
    """Return the names of the files in a session's folder."""
    folder = job.output.parent
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("kernels")
def test_a_pack_is_made(make_job: JobMaker, limits: RunSettings) -> None:
    """One private HTML file, its record, and nothing else."""
    job = make_job()
    outcome = make_pack(job, limits)
    assert outcome.status == MADE, outcome.error
    assert outcome.warnings == ("let op",)
    assert outcome.n_cases == 2
    assert left(job) == {"calibration-pack.html", "calibration-pack.json"}
    assert job.output.stat().st_mode & 0o777 == 0o600
    assert job.output.parent.stat().st_mode & 0o777 == 0o700
    assert "<title>Titel</title>" in job.output.read_text()
    assert not still_running()


@pytest.mark.usefixtures("kernels")
def test_a_failing_cell_keeps_the_notebook_and_leaves_no_pack(
    make_job: JobMaker, limits: RunSettings
) -> None:
    """An earlier pack goes too: it would not fit the data. The text of the error stays private."""
    make_pack(make_job(), limits)
    job = make_job(f"raise KeyError('{SECRET}')")
    outcome = make_pack(job, limits)
    assert outcome.status == FAILED
    assert "KeyError" in str(outcome.error)
    assert SECRET not in str(outcome.error)
    assert left(job) == {"calibration-pack.json", "failed/calibration-pack.ipynb"}
    kept = job.output.parent / "failed" / "calibration-pack.ipynb"
    assert SECRET in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert SECRET not in (job.output.parent / "calibration-pack.json").read_text()
    good = make_job()
    make_pack(good, limits)
    assert left(good) == {"calibration-pack.html", "calibration-pack.json"}


def test_our_own_reasons_are_shown(make_job: JobMaker, limits: RunSettings) -> None:
    """An error of the workbench is written for its user."""
    job = make_job(
        """
        from pipeline.errors import WrongUse, msg
        raise WrongUse(msg("Er is geen sessie {x}.", x="x1"))
        """
    )
    assert "Er is geen sessie x1." in str(make_pack(job, limits).error)


@pytest.mark.usefixtures("kernels")
def test_a_kernel_that_dies_is_a_failed_pack(make_job: JobMaker, limits: RunSettings) -> None:
    """A crash in the kernel does not hang or take the runner along."""
    outcome = make_pack(make_job("import os; os._exit(9)"), limits)
    assert outcome.status == FAILED
    assert "ended by itself" in str(outcome.error)


@pytest.mark.usefixtures("kernels")
def test_a_kernel_that_hangs_is_stopped(make_job: JobMaker) -> None:
    """The wall-clock limit is for the whole pack, whatever its cells do."""
    job = make_job("import time\ntime.sleep(600)")
    outcome = make_pack(job, RunSettings(seconds=6))
    assert outcome.status == FAILED
    assert "6 seconds" in str(outcome.error)
    assert outcome.seconds < 30
    assert not still_running()


@pytest.mark.usefixtures("kernels")
def test_a_kernel_that_eats_memory_is_stopped(make_job: JobMaker) -> None:
    """The memory limit holds before the machine suffers."""
    job = make_job("import time\nmany = bytearray(700 * 2**20)\ntime.sleep(60)")
    outcome = make_pack(job, RunSettings(seconds=60, memory_mb=400))
    assert outcome.status == FAILED
    assert "400 MB" in str(outcome.error)


def test_parameters_arrive_as_they_are(make_job: JobMaker, limits: RunSettings) -> None:
    """Quotes, braces and non-Latin text reach the notebook unharmed."""
    name = "a'b\"{c}\\ 名 \N{GRINNING FACE}"
    job = make_job(f"assert session_id == {name!r}, 'other'\n{GOOD}")
    job = replace(job, parameters=job.parameters.model_copy(update={"session_id": name}))
    outcome = make_pack(job, limits)
    assert outcome.status == MADE, outcome.error


def test_unknown_parameters_are_refused(make_job: JobMaker, limits: RunSettings) -> None:
    """A notebook without the parameter would silently show another session."""
    job = make_job(parameters=PARAMETERS.replace("audience", "listener"))
    outcome = make_pack(job, limits)
    assert outcome.status == FAILED
    assert "audience" in str(outcome.error)


def test_a_notebook_that_stops_early_makes_no_pack(make_job: JobMaker, limits: RunSettings) -> None:
    """Without its closing cell a pack is not complete."""
    job = make_job("1 + 1")
    assert make_pack(job, limits).status == FAILED
    assert not job.output.exists()


def test_a_full_disk_leaves_no_half_pack(
    make_job: JobMaker, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says what to do; no part of the pack is left."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    job = make_job()
    monkeypatch.setattr("pipeline.run.files.os.fsync", full)
    outcome = make_here(job, limits)
    assert outcome.status == FAILED
    assert "disk is full" in str(outcome.error)
    assert left(job) == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_forbidden_folder_is_explained(make_job: JobMaker, limits: RunSettings) -> None:
    """Permissions are named as the cause."""
    job = make_job()
    job.output.parent.mkdir(parents=True, mode=0o500)
    assert "permissions" in str(make_pack(job, limits).error)


@pytest.mark.usefixtures("kernels")
def test_the_kernel_talks_over_private_sockets(make_job: JobMaker, limits: RunSettings) -> None:
    """No channel of a kernel is a TCP port that others on the machine can reach."""
    check = """
        import json, os
        from ipykernel import get_connection_file
        with open(get_connection_file()) as file:
            connection = json.load(file)
        assert connection["transport"] == "ipc", "ports"
        folder = os.path.dirname(connection["ip"])
        assert os.stat(folder).st_mode & 0o777 == 0o700, "open folder"
        """
    outcome = make_pack(make_job(textwrap.dedent(check) + GOOD), limits)
    assert outcome.status == MADE, outcome.error


def test_the_record_is_plain(make_job: JobMaker, limits: RunSettings) -> None:
    """Machines read what became of a pack."""
    job = make_job()
    make_pack(job, limits)
    record = json.loads((job.output.parent / "calibration-pack.json").read_text())
    assert record["status"] == "made"
    assert record["not_estimable"] == ["severity"]
    assert Path(record["session_id"]).name == "s1"
