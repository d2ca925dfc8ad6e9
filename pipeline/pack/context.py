"""What every section needs: the view, the plan, and how to say things to this reader."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from pipeline.agenda import Agenda
from pipeline.analysis import Analysis, NoAnswer
from pipeline.errors import Message, NotEstimable, Suppressed, msg, msgn
from pipeline.locale import Language
from pipeline.methods.distribution import Distribution
from pipeline.methods.evidence import Evidence
from pipeline.methods.standing import Standing
from pipeline.pack.blocks import Note
from pipeline.pack.focus import FOCUS, FocusTexts
from pipeline.pack.wording import NO_VALUE, shorten
from pipeline.privacy import Audience, View
from pipeline.settings import Settings
from pipeline.store import Session, SessionData

Row = dict[Any, Any]


@dataclass(frozen=True)
class Context:
    """One pack in the making.

    Attributes
    ----------
    view
        What this audience may see.
    plan
        Cases and minutes, made from the view.
    settings
        Scale, thresholds, texts.
    language
        Of the reader.
    """

    view: View
    plan: Agenda
    settings: Settings
    language: Language

    # what there is -------------------------------------------------------------------------

    @property
    def analysis(self) -> Analysis:
        """The analysis, cut for the audience."""
        return self.view.analysis

    @property
    def data(self) -> SessionData:
        """What was analysed, cut for the audience."""
        return self.analysis.data

    @property
    def session(self) -> Session:
        """The session."""
        return self.data.session

    @property
    def is_conversation(self) -> bool:
        """Whether conversations are rated."""
        return self.session.kind == "conversation"

    @property
    def focus(self) -> FocusTexts:
        """What a session with this focus asks."""
        return FOCUS.get(self.session.focus, FOCUS["performance"])

    @property
    def is_organisation(self) -> bool:
        """Whether this pack may hold aggregates only."""
        return self.view.audience is Audience.ORGANISATION

    @property
    def points(self) -> list[float]:
        """The points of the scale, lowest first."""
        return self.settings.scale.points

    @cached_property
    def n_subjects(self) -> int:
        """People (or conversations) with a rating, over the whole department."""
        found = self.analysis.distribution
        if isinstance(found, Distribution):
            return found.n_subjects
        return int(self.data.ratings["subject_id"].nunique())

    @cached_property
    def n_ratings(self) -> int:
        """Scores, over the whole department."""
        found = self.analysis.distribution
        return found.n_ratings if isinstance(found, Distribution) else len(self.data.ratings)

    @cached_property
    def unrated(self) -> tuple[str, ...]:
        """People without any rating, where this audience may know."""
        found = self.analysis.evidence
        return found.unrated if isinstance(found, Evidence) else ()

    @cached_property
    def standing(self) -> dict[str, Row]:
        """Where each subject stands, by identifier; empty where not computed or not shown."""
        found = self.analysis.standing
        if not isinstance(found, Standing):
            return {}
        return {str(row["subject_id"]): row for row in found.subjects.to_dict("records")}

    @cached_property
    def earlier_scores(self) -> dict[str, dict[str, float]]:
        """Scores by employee in every earlier cycle, oldest first; empty where not shown."""
        found = self.analysis.standing
        if not isinstance(found, Standing):
            return {}
        cycles = found.earlier["cycle"].unique()
        table = found.earlier.pivot(index="employee_id", columns="cycle", values="score")
        return dict(table.reindex(columns=cycles).to_dict("index"))

    @cached_property
    def comparable_groups(self) -> dict[Any, Row]:
        """The groups of comparable people, by number; empty where not shown."""
        found = self.analysis.standing
        if not isinstance(found, Standing):
            return {}
        return {row["group"]: row for row in found.groups.to_dict("records")}

    @cached_property
    def _rows(self) -> dict[str, dict[str, list[Row]]]:
        data = self.data
        keys = {
            "ratings": (data.ratings, "subject_id"),
            "evidence": (data.evidence, "employee_id"),
            "results": (data.results, "employee_id"),
            "goals": (data.goals, "owner_id"),
            "employees": (data.employees, "employee_id"),
            "past_ratings": (data.past_ratings, "employee_id"),
        }
        wanted = {case.subject_id for case in self.plan.cases}
        wanted |= {case.employee_id for case in self.plan.cases}
        found: dict[str, dict[str, list[Row]]] = {}
        for name, (table, key) in keys.items():
            found[name] = {}
            for row in table[table[key].isin(wanted)].to_dict("records"):
                found[name].setdefault(str(row[key]), []).append(row)
        return found

    def rows_of(self, table: str, identifier: str) -> list[Row]:
        """Return the rows about one case; read once for all cases, as plain values."""
        return self._rows[table].get(identifier, [])

    # how it is said ------------------------------------------------------------------------

    def say(self, message: Message | str, **values: object) -> str:
        """Write a message in the reader's language."""
        return self.language.say(message, **values)

    def of_kind(self, people: Message, conversations: Message) -> str:
        """Say the one or the other, depending on what is rated."""
        return self.say(conversations if self.is_conversation else people)

    def date(self, value: Any, style: str = "long") -> str:
        """Write a date, or a dash where there is none."""
        if value is None or pd.isna(value):
            return NO_VALUE
        day = value.date() if isinstance(value, dt.datetime) else value
        return self.language.date(day, style)

    def score(self, value: float | None, decimals: int = 2) -> str:
        """Write a score; whole ones without decimals, missing ones as a dash."""
        if value is None or pd.isna(value):
            return NO_VALUE
        if float(value).is_integer() and decimals <= 1:
            return self.language.whole(int(value))
        return self.language.number(float(value), decimals)

    def percent(self, share: float | None) -> str:
        """Write a share of 0-1 as a percentage, missing ones as a dash."""
        if share is None or pd.isna(share):
            return NO_VALUE
        return self.language.percent(float(share))

    def interval(self, low: float, high: float, decimals: int = 2) -> str:
        """Write an interval, or a dash where there is none."""
        if pd.isna(low) or pd.isna(high):
            return NO_VALUE
        write = self.language.number
        return self.say(
            msg("{low} to {high}", low=write(low, decimals), high=write(high, decimals))
        )

    def subjects_counted(self, n: int) -> str:
        """Write so many people, or conversations."""
        return self.of_kind(
            msgn("{n} person", "{n} people", n),
            msgn("{n} conversation", "{n} conversations", n),
        )

    def reason(self, answer: NoAnswer, what: Message) -> Note:
        """Show why there is no answer about ``what``."""
        name = self.say(what)
        state = msg("not shown") if isinstance(answer, Suppressed) else msg("not estimable")
        return Note(self.say(answer.message), f"{name[:1].upper()}{name[1:]}: {self.say(state)}")

    def no_answer(self, answer: object, what: Message) -> Note:
        """Show why there is no answer, also where nothing could be asked."""
        if isinstance(answer, NotEstimable | Suppressed):
            return self.reason(answer, what)
        return Note(self.say(msg("There are no scores to answer this from.")))

    # names ---------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> dict[str, str]:
        people = self.data.people
        known = people[people["name"].notna()].drop_duplicates("employee_id")
        named = {
            str(one): shorten(str(name), 120)
            for one, name in zip(known["employee_id"], known["name"], strict=True)
        }
        twice = {name for name, n in Counter(named.values()).items() if n > 1}
        return {one: f"{name} ({one})" if name in twice else name for one, name in named.items()}

    def knows_person(self, identifier: Any) -> bool:
        """Whether this audience may see who this is."""
        return str(identifier) in self._names or self.view.viewer_id is None

    def person(self, identifier: Any) -> str:
        """Write a name; the identifier where there is none, and beside names that occur twice."""
        if identifier is None or pd.isna(identifier):
            return NO_VALUE
        return self._names.get(str(identifier), str(identifier))

    @cached_property
    def _criteria(self) -> dict[str, str]:
        rows = self.data.criteria
        labels = rows.get(f"label_{self.language.code}")
        other = rows.get("label_nl" if self.language.code == "en" else "label_en")
        found: dict[str, str] = {}
        for i, one in enumerate(rows["criterion_id"]):
            text = next(
                (c.iloc[i] for c in (labels, other) if c is not None and pd.notna(c.iloc[i])), one
            )
            found[str(one)] = shorten(str(text), 80)
        return found

    def criterion(self, identifier: object) -> str:
        """Write the name of a criterion in the reader's language, else another, else its id."""
        return self._criteria.get(str(identifier), str(identifier))

    def knows_criterion(self, identifier: object) -> bool:
        """Whether a criterion is rated in this session."""
        return str(identifier) in self._criteria

    def subject(self, subject_id: str, employee_id: str) -> str:
        """Write who or what is discussed."""
        if not self.is_conversation:
            return self.person(employee_id)
        return self.say(
            msg(
                "Conversation {subject} · {name}", subject=subject_id, name=self.person(employee_id)
            )
        )
