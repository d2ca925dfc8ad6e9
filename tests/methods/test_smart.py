"""What a goal lacks: each rule by itself, in both languages."""

from __future__ import annotations

import tomllib

import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.locale.words import word_lists
from pipeline.methods.smart import CHECKS, Smart, estimate_smart
from support import REPOSITORY


def check(
    text: str, *, measure: str | None = "four talks", due: str | None = "2026-03-01",
    owner: str | None = "m1",
) -> Smart:  # fmt: skip
    """Check one action."""
    rows = pd.DataFrame(
        {"text": [text], "measure": [measure], "due_on": pd.to_datetime([due]), "owner_id": [owner]}
    )
    return estimate_smart(rows, words=word_lists())


def missing(found: Smart) -> tuple[str, ...]:
    """Return what the only action lacks."""
    return tuple(found.actions["missing"].iloc[0])


@pytest.mark.parametrize(
    "text",
    [
        "Write down one quotation beside each score",
        "Practise the summary with two advisers",
        "Call every customer back within two days",
        "In tien gesprekken de emotie van de klant benoemen",
        "Bij elke score een letterlijk citaat opschrijven",
        "Elke leidinggevende legt per kwartaal een voorbeeld vast",
    ],
)
def test_a_goal_that_says_what_will_be_done_lacks_nothing(text: str) -> None:
    """A verb, an object, a measure, a date and an owner."""
    found = check(text)
    assert missing(found) == ()
    assert found.n_complete == 1


@pytest.mark.parametrize(
    "text",
    [
        "Communication",
        "Better communication within the team",
        "Be more proactive with our customers",
        "Show ownership in every meeting",
        "Betere communicatie met het team",
        "Meer eigenaarschap tonen en dit delen",
        "Oefenen met samenvatten",
        "",
    ],
)
def test_few_words_no_deed_or_a_container_word_are_not_specific(text: str) -> None:
    """And nothing else is found missing."""
    assert missing(check(text)) == ("specific",)


def test_the_container_words_are_told() -> None:
    """So that everybody can check why."""
    assert check("Write a proactive plan with ownership").actions["words"].iloc[0] == (
        "proactive",
        "ownership",
    )


def test_a_measure_without_an_amount_does_not_measure() -> None:
    """Nor does none; an amount in the text itself does."""
    text = "Share the notes with the team"
    assert missing(check(text, measure="people are happy")) == ("measurable",)
    assert missing(check(text, measure=None)) == ("measurable",)
    assert missing(check("Share the notes with the team twice", measure=None)) == ()
    assert missing(check(text, measure="NPS 40")) == ()


def test_date_and_owner_are_looked_at() -> None:
    """Blanks are no owner."""
    text = "Share the notes with the team"
    assert missing(check(text, due=None)) == ("dated",)
    assert missing(check(text, owner=" ")) == ("owned",)
    assert missing(check(text, measure=None, due=None, owner=None)) == CHECKS[1:]


def test_what_is_missing_is_counted() -> None:
    """Per check, and the rows keep their order, index and columns."""
    rows = pd.DataFrame(
        {
            "text": ["Share the notes with the team", "Communication"],
            "measure": ["4", None],
            "due_on": pd.to_datetime(["2026-03-01", None]),
            "owner_id": ["m1", "m2"],
            "status": ["open", "done"],
        },
        index=[7, 3],
    )
    found = estimate_smart(rows, words=word_lists())
    assert found.counts == {"specific": 1, "measurable": 1, "dated": 1, "owned": 0}
    assert found.actions.index.tolist() == [7, 3]
    assert found.actions["status"].tolist() == ["open", "done"]
    assert "missing" not in rows


def test_the_goals_of_the_invented_company_pass_but_one() -> None:
    """The one that rewrites the criterion Proactive holds a container word and no amount."""
    texts = tomllib.loads(
        (REPOSITORY / "pipeline/sample/texts_nl.toml").read_text(encoding="utf-8")
    )
    marked = {
        one["text"]: missing(check(one["text"], measure=one["measure"]))
        for one in (*texts["smart"], *texts["action"])
    }
    assert [text for text, lacks in marked.items() if lacks] == [
        "Criterium Proactief herschrijven naar waarneembaar gedrag"
    ]


def test_no_actions_have_a_reason() -> None:
    """Nothing to check."""
    with pytest.raises(NotEstimable):
        estimate_smart(
            pd.DataFrame(columns=["text", "measure", "due_on", "owner_id"]), words=word_lists()
        )
