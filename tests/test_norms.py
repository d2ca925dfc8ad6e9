"""The library of norms: found by criterion, level, words and cycle, and nobody is named in it."""

from __future__ import annotations

import pytest

from pipeline.norms import COLUMNS, NORM, PRECEDENT, norm_library
from pipeline.privacy.names import MASK
from pipeline.settings import Settings
from pipeline.store import Store
from support.company import BEFORE, NOORD, company, load


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a store with norms and arguments that name people."""
    frames = company()
    frames["employees"]["name"] = [
        "Anna de Vries", "Bas Kort", "Cor Wit", "Dirk Bos", "Mo Ali", "Ma Zed", "Peer Gynt",
    ]  # fmt: skip
    frames["decisions"] = frames["decisions"].assign(
        criterion_id=["overall", "c1"],
        score_before=[3.0, 4.0],
        score_after=[4.0, 4.0],
        outcome=["adjusted", "upheld"],
        argument=["Anna sloot élk dossier af, korter dan eerst.", "Peer Gynt (n2) zag er twee."],
    )
    frames["norms"] = frames["norms"].assign(
        criterion_id=["c1", "c2"], job_level=["A", None], text=["Een 4 vraagt twee.", "Norm 2."]
    )
    load(store, frames)
    return store


def test_everything_is_in_it_once_newest_first(filled: Store, settings: Settings) -> None:
    """Two norms and two precedents; no column that names a person or a session."""
    found = norm_library(settings.home)
    assert tuple(found.columns) == COLUMNS
    assert found[["cycle", "kind"]].to_numpy().tolist() == [
        ["2026", NORM], ["2026", PRECEDENT], ["2025", NORM], ["2025", PRECEDENT],
    ]  # fmt: skip
    assert found["department"].eq("Noord").all()
    shown = found.to_csv()
    for hidden in (BEFORE, NOORD, "n1", "n2", "Anna", "Peer", "Gynt"):
        assert hidden not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        ({"criterion": "c2"}, ["Norm 2."]),
        ({"criterion": "overall"}, [f"{MASK} sloot élk dossier af, korter dan eerst."]),
        ({"cycle": "2025", "level": "A"}, ["Een 4 vraagt twee."]),
        ({"level": "B"}, ["Norm 2."]),
        ({"level": "4", "criterion": "c1"}, [f"{MASK} ({MASK}) zag er twee."]),
        ({"text": "ELK  dossier"}, [f"{MASK} sloot élk dossier af, korter dan eerst."]),
        ({"text": "gynt"}, []),
        ({"cycle": "1999"}, []),
    ],
)
def test_it_is_searched(
    filled: Store, settings: Settings, wanted: dict[str, str], texts: list[str]
) -> None:
    """By criterion, level, words and cycle; a search for a name finds nothing."""
    assert norm_library(settings.home, **wanted)["text"].tolist() == texts


def test_an_empty_store_has_an_empty_library(store: Store, settings: Settings) -> None:
    """With its columns."""
    assert tuple(norm_library(settings.home).columns) == COLUMNS
