"""How a run goes, for whoever looks on.

A bar on a terminal, one line that keeps up in a notebook, a line a pack in a log, an object a line
for a machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from pipeline.errors import Message, msg, msgn
from pipeline.locale import Language
from pipeline.run.batch import Report, Watcher, run_packs
from pipeline.run.lock import Owner
from pipeline.run.outcome import FAILED, MADE, UNCHANGED, Outcome
from pipeline.run.plan import PackJob, choose_sessions, plan_packs
from pipeline.settings import read_settings
from pipeline.store import open_store

Tell = Callable[..., None]
_SIGN = {MADE: "✓", FAILED: "✗", UNCHANGED: "="}


@dataclass
class Tally:
    """What is done, what runs, and how long the rest will take.

    Attributes
    ----------
    total, workers
        Packs asked for, and how many are made at a time.
    clock
        Seconds that only go forward.
    """

    total: int
    workers: int
    clock: Callable[[], float] = time.monotonic
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SIGN, 0))
    _began: float | None = None

    def add(self, outcome: Outcome) -> None:
        """Count a pack that has ended."""
        if self._began is None:
            self._began = self.clock() - outcome.seconds
        self.done[outcome.status] += 1

    @property
    def ended(self) -> int:
        """Packs that have ended, in whatever way."""
        return sum(self.done.values())

    @property
    def running(self) -> int:
        """Packs being made now."""
        return min(self.workers, self.total - self.ended)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last pack, at the pace so far; None before the first was made."""
        made = self.done[MADE] + self.done[FAILED]
        if not made or self._began is None:
            return None if self.total > self.ended else 0.0
        return (self.clock() - self._began) / made * (self.total - self.ended)

    def say(self) -> Message:
        """Say it in a line."""
        left = self.seconds_left
        values = {"done": self.ended, "running": self.running, "failed": self.done[FAILED]}
        if left is None:
            return msg("{done} done, {running} running, {failed} failed", **values)
        return msg(
            "{done} done, {running} running, {failed} failed, about {seconds} s left",
            seconds=round(left),
            **values,
        )


def line_of(outcome: Outcome, language: Language) -> str:
    """Say what became of a pack."""
    text = f"{_SIGN[outcome.status]} {outcome.department} · {outcome.cycle}"
    if outcome.status == UNCHANGED:
        return f"{text}  {language.say(msg('unchanged'))}"
    text += f"  {language.number(outcome.seconds, 1)} s"
    return f"{text}  {language.say(outcome.error)}" if outcome.error else text


def ending(report: Report) -> Message:
    """Say how a run ended."""
    return msgn(
        "{n} pack made, {unchanged} unchanged, {failed} failed.",
        "{n} packs made, {unchanged} unchanged, {failed} failed.",
        report.count(MADE),
        unchanged=report.count(UNCHANGED),
        failed=report.count(FAILED),
    )


def _waiting(job: PackJob, owner: Owner) -> Message:
    return msg(
        "Waiting for {department}: in progress by process {pid} on {host}, for {minutes} minutes.",
        department=job.session.department,
        pid=str(owner.pid),
        host=owner.host,
        minutes=round(owner.age.total_seconds() / 60),
    )


class Events(Watcher):
    """Tells a machine: ``run_started``, ``pack``, ``pack_waiting``, ``run_ended``."""

    def __init__(self, event: Tell) -> None:
        self._event = event

    def begin(self, run_id: str, total: int, workers: int) -> None:
        """Begin to count."""
        self._event("run_started", run_id=run_id, packs=total, workers=workers)

    def pack(self, outcome: Outcome) -> None:
        """Tell of a pack."""
        self._event("pack", **outcome.record())

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Tell what is waited for."""
        self._event("pack_waiting", session_id=job.session.session_id, owner=owner.plain())

    def end(self, report: Report) -> None:
        """Tell the end."""
        self._event("run_ended", **report.plain())


class Lines(Watcher):
    """Tells a log: one line a pack, without control codes. Unchanged packs are only counted."""

    def __init__(self, console: Console, language: Language, *, only_failed: bool = False) -> None:
        self._console, self._language, self._only_failed = console, language, only_failed
        self._done = self._total = 0

    def begin(self, run_id: str, total: int, workers: int) -> None:
        """Begin to count."""
        self._total = total

    def pack(self, outcome: Outcome) -> None:
        """Tell of a pack."""
        self._done += 1
        if outcome.status == FAILED or (outcome.status == MADE and not self._only_failed):
            line = line_of(outcome, self._language)
            self._console.print(Text(f"[{self._done}/{self._total}] {line}"))

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Tell what is waited for."""
        if not self._only_failed:
            self._console.print(Text(self._language.say(_waiting(job, owner))))


class Bar(Watcher):
    """Tells a person at a terminal: a bar with what runs, and a line for each pack above it."""

    def __init__(self, console: Console, language: Language) -> None:
        self._language = language
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=console)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, run_id: str, total: int, workers: int) -> None:
        """Begin to count."""
        self._tally = Tally(total, workers)
        self._task = self._bar.add_task("", total=total)

    def pack(self, outcome: Outcome) -> None:
        """Tell of a pack."""
        self._tally.add(outcome)
        said = self._language.say(self._tally.say())
        self._bar.update(self._task, advance=1, description=said)
        if outcome.status != UNCHANGED:
            style = "red" if outcome.status == FAILED else ""
            self._bar.console.print(Text(line_of(outcome, self._language), style=style))

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Tell what is waited for."""
        self._bar.console.print(Text(self._language.say(_waiting(job, owner))))


class Cell(Watcher):
    """Tells a person in JupyterLab: one line below the cell that keeps up, and what failed."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._failed: list[str] = []

    def begin(self, run_id: str, total: int, workers: int) -> None:
        """Begin to count."""
        from IPython.display import display

        self._tally = Tally(total, workers)
        self._shown = display(  # type: ignore[no-untyped-call]  # IPython is untyped
            {"text/plain": ""}, raw=True, display_id=True
        )

    def pack(self, outcome: Outcome) -> None:
        """Tell of a pack."""
        self._tally.add(outcome)
        if outcome.status == FAILED:
            self._failed.append(line_of(outcome, self._language))
        self._show(self._language.say(self._tally.say()))

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Tell what is waited for."""
        self._show(self._language.say(_waiting(job, owner)))

    def end(self, report: Report) -> None:
        """Tell the end."""
        self._show(self._language.say(ending(report)))

    def _show(self, text: str) -> None:
        self._shown.update({"text/plain": "\n".join([text, *self._failed])}, raw=True)


def make_packs_here(
    *,
    home: Path | str | None = None,
    session_ids: Sequence[str] = (),
    departments: Sequence[str] = (),
    cycle: str | None = None,
    force: bool = False,
) -> Report:
    """Bring packs up to date from a notebook, as `calibrate packs` does from a terminal.

    Parameters
    ----------
    home
        Folder with `workbench.toml`; the environment's ``CALIBRATE_HOME`` or the repository by
        default.
    session_ids, departments, cycle
        Which; by default all of the latest cycle.
    force
        Make also packs that are still right.
    """
    settings = read_settings(home)
    with open_store(settings) as store:
        chosen = choose_sessions(
            store, session_ids=session_ids, departments=departments, cycle=cycle
        )
    watcher = Cell(Language(settings.pack.language))
    return run_packs(settings, plan_packs(settings, chosen), force=force, watcher=watcher)
