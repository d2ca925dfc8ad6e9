"""The command line: arguments in, exit code out. All work is done elsewhere."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from pipeline.errors import (
    EXIT_OK,
    EXIT_SOME_FAILED,
    Message,
    WorkbenchError,
    msg,
)
from pipeline.locale import Language
from pipeline.settings import Audience, LanguageCode, Settings, read_settings

if TYPE_CHECKING:
    from pipeline.run.batch import Watcher

_COMMON = {"--home": True, "--lang": True, "--json": False, "--quiet": False}
"""Options that may stand anywhere on the line, and whether a value follows."""


class _AnywhereGroup(TyperGroup):
    """Takes the common options before or after the name of the command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            name = word.split("=", 1)[0]
            if word == "--":
                rest += [word, *words]
            elif name in _COMMON:
                first.append(word)
                if _COMMON[name] and "=" not in word:
                    first += [value] if (value := next(words, None)) is not None else []
            else:
                rest.append(word)
        return super().parse_args(ctx, first + rest)


app = typer.Typer(
    cls=_AnywhereGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Calibration packs from performance ratings.",
    epilog="Exit codes: 0 all done; 1 some packs failed (the rest are made); 2 wrong use or"
    " unreadable input; 3 rows rejected. --home, --lang, --json and --quiet may stand anywhere.",
)


@dataclass
class _Context:
    """What every command needs: settings, language, and where to write."""

    home: Path | None
    chosen: LanguageCode | None
    as_json: bool
    quiet: bool

    def __post_init__(self) -> None:
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self.language = Language(self.chosen or "en")

    def settings(self) -> Settings:
        settings = read_settings(self.home)
        self.language = Language(self.chosen or settings.pack.language)
        return settings

    def tell(self, message: Message) -> None:
        """Say something to a person; machines get events instead."""
        if not (self.quiet or self.as_json):
            self.out.print(Text(self.language.say(message)))

    def event(self, name: str, **values: Any) -> None:
        """Say something to a machine: one JSON object a line."""
        if self.as_json:
            sys.stdout.write(json.dumps({"event": name, **values}, ensure_ascii=False, default=str))
            sys.stdout.write("\n")
            sys.stdout.flush()

    def table(self, columns: list[Message], rows: list[list[str]]) -> None:
        if self.quiet or self.as_json:
            return
        table = Table(box=None, pad_edge=False, show_edge=False)
        for column in columns:
            table.add_column(self.language.say(column), overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.out.print(table)


def _context(ctx: typer.Context) -> _Context:
    found = ctx.obj
    if not isinstance(found, _Context):  # pragma: no cover - typer calls `common` first
        raise TypeError("no context")
    return found


@app.callback()
def common(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder with workbench.toml, data/ and reports/. Default: the clone."),
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="Language of messages and packs: nl or en.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for machines.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing unless it fails.")] = False,
) -> None:
    """Hold what every command shares."""
    if lang is not None and lang not in get_args(LanguageCode):
        raise typer.BadParameter("use nl or en", param_hint="--lang")
    ctx.obj = _Context(home, lang, as_json, quiet)  # type: ignore[arg-type]  # checked just above


@app.command("import")
def import_(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: CSV, XLSX, Parquet.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Load nothing when any row is rejected.")
    ] = False,
) -> None:
    """Check exports and load their good rows into the store."""
    from pipeline.ingest import import_files
    from pipeline.store import open_store

    context = _context(ctx)
    settings = context.settings()
    with open_store(settings) as store, _busy(context, msg("Reading exports")) as step:
        report = import_files(paths, settings, store, strict=strict, progress=step)
    _show_import(context, report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _show_import(context: _Context, report: Any) -> None:
    loaded = report.loaded
    context.event(
        "import",
        batch_id=report.batch_id,
        loaded=loaded is not None,
        read=report.n_read,
        rejected=report.n_rejected,
        new=loaded.new if loaded else {},
        corrected=loaded.corrected if loaded else {},
        unchanged=loaded.unchanged if loaded else {},
        rejected_folder=str(report.rejected_folder) if report.rejected_folder else None,
        warnings=[str(warning) for warning in report.warnings],
    )
    if loaded is not None:
        rows = [
            [table]
            + [
                context.language.whole(counts.get(table, 0))
                for counts in (
                    report.n_read,
                    loaded.new,
                    loaded.corrected,
                    loaded.unchanged,
                    report.n_rejected,
                )
            ]
            for table in report.n_read
        ]
        columns = [
            msg("table"),
            msg("read"),
            msg("new"),
            msg("corrected"),
            msg("unchanged"),
            msg("rejected"),
        ]
        context.table(columns, rows)
    else:
        context.tell(msg("Nothing was loaded: --strict, and there are rejected rows."))
    for file, columns in report.ignored_columns.items():
        context.tell(
            msg(
                "Not used, columns of {file}: {columns}",
                file=file,
                columns=", ".join(columns),
            )
        )
    for warning in report.warnings:
        context.tell(warning)
    if report.rejected_folder:
        for count in report.reasons:
            context.tell(
                msg(
                    "{n} × {table}.{column}: {reason}",
                    n=count.n_rows,
                    table=count.table,
                    column=count.column,
                    reason=count.reason,
                )
            )
        context.tell(
            msg("The rejected rows and their reasons: {folder}", folder=str(report.rejected_folder))
        )


@app.command()
def packs(
    ctx: typer.Context,
    session: Annotated[
        list[str] | None, typer.Option(help="Only this session; may be repeated.")
    ] = None,
    department: Annotated[
        list[str] | None, typer.Option(help="Only this department; may be repeated.")
    ] = None,
    cycle: Annotated[str | None, typer.Option(help="This cycle; default: the latest.")] = None,
    due: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Only sessions held within 48h, 14d or 2w from now."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Packs at the same time; default: one per core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Dask scheduler whose workers make the packs."),
    ] = None,
    audience: Annotated[
        list[Audience] | None,
        typer.Option(help="For whom; may be repeated. Default: the room."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make also packs in which nothing has changed.")
    ] = False,
) -> None:
    """Make the calibration packs of a cycle, one per session; unchanged ones are left alone."""
    from pipeline.run.batch import run_packs
    from pipeline.run.cluster import pool_of
    from pipeline.run.due import read_span
    from pipeline.run.outcome import MADE
    from pipeline.run.plan import choose_sessions, plan_packs, readers_of
    from pipeline.run.progress import ending
    from pipeline.store import open_store

    context = _context(ctx)
    settings = context.settings()
    span = read_span(due) if due else None
    if jobs:
        limits = settings.run.model_copy(update={"jobs": jobs})
        settings = settings.model_copy(update={"run": limits})
    pool = pool_of(settings, scheduler)
    with open_store(settings) as store:
        chosen = choose_sessions(
            store, session_ids=session or (), departments=department or (), cycle=cycle, due=span
        )
        readers = readers_of(store, audience or [Audience.ROOM])
        planned = plan_packs(settings, chosen, context.chosen, readers)
    with _stoppable(), _watcher(context) as watcher:
        report = run_packs(settings, planned, force=force, pool=pool, watcher=watcher)
    if report.interrupted:
        text = msg(
            "Stopped. Packs made before: {n}. Run the same command again for the rest.",
            n=report.count(MADE),
        )
        context.err.print(Text(context.language.say(text)))
    if due and not chosen:
        context.tell(msg("No session is held within {span}.", span=due))
    else:
        context.tell(ending(report))
    context.tell(msg("Index: {address}", address=report.index.as_uri()))
    if not report.succeeded:
        raise typer.Exit(EXIT_SOME_FAILED)


@app.command()
def status(
    ctx: typer.Context,
    cycle: Annotated[str | None, typer.Option(help="This cycle; default: the latest.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All cycles.")] = False,
) -> None:
    """Show per session how far it is: ratings in, pack made, held."""
    import datetime as dt

    from pipeline.run.due import Due
    from pipeline.run.plan import choose_sessions
    from pipeline.run.status import late_warnings, session_status
    from pipeline.store import open_store

    context = _context(ctx)
    settings = context.settings()
    with open_store(settings) as store:
        sessions = store.sessions(cycle) if every else choose_sessions(store, cycle=cycle)
        found = session_status(settings, store, sessions, dt.datetime.now(), context.chosen)
    states = {
        "made": msg("made"),
        "failed": msg("failed"),
        "outdated": msg("outdated"),
        "making": msg("in progress"),
        "none": msg("not made"),
    }
    dues = {Due.DUE: msg("due"), Due.LATE: msg("late")}
    say = context.language.say

    def with_due(text: str, due: Due) -> str:
        return f"{text} · {say(dues[due])}" if due in dues else text

    rows = []
    for one in found:
        context.event("session", **one.plain())
        held = "" if one.held is None else say(msg("held") if one.held else msg("to come"))
        day = context.language.date(one.session.held_on, "medium") if one.session.held_on else ""
        rows.append(
            [
                one.session.session_id,
                one.session.department,
                day,
                held,
                f"{one.n_rated}/{one.n_employees}",
                with_due(f"{one.n_with_evidence}/{one.n_employees}", one.evidence_due),
                with_due(say(states[one.pack]), one.pack_due),
            ]
        )
    columns = [
        msg("session"),
        msg("department"),
        msg("date"),
        msg("state"),
        msg("rated"),
        msg("evidence"),
        msg("pack"),
    ]
    context.table(columns, rows)
    for warning in late_warnings(found):
        context.tell(warning)


@app.command()
def sample(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the exports are written.")],
    departments: Annotated[int | None, typer.Option(min=1, help="Number of departments.")] = None,
    employees: Annotated[int | None, typer.Option(min=1, help="Number of employees.")] = None,
    cycles: Annotated[int, typer.Option(min=1, max=20, help="Number of cycles.")] = 3,
    seed: Annotated[int | None, typer.Option(help="Another seed is another company.")] = None,
) -> None:
    """Write an invented company as exports, with known effects planted in its ratings."""
    from pipeline.sample import SEED, write_sample

    context = _context(ctx)
    with _busy(context, msg("Inventing a company")) as step:
        summary = write_sample(
            folder,
            departments=departments,
            employees=employees,
            cycles=cycles,
            seed=SEED if seed is None else seed,
            progress=step,
        )
    context.event("sample", folder=str(folder), rows=summary.rows)
    context.tell(
        msg(
            "Wrote {n} ratings of {employees} employees to {folder}. All of it is invented.",
            n=summary.rows["ratings"],
            employees=summary.employees,
            folder=str(folder),
        )
    )


@app.command()
def doctor(ctx: typer.Context) -> None:
    """Check the environment, the settings, the store and the permissions."""
    from pipeline.run.doctor import examine

    context = _context(ctx)
    settings = context.settings()
    context.tell(msg("Home: {folder}", folder=str(settings.home)))
    healthy = True
    for check in examine(settings):
        healthy &= check.ok
        context.event("check", check=check.name, ok=check.ok, found=str(check.found))
        if not context.as_json and (not context.quiet or not check.ok):
            mark = "ok  " if check.ok else "FAIL"
            text = f"{mark}  {check.name:<10} {context.language.say(check.found)}"
            context.out.print(Text(text, style="" if check.ok else "red"))
    raise typer.Exit(EXIT_OK if healthy else EXIT_SOME_FAILED)


# progress ----------------------------------------------------------------------------------


@contextmanager
def _busy(context: _Context, title: Message) -> Iterator[Any]:
    """Show on a terminal what a long step is at; silent in logs."""
    if context.quiet or context.as_json or not context.err.is_terminal:
        yield None
        return
    with context.err.status(context.language.say(title)) as spinner:

        def step(what: object) -> None:
            text = context.language.say(what) if isinstance(what, Message) else str(what)
            spinner.update(Text(text))

        yield step


@contextmanager
def _watcher(context: _Context) -> Iterator[Watcher]:
    """Show how packs get on: a bar on a terminal, a line each in a log, events for a machine."""
    from pipeline.run.progress import Bar, Events, Lines

    if context.as_json:
        yield Events(context.event)
    elif context.quiet or not context.err.is_terminal:
        yield Lines(context.err, context.language, only_failed=context.quiet)
    else:
        with Bar(context.err, context.language) as bar:
            yield bar


@contextmanager
def _stoppable() -> Iterator[None]:
    """Take a request to end (SIGTERM) as Ctrl-C: stop cleanly, keep what was made."""

    def stop(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what runs is being ended
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# errors ------------------------------------------------------------------------------------


def _fail(text: str, code: int) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text, style="red"))
    raise SystemExit(code)


def _language_of_errors(arguments: list[str]) -> Language:
    """Find the language even when the settings could not be read."""
    for i, word in enumerate(arguments):
        value = word.partition("=")[2] if "=" in word else "".join(arguments[i + 1 : i + 2])
        if word.split("=")[0] == "--lang" and value in get_args(LanguageCode):
            return Language(value)
    return Language(os.environ.get("CALIBRATE_PACK__LANGUAGE", "en"))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=words, prog_name="calibrate")
    except WorkbenchError as error:
        _fail(_language_of_errors(words).say(error.message), error.exit_code)
    except Exception as error:
        if os.environ.get("CALIBRATE_DEBUG"):
            raise
        # the text of a foreign exception may quote data
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = (
            f"Unexpected fault {type(error).__name__} ({Path(place.filename).name}:{place.lineno})."
        )
        _fail(f"{text} Set CALIBRATE_DEBUG=1 for the traceback.", EXIT_SOME_FAILED)
