"""Shared fixtures: a home folder, and the same store on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os

# before numpy: tests run side by side, and threads of BLAS would only get in each other's way
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.settings import Settings, read_settings
from pipeline.store import Store, open_store
from pipeline.tables import TABLES
from support import IN_CI
from support.postgres import own_postgres, postgres_binaries

# a shared machine is slow at times, which is no fault of the code; CI tries the same examples
hypothesis.settings.register_profile("workbench", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("workbench")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--kills 200` try longer what the normal suite tries a few times."""
    parser.addoption("--kills", type=int, default=0, help="random kills of runs of real packs")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings of the developer's shell out of the tests."""
    for name in [name for name in os.environ if name.startswith("CALIBRATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    """Return the default settings of an empty home."""
    return read_settings(home)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL of our own on loopback and return its address."""
    binaries = postgres_binaries()
    if binaries is None:
        if IN_CI:
            pytest.fail("PostgreSQL is not installed, and CI must test on it")
        pytest.skip("PostgreSQL is not installed")
    with own_postgres(binaries) as address:
        yield address


@pytest.fixture
def postgres_url(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of an empty database."""
    name = f"t{abs(hash(request.node.nodeid)):x}"
    server = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    try:
        yield sa.make_url(postgres).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Return settings of an empty home, once for each kind of database."""
    if request.param == "postgresql":
        monkeypatch.setenv("CALIBRATE_STORE__URL", request.getfixturevalue("postgres_url"))
    return read_settings(home)


@pytest.fixture
def store(store_settings: Settings) -> Iterator[Store]:
    """Return an empty store, once for each kind of database."""
    with open_store(store_settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def rows() -> Callable[..., pd.DataFrame]:
    """Return a maker of valid rows of a contract table; columns not given are missing."""

    def make(table: str, *, file: str = "test.csv", **columns: list[object]) -> pd.DataFrame:
        n = max(len(values) for values in columns.values())
        made = pd.DataFrame({name: columns.get(name, [None] * n) for name in TABLES[table].columns})
        for name, column in TABLES[table].columns.items():
            dtype = str(column.dtype)
            made[name] = made[name].astype("str" if dtype.startswith("string") else dtype)
        return made.assign(source_file=file, source_line=range(2, n + 2))

    return make
