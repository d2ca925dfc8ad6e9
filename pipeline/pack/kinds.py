"""Which notebook makes the packs of which kind of session."""

from __future__ import annotations

NOTEBOOK_OF = {
    "performance": "calibration_pack.ipynb",
    "conversation": "conversation_pack.ipynb",
}
"""Before the session."""

FOLLOW_UP_OF = dict.fromkeys(NOTEBOOK_OF, "follow_up_pack.ipynb")
"""After the session."""
