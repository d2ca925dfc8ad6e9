"""What tests share: where things are."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
"""Reference data beside the checkout; tests that need it skip where it is absent."""
IN_CI = bool(os.environ.get("CI"))
SAMPLE = (REPOSITORY / "data" / "sample", REPOSITORY / "data" / "sample" / "minutes")
"""The sample company as exports, with what its earlier sessions decided."""
