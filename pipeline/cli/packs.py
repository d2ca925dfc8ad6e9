"""Commands about packs: packs, status."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from pipeline.cli.app import app, context_of, stoppable, watcher_of
from pipeline.errors import EXIT_SOME_FAILED, msg
from pipeline.settings import Audience


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

    context = context_of(ctx)
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
    with stoppable(), watcher_of(context) as watcher:
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

    context = context_of(ctx)
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
