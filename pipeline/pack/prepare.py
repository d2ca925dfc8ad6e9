"""From a session's identifier to its pack: read, analyse, cut, plan; then one call per part."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.agenda import plan_agenda
from pipeline.analysis import NoAnswer
from pipeline.errors import NotEstimable, WrongUse, msg, msgn
from pipeline.locale import LANGUAGES, Language
from pipeline.pack.blocks import Block
from pipeline.pack.context import Context
from pipeline.pack.form.content import form_content
from pipeline.pack.form.workbook import form_bytes
from pipeline.pack.lists import PreparationLists, make_lists
from pipeline.pack.page import FACTS_MIME, Section, notebook_style, render_cover, render_section
from pipeline.pack.sections import (
    agenda,
    cases,
    cover,
    criteria,
    fairness,
    form,
    frame,
    gaps,
    groups,
    last_session,
    methods,
    opinions,
    raters,
    spread,
    summary,
)
from pipeline.pack.wording import ANSWERS
from pipeline.privacy import Audience, cut
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionData, open_store

_FOLD = re.compile(r"<details(?:(?!<details).)*?</details>", re.DOTALL)
_WORDS_PER_MINUTE, _MINUTES_PER_TABLE, _MINUTES_PER_FIGURE = 230, 0.15, 0.4


@dataclass(frozen=True)
class PackFacts:
    """What the runner records about a pack; names nobody but the department."""

    facts: dict[str, Any]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        lines = [f"{name}: {value}" for name, value in self.facts.items()]
        return {FACTS_MIME: self.facts, "text/plain": "\n".join(lines)}


@dataclass(frozen=True)
class Pack:
    """A calibration pack, part by part; each part shows itself in a notebook.

    Attributes
    ----------
    context
        The view for this audience, the plan, and the language.
    source
        The slice that the view was cut from, for the lists of single managers.
    """

    context: Context
    source: SessionData = field(repr=False)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        title = cover.title(self.context)
        return {
            "text/html": str(notebook_style() + Markup("<p>{}</p>").format(title)),
            "text/plain": title,
        }

    @property
    def title(self) -> str:
        """Title of the page."""
        return cover.title(self.context)

    def _part(self, anchor: str, title: str, build: Callable[[Context], list[Block]]) -> Section:
        return render_section(anchor, title, build(self.context))

    def cover(self) -> Section:
        """Part 0: which session, who, what kind of document."""
        return render_cover(cover.build(self.context, self.reading_minutes))

    @cached_property
    def _parts(self) -> dict[str, Section]:
        say = self.context.say
        plan: tuple[tuple[str, str, Callable[[Context], list[Block]]], ...] = (
            ("summary", say(msg("In short")), summary.build),
            ("frame", say(msg("Frame of the session")), frame.build),
            ("last-session", say(msg("Since the last session")), last_session.build),
            ("gaps", say(msg("Gaps in data and evidence")), gaps.build),
            ("distribution", say(msg("How the scores are spread")), spread.build),
            ("groups", say(msg("Comparable people and profiles")), groups.build)
            if not self.context.is_conversation
            else ("groups", say(msg("Profiles of conversations")), groups.build),
            ("raters", say(msg("Rater effects")), raters.build),
            ("criteria", say(msg("Criterion by criterion")), criteria.build),
            ("opinions", say(msg("Opinions before the session")), opinions.build),
            ("cases", say(msg("Cases to discuss")), cases.build),
            ("fairness", say(msg("Fairness between groups")), fairness.build),
            ("agenda", say(msg("Agenda")), agenda.build),
            ("methods", say(msg("Methods, limits and governance")), methods.build),
        )
        return {
            anchor: self._part(anchor, title, build)
            for anchor, title, build in plan
            # a conversation is scored, not a person: groups of people are not compared there
            if not (anchor == "fairness" and self.context.is_conversation)
        }

    @property
    def reading_minutes(self) -> tuple[int, int]:
        """Minutes that reading takes: everything but the cases and the annex, and the cases."""
        aside = {"cases", "methods"}
        rest = "".join(str(part.html) for name, part in self._parts.items() if name not in aside)
        return _minutes(rest), _minutes(str(self._parts["cases"].html))

    def summary(self) -> Section:
        """Part 1: what there is to settle."""
        return self._parts["summary"]

    def frame(self) -> Section:
        """Part 2: scale, criteria, ground rules."""
        return self._parts["frame"]

    def last_session(self) -> Section:
        """Part 3: open actions and norms."""
        return self._parts["last-session"]

    def gaps(self) -> Section:
        """Part 4: what is missing in data and evidence."""
        return self._parts["gaps"]

    def distribution(self) -> Section:
        """Part 5: how the scores are spread."""
        return self._parts["distribution"]

    def groups(self) -> Section:
        """Part 6: comparable people and rating profiles."""
        return self._parts["groups"]

    def raters(self) -> Section:
        """Part 7: rater effects, and whether they can be seen at all."""
        return self._parts["raters"]

    def criteria(self) -> Section:
        """Part 8: criterion by criterion."""
        return self._parts["criteria"]

    def opinions(self) -> Section:
        """Part 9: opinions before the session."""
        return self._parts["opinions"]

    def cases(self) -> Section:
        """Part 10: the cases."""
        return self._parts["cases"]

    def fairness(self) -> Section:
        """Part 11: differences between groups; empty where conversations are rated."""
        return self._parts.get("fairness", Section("fairness", "", Markup()))

    def agenda(self) -> Section:
        """Part 12: the session in minutes."""
        return self._parts["agenda"]

    def form(self) -> Section:
        """Part 13: the decision form, for the room; empty for others."""
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

    def methods(self) -> Section:
        """Part 14: methods, limits, governance."""
        return self._parts["methods"]

    def sections(self) -> list[Section]:
        """Return every part, the cover first."""
        *body, annex = self._parts.values()
        form = [self._form] if self._form.html else []
        return [self.cover(), *body, *form, annex]

    def lists(self) -> PreparationLists:
        """Return what each manager has to add before the session; none but with the room's pack."""
        context = self.context
        if context.view.audience is not Audience.ROOM:
            return PreparationLists((), context.language)
        return make_lists(self.source, context.view, context.settings, context.language)

    def facts(self) -> PackFacts:
        """Return what the runner records about this pack."""
        context = self.context
        answers = {name: getattr(context.analysis, name) for name in ANSWERS}
        return PackFacts(
            {
                "title": self.title,
                "department": context.session.department,
                "warnings": warnings(context),
                "n_rated": context.n_subjects,
                "n_cases": len(context.plan.cases),
                "not_estimable": [
                    name for name, answer in answers.items() if isinstance(answer, NotEstimable)
                ],
            }
        )


def _minutes(html: str) -> int:
    html, folds = re.sub(r'"data:[^"]*"', "", html), 1
    while folds:  # a fold may hold folds: the innermost first
        html, folds = _FOLD.subn(" ", html)
    tables, figures = html.count("<table"), html.count("<figure")
    prose = re.sub(r"<table.*?</table>", " ", html, flags=re.DOTALL)
    words = len(re.sub(r"<[^>]+>", " ", prose).split())
    minutes = words / _WORDS_PER_MINUTE
    minutes += tables * _MINUTES_PER_TABLE + figures * _MINUTES_PER_FIGURE
    return max(1, math.ceil(minutes))


def warnings(context: Context) -> list[str]:
    """Say what an analyst should know about a pack before sending it; names nobody."""
    say, found = context.say, cover.warnings(context)
    n = context.data.n_rejected
    if n:
        found.append(say(msgn("{n} row refused at import.", "{n} rows refused at import.", n)))
    missing = len(context.unrated)
    if missing and not context.is_conversation:
        found.append(
            say(msgn("{n} person without a rating.", "{n} people without a rating.", missing))
        )
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


def make_pack(
    data: SessionData,
    settings: Settings,
    *,
    language: str | None = None,
    audience: str = "room",
    viewer_id: str | None = None,
) -> Pack:
    """Make a pack of what bears on a session.

    Parameters
    ----------
    data
        Slice of the store.
    settings
        Scale, thresholds, texts.
    language
        ``"nl"`` or ``"en"``; the department's own by default.
    audience
        ``"room"``, ``"manager"`` or ``"organisation"``.
    viewer_id
        The manager, for a manager's pack.

    Raises
    ------
    WrongUse
        An unknown language or audience.
    """
    chosen = language or settings.language_of(data.session.department)
    if chosen not in LANGUAGES:
        raise WrongUse(
            msg(
                "There is no language {language}. Known: {known}.",
                language=str(chosen)[:20],
                known=", ".join(LANGUAGES),
            )
        )
    try:
        readers = Audience(audience)
    except ValueError:
        raise WrongUse(
            msg(
                "There is no audience {audience}. Known: {known}.",
                audience=str(audience)[:20],
                known=", ".join(Audience),
            )
        ) from None
    view = cut(data, readers, settings, viewer_id)
    plan = plan_agenda(view.analysis, settings)
    return Pack(Context(view, plan, settings, Language(chosen)), data)


def open_pack(
    session_id: str,
    *,
    language: str | None = None,
    audience: str = "room",
    viewer_id: str | None = None,
    home: Path | str | None = None,
) -> Pack:
    """Read a session from the store and make its pack.

    Parameters
    ----------
    session_id
        The session; `calibrate status` lists them.
    language, audience, viewer_id
        See `make_pack`.
    home
        Folder with `workbench.toml`; the environment's ``CALIBRATE_HOME`` or the repository by
        default.
    """
    settings = read_settings(home)
    with open_store(settings) as store:
        data = store.session_data(session_id)
    return make_pack(data, settings, language=language, audience=audience, viewer_id=viewer_id)
