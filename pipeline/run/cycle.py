"""The page about each cycle, for everybody: written with the packs, where it has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress

from pipeline.locale import Language
from pipeline.run.files import reports_of, slug, write_whole
from pipeline.settings import Settings
from pipeline.store import Store

CYCLE_FILE = "cycle.html"


def write_cycles(settings: Settings, store: Store, cycles: Iterable[str]) -> None:
    """Write `reports/<cycle>/cycle.html` of each cycle, in the language of the organisation."""
    # here and not above: what renders is not needed where nothing is written
    from pipeline.pack.cycle_page import render_cycle

    for cycle in sorted(set(cycles)):
        found = store.cycle_overview(cycle)
        page = render_cycle(
            found.row,
            found.criteria,
            found.sessions,
            settings,
            Language(settings.pack.language),
            cycle=cycle,
            today=dt.date.today(),
        )
        path = reports_of(settings) / slug(cycle) / CYCLE_FILE
        with suppress(OSError):
            if path.read_bytes() == page.encode():
                continue
        write_whole(path, page)
