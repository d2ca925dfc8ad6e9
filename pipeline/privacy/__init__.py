"""The one place that knows audiences and small groups.

Three cuts of one session:

``room``
    Facilitator and calibrating managers: named cases in scope. Who takes part and is rated in the
    same department is left out, since everybody in the room reads the pack.
``manager``
    One manager: the own team and the own pattern as a rater, nothing of colleagues.
``organisation``
    Works council, board: aggregates only. No names, no row per person or rater, and no count
    below the smallest group, also not by subtraction.

Beside these, `card` cuts what a session decided for each person it decided about.

The cut comes first: what an audience may not see is taken out of the data, and the analysis is of
what remains. So every number of a pack comes from one visible set, and none can be subtracted from
another. The organisation's aggregates are of everybody, and pass the floors below.
"""

from __future__ import annotations

from pipeline.privacy.after import OutcomeView, RaterView, cut_outcome, rater_outcome
from pipeline.privacy.audiences import cut
from pipeline.privacy.card import OwnOutcome, own_outcome, own_outcomes
from pipeline.privacy.cells import suppress_counts
from pipeline.privacy.manager import preparation, preparing
from pipeline.privacy.team import leading, own_team
from pipeline.privacy.view import View
from pipeline.settings import Audience

__all__ = [
    "Audience", "OutcomeView", "OwnOutcome", "RaterView", "View", "cut", "cut_outcome", "leading",
    "own_outcome", "own_outcomes", "own_team", "preparation", "preparing", "rater_outcome",
    "suppress_counts",
]  # fmt: skip
