"""Commands about what a session decided: record, lock, verify, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pipeline.cli.app import Context, app, busy, context_of
from pipeline.errors import EXIT_OK, EXIT_SOME_FAILED, UnreadableInput, WrongUse, msg, msgn

if TYPE_CHECKING:
    from pipeline.record import FormRefused
    from pipeline.record.form import Fault

SECONDS_BETWEEN = 2.0
"""Between two lines about how far a command is."""


@app.command()
def record(
    ctx: typer.Context,
    forms: Annotated[
        list[Path], typer.Argument(help="Filled-in forms: workbooks, or folders of CSV files.")
    ],
    supersede: Annotated[
        str | None,
        typer.Option(
            metavar="REASON", help="Why what contradicts earlier decisions replaces them."
        ),
    ] = None,
    lock_after: Annotated[
        bool, typer.Option("--lock", help="Close each session after its form was recorded.")
    ] = False,
) -> None:
    """Record what sessions decided, and what came of it; a form with faults changes nothing."""
    from pipeline.record import FormRefused, lock_session, record_form
    from pipeline.store import open_store

    context = context_of(ctx)
    settings = context.settings()
    code, head = EXIT_OK, ""
    told = _Told(context, len(forms))
    with open_store(settings) as store:
        for number, form in enumerate(forms, 1):
            told.at(number)
            try:
                with busy(context, msg("Checking {file}", file=form.name)):
                    found = record_form(form, settings, store, supersede=supersede)
            except FormRefused as refused:
                code = max(code, refused.exit_code)
                _show_refused(context, refused)
                continue
            except (
                UnreadableInput,
                WrongUse,
            ) as wrong:  # the other forms have nothing to do with it
                if len(forms) == 1:
                    raise
                code = max(code, wrong.exit_code)
                context.event("refused", file=form.name, reason=str(wrong.message))
                context.err.print(Text(context.language.say(wrong.message), style="red"))
                continue
            counts = {
                "session_id": found.session_id,
                "new": found.new,
                "added": found.added,
                "replaced": found.replaced,
                "unchanged": found.unchanged,
                "decisions": found.n_decisions,
            }
            context.event("record", file=form.name, form=found.form, head=found.head, **counts)
            context.tell(
                msg(
                    "{session_id}: {new} new, {added} added to, {replaced} replaced, {unchanged}"
                    " there already. Scores with an outcome: {decisions}.",
                    **counts,
                )
            )
            _show_remarks(context, found.remarks)
            head = found.head
            if lock_after and lock_session(store, found.session_id):
                context.event("lock", session_id=found.session_id, locked=True, changed=True)
                head = store.verify_register().head
                context.tell(msg("Session {session_id} is locked.", session_id=found.session_id))
    if head:
        context.tell(msg("Last hash of the register: {head}", head=head))
    if code:
        raise typer.Exit(code)


class _Told:
    """Says how many forms were done, where that takes longer than somebody waits for."""

    def __init__(self, context: Context, total: int) -> None:
        self._context, self._total, self._last = context, total, time.monotonic()

    def at(self, number: int) -> None:
        """Say which form is next, every two seconds at most."""
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN or self._context.quiet or self._context.as_json:
            return
        self._last = now
        text = msg("Form {number} of {total}", number=number, total=self._total)
        self._context.err.print(Text(self._context.language.say(text)))


def _show_refused(context: Context, refused: FormRefused) -> None:
    context.event(
        "refused",
        faults=[
            {"sheet": f.sheet, "row": f.row, "column": f.column, "reason": str(f.reason)}
            for f in refused.faults
        ],
    )
    context.err.print(Text(context.language.say(refused.message), style="red"))
    _show_places(context, refused.faults)


def _show_remarks(context: Context, found: Sequence[Fault]) -> None:
    """Show what is worth a look, the rows of one remark together."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        place = (one.sheet, one.column, context.language.say(one.reason))
        rows.setdefault(place, []).append(context.language.whole(one.row) if one.row else "")
    if rows:
        context.table(
            [msg("sheet"), msg("rows"), msg("column"), msg("worth a look")],
            [[sheet, ", ".join(at), column, what] for (sheet, column, what), at in rows.items()],
        )


def _show_places(context: Context, found: Sequence[Fault]) -> None:
    rows = [
        [
            one.sheet,
            context.language.whole(one.row) if one.row else "",
            one.column,
            context.language.say(one.reason),
        ]
        for one in found
    ]
    if rows:
        context.table([msg("sheet"), msg("row"), msg("column"), msg("what")], rows)


@app.command()
def lock(
    ctx: typer.Context,
    session: Annotated[list[str], typer.Argument(help="The session; several are possible.")],
    unlock: Annotated[
        str | None, typer.Option("--unlock", metavar="REASON", help="Open it again, and why.")
    ] = None,
) -> None:
    """Close a session: it takes no new decisions. The lock is an entry of the register."""
    from pipeline.record import lock_session
    from pipeline.store import open_store

    context = context_of(ctx)
    with open_store(context.settings()) as store:
        for one in session:
            changed = lock_session(store, one, unlock=unlock)
            context.event("lock", session_id=one, locked=unlock is None, changed=changed)
            texts = {
                (True, True): msg("Session {session_id} is locked.", session_id=one),
                (True, False): msg("Session {session_id} was locked already.", session_id=one),
                (False, True): msg("Session {session_id} is open again.", session_id=one),
                (False, False): msg("Session {session_id} was not locked.", session_id=one),
            }
            context.tell(texts[unlock is None, changed])


@app.command()
def verify(
    ctx: typer.Context,
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="A last hash that was noted before; it has to be there."),
    ] = None,
) -> None:
    """Prove that nothing in the register of decisions was altered."""
    from pipeline.store import open_store

    context = context_of(ctx)
    with open_store(context.settings()) as store:
        found = store.verify_register(head)
    context.event(
        "verify",
        intact=found.intact,
        entries=found.n_entries,
        erased=found.n_erased,
        head=found.head,
        faults=[str(fault) for fault in found.faults],
    )
    for fault in found.faults:
        context.err.print(Text(context.language.say(fault), style="red"))
    if not found.intact:
        raise typer.Exit(EXIT_SOME_FAILED)
    context.tell(
        msgn(
            "The register is intact: {n} entry. Last hash: {head}",
            "The register is intact: {n} entries. Last hash: {head}",
            found.n_entries,
            head=found.head or "-",
        )
    )


export = typer.Typer(no_args_is_help=True, help="Write what was decided for other systems.")
app.add_typer(export, name="export")


@export.command("decisions")
def export_decisions(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    cycle: Annotated[str | None, typer.Option(help="Only this cycle.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session.")] = None,
) -> None:
    """Write the scores that people decided on; nothing computed is in it."""
    from pipeline.record import decisions_table, write_csv
    from pipeline.store import open_store

    context = context_of(ctx)
    with open_store(context.settings()) as store:
        table = decisions_table(store, cycle=cycle, session_ids=session or ())
    write_csv(table, target)
    context.event("export", file=str(target), rows=len(table))
    context.tell(
        msgn(
            "Wrote {n} decision to {file}.",
            "Wrote {n} decisions to {file}.",
            len(table),
            file=str(target),
        )
    )
