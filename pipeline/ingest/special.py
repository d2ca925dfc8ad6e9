"""Columns that may not come in: special categories of personal data, told by their name.

GDPR article 9 (special categories), article 10 (criminal records), article 87 with the Dutch
implementation act, article 46 (citizen service number). The file itself must not hold them, used
or not, so the whole file is refused. Names are compared word by word ("grasmaaien" is not "ras").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from pipeline.errors import Message, msg


@dataclass(frozen=True)
class _Category:
    reason: Message
    words: frozenset[str]
    """Whole words, and names written without spaces."""
    starts: tuple[str, ...]
    """Beginnings of compounds, where no other word begins like it."""


def _category(reason: Message, words: str, starts: str = "") -> _Category:
    return _Category(reason, frozenset(words.split()), tuple(starts.split()))


CATEGORIES = (
    _category(
        msg("ethnic origin"),
        "ethnicity ethnic race racial nationality nationaliteit nationaliteiten afkomst ras "
        "huidskleur skincolour skincolor herkomst geboorteland geboorteplaats countryofbirth "
        "placeofbirth birthcountry birthplace",
        "etnicit etnisch migratieachtergrond",
    ),
    _category(
        msg("health"),
        "health illness sick sickness sickleave absence absences absenteeism disability disabled "
        "disabilities medical medication diagnosis diagnose pregnancy pregnant allergy allergie "
        "ziek ziektes zwanger wia wao wga wajong handicap handicaps",
        "gezondheid ziekte ziekmeld ziekdag ziekverzuim verzuim gehandicapt medisch medicatie "
        "zwangerschap arbeidsongeschikt arbeidsbeperk arbohist reintegratie",
    ),
    _category(
        msg("religion or belief"),
        "religion religious religie religieus religieuze geloof faith belief beliefs kerk church",
        "geloofsovertuig kerkelijk kerkgenootschap godsdienst levensovertuig levensbeschouw",
    ),
    _category(
        msg("trade union membership"),
        "union unionmember unionmembership tradeunion tradeunionmembership",
        "vakbond vakvereniging",
    ),
    _category(
        msg("political opinion"),
        "political politics politicalopinion partijlidmaatschap kiesvoorkeur",
        "politiek",
    ),
    _category(
        msg("sexual orientation or sex life"),
        "sexual sexuality sexualorientation sexlife geaardheid lgbt lgbtq lhbt lhbti lhbtiq",
        "seksuel seksueel seksualiteit",
    ),
    _category(msg("biometric data"), "fingerprint fingerprints faceprint", "biometri vingerafdruk"),
    _category(msg("genetic data"), "genetic genetics dna genome", "genetisch erfelijk"),
    _category(
        msg("criminal records"),
        "criminal conviction convictions criminalrecord veroordeling veroordelingen",
        "strafblad strafrecht strafbare",
    ),
    _category(
        msg("the citizen service number"),
        "bsn bsnnr bsnnummer burgerservicenummer burgerservicenr sofinummer sofinr ssn "
        "citizenservicenumber socialsecuritynumber",
    ),
)


def words_of(name: str) -> list[str]:
    """Split a column name into lower-case words, without accents."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", plain)]


def special_category(name: str) -> Message | None:
    """Return what a column of this name would tell about people, or nothing."""
    words = words_of(name)
    # "Skin colour", "burger service nummer": neighbours are also read as one word
    joined = [a + b for a, b in pairwise(words)]
    joined += [a + b + c for a, b, c in zip(words, words[1:], words[2:], strict=False)]
    for category in CATEGORIES:
        if any(word in category.words or word.startswith(category.starts) for word in words):
            return category.reason
        if any(word in category.words or word.startswith(category.starts) for word in joined):
            return category.reason
    return None


_PAY = (
    "pay wage wages salary salaries earnings remuneration compensation bonus bonuses bonussen "
    "commission salaris salarissen brutosalaris nettosalaris basissalaris maandsalaris "
    "jaarsalaris salarisschaal salarisverhoging loon lonen uurloon dagloon weekloon maandloon "
    "jaarloon basisloon brutoloon nettoloon loonsom loonschaal loonkosten inkomen beloning "
    "beloningen gratificatie gratificaties provisie winstuitkering winstdeling "
    "eindejaarsuitkering vakantiegeld"
)
_PAY_WORDS = frozenset(_PAY.split())
"""Whole words: who pays others for a living has results too ("loonstroken zonder fout")."""


def tells_pay(name: str) -> bool:
    """Tell whether a result of this name is somebody's pay."""
    return not _PAY_WORDS.isdisjoint(words_of(name))
