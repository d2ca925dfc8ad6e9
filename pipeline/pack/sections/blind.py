"""The scores that raters gave on their own before the session, beside each other."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from pipeline.agenda.turns import turn_order
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Cell, Column, Note, Table, Text
from pipeline.pack.context import Context
from pipeline.pack.marks import strip
from pipeline.pack.sections import gaps
from pipeline.pack.sections.listening import listed
from pipeline.privacy import Audience

MOST_RATERS, MOST_ROWS = 8, 40


def build(context: Context) -> list[Block]:
    """Make the part about blind scores."""
    say, ratings = context.say, context.data.ratings
    if context.view.audience is not Audience.ROOM:
        return [Note(say(msg("Scores beside each other are in the session's pack.")))]
    if ratings.empty:
        return [Note(say(msg("Nobody has handed in scores yet.")))]
    points = [_complete(context, ratings), _when(context, ratings)]
    return [
        *gaps.refused(context),
        *_absent(context, ratings),
        Text(
            say(
                msg(
                    "Everybody listens and scores alone, before the session and before reading"
                    " this. Who has heard the score of another does not score blind any more."
                )
            )
        ),
        Bullets(tuple(points)),
        _matrix(context, ratings),
    ]


def _complete(context: Context, ratings: pd.DataFrame) -> str:
    n_raters, n_subjects = ratings["rater_id"].nunique(), ratings["subject_id"].nunique()
    found = len(ratings[["rater_id", "subject_id"]].drop_duplicates())
    return context.say(
        msg(
            "{found} of {all} score forms are in: {raters} on {conversations}.",
            found=found,
            all=n_raters * n_subjects,
            raters=msgn("{n} rater", "{n} raters", n_raters),
            conversations=msgn("{n} conversation", "{n} conversations", n_subjects),
        )
    )


def _when(context: Context, ratings: pd.DataFrame) -> str:
    """Say whether scores were given before the session; that they were given alone, no data say."""
    held = context.session.held_on
    dated = ratings["rated_on"].dropna()
    if held is None or dated.empty:
        text = msg(
            "Whether they were given before the session is not known: the day of the session or of"
            " the scores is missing."
        )
        return context.say(text)
    n_late = int((dated >= pd.Timestamp(held)).sum())
    if n_late:
        text = msgn(
            "{n} score has the day of the session or later and may not be blind.",
            "{n} scores have the day of the session or later and may not be blind.",
            n_late,
        )
    elif len(dated) < len(ratings):
        text = msg("Those with a date were given before the day of the session; some have none.")
    else:
        text = msg("All of them were given before the day of the session.")
    alone = msg("That they were given alone, no date can tell.")
    return f"{context.say(text)} {context.say(alone)}"


def _absent(context: Context, ratings: pd.DataFrame) -> list[Block]:
    """Name who takes a turn without having scored: this part would end their blindness."""
    missing = [one for one in turn_order(context.data) if one not in set(ratings["rater_id"])]
    if not missing:
        return []
    names = context.language.join([context.person(one) for one in missing])
    text = msg(
        "No scores yet from {names}. Hand out this pack once they have scored: with these numbers"
        " in hand nobody scores blind.",
        names=names,
    )
    return [Note(context.say(text), tone="warning")]


def _matrix(context: Context, ratings: pd.DataFrame) -> Table:
    """Set the mean over criteria of each rater side by side, the listening list first."""
    say = context.say
    mean = ratings.pivot_table("score", "subject_id", "rater_id", aggfunc="mean", sort=True)
    first = [case.subject_id for case in listed(context) if case.subject_id in mean.index]
    rest = [str(one) for one in mean.index if one not in first]
    order = [*first, *rest][:MOST_ROWS]
    named = len(mean.columns) <= MOST_RATERS
    columns = [Column(say(msg("Conversation")))]
    if named:
        columns += [Column(context.person(rater), numeric=True) for rater in mean.columns]
    else:
        columns.append(Column(say(msg("Raters")), numeric=True))
    columns.append(Column(say(msg("On the scale"))))
    numbers = {subject: number for number, subject in enumerate(first, 1)}
    rows = []
    for subject in order:
        given = mean.loc[subject]
        cells: list[str | Cell] = (
            [context.score(value) for value in given]
            if named
            else [context.language.whole(int(given.notna().sum()))]
        )
        name = Cell(
            subject,
            strong=subject in numbers,
            link=f"case-{numbers[subject]}" if subject in numbers else "",
        )
        rows.append((name, *cells, Cell(drawing=_drawn(context, subject, given.dropna()))))
    note = say(
        msg(
            "Mean over the criteria. Those on the listening list come first and lead to their card."
            " A dash: not scored by this rater."
        )
    )
    left = len(mean) - len(rows)
    if left:
        note = f"{say(msgn('{n} more is in the data.', '{n} more are in the data.', left))} {note}"
    return Table(
        say(msg("Scores per conversation and rater")), tuple(columns), tuple(rows), note, dense=True
    )


def _drawn(context: Context, subject: str, given: pd.Series) -> Markup:
    values = sorted(float(value) for value in given)
    scale = context.settings.scale
    text = ", ".join(context.score(value) for value in values[:20])
    return strip(
        values,
        (scale.low, scale.high),
        f"{subject}: {text}",
        points=context.points,
        band=(values[0], values[-1]) if len(values) > 1 else None,
        width=120,
    )
