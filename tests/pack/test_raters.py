"""What a pack says about raters: names by the rule of flags, ways of rating, ways to link."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from pipeline.methods.flags import Flags
from pipeline.methods.linking import Linking
from pipeline.methods.nested import Nested
from pipeline.methods.reliability import Reliability
from pipeline.methods.severity import Severity
from pipeline.pack.sections.findings import found
from pipeline.pack.sections.severity import _in_words, flagged
from pipeline.pack.sections.ways import typical
from pipeline.store import SessionData

from .conftest import MakePack, Shape, session_data
from .test_sessions import text_of

NESTED, UNLINKED = Shape(second=False), Shape(groups=2, n_raters=6)
CONVERSATION = Shape(kind="conversation", n_people=12)
PLANTED = Shape(n_people=40)


@cache
def planted() -> SessionData:
    """Return a session with a strict rater (r00001) and one with halo (r00002)."""
    data = session_data(PLANTED)
    ratings = data.ratings.copy()
    strict = ratings["rater_id"].eq("r00001")
    ratings.loc[strict, "score"] = (ratings.loc[strict, "score"] - 1.2).clip(1, 5)
    halo = ratings["rater_id"].eq("r00002")
    first = ratings[halo].groupby("subject_id")["score"].transform("first")
    ratings.loc[halo, "score"] = first
    return replace(data, ratings=ratings)


@pytest.mark.parametrize("shape", [Shape(), NESTED, UNLINKED, CONVERSATION])
@pytest.mark.parametrize("cut", [{}, {"audience": "organisation"}, {"audience": "manager"}])
def test_every_cut_of_every_shape_has_a_part_about_raters(
    pack_of: MakePack, shape: Shape, cut: dict[str, str]
) -> None:
    """No shape or cut breaks the part in either language; no number is missing in a sentence."""
    options = cut | ({"viewer_id": "r00001"} if cut.get("audience") == "manager" else {})
    for language in ("en", "nl"):
        pack = pack_of(shape, language, **options)
        part = pack.severity() if shape is CONVERSATION else pack.raters()
        text = text_of(str(part.html))
        assert not {"nan", "inf", "None"} & set(re.findall(r"\w+", text))
        assert "{" not in text


def test_raters_are_named_by_the_rule_of_flags(pack_of: MakePack) -> None:
    """Who is named is who is flagged, with the trials that the name survived."""
    pack = pack_of(planted())
    flags = pack.context.analysis.flags
    assert isinstance(flags, Flags)
    assert "r00001" in set(flagged(pack.context)["rater_id"])
    html = str(pack.raters().html)
    named = html[html.index("Stricter raters") :].split("</table>")[0]
    assert "Beoordelaar 1" in named
    assert re.search(r"\d of \d", named)


def test_nobody_named_is_said_with_what_it_does_not_show(pack_of: MakePack) -> None:
    """Without a name the sentence of the rule stands."""
    pack = pack_of(planted())
    flags = pack.context.analysis.flags
    assert isinstance(flags, Flags)
    silent = replace(flags, raters=flags.raters.assign(flagged=False), n_flagged=0)
    analysis = replace(pack.context.analysis, flags=silent)
    view = replace(pack.context.view, analysis=analysis)
    quiet = replace(pack, context=replace(pack.context, view=view))
    html = str(quiet.raters().html)
    assert quiet.context.say(flags.sentence) in text_of(html)
    assert "Stricter raters" not in html


def test_what_is_known_of_each_severity_stands_beside_what_is_shared(pack_of: MakePack) -> None:
    """With its interval, per rater; not in the organisation's pack."""
    pack = pack_of(planted())
    found = pack.context.analysis.reliability
    assert isinstance(found, Reliability)
    html = str(pack.raters().html)
    table = text_of(html[html.index("Raters and what they share") :].split("</table>")[0])
    for row in found.raters.to_dict("records"):
        low, high = (pack.context.percent(row[f"precision_{end}"]) for end in ("low", "high"))
        assert f"{pack.context.percent(row['precision'])} {low} to {high}" in table
    five = session_data(Shape(n_raters=6, n_people=60))
    shown = pack_of(five, audience="organisation").context.analysis.reliability
    assert isinstance(shown, Reliability)
    assert shown.raters.empty


def test_the_figure_of_severity_is_told_as_one_says_it(pack_of: MakePack) -> None:
    """One rater is named, several are; of nobody it is not said that none are."""
    pack = pack_of(planted())
    found = pack.context.analysis.severity
    assert isinstance(found, Severity)
    assert "1 of them is named" in _in_words(pack.context, found, 1)
    assert "3 of them are named" in _in_words(pack.context, found, 3)
    assert "named" not in _in_words(pack.context, found, 0)
    alone = replace(found, raters=found.raters.iloc[:1])
    assert "Severity of 1 rater, from" in _in_words(pack.context, alone, 0)


def test_a_number_for_the_department_has_its_interval(pack_of: MakePack) -> None:
    """No number of what was looked at stands alone; without an upper end only the least is told."""
    context = pack_of(planted()).context
    html = str(pack_of(planted()).raters().html)
    table = text_of(html[html.index("What was looked at") :].split("</table>")[0])
    assert "seen per rater only" in table
    assert len(re.findall(r"typically|differences between single", table)) >= 2
    assert not re.search(r"typically [\d.]+ points (?!\(|or more)", table)
    assert typical(context, 0.3, 0.1, float("inf")) == "typically 0.10 points or more"
    assert typical(context, 0.3, 0.1, 0.5) == "typically 0.30 points (0.10 to 0.50)"


def test_what_stands_out_is_a_question_with_an_interval(pack_of: MakePack) -> None:
    """The rater with halo is in the table, with effect, interval and what to ask."""
    pack = pack_of(planted())
    halo = [one for one in found(pack.context) if one.question == "halo"]
    assert [one.rater_id for one in halo] == ["r00002"]
    assert re.fullmatch(r"\d+% to \d+%", halo[0].interval)
    html = str(pack.raters().html)
    table = html[html.index("What stands out") :].split("</table>")[0]
    assert "Beoordelaar 2" in table
    assert halo[0].ask in table
    assert "Ask " in str(pack.summary().html)


def test_every_question_says_how_many_were_looked_at(pack_of: MakePack) -> None:
    """That nothing was found is said with how many raters were looked at."""
    assert "4 raters looked at, nothing found" in text_of(str(pack_of(planted()).raters().html))


def test_outside_the_session_only_numbers_of_the_whole_remain(pack_of: MakePack) -> None:
    """The organisation's pack counts no findings and names no scale point that is rare."""
    text = text_of(str(pack_of(Shape(n_raters=6), audience="organisation").raters().html))
    assert "Ways of rating" in text
    assert "looked at, " not in text
    assert "How hard each step" not in text
    assert "Beoordelaar" not in text


def test_raters_who_share_nobody_are_shown_each_on_its_own(pack_of: MakePack) -> None:
    """Means with intervals, no order across groups, no adjusted score."""
    pack = pack_of(NESTED)
    nested = pack.context.analysis.nested
    assert isinstance(nested, Nested)
    html = str(pack.raters().html)
    text = text_of(html)
    assert "Across groups there is no order." in text
    assert "Nothing is adjusted" in text
    table = html[html.index("What each rater gave") :].split("</table>")[0]
    assert table.count("<tr") == 1 + len(nested.groups)
    for bound in ("at_half", "at_one", "bound"):
        assert bound not in html


def test_the_remedy_is_what_linking_works_out(pack_of: MakePack) -> None:
    """The banner gives the plan with its worth; the table every plan; the fold who rates whom."""
    pack = pack_of(NESTED)
    linking = pack.context.analysis.linking
    assert isinstance(linking, Linking)
    text = text_of(str(pack.raters().html))
    assert "What would help: each rater also rates" in text
    assert "What extra ratings would buy" in text
    first = linking.proposals[linking.proposals["round"].eq(1)].iloc[0]
    assert pack.context.person(first["subject_id"]) in text
    alone = text_of(str(pack_of(Shape(n_people=9, n_raters=1, second=False)).raters().html))
    assert "a second rating for a quarter of the people" in alone


def test_sources_of_differences_have_names_and_intervals(pack_of: MakePack) -> None:
    """Shares come with what the ratings leave open, in plain words."""
    text = text_of(str(pack_of(planted()).raters().html))
    assert "The rater: severity" in text
    assert re.search(r"Raters needed per person .*about \d+ \(\d+ to ", text)


def test_reasons_are_gathered_in_one_fold(pack_of: MakePack) -> None:
    """What could not be estimated does not fill the page."""
    html = str(pack_of(NESTED).raters().html)
    assert html.count("What could not be estimated, and why") == 1
    assert text_of(html).count("not estimable") <= 1
