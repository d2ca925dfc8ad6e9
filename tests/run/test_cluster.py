"""Packs made by the workers of a real Dask scheduler."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.errors import EXIT_SOME_FAILED, EXIT_WRONG_USE, WrongUse
from pipeline.run import cluster as module
from pipeline.run.cluster import SchedulerGone, cluster_pool
from pipeline.run.engine import make_packs
from pipeline.run.outcome import FAILED, MADE, Outcome
from pipeline.settings import RunSettings
from support import REPOSITORY
from support.dask import cluster, until
from support.jobs import GOOD, JobMaker

pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("cluster")

Command = Callable[..., tuple[int, str]]
SAMPLE = REPOSITORY / "data" / "sample"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command in this process and gives its exit code and what it wrote."""

    def command(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out + written.err

    return command


def pages(home: Path) -> dict[str, str]:
    """Return the packs of a home by their place, without the times in them."""
    return {
        str(path.relative_to(home)): re.sub(r"\d{1,2}:\d\d(:\d\d)?", "", path.read_text())
        for path in sorted(home.glob("reports/*/*/calibration-pack.html"))
    }


def waits_for(gate: Path, sign: Path, code: str = GOOD) -> str:
    """Return the code of a notebook that says that it runs and goes on when it may."""
    return (
        f"import os, pathlib, time\n"
        f"pathlib.Path({str(sign)!r}).write_text(str(os.getpid()))\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\n{code}"
    )


def test_two_workers_make_what_one_machine_makes(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run: Command
) -> None:
    """The sample from PostgreSQL: the same packs, the same outcomes, on both workers."""
    monkeypatch.setenv("CALIBRATE_STORE__URL", postgres_url)
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir(), far.mkdir()
    code, text = run("import", str(SAMPLE), "--home", str(near))
    assert code in (0, 3), text
    some = ["--cycle", "2025"]
    code, text = run("packs", *some, "--home", str(near))
    assert code == 0, text
    with cluster(tmp_path / "dask", 2, {"CALIBRATE_STORE__URL": postgres_url}) as dask:
        code, text = run(
            "packs", *some, "--home", str(far), "--scheduler", dask.address, "--json"
        )  # fmt: skip
        assert code == 0, text + dask.logs()
    made = pages(far)
    assert len(made) > 3
    assert made == pages(near)
    assert not list(far.rglob("*.part"))
    outcomes = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert outcomes[-1]["made"] == len(made)


def test_a_killed_worker_costs_no_pack(
    tmp_path: Path, make_job: JobMaker, limits: RunSettings
) -> None:
    """What it was making is made by the other one; everything else goes on."""
    gate, sign = tmp_path / "gate", tmp_path / "sign"
    jobs = [make_job(waits_for(gate, sign), "held"), *(make_job(GOOD, f"s{i}") for i in range(4))]
    with cluster(tmp_path / "dask", 1) as dask:
        done: list[Outcome] = []
        going = threading.Thread(
            target=lambda: done.extend(make_packs(jobs, limits, pool=cluster_pool(dask.address)))
        )
        going.start()
        until(sign.exists)
        dask.add_worker()
        dask.kill_worker(0)
        gate.touch()
        going.join(120)
        assert not going.is_alive(), dask.logs()
    assert [outcome.status for outcome in done] == [MADE] * 5
    assert all(job.output.exists() for job in jobs)
    assert not list(tmp_path.glob("reports/**/*.part"))


def test_a_pack_that_kills_every_worker_fails_alone(
    tmp_path: Path, make_job: JobMaker, limits: RunSettings
) -> None:
    """A kernel that dies takes no worker along; the others are made."""
    jobs = [make_job("import os; os._exit(9)", "bad"), make_job(GOOD, "good")]
    with cluster(tmp_path / "dask", 1) as dask:
        done = make_packs(jobs, limits, pool=cluster_pool(dask.address))
    assert [outcome.status for outcome in done] == [FAILED, MADE]
    assert "ended by itself" in str(done[0].error)
    assert not jobs[0].output.exists()


def test_a_worker_that_joins_late_is_waited_for(
    tmp_path: Path, make_job: JobMaker, limits: RunSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A scheduler without workers is no fault: clusters grow when there is work."""
    with cluster(tmp_path / "dask", 0) as dask:
        later = threading.Timer(3, dask.add_worker)
        later.start()
        done = make_packs([make_job()], limits, pool=cluster_pool(dask.address))
        later.join()
    assert [outcome.status for outcome in done] == [MADE]
    assert "no workers yet" in caplog.text


def test_a_scheduler_that_goes_is_said_and_leaves_no_half_pack(
    tmp_path: Path, make_job: JobMaker, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with one clear sentence; what was made before is kept."""
    monkeypatch.setattr(module, "CONNECT_SECONDS", 2.0)
    gate, sign = tmp_path / "gate", tmp_path / "sign"
    jobs = [make_job(GOOD, "first"), make_job(waits_for(gate, sign), "held")]
    found: list[BaseException] = []

    with cluster(tmp_path / "dask", 1) as dask:

        def go() -> None:
            try:
                make_packs(jobs, limits, pool=cluster_pool(dask.address))
            except BaseException as reason:
                found.append(reason)

        going = threading.Thread(target=go)
        going.start()
        until(lambda: sign.exists() and jobs[0].output.exists())
        dask.kill_scheduler()
        going.join(120)
        assert not going.is_alive(), dask.logs()
    assert isinstance(found[0], SchedulerGone)
    assert found[0].exit_code == EXIT_SOME_FAILED
    assert dask.address in str(found[0])
    assert jobs[0].output.exists()
    assert not jobs[1].output.exists()
    assert not list(tmp_path.glob("reports/**/*.part"))


def test_a_scheduler_that_was_never_there_makes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, run: Command
) -> None:
    """Exit code 1, one sentence, no password of the address, and the run is recorded."""
    monkeypatch.setattr(module, "CONNECT_SECONDS", 1.0)
    assert run("sample", str(home / "x"), "--departments", "1", "--home", str(home))[0] == 0
    assert run("import", str(home / "x"), "--home", str(home))[0] in (0, 3)
    code, text = run("packs", "--home", str(home), "--scheduler", "tcp://me:secret@127.0.0.1:9")
    assert code == EXIT_SOME_FAILED, text
    assert "does not answer" in text
    assert "secret" not in text
    assert "Traceback" not in text
    assert not pages(home)
    (record,) = home.glob("reports/runs/*.json")
    assert json.loads(record.read_text())["interrupted"]
    assert not list(home.glob("reports/runs/*.lock"))


def test_an_address_that_is_none_is_refused(home: Path, run: Command) -> None:
    """Before anything else is done."""
    with pytest.raises(WrongUse, match="tcp://"):
        cluster_pool("10.0.0.5:8786")
    code, text = run("packs", "--home", str(home), "--scheduler", "nowhere")
    assert code == EXIT_WRONG_USE
    assert "tcp://" in text


def test_the_scheduler_can_be_a_setting(home: Path, run: Command) -> None:
    """`[cluster] scheduler` is used without an option."""
    (home / "workbench.toml").write_text('[cluster]\nscheduler = "nowhere"\n')
    code, text = run("packs", "--home", str(home))
    assert code == EXIT_WRONG_USE
    assert "tcp://" in text
