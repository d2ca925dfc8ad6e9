"""Who makes what: claims of live runs are respected, those of dead ones are cleared away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.run import lock
from pipeline.run.lock import Owner, RunLock, birth_of, held, hold

A, B = "2026/a", "2026/b"


def other_run(reports: Path, **changes: object) -> Path:
    """Leave the claim of another run on a; by default of a live process of this machine."""
    owner = Owner(
        run_id="other",
        pid=os.getpid(),
        host="elsewhere",
        since="2026-01-01T00:00:00+00:00",
        machine=lock.machine(),
        birth=birth_of(os.getpid()) or "",
        scratch=str(changes.pop("scratch", reports / "none")),
        sessions=(A,),
    )
    path = reports / "runs" / "other.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**vars(replace(owner, **changes)), "sessions": [A]}))  # type: ignore[arg-type]
    return path


def dead_pid() -> int:
    """Return the number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_session_is_made_by_one_run(tmp_path: Path) -> None:
    """The second run gets the rest, and is told who has the first session and since when."""
    with hold(tmp_path, "one") as one:
        assert one.claim([A]) == {}
        with hold(tmp_path, "two") as two:
            taken = two.claim([A, B])
            assert set(taken) == {A}
            assert (taken[A].run_id, taken[A].pid) == ("one", os.getpid())
            assert taken[A].plain()["seconds"] >= 0
            assert set(held(tmp_path)) == {A, B}
            one.release(A)
            assert two.others() == {}
    assert not list((tmp_path / "runs").glob("*.lock"))
    assert held(tmp_path) == {}


def test_a_claim_names_nobody_and_is_private(tmp_path: Path) -> None:
    """No user name, no department: process, machine and folders of sessions."""
    with hold(tmp_path, "one") as one:
        one.claim([A])
        kept = json.loads(one.path.read_text())
        assert one.path.stat().st_mode & 0o777 == 0o600
    assert set(kept) == {
        "run_id", "pid", "host", "since", "machine", "birth", "scratch", "sessions",
    }  # fmt: skip


@pytest.mark.parametrize("how", ["gone", "number reused"])
def test_the_claim_of_a_dead_process_is_cleared(tmp_path: Path, how: str) -> None:
    """Its number may belong to another process by now, which began later."""
    scratch = Path(tempfile.mkdtemp(prefix=lock.SCRATCH))
    (scratch / "pack.ipynb").write_text("a copy of ratings")
    changes = {"pid": dead_pid()} if how == "gone" else {"birth": "1"}
    path = other_run(tmp_path, scratch=scratch, **changes)
    assert held(tmp_path) == {}
    with hold(tmp_path, "one") as one:
        assert one.claim([A]) == {}
        assert not path.exists()
    assert not scratch.exists()


def test_a_folder_that_is_not_of_a_run_is_never_removed(tmp_path: Path) -> None:
    """A claim that names another folder, by accident or on purpose, is not followed."""
    mine = tmp_path / "mine"
    mine.mkdir()
    other_run(tmp_path, scratch=mine, birth="1")
    with hold(tmp_path, "one"):
        assert mine.exists()


def test_a_silent_run_of_another_machine_is_cleared_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its heartbeat is watched; what a clock says does not matter."""
    clock = [1000.0]
    monkeypatch.setattr(lock.time, "monotonic", lambda: clock[0])
    path = other_run(tmp_path, machine="another")
    os.utime(path, (0, 0))  # by the clock it is long dead
    with hold(tmp_path, "one") as one:
        assert set(one.claim([A])) == {A}
        clock[0] += lock.STALE_AFTER - 1
        assert set(one.others()) == {A}
        os.utime(path, (2**31, 2**31))  # a sign of life, by a clock far ahead
        clock[0] += 2
        assert set(one.others()) == {A}
        clock[0] += lock.STALE_AFTER + 1
        assert one.claim([A]) == {}
        assert not path.exists()


def test_half_written_files_of_killed_runs_go(tmp_path: Path) -> None:
    """But not those of a run that is still writing."""
    for place in (A, B, "runs"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / ".x.part").touch()
    (tmp_path / ".y.part").touch()
    path = other_run(tmp_path)
    with hold(tmp_path, "one"):
        left = {str(part.relative_to(tmp_path)) for part in tmp_path.rglob("*.part")}
        assert left == {f"{A}/.x.part", "runs/.x.part", ".y.part"}
    path.unlink()
    with hold(tmp_path, "one"):
        assert not list(tmp_path.rglob("*.part"))


def test_a_claim_that_cannot_be_read_claims_nothing(tmp_path: Path) -> None:
    """An empty or foreign file does not stop every later run."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x.lock").touch()
    (tmp_path / "runs" / "y.lock").write_text('{"run_id": 1}')
    with hold(tmp_path, "one") as one:
        assert one.claim([A]) == {}


def test_the_age_of_a_run_is_never_negative(tmp_path: Path) -> None:
    """Its machine may be ahead of ours."""
    path = other_run(tmp_path, since="2999-01-01T00:00:00+00:00")
    assert path.exists()
    assert held(tmp_path)[A].age.total_seconds() == 0


def test_a_process_is_known_by_its_beginning() -> None:
    """The same process says the same, another one something else, a dead one nothing."""
    assert birth_of(os.getpid()) == birth_of(os.getpid()) is not None
    assert birth_of(dead_pid()) is None


CLAIMS = """
import sys
from pathlib import Path
from pipeline.run.lock import hold
with hold(Path(sys.argv[1]), sys.argv[2]) as lock:
    for n in range(40):
        taken = lock.claim([f"2026/{n}"])
        if not taken:
            with open(Path(sys.argv[1]) / f"{n}.made", "a") as file:
                file.write(sys.argv[2] + "\\n")
"""


def test_many_runs_at_once_share_the_work(tmp_path: Path) -> None:
    """Every session is claimed by exactly one of them while all are at it."""
    runs = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, str(tmp_path), f"run{i}"]) for i in range(4)
    ]
    with hold(tmp_path, "watching") as watching:
        assert isinstance(watching, RunLock)
        assert [run.wait(120) for run in runs] == [0] * 4
    # a run that has ended lets go, so a later one may claim again; never two at the same time
    made = [(tmp_path / f"{n}.made").read_text().split() for n in range(40)]
    assert all(made)
