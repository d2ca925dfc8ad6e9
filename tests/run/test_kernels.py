"""Warm kernels: the same packs as with ordinary kernels, faster, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from pipeline.pack import Pack, prepare
from pipeline.run.execute import make_here, make_pack
from pipeline.run.kernels import client, provisioner, warm
from pipeline.run.outcome import FAILED, MADE
from pipeline.run.plan import NOTEBOOKS, plan_packs
from pipeline.settings import RunSettings, read_settings
from pipeline.store import open_store
from support import REPOSITORY
from support.jobs import GOOD, JobMaker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


@pytest.fixture
def template() -> Iterator[client.Template]:
    """Return a fresh template of this process, warmed up when first asked."""
    client.close_own()
    client._own_address()
    found = client._own
    assert found is not None
    yield found
    client.close_own()


def wait_for(path: Path, seconds: float = 60) -> str:
    """Wait until a file is there and return its text."""
    ends = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < ends:
        time.sleep(0.05)
    return path.read_text()


def gone(pid: int, seconds: float = 20) -> bool:
    """Whether a process ends within so many seconds."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


TELL = """
import json, os, sys, time
with open({path!r} + ".part", "w") as file:
    json.dump({{"kernel": os.getpid(), "pack": os.getppid()}}, file)
os.replace({path!r} + ".part", {path!r})
"""


def test_jupyter_finds_the_provisioner() -> None:
    """The entry point is registered and leads to the class."""
    (found,) = entry_points(group="jupyter_client.kernel_provisioners", name=provisioner.NAME)
    assert found.load() is provisioner.ForkedProvisioner


def test_kernelspecs_are_as_before(make_job: JobMaker, limits: RunSettings) -> None:
    """JupyterLab sees the same kernels, and none of them asks for our provisioner."""
    before = KernelSpecManager().get_all_specs()
    assert make_pack(make_job(), limits).status == MADE
    after = KernelSpecManager().get_all_specs()
    assert after == before
    assert provisioner.NAME not in json.dumps(after)


def test_the_kernel_has_everything_imported(make_job: JobMaker, limits: RunSettings) -> None:
    """A fork of the template needs to import nothing, and uses one thread."""
    check = """
        import os, sys
        for name in ("pipeline.pack.prepare", "statsmodels.api", "seaborn", "sqlalchemy"):
            assert name.partition(".")[0] in sys.modules, name
        assert os.environ["OMP_NUM_THREADS"] == "1"
        """
    outcome = make_pack(make_job(textwrap.dedent(check) + GOOD), limits)
    assert outcome.status == MADE, outcome.error


def test_a_pack_of_each_kind_is_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions about conversations start as warm as those about people."""
    made = []

    def noted(session_id: str, **options: Any) -> Pack:
        made.append(prepare.open_pack(session_id, **options))
        return made[-1]

    monkeypatch.setattr("pipeline.pack.open_pack", noted, raising=False)
    warm.rehearse()
    assert {type(pack) for pack in made} == set(prepare.PACKS.values())


def test_a_real_pack_is_the_same_warm_and_cold(
    home: Path, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page does not tell which kernel made it."""
    settings = read_settings(home)
    with open_store(settings) as store:
        store.load("b1", [], warm._invented(), [])
        jobs = plan_packs(settings, store.sessions()[-1:])
    assert jobs[0].notebook.parent == NOTEBOOKS
    pages = []
    for address in ("", "off"):
        monkeypatch.setenv(client.ADDRESS, address)
        outcome = make_pack(jobs[0], limits)
        assert outcome.status == MADE, outcome.error
        pages.append(re.sub(r"\d\d:\d\d", "", jobs[0].output.read_text()))
    assert pages[0] == pages[1]


def test_every_pack_has_randomness_of_its_own(make_job: JobMaker, limits: RunSettings) -> None:
    """A fork does not repeat the random numbers of the one before."""
    told = "import numpy, random, pathlib\npathlib.Path({path!r}).write_text(str("
    told += "[numpy.random.random(), random.random()]))\n"
    found = []
    for name in "ab":
        job = make_job(name=name)
        path = job.notebook.parent / f"{name}.txt"
        assert make_pack(make_job(told.format(path=str(path)) + GOOD, name=name), limits)
        found.append(json.loads(path.read_text()))
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]


def test_the_template_may_be_forked() -> None:
    """After warming up it has one thread and no context of zmq, and the rehearsal went well."""
    check = """
        import os, sys, zmq
        from pipeline.run.kernels import warm
        with warm._without(warm._HEAVY_AND_UNUSED):
            warm.import_all()
        warm.rehearse()
        assert len(os.listdir("/proc/self/task")) == 1
        assert zmq.Context._instance is None
        assert "ipykernel.debugger" in sys.modules and "rfc3987_syntax" not in sys.modules
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(check)],
        env={**os.environ, **client._QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_without_a_template_the_pack_is_made_all_the_same(
    make_job: JobMaker, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process to be had, another system: an ordinary kernel makes the pack."""
    client.close_own()

    def refused() -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(client, "Template", refused)
    assert make_pack(make_job(), limits).status == MADE


def test_a_template_that_cannot_warm_up_is_done_without(
    make_job: JobMaker, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried a few times, then left."""
    client.close_own()
    monkeypatch.setattr(client, "_MODULE", "pipeline.run.kernels.no_such_module")
    assert make_pack(make_job(), limits).status == MADE
    client.close_own()


def test_a_kernel_that_does_not_come_up_is_tried_again(
    make_job: JobMaker, limits: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second start is an ordinary one."""
    started = []

    async def broken(self: provisioner.ForkedProvisioner, cmd: list[str], **_: object) -> None:
        started.append(cmd)
        raise RuntimeError("no")

    job = make_job()
    monkeypatch.setattr(provisioner.ForkedProvisioner, "launch_kernel", broken)
    monkeypatch.setattr("pipeline.run.notebook.is_held", lambda: not started)
    assert make_here(job, limits).status == MADE
    assert len(started) == 1


def test_a_killed_template_is_replaced(
    template: client.Template, make_job: JobMaker, limits: RunSettings, tmp_path: Path
) -> None:
    """The pack in the making is finished, and the next one finds a new template."""
    told = tmp_path / "pids"
    job = make_job(TELL.format(path=str(told)) + "time.sleep(1)\n" + GOOD)

    def kill() -> None:
        wait_for(told)
        os.kill(template.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert make_pack(job, limits).status == MADE
    killer.join()
    assert make_pack(make_job(name="next"), limits).status == MADE
    assert client._own is not None
    assert client._own.pid != template.pid


def test_a_pack_process_that_is_killed_fails_one_pack(
    template: client.Template, make_job: JobMaker, limits: RunSettings
) -> None:
    """It is tried twice; the next pack is made by the same template."""
    code = f"""
        import os, signal, time
        assert os.getppid() != {os.getpid()}, "an ordinary kernel"  # it would kill the tests
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
        """
    outcome = make_pack(make_job(code), limits)
    assert outcome.status == FAILED
    assert "killed twice" in str(outcome.error)
    assert make_pack(make_job(name="next"), limits).status == MADE
    assert client._own is template


def test_shared_pages_do_not_count_as_memory(make_job: JobMaker) -> None:
    """A small notebook keeps within a small limit, although its template is large."""
    limits = RunSettings(seconds=60, memory_mb=256)
    outcome = make_pack(make_job("import time\ntime.sleep(0.5)\n" + GOOD), limits)
    assert outcome.status == MADE, outcome.error


def test_what_a_notebook_started_ends_with_it(
    make_job: JobMaker, limits: RunSettings, tmp_path: Path
) -> None:
    """Also a process that left the kernel's session and whose parent has ended."""
    told = tmp_path / "pid"
    start = f"""
        import os, subprocess
        shell = "sleep 300 & echo $! > {told}"
        subprocess.run(["setsid", "sh", "-c", shell], stdout=subprocess.DEVNULL)
        """
    assert make_pack(make_job(textwrap.dedent(start) + GOOD), limits).status == MADE
    assert gone(int(told.read_text()))


OWNER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from pipeline.run.execute import make_pack
from pipeline.run.kernels import client
from pipeline.settings import RunSettings
from support.jobs import make_job

if __name__ == "__main__":
    job = make_job.__wrapped__(Path({folder!r}))({code!r})
    Path({folder!r}, "template").write_text(str(client._own_address() and client._own.pid))
    make_pack(job, RunSettings(seconds=200))
"""


def test_folders_of_killed_templates_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day, and not while somebody listens or where they are not ours to remove."""
    monkeypatch.setattr(client, "_listens", lambda folder: folder.name == "calibrate-busy")
    for name in ("calibrate-old", "calibrate-busy", "calibrate-new", "other"):
        (tmp_path / name).mkdir()
        if name != "calibrate-new":
            os.utime(tmp_path / name, (1, 1))
    client._sweep(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"calibrate-busy", "calibrate-new", "other"}


def test_an_ordinary_kernel_beside_a_template_leaves_it_alone(
    template: client.Template, make_job: JobMaker, limits: RunSettings
) -> None:
    """The guard ends what the pack started, and nothing that was there before."""
    assert make_here(make_job(), limits).status == MADE
    assert psutil.Process(template.pid).status() != psutil.STATUS_ZOMBIE
    assert make_pack(make_job(), limits).status == MADE
    assert client._own is template


@pytest.mark.parametrize("who", ["owner", "template", "pack", "kernel"])
def test_nobody_is_left_behind(tmp_path: Path, who: str) -> None:
    """Whoever is killed, in the end no process, no folder and no half pack is left."""
    told, scratch = tmp_path / "pids", tmp_path / "scratch"
    scratch.mkdir()
    code = TELL.format(path=str(told)) + "time.sleep(100)"
    script = tmp_path / "owner.py"
    script.write_text(
        OWNER.format(tests=str(REPOSITORY / "tests"), folder=str(tmp_path), code=code)
    )
    owner = subprocess.Popen(
        [sys.executable, str(script)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scratch) if len(str(scratch)) < 60 else "/tmp"},
    )
    pids = json.loads(wait_for(told))
    pids |= {"owner": owner.pid, "template": int((tmp_path / "template").read_text())}
    if who != "owner":
        os.kill(pids[who], signal.SIGKILL)
        time.sleep(1)
    if who == "kernel":  # a failed pack, told by the worker that is still there
        assert owner.wait(30) == 0
        assert list(tmp_path.rglob("calibration-pack.json"))
    owner.kill()
    owner.wait()
    assert all(gone(pid) for pid in pids.values()), pids
    assert not list(tmp_path.rglob("*.html"))
