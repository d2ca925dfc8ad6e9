"""A PostgreSQL of our own on loopback, for tests and benchmarks."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, if it is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else (Path(on_path).parent if on_path else None)


def _as_postgres(command: list[str], cwd: Path) -> None:
    """Run a command of PostgreSQL, which refuses to run as root."""
    options: dict[str, object] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, **options)  # type: ignore[call-overload]


@contextmanager
def own_postgres(binaries: Path) -> Iterator[str]:
    """Start a server in a temporary folder, give its address, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    _as_postgres(
        [f"{binaries}/initdb", "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "-N"],
        folder,
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    control = [f"{binaries}/pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log")]
    _as_postgres([*control, "-o", options, "start"], folder)
    try:
        yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres([*control, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


def restart(address: str, binaries: Path) -> None:
    """Stop a server as a crash would, and start it again; the data stay."""
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.connect() as connection:
        data = Path(str(connection.scalar(sa.text("SHOW data_directory"))))
    command = [f"{binaries}/pg_ctl", "-D", str(data), "-w", "-m", "immediate"]
    _as_postgres([*command, "-l", str(data.parent / "log"), "restart"], data.parent)
