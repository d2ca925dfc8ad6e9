"""Commands about data and the machine: import, sample, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from pipeline.cli.app import Context, app, busy, context_of
from pipeline.errors import EXIT_OK, EXIT_SOME_FAILED, msg


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

    context = context_of(ctx)
    settings = context.settings()
    with open_store(settings) as store, busy(context, msg("Reading exports")) as step:
        report = import_files(paths, settings, store, strict=strict, progress=step)
    _show_import(context, report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _show_import(context: Context, report: Any) -> None:
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

    context = context_of(ctx)
    with busy(context, msg("Inventing a company")) as step:
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

    context = context_of(ctx)
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
