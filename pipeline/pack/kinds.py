"""Which notebook makes the pack of which kind of session."""

from __future__ import annotations

NOTEBOOK_OF = {
    "performance": "calibration_pack.ipynb",
    "conversation": "conversation_pack.ipynb",
}
