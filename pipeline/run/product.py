"""The sorts of packs that are made: how their files are called, and which notebook makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.decision_form import FORM_FILE
from pipeline.pack.kinds import FOLLOW_UP_OF, NOTEBOOK_OF
from pipeline.progress_form import PROGRESS_FILE


@dataclass(frozen=True)
class Product:
    """A sort of pack.

    Attributes
    ----------
    name
        Begins the names of its files.
    notebooks
        The notebook that makes it, by kind of session.
    form
        Name of the form beside it.
    folders
        Folders beside it, of pages for one person each.
    """

    name: str
    notebooks: Mapping[str, str]
    form: str
    folders: tuple[str, ...]

    @property
    def page(self) -> str:
        """Name of the page."""
        return f"{self.name}.html"

    @property
    def record(self) -> str:
        """Name of the record of how it was made."""
        return f"{self.name}.json"

    @property
    def failed(self) -> Path:
        """Where the notebook of a failure is kept, beside the pack."""
        return Path("failed") / f"{self.name}.ipynb"


CALIBRATION = Product("calibration-pack", NOTEBOOK_OF, FORM_FILE, ("managers",))
"""Before the session."""
FOLLOW_UP = Product("follow-up-pack", FOLLOW_UP_OF, PROGRESS_FILE, ("cards", "raters", "teams"))
"""After the session."""
PRODUCTS = {one.name: one for one in (CALIBRATION, FOLLOW_UP)}
