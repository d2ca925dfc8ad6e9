"""The application and what every command shares: settings, language, where to write."""

from __future__ import annotations

import json
import signal
import sys
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

from pipeline.errors import Message
from pipeline.locale import Language
from pipeline.settings import LanguageCode, Settings, read_settings

if TYPE_CHECKING:
    from pipeline.run.batch import Watcher

_COMMON = {"--home": True, "--lang": True, "--json": False, "--quiet": False}
"""Options that may stand anywhere on the line, and whether a value follows."""


_ORDER = (
    "import", "packs", "record", "lock", "follow-up", "status", "verify", "export", "sample",
    "doctor",
)  # fmt: skip
"""As the work goes; other commands come last."""


class _AnywhereGroup(TyperGroup):
    """Takes the common options before or after the name of the command."""

    def list_commands(self, ctx: Any) -> list[str]:
        found = super().list_commands(ctx)
        return sorted(found, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

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
class Context:
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
        """Read the settings; from here on messages are in their language."""
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
        """Show a table to a person."""
        if self.quiet or self.as_json:
            return
        table = Table(box=None, pad_edge=False, show_edge=False)
        for column in columns:
            table.add_column(self.language.say(column), overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.out.print(table)


def context_of(ctx: typer.Context) -> Context:
    """Return what `common` has put ready for a command."""
    found = ctx.obj
    if not isinstance(found, Context):  # pragma: no cover - typer calls `common` first
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
    ctx.obj = Context(home, lang, as_json, quiet)  # type: ignore[arg-type]  # checked just above


# progress ----------------------------------------------------------------------------------


@contextmanager
def busy(context: Context, title: Message) -> Iterator[Any]:
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
def watcher_of(context: Context) -> Iterator[Watcher]:
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
def stoppable() -> Iterator[None]:
    """Take a request to end (SIGTERM) as Ctrl-C: stop cleanly, keep what was made."""

    def stop(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what runs is being ended
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
