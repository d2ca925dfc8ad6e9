"""The parameters of each notebook: checked, and as plain JSON values.

papermill writes names verbatim into a cell and turns unknown types into strings without a word;
so nothing reaches it that has not passed here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import papermill
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import WrongUse, msg
from pipeline.privacy import Audience
from pipeline.settings import LanguageCode


class PackParameters(BaseModel):
    """Parameters of `notebooks/calibration_pack.ipynb`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session_id: str = Field(min_length=1, max_length=400)
    language: LanguageCode
    audience: Audience = Audience.ROOM
    viewer_id: str | None = None
    home: Path

    def plain(self) -> dict[str, Any]:
        """Return the parameters as JSON values, by name."""
        return self.model_dump(mode="json")


def check_names(notebook: NotebookNode, parameters: dict[str, Any], name: str) -> None:
    """Refuse parameters that the notebook does not have.

    Raises
    ------
    WrongUse
        A name that is no identifier, or that the notebook's parameters cell lacks.
    """
    known = set(papermill.inspect_notebook(notebook))
    unknown = sorted(one for one in parameters if not one.isidentifier() or (one not in known))
    if unknown:
        raise WrongUse(
            msg(
                "The notebook {notebook} has no parameter {names}.",
                notebook=name,
                names=", ".join(unknown),
            )
        )


Kind = Literal["calibration_pack"]
"""Notebooks that can be run for a session."""
