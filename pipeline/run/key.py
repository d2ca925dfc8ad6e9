"""What a pack is made from, as one key: equal keys give equal packs, so the pack is left alone.

In the key: the rows of the session (`store.stamps`), the notebook, its parameters, the settings
that packs show or compute with, the code that makes packs, the lock file and the versions that are
installed.
Not in it: the score shares of the whole organisation, which every rating changes. They are kept
beside the key, and a pack is made again once they have moved visibly.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from pipeline.run.outcome import MADE, content_of
from pipeline.run.pages import mark_of_pages
from pipeline.run.plan import PackJob
from pipeline.run.product import CALIBRATION, FOLLOW_UP
from pipeline.settings import REPOSITORY, Audience, Settings
from pipeline.store import Store

PACKAGE = REPOSITORY / "pipeline"
NO_BEARING = ("__main__.py", "cli", "ingest", "run", "sample")
"""Parts of the package that decide which packs are made and when, not what is in them. Parameters
and title are in the key themselves."""
ELSEWHERE = {"store", "run", "imports", "cluster", "output"}
"""Settings that say where and how fast, not what."""
VISIBLE_SHIFT = 0.01
"""Change of a share that shows in a pack: a percentage point."""


def with_keys(settings: Settings, store: Store, jobs: Sequence[PackJob]) -> list[PackJob]:
    """Return the jobs with what each pack would be made from now."""
    sessions = [job.session for job in jobs]
    stamps = store.slice_stamps(sessions)
    after, locked = _after(store, jobs), store.locked_sessions()
    counts = store.organisation_counts(sessions)
    same = [code_stamp(), settings_stamp(settings)]
    points = settings.scale.points
    return [
        replace(
            job,
            key=_digest(
                [
                    *same,
                    notebook_stamp(job.notebook),
                    job.parameters.model_dump(mode="json", exclude={"home"}),
                    job.title,
                    stamps[job.session.session_id],
                    *after.get(job.place, ()),
                ]
            ),
            # what was decided rests on the pack as it was
            kept=job.product == CALIBRATION and job.session.session_id in locked,
            # a manager's pack shows nothing of the organisation, so its record does not either
            organisation=()
            if job.parameters.audience is Audience.MANAGER
            else _shares(counts[job.session.cycle, job.session.kind], points),
        )
        for job in jobs
    ]


def _after(store: Store, jobs: Sequence[PackJob]) -> dict[str, tuple[str]]:
    """Return, by place, what follow-up packs rest on beside the slice of their session."""
    later = [job for job in jobs if job.product == FOLLOW_UP]
    if not later:
        return {}
    stamps = store.outcome_stamps([job.session for job in later])
    return {job.place: (stamps[job.session.session_id],) for job in later}


def is_current(job: PackJob, record: Mapping[str, Any] | None, *, any_day: bool = False) -> bool:
    """Tell whether the pack that is there is the one that this job would make.

    Parameters
    ----------
    job
        With its key.
    record
        The record beside the pack. A pack of which the file and the record do not belong together
        (a run was killed between the two, or somebody edited it) is not current.
    any_day
        Whether a follow-up of another day will do: what is overdue changes from day to day.
    """
    if record is None or record.get("status") != MADE:
        return False
    if not job.kept and not _rests_on_the_same(job, record):
        return False
    if job.product == FOLLOW_UP and not any_day and not _of_today(record):
        return False
    try:
        if record.get("form") is not None and not (job.output.parent / job.product.form).exists():
            return False
        if record.get("pages") != mark_of_pages(job.output.parent, job.product.folders):
            return False
        return record.get("content") == content_of(job.output.read_bytes())
    except OSError:
        return False


def _of_today(record: Mapping[str, Any]) -> bool:
    try:
        made = dt.datetime.fromisoformat(record["made_at"])
    except (KeyError, TypeError, ValueError):
        return False
    return made.astimezone().date() == dt.date.today()


def _rests_on_the_same(job: PackJob, record: Mapping[str, Any]) -> bool:
    """Tell whether nothing that a pack shows has changed."""
    if record.get("key") != job.key:
        return False
    then = record.get("organisation")
    if not isinstance(then, list) or len(then) != len(job.organisation):
        return False
    # rounded, so that a shift of exactly a point does not depend on binary fractions
    moved = [round(abs(a - b), 6) for a, b in zip(then, job.organisation, strict=True)]
    return max(moved, default=0.0) < VISIBLE_SHIFT


@cache
def code_stamp() -> str:
    """Return a digest of the code that makes packs, and of what it runs on."""
    files = {_name(path): content_of(path.read_bytes()) for path in code_files()}
    return _digest([files, *_base()])


def code_files() -> list[Path]:
    """Return the files of the package that bear on what is in a pack."""
    return sorted(
        path
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.relative_to(PACKAGE).parts[0] not in NO_BEARING
    )


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _base() -> list[Any]:
    """Return the lock file and the versions that are really there, which may differ from it."""
    lock = REPOSITORY / "requirements.lock"
    installed = {}
    try:
        wanted = [Requirement(text) for text in requires("calibration-workbench") or []]
    except PackageNotFoundError:
        wanted = []
    for one in wanted:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            try:
                installed[one.name] = version(one.name)
            except PackageNotFoundError:
                continue
    locked = content_of(lock.read_bytes()) if lock.is_file() else None
    return [platform.python_version(), locked, installed]


@cache
def notebook_stamp(path: Path) -> str:
    """Return a digest of a notebook's cells; running it in JupyterLab does not change them."""
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    plain = [
        [cell.get("cell_type"), "".join(cell.get("source", "")),
         sorted(cell.get("metadata", {}).get("tags", []))]
        for cell in cells
    ]  # fmt: skip
    return _digest(plain)


def settings_stamp(settings: Settings) -> str:
    """Return a digest of the settings that packs show or compute with.

    The language is left out: that of each pack is among its parameters.
    """
    kept = settings.model_dump(mode="json", exclude=ELSEWHERE)
    pack = {
        name: value
        for name, value in kept["pack"].items()
        if name not in ("language", "department_languages")
    }
    return _digest({**kept, "pack": pack})


def _shares(counts: Mapping[float, int], points: Sequence[float]) -> tuple[float, ...]:
    """Return the share of scores at each point of the scale; a score counts for the nearest."""
    total = sum(counts.values())
    at = dict.fromkeys(points, 0)
    for score, n in counts.items():
        at[min(points, key=lambda point: abs(point - score))] += n
    return tuple(round(n / total, 6) if total else 0.0 for n in at.values())


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()
