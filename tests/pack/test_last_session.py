"""The opening of the next pack: what came of the last session, for each audience."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from pipeline.locale import Language
from pipeline.pack.base import Pack
from pipeline.store import SessionData
from pipeline.store.history import DECIDED, NORMS, parked_table

from .conftest import MakePack, Shape, session_data, table

ACTIONS = [
    ("training", "Write examples", "2026-01-31", "done"),
    ("training", "Share the notes", "2026-02-28", "open"),
    ("training", "Rewrite the form", "2030-02-28", "open"),
    ("smart_goal", "Ask two advisers a week", "2026-03-31", "dropped"),
    ("agreement", "Something between two people", "2026-03-31", "open"),
]
DECISIONS = [
    ("e00001", "overall", 3.0, 4.0, "adjusted"),
    ("e00002", "c1", 3.0, 2.0, "adjusted"),
    ("e00003", "c1", 3.0, 2.0, "adjusted"),
    ("e00004", "c1", 2.0, 2.0, "upheld"),
    ("e00005", "overall", 3.0, float("nan"), "parked"),
]


def after_a_session(**changes: Any) -> SessionData:
    """Return a session with one before it."""
    data = session_data(Shape())
    raters = sorted(set(data.ratings["rater_id"]))
    last = replace(data.session, session_id="2025-zuid", cycle="2025", held_on=dt.date(2025, 12, 1))
    made = replace(
        data,
        last_session=last,
        last_actions=table(
            "actions",
            [
                {
                    "session_id": "2025-zuid", "owner_id": raters[0], "kind": kind, "text": text,
                    "due_on": due, "status": status,
                }
                for kind, text, due, status in ACTIONS
            ],
        ),
        last_norms=table(
            "norms", [{"session_id": "2025-zuid", "criterion_id": "c1", "text": "A 4 needs two."}]
        ),
        last_parked=parked_table(
            [
                ("The weights", raters[0], "2026-02-01"),
                ("share  the Notes", raters[1], "2026-02-01"),
                ("The form", raters[1], "2030-02-01"),
            ]
        ),
        past_decisions=pd.DataFrame(
            [
                ("2025-zuid", "2025", one, one, criterion, before, after, outcome)
                for one, criterion, before, after, outcome in DECISIONS
            ],
            columns=list(DECIDED),
        ),
        past_norms=pd.DataFrame(
            [
                ("2025", "Zuid", "c1", None, "A 4 needs two.", 1, True),
                ("2025", "Noord", "c1", "B", "A 2 was discussed before.", 3, False),
            ],
            columns=list(NORMS),
        ),
    )  # fmt: skip
    return replace(made, **changes)


def text_of(pack: Pack) -> str:
    """Return the words of the part about the last session."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(pack.last_session().html)))


def test_counts_come_first_then_the_list(pack_of: MakePack) -> None:
    """Two past their date, the agreement among them; what is past its date opens the list."""
    text = text_of(pack_of(after_a_session()))
    assert "done 1 past their date 2 still open 1 dropped 1" in text
    assert text.index("Share the notes") < text.index("Rewrite the form")
    assert text.index("Rewrite the form") < text.index("Write examples")
    assert text.index("done 1") < text.index("Write examples")
    assert text.index("Ask two advisers") > text.index("SMART goals of the last session")


def test_agreements_are_counted_and_not_listed(pack_of: MakePack) -> None:
    """They are between two people."""
    text = text_of(pack_of(after_a_session()))
    assert "1 agreement (0 done, 1 past its date)" in text
    assert "Something between two people" not in text


def test_parked_items_say_what_became_of_them(pack_of: MakePack) -> None:
    """An action with the same text tells it; else nothing was recorded."""
    text = text_of(pack_of(after_a_session()))
    assert re.search(r"The weights .{0,60} nothing recorded, past its date: ask", text)
    assert re.search(r"share the Notes .{0,60} became an action: open, past its date", text)
    assert re.search(r"The form .{0,60} nothing recorded: ask", text)


def test_texts_that_name_who_sits_in_the_room_now_are_withheld(pack_of: MakePack) -> None:
    """Last year's notes about a colleague who reads the pack this year; it says how many."""
    data = after_a_session()
    guest = data.participants.head(1).assign(person_id="e00002")
    told = replace(
        data,
        participants=pd.concat([data.participants, guest], ignore_index=True),
        last_actions=data.last_actions.assign(text="Ask E00002 for examples"),
        last_parked=data.last_parked.assign(text="The score of e00002"),
        last_norms=data.last_norms.assign(text="What e00002 does is a 2."),
        past_norms=data.past_norms.assign(text="What e00002 did is a 2."),
    )
    pack = pack_of(told)
    assert "e00002" not in text_of(pack).casefold()
    assert text_of(pack).count("withheld") == 4 + 3
    assert "11 texts are withheld" in str(pack.cover().html)
    absent = pack_of(replace(told, participants=data.participants))
    assert text_of(absent).count("e00002") > 4


def test_what_it_decided_is_counted(pack_of: MakePack) -> None:
    """Who sits in the room now does not count, and no subject is named."""
    data = after_a_session()
    text = text_of(pack_of(data))
    assert "raised 1 lowered 2 upheld 1 parked 1" in text
    guest = data.participants.head(1).assign(person_id="e00002")
    present = pd.concat([data.participants, guest], ignore_index=True)
    without = text_of(pack_of(replace(data, participants=present)))
    assert "raised 1 lowered 1 upheld 1 parked 1" in without


def test_norms_of_the_organisation_and_precedents_can_be_opened(pack_of: MakePack) -> None:
    """Norms with where they come from, precedents as counts per criterion and score."""
    text = text_of(pack_of(after_a_session()))
    assert "A 2 was discussed before." in text
    assert "Noord and 2 other sessions" in text
    assert re.search(r"overall 4 0 1 0", text)
    assert re.search(r" 2 1 0 2 ", text)


def test_the_organisation_reads_none_of_it(pack_of: MakePack) -> None:
    """Texts may name people, and counts may be small."""
    text = text_of(pack_of(after_a_session(), audience="organisation"))
    for hidden in ("A 4 needs two", "A 2 was", "The weights", "Write examples", "raised"):
        assert hidden not in text


def test_a_manager_reads_the_own_part_only(pack_of: MakePack) -> None:
    """Own actions and parked items, decisions about the own team."""
    data = after_a_session()
    viewer = sorted(set(data.ratings["rater_id"]))[1]
    text = text_of(pack_of(data, audience="manager", viewer_id=viewer))
    assert "The form" in text
    for hidden in ("The weights", "Write examples"):
        assert hidden not in text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_without_records_the_part_says_so(pack_of: MakePack, language: str) -> None:
    """No actions, no decisions, no norms: a sentence each; a first session says that it is one."""
    data = after_a_session()
    empty = replace(
        data,
        last_actions=data.last_actions.iloc[:0],
        last_norms=data.last_norms.iloc[:0],
        last_parked=data.last_parked.iloc[:0],
        past_decisions=data.past_decisions.iloc[:0],
        past_norms=data.past_norms.iloc[:0],
    )
    say = Language(language).say
    text = text_of(pack_of(empty, language))
    for said in (
        "No actions of the last session were recorded.",
        "No norms of the last session were recorded.",
    ):
        assert say(said) in text
    first = text_of(pack_of(replace(empty, last_session=None), language))
    assert say("This is the first session of this department that the workbench knows.") in first
