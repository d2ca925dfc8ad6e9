"""A run: what is still right is left alone, what changed is made, whatever stops it in between."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from pipeline.errors import StoreError, msg
from pipeline.run import batch, engine, key
from pipeline.run.batch import Report, ReportsOutOfReach, Watcher, run_packs
from pipeline.run.files import write_json, write_whole
from pipeline.run.key import PACKAGE, is_current, settings_stamp
from pipeline.run.lock import Owner, hold
from pipeline.run.outcome import FAILED, MADE, UNCHANGED, Outcome, content_of
from pipeline.run.plan import PackJob, plan_packs
from pipeline.run.product import CALIBRATION
from pipeline.run.status import session_status
from pipeline.settings import RunSettings, Settings, read_settings
from pipeline.store import open_store
from support.company import BEFORE, NOORD, ZUID, company, load

TODAY = dt.datetime(2026, 11, 28, 9)


def make_quickly(job: PackJob, limits: RunSettings) -> Outcome:
    """Make a pack as `execute.make_pack` does, without a notebook."""
    page = f"<html>{job.session.session_id}</html>"
    outcome = Outcome(
        session_id=job.session.session_id,
        department=job.session.department,
        cycle=job.session.cycle,
        kind=job.session.kind,
        audience="room",
        status=MADE,
        seconds=0.1,
        made_at=dt.datetime.now(dt.UTC),
        key=job.key,
        organisation=job.organisation,
        content=content_of(page),
    )
    write_whole(job.output, page)
    write_json(job.output.parent / CALIBRATION.record, outcome.record())
    return outcome


class Inline:
    """Makes packs where it stands, in order."""

    def __init__(self, work: Callable[[PackJob, RunSettings], Outcome]) -> None:
        self.work, self.made = work, list[str]()

    def submit(self, _: object, /, job: PackJob, limits: RunSettings) -> Future[Outcome]:
        """Do the work now."""
        done: Future[Outcome] = Future()
        self.made.append(job.session.session_id)
        done.set_result(self.work(job, limits))
        return done

    @contextmanager
    def __call__(self, workers: int) -> Iterator[Inline]:
        """Open it."""
        yield self


@pytest.fixture
def filled(home: Path) -> Settings:
    """Return settings of a home with the company in its store."""
    settings = read_settings(home)
    with open_store(settings) as store:
        load(store, company())
    return settings


def run(settings: Settings, pool: Inline | None = None, **options: Any) -> Report:
    """Bring the packs of all sessions up to date."""
    with open_store(settings) as store:
        jobs = plan_packs(settings, store.sessions(), options.pop("language", None))
    return run_packs(settings, jobs, pool=pool or Inline(make_quickly), **options)


def made(report: Report) -> set[str]:
    """Return the sessions of which the pack was made."""
    return {one.session_id for one in report.outcomes if one.status == MADE}


def change(settings: Settings, table: str, row: int, column: str, value: object) -> None:
    """Import a correction of one cell."""
    frame = company()[table]
    frame.loc[row, column] = value
    with open_store(settings) as store:
        load(store, {table: frame}, f"{dt.datetime.now():%f}")


def times(settings: Settings) -> dict[str, int]:
    """Return when each file in reports/ was written, but for the records of runs."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in settings.reports.rglob("*")
        if path.is_file() and path.parent.name != "runs"
    }


def test_unchanged_packs_are_left_alone(filled: Settings) -> None:
    """The second run makes nothing, writes nothing but its record, and says so."""
    assert made(run(filled)) == {NOORD, ZUID, BEFORE}
    before = times(filled)
    report = run(filled)
    assert [one.status for one in report.outcomes] == [UNCHANGED] * 3
    assert report.succeeded
    assert times(filled) == before
    kept = json.loads((filled.reports / "runs" / f"{report.run_id}.json").read_text())
    assert (kept["made"], kept["unchanged"], kept["failed"]) == (0, 3, 0)


def test_a_changed_rating_rebuilds_its_department(filled: Settings) -> None:
    """One score of Zuid; the packs of Noord stay, though the organisation's shares moved a little.

    With four ratings any change moves a share visibly, so many of another kind surround it here.
    """
    run(filled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key, "VISIBLE_SHIFT", 0.5)
        change(filled, "ratings", 4, "score", 4.0)
        assert made(run(filled)) == {ZUID}


def test_what_aggregates_over_the_organisation_follows_when_it_shows(filled: Settings) -> None:
    """A shift of the organisation's shares by a point or more is shown, so those packs follow."""
    run(filled)
    change(filled, "ratings", 4, "score", 4.0)
    assert made(run(filled)) == {ZUID, NOORD}
    assert made(run(filled)) == set()


def test_force_makes_everything(filled: Settings) -> None:
    """Also what is still right."""
    run(filled)
    assert made(run(filled, force=True)) == {NOORD, ZUID, BEFORE}


@pytest.mark.parametrize("how", ["edited", "deleted", "no record", "half a record", "older"])
def test_a_pack_that_is_not_its_record_is_made_again(filled: Settings, how: str) -> None:
    """Whether a run was killed between the two, or somebody had a hand in it."""
    run(filled)
    folder = filled.reports / "2026" / NOORD
    record = folder / CALIBRATION.record
    if how == "edited":
        (folder / "calibration-pack.html").write_text("edited")
    elif how == "deleted":
        (folder / "calibration-pack.html").unlink()
    elif how == "no record":
        record.unlink()
    elif how == "half a record":
        record.write_text(record.read_text()[:50])
    else:
        old = json.loads(record.read_text())
        record.write_text(json.dumps({k: v for k, v in old.items() if k != "key"}))
    assert made(run(filled)) == {NOORD}


def test_a_failed_pack_is_tried_again(filled: Settings) -> None:
    """Failure is not a state to be left alone."""

    def fail(job: PackJob, limits: RunSettings) -> Outcome:
        outcome = make_quickly(job, limits)
        if job.session.session_id != ZUID:
            return outcome
        job.output.unlink()
        failed = Outcome(**{**vars(outcome), "status": FAILED, "error": msg("Out of luck.")})
        write_json(job.output.parent / CALIBRATION.record, failed.record())
        return failed

    report = run(filled, Inline(fail))
    assert not report.succeeded
    assert made(run(filled)) == {ZUID}


def test_only_settings_that_show_rebuild(filled: Settings, home: Path) -> None:
    """The limits of a run and the address of the store do not bear on what is in a pack."""
    run(filled)
    (home / "workbench.toml").write_text("[run]\nseconds = 99\n")
    assert made(run(read_settings(home))) == set()
    (home / "workbench.toml").write_text("[privacy]\nminimum_group = 6\n")
    assert made(run(read_settings(home))) == {NOORD, ZUID, BEFORE}
    # the language of one department is a parameter of its own packs
    toml = '[privacy]\nminimum_group = 6\n[pack]\ndepartment_languages = { "Zuid" = "en" }\n'
    (home / "workbench.toml").write_text(toml)
    assert made(run(read_settings(home))) == {ZUID}


def test_every_group_of_settings_is_decided_on(filled: Settings) -> None:
    """What is left out of the key is named; a group that is added counts until it is named."""
    stamps = {settings_stamp(filled)}
    for name in set(Settings.model_fields) - key.ELSEWHERE - {"home"}:
        section = getattr(filled, name)
        field = next(f for f in type(section).model_fields if f != "language")
        changed = section.model_copy(update={field: _another(getattr(section, field))})
        stamps.add(settings_stamp(filled.model_copy(update={name: changed})))
    assert len(stamps) == len(set(Settings.model_fields) - key.ELSEWHERE - {"home"}) + 1


def _another(value: object) -> object:
    if isinstance(value, tuple):
        return (*value, "gender")
    return value + 1 if isinstance(value, int | float) else f"{value} and more"


def test_another_language_is_another_pack(filled: Settings) -> None:
    """And going back makes it again."""
    run(filled)
    assert len(made(run(filled, language="en"))) == 3
    assert len(made(run(filled))) == 3


def test_code_and_notebook_rebuild(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of either makes every pack anew."""
    run(filled)
    with monkeypatch.context() as patch:
        patch.setattr(key, "code_stamp", lambda: "another version")
        assert len(made(run(filled))) == 3
        assert not made(run(filled))
    with monkeypatch.context() as patch:
        patch.setattr(key, "notebook_stamp", lambda _: "another notebook")
        assert len(made(run(filled))) == 3


def test_the_code_in_the_key_is_all_that_packs_import() -> None:
    """What a pack is made by is found by importing it, not by a list that somebody keeps."""
    import subprocess
    import sys

    script = (
        "import sys, pipeline.pack.prepare, pipeline.pack.html;"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items()"
        " if n.split('.')[0] == 'pipeline' and m.__file__))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    imported = {Path(line) for line in found.stdout.split()}
    assert len(imported) > 30
    assert imported - {PACKAGE / "__init__.py"} <= set(key.code_files())
    assert PACKAGE / "locale/nl/messages.po" in key.code_files()
    assert any(path.suffix == ".j2" for path in key.code_files())


def test_running_a_notebook_does_not_change_it(tmp_path: Path) -> None:
    """Outputs and counts are not the notebook; code, text and tags are."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    stamps = []
    for number in range(4):
        cell = notebook.cells[0]
        if number == 1:
            cell.execution_count = 7
            cell.outputs = [nbformat.v4.new_output("stream", text="2")]
        elif number == 2:
            cell.metadata["tags"] = ["parameters"]
        elif number == 3:
            cell.source = "1 + 2"
        path = tmp_path / f"{number}.ipynb"
        nbformat.write(notebook, path)
        stamps.append(key.notebook_stamp(path))
    assert stamps[0] == stamps[1]
    assert len(set(stamps)) == 3


def test_the_organisation_counts_from_a_point_on(filled: Settings, tmp_path: Path) -> None:
    """A shift that no reader can see is no reason to make every pack again."""
    with open_store(filled) as store:
        jobs = key.with_keys(filled, store, plan_packs(filled, store.sessions()))
    make_quickly(jobs[0], filled.run)
    record = json.loads((jobs[0].output.parent / CALIBRATION.record).read_text())
    shares = list(jobs[0].organisation)
    assert is_current(jobs[0], record)
    near = {**record, "organisation": [shares[0] + 0.0099, *shares[1:]]}
    assert is_current(jobs[0], near)
    far = {**record, "organisation": [shares[0] + 0.01, *shares[1:]]}
    assert not is_current(jobs[0], far)
    assert not is_current(jobs[0], {**record, "organisation": None})


def test_nothing_that_renders_is_imported_where_nothing_changed(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what makes a hundred unchanged sessions quick."""
    import subprocess
    import sys

    run(filled)
    script = (
        "import sys; from pipeline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({'papermill', 'matplotlib', 'statsmodels', 'nbconvert', 'scipy', 'sklearn'}"
        " & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, "--home", str(filled.home), "--lang", "nl", "packs"]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, cwd=filled.home)
    *events, imported = told.stdout.splitlines()
    assert [json.loads(event)["event"] for event in events] == [
        "run_started", "pack", "pack", "run_ended",
    ]  # fmt: skip
    assert {json.loads(event)["status"] for event in events[1:3]} == {"unchanged"}
    assert imported == "[]"


# several runs, and runs that stop -------------------------------------------------------------


class Letting(Watcher):
    """Lets another run end as soon as this one waits for it."""

    def __init__(self, let: Callable[[], None]) -> None:
        self.let, self.waited = let, list[tuple[str, int]]()

    def wait(self, job: PackJob, owner: Owner) -> None:
        """Hear that this run waits."""
        self.waited.append((job.session.session_id, owner.pid))
        self.let()


def test_a_session_in_progress_is_waited_for(filled: Settings) -> None:
    """The rest is made meanwhile; what the other run made is then unchanged."""
    with open_store(filled) as store:
        jobs = key.with_keys(filled, store, plan_packs(filled, store.sessions()))
    theirs = next(job for job in jobs if job.session.session_id == ZUID)
    with hold(filled.reports, "other") as other:
        other.claim([theirs.place])

        def finish() -> None:
            make_quickly(theirs, filled.run)
            other.release(theirs.place)

        watcher, pool = Letting(finish), Inline(make_quickly)
        report = run(filled, pool, watcher=watcher, force=True)
    assert watcher.waited == [(ZUID, os.getpid())]
    assert set(pool.made) == {NOORD, BEFORE}
    assert {one.session_id: one.status for one in report.outcomes}[ZUID] == UNCHANGED
    assert report.succeeded


def test_what_another_run_leaves_undone_is_made(filled: Settings) -> None:
    """A run that ends without its pack, or is killed, holds nothing up."""
    with open_store(filled) as store:
        jobs = plan_packs(filled, store.sessions())
    with hold(filled.reports, "other") as other:
        other.claim([job.place for job in jobs])

        def give_up() -> None:
            for job in jobs:
                other.release(job.place)

        assert len(made(run(filled, watcher=Letting(give_up)))) == 3


def test_status_tells_what_is_in_progress(filled: Settings) -> None:
    """And by whom."""
    with open_store(filled) as store:
        job = plan_packs(filled, store.sessions("2026"))[0]
        with hold(filled.reports, "other") as other:
            other.claim([job.place])
            found = session_status(filled, store, store.sessions("2026"), TODAY)
    assert [one.pack for one in found] == ["making", "none"]
    assert found[0].plain()["maker"]["pid"] == os.getpid()


def test_an_interrupted_run_keeps_what_was_made(filled: Settings) -> None:
    """The next run makes the rest."""

    def stop(job: PackJob, limits: RunSettings) -> Outcome:
        if job.session.session_id == ZUID:
            raise KeyboardInterrupt
        return make_quickly(job, limits)

    report = run(filled, Inline(stop))
    assert report.interrupted
    assert not report.succeeded
    assert not list((filled.reports / "runs").glob("*.lock"))
    assert made(run(filled)) >= {ZUID}
    assert not made(run(filled))


def test_a_store_that_goes_away_is_an_error_and_what_was_made_is_kept(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of the run is written all the same."""

    def gone(*_: object, **__: object) -> None:
        raise StoreError(msg("The store cannot be reached."))

    monkeypatch.setattr(batch, "with_keys", gone)
    with pytest.raises(StoreError, match="reached"):
        run(filled)
    (kept,) = (filled.reports / "runs").glob("*.json")
    assert json.loads(kept.read_text())["interrupted"] is True


@pytest.mark.parametrize(("number", "words"), [(28, "disk is full"), (13, "may not be written")])
def test_reports_out_of_reach_are_explained(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """Full disk or no permission: one sentence, and no lock left."""

    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr("pipeline.run.files.os.fsync", refuse)
    with pytest.raises(ReportsOutOfReach, match=words):
        run(filled)
    assert not list((filled.reports / "runs").glob("*.lock"))
    assert not list(filled.reports.rglob("*.part"))


def test_the_index_lists_what_a_killed_run_made(filled: Settings) -> None:
    """It is written again when a record is newer, though no pack was made now."""
    run(filled)
    index = filled.reports / "index.html"
    index.write_text("old")
    os.utime(index, (0, 0))
    run(filled)
    assert "Noord" in index.read_text()


def test_a_lost_worker_is_told_apart_from_a_failed_pack(filled: Settings) -> None:
    """Whatever a pool raises about its worker, the pack is tried once more."""
    lost: list[str] = []

    def lose(job: PackJob, limits: RunSettings) -> Outcome:
        if not lost:
            lost.append(job.session.session_id)
            raise RuntimeError("the scheduler lost its worker")
        return make_quickly(job, limits)

    class Losing(Inline):
        def submit(self, _: object, /, job: PackJob, limits: RunSettings) -> Future[Outcome]:
            done: Future[Outcome] = Future()
            try:
                done.set_result(self.work(job, limits))
            except RuntimeError as reason:
                done.set_exception(reason)
            return done

    assert len(made(run(filled, Losing(lose)))) == 3
    assert len(lost) == 1
    assert engine.workers_for(RunSettings(jobs=4), 2) == 2


# what is due ----------------------------------------------------------------------------------


def test_status_warns_of_what_is_late(filled: Settings) -> None:
    """Packs two days ahead, evidence a week ahead; a clock that jumps disturbs nothing."""
    with open_store(filled) as store:
        sessions = store.sessions("2026")
        early = session_status(filled, store, sessions, dt.datetime(2026, 11, 1))
        assert {one.pack_due for one in early} == {"not yet"}
        late = session_status(filled, store, sessions, dt.datetime(2026, 11, 30))
        assert [one.pack_due for one in late] == ["late", "late"]
        assert [one.evidence_due for one in late] == ["late", "late"]
    run(filled)
    record = filled.reports / "2026" / NOORD / CALIBRATION.record
    kept = json.loads(record.read_text())
    record.write_text(json.dumps({**kept, "made_at": "2999-01-01T00:00:00+00:00"}))
    with open_store(filled) as store:
        found = session_status(filled, store, sessions, dt.datetime(2026, 11, 30))
    assert [one.pack for one in found] == ["made", "made"]
    assert {one.pack_due for one in found} == {"not yet"}
    change(filled, "ratings", 4, "score", 4.0)
    with open_store(filled) as store:
        found = session_status(filled, store, sessions, dt.datetime(2026, 11, 30))
    assert {one.pack for one in found} == {"outdated"}
