"""Packs, records and the index in a place that fsspec reaches: in memory, and a real S3 server."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.locale import Language
from pipeline.run import remote
from pipeline.run.execute import make_here, make_pack
from pipeline.run.files import (
    Target,
    keep_file,
    remove_folder,
    reports_of,
    write_json,
    write_whole,
)
from pipeline.run.kernels.client import close_own
from pipeline.run.manifest import Run, index_is_behind, write_index, write_run
from pipeline.run.outcome import FAILED, MADE, read_record
from pipeline.run.plan import PackJob, plan_packs
from pipeline.run.remote import RemotePath
from pipeline.settings import RunSettings, read_settings
from pipeline.store import Session
from support.dask import until
from support.jobs import GOOD, JobMaker

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start an S3 server on loopback and return the address of a bucket."""
    if importlib.util.find_spec("s3fs") is None or importlib.util.find_spec("moto") is None:
        pytest.skip(
            'needs s3fs and moto, which are not in the lock: pip install s3fs "moto[server]"'
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, "AWS_ENDPOINT_URL": address, "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port))
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()  # of a server that has ended
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("calibration")
        yield "s3://calibration/reports"
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["folder", "memory", "s3"])
def reports(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Return the place of the reports that a home's settings name, of each kind."""
    address = {
        "folder": lambda: "elsewhere/reports",
        "memory": lambda: f"memory://{home.name}{id(home)}/reports",
        "s3": lambda: request.getfixturevalue("s3"),
    }[request.param]()
    (home / "workbench.toml").write_text(f'[reports]\nurl = "{address}"\n')
    return reports_of(read_settings(home))


def job_in(reports: Target, made: PackJob) -> PackJob:
    """Return a job that writes to the place of the reports."""
    folder = reports / "2026" / made.session.session_id
    return replace(made, output=folder / made.output.name)


def test_files_are_written_read_listed_and_deleted(reports: Target, tmp_path: Path) -> None:
    """The same calls for a folder and for every kind of address."""
    path = reports / "2026" / "s1" / "a.json"
    assert not path.exists()
    write_json(path, {"a": "é"})
    write_whole(path, "twice")
    assert path.read_text(encoding="utf-8") == "twice"
    assert path.read_bytes() == b"twice"
    assert list(reports.glob("*/*/a.json")) == [path]
    assert path.relative_to(reports).as_posix() == "2026/s1/a.json"  # type: ignore[arg-type]
    assert path.stat().st_mtime_ns > 1e18
    passing = tmp_path / "passing"
    passing.write_bytes(b"x")
    keep_file(passing, path.parent / "failed" / "b.ipynb")
    assert not passing.exists()
    assert (path.parent / "failed" / "b.ipynb").read_bytes() == b"x"
    remove_folder(path.parent / "failed")
    remove_folder(path.parent / "failed")
    path.unlink()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        path.read_bytes()
    assert list(reports.glob("*/*/*")) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_another_folder_is_as_private(home: Path) -> None:
    """`[reports] url` may be a folder, relative to home or not, also written as an address."""
    for given in ("elsewhere", str(home / "elsewhere"), (home / "elsewhere").as_uri()):
        (home / "workbench.toml").write_text(f'[reports]\nurl = "{given}"\n')
        place = reports_of(read_settings(home))
        assert place == home / "elsewhere"
        write_whole(place / "a", "x")
        assert (home / "elsewhere" / "a").stat().st_mode & 0o777 == 0o600
        assert (home / "elsewhere").stat().st_mode & 0o777 == 0o700


def test_packs_records_and_index_go_there(
    reports: Target, home: Path, make_job: JobMaker, limits: RunSettings
) -> None:
    """A pack is made, listed, and replaced by nothing when it fails; its notebook is kept."""
    settings = read_settings(home)
    good, bad = (job_in(reports, make_job(code, name)) for code, name in (
        (GOOD, "good"), ("raise KeyError('x')", "bad"),
    ))  # fmt: skip
    write_whole(bad.output, "an older pack")
    # memory is of one process: there the pack is made in this one
    in_memory = isinstance(reports, RemotePath) and reports.url.startswith("memory:")
    try:
        outcomes = [(make_here if in_memory else make_pack)(job, limits) for job in (good, bad)]
    finally:
        close_own()
    assert [outcome.status for outcome in outcomes] == [MADE, FAILED], outcomes[0].error
    assert good.output.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not bad.output.exists()
    assert (bad.output.parent / "failed" / "calibration-pack.ipynb").exists()
    record = read_record(good.output.parent)
    assert record is not None
    assert record["status"] == MADE
    run = write_run(settings, Run.start(), outcomes)
    assert json.loads(run.read_text(encoding="utf-8"))["failed"] == 1
    assert index_is_behind(settings)
    index = write_index(settings, Language("nl"))
    assert "2026/good/calibration-pack.html" in index.read_text(encoding="utf-8")
    assert not index_is_behind(settings)


def test_plans_lead_there(reports: Target, home: Path) -> None:
    """The place of a session is below the reports, wherever those are."""
    settings = read_settings(home)
    session = Session("2026-Zuid", "2026", "Zuid")
    (job,) = plan_packs(settings, [session])
    assert job.place.startswith("2026/2026-zuid-")
    assert job.output.relative_to(reports).parts == (*job.place.split("/"), "calibration-pack.html")  # type: ignore[arg-type]


def test_addresses_are_shown_without_their_secrets() -> None:
    """Neither as text, nor in a traceback, nor as a link."""
    place = RemotePath("sftp://me:secret@host/reports") / "index.html"
    assert place.as_uri() == str(place) == "sftp://host/reports/index.html"
    assert "secret" not in repr(place)
    assert RemotePath("s3://bucket/a").as_uri() == "s3://bucket/a"


def test_no_name_leads_out_of_the_place() -> None:
    """As with folders, what is below stays below."""
    for name in ("../x", "/x", "a/../../x"):
        with pytest.raises(ValueError, match="below"):
            RemotePath("s3://bucket/a") / name


def test_faults_of_a_storage_look_like_those_of_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own texts may quote addresses and keys."""

    def fail(*_: object) -> None:
        raise RuntimeError("key=secret")

    place = remote.remote_folder("memory://faults") / "a"
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "pipe_file", fail)
    with pytest.raises(OSError, match="RuntimeError") as caught:
        write_whole(place, "x")
    assert "secret" not in str(caught.value)


def test_a_kind_of_address_that_cannot_be_used_is_refused() -> None:
    """The message says what is missing and repeats no address."""
    for address in ("nonsense://me:secret@x/y", "dropbox://me:secret@x/y"):
        with pytest.raises(WrongUse) as caught:
            remote.remote_folder(address)
        assert "secret" not in str(caught.value)
