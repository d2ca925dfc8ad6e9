"""Figures. They share one style, are made without pyplot's global state, and compute nothing."""

from pipeline.pack.charts.change import paired
from pipeline.pack.charts.intervals import forest, ribbon
from pipeline.pack.charts.profiles import profile_lines
from pipeline.pack.charts.spread import level_bars, score_bars

__all__ = ["forest", "level_bars", "paired", "profile_lines", "ribbon", "score_bars"]
