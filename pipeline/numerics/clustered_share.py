"""How sure is a share of pieces of which those about one person hang together?

Wilson's interval, with the number of pieces divided by their design effect.

Sources: Wilson (1927), JASA 22, 209-212; Kish (1965), Survey Sampling, ch. 8 (design effect).

Assumes that people, not pieces, are independent. It cannot tell why pieces hang together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats


def clustered_share(
    counts: pd.Series, owner: pd.Series, level: float
) -> tuple[float, float, float]:
    """Return the share of pieces that count, with its interval.

    Parameters
    ----------
    counts
        Whether each piece counts; at least one piece.
    owner
        Whom each piece is about.
    level
        Confidence level of the interval.
    """
    n, share = len(counts), float(counts.mean())
    per = counts.groupby(owner).agg(["sum", "size"])
    away = (per["sum"] - share * per["size"]).to_numpy(dtype=float)
    simple = n * share * (1 - share)
    people = len(per)
    clustered = float(away @ away) * people / max(people - 1, 1)
    # where all pieces are alike nothing tells how far they hang together: people count
    effect = max(1.0, clustered / simple) if simple > 0 else n / people
    size = n / effect
    z2 = float(stats.norm.ppf((1 + level) / 2)) ** 2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(share * (1 - share) * z2 / size + (z2 / (2 * size)) ** 2) / (1 + z2 / size)
    return share, max(0.0, float(centre - half)), min(1.0, float(centre + half))
