"""The one file an analyst edits, `workbench.toml`, read and checked.

Every setting has a default, so an empty file works. A value can also be given in the environment:
``CALIBRATE_STORE__URL``, ``CALIBRATE_PRIVACY__MINIMUM_GROUP``. A home is the folder that holds
`workbench.toml`, `data/` and `reports/` of one organisation.
"""

from __future__ import annotations

import os
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import WrongUse, msg
from pipeline.locale.words import Words, word_lists
from pipeline.tables import ANCHOR_POINTS, TABLES

REPOSITORY = Path(__file__).resolve().parents[1]
SETTINGS_FILE = "workbench.toml"

LanguageCode = Literal["nl", "en"]
Share = Annotated[float, Field(ge=0, le=1)]


class Audience(StrEnum):
    """Who reads a pack; `pipeline.privacy` knows what each may see."""

    ROOM = "room"
    MANAGER = "manager"
    ORGANISATION = "organisation"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    """Where the ratings are kept."""

    url: str = "sqlite:///data/workbench.sqlite"
    """SQLAlchemy address; a relative SQLite path is taken from the home folder."""


class ScaleSettings(_Section):
    """The rating scale."""

    low: float = 1
    high: float = 5
    step: float = Field(1, ge=0)
    """Distance between scores; 0 allows every value between low and high."""
    labels_nl: dict[int, str] = Field(
        default_factory=lambda: {
            1: "onvoldoende",
            2: "in ontwikkeling",
            3: "goed",
            4: "zeer goed",
            5: "uitmuntend",
        }
    )
    labels_en: dict[int, str] = Field(
        default_factory=lambda: {
            1: "insufficient",
            2: "developing",
            3: "good",
            4: "very good",
            5: "outstanding",
        }
    )

    @model_validator(mode="after")
    def _ordered(self) -> ScaleSettings:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        steps = (self.high - self.low) / self.step if self.step else 0.0
        if abs(steps - round(steps)) > 1e-9:
            raise ValueError("high must be a whole number of steps above low")
        return self

    @property
    def points(self) -> list[float]:
        """Every score of the scale, lowest first; only whole points where any value is allowed."""
        step = self.step or 1
        return [self.low + i * step for i in range(round((self.high - self.low) / step) + 1)]

    @property
    def top_from(self) -> float:
        """Lowest mean score that rounds to the highest point."""
        return self.high - (self.step or 1) / 2

    def label(self, point: float, language: str) -> str:
        """Return what a scale point is called, or an empty text."""
        labels = self.labels_nl if language == "nl" else self.labels_en
        return labels.get(int(point), "") if float(point).is_integer() else ""


class PackSettings(_Section):
    """How packs look."""

    organisation: str = ""
    language: LanguageCode = "nl"
    department_languages: dict[str, LanguageCode] = Field(default_factory=dict)
    """Language of a department where it differs."""
    reference_band: dict[int, tuple[Share, Share]] = Field(default_factory=dict)
    """Share of ratings expected per scale point, from–to; shown as "not a quota"."""


class SessionSettings(_Section):
    """Defaults of a session."""

    minutes: int = Field(90, ge=10, le=600)
    most_participants: int = Field(8, ge=2)
    minutes_per_case: tuple[float, float] = (2.0, 3.0)
    outlier_share: Share = 0.8
    """Share of the discussion time for people far from the rest."""
    listening_minutes: int = Field(5, ge=1, le=60)
    """Length of one conversation that is listened to."""


class PrivacySettings(_Section):
    """Smallest groups that may be shown; they can be raised, not lowered."""

    minimum_group: int = Field(5, ge=5)
    minimum_fairness: int = Field(10, ge=10)


class MethodSettings(_Section):
    """Thresholds of the methods."""

    level: float = Field(0.95, gt=0.5, lt=1)
    """Confidence level of every interval."""
    practical_difference: float = Field(0.3, gt=0)
    """Severity that matters in practice, in scale points."""
    minimum_shared: int = Field(3, ge=1)
    """Subjects that a rater must share to be comparable."""
    minimum_partners: int = Field(2, ge=1)
    """Other raters with whom a rater must share subjects to be comparable."""
    statsmodels_most_ratings: int = Field(600, ge=0)
    """Above this many ratings the crossed model is fitted by the workbench's own solver."""
    minimum_comparables: int = Field(5, ge=3)
    """People needed before a position among comparable people is shown."""
    false_discovery_rate: float = Field(0.10, gt=0, lt=0.5)
    """Largest share of wrong names among raters who are named."""
    tolerance: float = Field(0.5, gt=0)
    """Distance from the expert or panel that is within the norm, in scale points."""
    lower_is_better: tuple[str, ...] = ()
    """Metrics of the results table of which less is better."""


def _usable(entry: str) -> str:
    """Refuse an entry that would be found in every text, or take long to look for."""
    told = re.sub(r"\([^()]*\)", " ", entry)
    if "(" in told or ")" in told:
        raise ValueError(f"{entry!r}: a bracket is not closed, or stands within another")
    if len(re.sub(r"[\s*]", "", told)) < 2:
        raise ValueError(f"{entry!r}: expected two signs or more outside brackets")
    if re.search(r"\*[^\s|)]", entry):
        raise ValueError(f"{entry!r}: a star stands at the end of a word only")
    return " ".join(entry.split())


Entry = Annotated[str, Field(min_length=2, max_length=100), AfterValidator(_usable)]


class WordSettings(_Section):
    """Words by which texts are read, beside those in `pipeline/locale/*/words.toml`."""

    vague: tuple[Entry, ...] = ()
    """Phrases that judge without saying what was seen."""
    container: tuple[Entry, ...] = ()
    """Qualities that everybody fills in differently; a star stands for any ending."""
    act: tuple[Entry, ...] = ()
    """Verbs for what a bystander could have seen or heard."""
    moment: tuple[Entry, ...] = ()
    """Words for when it was."""
    deed: tuple[Entry, ...] = ()
    """Words for what somebody will do, in an action or a goal."""
    amount: tuple[Entry, ...] = ()
    """Words for how much or how often, in an action or a goal."""
    dropped: tuple[Annotated[str, Field(max_length=100)], ...] = ()
    """Entries of the lists, as they stand there, that are not used."""

    @property
    def lists(self) -> Words:
        """The lists with what is added and without what is dropped."""
        base, found = word_lists(), {}
        for name in ("vague", "container", "act", "moment", "deed", "amount"):
            every = (*getattr(base, name), *getattr(self, name))
            found[name] = tuple(word for word in every if word not in self.dropped)
        return Words(**found)


class FairnessSettings(_Section):
    """Groups that are compared, where that is lawful and agreed with the works council."""

    attributes: tuple[Literal["gender", "age", "tenure", "working_hours"], ...] = ()


class TalentSettings(_Section):
    """Sessions with the focus talent."""

    potential: tuple[str, ...] = ()
    """Criteria that say something about what somebody could do next; all others are performance."""


Told = Annotated[str, Field(max_length=600)]


class CardSettings(_Section):
    """What employees are told on the conversation card and on the page about the cycle."""

    objection_nl: Told = (
        "Bespreek het eerst met uw leidinggevende, het liefst binnen 14 dagen na dit gesprek. Komt"
        " u er samen niet uit, stuur uw bezwaar dan binnen 30 dagen na het gesprek naar"
        " Personeelszaken. Iemand die er niet bij betrokken was, bekijkt uw beoordeling opnieuw en"
        " hoort u; binnen 30 dagen krijgt u een schriftelijk antwoord met de redenen. Bezwaar maken"
        " heeft nooit nadelige gevolgen."
    )
    objection_en: Told = (
        "First discuss it with your manager, preferably within 14 days of this conversation. If you"
        " cannot settle it together, send your objection to Human Resources within 30 days of the"
        " conversation. Somebody who was not involved looks at your rating again and hears you;"
        " within 30 days you get an answer in writing, with the reasons. Objecting never has"
        " adverse consequences."
    )
    contact_nl: Told = "Vragen over deze ronde? Ga naar uw leidinggevende of naar Personeelszaken."
    contact_en: Told = "Questions about this cycle? Ask your manager or Human Resources."

    def objection(self, language: str) -> str:
        """Return how to object, in a language."""
        return self.objection_nl if language == "nl" else self.objection_en

    def contact(self, language: str) -> str:
        """Return whom to ask, in a language."""
        return self.contact_nl if language == "nl" else self.contact_en


class RetentionSettings(_Section):
    """Months that each artefact is kept; a proposal until your own policy is in the file."""

    calibration_pack: int = Field(1, ge=0)
    """Pack before the session, after the lock."""
    decision_form: int = Field(1, ge=0)
    """Filled-in form, after the lock: what it held is in the register."""
    preparation: int = Field(1, ge=0)
    """Preparation lists of managers, after the lock."""
    follow_up_pack: int = Field(12, ge=0)
    """After the session."""
    rater_sheet: int = Field(12, ge=0)
    """Private sheets of raters, after the session."""
    card: int = Field(24, ge=0)
    """Conversation cards, after the end of the cycle."""
    decision_register: int = Field(24, ge=0)
    """Texts of the decision register, after the end of the cycle."""


class ProgressSettings(_Section):
    """What happens between two sessions."""

    check_in_days: int = Field(90, ge=1, le=730)
    """Days without a check-in after which the next one is overdue."""


class RunSettings(_Section):
    """Limits of one pack."""

    jobs: int = Field(0, ge=0)
    """Packs made at the same time; 0 is one per processor core."""
    seconds: int = Field(300, ge=5)
    """Wall-clock limit of one pack."""
    memory_mb: int = Field(4096, ge=256)
    """Memory limit of one pack."""


class ClusterSettings(_Section):
    """Several machines; see docs/operations.md."""

    scheduler: str = ""
    """Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``; empty: this machine only."""


class OutputSettings(_Section):
    """Where packs and records are written."""

    url: str = ""
    """Folder, or an address for fsspec such as ``s3://bucket/reports``; empty: ``reports/``."""

    @field_validator("url")
    @classmethod
    def _plain_folder(cls, url: str) -> str:
        # a folder is written by ourselves, with its modes; fsspec would not set them
        return unquote(url.removeprefix("file://")) if url.startswith("file://") else url

    @property
    def is_address(self) -> bool:
        """Whether fsspec is needed to reach it."""
        return "://" in self.url


class ColumnSource(_Section):
    """Where a column comes from when its export has another name for it, or lacks it."""

    column: str | None = None
    """Name of the column in the export."""
    value: str | None = None
    """Constant for every row, where the export has no such column."""
    values: dict[str, str] = Field(default_factory=dict)
    """Values in the export (upper or lower case alike) and what they mean."""
    prefix: str = ""
    """Put before every value, where two kinds of people have the same numbers."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"column": data}
        if isinstance(data, dict):
            plain = dict(data)
            if isinstance(plain.get("value"), int | float | bool):
                plain["value"] = str(plain["value"])
            if isinstance(plain.get("values"), dict):
                plain["values"] = {str(k): str(v) for k, v in plain["values"].items()}
            return plain
        return data

    @model_validator(mode="after")
    def _one_source(self) -> ColumnSource:
        if self.column is not None and self.value is not None:
            raise ValueError("give either column or value")
        return self


class ImportTable(_Section):
    """How one table is read from exports: which files, which sheet, which columns."""

    files: str = ""
    """File name pattern such as ``*beoordelingen*``; empty: files named after the table."""
    sheet: str | None = None
    """Sheet of a workbook with several."""
    columns: dict[str, ColumnSource] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: Any) -> Any:
        # [import.ratings] employee_id = "Personeelsnummer" reads best flat
        if isinstance(data, dict) and "columns" not in data:
            own = {key: value for key, value in data.items() if key in ("files", "sheet")}
            rest = {key: value for key, value in data.items() if key not in own}
            return {**own, "columns": rest}
        return data


class Settings(BaseSettings):
    """Everything in `workbench.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="CALIBRATE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(default=REPOSITORY, exclude=True)
    store: StoreSettings = StoreSettings()
    scale: ScaleSettings = ScaleSettings()
    pack: PackSettings = PackSettings()
    session: SessionSettings = SessionSettings()
    privacy: PrivacySettings = PrivacySettings()
    methods: MethodSettings = MethodSettings()
    words: WordSettings = WordSettings()
    fairness: FairnessSettings = FairnessSettings()
    talent: TalentSettings = TalentSettings()
    card: CardSettings = CardSettings()
    retention: RetentionSettings = RetentionSettings()
    progress: ProgressSettings = ProgressSettings()
    run: RunSettings = RunSettings()
    cluster: ClusterSettings = ClusterSettings()
    output: OutputSettings = Field(
        default=OutputSettings(),
        # the section is called reports; `Settings.reports` is the folder
        validation_alias=AliasChoices("reports", "CALIBRATE_REPORTS"),
    )
    imports: dict[str, ImportTable] = Field(default_factory=dict, alias="import")

    @field_validator("imports")
    @classmethod
    def _known_tables(cls, imports: dict[str, ImportTable]) -> dict[str, ImportTable]:
        for table, mapping in imports.items():
            if table not in TABLES:
                raise ValueError(f"there is no table {table!r}; known are {', '.join(TABLES)}")
            unknown = set(mapping.columns) - set(TABLES[table].columns)
            if unknown:
                raise ValueError(f"table {table} has no column {', '.join(sorted(unknown))}")
        return imports

    @model_validator(mode="after")
    def _anchors_fit(self) -> Settings:
        if self.scale.low < ANCHOR_POINTS[0] or self.scale.high > 100:
            raise ValueError("scale: low must be 0 or more, high at most 100")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file (the file comes in as init values)."""
        return env_settings, init_settings

    @property
    def reports(self) -> Path:
        """Folder for what the workbench makes; with an address, for the locks of runs only."""
        return self.home / ("reports" if self.output.is_address else self.output.url or "reports")

    @property
    def data(self) -> Path:
        """Folder for what the workbench is given."""
        return self.home / "data"

    def language_of(self, department: str) -> LanguageCode:
        """Return the language of a department's packs."""
        return self.pack.department_languages.get(department, self.pack.language)


def read_settings(home: Path | str | None = None) -> Settings:
    """Read `workbench.toml` of a home folder.

    Parameters
    ----------
    home
        Folder with `workbench.toml`; the environment's ``CALIBRATE_HOME`` or the repository by
        default.

    Raises
    ------
    WrongUse
        The folder does not exist, the file is no TOML, or a setting has no sense.
    """
    folder = Path(home or os.environ.get("CALIBRATE_HOME") or REPOSITORY).resolve()
    if not folder.is_dir():
        raise WrongUse(msg("The home folder {folder} does not exist.", folder=str(folder)))
    path = folder / SETTINGS_FILE
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise WrongUse(
                msg("{file} is not valid TOML: {reason}.", file=str(path), reason=str(error))
            ) from None
    if "home" in values:
        raise WrongUse(
            msg("{file}: home is the folder that this file lies in; leave it out.", file=str(path))
        )
    try:
        return Settings(home=folder, **values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "workbench.toml"
        raise WrongUse(
            msg(
                "{file}: the setting {where} cannot be used: {reason}.",
                file=str(path),
                where=where,
                reason=str(first["msg"]),
            )
        ) from None
