"""The form beside a pack; one that somebody has written in is never lost."""

from __future__ import annotations

from pipeline.errors import Message, msg
from pipeline.run.files import Target, write_whole
from pipeline.run.outcome import content_of, read_record
from pipeline.run.product import CALIBRATION, Product

_OPEN = ("~${file}", ".~lock.{file}#")
"""What Excel and LibreOffice leave beside a workbook while it is open."""


def put_form(folder: Target, form: bytes | None, product: Product = CALIBRATION) -> list[Message]:
    """Write the form of a pack in the place of the one before.

    Returns
    -------
    list
        What the analyst has to know: where one went that was written in, and that one is open.
    """
    before, told = _there(folder, product), []
    if before == form:
        return []
    if before is not None and not _is_as_made(folder, before, product):
        stem, _, suffix = product.form.rpartition(".")
        kept = f"{stem}-{content_of(before)[:8]}.{suffix}"
        write_whole(folder / kept, before)
        told.append(
            msg(
                "The form was filled in already. That one is kept as {file}; the new form"
                " is empty.",
                file=kept,
            )
        )
    if before is not None and any(
        (folder / name.format(file=product.form)).exists() for name in _OPEN
    ):
        told.append(
            msg(
                "The form was open in a spreadsheet while a new one was made. What is"
                " saved there would replace the new one: save it under another name."
            )
        )
    if form is None:
        (folder / product.form).unlink(missing_ok=True)
    else:
        write_whole(folder / product.form, form)
    return told


def drop_form(folder: Target, product: Product = CALIBRATION) -> None:
    """Remove the form of a pack that failed, unless it was written in."""
    before = _there(folder, product)
    if before is not None and _is_as_made(folder, before, product):
        (folder / product.form).unlink(missing_ok=True)


def _there(folder: Target, product: Product) -> bytes | None:
    try:
        return (folder / product.form).read_bytes()
    except FileNotFoundError:
        return None


def _is_as_made(folder: Target, form: bytes, product: Product) -> bool:
    record = read_record(folder, product)
    return record is not None and record.get("form") == content_of(form)
