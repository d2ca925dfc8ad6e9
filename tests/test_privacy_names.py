"""People in free texts: found however they are written, told apart, taken out."""

from __future__ import annotations

import time
import unicodedata
from itertools import product
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy.names import MASK, Names

NAMES = Names(
    [
        ("0012", "Zoë van Öosten"), ("0013", "Evers, Jeroen (extern)"), ("0014", "Bo Bos"),
        ("0015", "Maaike Jansen-Bakker"), ("0016", "Peter Bakker"), ("0017", None),
        ("A-18", "Jan op den Berg"), ("0019", "Rita Bakker"), ("0020", "Karin van Voor"),
        ("21", "王伟"), ("0022", "علي حسن"), ("0023", "Jan op den Berg"),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("ZOE VAN OOSTEN hielp", "0014", True),
        ("volgens mevrouw Öosten", "0014", True),
        ("Oostens voorstel", "0014", True),
        ("een koude oostenwind", "0014", False),
        ("zie dossier 0013", "0014", True),
        ("zie dossier 00134", "0014", False),
        ("Jeroen Evers zag het", "0014", True),
        ("overleg met evers", "0014", True),
        ("alleen extern werk", "0014", False),
        ("Bo Bos zag het", "0015", True),
        ("in het bos gewandeld", "0015", False),
        ("dossier a-18 gelezen", "0014", True),
        ("op de Berg", "0014", True),
        ("voor de klant", "0014", False),
        ("Zoë\N{SOFT HYPHEN} van Oos\N{ZERO WIDTH SPACE}ten", "0014", True),
        ("王伟的评分是四", "0014", True),
        ("سأل علي عن ذلك", "0014", True),
        ("Jeroen zag het", "0014", True),
        ("op de rita-manier", "0014", False),
        ("", "0014", False),
    ],
)
def test_somebody_else_is_found(text: str, own: str, found: bool) -> None:
    """By full name, surname of four letters or more, or number; not in the middle of a word."""
    assert NAMES.names_other(text, own) is found


def test_the_own_name_is_not_somebody_else() -> None:
    """Also where a colleague has the same surname; but the colleague's full name is."""
    assert not NAMES.names_other("Maaike Jansen-Bakker hielp", "0015")
    assert not NAMES.names_other("Bakker (0016) hielp", "0016")
    assert NAMES.names_other("Rita Bakker hielp", "0016")
    assert NAMES.names_other("0019 hielp", "0016")
    assert not NAMES.names_other("Dossier 0017", "0017")


@given(
    st.sampled_from(["Zoë van Öosten", "Jeroen Evers", "Bo Bos", "Öosten", "0013", "Berg"]),
    st.sampled_from([str.upper, str.lower, str.title, lambda t: unicodedata.normalize("NFD", t)]),
    st.text(alphabet=" .,;:()\n\t'\"/-", min_size=1, max_size=4),
    st.text(max_size=30),
)
def test_a_name_is_found_however_it_is_written(name: str, change, gap: str, rest: str) -> None:
    """Case, accents written in two signs, and whatever stands around it."""
    assert NAMES.names_other(f"{rest}{gap}{change(name)}{gap}{rest}", "0017")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Volgens Vries was het laat.", f"Volgens {MASK} was het laat."),
        ("anna de vries belde", f"{MASK} belde"),
        ("Ánna De Vries-Kort belde", f"{MASK} belde"),
        ("O'Neil's dossier", f"O'{MASK}'s dossier"),
        ("Anna's dossier, Vries’ dossier, Annas", f"{MASK}'s dossier, {MASK}’ dossier, {MASK}"),
        ("een kort gesprek over de norm", "een kort gesprek over de norm"),
        ("nummer 002220 en 7", f"nummer {MASK} en 7"),
        ("", ""),
    ],
)
def test_names_are_taken_out_by_rule(text: str, masked: str) -> None:
    """Whole names in any case, parts with a capital, numbers; small words stay."""
    names = Names([("002220", "Anna de Vries"), ("7", "Bas Kort"), ("000003", "Sean O'Neil")])
    assert names.masked(text) == masked


def test_texts_are_read_fast() -> None:
    """Ten thousand words with a thousand names take no time to speak of."""
    letters = ["".join(one) for one in product(ascii_lowercase, repeat=3)][:1000]
    names = Names((f"{i:06}", f"Bé{one} Gér{one}") for i, one in enumerate(letters))
    began = time.perf_counter()
    assert names.masked("woord é " * 10_000 + f"Ger{letters[7]}").endswith(MASK)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("text", "who", "found"),
    [
        ("Score van Peter Bakker", "0016", True),
        ("Score van 0016", "0016", True),
        ("Score van Bakker", "0016", False),
        # two of one name: neither reads what may be about the other
        ("Score van Jan op den Berg", "A-18", False),
        ("Score van Jan op den Berg (A-18)", "A-18", True),
        ("Uiterlijk 21 mei", "21", False),
    ],
)
def test_nobody_is_told_what_may_be_about_another(text: str, who: str, found: bool) -> None:
    """Only a full name or number that is nobody else's, and no count, tells whom it is about."""
    assert NAMES.names_only(text, who) is found


def test_a_short_number_still_names_somebody_to_others() -> None:
    """Withholding is stricter than telling: a number of two digits may be a person's."""
    assert NAMES.names_other("Meelopen · 21", "0014")


def test_a_name_is_taken_out_with_its_accents() -> None:
    """Accents written as signs of their own go with the word that they are on."""
    names = Names([("0001", "Zoë Öst")])
    assert (
        names.masked(unicodedata.normalize("NFD", "Door Zoë Öst gezien")) == f"Door {MASK} gezien"
    )
    assert names.masked("Door Z\N{ZERO WIDTH SPACE}oë gezien") == f"Door {MASK} gezien"
