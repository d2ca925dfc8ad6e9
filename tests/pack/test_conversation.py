"""The pack of a conversation session: who listens to what, blind scores, raters, the group."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.agenda import plan_agenda
from pipeline.errors import WrongUse
from pipeline.pack import open_pack
from pipeline.pack.prepare import CalibrationPack, ConversationPack
from pipeline.pack.sections.listening import listed
from pipeline.run.kernels import warm
from pipeline.settings import Settings
from pipeline.store import SessionData, open_store

from .conftest import MakePack, Shape, session_data, table
from .test_sessions import text_of


@cache
def panel(*, expert: bool, n: int = 20, seed: int = 3) -> SessionData:
    """Return conversations that six raters scored, of whom the first scores higher."""
    data = session_data(Shape(kind="conversation", n_people=n, n_raters=6))
    random = np.random.default_rng(seed)
    raters = sorted(data.people.loc[data.people["employee_id"].str.startswith("r"), "employee_id"])
    rows = []
    for subject in data.employees["employee_id"]:
        level = random.normal(3, 0.6)
        for k, rater in enumerate(raters):
            for criterion in ("c1", "c2", "c3"):
                noise = random.normal(0, 0.9 if criterion == "c2" else 0.3)
                score = round(level + (1.2 if k == 0 else 0) + noise)
                rows.append(
                    {
                        "employee_id": subject,
                        "subject_id": f"g-{subject}",
                        "rater_id": rater,
                        "criterion_id": criterion,
                        "score": float(min(5, max(1, score))),
                        "rater_role": "expert" if expert and k == 5 else "manager",
                        "rationale": None,
                    }
                )
    made = pd.DataFrame(rows)
    for name in data.ratings.columns.difference(made.columns):
        made[name] = None
    made = made[list(data.ratings.columns)].astype(data.ratings.dtypes.to_dict())
    return session_data(Shape(kind="conversation", n_people=n, n_raters=6), ratings=made)


@pytest.fixture(scope="module")
def beside_expert() -> SessionData:
    """Return a panel with an expert."""
    return panel(expert=True)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_each_rater_stands_beside_the_expert(
    pack_of: MakePack, beside_expert: SessionData, language: str
) -> None:
    """The deviation with its sign, interval and verdict; the expert is no row."""
    pack = pack_of(beside_expert, language)
    html = str(pack.deviation().html)
    row = pack.context.analysis.conversation.raters.iloc[0]  # type: ignore[union-attr]  # there is an answer
    assert row["verdict"] == "outside"
    assert row["deviation"] > 0.5  # scores higher
    assert pack.context.language.signed(float(row["deviation"])) in html
    assert pack.context.interval(row["ci_low"], row["ci_high"]) in html
    if language == "en":
        text = text_of(html)
        assert "beside that of the expert" in text
        assert "outside the band" in text
        assert "outside: 1;" in text
        assert "Above zero: scores higher" in text


def test_without_an_expert_the_panel_is_no_norm(pack_of: MakePack) -> None:
    """The reader is told that the panel is only the others."""
    pack = pack_of(panel(expert=False))
    assert "a rater can be right and stand alone" in text_of(str(pack.deviation().html))
    assert "All raters beside the expert" not in str(pack.clinic().html)


def test_criteria_are_ranked_by_disagreement_with_the_cause(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """The noisy criterion comes first; its cause is the criterion or cannot be told."""
    pack = pack_of(beside_expert)
    html = str(pack.clinic().html)
    assert "spread most on Criterion c2" in html
    ranked = html[html.index("Criteria on which raters differ") :]
    assert ranked.index("Criterion c2") < ranked.index("Criterion c1")
    assert "All raters beside the expert" in html
    assert "nan" not in text_of(html).lower().split()


def test_the_organisation_sees_no_rater(pack_of: MakePack, beside_expert: SessionData) -> None:
    """Aggregates remain: the criteria; raters do not."""
    pack = pack_of(beside_expert, audience="organisation")
    text = text_of(str(pack.deviation().html))
    assert "Single raters are not shown in this pack." in text
    assert "Deviation per rater" not in text
    assert "Criteria on which raters differ" in str(pack.clinic().html)


def test_two_conversations_give_reasons_in_a_fold(pack_of: MakePack) -> None:
    """Too few to tell: the reason, gathered once, and no number."""
    html = str(pack_of(panel(expert=True, n=2)).deviation().html)
    assert "raters without an answer" in html
    assert "Deviation per rater" not in html


@pytest.mark.parametrize("thin", [False, True])
def test_a_pack_on_conversations_says_what_is_true_of_conversations(
    pack_of: MakePack, thin: bool
) -> None:
    """Where all scored the same conversations nothing says that raters saw different work."""
    data = panel(expert=False)
    if thin:
        missed = data.ratings["rater_id"].eq("r00003") & data.ratings["subject_id"].eq("g-p00004")
        data = replace(data, ratings=data.ratings[~missed].reset_index(drop=True))
    pack = pack_of(data)
    text = text_of("".join(str(part.html) for part in pack.sections()))
    for phrase in ("raters also see different work", "raters rated different people",
                   "did you see different work", "because people differ"):  # fmt: skip
        assert phrase not in text
    assert ("all raters scored the same conversations" in text) is not thin
    assert ("not every rater scored the same conversations" in text) is thin
    assert "a rater can hear what others miss" in text


def test_a_pack_on_people_says_that_raters_see_different_work(pack_of: MakePack) -> None:
    """Managers rate the people they work with, which are not the same."""
    text = text_of("".join(str(part.html) for part in pack_of().sections()))
    assert "raters also see different work" in text
    assert "raters rated different people" in text
    assert "hear" not in text


def changed(pack: Any, **changes: Any) -> Any:
    """Return a pack whose data differ in what no method computes with."""
    context = pack.context
    analysis = replace(context.analysis, data=replace(context.data, **changes))
    plan = plan_agenda(analysis, context.settings)
    view = replace(context.view, analysis=analysis)
    return replace(pack, context=replace(context, view=view, plan=plan))


def pack_text(pack: Any) -> str:
    """Return all that a reader of a pack reads."""
    return text_of("".join(str(part.html) for part in pack.sections()))


def test_the_kind_of_session_decides_on_the_pack(pack_of: MakePack) -> None:
    """Conversations get the parts of their own sessions, people those of theirs."""
    people, calls = pack_of(), pack_of(panel(expert=True))
    assert isinstance(people, CalibrationPack)
    assert isinstance(calls, ConversationPack)
    anchors = [part.anchor for part in calls.sections()]
    assert {"listening", "blind", "feedback", "group"} <= set(anchors)
    assert not {"gaps", "groups", "opinions", "fairness"} & set(anchors)
    assert not {"listening", "blind", "feedback"} & {part.anchor for part in people.sections()}


def test_the_listening_list_gives_no_level_away(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """Which conversation, whose, why: without its score, or a word for high or low."""
    pack = pack_of(beside_expert)
    text = text_of(str(pack.listening().html))
    for case in listed(pack.context):
        assert case.subject_id in text
        assert pack.context.person(case.employee_id) in text
        assert pack.context.score(pack.context.standing[case.subject_id]["score"]) not in text
    assert not {"high", "low"} & set(re.findall(r"\w+", text))


def test_every_conversation_on_the_list_has_its_card_and_its_lines(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """The list, the cards, the time plan and the feedback sheet name the same conversations."""
    pack = pack_of(beside_expert)
    n = len(listed(pack.context))
    assert str(pack.cases().html).count('<article class="case"') == n
    assert len(re.findall(r"Conversation \d", text_of(str(pack.agenda().html)))) >= n
    sheet = str(pack.feedback().html)
    assert sheet.count("2 compliments") == sheet.count("2 recommendations") == n
    assert sheet.count('<div class="line">') == 4 * n


def test_blind_scores_stand_beside_each_other(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """Each rater's mean per conversation; how many forms are in; that dates cannot tell."""
    pack = pack_of(beside_expert)
    html = str(pack.blind().html)
    one = beside_expert.ratings
    own = one[one["subject_id"].eq("g-p00003")].groupby("rater_id")["score"].mean()
    row = next(row for row in html.split("<tr>") if ">g-p00003<" in row)
    shown = re.findall(r'<td class="number">([^<]+)</td>', row)
    assert shown == [pack.context.score(value) for value in own]
    assert "120 of 120 score forms are in: 6 raters on 20 conversations." in text_of(html)
    assert "is not known: the day of the session or of the scores is missing" in text_of(html)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2026-12-01", "All of them were given before the day of the session."),
        ("2026-12-03", "360 scores have the day of the session or later"),
    ],
)
def test_the_day_of_a_score_tells_whether_it_can_be_blind(
    pack_of: MakePack, beside_expert: SessionData, day: str, sentence: str
) -> None:
    """The session is on 3 December."""
    dated = beside_expert.ratings.assign(rated_on=pd.Timestamp(day))
    text = text_of(str(changed(pack_of(beside_expert), ratings=dated).blind().html))
    assert sentence in text
    assert "That they were given alone, no date can tell." in text


def test_who_has_not_scored_yet_is_asked_first(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """With the scores of others in hand nobody scores blind."""
    rows = [{"session_id": "2026-zuid", "person_id": one, "role": "rater"} for one in ("r1", "p1")]
    pack = changed(pack_of(beside_expert), participants=table("participants", rows))
    assert "No scores yet from p1 and r1." in text_of(str(pack.blind().html))


def test_the_group_is_described_by_what_is_known(
    pack_of: MakePack, beside_expert: SessionData
) -> None:
    """Levels where recorded, what no table tells, goals that are missing."""
    pack = pack_of(beside_expert)
    text = text_of(str(pack.group().html))
    assert "6 people take a turn on each conversation." in text
    assert "Of 6 people the job level is not known." in text
    assert "are in no table" in text
    assert "6 people have no personal goal yet." in text
    levels = {"r00000": "C", "r00001": "C", "r00002": "D"}
    own = beside_expert.people["employee_id"].map(levels)
    people = beside_expert.people.assign(job_level=own.astype("str").where(own.notna()))
    mixed = text_of(str(changed(pack, people=people).group().html))
    assert "Mixed by level: 2 of level C and 1 of level D." in mixed
    alike = people.assign(job_level=people["job_level"].where(people["job_level"].eq("C")))
    assert "has level C: alike." in text_of(str(changed(pack, people=alike).group().html))


@pytest.mark.parametrize(
    ("guard", "sentence"),
    [
        (None, "There is no process guard yet."),
        ("r00002", "has scored these conversations"),
        ("x1", "The data do not tell whether x1 is a team manager or coach"),
        ("m1", None),
    ],
)
def test_the_process_guard_leads_people_and_gives_no_feedback(
    pack_of: MakePack, beside_expert: SessionData, guard: str | None, sentence: str | None
) -> None:
    """What the data tell against a process guard is said; the rest is not guessed."""
    session = replace(beside_expert.session, process_guard_id=guard)
    staff = beside_expert.employees
    staff = staff.assign(manager_id=staff["manager_id"].where(staff.index != 0, "m1"))
    pack = changed(pack_of(beside_expert), session=session, employees=staff)
    html = str(pack.group().html)
    if sentence is None:
        for one in ("no process guard", "has scored these", "do not tell whether"):
            assert one not in html
    else:
        assert sentence in text_of(html)


def test_nine_participants_are_two_groups(pack_of: MakePack, beside_expert: SessionData) -> None:
    """Above eight not everybody gets a turn."""
    rows = [{"session_id": "2026-zuid", "person_id": f"x{i}", "role": "rater"} for i in range(9)]
    pack = changed(pack_of(beside_expert), participants=table("participants", rows))
    assert "With 9 people in the room, above 8" in text_of(str(pack.group().html))


@pytest.mark.parametrize(("minutes", "word"), [(45, "few"), (60, ""), (90, ""), (120, "many")])
def test_sixty_to_ninety_minutes_are_usual(
    pack_of: MakePack, beside_expert: SessionData, minutes: int, word: str
) -> None:
    """Shorter or longer is warned of, in the plan and in what the runner records."""
    session = replace(beside_expert.session, minutes=minutes)
    pack = changed(pack_of(beside_expert), session=session)
    told = [one for one in pack.facts().facts["warnings"] if "minutes are" in one]
    assert len(told) == bool(word)
    if word:
        assert f"{minutes} minutes are {word}: 60 to 90 are usual." in told[0]
        assert told[0] in text_of(str(pack.agenda().html))


SPARSE: dict[str, Callable[[SessionData], SessionData]] = {
    "no participants, 10 minutes": lambda data: replace(
        data,
        participants=table("participants"),
        session=replace(data.session, held_on=None, minutes=10, facilitator_id=None),
    ),
    "no criteria": lambda data: replace(
        data, criteria=data.criteria.assign(label_nl=None, label_en=None, anchor_3_nl=None,
                                            anchor_5_nl=None).astype({"label_nl": "str"}),
    ),
    "one conversation": lambda data: _only(data, "subject_id", "g-p00003"),
    "one rater": lambda data: _only(data, "rater_id", "r00001"),
    "no scores": lambda data: replace(
        data, ratings=data.ratings.iloc[:0], criteria=data.criteria.iloc[:0]
    ),
}  # fmt: skip


def _only(data: SessionData, column: str, value: str) -> SessionData:
    rows = data.ratings[data.ratings[column].eq(value)]
    return replace(data, ratings=rows.reset_index(drop=True))


@pytest.mark.parametrize("sparse", SPARSE.values(), ids=SPARSE.keys())
@pytest.mark.parametrize("audience", ["room", "organisation"])
def test_whatever_is_missing_there_is_a_pack(
    pack_of: MakePack, beside_expert: SessionData, audience: str, sparse: Callable[..., SessionData]
) -> None:
    """Every part is there, with a reason where there is no answer, and no number that is none."""
    pack = pack_of(sparse(beside_expert), audience=audience)
    text = pack_text(pack)
    assert not {"nan", "inf", "None", "NaT"} & set(re.findall(r"\w+", text))
    assert "{" not in text
    form = audience == "room"
    assert len(pack.sections()) == 1 + len(pack.plan) + form


@pytest.mark.parametrize(("audience", "viewer"), [("organisation", None), ("manager", "r00001")])
def test_only_the_room_sees_scores_of_single_raters_beside_each_other(
    pack_of: MakePack, beside_expert: SessionData, audience: str, viewer: str | None
) -> None:
    """Listening list, blind scores, group and sheet are for who sits at the table."""
    pack = pack_of(beside_expert, audience=audience, viewer_id=viewer)
    for part in (pack.listening(), pack.blind(), pack.group(), pack.agenda(), pack.feedback()):
        text = unescape(text_of(str(part.html)))
        assert re.search(r"(is|are) in the session's pack\.", text)
        assert "Beoordelaar" not in text
        assert "g-p" not in text
    others = {"Beoordelaar 0", "Beoordelaar 2", "Beoordelaar 3"}
    assert not [one for one in others if one in pack_text(pack)]


def test_a_notebook_for_the_other_kind_is_refused(tmp_path: Path) -> None:
    """Who opens a session in the wrong notebook reads which one makes its pack."""
    with open_store(Settings(home=tmp_path)) as store:
        store.load("b1", [], warm._invented(), [])
        people, calls = sorted(store.sessions("2002"), key=lambda one: one.kind, reverse=True)
    assert (people.kind, calls.kind) == ("performance", "conversation")
    with pytest.raises(WrongUse, match=r"conversation_pack\.ipynb"):
        open_pack(calls.session_id, home=tmp_path, kind="performance")
    with pytest.raises(WrongUse, match=r"calibration_pack\.ipynb"):
        open_pack(people.session_id, home=tmp_path, kind="conversation")
