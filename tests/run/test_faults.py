"""Whatever is killed, and whenever: nothing half is left, and the next run makes the rest."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.ingest import import_files
from pipeline.sample import write_sample
from pipeline.settings import read_settings
from pipeline.store import open_store
from support.company import company, load
from support.postgres import own_postgres, postgres_binaries, restart
from support.runs import (
    Runner,
    ended,
    family,
    kill_at_random,
    left_behind,
    packs_of,
    quick_notebook,
    scratch_folders,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def runner(home: Path, tmp_path: Path) -> Runner:
    """Return a runner on the small company with a quick notebook."""
    with open_store(read_settings(home)) as store:
        load(store, company())
    passing = tmp_path / "t"
    passing.mkdir()
    notebooks = quick_notebook(tmp_path / "notebooks", pause=0.3)
    return Runner(home, notebooks, {"TMPDIR": str(passing)})


def begun(runner: Runner, *options: str) -> subprocess.Popen[str]:
    """Start a run and wait until it is making packs."""
    running = runner.start(*options)
    deadline = time.monotonic() + 120
    while len(family(running.pid)) < 4 and time.monotonic() < deadline:
        if running.poll() is not None:
            raise AssertionError(running.communicate())
        time.sleep(0.05)
    return running


def test_random_kills(
    runner: Runner, request: pytest.FixtureRequest, tmp_path: Path, home: Path
) -> None:
    """After each kill a second run ends complete, and equal to an undisturbed run.

    Eight kills with a quick notebook; with `--kills 200` so many, with the real notebook on the
    sample company.
    """
    kills = request.config.getoption("--kills")
    if kills:
        shutil.rmtree(home)
        home.mkdir()
        write_sample(tmp_path / "sample", departments=3, employees=60, cycles=2)
        settings = read_settings(home)
        with open_store(settings) as store:
            import_files([tmp_path / "sample"], settings, store)
        runner.notebooks = None
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    began = time.monotonic()
    code, said = runner.finish()
    longest = time.monotonic() - began
    assert code == 0, said
    expected = packs_of(runner.reports)
    killed: Counter[str] = Counter()
    for number in range(kills or 8):
        what = kill_at_random(runner, chance, longest)
        killed[what] += 1
        code, said = runner.finish()
        where = f"kill {number} ({what}), seed {seed}: {said}"
        assert code == 0, where
        assert packs_of(runner.reports) == expected, where
        assert left_behind(runner.reports) == [], where
        assert scratch_folders(tmp_path / "t") == [], where
        shutil.rmtree(runner.reports / "runs")
        if kills:  # long enough to want to see it get on
            print(f"{number + 1} kills, seed {seed}: {dict(killed)}", file=sys.__stderr__)


def test_a_request_to_end_is_followed(runner: Runner) -> None:
    """SIGTERM ends the run as Ctrl-C does: nothing runs on, exit code 1, the rest is made later."""
    running = begun(runner)
    everybody = family(running.pid)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "Stopped." in errors
    assert "Traceback" not in errors
    assert ended(everybody)
    assert left_behind(runner.reports) == []
    assert scratch_folders(Path((runner.env or {})["TMPDIR"])) == []
    code, said = runner.finish()
    assert code == 0, said


def test_two_runs_at_once_end_with_the_same_packs(runner: Runner) -> None:
    """Both succeed; each pack is made by one of them and unchanged for the other."""
    runner.finish()
    expected = packs_of(runner.reports)
    shutil.rmtree(runner.reports)
    one, two = runner.start("--json"), runner.start("--json")
    said = [running.communicate(timeout=300)[0] for running in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], said
    assert packs_of(runner.reports) == expected
    made = [line for text in said for line in text.splitlines() if '"status": "made"' in line]
    assert len(made) == 2, said
    assert left_behind(runner.reports) == []


def test_a_database_that_restarts_loses_nothing(home: Path, tmp_path: Path) -> None:
    """Packs that needed it at that moment fail with a reason; the next run makes them."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with own_postgres(binaries) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALIBRATE_STORE__URL", address)
        with open_store(read_settings(home)) as store:
            load(store, company())
        runner = Runner(home, quick_notebook(tmp_path / "notebooks", pause=1.0))
        assert runner.finish()[0] == 0
        expected = packs_of(runner.reports)
        running = begun(runner, "--force")
        restart(address, binaries)
        said = "".join(running.communicate(timeout=300))
        assert running.returncode in (0, 1)
        assert "Traceback" not in said
        code, said = runner.finish()
        assert code == 0, said
        assert packs_of(runner.reports) == expected
