"""Pages beside a pack that are for one person each: preparation lists, cards, private sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.errors import msg
from pipeline.locale import Language
from pipeline.pack.page import PAGES_MIME, Section


@dataclass(frozen=True)
class PersonPage:
    """One page for one person.

    Attributes
    ----------
    folder
        Sort of page, and the folder beside the pack that it goes to: ``"managers"``, ``"cards"``,
        ``"raters"`` or ``"teams"``.
    reader_id
        For whom.
    title
        Title of the page.
    sections
        Its parts, ready to be shown.
    """

    folder: str
    reader_id: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class PersonPages:
    """Pages for one person each; a notebook tells how many there are, and carries them along.

    Attributes
    ----------
    pages
        The pages.
    language
        Of the pages.
    warnings
        What an analyst should know before sending them; names nobody.
    """

    pages: tuple[PersonPage, ...]
    language: Language
    warnings: tuple[str, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        count = self.language.say(msg("Pages for one person each: {n}.", n=len(self.pages)))
        plain = [
            {
                "folder": one.folder,
                "reader": one.reader_id,
                "title": one.title,
                "sections": [[s.anchor, s.title, str(s.html)] for s in one.sections],
            }
            for one in self.pages
        ]
        return {
            "text/plain": count,
            "text/html": str(Markup("<p>{}</p>").format(count)),
            PAGES_MIME: plain,
        }
