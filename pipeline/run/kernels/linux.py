"""What Linux offers to keep processes together, and Python does not: prctl."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SUPPORTED = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl(option: int, value: int) -> None:
    # a refusal costs a safeguard, not the pack
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def end_with_parent(parent: int) -> None:
    """Be killed when the parent ends, however it ends; end at once if it has already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that they can be ended too."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
