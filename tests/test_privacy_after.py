"""After a session: the room reads nothing of who sits in it, the organisation no small count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.agenda import plan_agenda
from pipeline.errors import Suppressed, WrongUse
from pipeline.ingest import import_files
from pipeline.methods.change_fairness import ChangeFairness
from pipeline.methods.expected import Expected
from pipeline.methods.movement import Movement
from pipeline.methods.severity import Severity
from pipeline.pack import make_follow_up
from pipeline.privacy import Audience, OutcomeView, cut, cut_outcome
from pipeline.privacy.room import present
from pipeline.settings import Settings, read_settings
from pipeline.store import SessionOutcome, Store, open_store
from support import SAMPLE
from support.outcomes import parked, rows

FLOOR = 5
WITH_PRESENT = "2025-r-d-zuid"
Sample = tuple[Store, Settings]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """Return the store with the sample company."""
    settings = read_settings(tmp_path_factory.mktemp("home"))
    with open_store(settings) as store:
        import_files(SAMPLE, settings, store)
        yield store, settings


def many(outcome: SessionOutcome, n: int, ups: int, downs: int) -> SessionOutcome:
    """Decide about the first people who are rated: some up, some down, the others upheld."""
    people = sorted(set(outcome.data.ratings["subject_id"]) - present(outcome.data))[:n]
    after = [4.0] * ups + [2.0] * downs + [3.0] * (n - ups - downs)
    rows = pd.DataFrame(
        {
            "session_id": outcome.session.session_id,
            "subject": people,
            "criterion_id": "overall",
            "score_before": 3.0,
            "score_after": after,
            "outcome": ["adjusted"] * (ups + downs) + ["upheld"] * (n - ups - downs),
            "argument": "Voorbeelden uit maart en juni.",
            "evidence": None,
            "decided_by": None,
            "dissent": None,
            "minutes": 2.0,
        }
    )
    return replace(outcome, decisions=rows.astype({"subject": "str"}))


def html_of(outcome: SessionOutcome, settings: Settings) -> str:
    """Return the room's pack."""
    pack = make_follow_up(outcome, settings, language="en")
    return "".join(str(one.html) for one in pack.sections())


def test_decisions_about_who_sits_in_the_room_are_gone(sample: Sample) -> None:
    """From the tables, the counts, the schedule and the look back; the pack says how many."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    here = present(outcome.data) & set(outcome.data.ratings["employee_id"])
    gone = outcome.decisions["subject"].isin(here)
    assert gone.any(), "the test needs such a decision"
    view = cut_outcome(outcome, Audience.ROOM, settings)
    assert len(view.decided) == len(outcome.decisions) - gone.sum()
    for table, column in (
        (view.decided, "subject"),
        (view.outcome.decisions, "subject"),
        (view.aftermath.outcome.decisions, "subject"),
        (view.outcome.later_evidence, "employee_id"),
        (view.outcome.data.ratings, "employee_id"),
    ):
        assert not here & set(table[column])
    assert view.people["n"].sum() == len(view.decided)
    pack = make_follow_up(outcome, settings, language="en")
    cover = str(pack.cover().html)
    assert "not in this pack" in cover
    shown = "".join(str(one.html) for one in pack.sections()[1:])
    arguments = set(outcome.decisions.loc[gone, "argument"]) - set(
        outcome.decisions.loc[~gone, "argument"]
    )
    assert not any(one in shown for one in arguments)


def test_a_text_that_names_who_sits_in_the_room_is_withheld(sample: Sample) -> None:
    """An action, a norm or an argument about another can name somebody who reads the pack."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    here = sorted(present(outcome.data) & set(outcome.data.ratings["employee_id"]))
    name = outcome.data.people.set_index("employee_id")["name"][here[0]]
    outcome = replace(
        outcome,
        actions=outcome.actions.assign(text=f"Met {str(name).upper()} de score bespreken"),
        norms=outcome.norms.assign(text=f"Wat {here[0]} laat zien is een 4."),
    )
    view = cut_outcome(outcome, Audience.ROOM, settings)
    assert view.outcome.actions["text"].isna().all()
    assert view.outcome.norms["text"].isna().all()
    assert view.n_withheld == len(outcome.actions) + len(outcome.norms)
    pack = make_follow_up(outcome, settings, language="en")
    html = "".join(str(one.html) for one in pack.sections()[1:])
    assert "de score bespreken" not in html
    assert "laat zien is een 4" not in html


def test_who_takes_part_without_a_rating_reads_no_own_decision(sample: Sample) -> None:
    """A session can decide about somebody who was never rated, and who sits in it."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    who = min(present(outcome.data) - set(outcome.data.ratings["employee_id"]))
    rows = outcome.decisions.assign(subject=who, argument="Over wie meedoet.")
    told = replace(
        outcome,
        decisions=rows.iloc[:1],
        parked=parked({"text": f"Cijfer van {who} na de vakantie", "due_on": "2026-02-01"}),
    )
    for audience in (Audience.ROOM, Audience.ORGANISATION):
        view = cut_outcome(told, audience, settings)
        assert view.decided.empty
        assert not view.outcome.parked["text"].notna().any()
    assert "Over wie meedoet" not in html_of(told, settings)


def test_a_remark_that_names_who_sits_in_the_room_is_withheld(sample: Sample) -> None:
    """The remark of the facilitator is a text as any other, and opens the pack."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    here = min(present(outcome.data) & set(outcome.data.ratings["employee_id"]))
    sitting = replace(outcome.sitting, held=True, remark=f"Over {here} was geen eenstemmigheid.")
    view = cut_outcome(replace(outcome, sitting=sitting), Audience.ROOM, settings)
    assert view.outcome.sitting.remark is None
    assert view.n_withheld == 1
    kept = replace(outcome, sitting=replace(sitting, remark="Goed gesprek."))
    assert cut_outcome(kept, Audience.ROOM, settings).outcome.sitting.remark == "Goed gesprek."


def test_the_room_reads_no_agreement_and_no_check_in(sample: Sample) -> None:
    """They come back by the progress form, and are between the two people they are about."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    who = str(min(set(outcome.data.ratings["employee_id"]) - present(outcome.data)))
    agreed = rows("actions", {"session_id": "s", "owner_id": who, "kind": "agreement",
                              "text": "Minder uren in mei", "due_on": "2026-05-01"})  # fmt: skip
    said = rows("evidence", {"employee_id": who, "dated_on": "2026-05-01", "kind": "check-in",
                             "from_id": who, "text": "Het gaat thuis niet goed"})  # fmt: skip
    told = replace(
        outcome,
        actions=pd.concat([outcome.actions, agreed], ignore_index=True),
        later_evidence=said,
        agreements=agreed.assign(employee_id=who),
        check_ins=said.assign(next_on=None),
    )
    view = cut_outcome(told, Audience.ROOM, settings)
    assert len(view.outcome.actions) == len(outcome.actions)
    assert view.outcome.agreements.empty
    assert view.outcome.check_ins.empty
    assert view.outcome.later_evidence["employee_id"].tolist() == [who]
    assert view.outcome.later_evidence[["text", "from_id"]].isna().all(axis=None)
    shown = html_of(told, settings)
    assert "Minder uren" not in shown
    assert "1 agreement is between" in shown


def test_nobody_in_the_room_reads_an_own_decision_on_the_own_sheet(sample: Sample) -> None:
    """Not the reader's own, and not that of a colleague whom the reader did not rate."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    numbered = outcome.decisions.assign(
        argument=[f"Gezien op 3 mei, nummer {one}." for one in outcome.decisions["subject"]]
    )
    pack = make_follow_up(replace(outcome, decisions=numbered), settings, language="en")
    pages = [one for one in pack.pages().pages if one.folder == "raters"]
    assert pages
    for page in pages:
        html = "".join(str(section.html) for section in page.sections)
        assert f"nummer {page.reader_id}." not in html
        data = outcome.data
        team = set(
            data.employees.loc[data.employees["manager_id"].eq(page.reader_id), "employee_id"]
        )
        rated = set(data.ratings.loc[data.ratings["rater_id"].eq(page.reader_id), "employee_id"])
        for subject in numbered["subject"]:
            if f"nummer {subject}." in html:
                assert subject in team | rated


def test_a_sheet_withholds_texts_that_name_who_takes_part(sample: Sample) -> None:
    """As the room's pack does: who is named in an argument about another may read the sheet."""
    store, settings = sample
    outcome = store.session_outcome(WITH_PRESENT)
    here = present(outcome.data) & set(outcome.data.ratings["employee_id"])
    named = outcome.data.people.set_index("employee_id")["name"][min(here)]
    told = outcome.decisions.assign(argument=f"Deed in mei meer dan {named} deed.")
    pack = make_follow_up(replace(outcome, decisions=told), settings, language="en")
    for page in (one for one in pack.pages().pages if one.folder == "raters"):
        assert "Deed in mei" not in "".join(str(section.html) for section in page.sections)


def test_the_organisation_reads_counts_above_the_floor_only(sample: Sample) -> None:
    """No row per person; no count below five; none to be found by subtraction."""
    store, settings = sample
    shown_some = 0
    for session in ("2025-logistiek", "2025-klantcontact-gesprekken", "2025-hr"):
        outcome = store.session_outcome(session)
        view = cut_outcome(outcome, Audience.ORGANISATION, settings)
        for table in (
            view.decided,
            view.outcome.decisions,
            view.outcome.actions,
            view.outcome.parked,
            view.outcome.later_evidence,
            view.aftermath.outcome.decisions,
        ):
            assert table.empty
        for counts in (view.people, view.actions):
            hidden = counts["suppressed"].astype(bool)
            assert not (counts.loc[~hidden, "n_people"] < FLOOR).any()
            assert counts.loc[hidden, ["n", "n_people", "share"]].isna().all(axis=None)
            assert hidden.sum() != 1
            shown_some += int((~hidden).sum())
        assert view.n_rated is None or view.n_rated >= FLOOR
    assert shown_some


def organisation(sample: Sample, n: int, ups: int, downs: int) -> OutcomeView:
    """Return the organisation's cut of a session that decided so many things."""
    store, settings = sample
    asked = settings.fairness.model_copy(update={"attributes": ("gender",)})
    settings = settings.model_copy(update={"fairness": asked})
    outcome = many(store.session_outcome("2025-logistiek"), n, ups, downs)
    return cut_outcome(outcome, Audience.ORGANISATION, settings)


def test_the_room_asks_after_a_session_only_what_is_shown(sample: Sample) -> None:
    """Agenda and own patterns are those of the pack before; what is not shown is not asked."""
    store, settings = sample
    outcome = store.session_outcome("2025-r-d-zuid")
    found = cut_outcome(outcome, Audience.ROOM, settings).before.analysis
    whole = cut(outcome.data, Audience.ROOM, settings).analysis
    assert plan_agenda(found, settings) == plan_agenda(whole, settings)
    assert isinstance(found.severity, Severity)
    assert isinstance(whole.severity, Severity)
    pd.testing.assert_frame_equal(found.severity.raters, whole.severity.raters)
    assert isinstance(found.expected, Expected)
    assert found.components is None
    assert not found.fairness


def test_no_row_of_the_organisation_tells_that_somebody_is_in_it(sample: Sample) -> None:
    """Changed by nobody knows how much, or not: the same rows are shown."""
    store, settings = sample
    base = store.session_outcome("2025-productie")
    known = many(base, 20, 6, 0)
    one = known.decisions.assign(score_after=known.decisions["score_after"].mask(
        known.decisions.index == 0))  # fmt: skip
    one.loc[0, "score_before"] = np.nan
    views = [
        cut_outcome(replace(known, decisions=rows), Audience.ORGANISATION, settings)
        for rows in (known.decisions, one)
    ]
    assert views[0].people["result"].tolist() == views[1].people["result"].tolist()


def test_movement_needs_enough_changed_people(sample: Sample) -> None:
    """The mean change of thirty people of whom one changed tells that one."""
    assert isinstance(organisation(sample, 30, 1, 0).aftermath.movement, Suppressed)
    # the mean and its interval tell how many went up and how many down
    assert isinstance(organisation(sample, 30, 12, 1).aftermath.movement, Suppressed)
    assert isinstance(organisation(sample, 30, 0, 12).aftermath.movement, Suppressed)
    assert isinstance(organisation(sample, 14, 6, 6).aftermath.movement, Suppressed)
    found = organisation(sample, 30, 7, 6).aftermath.movement
    assert isinstance(found, Movement)
    assert found.groups.empty
    assert found.n_up == found.n_down == found.n_upheld == found.n_parked == 0
    assert np.isnan([found.share_to_middle, found.middle_low, found.middle_high]).all()


def test_what_is_about_managers_stays_inside(sample: Sample) -> None:
    """Exchange, spread of managers, goals; of groups only the gaps."""
    view = organisation(sample, 40, 12, 11)
    for name in ("trading", "convergence", "norm_effect", "smart"):
        assert isinstance(getattr(view.aftermath, name), Suppressed), name
    kept = [one for one in view.aftermath.fairness.values() if isinstance(one, ChangeFairness)]
    assert kept
    assert all(one.groups.empty and one.n_unknown == 0 for one in kept)


def test_the_organisation_reads_no_name_argument_or_parked_text(sample: Sample) -> None:
    """Norms it does read, unless they name somebody."""
    store, settings = sample
    outcome = store.session_outcome("2025-financien")
    people = outcome.data.people
    named = f"Zoals {people['name'].dropna().iloc[0]} het doet."
    norms = pd.concat([outcome.norms, outcome.norms.head(1).assign(text=named)], ignore_index=True)
    parked = pd.DataFrame({"text": ["Geheim punt"], "owner_id": ["1"], "due_on": [pd.NaT]})
    outcome = replace(outcome, norms=norms, parked=parked)
    pack = make_follow_up(outcome, settings, language="en", audience="organisation")
    html = "".join(str(one.html) for one in pack.sections())
    assert "Geheim punt" not in html
    assert named not in html
    assert "1 norm is withheld" in html
    assert str(outcome.norms["text"].iloc[0]) in html
    for argument in outcome.decisions["argument"]:
        assert argument not in html
    for name in people["name"].dropna():
        assert str(name) not in html


def test_a_small_department_is_hidden_whole(sample: Sample) -> None:
    """Four people: not even how many were discussed."""
    store, settings = sample
    outcome = store.session_outcome("2025-juridische-zaken")
    view = cut_outcome(outcome, Audience.ORGANISATION, settings)
    assert view.people.empty
    assert view.n_rated is None
    pack = make_follow_up(outcome, settings, language="en", audience="organisation")
    assert "too few people were rated" in str(pack.summary().html)
    without = replace(outcome, norms=outcome.norms.iloc[:0])
    pack = make_follow_up(without, settings, language="en", audience="organisation")
    assert "Nothing is recorded" not in str(pack.cover().html)


def test_a_manager_gets_a_clear_refusal(sample: Sample) -> None:
    """A manager has a sheet and an overview."""
    store, settings = sample
    with pytest.raises(WrongUse, match="overview of the own team"):
        cut_outcome(store.session_outcome(WITH_PRESENT), Audience.MANAGER, settings)
