"""What is missing beside a rating: found by words that everybody can check."""

from __future__ import annotations

import tomllib

import pandas as pd
import pytest

from pipeline.errors import NotEstimable
from pipeline.locale.words import Words, pattern_of, word_lists
from pipeline.methods.rationales import GAPS, Rationales, estimate_rationales
from pipeline.settings import WordSettings
from support import REPOSITORY

STARTS, ENDS = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-12-31")
NONE = pd.DataFrame({"employee_id": pd.Series(dtype="str"), "dated_on": pd.Series(dtype="M8[us]")})


def read(*texts: str | None, evidence: pd.DataFrame = NONE, **options: object) -> Rationales:
    """Return what is missing, one rating by one rater per text."""
    ratings = pd.DataFrame(
        {
            "employee_id": [f"p{i}" for i in range(len(texts))],
            "subject_id": [f"p{i}" for i in range(len(texts))],
            "rater_id": "r1",
            "rationale": pd.Series(texts, dtype="str"),
        }
    )
    given = {"words": word_lists(), "starts_on": STARTS, "ends_on": ENDS, **options}
    return estimate_rationales(ratings, evidence=evidence, **given)  # type: ignore[arg-type]  # options of the test


def dated(*days: str) -> pd.DataFrame:
    """Return evidence about the first person."""
    return pd.DataFrame({"employee_id": "p0", "dated_on": pd.to_datetime(list(days))})


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        (None, "none"),
        ("  ", "none"),
        ("Hij doet het gewoon goed.", "vague"),
        ("Does a really good job.", "vague"),
        ("Erg proactieve collega met eigenaarschap.", "container"),
        ("A flexible team player.", "container"),
        ("Op niveau.", "no_act"),
        ("Belde de klant zelf terug.", "undated"),
        ("Called the customer back unasked.", "undated"),
        ("Belde in maart drie klanten terug.", "complete"),
        ("Called three customers back on 3-4-2026.", "complete"),
        ("Proactief: belde in week 12 elke klant.", "complete"),
        ("Doet het goed: meldde in mei een storing.", "complete"),
    ],
)
def test_what_is_missing_first(text: str | None, gap: str) -> None:
    """The rule in the module's own words, in both languages."""
    assert read(text).ratings["gap"].tolist() == [gap]


def test_the_words_are_shown_as_they_were_written() -> None:
    """So that the writer finds them in the text."""
    found = read("Zeer Proactieve houding, echt eigenaarschap.").ratings
    assert found["words"].tolist() == [("Proactieve", "eigenaarschap")]


def test_words_are_matched_on_their_forms_and_not_inside_others() -> None:
    """No "top" in "stopt", and a star reaches over endings only."""
    pattern = pattern_of(("top", "proacti*"))
    assert pattern.findall("stopt topper proactiviteit onproactief") == ["proactiviteit"]


def test_dated_evidence_about_the_person_counts_as_a_date() -> None:
    """Only evidence within the cycle."""
    text = "Belde de klant zelf terug."
    assert read(text, evidence=dated("2026-05-01")).ratings["gap"].tolist() == ["complete"]
    assert read(text, evidence=dated("2025-05-01")).ratings["gap"].tolist() == ["undated"]


def test_a_conversation_is_its_own_occasion() -> None:
    """When it was is known."""
    assert read("Vat de vraag samen.", own_occasion=True).ratings["gap"].tolist() == ["complete"]


def test_the_spread_counts_quarters_of_the_cycle() -> None:
    """Three pieces in two quarters; without dates of the cycle it is not known."""
    evidence = dated("2026-01-01", "2026-02-01", "2026-12-31")
    row = read("x", evidence=evidence).ratings.iloc[0]
    assert (row["n_evidence"], row["n_quarters"]) == (3, 2)
    unknown = read("x", evidence=evidence, starts_on=None).ratings.iloc[0]
    assert unknown["n_evidence"] == 3
    assert pd.isna(unknown["n_quarters"])


def test_rationales_of_one_rater_about_one_person_are_read_together() -> None:
    """One criterion with an example is enough; another rater has to write one too."""
    ratings = pd.DataFrame(
        {
            "employee_id": "p0",
            "subject_id": "p0",
            "rater_id": ["r1", "r1", "r2"],
            "rationale": ["Prima collega.", "Belde in maart de klant.", "Prima collega."],
        }
    )
    found = estimate_rationales(ratings, evidence=NONE, words=word_lists())
    assert found.ratings["gap"].tolist() == ["complete", "vague"]
    assert found.raters["n"].tolist() == [1, 1]
    assert found.counts["complete"] == 1
    assert sum(found.counts.values()) == len(found.ratings)


def test_no_ratings_is_no_answer() -> None:
    """And not a count of nought."""
    with pytest.raises(NotEstimable):
        read()


def test_planted_texts_are_told_apart() -> None:
    """Vague texts of the invented company never pass; its examples of behaviour mostly do."""
    toml = tomllib.loads((REPOSITORY / "pipeline/sample/texts_nl.toml").read_text("utf-8"))
    vague = [*toml["rationale"]["vague"], *toml["conversation"]["vague"]]
    found = read(*vague).ratings["gap"]
    assert set(found) <= {"vague", "container", "no_act"}
    assert found.isin(["vague", "container"]).mean() == 1
    seen = [*toml["conversation"]["good"], *toml["conversation"]["bad"]]
    assert read(*seen, own_occasion=True).ratings["gap"].eq("complete").mean() >= 0.9


def test_the_lists_can_be_changed_in_the_settings() -> None:
    """A word added is found, a word dropped is not."""
    own = WordSettings(container=("duurza*",), dropped=("eigenaarschap",)).lists
    assert read("Duurzaam en eigenaarschap.", words=own).ratings["words"].tolist() == [
        ("Duurzaam",)
    ]


def test_empty_lists_mark_nothing_as_vague() -> None:
    """Without words there is no rule, so no act is found either."""
    assert read("Doet het goed.", words=Words()).ratings["gap"].tolist() == ["no_act"]


def test_every_rating_has_one_gap() -> None:
    """The counts add up, whatever the text."""
    found = read("=1+1", "<b>x</b>", "\\d+(", "a" * 10_000, None)
    assert set(found.ratings["gap"]) <= set(GAPS)
    assert int(found.raters["n"].iloc[0]) == 5
