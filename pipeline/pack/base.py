"""What every pack is: a view and a plan, shown part by part; what its runner records."""

from __future__ import annotations

import hashlib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from markupsafe import Markup

from pipeline.analysis import NoAnswer
from pipeline.errors import Message, NotEstimable, msg, msgn
from pipeline.pack.blocks import Block
from pipeline.pack.context import Context
from pipeline.pack.form.content import form_content
from pipeline.pack.form.workbook import form_bytes
from pipeline.pack.lists import make_lists
from pipeline.pack.page import FACTS_MIME, Section, notebook_style, render_cover, render_section
from pipeline.pack.person_pages import PersonPages
from pipeline.pack.sections import cover, form
from pipeline.pack.wording import ANSWERS
from pipeline.privacy import Audience
from pipeline.store import SessionData

_FOLD = re.compile(r"<details(?:(?!<details).)*?</details>", re.DOTALL)
_WORDS_PER_MINUTE, _MINUTES_PER_TABLE, _MINUTES_PER_FIGURE = 230, 0.15, 0.4
_ASIDE = {"cases", "feedback", "methods"}
"""Parts that are not read beforehand: the cases have their own time, the others are for use."""

Plan = Sequence[tuple[str, Message, Callable[[Context], list[Block]]]]
"""Parts of a pack in order: anchor, title, and what makes its blocks."""


@dataclass(frozen=True)
class PackFacts:
    """What the runner records about a pack; names nobody but the department."""

    facts: dict[str, Any]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        lines = [f"{name}: {value}" for name, value in self.facts.items()]
        return {FACTS_MIME: self.facts, "text/plain": "\n".join(lines)}


class Parts(ABC):
    """What every pack is: parts in the order of its ``plan``, each with a method of its own."""

    context: Context
    plan: ClassVar[Sequence[tuple[str, Message, Callable[[Any], list[Block]]]]] = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "text/html": str(notebook_style() + Markup("<p>{}</p>").format(self.title)),
            "text/plain": self.title,
        }

    @property
    @abstractmethod
    def title(self) -> str:
        """Title of the page."""

    @cached_property
    def _parts(self) -> dict[str, Section]:
        return {
            anchor: render_section(anchor, self.context.say(title), build(self.context))
            for anchor, title, build in self.plan
        }


@dataclass(frozen=True)
class Pack(Parts):
    """The pack before a session; each part shows itself in a notebook.

    Attributes
    ----------
    context
        The view for this audience, the plan, and the language.
    source
        The slice that the view was cut from, for the lists of single managers.
    """

    context: Context
    source: SessionData = field(repr=False)

    @property
    def title(self) -> str:
        """Title of the page."""
        return cover.title(self.context)

    def cover(self) -> Section:
        """Part 0: which session, who, what kind of document."""
        return render_cover(cover.build(self.context, self.reading_minutes))

    @property
    def reading_minutes(self) -> tuple[int, int]:
        """Minutes that reading takes: everything but the cases and the annex, and the cases."""
        rest = "".join(str(part.html) for name, part in self._parts.items() if name not in _ASIDE)
        return minutes_to_read(rest), minutes_to_read(str(self._parts["cases"].html))

    def form(self) -> Section:
        """Part before the annex: the decision form, for the room; empty for others."""
        return self._form

    @cached_property
    def _form(self) -> Section:
        context = self.context
        if context.view.audience is not Audience.ROOM:
            return Section("form", "", Markup())
        title = context.say(msg("Decision form"))
        content = form_content(context, self.version)
        part = render_section("form", title, form.build(context, content))
        return replace(part, form=form_bytes(content, context.language, context.data.loaded_at))

    @property
    def version(self) -> str:
        """Mark of what this pack shows: another text or number, another mark."""
        shown = "".join(str(part.html) for part in self._parts.values())
        return hashlib.blake2b(shown.encode("utf-8", "replace"), digest_size=6).hexdigest()

    def sections(self) -> list[Section]:
        """Return every part, the cover first."""
        *body, annex = self._parts.values()
        form = [self._form] if self._form.html else []
        return [self.cover(), *body, *form, annex]

    def lists(self) -> PersonPages:
        """Return what each manager has to add before the session; none but with the room's pack."""
        context = self.context
        if context.view.audience is not Audience.ROOM:
            return PersonPages((), context.language)
        return make_lists(self.source, context.view, context.settings, context.language)

    def warnings(self) -> list[str]:
        """Say what an analyst should know about a pack before sending it; names nobody."""
        return [*cover.warnings(self.context), *about_data(self.context)]

    def facts(self) -> PackFacts:
        """Return what the runner records about this pack."""
        context = self.context
        answers = {name: getattr(context.analysis, name) for name in ANSWERS}
        return PackFacts(
            {
                "title": self.title,
                "department": context.session.department,
                "warnings": self.warnings(),
                "n_rated": context.n_subjects,
                "n_cases": len(context.plan.cases),
                "not_estimable": [
                    name for name, answer in answers.items() if isinstance(answer, NotEstimable)
                ],
            }
        )


def minutes_to_read(html: str) -> int:
    """Return how long reading takes, without what is folded."""
    html, folds = re.sub(r'"data:[^"]*"', "", html), 1
    while folds:  # a fold may hold folds: the innermost first
        html, folds = _FOLD.subn(" ", html)
    tables, figures = html.count("<table"), html.count("<figure")
    prose = re.sub(r"<table.*?</table>", " ", html, flags=re.DOTALL)
    words = len(re.sub(r"<[^>]+>", " ", prose).split())
    minutes = words / _WORDS_PER_MINUTE
    minutes += tables * _MINUTES_PER_TABLE + figures * _MINUTES_PER_FIGURE
    return max(1, math.ceil(minutes))


def about_data(context: Context) -> list[str]:
    """Say what is missing in the data of a pack; names nobody."""
    say, found = context.say, []
    n = context.data.n_rejected
    if n:
        found.append(say(msgn("{n} row refused at import.", "{n} rows refused at import.", n)))
    design = context.analysis.design
    if not isinstance(design, NoAnswer):
        text = {
            "unlinked_groups": msg("Raters fall into {n} unlinked groups.", n=design.n_components),
            "nested": msg("Raters cannot be compared: nobody has two raters."),
            "one_rater": msg("There is one rater."),
        }.get(design.verdict)
        if text is not None:
            found.append(say(text))
    return found
