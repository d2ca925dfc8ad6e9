"""How texts, numbers and dates are written in a reader's language.

The English text is the key; `<language>/messages.po` holds its translation. Any gettext editor
reads these files; they are read as they are, without a compile step.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.messages import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from pipeline.errors import Message, msg

LANGUAGES = ("nl", "en")
NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


@lru_cache
def _catalogue(code: str) -> Catalog:
    path = Path(__file__).parent / code / "messages.po"
    if not path.exists():
        return Catalog(locale=code)  # English: the keys are the texts
    with path.open("rb") as file:
        return read_po(file, locale=code)


@dataclass(frozen=True)
class Language:
    """One language, ``"nl"`` or ``"en"``: its sentences and how it writes numbers and dates."""

    code: str

    @property
    def _locale(self) -> str:
        return "en_GB" if self.code == "en" else self.code

    def gettext(self, text: str) -> str:
        """Return the translation of ``text``, or ``text`` itself where there is none."""
        found = _catalogue(self.code).get(text)
        return str(found.string) if found is not None and found.string else text

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return the translation that fits the count ``n``."""
        found = _catalogue(self.code).get(singular)
        if found is not None and isinstance(found.string, tuple | list) and all(found.string):
            return str(found.string[0 if n == 1 else 1])
        return singular if n == 1 else plural

    def say(self, message: Message | str, **values: object) -> str:
        """Write a message in this language; its numbers and dates too."""
        if isinstance(message, str):
            message = Message(message, values)
        if message.plural is not None:
            count = message.values["n"]
            text = self.ngettext(
                message.text, message.plural, count if isinstance(count, int) else 2
            )
        else:
            text = self.gettext(message.text)
        return text.format(**{name: self._write(value) for name, value in message.values.items()})

    def _write(self, value: object) -> str:
        if isinstance(value, Message):
            return self.say(value)
        if isinstance(value, bool | str):
            return str(value)
        if isinstance(value, int):
            return self.whole(value)
        if isinstance(value, float):
            return self.number(value)
        if isinstance(value, dt.date):
            return self.date(value)
        return str(value)

    def number(self, value: float, decimals: int = 2) -> str:
        """Write a number with a fixed count of decimals; minus as a real minus sign."""
        rounded = round(float(value), decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return format_decimal(rounded, pattern, locale=self._locale).replace("-", MINUS)

    def signed(self, value: float, decimals: int = 2) -> str:
        """Write a number with its sign, plus included."""
        text = self.number(value, decimals)
        return f"+{text}" if round(float(value), decimals) > 0 else text

    def whole(self, value: int) -> str:
        """Write a whole number with the language's thousands mark."""
        return format_decimal(value, "#,##0", locale=self._locale).replace("-", MINUS)

    def percent(self, share: float, decimals: int = 0) -> str:
        """Write a share of 0–1 as a percentage."""
        pattern = "0" + ("." + "0" * decimals if decimals else "") + "%"
        return format_percent(share, pattern, locale=self._locale).replace("-", MINUS)

    def date(self, value: dt.date, style: str = "long") -> str:
        """Write a date as this language does."""
        return format_date(value, style, locale=self._locale)

    def moment(self, value: dt.datetime) -> str:
        """Write a date with its time."""
        return format_datetime(value, "d MMMM yyyy HH:mm", locale=self._locale)

    def join(self, texts: list[str]) -> str:
        """Join texts as a sentence does: a, b and c."""
        if len(texts) < 2:
            return "".join(texts)
        together = self.say(msg("and"))
        return f"{', '.join(texts[:-1])} {together} {texts[-1]}"
