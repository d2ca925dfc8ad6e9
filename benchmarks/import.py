"""Import of 1,000,000 ratings: time and peak memory, and how long slices of sessions take.

Run from the repository: ``python benchmarks/import.py [--ratings N] [--postgres URL]``. The exports
hold nine columns of ratings and a hundred thousand employees in two cycles. Each import runs in a
process of its own, so that its peak memory is its own. PostgreSQL is a server that the benchmark
starts itself where it is installed (without fsync), or the empty database given with
``--postgres``; memory of the server is not counted.
"""

import argparse
import contextlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
DEPARTMENT = 50
CRITERIA = 5
SLICES = 7  # departments, spread over the organisation


def write_exports(folder: Path, ratings: int) -> None:
    """Write employees and two cycles of ratings; each employee is judged on five criteria."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(20_260_101)
    people = ratings // (2 * CRITERIA)
    ids = pd.Series(np.arange(people)).map("{:07d}".format)
    home = np.arange(people) // DEPARTMENT
    managers = ids.to_numpy()[home * DEPARTMENT]
    pd.DataFrame(
        {
            "employee_id": ids,
            "department": pd.Series(home).map("Department {:04d}".format),
            "job_level": rng.integers(3, 9, people).astype(str),
            "manager_id": managers,
            "name": pd.Series(np.arange(people)).map("Person {:07d}".format),
        }
    ).to_csv(folder / "employees.csv", index=False)
    pd.DataFrame(
        {
            "cycle": ["2025", "2026"],
            "starts_on": ["2025-01-01", "2026-01-01"],
            "ends_on": ["2025-12-31", "2026-12-31"],
        }
    ).to_csv(folder / "cycles.csv", index=False)
    who = np.repeat(np.arange(people), CRITERIA)
    for i, cycle in enumerate(("2025", "2026")):
        n = len(who)
        days = np.datetime64(f"{cycle}-10-01") + rng.integers(0, 60, n)
        pd.DataFrame(
            {
                "cycle": cycle,
                "employee_id": ids.to_numpy()[who],
                "rater_id": managers[who],
                "criterion_id": np.tile([f"c{k}" for k in range(CRITERIA)], people),
                "score": rng.integers(1, 6, n),
                "rater_role": "manager",
                "subject_id": "",
                "rated_on": days.astype(str),
                "rationale": pd.Series(rng.integers(0, 10**9, n)).map(
                    "Planned and finished the work of quarter {:09d} in good order".format
                ),
            }
        ).to_csv(
            folder / "ratings.csv", mode="a" if i else "w", header=not i, index=False
        )  # fmt: skip


def measure(home: Path, exports: Path) -> dict[str, Any]:
    """Import the exports in this process, then read slices; return times and peak memory."""
    from pipeline.ingest import import_files
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    settings = read_settings(home)
    with open_store(settings) as store:
        wall, cpu = time.perf_counter(), time.process_time()
        report = import_files([exports], settings, store)
        found: dict[str, Any] = {
            "rows": sum(report.loaded.new.values()) if report.loaded else 0,
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        began = time.perf_counter()
        sessions = store.sessions("2026")
        found["sessions"] = time.perf_counter() - began
        times = []
        for session in sessions[:: max(1, len(sessions) // SLICES)]:
            began = time.perf_counter()
            data = store.session_data(session.session_id)
            times.append(time.perf_counter() - began)
            if data.ratings.empty:
                raise SystemExit("a slice is empty")
        found["slice"] = statistics.median(times)
    return found


@contextlib.contextmanager
def databases(given: str | None) -> Iterator[dict[str, str]]:
    """Give the addresses of the databases that can be reached."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from support.postgres import own_postgres, postgres_binaries

    found = {"sqlite": ""}
    binaries = postgres_binaries()
    with contextlib.ExitStack() as stack:
        if given:
            found["postgresql"] = given
        elif binaries:
            found["postgresql"] = stack.enter_context(own_postgres(binaries))
        else:
            print("PostgreSQL is not installed and no --postgres was given: left out")
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--postgres", metavar="URL")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(Path(options.child[0]), Path(options.child[1]))))
        return
    import os

    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        exports = Path(name) / "exports"
        exports.mkdir()
        # the parent does not load pandas: a fork would start with its memory
        make = f"import sys; sys.path.insert(0, {str(REPOSITORY / 'benchmarks')!r}); "
        make += "from pathlib import Path; m = __import__('import'); "
        make += f"m.write_exports(Path({str(exports)!r}), {options.ratings})"
        subprocess.run([sys.executable, "-c", make], check=True)
        print(f"{options.ratings:,} ratings, {options.ratings // (2 * CRITERIA):,} employees")
        print(f"{'':<12}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'sessions s':>12}{'slice s':>9}")
        with databases(options.postgres) as addresses:
            for kind, address in addresses.items():
                home = Path(name) / kind
                home.mkdir()
                extra = {"CALIBRATE_STORE__URL": address} if address else {}
                command = [sys.executable, __file__, "--child", str(home), str(exports)]
                done = subprocess.run(
                    command, check=True, capture_output=True, text=True, env={**os.environ, **extra}
                )
                got = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"{kind:<12}{got['wall']:>9.1f}{got['cpu']:>9.1f}{got['peak']:>9.0f}"
                    f"{got['sessions']:>12.2f}{got['slice']:>9.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
