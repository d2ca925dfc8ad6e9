"""After the session: a filled-in decision form goes into the store, whole or not at all."""

from pipeline.record.export import decisions_table, write_csv
from pipeline.record.recorder import FormRefused, Recorded, lock_session, record_form

__all__ = [
    "FormRefused",
    "Recorded",
    "decisions_table",
    "lock_session",
    "record_form",
    "write_csv",
]
