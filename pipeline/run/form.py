"""The decision form beside a pack; one that somebody has written in is never lost."""

from __future__ import annotations

from pipeline.decision_form import FORM_FILE
from pipeline.run.files import Target, write_whole
from pipeline.run.outcome import content_of, read_record


def put_form(folder: Target, form: bytes | None) -> str | None:
    """Write the form of a pack in the place of the one before.

    Returns
    -------
    str or None
        Name under which the one before is kept, if it was written in.
    """
    before, kept = _there(folder), None
    if before == form:
        return None
    if before is not None and not _is_as_made(folder, before):
        stem, _, suffix = FORM_FILE.rpartition(".")
        kept = f"{stem}-{content_of(before)[:8]}.{suffix}"
        write_whole(folder / kept, before)
    if form is None:
        (folder / FORM_FILE).unlink(missing_ok=True)
    else:
        write_whole(folder / FORM_FILE, form)
    return kept


def drop_form(folder: Target) -> None:
    """Remove the form of a pack that failed, unless it was written in."""
    before = _there(folder)
    if before is not None and _is_as_made(folder, before):
        (folder / FORM_FILE).unlink(missing_ok=True)


def _there(folder: Target) -> bytes | None:
    try:
        return (folder / FORM_FILE).read_bytes()
    except FileNotFoundError:
        return None


def _is_as_made(folder: Target, form: bytes) -> bool:
    record = read_record(folder)
    return record is not None and record.get("form") == content_of(form)
