"""Part 13: the form on which the session records what it decides."""

from __future__ import annotations

from pipeline.decision_form import DECISIONS, FORM_FILE
from pipeline.errors import msg, msgn
from pipeline.pack.blocks import Block, Bullets, Link, Text
from pipeline.pack.context import Context
from pipeline.pack.form.model import FormContent


def build(context: Context, content: FormContent) -> list[Block]:
    """Make the part about the decision form."""
    say, n = context.say, len(content.rows[DECISIONS.name])
    points = [
        msgn(
            "{n} row is prepared, with the score of now locked.",
            "{n} rows are prepared, cases first, with the scores of now locked.",
            n,
        ),
        msg("Every outcome has an argument, upheld ratings included. The form proposes no score."),
        msg("Dissent, norms, parked items, actions and attendance each have their place."),
        msg("Version of this pack: {version}. The form names it too.", version=_version(content)),
    ]
    return [
        Text(
            say(
                msg(
                    "What the session decides is written down while it decides, in the workbook"
                    " beside this page."
                )
            )
        ),
        Link(say(msg("Open the decision form")), FORM_FILE),
        Bullets(tuple(say(point) for point in points)),
    ]


def _version(content: FormContent) -> str:
    return content.identity["pack_version"]
