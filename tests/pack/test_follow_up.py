"""The follow-up: what was decided, what remains, and plain words for what is not known."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from pipeline.errors import WrongUse
from pipeline.pack import FollowUpPack, make_follow_up
from pipeline.pack.sections.after.norms import _far_apart
from pipeline.settings import Audience, RetentionSettings, Settings
from pipeline.store import Session, SessionData, SessionOutcome, Sitting

from .conftest import Shape, _remembered, table
from .conftest import _shaped as session_data_of

DATA = session_data_of(Shape())
HELD = dt.date(2026, 12, 3)
HEAD = "ab" * 32
UNLOCKED: dict[str, Any] = {"locked": False, "locked_at": None}


@pytest.fixture(autouse=True)
def _analysed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyse the invented session once: these tests are about what came after it."""
    monkeypatch.setattr("pipeline.privacy.after.cut", _remembered)
    monkeypatch.setattr(
        "pipeline.privacy.after.room",
        lambda data, settings, _: _remembered(data, Audience.ROOM, settings),
    )


def decision(subject: str, before: float | None, after: float | None, **more: Any) -> Any:
    """Return one decision: upheld, adjusted or parked, as its scores say."""
    outcome = "parked" if after is None else "upheld" if after == before else "adjusted"
    return {
        "session_id": "2026-zuid",
        "subject": subject,
        "criterion_id": "overall",
        "score_before": before,
        "score_after": after,
        "outcome": outcome,
        "argument": f"Belde op 3 mei de klant terug over {subject}.",
        "decided_by": "r00000",
        "minutes": 3,
        **more,
    }


def action(owner: str, text: str, **more: Any) -> Any:
    """Return one SMART goal."""
    return {
        "session_id": "2026-zuid",
        "owner_id": owner,
        "kind": "smart_goal",
        "text": text,
        "measure": "telling per maand",
        "due_on": pd.Timestamp("2027-03-01"),
        "status": "open",
        **more,
    }


def outcome_of(
    data: SessionData | None = None,
    decisions: list[Any] | None = None,
    actions: list[Any] | None = None,
    norms: list[Any] | None = None,
    parked: list[Any] | None = None,
    **changes: Any,
) -> SessionOutcome:
    """Return what an invented session decided."""
    given = data or DATA
    columns = ["text", "owner_id", "due_on"]
    made = SessionOutcome(
        data=given,
        decisions=table("decisions", decisions),
        actions=table("actions", actions),
        norms=table("norms", norms),
        parked=pd.DataFrame(parked or [], columns=columns).astype(
            {"text": "str", "owner_id": "str", "due_on": "datetime64[us]"}
        ),
        sitting=Sitting(True, HELD, 90, 95, None),
        n_superseded=0,
        locked=True,
        recorded_at=dt.datetime(2026, 12, 4, 9, tzinfo=dt.UTC),
        head=HEAD,
        next_session=Session("2027-zuid", "2027", "Zuid", held_on=dt.date(2027, 12, 2)),
        later_evidence=table("evidence"),
        locked_at=dt.datetime(2026, 12, 4, 9, tzinfo=dt.UTC),
    )
    return replace(made, **changes)


def usual() -> SessionOutcome:
    """Return a session with one of everything."""
    return outcome_of(
        decisions=[
            decision("p00000", 3.0, 4.0, dissent="Beoordelaar 2 blijft bij een 3."),
            decision("p00001", 4.0, 3.0),
            decision("p00002", 3.0, 3.0),
            decision("p00003", 2.0, None),
        ],
        actions=[
            action("r00000", "Elke maand een voorbeeld per medewerker opschrijven"),
            action("r00001", "Proactiever", measure=None, due_on=pd.NaT),
        ],
        norms=[{"session_id": "2026-zuid", "criterion_id": "c1", "text": "Een 4 vraagt bewijs."}],
        parked=[{"text": "Wie weegt c2?", "owner_id": "r00002", "due_on": "2027-01-15"}],
    )


def follow_up(
    outcome: SessionOutcome, settings: Settings, language: str = "en", audience: str = "room"
) -> FollowUpPack:
    """Make a follow-up."""
    return make_follow_up(outcome, settings, language=language, audience=audience)


def text_of(html: object) -> str:
    """Return the words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", str(html)).split())


def part(pack: FollowUpPack, name: str) -> str:
    """Return the words of one part."""
    return text_of(getattr(pack, name)().html)


def test_every_part_is_there_in_order(settings: Settings) -> None:
    """Thirteen, the cover first; each with a heading of its own and every figure explained."""
    pack = follow_up(usual(), settings)
    parts = pack.sections()
    assert [one.anchor for one in parts] == ["cover", *(anchor for anchor, _, _ in pack.plan)]
    assert len(parts) == 13
    html = "".join(str(one.html) for one in parts)
    figures = re.findall(r"<figure>.*?</figure>", html, re.DOTALL)
    assert len(figures) == 2
    for figure in figures:
        assert re.search(r'alt="[^"]{20,}"', figure)
        assert 'class="shows"' in figure
        assert 'class="shows-not"' in figure


def test_the_cover_says_how_it_went(settings: Settings) -> None:
    """Held, minutes against plan, who was there, the lock and the register's last hash."""
    data = DATA
    people = data.participants.assign(attended=pd.array([True, True, False, pd.NA], "boolean"))
    cover = text_of(
        follow_up(replace(usual(), data=replace(data, participants=people)), settings).cover().html
    )
    assert "held on 3 December 2026" in cover
    assert "95 minutes, 90 planned" in cover
    assert "2 of 4; of 1 not recorded" in cover
    assert "locked on 4 December 2026" in cover
    assert HEAD in cover
    assert "Data as of" in cover


def test_the_summary_counts_and_says_who_has_what_to_do(settings: Settings) -> None:
    """Up, down, upheld, parked; conversations, actions and parked items per person."""
    summary = part(follow_up(usual(), settings), "summary")
    assert "4 of 24 people with a rating were discussed." in summary
    for name in ("Raised", "Lowered", "Upheld", "Parked"):
        assert re.search(rf"{name} 1\b", summary)
    assert "Not discussed 20" in summary
    assert re.search(r"Beoordelaar 2 1 – 1 2 Jan 2027", summary)
    assert "not the correction of a mistake" in summary


def test_each_decision_has_its_argument_also_upheld_ones(settings: Settings) -> None:
    """And dissent stays visible; changes come first."""
    register = part(follow_up(usual(), settings), "decisions")
    for person in range(4):
        assert f"over p0000{person}." in register
    assert register.index("Persoon 1") < register.index("Persoon 2")
    assert "Dissent: Beoordelaar 2 blijft bij een 3." in register


def test_changes_without_an_argument_are_listed(settings: Settings) -> None:
    """An upheld score without words is not: nothing changed for the person."""
    decided = [
        decision("p00000", 3.0, 4.0, argument="ja"),
        decision("p00001", 3.0, 3.0, argument="-"),
    ]
    pack = follow_up(outcome_of(decisions=decided), settings)
    assert "1 change without an argument Persoon 0 (overall)." in part(pack, "decisions")
    assert "Changes without an argument: 1." in pack.warnings()
    assert "Cards with a change but no argument to read: 1." in part(pack, "cards")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sitting": Sitting(False, None, 90, None, None)}, "This session was not held."),
        (
            {"recorded_at": None, "head": "", "locked": False, "locked_at": None},
            "These decisions were imported.",
        ),
        (
            {"locked": False, "locked_at": None},
            "Partly recorded. Missing: who was present and the lock.",
        ),
        ({"sitting": Sitting(None, None, 90, None, None)}, "whether and how long it was held"),
    ],
)
def test_what_is_not_known_is_said(settings: Settings, changes: dict[str, Any], words: str) -> None:
    """On the cover, in the summary and in the warnings of the run."""
    pack = follow_up(replace(usual(), **changes), settings)
    assert words in text_of(pack.cover().html)
    assert words in part(pack, "summary")
    assert any(words in one for one in pack.warnings())


def test_nothing_recorded_says_so_in_every_part(settings: Settings) -> None:
    """No zeroes instead of answers, no empty tables."""
    empty = outcome_of(
        sitting=Sitting(None, None, 90, None, None), recorded_at=None, head="",
        next_session=None, **UNLOCKED,
    )  # fmt: skip
    pack = follow_up(empty, settings)
    assert "Nothing is recorded of this session" in text_of(pack.cover().html)
    for name in ("change", "decisions", "schedule"):
        assert "No decisions of this session are known." in part(pack, name)
    assert "nothing to look back at" in part(pack, "audit")
    assert "No norm was recorded." in part(pack, "norms")
    assert "No actions or goals were recorded." in part(pack, "actions")
    assert "No items were parked." in part(pack, "parked")
    assert "No next session is planned." in part(pack, "upcoming")
    assert "<td></td>" not in "".join(str(one.html) for one in pack.sections())


def test_all_upheld_is_an_outcome(settings: Settings) -> None:
    """Nothing moved, and the pack says that this was decided."""
    decided = [decision(f"p0000{i}", 3.0, 3.0) for i in range(6)]
    pack = follow_up(outcome_of(decisions=decided), settings)
    assert "upholding one is a decision too" in part(pack, "summary")
    assert "No score went up or down" in part(pack, "change")
    assert "so nothing moved" in part(pack, "audit")
    assert "Spread after / before" not in part(pack, "audit")


def test_one_change_is_no_verdict_on_the_spread(settings: Settings) -> None:
    """A ratio that rests on one person has no interval, and the pack says what it would take."""
    decided = [decision(f"p0000{i}", 3.0 + i % 3, 3.0 + i % 3) for i in range(6)]
    decided[5] = decision("p00005", 5.0, 4.0)
    said = part(follow_up(outcome_of(decisions=decided), settings), "audit")
    assert "without an interval" in said
    assert "changes for at least 3 people" in said
    assert "nan" not in said.casefold()


def test_an_incomplete_import_is_shown_as_it_is(settings: Settings) -> None:
    """Without scores, people, minutes or deciders nothing is made up."""
    bare = decision(
        "x99", None, None, outcome="adjusted", argument="Zie verslag van 3 mei.", decided_by=None,
        minutes=None,
    )  # fmt: skip
    pack = follow_up(outcome_of(decisions=[bare]), settings)
    assert "x99 overall adjusted – → –" in part(pack, "decisions")
    assert "Adjusted 1" in part(pack, "summary")
    assert "Something was decided about 1 more without a rating." in part(pack, "summary")
    assert "Manager unknown" in part(pack, "schedule")
    assert "Minutes per case were not recorded." in part(pack, "audit")


def test_goals_say_what_they_lack(settings: Settings) -> None:
    """By the text, not by the person; and who left without a goal is named."""
    actions = part(follow_up(usual(), settings), "actions")
    assert "Specific, measurable, dated and with an owner: 1 of 2." in actions
    assert re.search(r"Proactiever .* what exactly will be done;.* a date", actions)
    assert "2 raters without a goal Beoordelaar 2 and Beoordelaar 3." in actions


def test_conversations_are_planned_changed_first(settings: Settings) -> None:
    """On working days after the session, with the last day, a box to tick."""
    schedule = part(follow_up(usual(), settings), "schedule")
    # Thursday 3 December 2026: the first working day after it is Friday
    assert re.search(r"Persoon 0 score changed 4 Dec 2026 17 Dec 2026 ☐", schedule)
    assert re.search(r"Persoon 2 upheld 4 Dec 2026 2 Jan 2027 ☐", schedule)
    assert "20 people were not discussed" in schedule


def test_without_a_day_there_are_no_dates(settings: Settings) -> None:
    """The order remains."""
    data = DATA
    data = replace(data, session=replace(data.session, held_on=None))
    undated = replace(usual(), data=data, sitting=Sitting(True, None, 90, None, None))
    pack = follow_up(undated, settings)
    assert "so there are no dates: order only" in part(pack, "schedule")
    assert "the day of the session is unknown" in part(pack, "retention")


def test_retention_counts_from_lock_session_and_cycle(settings: Settings) -> None:
    """A proposal until there is a policy; 31 January plus a month is the end of February."""
    retention = part(follow_up(usual(), settings), "retention")
    assert "A proposal until your own policy is in workbench.toml" in retention
    assert "Pack before the session 1 month after the lock 4 January 2027" in retention
    assert "This pack 12 months after the session 3 December 2027" in retention
    assert "Conversation cards 24 months after the end of the cycle 31 December 2028" in retention
    own = Settings.model_validate(
        {**settings.model_dump(), "retention": RetentionSettings(card=1).model_dump()}
    )
    told = part(follow_up(replace(usual(), **UNLOCKED), own), "retention")
    assert "A proposal" not in told
    assert "Conversation cards 1 month after the end of the cycle 31 January 2027" in told
    assert "not locked yet" in told


def test_moments_after_the_session_and_check_ins_are_shown(settings: Settings) -> None:
    """Earlier moments are not; a check-in counts once a person."""
    data = DATA
    told = "2026-04 | Check-in | bijstellen\n2027-01 | Gesprek | terugkoppelen"
    cycle = data.cycle.assign(moments=told)
    later = table(
        "evidence",
        [
            {"employee_id": "p00000", "dated_on": pd.Timestamp(day), "kind": "check-in"}
            for day in ("2026-12-10", "2027-01-04", "2026-12-01")
        ],
    )
    outcome = replace(usual(), data=replace(data, cycle=cycle), later_evidence=later)
    upcoming = part(follow_up(outcome, settings), "upcoming")
    assert "January 2027 Gesprek terugkoppelen" in upcoming
    assert "April 2026" not in upcoming
    assert "1 person had a check-in that was recorded." in upcoming
    assert "The next session is that of cycle 2027: 2 December 2027." in upcoming


def test_a_conversation_session_has_goals_and_a_clinic(settings: Settings) -> None:
    """No cards; the subject is a conversation, the employee is found through its ratings."""
    data = session_data_of(Shape(kind="conversation"))
    people = data.participants.assign(personal_goal="Eerst vragen stellen")
    outcome = outcome_of(
        replace(data, participants=people),
        decisions=[decision("g-p00000", 3.0, 4.0, criterion_id="c1")],
        actions=[action("r00000", "Elke week twee gesprekken samen scoren")],
    )
    pack = follow_up(outcome, settings)
    assert "Conversation g-p00000 · Persoon 0" in part(pack, "decisions")
    assert "makes no cards" in part(pack, "cards")
    assert "Eerst vragen stellen Elke week twee gesprekken" in part(pack, "actions")
    assert "What to change in the form or the training" in part(pack, "norms")
    assert "1 of 24 scored conversations were discussed." in part(pack, "summary")
    assert "Conversation cards" not in part(pack, "retention")


def test_criteria_that_divide_raters_come_first() -> None:
    """Share of pairs over a point apart; more raters do not raise it; few say nothing."""
    given = {"c1": (2.0, 4.0), "c2": (3.0, 4.0), "c4": (2.0, 4.0, 3.0, 3.0)}
    rows = [
        {"subject_id": f"g{i}", "criterion_id": criterion, "score": score}
        for i in range(6)
        for criterion, scores in given.items()
        for score in scores
    ]
    few = [{"subject_id": "g0", "criterion_id": "c3", "score": score} for score in (1.0, 5.0)]
    found = _far_apart(pd.DataFrame(rows + few))
    assert found == [("c1", 1.0, 6), ("c4", pytest.approx(1 / 6), 6), ("c2", 0.0, 6)]


def test_hostile_texts_stay_text(settings: Settings) -> None:
    """An argument that looks like markup is shown as it was written."""
    decided = [decision("p00000", 3.0, 4.0, argument="<script>alert(1)</script> en meer woorden")]
    html = "".join(
        str(one.html) for one in follow_up(outcome_of(decisions=decided), settings).sections()
    )
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("audience", ["room", "organisation"])
def test_facts_name_nobody(settings: Settings, language: str, audience: str) -> None:
    """What a run records holds counts and reasons."""
    facts = str(follow_up(usual(), settings, language, audience).facts().facts)
    assert not re.search(r"Persoon|Beoordelaar|p0000|r0000", facts)


def test_a_manager_is_sent_to_the_own_pages(settings: Settings) -> None:
    """There is no follow-up pack for one manager."""
    with pytest.raises(WrongUse, match="raters/"):
        follow_up(usual(), settings, audience="manager")


# private sheets ---------------------------------------------------------------------------------


def sheets(outcome: SessionOutcome, settings: Settings) -> dict[str, str]:
    """Return the words of each sheet, by its reader."""
    every = follow_up(outcome, settings).pages().pages
    pages = [one for one in every if one.folder == "raters"]
    assert pages
    return {one.reader_id: text_of("".join(str(s.html) for s in one.sections)) for one in pages}


def test_every_rater_has_a_sheet_with_the_own_decisions(settings: Settings) -> None:
    """With arguments, the own goal and actions; nothing about people rated by others only."""
    found = sheets(usual(), settings)
    assert sorted(found) == [f"r0000{i}" for i in range(4)]
    rated = DATA.ratings.groupby("rater_id")["employee_id"].agg(set)
    for reader, text in found.items():
        for number in range(4):
            person = f"p0000{number}"
            assert (f"over {person}." in text) == (person in rated[reader])
    assert "Elke maand een voorbeeld" in found["r00000"]
    assert "Elke maand een voorbeeld" not in found["r00001"]
    assert "No goal or action of yours was recorded." in found["r00003"]


def test_a_sheet_does_not_tell_what_a_colleague_gave(settings: Settings) -> None:
    """Beside the own score, the mean of two before the session would."""
    decided = [decision("p00000", 3.17, 4.0), decision("p00001", 3.17, 3.17)]
    for text in sheets(outcome_of(decisions=decided), settings).values():
        assert "3.2" not in text
        assert "3.17" not in text


def test_a_sheet_says_what_changed_beside_the_own_score(settings: Settings) -> None:
    """Raised from a mean below the own score would tell that a colleague gave less."""
    given = DATA.ratings.set_index(["employee_id", "rater_id"])["score"]
    own = given["p00000"].groupby("rater_id").mean()
    reader, score = str(own.index[0]), float(own.iloc[0])
    words = set()
    for before in (score - 0.5, score + 0.5):
        text = sheets(outcome_of(decisions=[decision("p00000", before, score)]), settings)[reader]
        assert "adjusted" in text
        assert "raised" not in text
        assert "lowered" not in text
        words.add(text)
    assert len(words) == 1
    lower = sheets(outcome_of(decisions=[decision("p00000", score, score - 1)]), settings)
    assert "lowered" in lower[reader]


def test_a_sheet_names_nobody_whom_others_rated(settings: Settings) -> None:
    """An argument may set one person beside another, of a team that the reader does not know."""
    rated = DATA.ratings.groupby("rater_id")["employee_id"].agg(set)
    reader = "r00000"
    own, other = min(rated[reader]), min(set(DATA.ratings["employee_id"]) - set(rated[reader]))
    beside = decision(own, 3.0, 4.0, argument=f"Deed in mei meer dan {other.upper()} deed.")
    assert "Deed in mei" not in sheets(outcome_of(decisions=[beside]), settings)[reader]
    alone = decision(own, 3.0, 4.0, argument=f"Deed in mei meer dan {own} in april.")
    assert "Deed in mei" in sheets(outcome_of(decisions=[alone]), settings)[reader]


def test_the_organisation_gets_no_sheets(settings: Settings) -> None:
    """They go with the room's pack only."""
    assert follow_up(usual(), settings, audience="organisation").pages().pages == ()
