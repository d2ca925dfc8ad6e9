"""Compare `calibrate packs` with the plain loop, and with the same functions in one warm process.

Run from the repository: ``python benchmarks/packs.py [--quick] [--departments N] [--rounds N]``.
The sample company is imported into a temporary home. Every round times, one after the other and
for the same notebook and departments:

- the plain loop: the `papermill` command and then `jupyter nbconvert --to html`, per department,
  one at a time and two at a time. It has no start to share, so a part of the departments is timed,
  another part in every round (all of them with --whole-loop);
- `calibrate packs --force`, start and end of the command included, with one and two workers;
- the floor: `open_pack`, every section, `to_html` and writing the file, in one process that has
  made all these packs before; no notebook, no kernel.

Times are per pack; a ratio is taken within a round, and the median over the rounds is shown.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOK = REPOSITORY / "notebooks" / "calibration_pack.ipynb"
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}


def run(*command: object) -> None:
    done = subprocess.run(
        [str(word) for word in command], env=ENVIRONMENT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def calibrate(home: Path, *words: object) -> None:
    run(BIN / "calibrate", "--home", home, *words)


def sessions_of(home: Path, wanted: int) -> list[str]:
    """Return identifiers of sessions about people, those of the latest cycle first."""
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    with open_store(read_settings(home)) as store:
        every = [
            [one.session_id for one in store.sessions(cycle) if one.kind == "performance"]
            for cycle in store.cycles()
        ]
    found = [session_id for cycle in reversed(every) for session_id in cycle]
    return found[:wanted] if wanted else found


def plain_pack(home: Path, folder: Path, session_id: str) -> None:
    """Make one pack as everybody does without the workbench."""
    target = folder / f"{session_id}.ipynb"
    given = {"session_id": session_id, "language": "nl", "home": home}
    parameters = [word for name, value in given.items() for word in ("-p", name, value)]
    run(BIN / "papermill", NOTEBOOK, target, *parameters, "--no-progress-bar")
    run(BIN / "jupyter", "nbconvert", "--to", "html", "--log-level", "ERROR", target)


def plain_loop(home: Path, session_ids: Sequence[str], workers: int) -> float:
    """Return seconds per pack of the plain loop."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        began = time.perf_counter()
        list(pool.map(lambda one: plain_pack(home, Path(folder), one), session_ids))
        return (time.perf_counter() - began) / len(session_ids)


def our_run(home: Path, session_ids: Sequence[str], workers: int) -> float:
    """Return seconds per pack of `calibrate packs`."""
    chosen = [word for one in session_ids for word in ("--session", one)]
    began = time.perf_counter()
    calibrate(home, "--quiet", "--lang", "nl", "packs", "--force", "--jobs", workers, *chosen)
    return (time.perf_counter() - began) / len(session_ids)


class Floor:
    """A process that has made all packs before and makes them again when asked."""

    def __init__(self, home: Path, session_ids: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--floor", str(home), *session_ids],
            env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the floor failed")
        return json.loads(line)

    def ask(self, what: str) -> Any:
        """Have it do something and return what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def serve_floor(home: Path, session_ids: Sequence[str]) -> None:
    """Be the floor: one line in, one line of JSON out."""
    with tempfile.TemporaryDirectory() as folder:
        for one in session_ids:
            floor_pack(home, Path(folder), one)
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            if line.strip() == "profile":
                print(json.dumps(profile(home, Path(folder), session_ids)), flush=True)
                continue
            began = time.perf_counter()
            for one in session_ids:
                floor_pack(home, Path(folder), one)
            print(json.dumps((time.perf_counter() - began) / len(session_ids)), flush=True)


def floor_pack(
    home: Path, folder: Path, session_id: str, clock: Callable[[str], None] = lambda _: None
) -> None:
    """Make a pack by calling functions; tell the clock what has ended."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from pipeline.pack.html import to_html
    from pipeline.pack.prepare import make_pack
    from pipeline.run.files import write_whole
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    settings = read_settings(home)
    with open_store(settings) as store:
        data = store.session_data(session_id)
    clock("data")
    pack = make_pack(data, settings, language="nl")
    clock("models")
    shown = [
        new_output("display_data", data=section._repr_mimebundle_()) for section in pack.sections()
    ]
    pack.facts()
    page = to_html(
        new_notebook(cells=[new_code_cell("", outputs=shown)]), title=pack.title, language="nl"
    )
    clock("HTML")
    write_whole(folder / "pack.html", page)
    clock("write")


def profile(home: Path, folder: Path, session_ids: Sequence[str]) -> dict[str, float]:
    """Return seconds per pack of each step; the start is what a pack takes beside the others."""
    from pipeline.pack import charts
    from pipeline.pack import sections as package
    from pipeline.run.execute import make_pack
    from pipeline.run.plan import plan_packs
    from pipeline.settings import read_settings
    from pipeline.store import open_store

    spent = dict.fromkeys(("start", "data", "models", "figures", "HTML", "write"), 0.0)
    since = time.perf_counter()

    def clock(name: str) -> None:
        nonlocal since
        now = time.perf_counter()
        spent[name] += now - since
        since = now

    def timed(draw: Callable[..., Any]) -> Callable[..., Any]:
        def around(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            made = draw(*args, **options)
            spent["figures"] += time.perf_counter() - began
            return made

        return around

    drawing = {name: getattr(charts, name) for name in charts.__all__}
    places = [
        (module, name)
        for module in vars(package).values()
        for name, draw in drawing.items()
        if getattr(module, name, None) is draw
    ]
    for module, name in places:
        setattr(module, name, timed(drawing[name]))
    settings = read_settings(home)
    with open_store(settings) as store:
        known = {one.session_id: one for one in store.sessions()}
    jobs = plan_packs(settings, [known[one] for one in session_ids], "nl")
    make_pack(jobs[0], settings.run)  # starts the template
    whole = 0.0
    for job in jobs:  # in turn, so that a busy moment of the machine counts for both
        began = time.perf_counter()
        make_pack(job, settings.run)
        whole += time.perf_counter() - began
        since = time.perf_counter()
        floor_pack(home, folder, job.session.session_id, clock)
    spent["HTML"] -= spent["figures"]
    spent["start"] = whole - sum(spent.values())
    return {name: seconds / len(session_ids) for name, seconds in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="12 departments, 1 in the loop")
    parser.add_argument("--departments", type=int, default=0, help="default: every session")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole-loop", action="store_true", help="time the loop on all of them")
    parser.add_argument("--floor", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.floor:
        serve_floor(Path(given.floor[0]), given.floor[1:])
        return
    home = Path(tempfile.mkdtemp(prefix="bench-packs-"))
    try:
        measure(home, given)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(home: Path, given: argparse.Namespace) -> None:
    calibrate(home, "--quiet", "import", REPOSITORY / "data" / "sample")
    chosen = sessions_of(home, given.departments or (12 if given.quick else 0))
    part = len(chosen) if given.whole_loop else 2 if given.quick else min(6, len(chosen))
    print(f"{len(chosen)} packs, {part} a round in the loop, {given.rounds} rounds, 1 BLAS thread")
    floor = Floor(home, chosen)
    print(
        f"{'seconds per pack':18}{'loop 1':>9}{'loop 2':>9}{'ours 1':>9}{'ours 2':>9}{'floor':>9}"
    )
    rounds: list[dict[str, float]] = []
    for number in range(given.rounds):
        looped = [chosen[(number * part + i) % len(chosen)] for i in range(part)]
        rounds.append(
            {
                "loop 1": plain_loop(home, looped, 1),
                "ours 1": our_run(home, chosen, 1),
                "floor": floor.ask("all"),
                "loop 2": plain_loop(home, looped, 2),
                "ours 2": our_run(home, chosen, 2),
            }
        )
        values = [rounds[-1][name] for name in ("loop 1", "loop 2", "ours 1", "ours 2", "floor")]
        print(f"round {number + 1:<12}" + "".join(f"{value:9.2f}" for value in values), flush=True)
    steps = floor.ask("profile")
    floor.close()
    total = sum(steps.values())
    print("\none pack in a warm kernel, seconds (mean over the packs):")
    for name, seconds in steps.items():
        print(f"  {name:9}{seconds:7.3f}{seconds / total:7.0%}")
    print(f"  {'together':9}{total:7.3f}\n")

    def ratio(above: str, below: str) -> float:
        return statistics.median(one[above] / one[below] for one in rounds)

    print(f"plain loop / calibrate: {ratio('loop 1', 'ours 1'):.1f} x (1 worker)")
    print(f"plain loop / calibrate: {ratio('loop 2', 'ours 2'):.1f} x (2 workers)")
    print(f"calibrate / floor: {ratio('ours 1', 'floor'):.1f} x")


if __name__ == "__main__":
    main()
