"""The evidence gate in a pack: what is missing, in context, for whom it is meant."""

from __future__ import annotations

from dataclasses import replace

from pipeline.store import SessionData

from .conftest import MakePack, session_data


def with_rationale(text: str) -> SessionData:
    """Return a session in which every rating of one rater has this rationale."""
    data = session_data()
    ratings = data.ratings.copy()
    ratings.loc[ratings["rater_id"].eq("r00000"), "rationale"] = text
    return replace(data, ratings=ratings)


def test_the_room_reads_what_is_missing_in_its_context(pack_of: MakePack) -> None:
    """The words, the gap and what completes it; the text from data escaped."""
    html = str(pack_of(with_rationale("Doet het gewoon goed & <b>fijn</b>.")).gaps().html)
    assert "Evidence gate" in html
    assert "vague phrase" in html
    assert "“Doet het gewoon goed”" in html
    assert "&lt;b&gt;fijn&lt;/b&gt;" in html
    assert "What is missing, per rater, by name" in html


def test_an_act_in_the_text_is_enough(pack_of: MakePack) -> None:
    """A phrase beside an example is no gap."""
    text = "Doet het gewoon goed: meldde in maart de storing."
    html = str(pack_of(with_rationale(text)).gaps().html)
    assert "vague phrase" not in html


def test_a_manager_reads_the_own_ratings_only(pack_of: MakePack) -> None:
    """Nothing of what colleagues wrote, and no table of raters."""
    pack = pack_of(with_rationale("Prima collega."), audience="manager", viewer_id="r00001")
    html = str(pack.gaps().html)
    assert "Evidence gate" in html
    assert "Prima collega" not in html
    assert "per rater" not in html


def test_the_organisation_reads_none_of_it(pack_of: MakePack) -> None:
    """Texts about people do not leave the room."""
    html = str(pack_of(with_rationale("Prima collega."), audience="organisation").gaps().html)
    assert "Prima collega" not in html
    assert "per rater" not in html
