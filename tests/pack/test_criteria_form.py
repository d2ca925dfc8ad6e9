"""The criterion clinic in a pack: first the form itself, then how it is used."""

from __future__ import annotations

from dataclasses import replace

from pipeline.store import SessionData

from .conftest import MakePack, Shape, session_data


def with_container_word() -> SessionData:
    """Return a session with a criterion that is a container word, and one without any anchor."""
    data = session_data()
    criteria = data.criteria.astype({"label_en": "object"})
    criteria.loc[0, ["label_en", "anchor_3_nl", "anchor_5_nl"]] = ["Proactive & <b>", None, None]
    return replace(data, criteria=criteria.astype({"label_en": "str"}))


def test_the_form_comes_before_its_use(pack_of: MakePack) -> None:
    """Unclear words and missing anchors are said, with the question they raise; escaped."""
    html = str(pack_of(with_container_word()).criteria().html)
    assert "Proactive &amp; &lt;b&gt; is described by words" in html
    assert "“proactive”" in html
    assert "Criterion c2 has no behaviour described at 1, 2 and 4." in html
    assert html.index("The form itself") < html.index("The criteria side by side")


def test_every_pair_has_an_interval_or_a_reason(pack_of: MakePack) -> None:
    """Three criteria are three pairs; a reason that holds for all is said once."""
    html = str(pack_of().criteria().html)
    assert "How alike two criteria are rated, within raters" in html
    few = str(pack_of(Shape(n_people=6, n_raters=2)).criteria().html)
    assert few.count("Too few were rated on both criteria.") == 1


def test_many_criteria_are_said(pack_of: MakePack) -> None:
    """Six are one too many."""
    assert "6 criteria; above 5" in str(pack_of(Shape(n_criteria=6)).criteria().html)


def test_the_organisation_reads_the_clinic(pack_of: MakePack) -> None:
    """It is about the form, which everybody is rated with, and about nobody."""
    html = str(pack_of(audience="organisation").criteria().html)
    assert "The form itself" in html
