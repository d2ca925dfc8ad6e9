"""Which raters may be named for their severity?

Rule: practical size, not significance. pp is the probability that a rater's severity exceeds
``practical_difference`` in either direction, from the shrunken estimates. Comparable raters are
listed by pp and named while the mean of ``1 - pp`` over the list is at most ``rate`` (Bayesian
false discovery rate): of all named, at most that share is expected to be wrong.

Stability: the severities are estimated again without one criterion at a time, and without one
co-rater at a time (those who share most subjects with the named rater, ``most_partners`` of
them), and the rule is applied again. A flag survives if the same rater is named again in the same
direction.

Sources: Newton, Noueiry, Sarkar & Ahlquist (2004), Biostatistics 5, 155-176; Gelman, Hill &
Yajima (2012), J. Res. Educ. Eff. 5, 189-211 (shrinkage instead of corrected tests).

Assumes the severities' own assumptions. It cannot tell whether a rater is right: a named rater
may be the one who knows the subject best. That nobody is named does not say that raters are
alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.numerics.false_discovery import bayesian_discoveries

Refit = Callable[[pd.DataFrame], pd.DataFrame]

SEVERE, LENIENT = "severe", "lenient"


@dataclass(frozen=True)
class Flags:
    """Raters that may be named.

    Attributes
    ----------
    raters
        One row per comparable rater, most probable first: rater_id; severity (scale points,
        positive = gives lower scores); ci_low; ci_high; p_practical (0-1); false_rate (0-1: share
        expected to be wrong if the list ended here); flagged (bool); direction (``"severe"`` or
        ``"lenient"``); n_criteria and survived_criteria (criteria left out in turn, and how often
        the flag stayed); n_partners and survived_partners (the same for co-raters); stable (True,
        False, or None where it was not tried or the rater is not flagged); reason (why stability
        was not tried in full, or None).
    n_flagged
        Number of raters named.
    rate
        Largest share of wrong names that was accepted.
    practical_difference
        Scale points that matter in practice.
    p_rater
        p-value of no differences between raters at all, as given; None if it was not.
    sentence
        What may honestly be said.
    """

    raters: pd.DataFrame
    n_flagged: int
    rate: float
    practical_difference: float
    p_rater: float | None
    sentence: Message


def estimate_flags(
    raters: pd.DataFrame,
    *,
    ratings: pd.DataFrame,
    refit: Refit | None = None,
    rate: float = 0.10,
    practical_difference: float = 0.3,
    p_rater: float | None = None,
    most_partners: int = 3,
    most_refits: int = 30,
) -> Flags:
    """Name raters whose severity matters in practice.

    Parameters
    ----------
    raters
        Comparable raters only: rater_id, severity, ci_low, ci_high, p_practical.
    ratings
        The judgements behind them.
    refit
        Estimates severities of other ratings, with the columns rater_id, severity and p_practical
        of comparable raters (parts of the design found anew, as leaving out a rater may cut it);
        raises `NotEstimable` where there is no answer. Without it stability
        is not tried.
    rate
        Largest expected share of wrong names.
    practical_difference
        The difference behind ``p_practical``, to be shown with it.
    p_rater
        p-value of no differences between raters, for the sentence.
    most_partners
        Co-raters to leave out per named rater: those who share most subjects.
    most_refits
        Estimates that may be made in all; the most probable flags come first.

    Returns
    -------
    Flags

    Raises
    ------
    NotEstimable
        No rater is comparable.
    """
    if raters.empty:
        raise NotEstimable(msg("No rater shares enough with the others to be compared."))
    named, false_rate = bayesian_discoveries(raters["p_practical"], rate)
    listed = raters[["rater_id", "severity", "ci_low", "ci_high", "p_practical"]].assign(
        false_rate=false_rate,
        flagged=named,
        direction=np.where(raters["severity"] > 0, SEVERE, LENIENT),
    )
    order = ["p_practical", "rater_id"]
    listed = listed.sort_values(order, ascending=[False, True], ignore_index=True)
    check = _Stability(ratings.loc[ratings["score"].notna()], refit, rate, most_refits)
    flagged = listed.loc[listed["flagged"]]
    # every flag is first tried without each criterion: these estimates serve all flags
    tried = {
        rater: check.without_criteria(rater, direction)
        for rater, direction in zip(flagged["rater_id"], flagged["direction"], strict=True)
    }
    for rater, direction in zip(flagged["rater_id"], flagged["direction"], strict=True):
        tried[rater] |= check.without_partners(rater, direction, most_partners)
    columns = [tried.get(rater, {}) for rater in listed["rater_id"]]
    stability = pd.DataFrame(columns, index=listed.index, columns=list(_COUNTS), dtype="Int64")
    verdicts = [_verdict(row) for row in stability.itertuples()]
    return Flags(
        raters=listed.join(stability).assign(
            stable=pd.Series([stable for stable, _ in verdicts], dtype=object),
            reason=pd.Series(
                [
                    reason if flagged else None
                    for (_, reason), flagged in zip(verdicts, listed["flagged"], strict=True)
                ],
                dtype=object,
            ),
        ),
        n_flagged=len(flagged),
        rate=rate,
        practical_difference=practical_difference,
        p_rater=p_rater,
        sentence=_sentence(len(flagged), p_rater),
    )


_COUNTS = ("n_criteria", "survived_criteria", "n_partners", "survived_partners")


def _sentence(n_flagged: int, p_rater: float | None) -> Message:
    if n_flagged:
        return msgn(
            "{n} rater scores differently enough to be named.",
            "{n} raters score differently enough to be named.",
            n_flagged,
        )
    if p_rater is not None and p_rater < 0.05:
        return msg("Severity differs in this department, but no individual can be named.")
    return msg("No rater can be named for severity. That does not show that raters are alike.")


def _verdict(row: tuple) -> tuple[bool | None, Message | None]:
    counts = [None if pd.isna(value) else int(value) for value in row[1:]]
    n_criteria, survived_criteria, n_partners, survived_partners = (value or 0 for value in counts)
    tried = n_criteria + n_partners
    if tried == 0:
        return None, msg("Whether this holds without one criterion or rater was not tried.")
    stable = survived_criteria == n_criteria and survived_partners == n_partners
    if n_partners == 0:
        return stable, msg("Tried without each criterion only.")
    if n_criteria == 0:
        return stable, msg("Tried without single co-raters only.")
    return stable, None


class _Stability:
    """Applies the rule again to parts of the ratings; every part is estimated once."""

    def __init__(
        self, rated: pd.DataFrame, refit: Refit | None, rate: float, most_refits: int
    ) -> None:
        self.rated = rated
        self.refit = refit
        self.rate = rate
        self.left = most_refits if refit is not None else 0
        self._found: dict[tuple[str, object], dict[object, str]] = {}

    def without_criteria(self, rater: object, direction: str) -> dict[str, int]:
        """Count criteria left out, and how often the flag stayed."""
        criteria = self.rated["criterion_id"].unique()
        if len(criteria) < 2:
            return {"n_criteria": 0, "survived_criteria": 0}
        kept = [self._named("criterion_id", one) for one in sorted(criteria)]
        return _count("criteria", kept, rater, direction)

    def without_partners(self, rater: object, direction: str, most: int) -> dict[str, int]:
        """Count co-raters left out, and how often the flag stayed."""
        own = self.rated.loc[self.rated["rater_id"] == rater, "subject_id"].unique()
        beside = self.rated["subject_id"].isin(own) & (self.rated["rater_id"] != rater)
        shared = self.rated.loc[beside].groupby("rater_id")["subject_id"].nunique()
        partners = shared.reset_index().sort_values(
            ["subject_id", "rater_id"], ascending=[False, True]
        )["rater_id"]
        kept = [self._named("rater_id", one) for one in partners.head(most)]
        return _count("partners", kept, rater, direction)

    def _named(self, column: str, value: object) -> dict[object, str] | None:
        """Directions by named rater without these ratings; None if it may not be tried."""
        key = (column, value)
        if key not in self._found:
            if self.left <= 0 or self.refit is None:
                return None
            self.left -= 1
            try:
                found = self.refit(self.rated.loc[self.rated[column] != value])
            except NotEstimable:
                found = pd.DataFrame({"rater_id": [], "severity": [], "p_practical": []})
            named = bayesian_discoveries(found["p_practical"], self.rate)[0]
            self._found[key] = {
                rater: SEVERE if severity > 0 else LENIENT
                for rater, severity in zip(
                    found.loc[named, "rater_id"], found.loc[named, "severity"], strict=True
                )
            }
        return self._found[key]


def _count(
    what: str, kept: list[dict[object, str] | None], rater: object, direction: str
) -> dict[str, int]:
    tried = [named for named in kept if named is not None]
    survived = sum(named.get(rater) == direction for named in tried)
    return {f"n_{what}": len(tried), f"survived_{what}": survived}
