"""The invented company: exports to try the workbench on, with effects planted in the ratings.

`company` says which departments there are, `layout` how large and who reports to whom, `people`
who works there, `scores` and `conversations` how they are rated, `evidence`, `sessions` and
`outcomes` what is recorded around it. `effects` lists what is planted. `write` makes the files.
"""

from pipeline.sample.effects import PLANTED, PlantedEffect, PlantedWho, effects_table
from pipeline.sample.generate import Company
from pipeline.sample.write import MARKER, SEED, SampleSummary, write_sample

__all__ = [
    "MARKER",
    "PLANTED",
    "SEED",
    "PlantedEffect",
    "PlantedWho",
    "SampleSummary",
    "describe_effects",
    "planted_effects",
    "write_sample",
]


def describe_effects() -> str:
    """Return every effect planted in the committed sample, as a Markdown table."""
    return effects_table(planted_effects())


def planted_effects() -> tuple[PlantedWho, ...]:
    """Return every effect planted in the committed sample, with whom it is about."""
    return Company.plan(None, None, 3, SEED, planted=True).planted_effects()
