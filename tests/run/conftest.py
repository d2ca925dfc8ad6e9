"""Fixtures of the runner's tests."""

from support.jobs import limits, make_job

__all__ = ["limits", "make_job"]
