"""One pack: a notebook run under limits, turned into one HTML file, in a process of its own.

`make_pack` is the unit of work of every executor. It has little to import: the work is done in a
fork of a template that has everything already, and only without one in the worker itself.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.errors import Message, WorkbenchError, msg
from pipeline.locale import Language
from pipeline.run.files import remove_folder, write_json, write_whole
from pipeline.run.form import drop_form, put_form
from pipeline.run.guard import too_long
from pipeline.run.kernels import client
from pipeline.run.outcome import FAILED, MADE, Outcome, content_of
from pipeline.run.pages import drop_pages, put_pages
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings

_LONGEST_SOCKET = 90


def make_pack(job: PackJob, limits: RunSettings) -> Outcome:
    """Make one pack; a failure is an outcome, not an exception.

    On failure the executed notebook is kept in a private folder beside the place of the pack, and
    no pack is left, not even an older one: it would not fit the data.
    """
    started = time.monotonic()
    error = msg("The process that made this pack was killed twice.")
    for _ in range(2):
        try:
            return client.make_warm(job, limits)
        except client.NoTemplate:
            return make_here(job, limits)
        except client.PackProcessLost:
            continue
        except client.PackProcessStuck:
            error = too_long(limits)
            break
    return _end(job, started, {}, error)


def make_here(job: PackJob, limits: RunSettings, owner: Connection | None = None) -> Outcome:
    """Make one pack in this process; the kernel is one it holds, or an ordinary one.

    Parameters
    ----------
    job, limits
        See `make_pack`.
    owner
        Connection to the worker that asked; when it closes, this process ends.
    """
    from pipeline.pack.html import pages_of, to_html
    from pipeline.run.notebook import facts_of, form_of, run_notebook

    started = time.monotonic()
    facts: dict[str, Any] = {}
    error: Message | None = None
    try:
        with _workspace() as workspace:
            notebook = run_notebook(job, limits, workspace, owner)
            facts = facts_of(notebook)
            page = to_html(notebook, title=job.title, language=job.parameters.language)
            form = form_of(notebook)
            told = put_form(job.output.parent, form, job.product)
            pages = pages_of(notebook, language=job.parameters.language)
            facts["pages"] = put_pages(job.output.parent, job.product.folders, pages)
            write_whole(job.output, page)
            facts["content"] = content_of(page)
            facts["form"] = content_of(form) if form is not None else None
            say = Language(job.parameters.language).say
            facts["warnings"] = [*facts.get("warnings", ()), *(say(one) for one in told)]
        remove_folder(job.output.parent / job.product.failed.parent)
    except WorkbenchError as reason:
        error = reason.message
    except OSError as reason:
        error = _explain_disk(reason)
    except Exception as reason:
        # an unforeseen fault of one pack must not stop the others; its text may quote data
        error = msg("Unexpected fault {kind} while making the pack.", kind=type(reason).__name__)
    return _end(job, started, facts, error)


def _end(job: PackJob, started: float, facts: dict[str, Any], error: Message | None) -> Outcome:
    """Record what became of a pack; leave none that failed."""
    outcome = Outcome(
        session_id=job.session.session_id,
        department=job.session.department,
        cycle=job.session.cycle,
        kind=job.session.kind,
        audience=job.parameters.audience.value,
        status=FAILED if error else MADE,
        seconds=time.monotonic() - started,
        made_at=dt.datetime.now(dt.UTC),
        warnings=tuple(facts.get("warnings", ())),
        n_cases=facts.get("n_cases"),
        not_estimable=tuple(facts.get("not_estimable", ())),
        error=error,
        key=job.key,
        organisation=job.organisation,
        content=facts.get("content"),
        form=facts.get("form"),
        place=job.place,
        pages=facts.get("pages"),
        product=job.product.name,
    )
    with contextlib.suppress(OSError):  # disk full or forbidden: the outcome itself says so
        if error:
            job.output.unlink(missing_ok=True)
            drop_form(job.output.parent, job.product)
            drop_pages(job.output.parent, job.product.folders)
        write_json(job.output.parent / job.product.record, outcome.record())
    return outcome


def _explain_disk(reason: OSError) -> Message:
    if reason.errno == errno.ENOSPC:
        return msg("The disk is full. Free some space and run again; the other packs are kept.")
    if reason.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return msg("The reports folder may not be written. Check its permissions and run again.")
    return msg("The pack could not be written ({reason}).", reason=reason.strerror or "OSError")


@contextmanager
def _workspace() -> Iterator[Path]:
    """Make a private folder for sockets and the running notebook; removed afterwards."""
    base: str | None = None
    if len(tempfile.gettempdir()) > _LONGEST_SOCKET - 40:
        base = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="calibrate-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
