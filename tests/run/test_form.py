"""The decision form in a run: beside its pack, and never lost once somebody wrote in it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipeline.decision_form import FORM_FILE
from pipeline.run.execute import make_here
from pipeline.run.key import is_current
from pipeline.run.outcome import MADE, content_of
from pipeline.run.plan import PackJob
from pipeline.run.product import CALIBRATION
from pipeline.settings import RunSettings
from support.jobs import GOOD, JobMaker

WITH_FORM = """
display(Section("form", "Formulier", "<section></section>", b"{bytes}"))
"""


def cells(form: str) -> str:
    """Return the code of a notebook that shows this form."""
    first, rest = GOOD.split("facts =", 1)
    return first + WITH_FORM.format(bytes=form).strip() + "\nfacts =" + rest


def record(job: PackJob) -> dict[str, object]:
    """Return the record beside a pack."""
    return dict(json.loads((job.output.parent / CALIBRATION.record).read_text(encoding="utf-8")))


def test_the_form_lies_beside_the_pack(make_job: JobMaker, limits: RunSettings) -> None:
    """Private, named in the record; without it the pack is not what it was."""
    job = make_job(cells("empty form"))
    assert make_here(job, limits).status == MADE
    form = job.output.parent / FORM_FILE
    assert form.read_bytes() == b"empty form"
    assert form.stat().st_mode & 0o777 == 0o600
    assert record(job)["form"] == content_of(b"empty form")
    assert is_current(job, record(job))
    form.unlink()
    assert not is_current(job, record(job))


def test_a_form_that_is_being_filled_in_is_left_alone(
    make_job: JobMaker, limits: RunSettings
) -> None:
    """Writing in the form does not make the pack out of date; making the same again keeps it."""
    job = make_job(cells("empty form"))
    make_here(job, limits)
    (job.output.parent / FORM_FILE).write_bytes(b"decided!")
    assert is_current(job, record(job))


def test_a_form_that_was_written_in_is_kept_when_the_pack_changes(
    make_job: JobMaker, limits: RunSettings
) -> None:
    """Under a name of its own, and the outcome says so; an untouched one is replaced."""
    make_here(make_job(cells("empty form")), limits)
    job = make_job(cells("newer form"))
    outcome = make_here(job, limits)
    folder = job.output.parent
    assert sorted(path.name for path in folder.glob("*.xlsx")) == [FORM_FILE]
    assert outcome.warnings == ("let op",)
    (folder / FORM_FILE).write_bytes(b"decided!")
    outcome = make_here(make_job(cells("newest form")), limits)
    kept = f"decision-form-{content_of(b'decided!')[:8]}.xlsx"
    assert (folder / kept).read_bytes() == b"decided!"
    assert (folder / FORM_FILE).read_bytes() == b"newest form"
    assert any(kept in warning for warning in outcome.warnings)


def test_a_failed_pack_leaves_no_form_but_one_that_was_written_in(
    make_job: JobMaker, limits: RunSettings
) -> None:
    """An empty form would not fit the data; a filled one is somebody's work."""
    make_here(make_job(cells("empty form")), limits)
    job = make_job("raise KeyError")
    make_here(job, limits)
    form = job.output.parent / FORM_FILE
    assert not form.exists()
    make_here(make_job(cells("empty form")), limits)
    form.write_bytes(b"decided!")
    make_here(make_job("raise KeyError"), limits)
    assert form.read_bytes() == b"decided!"


@pytest.mark.parametrize("lock", [f"~${FORM_FILE}", f".~lock.{FORM_FILE}#"])
def test_a_form_that_is_open_is_told(make_job: JobMaker, limits: RunSettings, lock: str) -> None:
    """A spreadsheet that has it open would save the old one over the new one."""
    make_here(make_job(cells("empty form")), limits)
    job = make_job(cells("newer form"))
    (job.output.parent / lock).write_bytes(b"")
    assert any("was open" in one for one in _told(job, limits))
    assert (job.output.parent / FORM_FILE).read_bytes() == b"newer form"
    # the same form again replaces nothing
    assert not any("open" in one for one in _told(job, limits))


def _told(job: PackJob, limits: RunSettings) -> tuple[str, ...]:
    english = replace(job, parameters=job.parameters.model_copy(update={"language": "en"}))
    return make_here(english, limits).warnings


def test_a_form_that_cannot_be_written_is_replaced(make_job: JobMaker, limits: RunSettings) -> None:
    """Read-only is against slips of people; the folder decides what a run may do."""
    make_here(make_job(cells("empty form")), limits)
    job = make_job(cells("newer form"))
    (job.output.parent / FORM_FILE).chmod(0o400)  # type: ignore[union-attr]
    assert make_here(job, limits).status == MADE
    assert (job.output.parent / FORM_FILE).read_bytes() == b"newer form"


def test_a_pack_without_a_form_leaves_none(make_job: JobMaker, limits: RunSettings) -> None:
    """One of an earlier run would belong to another pack."""
    make_here(make_job(cells("empty form")), limits)
    job = make_job()
    make_here(job, limits)
    assert not (job.output.parent / FORM_FILE).exists()
    assert record(job)["form"] is None
