"""Packs: the only code that renders. Tables, figures and sentences in, one HTML file out."""

from pipeline.pack.prepare import Pack, make_pack, open_pack

__all__ = ["Pack", "make_pack", "open_pack"]
