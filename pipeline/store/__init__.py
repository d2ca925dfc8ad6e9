"""The store: validated tables in, slices of one session out. History is never overwritten."""

from pipeline.store.cycle import CycleOverview
from pipeline.store.database import Store, open_store
from pipeline.store.load import Batch, FileRecord, Loaded, Rejection
from pipeline.store.outcome import Recorded, SessionOutcome, Sitting
from pipeline.store.sessions import Session
from pipeline.store.slices import SessionData

__all__ = [
    "Batch",
    "CycleOverview",
    "FileRecord",
    "Loaded",
    "Recorded",
    "Rejection",
    "Session",
    "SessionData",
    "SessionOutcome",
    "Sitting",
    "Store",
    "open_store",
]
