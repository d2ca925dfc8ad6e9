"""Make packs of 10, 100 and 1,000 small departments: time per pack, memory of the parent, rerun.

Run from the repository: ``python benchmarks/scale_packs.py [--departments N ...] [--jobs N]``. Each
size has a store of its own with departments of twelve people, four raters and three criteria.
`calibrate packs` runs as a command; its memory is read while it runs, without its workers. Then
the same command runs five times more, with nothing to do; the median is shown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (10, 100, 1000)


def fill(home: Path, departments: int) -> None:
    """Load so many departments, each like the one of the rehearsal."""
    import pandas as pd

    from pipeline.run.kernels.warm import _invented
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    parts: dict[str, list[pd.DataFrame]] = {"employees": [], "ratings": []}
    for number in range(departments):
        for name, table in _invented().items():
            known = [c for c in ("employee_id", "rater_id", "department") if c in table]
            unique = {c: table[c].where(table[c].isna(), f"{number}-" + table[c]) for c in known}
            parts[name].append(table.assign(**unique))
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    for table in tables.values():
        table["source_line"] = range(len(table))
    with open_store(read_settings(home)) as store:
        store.load("scale", [], tables, [])


def peak(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0


def rerun(command: list[str]) -> float:
    """Return the seconds of a run in which every pack is unchanged."""
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--departments", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    print(
        f"{given.jobs} workers\n{'departments':>12}{'seconds':>10}{'per pack':>10}{'parent MB':>11}"
        f"{'unchanged':>11}"
    )
    for departments in given.departments:
        with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
            fill(Path(folder), departments)
            command = [sys.executable, "-m", "pipeline", "--home", folder, "--quiet", "packs"]
            began, most = time.perf_counter(), 0.0
            running = subprocess.Popen([*command, "--jobs", str(given.jobs)])
            while running.poll() is None:
                most = max(most, peak(running.pid))
                time.sleep(0.1)
            took = time.perf_counter() - began
            again = statistics.median(rerun(command) for _ in range(5))
            made = len(list(Path(folder).glob("reports/*/*/calibration-pack.html")))
        if running.returncode or made != departments:
            sys.exit(f"{made} of {departments} packs made")
        print(
            f"{departments:12,}{took:10.1f}{took / departments:10.2f}{most:11.0f}{again:11.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
