"""The page that lists all packs: which were made, which failed and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.errors import msg, msgn
from pipeline.locale import Language
from pipeline.pack.blocks import Column
from pipeline.pack.page import environment, page_style, policy
from pipeline.pack.wording import AUDIENCE, NO_VALUE, PAGE, SESSION_KIND, shorten

_STATUS = {"made": msg("made"), "failed": msg("failed"), "unchanged": msg("unchanged")}
_FORM = {"calibration-pack": msg("decision form"), "follow-up-pack": msg("progress form")}


@dataclass(frozen=True)
class IndexEntry:
    """One pack in the list.

    Attributes
    ----------
    session_id, department, cycle, kind, audience
        Which pack.
    status
        ``"made"``, ``"failed"`` or ``"unchanged"``.
    href
        Address relative to the page; None where there is no pack.
    seconds
        How long it took; None where it was not made.
    warnings
        In the language of the pack; they name nobody.
    message
        Why it failed.
    made_at
        When, with its time zone.
    form_href
        Address of the form; None where there is none.
    product
        ``"calibration-pack"`` or ``"follow-up-pack"``.
    reader
        Number of the manager whom a manager's pack is for.
    """

    session_id: str
    department: str
    cycle: str
    kind: str
    audience: str
    status: str
    href: str | None
    seconds: float | None
    warnings: tuple[str, ...]
    message: str | None
    made_at: dt.datetime | None
    form_href: str | None = None
    product: str = "calibration-pack"
    reader: str = ""


def render_index(
    entries: Sequence[IndexEntry],
    language: Language,
    generated_at: dt.datetime,
    cycle_pages: Mapping[str, str | None] | None = None,
) -> str:
    """Return the page that lists all packs, in the given order, one table per cycle.

    ``cycle_pages`` holds the address of the page about each cycle, for everybody.
    """
    say = language.say
    title = say(msg("Calibration packs"))
    style = page_style(title, say(PAGE["confidential"]))
    made = {name: sum(entry.status == name for entry in entries) for name in _STATUS}
    parts = [
        say(text)
        for name, text in (
            ("made", msgn("{n} pack made", "{n} packs made", made["made"])),
            ("unchanged", msgn("{n} unchanged", "{n} unchanged", made["unchanged"])),
            ("failed", msgn("{n} failed", "{n} failed", made["failed"])),
        )
        if made[name]
    ]
    return (
        environment()
        .get_template("overview.html.j2")
        .render(
            skip=say(msg("Skip to the packs")),
            title=title,
            language=language.code,
            style=style,
            policy=policy(style),
            made=say(msg("Written {moment}.", moment=language.moment(generated_at))),
            counts=", ".join(parts),
            empty=say(msg("There are no packs yet.")),
            nothing=NO_VALUE,
            columns=(
                Column(say(msg("Department"))),
                Column(say(msg("Kind"))),
                Column(say(msg("State"))),
                Column(say(msg("Warnings")), wide=True),
                Column(say(msg("Seconds")), numeric=True),
                Column(say(msg("Made at")), numeric=True),
            ),
            cycles=[
                {
                    "title": say(msg("Cycle {cycle}", cycle=cycle)),
                    "href": safe_address((cycle_pages or {}).get(cycle)),
                    "page": say(msg("What everybody may know about this cycle")),
                    "caption": say(msg("Packs of cycle {cycle}", cycle=cycle)),
                    "rows": [_row(entry, language) for entry in group],
                }
                for cycle, group in groupby(entries, key=lambda entry: entry.cycle)
            ],
        )
    )


def _row(entry: IndexEntry, language: Language) -> dict[str, object]:
    say = language.say
    kind = say(SESSION_KIND[entry.kind]) if entry.kind in SESSION_KIND else entry.kind
    if entry.product == "follow-up-pack":
        after = say(msg("follow-up"))
        kind = f"{kind} · {after}"
    if entry.audience != "room" and entry.audience in AUDIENCE:
        kind = f"{kind} · {say(AUDIENCE[entry.audience])}"
    if entry.reader:
        kind = f"{kind} {shorten(entry.reader, 40)}"
    return {
        "href": safe_address(entry.href),
        "form_href": safe_address(entry.form_href),
        "form": say(_FORM.get(entry.product, _FORM["calibration-pack"])),
        "department": shorten(entry.department, 120),
        "session_id": shorten(entry.session_id, 120),
        "kind": kind,
        "status": entry.status if entry.status in _STATUS else "unknown",
        "status_text": say(_STATUS[entry.status]) if entry.status in _STATUS else entry.status,
        "message": entry.message or "",
        "warnings": entry.warnings,
        "seconds": NO_VALUE if entry.seconds is None else language.number(entry.seconds, 1),
        "made_at": NO_VALUE if entry.made_at is None else language.moment(entry.made_at),
    }


def safe_address(href: str | None) -> str | None:
    """Return a relative address as it is, and nothing else: no scheme, no host, no way up."""
    if href is None or href.startswith(("/", "\\")) or ":" in href or ".." in href.split("/"):
        return None
    return href
