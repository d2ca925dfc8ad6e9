"""An organisation of 100,000 employees and more than 1,000,000 ratings, end to end.

Run from the repository: ``python benchmarks/scale.py [--employees N] [--cycles N] [--packs N]
[--jobs N] [--postgres URL]``. Each step is the command that a user gives, in a process of its own:
invent the company, import its exports, ask for the status, make the packs of departments spread
over the organisation, and ask for the same packs again. Printed are wall-clock time, processor time
of all processes, and the memory of the largest process at its peak.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
EMPLOYEES, CYCLES = 100_000, 2


def step(name: str, *words: str, env: dict[str, str]) -> list[dict[str, Any]]:
    """Run a command of calibrate; print what it cost and return its events."""
    command = [sys.executable, "-m", "pipeline", *words, "--json"]
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        running = subprocess.Popen(command, cwd=REPOSITORY, stdout=out, env=env)
        _, status, used = os.wait4(running.pid, 0)
        wall = time.perf_counter() - began
        running.returncode = code = os.waitstatus_to_exitcode(status)
        out.seek(0)
        events = [json.loads(line) for line in out]
    cpu = used.ru_utime + used.ru_stime
    print(f"{name:<34}{wall:>9.1f}{cpu:>9.1f}{used.ru_maxrss / 1024:>10.0f}", flush=True)
    if code not in (0, 3):
        raise SystemExit(f"{name}: exit code {code}")
    return events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--employees", type=int, default=EMPLOYEES)
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--packs", type=int, default=20, help="packs to make; 0: all of them")
    parser.add_argument("--jobs", type=int, default=0, help="packs at a time; 0: one per core")
    parser.add_argument("--postgres", metavar="URL", help="an empty database instead of SQLite")
    options = parser.parse_args()
    env = {name: text for name, text in os.environ.items() if not name.startswith("CALIBRATE_")}
    if options.postgres:
        env["CALIBRATE_STORE__URL"] = options.postgres
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        home, exports = Path(folder) / "home", Path(folder) / "exports"
        home.mkdir()
        at = ["--home", str(home)]
        print(f"{'':<34}{'wall s':>9}{'CPU s':>9}{'peak MB':>10}")
        (made,) = step(
            f"sample, {options.employees:,} employees", "sample", str(exports),
            "--employees", str(options.employees), "--cycles", str(options.cycles), *at, env=env,
        )  # fmt: skip
        step(f"import, {made['rows']['ratings']:,} ratings", "import", str(exports), *at, env=env)
        sessions = [one["session_id"] for one in step("status", "status", *at, env=env)
                    if one["event"] == "session"]  # fmt: skip
        wanted = options.packs or len(sessions)
        chosen = sessions[:: max(1, len(sessions) // wanted)][:wanted]
        jobs = ["--jobs", str(options.jobs)] if options.jobs else []
        which = [word for one in chosen for word in ("--session", one)] if options.packs else []
        again = step(f"{len(chosen)} packs", "packs", *which, *jobs, *at, env=env)
        seconds = sum(one["seconds"] for one in again if one["event"] == "pack")
        step(f"{len(chosen)} packs again, unchanged", "packs", *which, *jobs, *at, env=env)
        print(f"{len(sessions):,} sessions; {seconds / len(chosen):.2f} s a pack in its worker")


if __name__ == "__main__":
    main()
