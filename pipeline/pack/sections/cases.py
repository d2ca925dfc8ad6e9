"""Part 10: the cases: facts, the rule that fired, questions to ask. Never a suggested rating."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from pipeline.agenda import Case
from pipeline.errors import Message, msg, msgn
from pipeline.methods.expected import Expected
from pipeline.methods.nested import Nested
from pipeline.methods.standing import Standing
from pipeline.pack.blocks import Block, CaseCard, Cell, Column, Note, Table, Text, Tools
from pipeline.pack.context import Context, Row
from pipeline.pack.marks import sparkline, strip
from pipeline.pack.sections import case_evidence, prompts
from pipeline.pack.wording import (
    ANSWERS,
    NO_VALUE,
    QUESTIONS,
    QUIET,
    RULES,
    shorten,
)

MOST_CARDS = 25
MOST_LISTED = 500
FEW_CASES = 4
"""Below this many a table needs no sorting."""
MOST_QUESTIONS = 3
MOST_CYCLES = 6
MOST_SCORE_COLUMNS = 8
MOST_BESIDE = 3
"""Above this many raters the scores take the whole width of a case."""


def build(context: Context) -> list[Block]:
    """Make the cases: this session's in full, the others in a table."""
    say, plan = context.say, context.plan
    if context.is_organisation:
        return [Note(say(msg("Cases are about persons and are not shown in this pack.")))]
    if not plan.cases:
        standing = context.analysis.standing
        if not isinstance(standing, Standing):
            return [context.reason(standing, ANSWERS["standing"])]
        return [Note(say(msg("There are no cases: nobody with a rating is in this view.")))]
    first = [case for case in plan.cases if case.session == 1]
    cards, rest = first[:MOST_CARDS], first[MOST_CARDS:]
    rest += [case for case in plan.cases if case.session > 1]
    blocks: list[Block] = [
        Text(_opening(context, len(cards), len(rest))),
        _every_case(context, len(cards)),
    ]
    blocks += case_evidence.explained(context, cards)
    for number, case in enumerate(cards, 1):
        blocks.append(_card(context, case, number))
    return blocks


def _opening(context: Context, n_cards: int, n_rest: int) -> str:
    text = context.say(
        msgn(
            "{n} case for this session, in order of discussion.",
            "{n} cases for this session, in order of discussion.",
            n_cards,
        )
    )
    if n_rest:
        text += " " + context.say(
            msgn(
                "{n} other is in the table only.",
                "{n} others are in the table only.",
                n_rest,
            )
        )
    rule = context.say(
        msg("Each case shows facts and the rule that put it here. The score is yours to decide.")
    )
    return f"{text} {rule}"


def _card(context: Context, case: Case, number: int) -> CaseCard:
    say = context.say
    row = context.standing.get(case.subject_id)
    person = context.rows_of("employees", case.employee_id)
    facts = [
        *_facts(context, row),
        *case_evidence.expected(context, case),
        *case_evidence.unexpected(context, case),
        *case_evidence.results(context, case),
    ]
    given = scores(context, case)
    raters = {row["rater_id"] for row in context.rows_of("ratings", case.subject_id)}
    return CaseCard(
        anchor=f"case-{number}",
        number=context.language.whole(number),
        title=context.subject(case.subject_id, case.employee_id),
        subtitle=subtitle(context, person),
        tags=tags(context, case),
        minutes=say(msgn("{n} minute", "{n} minutes", max(1, round(case.minutes)))),
        reasons_title=say(msg("Why this case")),
        reasons=reasons(context, case),
        facts=tuple(facts),
        questions_title=say(msg("Questions to ask")),
        questions=questions(context, case),
        scores=(*given, *case_evidence.goals(context, case)),
        records=tuple(case_evidence.build(context, case)),
        planned=max(1, round(case.minutes)),
        # a quiet case is short: the rest is one click away, and open on paper and on a beamer
        folded=say(msg("Scores and what was written")) if case.is_quiet else "",
        wide=MOST_BESIDE < len(raters) <= MOST_SCORE_COLUMNS,
    )


def tags(context: Context, case: Case) -> tuple[str, ...]:
    """Name the rules of a case in a word or two each."""
    if case.is_quiet:
        return (context.say(QUIET),)
    return tuple(
        context.say(RULES[rule.name]) if rule.name in RULES else rule.name for rule in case.rules
    )


def reasons(context: Context, case: Case) -> tuple[str, ...]:
    """Say which rules fired, with their numbers."""
    if case.is_quiet:
        return (context.say(msg("No rule fired. Time is kept so that nobody goes unseen.")),)
    return tuple(context.say(rule.message) for rule in case.rules)


def questions(
    context: Context, case: Case, asked: Mapping[str, tuple[Message, ...]] = QUESTIONS
) -> tuple[str, ...]:
    """Return two or three questions that fit the rules of a case."""
    names = ["quiet"] if case.is_quiet else [rule.name for rule in case.rules]
    of_focus = {} if context.is_conversation else context.focus.questions
    lists = [(*of_focus.get(name, ()), *asked.get(name, ())) for name in names]
    chosen: list[Message] = []
    for turn in range(max((len(one) for one in lists), default=0)):
        chosen += [one[turn] for one in lists if turn < len(one)]
    chosen = chosen[:MOST_QUESTIONS]
    of_every_case = context.focus.of_every_case
    if of_every_case is not None and not context.is_conversation:
        chosen = [of_every_case, *chosen[: MOST_QUESTIONS - 1]]
    return (*(context.say(one) for one in chosen), *prompts.of_case(context, case))


def subtitle(context: Context, person: list[Row]) -> str:
    """Say what is known of a person at work: level, family, manager."""
    if not person:
        return ""
    row, words = person[0], []
    if isinstance(row.get("job_level"), str):
        words.append(context.say(msg("level {level}", level=row["job_level"])))
    if isinstance(row.get("job_family"), str):
        words.append(shorten(row["job_family"], 80))
    if isinstance(row.get("manager_id"), str) and context.knows_person(row["manager_id"]):
        words.append(context.say(msg("manager {name}", name=context.person(row["manager_id"]))))
    return " · ".join(words)


def _facts(context: Context, row: Row | None) -> list[tuple[str, str]]:
    say = context.say
    if row is None:
        return []
    raters = say(msgn("{n} rater", "{n} raters", int(row["n_raters"])))
    facts = [(say(msg("Score now")), f"{context.score(row['score'])} ({raters})")]
    facts.append((say(msg("Cycle before")), _before(context, row)))
    facts.append((say(msg("Among comparable people")), position(context, row)))
    return [*facts, *_by_own_rater(context, row)]


def _before(context: Context, row: Row) -> str:
    """Write the score of the cycle before, and draw those of all cycles."""
    earlier = context.earlier_scores.get(str(row["employee_id"]), {})
    text = context.say(msg("no rating"))
    if pd.notna(row["previous"]):
        change = context.language.signed(float(row["change"]))
        text = f"{context.score(row['previous'])} ({change})"
    if not earlier or pd.isna(row["score"]):
        return text
    scores = [*earlier.items(), (context.session.cycle, float(row["score"]))][-MOST_CYCLES:]
    alt = ", ".join(f"{cycle}: {context.score(score)}" for cycle, score in scores)
    scale = context.settings.scale
    drawing = sparkline([score for _, score in scores], (scale.low, scale.high), alt)
    return Markup("{} {}").format(text, drawing)


def position(context: Context, row: Row) -> str:
    """Say where a person stands among comparable people, or why not."""
    say, standing = context.say, context.analysis.standing
    if not isinstance(standing, Standing):
        return "–"
    one = context.comparable_groups.get(row["group"])
    if one is None:
        return say(msg("not shown in this pack"))
    if pd.isna(row["position"]):
        return say(
            msg(
                "no position: a group of {n}, {floor} needed",
                n=int(one["n"]),
                floor=standing.floor,
            )
        )
    text = _among(context, standing, row)
    return f"{text} ({shorten(str(one['label']), 80)})" if one["label"] else text


def _among(context: Context, standing: Standing, row: Row) -> str:
    """Count who clearly scores higher or lower; ranks would put an order where there is none."""
    say, found = context.say, context.analysis.expected
    if not isinstance(found, Expected):
        return say(msg("no order across raters who share nobody"))
    expected = found.subjects.dropna(subset=["expected"]).set_index("subject_id")["expected"]
    own = row["subject_id"]
    same = standing.subjects.loc[standing.subjects["group"].eq(row["group"]), "subject_id"]
    others = [one for one in same if one != own and one in expected.index]
    if own not in expected.index or not others:
        return say(msg("no order across raters who share nobody"))
    apart = [one for one in others if found.distinguishable(own, one)]
    above = sum(expected[one] > expected[own] for one in apart)
    return say(
        msg(
            "{above} clearly higher, {below} clearly lower, {rest} not to be told apart",
            above=above,
            below=len(apart) - above,
            rest=len(others) - len(apart),
        )
    )


def _by_own_rater(context: Context, row: Row) -> list[tuple[str, str]]:
    """Return what holds without shared ratings: the order by one rater, and bounds."""
    say, found = context.say, context.analysis.nested
    if not isinstance(found, Nested):
        return []
    subject = row["subject_id"]
    order = found.order[found.order["subject_id"].eq(subject)].to_dict("records")
    bounds = found.subjects[found.subjects["subject_id"].eq(subject)].to_dict("records")
    facts = []
    if len(order) == 1:
        rank = float(order[0]["rank"])
        place = context.language.number(rank, 0 if rank.is_integer() else 1)
        text = msg("{place} of {n}, highest first", place=place, n=int(order[0]["n"]))
        facts.append((say(msg("Among the people of this rater")), say(text)))
    if bounds and pd.notna(bounds[0]["bound_low"]):
        name = msg("With none to all of the difference between groups as strictness")
        ends = context.interval(bounds[0]["bound_low"], bounds[0]["bound_high"])
        facts.append((say(name), ends))
    return facts


def scores(context: Context, case: Case) -> list[Block]:
    """Show the score per criterion and rater."""
    say = context.say
    own = [row for row in context.rows_of("ratings", case.subject_id) if pd.notna(row["score"])]
    if not own:
        return []
    own.sort(key=lambda row: (str(row["rater_role"]), row["rater_id"]))
    raters = list(dict.fromkeys(row["rater_id"] for row in own))
    many = len(raters) > MOST_SCORE_COLUMNS
    columns = [Column(say(msg("Criterion")))]
    if many:
        columns += [
            Column(say(msg("Raters")), numeric=True),
            Column(say(msg("Mean")), numeric=True),
        ]
    else:
        columns += [Column(context.person(rater), numeric=True) for rater in raters]
    columns.append(Column(say(msg("On the scale"))))
    rows: list[tuple[str | Cell, ...]] = []
    for criterion in sorted({row["criterion_id"] for row in own}):
        given = {row["rater_id"]: row["score"] for row in own if row["criterion_id"] == criterion}
        values = sorted(float(value) for value in given.values())
        mean = sum(values) / len(values)
        cells: list[str] = (
            [context.language.whole(len(values)), context.score(mean)]
            if many
            else [context.score(given.get(rater), 1) for rater in raters]
        )
        name = context.criterion(criterion)
        text = ", ".join(context.score(value, 1) for value in values[:20])
        drawing = strip(
            () if many else values,
            (context.settings.scale.low, context.settings.scale.high),
            f"{name}: {text}",
            points=context.points,
            mean=mean if many else None,
            band=(values[0], values[-1]) if len(raters) > 1 else None,
            width=120 if len(raters) <= MOST_BESIDE else 76,
        )
        rows.append((name, *cells, Cell(drawing=drawing)))
    caption = say(
        msg(
            "Scores of {name}",
            name=context.subject(case.subject_id, case.employee_id),
        )
    )
    return [Table(caption, tuple(columns), tuple(rows), dense=True)]


def _every_case(context: Context, n_cards: int) -> Table:
    """List every case in order of discussion; those with a card lead to it."""
    say, cases = context.say, context.plan.cases
    several = context.plan.n_sessions > 1
    columns = [
        Column(say(msg("Who"))),
        Column(say(msg("Order")), numeric=True),
        Column(say(msg("Score")), numeric=True),
        Column(say(msg("Change")), numeric=True),
        Column(say(msg("Rule")), wide=True),
        *([Column(say(msg("Session")), numeric=True)] if several else []),
        Column(say(msg("Minutes")), numeric=True),
    ]
    rows = []
    for number, case in enumerate(cases[:MOST_LISTED], 1):
        row = context.standing.get(case.subject_id)
        score = None if row is None else row["score"]
        change = None if row is None or pd.isna(row["change"]) else float(row["change"])
        name = context.subject(case.subject_id, case.employee_id)
        minutes = round(case.minutes)
        moved = NO_VALUE if change is None else context.language.signed(change)
        cells: list[str | Cell] = [
            Cell(name, link=f"case-{number}" if number <= n_cards else ""),
            Cell(context.language.whole(number), order=number),
            Cell(context.score(score), order=_order(score)),
            Cell(moved, order=_order(change)),
        ]
        cells.append(context.language.join(list(tags(context, case))))
        if several:
            cells.append(Cell(context.language.whole(case.session), order=case.session))
        cells.append(
            Cell(context.language.whole(minutes) if minutes else NO_VALUE, order=case.minutes)
        )
        rows.append(tuple(cells))
    left = len(cases) - len(rows)
    return Table(
        say(msg("All cases")),
        tuple(columns),
        tuple(rows),
        note=say(msgn("{n} more is in the data.", "{n} more are in the data.", left))
        if left
        else "",
        dense=True,
        tools=Tools("cases", say(msg("Show only cases with"))) if len(rows) >= FEW_CASES else None,
    )


def _order(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
