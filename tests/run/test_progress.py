"""How a run is shown: counts and seconds left, lines without codes in a log, events, a cell."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.errors import msg
from pipeline.locale import Language
from pipeline.run.batch import Report, Watcher
from pipeline.run.lock import Owner
from pipeline.run.outcome import FAILED, MADE, UNCHANGED, Outcome
from pipeline.run.parameters import PackParameters
from pipeline.run.plan import PackJob
from pipeline.run.progress import Bar, Cell, Events, Lines, Tally, ending
from pipeline.store import Session

ENGLISH = Language("en")
OWNER = Owner("other", 42, "db7", "2026-01-01T00:00:00+00:00", "m", "1", "scratch")


def outcome(status: str = MADE, name: str = "Noord", seconds: float = 2.0) -> Outcome:
    """Return what became of a pack."""
    return Outcome(
        session_id=f"s-{name}", department=name, cycle="2026", kind="performance",
        audience="room", status=status, seconds=seconds, made_at=dt.datetime.now(dt.UTC),
        error=msg("Out of luck.") if status == FAILED else None,
    )  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> PackJob:
    """Return a job that another run is at."""
    return PackJob(
        session=Session("s", "2026", "Zuid"),
        notebook=tmp_path / "n.ipynb",
        parameters=PackParameters(session_id="s", language="en", home=tmp_path),
        output=tmp_path / "2026" / "s" / "calibration-pack.html",
        title="t",
        place="2026/s",
    )


def whole_run(watcher: Watcher, job: PackJob) -> None:
    """Let a watcher hear a run with one of everything."""
    watcher.begin("r1", 4, 2)
    for status in (UNCHANGED, MADE, FAILED):
        watcher.pack(outcome(status))
    watcher.wait(job, OWNER)
    watcher.pack(outcome(UNCHANGED, "Zuid"))
    report = Report("r1", Path("index.html"), [outcome(s) for s in (UNCHANGED, MADE, FAILED)])
    watcher.end(report)


def test_seconds_left_follow_the_pace() -> None:
    """Ten packs, two at a time, two seconds each: after four of them six seconds are left."""
    now = [100.0]
    tally = Tally(10, 2, clock=lambda: now[0])
    assert tally.seconds_left is None
    assert tally.running == 2
    for done in range(4):
        now[0] = 100.0 + 2 * (done // 2 + 1)
        tally.add(outcome(FAILED if done == 3 else MADE))
    assert tally.seconds_left == pytest.approx(6.0)
    assert str(tally.say()) == "4 done, 2 running, 1 failed, about 6 s left"
    for _ in range(6):
        tally.add(outcome(UNCHANGED))
    assert (tally.ended, tally.running, tally.seconds_left) == (10, 0, 0.0)


def test_unchanged_packs_say_nothing_about_the_pace() -> None:
    """They take no time, so the packs that are made would seem to take none either."""
    tally = Tally(100, 2)
    for _ in range(90):
        tally.add(outcome(UNCHANGED, seconds=0))
    assert tally.seconds_left is None
    assert str(tally.say()) == "90 done, 2 running, 0 failed"


def test_a_log_has_a_line_a_pack_and_no_codes(job: PackJob) -> None:
    """What was left alone is only counted."""
    text = io.StringIO()
    whole_run(Lines(Console(file=text, soft_wrap=True), ENGLISH), job)
    lines = text.getvalue().splitlines()
    assert lines[0] == "[2/4] ✓ Noord · 2026  2.0 s"
    assert lines[1] == "[3/4] ✗ Noord · 2026  2.0 s  Out of luck."
    assert re.fullmatch(
        r"Waiting for Zuid: in progress by process 42 on db7, for [\d,]+ minutes\.", lines[2]
    )
    assert len(lines) == 3
    assert "\x1b" not in text.getvalue()
    assert "\r" not in text.getvalue()


def test_a_quiet_log_tells_failures_only(job: PackJob) -> None:
    """So that cron sends mail only when there is something to do."""
    text = io.StringIO()
    whole_run(Lines(Console(file=text, soft_wrap=True), ENGLISH, only_failed=True), job)
    assert text.getvalue().splitlines() == ["[3/4] ✗ Noord · 2026  2.0 s  Out of luck."]


def test_events_are_the_documented_ones(job: PackJob) -> None:
    """Names and values are what docs/operations.md promises to monitoring."""
    told: list[tuple[str, dict[str, object]]] = []
    whole_run(Events(lambda name, **values: told.append((name, values))), job)
    assert [name for name, _ in told] == [
        "run_started", "pack", "pack", "pack", "pack_waiting", "pack", "run_ended",
    ]  # fmt: skip
    docs = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for name in {name for name, _ in told} | {"session"}:
        assert f"| `{name}` |" in docs
    assert told[4][1]["owner"] == OWNER.plain()
    ended = told[-1][1]
    assert (ended["made"], ended["unchanged"], ended["failed"]) == (1, 1, 1)
    json.dumps([values for _, values in told])


def test_a_terminal_has_a_bar_and_lines(job: PackJob) -> None:
    """The line below tells what runs; a name with brackets is a name, not a colour."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120, color_system=None)
    with Bar(console, ENGLISH) as bar:
        bar.begin("r1", 2, 2)
        bar.pack(outcome(name="[red]R&D[/red]"))
    assert "[red]R&D[/red] · 2026" in text.getvalue()
    assert "1 done, 1 running, 0 failed" in text.getvalue()


def test_a_cell_keeps_one_line(job: PackJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """In JupyterLab one output is renewed; failures stay below it."""
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            shown.append(data["text/plain"])

    monkeypatch.setattr("IPython.display.display", lambda *_, **__: Handle())
    whole_run(Cell(ENGLISH), job)
    assert re.fullmatch(r"2 done, 2 running, 0 failed, about \d+ s left", shown[1])
    assert shown[-1].splitlines() == [
        "1 pack made, 1 unchanged, 1 failed.",
        "✗ Noord · 2026  2.0 s  Out of luck.",
    ]


def test_the_ending_counts_in_the_plural() -> None:
    """One pack, or several."""
    report = Report("r1", Path("index.html"), [outcome(), outcome()])
    assert ENGLISH.say(ending(report)) == "2 packs made, 0 unchanged, 0 failed."
