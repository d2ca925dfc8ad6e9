"""Small notebooks that behave, or do not, in the place of a real one."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from pipeline.run.parameters import PackParameters
from pipeline.run.plan import PackJob
from pipeline.settings import RunSettings
from pipeline.store import Session

PARAMETERS = """
session_id = ""  # which session
language = "nl"  # nl or en
audience = "room"  # for whom
viewer_id = None  # which manager
home = None  # home folder
"""
GOOD = """
from IPython.display import display
from pipeline.pack.page import Section
display(Section("a", "Deel", "<section><h2>Deel</h2></section>"))
facts = {"title": "t", "department": "d", "warnings": ["let op"], "n_rated": 1, "n_cases": 2,
         "not_estimable": ["severity"]}
display({"application/vnd.calibration.facts+json": facts}, raw=True)
"""

JobMaker = Callable[..., PackJob]


@pytest.fixture
def limits() -> RunSettings:
    """Return limits that a healthy small notebook never meets."""
    return RunSettings(jobs=2, seconds=60, memory_mb=2048)


@pytest.fixture
def make_job(tmp_path: Path) -> JobMaker:
    """Return a maker of jobs whose notebook runs the given code."""

    def make(code: str = GOOD, name: str = "s1", parameters: str = PARAMETERS) -> PackJob:
        first = new_code_cell(parameters.strip(), metadata={"tags": ["parameters"]})
        notebook = new_notebook(cells=[first, new_code_cell(textwrap.dedent(code).strip())])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        notebook.metadata["language_info"] = {"name": "python"}
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return PackJob(
            session=Session(name, "2026", f"Afdeling {name}"),
            notebook=path,
            parameters=PackParameters(session_id=name, language="nl", home=tmp_path),
            output=tmp_path / "reports" / "2026" / name / "calibration-pack.html",
            title="Titel",
            place=f"2026/{name}",
        )

    return make
