"""Asks every method about one session and keeps the answer, or the reason why there is none."""

from pipeline.analysis.answers import Analysis, NoAnswer, ask, day_of, over_cycles
from pipeline.analysis.people import norm_effect_of, rationales_of
from pipeline.analysis.session import analyse, analyse_to_plan

__all__ = [
    "Analysis", "NoAnswer", "analyse", "analyse_to_plan", "ask", "day_of", "norm_effect_of",
    "over_cycles", "rationales_of",
]  # fmt: skip
