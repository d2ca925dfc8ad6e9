"""The library of norms: what all sessions agreed on, and why scores were decided as they were.

For the people-analytics team, in JupyterLab: `notebooks/explore/norms.ipynb`. Arguments come
without whom they are about, and names in texts are taken out by rule (`privacy/names.py`); somebody
may still be recognised by what is told, so it is read where arguments may be read.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd

from pipeline.privacy.names import Names
from pipeline.settings import read_settings
from pipeline.store import open_store

COLUMNS = (
    "kind", "cycle", "department", "session_kind", "criterion_id", "level", "outcome", "text",
)  # fmt: skip
NORM, PRECEDENT = "norm", "precedent"


def norm_library(
    home: str | Path | None = None,
    *,
    criterion: str | None = None,
    level: str | None = None,
    text: str | None = None,
    cycle: str | None = None,
) -> pd.DataFrame:
    """Return norms and precedents, newest cycle first.

    Parameters
    ----------
    home
        Folder with workbench.toml; the clone itself by default.
    criterion
        Only this criterion_id; ``"overall"`` for decisions on all criteria together.
    level
        Only this level: a job level for norms (those for all levels come too), a score, such as
        ``"4"``, for precedents.
    text
        Only texts that hold this, whatever the case and the accents.
    cycle
        Only this cycle.

    Returns
    -------
    pandas.DataFrame
        kind (``"norm"`` or ``"precedent"``: the argument of a decision), cycle, department,
        session_kind, criterion_id, level (job level of a norm, missing where it holds for all;
        score that a precedent ended at), outcome (of a precedent), text.
    """
    with open_store(read_settings(home)) as store:
        norms, arguments, people = store.norms_and_arguments()
        order = {one: i for i, one in enumerate(store.cycles())}
    norms = norms.rename(columns={"job_level": "level"}).assign(kind=NORM, outcome=None)
    decided = arguments[arguments["outcome"].isin(["upheld", "adjusted"])]
    decided = decided[decided["score_after"].notna() & decided["text"].notna()]
    decided = decided.assign(kind=PRECEDENT, level=[f"{x:g}" for x in decided["score_after"]])
    every = pd.concat([one.astype(object) for one in (norms, decided)], ignore_index=True)
    wanted = pd.Series(True, index=every.index)
    if criterion is not None:
        wanted &= every["criterion_id"].eq(criterion)
    if cycle is not None:
        wanted &= every["cycle"].eq(cycle)
    if level is not None:
        wanted &= every["level"].eq(level) | (every["kind"].eq(NORM) & every["level"].isna())
    every = every[wanted]
    names = Names(people)
    every = every.assign(text=[names.masked(str(one)) for one in every["text"]])
    if text is not None:
        # in what is shown: a search for a name finds nothing
        every = every[[_plain(text) in _plain(one) for one in every["text"]]]
    every = every.assign(at=[-order.get(one, -1) for one in every["cycle"]])
    every = every.sort_values(
        ["at", "kind", "criterion_id", "department", "text"], kind="stable", ignore_index=True
    )
    return every[list(COLUMNS)]


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in split if not unicodedata.combining(c)).casefold().split())
