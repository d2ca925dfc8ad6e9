"""An import in an empty home, against a store that only remembers what it was given."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from pipeline.ingest import ImportReport, import_files
from pipeline.settings import read_settings
from pipeline.store import Loaded

EMPLOYEES = "employee_id;department\n007;Zorg\n008;Zorg\n009;Techniek\n"
RATINGS_HEADER = "cycle;employee_id;rater_id;criterion_id;score\n"


class KeepingStore:
    """Stands in for the store: knows what it is told to know, keeps what it is given."""

    def __init__(self) -> None:
        self.ids: dict[str, set[str]] = {}
        self.cycles = pd.DataFrame(
            {
                "cycle": pd.Series(dtype="str"),
                "starts_on": pd.Series(dtype="datetime64[us]"),
                "ends_on": pd.Series(dtype="datetime64[us]"),
            }
        )
        self.rows: dict[str, pd.DataFrame] = {}
        self.rejections: list = []
        self.files: list = []
        self.n_loads = 0
        self.fails: BaseException | None = None

    def known_ids(self, table: str) -> set[str]:
        """Return what the test said is known."""
        return self.ids.get(table, set())

    def cycle_dates(self) -> pd.DataFrame:
        """Return the cycles that the test set."""
        return self.cycles

    def load(self, batch_id, files, rows, rejections) -> Loaded:
        """Keep what came in."""
        if self.fails is not None:
            raise self.fails
        self.n_loads += 1
        self.rows, self.rejections, self.files = dict(rows), list(rejections), list(files)
        return Loaded({table: len(frame) for table, frame in rows.items()}, {}, {})


@pytest.fixture
def keeper() -> KeepingStore:
    """Give a store that only remembers."""
    return KeepingStore()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give an empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


Run = Callable[..., ImportReport]


@pytest.fixture
def run(home: Path, keeper: KeepingStore, tmp_path: Path) -> Run:
    """Write files into a fresh folder and import it."""

    def run(
        files: Mapping[str, str | bytes], toml: str = "", *, store=None, **options
    ) -> ImportReport:
        inbox = tmp_path / "inbox"
        shutil.rmtree(inbox, ignore_errors=True)
        inbox.mkdir()
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (inbox / name).write_bytes(data)
        (home / "workbench.toml").write_text(toml, encoding="utf-8")
        return import_files([inbox], read_settings(home), store or keeper, **options)

    return run


@pytest.fixture
def ratings(run: Run) -> Run:
    """Import ratings of three known employees; gives the report."""

    def ratings(body: str, toml: str = "", *, header: str = RATINGS_HEADER, **options):
        return run({"employees.csv": EMPLOYEES, "ratings.csv": header + body}, toml, **options)

    return ratings


@pytest.fixture
def reasons() -> Callable[[ImportReport], dict[str, int]]:
    """Give the reasons of a report as text, with their counts."""

    def reasons(report: ImportReport) -> dict[str, int]:
        return {f"{r.column}: {r.reason}": r.n_rows for r in report.reasons}

    return reasons
