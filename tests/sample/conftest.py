"""The sample with its planted effects, and the same people without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline.sample import write_sample
from pipeline.sample.write import file_of
from pipeline.tables import TABLES, kind_of

_DTYPES = {"number": "float64", "whole": "Int64", "date": "datetime64[us]"}
_FLAGS = {"true": True, "false": False, "": None}


def read_export(path: Path) -> pd.DataFrame:
    """Read one export the plain way: text first, then each column as its kind says."""
    found = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in found.columns:
        kind = kind_of(path.stem, str(name))
        if kind == "flag":
            found[name] = found[name].map(_FLAGS).astype("boolean")
        elif kind in _DTYPES:
            filled = found[name].where(found[name] != "")
            whole = kind == "whole"
            numbers = pd.to_numeric(filled) if kind in ("number", "whole") else filled
            found[name] = numbers.astype("Int64" if whole else _DTYPES[kind])
        else:
            found[name] = found[name].where(found[name] != "").astype("str")
    return found


Tables = dict[str, pd.DataFrame]


def read_all(folder: Path) -> Tables:
    """Read all tables of a folder."""
    return {name: read_export(folder / file_of(name)) for name in TABLES}


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the default sample."""
    return write_sample(tmp_path_factory.mktemp("sample") / "planted").folder


@pytest.fixture(scope="session")
def sample(sample_folder: Path) -> Tables:
    """Return the tables of the default sample."""
    return read_all(sample_folder)


@pytest.fixture(scope="session")
def unplanted(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Return the tables of the same company without planted effects."""
    folder = tmp_path_factory.mktemp("sample") / "unplanted"
    return read_all(write_sample(folder, planted=False).folder)


@pytest.fixture(scope="session")
def with_department() -> Callable[[Tables], pd.DataFrame]:
    """Return a function that adds department and gender to the performance ratings."""

    def join(tables: Tables) -> pd.DataFrame:
        people = tables["employees"][["employee_id", "cycle", "department", "gender"]]
        ratings = tables["ratings"]
        plain = ratings[ratings["subject_id"].isna() & (ratings["rater_role"] != "self")]
        return plain.merge(people, on=["employee_id", "cycle"], validate="many_to_one")

    return join
