"""Dutch and English: complete, and with the same places to fill in."""

from __future__ import annotations

import datetime as dt
import string

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from pipeline.errors import msg, msgn
from pipeline.locale import Language
from support import REPOSITORY

KEYWORDS = {"msg": None, "msgn": (1, 2)}


def texts() -> dict[tuple[str, ...], str]:
    """Return every text of the package, and where it stands."""
    found = extract_from_dir(
        REPOSITORY / "pipeline", [("**.py", "python")], keywords=KEYWORDS, strip_comment_tags=True
    )
    return {
        (message,) if isinstance(message, str) else tuple(message): f"{file}:{line}"
        for file, line, message, _, _ in found
    }


def places(text: str) -> set[str]:
    """Return the names of the places in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_in_dutch_with_the_same_places() -> None:
    """No reader of a Dutch pack meets English, and no value gets lost in translation."""
    with (REPOSITORY / "pipeline/locale/nl/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="nl")
    missing, wrong = [], []
    for text, where in texts().items():
        entry = catalogue.get(text[0])
        translated = entry.string if entry else ""
        forms = (translated,) if isinstance(translated, str) else translated
        if not all(forms) or len(forms) != len(text) or (entry and entry.fuzzy):
            missing.append(f"{where}: {text[0]}")
        elif any(places(form) - {"n"} != places(text[-1]) - {"n"} for form in forms):
            wrong.append(f"{where}: {text[0]}")
    assert not missing, "\n".join(missing)
    assert not wrong, "\n".join(wrong)


def test_no_translation_is_left_over() -> None:
    """A text that is gone from the code is gone from the catalogue."""
    with (REPOSITORY / "pipeline/locale/nl/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="nl")
    used = {text[0] for text in texts()}
    kept = {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue if m.id}
    assert kept - used == set()


@pytest.mark.parametrize(
    ("code", "number", "percent", "date"),
    [
        ("nl", "1.234,50", "12%", "3 december 2026"),
        ("en", "1,234.50", "12%", "3 December 2026"),
    ],
)
def test_numbers_and_dates_follow_the_language(
    code: str, number: str, percent: str, date: str
) -> None:
    """A Dutch pack has a decimal comma and Dutch months."""
    language = Language(code)
    assert language.number(1234.5) == number
    assert language.percent(0.12).replace("\N{NO-BREAK SPACE}", "") == percent
    assert language.date(dt.date(2026, 12, 3)) == date


def test_minus_is_a_minus_and_zero_has_no_sign() -> None:
    """A value that rounds to zero is not written as -0,00."""
    assert Language("nl").number(-0.5, 1) == "\N{MINUS SIGN}0,5"
    assert Language("nl").number(-0.001) == "0,00"
    assert Language("en").signed(0.25) == "+0.25"
    assert Language("en").signed(0.001) == "0.00"


def test_values_in_a_sentence_are_written_in_its_language() -> None:
    """Numbers, counts and nested messages too."""
    sentence = msg("{a} and {b}", a=1.5, b=msgn("{n} day", "{n} days", 2))
    assert Language("en").say(sentence) == "1.50 and 2 days"


def test_lists_are_joined_as_a_sentence_does() -> None:
    """A, b and c."""
    assert Language("nl").join(["a", "b", "c"]) == "a, b en c"
    assert Language("en").join(["a", "b"]) == "a and b"
    assert Language("en").join(["a"]) == "a"
    assert Language("en").join([]) == ""
