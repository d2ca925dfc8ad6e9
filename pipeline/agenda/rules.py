"""Reasons to discuss somebody: each rule with its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.agenda.model import Rule
from pipeline.analysis import Analysis
from pipeline.errors import Message, msg, msgn
from pipeline.methods.design import Design
from pipeline.methods.evidence import Evidence
from pipeline.methods.nested import Nested
from pipeline.methods.nine_box import HIGH, NineBox
from pipeline.methods.results_mismatch import ResultsMismatch
from pipeline.methods.standing import Standing, beside_others
from pipeline.methods.under_the_radar import UnderTheRadar
from pipeline.settings import ScaleSettings, Settings

JUMP = 1.0
"""Change since the last cycle, in scale points, that is worth a question."""
DISAGREEMENT = 1.0
"""Distance between two raters of one person, in scale points, that is worth a question."""
FEW_RATERS = 3
"""With more raters the distance between the two furthest apart only shows how many there are."""
FAR_FROM_GROUP = 1.5
"""Distance from the comparable group, in standard deviations, that makes an outlier."""
FAR_AT_LEAST = 0.5
"""Least distance from the comparable group, in steps of the scale: a few alike people have a small
standard deviation, and what is no half point away is no outlier for that."""
FRINGE = 0.15
"""Distance from the border between two scale points, in scale points, that is a fringe."""


_FAR = {
    (False, False): msg(
        "Score {score}; {n} other comparable people average {mean} (standard deviation {sd})."
    ),
    (False, True): msg(
        "Score {score}; the {n} other people of this rater average {mean} (standard deviation"
        " {sd})."
    ),
    (True, False): msg(
        "Score {score}; {n} conversations of other comparable people average {mean} (standard"
        " deviation {sd})."
    ),
    (True, True): msg(
        "Score {score}; {n} conversations of other people with this rater average {mean} (standard"
        " deviation {sd})."
    ),
}
"""By whether conversations are rated, and whether the others had the same rater."""


def fired_rules(
    analysis: Analysis, standing: Standing, settings: Settings
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules that fired per subject, of every focus.

    Parameters
    ----------
    analysis
        What the methods found.
    standing
        Where everybody stands.
    settings
        The scale.

    Returns
    -------
    dict
        By subject_id; subjects without any rule are left out.
    """
    scale = settings.scale
    conversation = analysis.data.session.kind == "conversation"
    others, same_rater = _compared(analysis, standing)
    questions = _questions(analysis)
    thin = _unsubstantiated(analysis)
    beside = (_off_results(analysis), _under_the_radar(analysis), _in_the_box(analysis))
    found: dict[str, tuple[Rule, ...]] = {}
    for row in standing.subjects.itertuples(index=False):
        fired: list[Rule] = []
        outlier = _far(
            float(row.score), others.loc[row.subject_id], same_rater, conversation, scale
        )
        if outlier is not None:
            fired.append(outlier)
        if row.n_raters <= FEW_RATERS and pd.notna(row.spread) and row.spread >= DISAGREEMENT:
            fired.append(
                Rule("disagreement", msg("Raters differ by {gap} points.", gap=float(row.spread)))
            )
        # another conversation is no earlier cycle of the same work
        if not conversation and pd.notna(row.change) and abs(row.change) >= JUMP:
            fired.append(
                Rule(
                    "jump",
                    msg(
                        "Went from {previous} to {score} since the last cycle.",
                        previous=float(row.previous),
                        score=float(row.score),
                    ),
                )
            )
        # false also where there is no previous score
        twice = row.score >= scale.top_from and row.previous >= scale.top_from
        if twice and not conversation:
            fired.append(
                Rule(
                    "sustained",
                    msg(
                        "At the top of the scale twice: {previous}, then {score}.",
                        previous=float(row.previous),
                        score=float(row.score),
                    ),
                )
            )
        fired += [rules[row.employee_id] for rules in beside if row.employee_id in rules]
        n_questions = questions.get(row.employee_id, 0)
        if n_questions:
            fired.append(
                Rule("questioned", msg("Colleagues who question this rating: {n}.", n=n_questions))
            )
        if outlier is not None and row.subject_id in thin:
            fired.append(
                Rule("unsubstantiated", msg("Far from the rest, without rationale or evidence."))
            )
        fringe = _fringe(float(row.score), scale.points)
        if fringe is not None:
            fired.append(fringe)
        if fired:
            found[row.subject_id] = tuple(fired)
    return found


def _compared(analysis: Analysis, standing: Standing) -> tuple[pd.DataFrame, bool]:
    """Return the others beside each subject, and whether they are those of the same rater.

    Where nothing links the raters, people are compared within the ratings of one rater.
    """
    nested, design = analysis.nested, analysis.design
    beside = standing.subjects.set_index("subject_id")
    if (
        not isinstance(nested, Nested)
        or not isinstance(design, Design)
        or design.verdict not in ("nested", "one_rater")
    ):
        return beside, False
    part = nested.subjects.set_index("subject_id")["component"].reindex(beside.index)
    people = beside["employee_id"].groupby(part).transform("nunique")
    others = beside_others(beside["score"], part, beside["employee_id"])
    others.loc[people < standing.floor] = np.nan
    return others, True


def _far(
    score: float, others: pd.Series, same_rater: bool, conversation: bool, scale: ScaleSettings
) -> Rule | None:
    n, mean, sd = others["n_others"], others["others_mean"], others["others_sd"]
    distance = score - mean
    least = FAR_AT_LEAST * (scale.points[1] - scale.points[0])
    if abs(distance) >= max(FAR_FROM_GROUP * sd, least - 1e-9):
        numbers = {"score": score, "n": int(n), "mean": float(mean), "sd": float(sd)}
        text = _FAR[conversation, same_rater]
        return Rule("top" if distance > 0 else "bottom", msg(text.text, **numbers))
    if score >= scale.high - 0.5:
        return Rule("top", msg("Score {score}: the top of the scale.", score=score))
    if score <= scale.low + 0.5:
        return Rule("bottom", msg("Score {score}: the bottom of the scale.", score=score))
    return None


def _fringe(score: float, points: list[float]) -> Rule | None:
    """Tell who sits on the border of the middle category, where one argument decides."""
    middle = points[len(points) // 2]
    step = points[1] - points[0]
    for border in (middle - step / 2, middle + step / 2):
        if abs(score - border) <= FRINGE:
            return Rule(
                "fringe", msg("Score {score}: on the edge of the middle category.", score=score)
            )
    return None


def _questions(analysis: Analysis) -> dict[str, int]:
    opinions = analysis.data.opinions
    asked = opinions[opinions["opinion"].eq("question")]
    return {str(k): int(v) for k, v in asked.groupby("employee_id").size().items()}


def _off_results(analysis: Analysis) -> dict[str, Rule]:
    """Tell whose rating is far from what results go with among colleagues."""
    found = analysis.results_mismatch
    if not isinstance(found, ResultsMismatch):
        return {}
    rows = found.employees[found.employees["flagged"].astype(bool)]
    return {
        str(row["employee_id"]): Rule("results", _beside_results(row))
        for row in rows.to_dict("records")
    }


def _beside_results(row: dict[Any, Any]) -> Message:
    size, low, high = abs(float(row["mismatch"])), float(row["pi_low"]), float(row["pi_high"])
    if row["mismatch"] > 0:
        return msg(
            "Rated {size} points higher than is usual with such results ({low} to {high}).",
            size=size,
            low=low,
            high=high,
        )
    return msg(
        "Rated {size} points lower than is usual with such results ({low} to {high}).",
        size=size,
        low=low,
        high=high,
    )


def _under_the_radar(analysis: Analysis) -> dict[str, Rule]:
    """Tell who rises or has good results, outside the top and with little written down."""
    found = analysis.under_the_radar
    if not isinstance(found, UnderTheRadar):
        return {}
    rows = found.employees[found.employees["under_the_radar"].astype(bool)]
    return {
        str(row["employee_id"]): Rule("under_the_radar", _why_unseen(row))
        for row in rows.to_dict("records")
    }


def _why_unseen(row: dict[Any, Any]) -> Message:
    recorded = msgn(
        "{n} piece of evidence recorded", "{n} pieces of evidence recorded", int(row["n_evidence"])
    )
    if row["rising"]:
        return msg(
            "Rises {slope} points a cycle beside colleagues (interval {low} to {high}); not in the"
            " top, {recorded}.",
            slope=float(row["slope"]),
            low=float(row["slope_low"]),
            high=float(row["slope_high"]),
            recorded=recorded,
        )
    return msg(
        "Results {result} standard deviations above what this rating leads to expect (interval"
        " {low} to {high}); not in the top, {recorded}.",
        result=float(row["result"]),
        low=float(row["result_low"]),
        high=float(row["result_high"]),
        recorded=recorded,
    )


def _unsubstantiated(analysis: Analysis) -> set[str]:
    evidence = analysis.evidence
    if not isinstance(evidence, Evidence):
        return set()
    rows = evidence.subjects
    return set(rows.loc[rows["n_with_rationale"].eq(0) & rows["n_evidence"].eq(0), "subject_id"])


def _in_the_box(analysis: Analysis) -> dict[str, Rule]:
    """Tell who is high on performance and potential, or far apart on the two."""
    found = analysis.nine_box
    if not isinstance(found, NineBox):
        return {}
    rules = {}
    for row in found.people.to_dict("records"):
        numbers = {
            "performance": float(row["performance"]), "potential": float(row["potential"]),
        }  # fmt: skip
        if row["performance_band"] == row["potential_band"] == HIGH:
            text = msg("Performance {performance}, potential {potential}: both high.", **numbers)
            rules[str(row["employee_id"])] = Rule("both_high", text)
        elif abs(row["performance_band"] - row["potential_band"]) == HIGH:
            text = msg("Performance {performance}, potential {potential}: far apart.", **numbers)
            rules[str(row["employee_id"])] = Rule("apart", text)
    return rules
