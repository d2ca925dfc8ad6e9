"""The notebooks: thin, clean, and runnable cell by cell."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from pipeline.pack.follow_up import FollowUpPack
from pipeline.pack.kinds import NOTEBOOK_OF
from pipeline.pack.prepare import PACKS
from pipeline.tables import SESSION_KINDS
from support import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").rglob("*.ipynb"))
PARAMETERISED = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    """Return the code cells of a notebook."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    """The tests below test something."""
    assert {path.stem for path in NOTEBOOKS} >= {
        "calibration_pack",
        "conversation_pack",
        "follow_up_pack",
        "norms",
        "start_here",
    }


@by_name
def test_no_outputs_are_committed(path: Path) -> None:
    """Outputs hold personal data; git does not."""
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@by_name
def test_notebooks_call_and_show(path: Path) -> None:
    """No definitions or loops; cells of at most twelve lines."""
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.AsyncFunctionDef)
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= 12
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, forbidden), cell.source


@by_name
def test_notebooks_are_valid_and_use_the_right_kernel(path: Path) -> None:
    """Every notebook follows the format and names the environment's own kernel."""
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", PARAMETERISED, ids=lambda path: path.stem)
def test_parameters_are_explained(path: Path) -> None:
    """One cell tagged `parameters`, each with a trailing comment that explains it."""
    cells = [c for c in code_cells(path) if "parameters" in c.metadata.get("tags", [])]
    assert len(cells) == 1
    for line in cells[0].source.splitlines():
        if "=" in line:
            assert "#" in line, line


@pytest.mark.parametrize("kind", SESSION_KINDS)
def test_a_notebook_shows_every_part_of_its_pack_in_order(kind: str) -> None:
    """What the pack plans is what the notebook shows, and it refuses the other kind."""
    sources = [cell.source for cell in code_cells(REPOSITORY / "notebooks" / NOTEBOOK_OF[kind])]
    anchors = [anchor.replace("-", "_") for anchor, _, _ in PACKS[kind].plan]
    shown = [one.removeprefix("pack.").removesuffix("()") for one in sources if "pack." in one[:5]]
    *body, annex = anchors
    assert shown == ["cover", *body, "form", annex, "lists", "facts"]
    assert any(f'kind="{kind}"' in one for one in sources)


def test_the_follow_up_shows_every_part_in_order() -> None:
    """For either kind of session; the sheets of raters and the facts come last."""
    cells = code_cells(REPOSITORY / "notebooks" / "follow_up_pack.ipynb")
    shown = [cell.source for cell in cells if cell.source.startswith("pack.")]
    anchors = [anchor for anchor, _, _ in FollowUpPack.plan]
    assert shown == [f"pack.{one}()" for one in ("cover", *anchors, "pages", "facts")]


def test_both_notebooks_have_the_same_parameters() -> None:
    """A run gives the same parameters whatever the kind; only the example differs."""
    cells = [
        next(c.source for c in code_cells(path) if "parameters" in c.metadata.get("tags", []))
        for path in PARAMETERISED
        if path.name in NOTEBOOK_OF.values()
    ]
    assert len({"\n".join(one.splitlines()[1:]) for one in cells}) == 1
