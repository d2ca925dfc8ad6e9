"""The invented company in a store of its own, and what the analysis finds in its sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from pipeline.analysis import Analysis, analyse
from pipeline.ingest import import_files
from pipeline.sample import PlantedWho
from pipeline.sample.effects import effects_of
from pipeline.sample.generate import Company
from pipeline.sample.scores import style_of
from pipeline.settings import Settings
from pipeline.store import Store, open_store


@dataclass
class Wolkenveen:
    """A company that was imported, analysed session by session as asked for."""

    store: Store
    settings: Settings
    company: Company

    def __post_init__(self) -> None:
        """Nothing was asked yet."""
        self._found: dict[str, Analysis] = {}

    @cached_property
    def planted(self) -> dict[str, PlantedWho]:
        """Planted effects by name."""
        return {one.effect.name: one for one in self.company.planted_effects()}

    def analysis(self, department: str) -> Analysis:
        """Return what is found in the performance session of the last cycle."""
        if department not in self._found:
            last = self.company.cycles[-1].name
            (session,) = (
                one
                for one in self.store.sessions(last)
                if one.department == department and one.kind == "performance"
            )
            self._found[department] = analyse(
                self.store.session_data(session.session_id), self.settings
            )
        return self._found[department]

    def severity(self, department: str, raters: pd.Series) -> pd.Series:
        """Return the severity in the last cycle that the scores were made with, by rater."""
        effects = effects_of(department, planted=self.company.planted)
        (place,) = (one for one in self.company.departments if one.name == department)
        seat = {place.id_at(one.name): one.name for one in place.seats}
        return pd.Series(
            {
                rater: style_of(self.company.seed, rater, seat.get(rater, ""), effects, 0).severity
                for rater in raters
            }
        )


@contextmanager
def wolkenveen(exports: Path, settings: Settings, company: Company) -> Iterator[Wolkenveen]:
    """Import the exports of a company into the store of these settings."""
    with open_store(settings) as store:
        import_files([exports], settings, store)
        yield Wolkenveen(store, settings, company)
