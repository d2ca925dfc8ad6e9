"""Part 1: what there is to settle, on one page, in plain sentences made from findings."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from pipeline.errors import NotEstimable, Suppressed, msg, msgn
from pipeline.methods.agreement import Agreement
from pipeline.methods.design import Design
from pipeline.methods.distribution import Distribution
from pipeline.methods.evidence import Evidence
from pipeline.methods.severity import Severity
from pipeline.methods.standing import Standing
from pipeline.pack.blocks import Block, Bullets, Facts, Part, Text
from pipeline.pack.context import Context
from pipeline.pack.sections.findings import found as found_ways
from pipeline.pack.sections.severity import flagged
from pipeline.pack.wording import ANSWERS, NO_DIFFERENCE

MOST_TO_SETTLE = 5
_LITTLE_SUBSTANTIATED, _AGREEMENT_NORM, _MEAN_SHIFT = 0.8, 0.85, 0.2


def build(context: Context) -> list[Block]:
    """Make the summary."""
    say = context.say
    hidden = context.analysis.distribution
    if isinstance(hidden, Suppressed):
        return [context.reason(hidden, ANSWERS["distribution"])]
    if not context.n_ratings:
        none_yet = (
            msg("You gave no ratings in this session yet.")
            if context.view.viewer_id
            else msg("There are no ratings of this session yet.")
        )
        again = msg(
            "Once they are imported, make this pack again; what is known already (frame, last"
            " session) is below."
        )
        return [Text(f"{say(none_yet)} {say(again)}", lead=True)]
    blocks: list[Block] = [Text(_opening(context), lead=True)]
    blocks.append(Facts(tuple(_numbers(context)), "numbers"))
    settle = to_settle(context)
    if settle:
        blocks.append(
            Part(say(msg("To settle")), (Bullets(tuple(settle), ordered=True, tone="settle"),))
        )
    else:
        blocks.append(Text(say(msg("Nothing in these ratings stands out that needs settling."))))
    blocks.append(
        Part(say(msg("What these data cannot tell")), (Bullets(tuple(cannot_tell(context))),))
    )
    return blocks


def _opening(context: Context) -> str:
    n_missing = len(context.unrated)
    rated = context.of_kind(
        msgn("{n} person has a rating", "{n} people have a rating", context.n_subjects),
        msgn("{n} conversation was scored", "{n} conversations were scored", context.n_subjects),
    )
    if n_missing and not context.is_conversation:
        none_yet = (
            msgn(
                "{rated}; for {n} person in the team there is none yet.",
                "{rated}; for {n} people in the team there is none yet.",
                n_missing,
                rated=rated,
            )
            if context.view.viewer_id
            else msgn(
                "{rated}; for {n} person in the department there is none yet.",
                "{rated}; for {n} people in the department there is none yet.",
                n_missing,
                rated=rated,
            )
        )
        return context.say(none_yet)
    return rated + "."


def _numbers(context: Context) -> list[tuple[str, str]]:
    say, found = context.say, []
    design, spread = context.analysis.design, context.analysis.distribution
    found.append(
        (
            context.of_kind(msg("People rated"), msg("Conversations scored")),
            context.language.whole(context.n_subjects),
        )
    )
    found.append((say(msg("Scores")), context.language.whole(context.n_ratings)))
    if isinstance(design, Design):
        found.append((say(msg("Raters")), context.language.whole(design.n_raters)))
    if isinstance(spread, Distribution):
        name = say(msg("Mean score"))
        if pd.notna(spread.ci_low):
            name += f" ({context.interval(spread.ci_low, spread.ci_high)})"
        found.append((name, context.score(spread.mean)))
    if not context.is_organisation:
        found.append((say(msg("Cases")), context.language.whole(len(context.plan.cases))))
    return found


def to_settle(context: Context) -> list[str]:
    """Return the three to five things that this session has to settle."""
    found = [
        *_about_comparability(context),
        *_about_cases(context),
        *_about_severity(context),
        *_about_criteria(context),
        *_about_ways(context),
        *_about_substantiation(context),
        *_about_shift(context),
        *_about_actions(context),
    ]
    return found[:MOST_TO_SETTLE]


def _about_comparability(context: Context) -> list[str]:
    design = context.analysis.design
    if not isinstance(design, Design):
        return []
    if design.verdict in ("nested", "one_rater"):
        return [
            context.say(
                msg(
                    "Agree on one anchor case first. From these ratings alone a strict manager and"
                    " a weaker team look the same, so the norm has to come from the conversation."
                )
            )
        ]
    if design.verdict == "unlinked_groups":
        return [
            context.say(
                msg(
                    "Let raters of different groups score the same anchor case: the raters fall"
                    " into {n} groups without anybody in common.",
                    n=design.n_components,
                )
            )
        ]
    return []


def _about_cases(context: Context) -> list[str]:
    cases = [case for case in context.plan.cases if not case.is_quiet]
    if not cases:
        return []
    counts = Counter(rule.name for case in cases for rule in case.rules)
    parts = [
        context.say(text)
        for name, text in (
            ("top", msg("{n} high", n=counts["top"])),
            ("bottom", msg("{n} low", n=counts["bottom"])),
            ("disagreement", msg("{n} where raters differ", n=counts["disagreement"])),
            ("jump", msg("{n} with a large change", n=counts["jump"])),
            ("fringe", msg("{n} on the edge of the middle", n=counts["fringe"])),
            ("sustained", msg("{n} high twice in a row", n=counts["sustained"])),
            ("both_high", msg("{n} high on both", n=counts["both_high"])),
            ("apart", msg("{n} far apart on both", n=counts["apart"])),
            ("under_the_radar", msg("{n} under the radar", n=counts["under_the_radar"])),
            ("results", msg("{n} far from results", n=counts["results"])),
        )
        if counts[name]
    ]
    who = context.subjects_counted(len(cases))
    if not parts:
        return [context.say(msg("{who} to look at again.", who=who))]
    return [
        context.say(
            msg(
                "{who} to look at again, among them {parts}. One can count twice.",
                who=who,
                parts=context.language.join(parts),
            )
        )
    ]


def _about_severity(context: Context) -> list[str]:
    severity = context.analysis.severity
    if not isinstance(severity, Severity) or context.view.viewer_id is not None:
        return []  # a manager's pack holds one row of severity, which says nothing of the others
    named = flagged(context)
    size = severity.practical_difference
    if len(named):
        return [
            context.say(
                msgn(
                    "{n} rater very probably scores more than {size} points from the others for the"
                    " same work: talk about the norm, not about the person.",
                    "{n} raters very probably score more than {size} points from the others for the"
                    " same work: talk about the norm, not about the people.",
                    len(named),
                    size=size,
                )
            )
        ]
    if severity.p_rater < NO_DIFFERENCE:
        return [
            context.say(
                msg(
                    "Severity differs in this department, but no single rater can be named:"
                    " agree on the norm together."
                )
            )
        ]
    return []


def _about_ways(context: Context) -> list[str]:
    """Point to what stands out in ways of rating, without names."""
    who = {one.rater_id for one in found_ways(context)}
    if not who:
        return []
    return [
        context.say(
            msgn(
                "Ask {n} rater about the use of the scale or the criteria; the questions are in the"
                " part about raters.",
                "Ask {n} raters about the use of the scale or the criteria; the questions are in"
                " the part about raters.",
                len(who),
            )
        )
    ]


def _about_criteria(context: Context) -> list[str]:
    agreement = context.analysis.agreement
    if not isinstance(agreement, Agreement):
        return []
    rows = agreement.criteria[agreement.criteria["within_one"].notna()]
    rows = rows[rows["within_one_high"] < _AGREEMENT_NORM]
    if rows.empty:
        return []
    worst = rows.sort_values(["within_one", "criterion_id"]).iloc[0]
    return [
        context.say(
            msg(
                "Sharpen the criterion {criterion}: only {share} of the pairs of raters are within"
                " one point of each other (85% is usual).",
                criterion=context.criterion(worst["criterion_id"]),
                share=context.percent(worst["within_one"]),
            )
        )
    ]


def _about_substantiation(context: Context) -> list[str]:
    evidence = context.analysis.evidence
    if not isinstance(evidence, Evidence) or evidence.share_rationale >= _LITTLE_SUBSTANTIATED:
        return []
    if not evidence.share_rationale:
        return [
            context.say(
                msg(
                    "Ask for substantiation: no rating has a rationale. A number without behaviour"
                    " cannot be calibrated."
                )
            )
        ]
    return [
        context.say(
            msg(
                "Ask for substantiation: {share} of the ratings come with a rationale. A number"
                " without behaviour cannot be calibrated.",
                share=context.percent(evidence.share_rationale),
            )
        )
    ]


def _about_shift(context: Context) -> list[str]:
    spread, before = context.analysis.distribution, context.data.previous_scores
    if not isinstance(spread, Distribution) or before.empty or before["n"].sum() == 0:
        return []
    previous = float((before["score"] * before["n"]).sum() / before["n"].sum())
    shift = spread.mean - previous
    if abs(shift) < _MEAN_SHIFT or spread.ci_low <= previous <= spread.ci_high:
        return []
    return [
        context.say(
            msg(
                "The mean went from {previous} to {now}. Did the work change, or the norm?",
                previous=previous,
                now=float(spread.mean),
            )
        )
    ]


def _about_actions(context: Context) -> list[str]:
    actions = context.data.last_actions
    n = int(actions["status"].fillna("open").eq("open").sum()) if len(actions) else 0
    if not n:
        return []
    return [
        context.say(
            msgn(
                "Close {n} action of the last session.",
                "Close {n} actions of the last session.",
                n,
            )
        )
    ]


def cannot_tell(context: Context) -> list[str]:
    """Say which questions these data leave open, and why."""
    found = []
    for name in ("design", "severity", "agreement", "standing", "profiles"):
        answer = getattr(context.analysis, name)
        if isinstance(answer, NotEstimable):
            what = context.say(ANSWERS[name])
            found.append(f"{what[:1].upper()}{what[1:]}: {context.say(answer.message)}")
    standing = context.analysis.standing
    if isinstance(standing, Standing) and len(standing.groups):
        small = standing.groups[~standing.groups["shown"].astype(bool)]
        if len(small):
            n = int(small["n"].sum())
            found.append(
                context.say(
                    msgn(
                        "{n} person is in a group of fewer than {floor} comparable people, so no"
                        " position is shown.",
                        "{n} people are in groups of fewer than {floor} comparable people, so no"
                        " position is shown.",
                        n,
                        floor=standing.floor,
                    )
                )
            )
    design = context.analysis.design
    n_weak = (
        int(design.raters["verdict"].eq("weakly_linked").sum()) if isinstance(design, Design) else 0
    )
    if n_weak:
        found.append(
            context.say(
                msgn(
                    "How strict {n} rater is: this rater shares too few people with others.",
                    "How strict {n} raters are: they share too few people with others.",
                    n_weak,
                )
            )
        )
    found.append(
        context.say(
            msg("Which score is right. The numbers show where to look; the reasons are yours.")
        )
    )
    return list(dict.fromkeys(found))
