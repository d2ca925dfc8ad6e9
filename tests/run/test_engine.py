"""All packs: side by side, each by itself, and stopped cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from pipeline.run.engine import make_packs
from pipeline.run.outcome import FAILED, MADE, Outcome
from pipeline.settings import RunSettings
from support import REPOSITORY
from support.jobs import JobMaker


def test_one_failure_leaves_the_others(make_job: JobMaker, limits: RunSettings) -> None:
    """The good packs are made, the failed one is told, in the order asked."""
    jobs = [make_job(name="a"), make_job("1/0", name="b"), make_job(name="c")]
    heard: list[Outcome] = []
    outcomes = make_packs(jobs, limits, listener=heard.append)
    assert [outcome.session_id for outcome in outcomes] == ["a", "b", "c"]
    assert [outcome.status for outcome in outcomes] == [MADE, FAILED, MADE]
    assert {outcome.session_id for outcome in heard} == {"a", "b", "c"}
    assert [job.output.exists() for job in jobs] == [True, False, True]


def test_a_killed_worker_costs_one_pack_at_most(make_job: JobMaker) -> None:
    """A pack that kills its worker fails; its neighbours are made all the same."""
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(60)"
    jobs = [make_job(kill, name="a"), make_job(name="b"), make_job(name="c")]
    outcomes = make_packs(jobs, RunSettings(jobs=2, seconds=40))
    assert [outcome.status for outcome in outcomes] == [FAILED, MADE, MADE]
    assert "killed twice" in str(outcomes[0].error)


def test_no_jobs_is_no_work(limits: RunSettings) -> None:
    """Nothing to make is no error."""
    assert make_packs([], limits) == []


RUN = """
import signal
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.jobs import make_job
from pipeline.run.engine import make_packs
from pipeline.settings import RunSettings

if __name__ == "__main__":
    # a shell that started the tests in the background leaves Ctrl-C ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    make = make_job.__wrapped__(Path({folder!r}))
    jobs = [make("open({flag!r}, 'w').close()\\nimport time\\ntime.sleep(100)", name=n)
            for n in "ab"]
    make_packs(jobs, RunSettings(jobs=2, seconds=200))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_runs_on_after_a_stop(tmp_path: Path, how: signal.Signals) -> None:
    """After Ctrl-C or a kill no worker and no kernel is left, and no half pack."""
    flag = tmp_path / "running"
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(RUN).format(
            tests=str(REPOSITORY / "tests"), folder=str(tmp_path), flag=str(flag)
        )
    )
    running = subprocess.Popen(
        [sys.executable, str(script)], start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    family = psutil.Process(running.pid).children(recursive=True)
    assert len(family) >= 2
    running.send_signal(how)
    running.wait(30)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not list((tmp_path / "reports").rglob("*.html"))
    assert not list((tmp_path / "reports").rglob("*.part"))
