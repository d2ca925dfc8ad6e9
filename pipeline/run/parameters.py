"""The parameters of each notebook: checked, and as plain JSON values.

papermill writes names verbatim into a cell and turns unknown types into strings without a word;
so nothing reaches it that has not passed here. Unknown names are refused in `execute`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.settings import Audience, LanguageCode


class PackParameters(BaseModel):
    """Parameters of the notebooks that make packs, whatever the kind of session."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session_id: str = Field(min_length=1)
    language: LanguageCode
    audience: Audience = Audience.ROOM
    viewer_id: str | None = None
    home: Path

    def plain(self) -> dict[str, Any]:
        """Return the parameters as JSON values, by name."""
        return self.model_dump(mode="json", exclude_none=True)
