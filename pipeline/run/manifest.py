"""The record of what was made: one file per run, one per pack, and the index of all packs.

Names nobody: identifiers of sessions, counts, times, and texts of our own.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipeline.locale import Language
from pipeline.run.cycle import CYCLE_FILE
from pipeline.run.files import Target, reports_of, slug, write_json, write_whole
from pipeline.run.outcome import FAILED, MADE, UNCHANGED, Outcome
from pipeline.run.product import PRODUCTS
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.pack.index import IndexEntry


@dataclass(frozen=True)
class Run:
    """One execution of `calibrate packs`."""

    run_id: str
    started_at: dt.datetime

    @classmethod
    def start(cls) -> Run:
        """Begin a run; its identifier sorts by time."""
        now = dt.datetime.now(dt.UTC)
        return cls(f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", now)


def write_run(
    settings: Settings, run: Run, outcomes: Sequence[Outcome], *, interrupted: bool = False
) -> Target:
    """Keep the record of a run."""
    path = reports_of(settings) / "runs" / f"{run.run_id}.json"
    ended = dt.datetime.now(dt.UTC)
    write_json(
        path,
        {
            "run_id": run.run_id,
            "started_at": run.started_at.isoformat(timespec="seconds"),
            "ended_at": ended.isoformat(timespec="seconds"),
            "version": version("calibration-workbench"),
            "interrupted": interrupted,
            "made": sum(outcome.status == MADE for outcome in outcomes),
            "unchanged": sum(outcome.status == UNCHANGED for outcome in outcomes),
            "failed": sum(outcome.status == FAILED for outcome in outcomes),
            # of those left alone their own record says all there is to say
            "packs": [one.record() for one in outcomes if one.status != UNCHANGED],
        },
    )
    return path


def write_index(settings: Settings, language: Language) -> Target:
    """Write `reports/index.html`: every pack there is, newest cycle first."""
    # here and not above: what renders is not needed where no pack was made
    from pipeline.pack.index import render_index

    entries = []
    for record in _records(settings):
        try:
            found = json.loads(record.read_text(encoding="utf-8"))
            entries.append(_entry(settings, record, found))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a record of another version; the next run of that session replaces it
    entries.sort(key=lambda e: (e.cycle, e.department, e.session_id))
    entries.sort(key=lambda e: e.cycle, reverse=True)
    path, pages = reports_of(settings) / "index.html", {}
    for cycle in {entry.cycle for entry in entries}:
        page = reports_of(settings) / slug(cycle) / CYCLE_FILE
        pages[cycle] = f"{slug(cycle)}/{CYCLE_FILE}" if page.exists() else None
    write_whole(path, render_index(entries, language, dt.datetime.now(dt.UTC), pages))
    return path


def index_is_behind(settings: Settings) -> bool:
    """Tell whether a pack was recorded after the index was written, by a run that was killed."""
    try:
        written = (reports_of(settings) / "index.html").stat().st_mtime_ns
        return any(record.stat().st_mtime_ns > written for record in _records(settings))
    except OSError:
        return True


def _records(settings: Settings) -> list[Target]:
    reports = reports_of(settings)
    return sorted(
        record
        for product in PRODUCTS.values()
        for place in ("*/*", "*/*/*", "*/*/managers/*")
        for record in reports.glob(f"{place}/{product.record}")
    )


def _entry(settings: Settings, record: Target, found: dict[str, Any]) -> IndexEntry:
    from pipeline.pack.index import IndexEntry

    depth = len(reports_of(settings).parts)
    product = PRODUCTS[found["product"]]
    page, form = record.parent / product.page, record.parent / product.form
    return IndexEntry(
        session_id=found["session_id"],
        department=found["department"],
        cycle=found["cycle"],
        kind=found["kind"],
        audience=found["audience"],
        status=found["status"],
        href="/".join(page.parts[depth:]) if page.exists() else None,
        form_href="/".join(form.parts[depth:]) if form.exists() else None,
        seconds=found["seconds"],
        warnings=tuple(found["warnings"]),
        message=found["error"],
        made_at=dt.datetime.fromisoformat(found["made_at"]),
        product=product.name,
        reader=record.parent.name if found["audience"] == "manager" else "",
    )
