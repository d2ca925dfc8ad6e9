"""The cut for one rated person: the own rows only, and no text that names somebody else.

Who rated, who decided and who wrote something down is taken out; "your manager" is all that is
left of it. A text that holds the name or number of another person of the session is withheld
whole: what is left of a sentence after leaving out a name often still tells who it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.errors import Suppressed, msg
from pipeline.privacy.names import Names
from pipeline.privacy.view import formal
from pipeline.store import SessionOutcome
from pipeline.tables import LONGEST_NAME

Row = dict[str, Any]

_MOST_READ = 3_000
"""Characters of a text that are read; a card shows some hundreds of them."""


@dataclass(frozen=True)
class OwnOutcome:
    """What a session decided about one person, and what that person's year looked like.

    A text is a str, None where nothing was written, or `Suppressed` where it names somebody else.

    Attributes
    ----------
    employee_id, name
        Who; the name is None where it is unknown.
    scores
        By criterion, as the own manager gave it; None where raters differ and none is the manager.
    decisions
        By criterion: score_before, score_after, outcome, argument.
    evidence
        dated_on, kind, criterion_id, text of the cycle; newest first.
    goals
        due_on, status, text of the cycle; newest first.
    actions, parked
        text, due_on and, of actions, measure: what is this person's, or about this person only.
    n_withheld
        Texts that were withheld.
    """

    employee_id: str
    name: str | None
    scores: dict[str, float | None]
    decisions: dict[str, Row]
    evidence: tuple[Row, ...]
    goals: tuple[Row, ...]
    actions: tuple[Row, ...]
    parked: tuple[Row, ...]
    n_withheld: int

    @property
    def is_rated(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.scores or self.decisions)


def own_outcome(outcome: SessionOutcome, employee_id: str) -> OwnOutcome:
    """Return what one person may read of a session; for all people at once see `own_outcomes`."""
    return _Cut(outcome).of(employee_id)


def own_outcomes(outcome: SessionOutcome) -> Iterator[OwnOutcome]:
    """Yield what each person of the department who still works here may read, by number."""
    staff = outcome.data.employees
    cut = _Cut(outcome)
    for one in sorted(staff.loc[staff["left_on"].isna(), "employee_id"]):
        yield cut.of(str(one))


class _Cut:
    """A session's tables, read once for all its people."""

    def __init__(self, outcome: SessionOutcome) -> None:
        data = outcome.data
        self._names = Names(zip(data.people["employee_id"], data.people["name"], strict=True))
        known = data.people[data.people["name"].notna()]
        self._named = dict(zip(known["employee_id"], known["name"], strict=True))
        self._managers = dict(
            zip(data.employees["employee_id"], data.employees["manager_id"], strict=True)
        )
        self._ratings = _by(data.ratings[formal(data.ratings)], "employee_id")
        self._decisions = _by(outcome.decisions, "subject")
        self._evidence = _by(data.evidence.sort_values("dated_on", ascending=False), "employee_id")
        self._goals = _by(_of_the_year(data.goals, data.cycle), "owner_id")
        self._actions = _by(outcome.actions, "owner_id")
        parked = outcome.parked.assign(text=outcome.parked["text"].astype("str").str[:_MOST_READ])
        self._parked = parked.to_dict("records")

    def of(self, one: str) -> OwnOutcome:
        """Return the rows of one person."""
        withheld: list[str] = []

        def text(value: object) -> str | Suppressed | None:
            if not isinstance(value, str) or not value.strip():
                return None
            read = value[:_MOST_READ]
            if self._names.names_other(read, one):
                withheld.append(one)
                return Suppressed(msg("Your manager will tell you."))
            # a name at the end may be cut in two, so what is kept is shorter than what was read
            return read[: _MOST_READ - LONGEST_NAME]

        def rows(found: Sequence[Row], plain: Sequence[str], texts: Sequence[str]) -> list[Row]:
            return [
                {**{name: row[name] for name in plain}, **{name: text(row[name]) for name in texts}}
                for row in found
            ]

        plain = ("criterion_id", "score_before", "score_after", "outcome")
        decisions = rows(self._decisions.get(one, []), plain, ("argument",))
        about = [row for row in self._parked if self._names.names_only(row["text"], one)]
        return OwnOutcome(
            employee_id=one,
            name=self._named.get(one),
            scores=self._scores(one),
            decisions={str(row["criterion_id"]): row for row in decisions},
            evidence=tuple(
                rows(self._evidence.get(one, []), ("dated_on", "kind", "criterion_id"), ("text",))
            ),
            goals=tuple(rows(self._goals.get(one, []), ("due_on", "status"), ("text",))),
            actions=tuple(rows(self._actions.get(one, []), ("due_on",), ("text", "measure"))),
            parked=tuple(rows(about, ("due_on",), ("text",))),
            n_withheld=len(withheld),
        )

    def _scores(self, one: str) -> dict[str, float | None]:
        """Return the score by criterion that stands where nothing was decided."""
        given: dict[str, list[Row]] = {}
        for row in self._ratings.get(one, []):
            if row["rater_id"] != one:
                given.setdefault(str(row["criterion_id"]), []).append(row)
        return {criterion: self._stands(rows, one) for criterion, rows in sorted(given.items())}

    def _stands(self, rows: list[Row], one: str) -> float | None:
        manager = self._managers.get(one)
        chosen = (
            [row for row in rows if row["rater_id"] == manager]
            or [row for row in rows if row["rater_role"] == "manager"]
            or rows
        )
        scores = {float(row["score"]) for row in chosen}
        return scores.pop() if len(scores) == 1 else None


def _by(table: pd.DataFrame, column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in table.to_dict("records"):
        found.setdefault(str(row[column]), []).append({str(k): v for k, v in row.items()})
    return found


def _of_the_year(goals: pd.DataFrame, cycle: pd.DataFrame) -> pd.DataFrame:
    """Keep the goals that were due in the cycle, or at no date; the last ones first."""
    dates: dict[str, dt.datetime] = cycle.iloc[0].to_dict() if len(cycle) else {}
    due, keep = goals["due_on"], pd.Series(True, index=goals.index)
    if pd.notna(dates.get("starts_on")):
        keep &= due.isna() | (due >= dates["starts_on"])
    if pd.notna(dates.get("ends_on")):
        keep &= due.isna() | (due <= dates["ends_on"])
    return goals[keep].sort_values(["due_on", "goal_id"], ascending=False, na_position="last")
