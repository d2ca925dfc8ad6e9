"""The departments of the invented organisation Wolkenveen: what each is like."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.sample.randomness import Stream

ORGANISATION = "Wolkenveen"
MAIL_DOMAIN = "wolkenveen.example.invalid"


@dataclass(frozen=True)
class Spec:
    """What a department is like.

    Parameters
    ----------
    name, size
        Its name and the number of people in service at the end of the last cycle.
    families
        Job family, metric of its results, target of that metric; no metric when empty.
    second_share
        Share of the employees whom a second rater rates too; 0 is the nested design.
    women
        Share of women.
    sites
        Sites, each with a head of its own.
    self_ratings
        Employees rate themselves too.
    conversations
        Conversations scored together in each cycle.
    manager_elsewhere
        Everybody reports to the head of `OUTSIDE`: one manager, from another department.
    focus
        Focus of its sessions.
    """

    name: str
    size: int
    families: tuple[tuple[str, str, float], ...]
    second_share: float = 0.0
    women: float = 0.49
    sites: int = 1
    self_ratings: bool = False
    conversations: int = 0
    manager_elsewhere: bool = False
    focus: str = "performance"


OUTSIDE = "Financiën"
"""Its head manages a department that has no manager."""
FACILITATING = "HR"
"""Facilitators come from here; its own session is facilitated by the head of `OUTSIDE`."""
FACILITATORS = 4
"""The first so many seats of staff facilitate."""

BASE: tuple[Spec, ...] = (
    Spec(
        "Klantcontact",
        64,
        (
            ("Klantadviseur", "Klanttevredenheid (0-100)", 78),
            ("Backoffice", "Zaken afgehandeld per week", 62),
        ),
        conversations=24,
        women=0.58,
    ),
    Spec(
        "Financiën",
        28,
        (("Administratie", "Facturen verwerkt per dag", 46), ("Control", "", 0)),
        second_share=1.0,
    ),
    Spec(
        "IT & Data",
        45,
        (
            ("Ontwikkeling", "Wijzigingen zonder herstel (%)", 88),
            ("Beheer", "Meldingen opgelost binnen afspraak (%)", 90),
            ("Data", "", 0),
        ),
        second_share=1.0,
        women=0.33,
    ),
    Spec(
        "Logistiek",
        70,
        (("Magazijn", "Orderregels per uur", 54), ("Transport", "Ritten op tijd (%)", 92)),
        women=0.3,
    ),
    Spec(
        "Verkoop",
        52,
        (
            ("Accountbeheer", "Omzet (duizend euro)", 640),
            ("Verkoop binnendienst", "Offertes omgezet (%)", 31),
        ),
        second_share=1.0,
        focus="reward",
    ),
    Spec(
        "HR",
        12,
        (("HR-advies", "", 0), ("Salarisadministratie", "Dossiers zonder correctie (%)", 96)),
        self_ratings=True,
        women=0.7,
    ),
    Spec("Juridische Zaken", 4, (("Juridisch advies", "", 0),), manager_elsewhere=True),
    Spec(
        "Productie",
        150,
        (
            ("Operator", "Eenheden per dienst", 410),
            ("Onderhoud", "Storingen binnen een dag verholpen (%)", 84),
            ("Kwaliteitscontrole", "Keuringen per week", 120),
        ),
        second_share=0.3,
        women=0.42,
    ),
    Spec(
        "Marketing & Communicatie",
        38,
        (("Campagnes", "Campagnes op tijd (%)", 85), ("Redactie", "Publicaties per kwartaal", 18)),
        second_share=1.0,
        women=0.62,
        focus="talent",
    ),
    Spec(
        "R&D / Zuid",
        36,
        (("Onderzoek", "", 0), ("Productontwikkeling", "Mijlpalen op tijd (%)", 76)),
        second_share=1.0,
        women=0.4,
        focus="promotion",
    ),
    Spec(
        "Facilitair",
        40,
        (("Gebouwbeheer", "Storingen binnen afspraak (%)", 87), ("Receptie", "", 0)),
        second_share=1.0,
        sites=2,
    ),
)

_KINDS = (
    "Klantcontact",
    "Logistiek",
    "Productie",
    "Verkoop",
    "Onderhoud",
    "Zorg & Welzijn",
    "Vergunningen",
    "Inkoop",
    "Data & Advies",
    "Planning",
)
_PLACES = ("Noord", "Zuid", "Oost", "West", "Molenkade", "Zuiderhoek", "Oosterbrug", "Duinrand")
LOCATIONS = ("Molenkade", "Zuiderhoek")
"""Sites of the organisation."""


def extra_department(number: int, seed: int) -> Spec:
    """Make up a department beyond the base list; its number is in its name."""
    stream = Stream(seed, "extra", number)
    name = f"Afdeling {number + 1:04d} {stream.pick(_KINDS)} {stream.pick(_PLACES)}"
    families = stream.pick(BASE).families
    second = stream.weighted(((0.0, 5), (0.3, 3), (1.0, 2)))
    return Spec(name, stream.between(12, 70), families, second)
