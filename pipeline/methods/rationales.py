"""What is missing in the substantiation of each rating: a rationale, an act, a date?

Model: none; fixed rules on words. The rationales of one rater about one subject are read together,
and the first of these that holds is the gap:

none       there is no rationale
vague      a phrase that judges ("does a good job"), and no act
container  a quality that everybody fills in differently ("proactive"), and no act
no_act     words, but none for what a bystander could have seen or heard
undated    an act, but no moment in the text and no dated evidence about the person in the cycle
complete   none of these

Words are matched on their forms from the lists in `pipeline/locale/*/words.toml`, so everybody can
check why a text was marked. A conversation is its own occasion, so nothing about one is undated.
Spread: in how many of the four quarters of the cycle there is evidence.

Sources: the rule of practice that beside each number stand behaviour, performance and impact, with
a date; Aguinis (2013), Performance Management, ch. 6 (behaviour against trait words).

Assumes that what was seen is told with a verb. It cannot tell whether a rationale is true, good or
fair, and it misses acts told in other words and praise without a listed word. A gap is a question
to the writer, never a judgement of the rater or of the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.errors import NotEstimable, msg
from pipeline.locale.words import Words, pattern_of

GAPS = ("none", "vague", "container", "no_act", "undated", "complete")
"""What can be missing, most first; the last: nothing."""
_PARTS = 4


@dataclass(frozen=True)
class Rationales:
    """Substantiation of each rating of a session.

    Attributes
    ----------
    ratings
        One row per rater × subject, ordered by both: rater_id, subject_id, employee_id, gap (one of
        `GAPS`), words (tuple of what was found for it in the text: the vague phrases or the
        container words), text (the rationales together; missing without any), n_evidence (dated
        pieces about the employee in the cycle, whoever recorded them), n_quarters (quarters of the
        cycle, 0-4, with any; missing without dates of the cycle).
    raters
        One row per rater, ordered by rater_id: n (subjects rated) and a count per gap.
    """

    ratings: pd.DataFrame
    raters: pd.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """Ratings per gap, over all raters."""
        return {gap: int(self.raters[gap].sum()) for gap in GAPS}


def estimate_rationales(
    ratings: pd.DataFrame,
    *,
    evidence: pd.DataFrame,
    words: Words,
    starts_on: pd.Timestamp | None = None,
    ends_on: pd.Timestamp | None = None,
    own_occasion: bool = False,
) -> Rationales:
    """Say what is missing in the substantiation of each rating.

    Parameters
    ----------
    ratings
        employee_id, subject_id, rater_id, rationale.
    evidence
        employee_id, dated_on.
    words
        Lists of words; see `pipeline.locale.words`.
    starts_on, ends_on
        First and last day of the cycle.
    own_occasion
        Whether what is rated happened at one moment, as a conversation did.

    Raises
    ------
    NotEstimable
        There are no ratings.
    """
    if ratings.empty:
        raise NotEstimable(msg("There are no ratings in this session."))
    known = ratings[["rater_id", "subject_id", "employee_id", "rationale"]]
    pairs = (
        known.groupby(["rater_id", "subject_id", "employee_id"], sort=True)["rationale"]
        .agg(_together)
        .rename("text")
        .reset_index()
    )
    pairs = pairs.merge(_spread(evidence, starts_on, ends_on), on="employee_id", how="left")
    pairs["n_evidence"] = pairs["n_evidence"].fillna(0).astype("int64")
    if starts_on is not None and ends_on is not None:
        pairs["n_quarters"] = pairs["n_quarters"].fillna(0)
    read = [
        _gap(text, dated=own_occasion or n > 0, words=words)
        for text, n in zip(pairs["text"], pairs["n_evidence"], strict=True)
    ]
    pairs["gap"], pairs["words"] = [gap for gap, _ in read], [found for _, found in read]
    counts = pd.crosstab(pairs["rater_id"], pairs["gap"]).reindex(columns=list(GAPS), fill_value=0)
    raters = counts.rename_axis(columns=None).assign(n=counts.sum(axis=1)).reset_index()
    return Rationales(pairs, raters)


def _together(texts: pd.Series) -> str | None:
    found = [text.strip() for text in texts.dropna() if text.strip()]
    return "\n".join(dict.fromkeys(found)) or None


def _gap(text: object, *, dated: bool, words: Words) -> tuple[str, tuple[str, ...]]:
    """Return what is missing in one text, and the words that say so."""
    if not isinstance(text, str):
        return "none", ()
    if not pattern_of(words.act).search(_without(text, words.vague)):
        for gap, listed in (("vague", words.vague), ("container", words.container)):
            found = tuple(dict.fromkeys(m.group() for m in pattern_of(listed).finditer(text)))
            if found:
                return gap, found
        return "no_act", ()
    has_moment = pattern_of(words.moment, dates=True).search(text) is not None
    return ("complete" if dated or has_moment else "undated"), ()


def _without(text: str, phrases: tuple[str, ...]) -> str:
    """Leave vague phrases out, of which a verb is no act."""
    return pattern_of(phrases).sub(" ", text)


def _spread(
    evidence: pd.DataFrame, starts_on: pd.Timestamp | None, ends_on: pd.Timestamp | None
) -> pd.DataFrame:
    """Count the evidence per employee, and the quarters of the cycle that have any."""
    known = evidence[["employee_id", "dated_on"]].dropna()
    if starts_on is None or ends_on is None or ends_on <= starts_on:
        counted = known.groupby("employee_id").size().rename("n_evidence").reset_index()
        return counted.assign(n_quarters=float("nan"))
    known = known[known["dated_on"].between(starts_on, ends_on)]
    length = (ends_on - starts_on).days + 1
    quarter = (known["dated_on"] - starts_on).dt.days * _PARTS // length
    return (
        known.assign(quarter=quarter)
        .groupby("employee_id")
        .agg(n_evidence=("quarter", "size"), n_quarters=("quarter", "nunique"))
        .reset_index()
    )
