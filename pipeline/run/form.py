"""The decision form beside a pack; one that somebody has written in is never lost."""

from __future__ import annotations

from pipeline.decision_form import FORM_FILE
from pipeline.errors import Message, msg
from pipeline.run.files import Target, write_whole
from pipeline.run.outcome import content_of, read_record

_OPEN = (f"~${FORM_FILE}", f".~lock.{FORM_FILE}#")
"""What Excel and LibreOffice leave beside a workbook while it is open."""


def put_form(folder: Target, form: bytes | None) -> list[Message]:
    """Write the form of a pack in the place of the one before.

    Returns
    -------
    list
        What the analyst has to know: where one went that was written in, and that one is open.
    """
    before, told = _there(folder), []
    if before == form:
        return []
    if before is not None and not _is_as_made(folder, before):
        stem, _, suffix = FORM_FILE.rpartition(".")
        kept = f"{stem}-{content_of(before)[:8]}.{suffix}"
        write_whole(folder / kept, before)
        told.append(
            msg(
                "The decision form was filled in already. That one is kept as {file}; the new form"
                " is empty.",
                file=kept,
            )
        )
    if before is not None and any((folder / name).exists() for name in _OPEN):
        told.append(
            msg(
                "The decision form was open in a spreadsheet while a new one was made. What is"
                " saved there would replace the new one: save it under another name."
            )
        )
    if form is None:
        (folder / FORM_FILE).unlink(missing_ok=True)
    else:
        write_whole(folder / FORM_FILE, form)
    return told


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
