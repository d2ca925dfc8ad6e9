"""After the session: a filled-in decision form goes into the store, whole or not at all."""

from pipeline.record.recorder import FormRefused, Recorded, record_form

__all__ = ["FormRefused", "Recorded", "record_form"]
