"""Random draws that are the same on every Python and numpy version.

Only `random.Random.random` is promised to give the same numbers for a seed in every Python
version; `shuffle`, `choice` and `gauss` are not, and numpy may change the streams of a
`Generator` with any release. So everything is made from `random()` here. The seed of a stream is
a hash of (seed, names): each department and each purpose has its own, and a further department
or a longer history of one leaves the others alone.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

T = TypeVar("T")

_INV_CDF, _CDF = NormalDist().inv_cdf, NormalDist().cdf


class Stream:
    """Draws of one purpose, such as the ratings of a department in a cycle.

    Parameters
    ----------
    seed
        Seed of the whole sample.
    names
        What the stream is for; other names give independent draws.
    """

    def __init__(self, seed: int, *names: object) -> None:
        text = "\x1f".join(str(part) for part in (seed, *names))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        self.uniform = random.Random(
            int.from_bytes(digest, "big")
        ).random  # reproducible, no secret

    def normal(self, sd: float = 1.0) -> float:
        """Draw from a normal distribution with mean 0."""
        # one uniform per draw, so that planted effects never shift the draws after them
        return sd * _INV_CDF(self.uniform() or 0.5)

    def normal_within(self, sd: float, most: float) -> float:
        """Draw from a normal distribution cut off at ``most`` standard deviations."""
        tail = _CDF(-most)
        return sd * _INV_CDF(tail + self.uniform() * (1 - 2 * tail))

    def below(self, n: int) -> int:
        """Draw a whole number from 0 to ``n - 1``."""
        return int(self.uniform() * n)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from ``low`` to ``high``, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """Return yes with probability ``share``."""
        return self.uniform() < share

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of ``choices``, each as likely."""
        return choices[int(self.uniform() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Draw one of ``(choice, weight)``."""
        left = self.uniform() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def some(self, choices: Sequence[T], k: int) -> list[T]:
        """Draw ``k`` different ones, in their own order."""
        keys = sorted((self.uniform(), i) for i in range(len(choices)))[:k]
        return [choices[i] for i in sorted(i for _, i in keys)]
