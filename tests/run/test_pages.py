"""The preparation lists in a run: one private file per manager, gone when its reader is."""

from __future__ import annotations

import json

from pipeline.run.execute import make_here
from pipeline.run.key import is_current
from pipeline.run.outcome import MADE
from pipeline.run.plan import PackJob
from pipeline.run.product import CALIBRATION
from pipeline.settings import RunSettings
from support.jobs import GOOD, JobMaker

WITH_LISTS = """
display({{"application/vnd.calibration.pages+json": [
    {{"folder": "managers", "reader": reader, "title": "t",
      "sections": [["a", "A", "<p>&lt;b&gt; " + reader + "</p>"]]}}
    for reader in {readers}
]}}, raw=True)
"""


def cells(*readers: str) -> str:
    """Return the code of a notebook with lists for these readers."""
    return GOOD + WITH_LISTS.format(readers=list(readers)).strip()


def left(job: PackJob) -> set[str]:
    """Return the names of the lists that are there."""
    return {path.name for path in (job.output.parent / "managers").glob("*")}  # type: ignore[union-attr]


def record(job: PackJob) -> dict[str, object]:
    """Return the record beside a pack."""
    return dict(json.loads((job.output.parent / CALIBRATION.record).read_text(encoding="utf-8")))


def test_each_reader_gets_a_private_file(make_job: JobMaker, limits: RunSettings) -> None:
    """Named by a slug, so that no identifier leaves the folder; the record names nobody."""
    job = make_job(cells("000123", "../../etc"))
    outcome = make_here(job, limits)
    assert outcome.status == MADE, outcome.error
    names = left(job)
    assert "000123.html" in names
    assert len(names) == 2
    path = job.output.parent / "managers" / "000123.html"
    assert path.stat().st_mode & 0o777 == 0o600  # type: ignore[attr-defined]
    assert "&lt;b&gt; 000123" in path.read_text(encoding="utf-8")
    assert "000123" not in json.dumps(record(job))
    assert is_current(job, record(job))


def test_a_list_that_is_gone_or_edited_makes_the_pack_again(
    make_job: JobMaker, limits: RunSettings
) -> None:
    """Nobody gets an old list because the page itself is still right."""
    job = make_job(cells("m1", "m2"))
    make_here(job, limits)
    (job.output.parent / "managers" / "m1.html").write_text("x", encoding="utf-8")  # type: ignore[union-attr]
    assert not is_current(job, record(job))
    make_here(job, limits)
    assert is_current(job, record(job))
    (job.output.parent / "managers" / "m2.html").unlink()
    assert not is_current(job, record(job))


def test_a_page_of_somebody_else_is_left_alone(make_job: JobMaker, limits: RunSettings) -> None:
    """Whatever lies in the folder that was not made here stays, and makes no pack again."""
    job = make_job(cells("m1"))
    make_here(job, limits)
    folder = job.output.parent / "managers"
    for name in ("notes.html", "m1.txt"):
        (folder / name).write_text("<p>mine</p>", encoding="utf-8")
    assert is_current(job, record(job))
    make_here(make_job(cells("m2")), limits)
    assert left(job) == {"m2.html", "notes.html", "m1.txt"}
    make_here(make_job("raise KeyError"), limits)
    assert left(job) == {"notes.html", "m1.txt"}


def test_a_reader_who_left_has_no_list(make_job: JobMaker, limits: RunSettings) -> None:
    """And a pack that failed leaves none at all: they would not fit the data."""
    make_here(make_job(cells("m1", "m2")), limits)
    job = make_job(cells("m2"))
    make_here(job, limits)
    assert left(job) == {"m2.html"}
    failed = make_job("raise KeyError")
    make_here(failed, limits)
    assert left(failed) == set()
