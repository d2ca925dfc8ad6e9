"""What became of one pack, and the record of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import Message
from pipeline.run.files import Target
from pipeline.run.product import CALIBRATION, Product

MADE, FAILED, UNCHANGED = "made", "failed", "unchanged"


@dataclass(frozen=True)
class Outcome:
    """What became of one pack.

    Attributes
    ----------
    session_id, department, cycle, kind, audience
        Which pack.
    status
        ``"made"``, ``"failed"``, or ``"unchanged"``: there already, and still right.
    seconds
        Wall-clock time.
    made_at
        When the pack was made, in UTC.
    warnings
        Texts in the pack's language; they name nobody.
    n_cases
        Cases in the pack.
    not_estimable
        Names of the questions without an answer.
    error
        Why it failed; names nobody.
    key, organisation
        What the pack was made from; see `key`.
    content
        Digest of the file, which tells a pack of this record from any other.
    form
        Digest of the decision form as it was made; missing where there is none. What is written
        in it later does not make the pack another one.
    pages
        One digest of all pages for one person each; missing where there are none.
    product
        Which sort of pack.
    place
        Folder of the pack within reports/. Not recorded: the record lies there, and the records of
        a run name no reader.
    """

    session_id: str
    department: str
    cycle: str
    kind: str
    audience: str
    status: str
    seconds: float
    made_at: dt.datetime
    warnings: tuple[str, ...] = ()
    n_cases: int | None = None
    not_estimable: tuple[str, ...] = ()
    error: Message | str | None = None
    key: str = ""
    organisation: tuple[float, ...] = ()
    content: str | None = None
    form: str | None = None
    pages: str | None = None
    product: str = CALIBRATION.name
    place: str = ""

    def record(self) -> dict[str, Any]:
        """Return the outcome as plain values, to be kept."""
        plain = asdict(self)
        del plain["place"]
        plain["made_at"] = self.made_at.isoformat(timespec="seconds")
        plain["seconds"] = round(self.seconds, 2)
        plain["error"] = str(self.error) if self.error else None
        return plain

    @classmethod
    def unchanged(cls, record: dict[str, Any], place: str) -> Outcome:
        """Return the outcome of a pack that was left alone, from its record."""
        return cls(
            **{
                **record,
                "place": place,
                "status": UNCHANGED,
                "seconds": 0.0,
                "made_at": dt.datetime.fromisoformat(record["made_at"]),
                "warnings": tuple(record["warnings"]),
                "not_estimable": tuple(record["not_estimable"]),
                "organisation": tuple(record["organisation"]),
            }
        )


def content_of(page: str | bytes) -> str:
    """Return the digest of a file's content."""
    data = page.encode() if isinstance(page, str) else page
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_record(folder: Target, product: Product = CALIBRATION) -> dict[str, Any] | None:
    """Return the record beside a pack; None where there is none that can be read."""
    try:
        found = json.loads((folder / product.record).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
