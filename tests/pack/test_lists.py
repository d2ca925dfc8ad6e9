"""The list of one manager: the own team and the own pattern, and nothing of anybody else."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from pipeline.pack import Pack
from pipeline.pack.html import pages_of
from pipeline.store import SessionData

from .conftest import MakePack, Shape, executed, session_data


def texts(pack: Pack) -> dict[str, str]:
    """Return the text of each list, by its reader."""
    return {
        one.reader_id: re.sub(r"<[^>]+>", " ", "".join(str(s.html) for s in one.sections))
        for one in pack.lists().pages
    }


def marked() -> SessionData:
    """Return a session in which each rationale names its rater, and nothing is complete."""
    data = session_data(Shape(n_people=20, n_raters=5))
    said = [f"Prima collega {one}" for one in data.ratings["rater_id"]]
    return replace(data, ratings=data.ratings.assign(rationale=said))


def test_every_rater_gets_a_list(pack_of: MakePack) -> None:
    """One each; the page is whole and in the language of the pack."""
    pack = pack_of(marked(), language="nl")
    notebook = executed(pack)
    notebook.cells[0].outputs[0].data.update(pack.lists()._repr_mimebundle_())
    pages = pages_of(notebook, language="nl")
    readers = sorted(set(pack.context.data.ratings["rater_id"]))
    assert sorted(pages) == [("managers", reader) for reader in readers]
    assert all('<html lang="nl">' in page and "<script" not in page for page in pages.values())


def test_a_list_holds_nothing_of_colleagues(pack_of: MakePack) -> None:
    """Neither what they wrote nor whom only they rated."""
    data = marked()
    found = texts(pack_of(data))
    staff = data.employees.set_index("employee_id")
    for reader, text in found.items():
        assert f"Prima collega {reader}" in text
        for other in set(found) - {reader}:
            assert other not in text
        team = set(staff.index[staff["manager_id"].eq(reader)])
        for person, name in staff["name"].items():
            assert (re.search(rf"{name}\b", text) is not None) <= (person in team)


def test_evidence_about_another_team_is_not_counted_as_absent(pack_of: MakePack) -> None:
    """A second rater does not see that evidence, so those ratings are not in the list."""
    data = marked()
    given = data.ratings[data.ratings["rater_id"].eq("r00000")]
    staff = data.employees.set_index("employee_id")["manager_id"]
    elsewhere = [one for one in given["employee_id"].unique() if staff[one] != "r00000"]
    assert elsewhere
    assert not any(one in texts(pack_of(data))["r00000"] for one in elsewhere)


def test_who_has_no_rating_yet_is_named(pack_of: MakePack) -> None:
    """To the own manager only."""
    data = marked()
    person = str(data.employees["employee_id"].iloc[0])
    ratings = data.ratings[data.ratings["employee_id"] != person]
    found = texts(pack_of(replace(data, ratings=ratings.reset_index(drop=True))))
    assert "1 person of your team without a rating by you" in found["r00000"]
    assert "without a rating by you" not in found["r00001"]


def test_who_rated_nobody_yet_gets_a_list_too(pack_of: MakePack) -> None:
    """With the names of the own team; whose team is rated by others has nothing to prepare."""
    data = marked()
    staff = data.employees["manager_id"]
    data = replace(data, employees=data.employees.assign(manager_id=staff.replace("r00000", "m")))
    assert "m" not in texts(pack_of(data))
    person = str(data.employees["employee_id"].iloc[0])
    ratings = data.ratings[data.ratings["employee_id"] != person].reset_index(drop=True)
    found = texts(pack_of(replace(data, ratings=ratings)))["m"]
    assert "people of your team without a rating by you" in found
    assert "Persoon 0" in found
    assert "no ratings" not in found


def test_the_own_pattern_needs_enough_raters(pack_of: MakePack) -> None:
    """Among four raters the own row would tell of the three others."""
    few = texts(pack_of(Shape(n_people=16, n_raters=4)))["r00000"]
    assert "cannot be told" in few
    many = texts(pack_of(marked()))["r00000"]
    assert re.search(r"average rater", many)


def test_nothing_missing_is_said(pack_of: MakePack) -> None:
    """And no empty table."""
    data = marked()
    done = data.ratings.assign(rationale="Belde in maart de klant terug.")
    text = texts(pack_of(replace(data, ratings=done)))["r00000"]
    assert "Nothing is missing" in text
    assert "Ratings to complete" not in text


@pytest.mark.parametrize(("audience", "viewer"), [("organisation", None), ("manager", "r00000")])
def test_lists_go_with_the_room_pack_only(
    pack_of: MakePack, audience: str, viewer: str | None
) -> None:
    """Another audience's pack makes none."""
    assert pack_of(marked(), audience=audience, viewer_id=viewer).lists().pages == ()


def test_a_rater_whom_the_room_leaves_out_reads_no_own_rating(pack_of: MakePack) -> None:
    """Nobody reads what was said about himself or herself."""
    data = marked()
    own = data.ratings.iloc[[0]].assign(
        employee_id="r00001", subject_id="r00001", rater_id="r00000", rationale="Prima mens"
    )
    data = replace(data, ratings=pd.concat([data.ratings, own], ignore_index=True))
    assert "Prima mens" not in texts(pack_of(data))["r00001"]
