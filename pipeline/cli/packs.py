"""Commands about packs: packs, follow-up, status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pipeline.cli.app import Context, app, context_of, stoppable, watcher_of
from pipeline.errors import EXIT_SOME_FAILED, Message, WrongUse, msg
from pipeline.settings import Audience, Settings

if TYPE_CHECKING:
    from pipeline.run.due import Due
    from pipeline.run.engine import PoolMaker
    from pipeline.run.plan import PackJob
    from pipeline.run.status import SessionStatus
    from pipeline.store import Recorded


_Session = Annotated[list[str] | None, typer.Option(help="Only this session; may be repeated.")]
_Department = Annotated[
    list[str] | None, typer.Option(help="Only this department; may be repeated.")
]
_Jobs = Annotated[
    int | None, typer.Option(min=1, help="Packs at the same time; default: one per core.")
]
_Scheduler = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Dask scheduler whose workers make the packs."),
]
_Force = Annotated[
    bool, typer.Option("--force", help="Make also packs in which nothing has changed.")
]


@app.command()
def packs(
    ctx: typer.Context,
    session: _Session = None,
    department: _Department = None,
    cycle: Annotated[str | None, typer.Option(help="This cycle; default: the latest.")] = None,
    due: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Only sessions held within 48h, 14d or 2w from now."),
    ] = None,
    jobs: _Jobs = None,
    scheduler: _Scheduler = None,
    audience: Annotated[
        list[Audience] | None,
        typer.Option(help="For whom; may be repeated. Default: the room."),
    ] = None,
    force: _Force = False,
) -> None:
    """Make the calibration packs of a cycle, one per session; unchanged ones are left alone."""
    from pipeline.run.cluster import pool_of
    from pipeline.run.due import read_span
    from pipeline.run.plan import choose_sessions, plan_packs, readers_of
    from pipeline.store import open_store

    context = context_of(ctx)
    settings = _with_jobs(context.settings(), jobs)
    pool = pool_of(settings, scheduler)
    span = read_span(due) if due else None
    with open_store(settings) as store:
        chosen = choose_sessions(
            store, session_ids=session or (), departments=department or (), cycle=cycle, due=span
        )
        readers = readers_of(store, audience or [Audience.ROOM])
        planned = plan_packs(settings, chosen, context.chosen, readers)
    nothing = msg("No session is held within {span}.", span=due or "")
    _make(context, settings, planned, pool, force, nothing if due and not chosen else None)


@app.command(name="follow-up")
def follow_up(
    ctx: typer.Context,
    session: _Session = None,
    department: _Department = None,
    cycle: Annotated[
        str | None,
        typer.Option(help="This cycle; default: the latest with something recorded."),
    ] = None,
    jobs: _Jobs = None,
    scheduler: _Scheduler = None,
    audience: Annotated[
        list[Audience] | None,
        typer.Option(help="For whom: room or organisation. Default: the room."),
    ] = None,
    force: _Force = False,
) -> None:
    """Make what follows a session: follow-up pack, conversation cards, progress form."""
    from pipeline.run.cluster import pool_of
    from pipeline.run.plan import choose_recorded, plan_packs, readers_of
    from pipeline.run.product import FOLLOW_UP
    from pipeline.store import open_store

    if audience and Audience.MANAGER in audience:
        raise WrongUse(
            msg(
                "A manager reads no follow-up pack, but the private sheet and the team overview"
                " that are made with it. Use: --audience room or --audience organisation."
            )
        )
    context = context_of(ctx)
    settings = _with_jobs(context.settings(), jobs)
    pool = pool_of(settings, scheduler)
    with open_store(settings) as store:
        chosen = choose_recorded(
            store, session_ids=session or (), departments=department or (), cycle=cycle
        )
        readers = readers_of(store, audience or [Audience.ROOM])
        planned = plan_packs(settings, chosen, context.chosen, readers, FOLLOW_UP)
    nothing = msg(
        "Nothing was recorded of any session yet. Record its form: calibrate record FORM."
    )
    _make(context, settings, planned, pool, force, None if chosen else nothing)


def _with_jobs(settings: Settings, jobs: int | None) -> Settings:
    if not jobs:
        return settings
    return settings.model_copy(update={"run": settings.run.model_copy(update={"jobs": jobs})})


def _make(
    context: Context,
    settings: Settings,
    planned: Sequence[PackJob],
    pool: PoolMaker,
    force: bool,
    nothing: Message | None,
) -> None:
    """Make packs and say how it went; ``nothing`` says why there are none."""
    from pipeline.run.batch import run_packs
    from pipeline.run.outcome import MADE
    from pipeline.run.progress import ending

    with stoppable(), watcher_of(context) as watcher:
        report = run_packs(settings, planned, force=force, pool=pool, watcher=watcher)
    if report.interrupted:
        text = msg(
            "Stopped. Packs made before: {n}. Run the same command again for the rest.",
            n=report.count(MADE),
        )
        context.err.print(Text(context.language.say(text)))
    context.tell(nothing or ending(report))
    context.tell(msg("Index: {address}", address=report.index.as_uri()))
    if not report.succeeded:
        raise typer.Exit(EXIT_SOME_FAILED)


@app.command()
def status(
    ctx: typer.Context,
    cycle: Annotated[str | None, typer.Option(help="This cycle; default: the latest.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All cycles.")] = False,
) -> None:
    """Show per session how far it is, from its ratings to its actions, and what is late."""
    import datetime as dt

    from pipeline.run.plan import choose_sessions
    from pipeline.run.status import late_warnings, session_status
    from pipeline.store import open_store

    context = context_of(ctx)
    settings = context.settings()
    with open_store(settings) as store:
        sessions = store.sessions(cycle) if every else choose_sessions(store, cycle=cycle)
        found = session_status(settings, store, sessions, dt.datetime.now(), context.chosen)
    for one in found:
        context.event("session", **one.plain())
    _show_before(context, [one for one in found if one.recorded is None])
    _show_after(context, [one for one in found if one.recorded is not None])
    for warning in late_warnings(found):
        context.tell(warning)


def _show_before(context: Context, found: Sequence[SessionStatus]) -> None:
    """Show sessions of which nothing is decided yet."""
    say, rows = context.language.say, []
    for one in found:
        held = "" if one.held is None else say(msg("held") if one.held else msg("to come"))
        rows.append(
            [
                *_which(context, one),
                _with_due(context, held, one.record_due),
                f"{one.n_rated}/{one.n_employees}",
                _with_due(context, f"{one.n_with_evidence}/{one.n_employees}", one.evidence_due),
                _with_due(context, _state(context, one.pack), one.pack_due),
            ]
        )
    if rows:
        columns = [*_WHICH, msg("state"), msg("rated"), msg("evidence"), msg("pack")]
        context.table(columns, rows)


def _show_after(context: Context, found: Sequence[SessionStatus]) -> None:
    """Show sessions of which something was decided, and what came of it."""
    rows = [
        [
            *_which(context, one),
            _decided(context, one.recorded),
            _with_due(context, _state(context, one.follow_up), one.follow_up_due),
            _open_actions(context, one),
        ]
        for one in found
    ]
    if rows:
        context.table([*_WHICH, msg("decided"), msg("follow-up"), msg("actions")], rows)


_WHICH = [msg("session"), msg("department"), msg("date")]


def _which(context: Context, one: SessionStatus) -> list[str]:
    day = context.language.date(one.session.held_on, "medium") if one.session.held_on else ""
    return [one.session.session_id, one.session.department, day]


def _state(context: Context, state: str) -> str:
    states = {
        "made": msg("made"),
        "failed": msg("failed"),
        "outdated": msg("outdated"),
        "making": msg("in progress"),
        "none": msg("not made"),
    }
    return context.language.say(states[state])


def _with_due(context: Context, text: str, due: Due) -> str:
    from pipeline.run.due import Due

    dues = {Due.DUE: msg("due"), Due.LATE: msg("late")}
    return f"{text} · {context.language.say(dues[due])}" if due in dues else text


def _decided(context: Context, recorded: Recorded | None) -> str:
    if recorded is None:
        return ""
    text = context.language.whole(recorded.n_decisions)
    locked = context.language.say(msg("locked"))
    return f"{text} · {locked}" if recorded.locked else text


def _open_actions(context: Context, one: SessionStatus) -> str:
    if one.recorded is None or not one.recorded.n_actions:
        return ""
    n_open, n = one.recorded.n_open, one.recorded.n_actions
    if not n_open:
        return context.language.say(msg("none of {n} open", n=n))
    if not one.n_overdue:
        return context.language.say(msg("{n_open} of {n} open", n_open=n_open, n=n))
    late = msg("{n_open} of {n} open, {late} late", n_open=n_open, n=n, late=one.n_overdue)
    return context.language.say(late)
