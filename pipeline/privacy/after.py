"""The cut of what a session decided: for the room, for the organisation, for one rater.

The room reads every decision but those about who sits in it; the organisation reads counts above
the floor and the norms; a rater reads the own sheet. As before the session the cut comes first, and
what is computed is computed of what remains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from pipeline.aftermath import Aftermath, decided_scores, look_back
from pipeline.analysis import Analysis, NoAnswer, analyse_to_plan, ask
from pipeline.errors import Message, Suppressed, WrongUse, msg, msgn
from pipeline.methods.movement import Movement
from pipeline.methods.smart import Smart, estimate_smart
from pipeline.privacy.audiences import cut
from pipeline.privacy.cells import suppress_counts
from pipeline.privacy.changes import change_gaps_in_aggregate
from pipeline.privacy.manager import people_of, preparation
from pipeline.privacy.organisation import nameless
from pipeline.privacy.room import present, room, without_present
from pipeline.privacy.team import is_agreed
from pipeline.privacy.view import View, of
from pipeline.privacy.withheld import names_of, withheld_of_present, without_texts
from pipeline.settings import Audience, Settings
from pipeline.store import SessionData, SessionOutcome
from pipeline.tables import OVERALL

RESULTS = ("raised", "lowered", "adjusted", "upheld", "parked", "open")
"""What became of a person's rating: adjusted where it is not known which way, open where it was not
discussed."""
_SAME = 1e-9


@dataclass(frozen=True)
class OutcomeView:
    """What one audience may see of what a session decided.

    Attributes
    ----------
    before
        The view of what the session began with.
    outcome
        What it decided, cut for this audience.
    aftermath
        What the methods found in it.
    decided
        The decisions with employee_id, manager_id, job_level, change (after minus before, scale
        points) and result, one of `RESULTS`; empty for the organisation.
    people
        result, n (decisions), n_people, share, suppressed: people (or conversations) by what became
        of their rating, each counted once; without rows where even the total is hidden.
    actions
        kind, n (actions), n_people (owners), share, suppressed.
    n_rated
        People (or conversations) with a rating; None where hidden.
    n_unrated
        People (or conversations) without a rating about whom something was decided; 0 for the
        organisation.
    is_known
        Whether anything is known of what the session decided, shown here or not.
    n_withheld
        Texts that are not shown, because they name somebody who would read them.
    left_out
        What was removed and why, to be shown.
    """

    before: View
    outcome: SessionOutcome
    aftermath: Aftermath
    decided: pd.DataFrame
    people: pd.DataFrame
    actions: pd.DataFrame
    n_rated: int | None
    n_unrated: int
    is_known: bool
    n_withheld: int
    left_out: tuple[Message, ...]

    @property
    def audience(self) -> Audience:
        """For whom."""
        return self.before.audience


def cut_outcome(outcome: SessionOutcome, audience: Audience, settings: Settings) -> OutcomeView:
    """Return what ``audience`` may see of what a session decided.

    Raises
    ------
    WrongUse
        For a manager, who gets a sheet and an overview of the own team instead.
    """
    if audience is Audience.MANAGER:
        raise WrongUse(
            msg(
                "A follow-up pack is for the room or the organisation. A manager gets a sheet of"
                " the own ratings (raters/) and an overview of the own team (teams/)."
            )
        )
    if audience is Audience.ROOM:
        return _room(outcome, room(outcome.data, settings, analyse_to_plan), settings)
    return _organisation(outcome, cut(outcome.data, audience, settings), settings)


def _room(outcome: SessionOutcome, before: View, settings: Settings) -> OutcomeView:
    data, shown = outcome.data, before.analysis.data
    every = with_people(outcome)
    here = _decided_here(data, every)
    kept = _not_about(every, here)
    shared = ~is_agreed(outcome.actions, outcome.agreements)
    withheld, names = 0, names_of(data, here)
    tables = {
        "decisions": (kept, ("argument", "evidence", "dissent")),
        "actions": (outcome.actions[shared].reset_index(drop=True), ("text", "measure")),
        "norms": (outcome.norms, ("text",)),
        "parked": (outcome.parked, ("text",)),
    }
    clean = {}
    for name, (table, columns) in tables.items():
        clean[name], n = without_texts(table, columns, names)
        withheld += n
    remark = outcome.sitting.remark
    if remark is not None and names.names_other(remark):
        remark, withheld = None, withheld + 1
    later = of(outcome.later_evidence, "employee_id", set(shown.employees["employee_id"]))
    cut_down = replace(
        outcome,
        data=shown,
        decisions=clean["decisions"][list(outcome.decisions.columns)],
        actions=clean["actions"],
        norms=clean["norms"],
        parked=clean["parked"],
        sitting=replace(outcome.sitting, remark=remark),
        # check-ins are counted; what was said in them is between two people
        later_evidence=later.assign(text=None, from_id=None),
        agreements=outcome.agreements.iloc[:0],
        check_ins=outcome.check_ins.iloc[:0],
    )
    rated = set(shown.ratings["subject_id"])
    left_out = list(before.left_out)
    if n := len(every) - len(kept):
        left_out.append(
            msgn(
                "{n} decision about somebody who takes part is not in this pack.",
                "{n} decisions about people who take part are not in this pack.",
                n,
            )
        )
    if n := int((~shared).sum()):
        left_out.append(
            msgn(
                "{n} agreement is between the people it is about, and is not in this pack.",
                "{n} agreements are between the people they are about, and are not in this pack.",
                n,
            )
        )
    if withheld:
        left_out.append(withheld_of_present(withheld))
    return OutcomeView(
        before=before,
        outcome=cut_down,
        aftermath=look_back(cut_down, settings, before.analysis.expected),
        decided=clean["decisions"],
        people=_by_result(clean["decisions"], shown, floor=0),
        actions=_by_kind(clean["actions"], floor=0),
        n_rated=len(rated),
        n_unrated=len(set(kept["subject"]) - rated),
        is_known=outcome.is_known,
        n_withheld=withheld,
        left_out=tuple(left_out),
    )


def _organisation(outcome: SessionOutcome, before: View, settings: Settings) -> OutcomeView:
    floor = settings.privacy.minimum_group
    shown, _ = without_present(outcome.data, settings)
    every = with_people(outcome)
    decided = _not_about(every, _decided_here(outcome.data, every))
    people = _by_result(decided, shown, floor)
    n_rated = int(shown.ratings["employee_id"].nunique())
    everybody = names_of(outcome.data, set(outcome.data.people["employee_id"]))
    norms, withheld = without_texts(outcome.norms, ("text",), everybody)
    cut_down = replace(
        outcome,
        data=before.analysis.data,
        decisions=outcome.decisions.iloc[:0],
        actions=outcome.actions.iloc[:0],
        norms=norms.dropna(subset=["text"]).reset_index(drop=True),
        parked=outcome.parked.iloc[:0],
        sitting=replace(outcome.sitting, remark=None),
        later_evidence=outcome.later_evidence.iloc[:0],
        next_session=nameless(outcome.next_session) if outcome.next_session else None,
        agreements=outcome.agreements.iloc[:0],
        check_ins=outcome.check_ins.iloc[:0],
    )
    left_out = list(before.left_out)
    if withheld:
        left_out.append(
            msgn(
                "{n} norm is withheld: it names a person.",
                "{n} norms are withheld: they name a person.",
                withheld,
            )
        )
    columns = list(outcome.decisions.columns)
    whole = look_back(replace(outcome, data=shown, decisions=decided[columns]), settings)
    return OutcomeView(
        before=before,
        outcome=cut_down,
        aftermath=_in_aggregate(replace(whole, outcome=cut_down), decided, floor),
        decided=decided.iloc[:0],
        people=people if n_rated >= floor else people.iloc[:0],
        actions=_by_kind(outcome.actions, floor),
        n_rated=n_rated if n_rated >= floor else None,
        n_unrated=0,
        is_known=outcome.is_known,
        n_withheld=withheld,
        left_out=tuple(left_out),
    )


def _in_aggregate(whole: Aftermath, decided: pd.DataFrame, floor: int) -> Aftermath:
    """Keep what rests on enough people and says nothing of managers."""
    inside = Suppressed(msg("Not shown here: it is about the managers of one session."))
    few = Suppressed(
        msg("Hidden: fewer than {floor} people, so a person could be recognised.", floor=floor)
    )
    movement: Movement | NoAnswer = whole.movement
    if _fewest_of_a_kind(decided) < floor:
        movement = few
    elif isinstance(movement, Movement):
        # counts are in `people`, with the floor; a share with its interval would tell them
        unknown = dict.fromkeys(("share_to_middle", "middle_low", "middle_high"), float("nan"))
        movement = replace(
            movement, n_up=0, n_down=0, n_upheld=0, n_parked=0,
            groups=movement.groups.iloc[:0], **unknown,
        )  # fmt: skip
    return replace(
        whole,
        movement=movement,
        trading=inside,
        convergence=inside,
        fairness={
            name: change_gaps_in_aggregate(answer, few, floor)
            for name, answer in whole.fairness.items()
        },
        norm_effect=inside,
        smart=inside,
    )


def _fewest_of_a_kind(decided: pd.DataFrame) -> int:
    """Count people raised, lowered and left alike; return the smallest of the three.

    Who knows how many people were decided on, the mean change and its interval, knows all three.
    """
    change = decided.groupby("employee_id")["change"].mean().dropna()
    up, down = int((change > _SAME).sum()), int((change < -_SAME).sum())
    return min(up, down, len(change) - up - down)


@dataclass(frozen=True)
class RaterView:
    """What one rater may see of what a session decided.

    Attributes
    ----------
    before
        The own team and the own pattern.
    decided
        Decisions about people (or conversations) whom this rater rated or leads, with own_score
        (given by this rater, missing where none), change and result beside it, no score_before.
    actions
        The own ones.
    smart
        What each of them has and lacks.
    goal
        What this rater wanted to learn; None where nobody told.
    """

    before: View
    decided: pd.DataFrame
    actions: pd.DataFrame
    smart: Smart | NoAnswer
    goal: str | None


def rater_outcome(
    outcome: SessionOutcome, settings: Settings, rater_id: str, whole: Analysis
) -> RaterView:
    """Cut for the private sheet of one rater; ``whole`` is the analysis that the room may see."""
    data = outcome.data
    decided = with_people(outcome)
    if data.session.kind == "conversation":
        given = set(data.ratings.loc[data.ratings["rater_id"].eq(rater_id), "subject_id"])
        own = decided[decided["subject"].isin(given)]
    else:
        own = decided[decided["employee_id"].isin(people_of(data, rater_id))]
    own = own[own["employee_id"].ne(rater_id)]
    # a sheet may be read by who is named in a text about another, and its reader knows nothing of
    # whom others rated
    elsewhere = set(data.ratings["employee_id"]) - set(own["employee_id"]) - {rater_id}
    names = names_of(data, _decided_here(data, decided) | elsewhere)
    own, _ = without_texts(own, ("argument",), names)
    own = _beside_own_scores(own, data.ratings[data.ratings["rater_id"].eq(rater_id)])
    goals = data.participants.loc[data.participants["person_id"].eq(rater_id), "personal_goal"]
    told = [str(one) for one in goals.dropna()]
    actions = of(outcome.actions, "owner_id", {rater_id})
    return RaterView(
        before=preparation(data, settings, rater_id, whole),
        decided=own.reset_index(drop=True),
        actions=actions,
        smart=ask(estimate_smart, actions, words=settings.words.lists),
        goal=told[0] if told else None,
    )


def _beside_own_scores(decided: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Tell what changed beside the scores that the reader gave.

    The score before the session is a mean over raters. Beside the own score it would tell what a
    colleague gave, and so would the size or the direction of the change from it.
    """
    by_criterion = given.groupby(["subject_id", "criterion_id"])["score"].mean()
    whole = given.groupby("subject_id")["score"].mean()
    pairs = list(zip(decided["subject"], decided["criterion_id"], strict=True))
    found = [
        by_criterion.get(pair, whole.get(pair[0]) if pair[1] == OVERALL else None) for pair in pairs
    ]
    own_score = pd.Series(found, index=decided.index, dtype="float64")
    change = (decided["score_after"] - own_score).where(decided["outcome"].eq("adjusted"))
    result = decided["outcome"].astype("object")
    result = result.mask(change > _SAME, "raised").mask(change < -_SAME, "lowered")
    made = decided.assign(own_score=own_score, change=change, result=result.astype("str"))
    return made.drop(columns="score_before")


def with_people(outcome: SessionOutcome) -> pd.DataFrame:
    """Return the decisions with whom they are about, and what became of the score."""
    found = decided_scores(outcome)
    change = found["change"].where(found["outcome"].ne("parked"))
    adjusted = found["outcome"].eq("adjusted")
    result = found["outcome"].astype("object")
    result = result.mask(adjusted & (change > _SAME), "raised")
    result = result.mask(adjusted & (change < -_SAME), "lowered")
    result = result.mask(adjusted & (change.abs() <= _SAME), "upheld")
    return found.assign(change=change, result=result.astype("str"))


def _decided_here(data: SessionData, decided: pd.DataFrame) -> set[str]:
    """Return who is here and was rated, or decided about without a rating."""
    return present(data) & (set(data.ratings["employee_id"]) | set(decided["employee_id"].dropna()))


def _not_about(decided: pd.DataFrame, here: set[str]) -> pd.DataFrame:
    """Leave out who is here, and where somebody is, also what is about nobody knows whom."""
    if not here:
        return decided
    gone = decided["employee_id"].isin(here) | decided["employee_id"].isna()
    return decided[~gone].reset_index(drop=True)


def _by_result(decided: pd.DataFrame, data: SessionData, floor: int) -> pd.DataFrame:
    """Count people by what became of their rating, each once: the mean change over decisions."""
    by_conversation = data.session.kind == "conversation" and floor == 0
    key = "subject" if by_conversation else "employee_id"
    rated = set(data.ratings["subject_id" if by_conversation else "employee_id"])
    results = {str(one): _result_of(part) for one, part in decided.groupby(key)}
    results |= dict.fromkeys(rated - set(results), "open")
    counted = pd.Series(results, dtype="str").value_counts()
    n = decided[key].map(results).value_counts()
    rows = [
        {"result": one, "n": int(n.get(one, 0)), "n_people": int(counted.get(one, 0))}
        for one in RESULTS
        # where small counts are hidden, a row that is there would tell that somebody is in it
        if floor or one != "adjusted" or one in counted.index
    ]
    table = pd.DataFrame(rows)
    table["share"] = table["n_people"] / max(1, len(results))
    return suppress_counts(table, [], floor)


def _result_of(part: pd.DataFrame) -> str:
    change = float(part["change"].sum())
    if abs(change) > _SAME:
        return "raised" if change > 0 else "lowered"
    found = set(part["result"])
    if found & {"raised", "lowered"}:
        return "adjusted"
    return next(one for one in ("adjusted", "parked", "upheld") if one in found)


def _by_kind(actions: pd.DataFrame, floor: int) -> pd.DataFrame:
    grouped = actions.groupby("kind", sort=True)["owner_id"]
    table = grouped.agg(n="size", n_people="nunique").reset_index()
    table["share"] = table["n"] / max(1, len(actions))
    return suppress_counts(table, [], floor)
