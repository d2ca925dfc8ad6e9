"""The conversation cards (praatkaarten): two sides of A4 for everybody whom a session was about.

The front tells what was decided, and why; on the back two people prepare the same conversation.
Everything is bounded, so that a card is two sides whatever was written: what was cut off says so.
"""

from __future__ import annotations

from markupsafe import Markup

from pipeline.errors import Message, msg, msgn
from pipeline.locale import Language
from pipeline.pack.card.back import back
from pipeline.pack.card.front import front
from pipeline.pack.card.person import LONGEST_NAME, Card
from pipeline.pack.moments import moments
from pipeline.pack.page import Section, environment
from pipeline.pack.person_pages import PersonPage, PersonPages
from pipeline.pack.wording import shorten
from pipeline.privacy import own_outcomes
from pipeline.settings import Settings
from pipeline.store import SessionOutcome


def make_cards(outcome: SessionOutcome, settings: Settings, language: Language) -> PersonPages:
    """Make the card of everybody whom a session about people was about.

    Parameters
    ----------
    outcome
        What the session decided. About conversations, or where nothing was decided yet, there are
        no cards.
    settings
        Scale, and how to object.
    language
        Of the department: `Settings.language_of`.

    Returns
    -------
    PersonPages
        In the folder ``"cards"``; its warnings count the texts that were withheld.
    """
    session = outcome.session
    if session.kind != "performance" or not outcome.is_known or outcome.sitting.held is False:
        return PersonPages((), language)
    rows = outcome.data.criteria.to_dict("records")
    criteria = {str(row["criterion_id"]): {str(k): v for k, v in row.items()} for row in rows}
    told = tuple(one for text in outcome.data.cycle["moments"] for one in moments(text))
    held_on = outcome.sitting.held_on or session.held_on
    pages, withheld = [], 0
    for own in own_outcomes(outcome):
        card = Card(
            own, session.department, session.cycle, held_on, told, criteria, settings, language
        )
        pages.append(_page(card))
        withheld += own.n_withheld
    warnings = () if not withheld else (language.say(_withheld(withheld)),)
    return PersonPages(tuple(pages), language, warnings)


def _withheld(n: int) -> Message:
    return msgn(
        "{n} text is withheld from a conversation card because it names somebody else; the card"
        " says that the manager will tell it.",
        "{n} texts are withheld from conversation cards because they name somebody else; the cards"
        " say that the manager will tell them.",
        n,
    )


def _page(card: Card) -> PersonPage:
    """Return the two sides of one card."""
    say, own = card.say, card.own
    name = shorten(own.name or own.employee_id, LONGEST_NAME)
    sides = []
    for anchor, title, content in (
        ("front", msg("What was decided"), front(card)),
        ("back", msg("The conversation"), back(card)),
    ):
        template = environment().get_template(f"card_{anchor}.html.j2")
        html = template.render(title=say(title), name=name, subtitle=_subtitle(card), **content)
        sides.append(Section(anchor, say(title), Markup(html)))  # rendered with autoescape
    title_of_page = say(msg("Conversation card of {name}", name=name))
    return PersonPage("cards", own.employee_id, title_of_page, tuple(sides))


def _subtitle(card: Card) -> str:
    parts = [
        shorten(card.department, LONGEST_NAME),
        card.say(msg("cycle {cycle}", cycle=shorten(card.cycle, LONGEST_NAME))),
    ]
    if card.held_on:
        parts.append(card.say(msg("session of {day}", day=card.held_on)))
    return " · ".join(parts)
