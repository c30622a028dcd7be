"""A PostgreSQL cluster of the bench's own, on a socket in a folder of its own, stopped and removed afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from counsel.core.database import make_engine

Address = Callable[[str, str], str]


def tools() -> Path | None:
    """Return the folder of the newest PostgreSQL installed, or None."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _as_postgres(*command: object) -> None:
    """Run as user postgres when we are root: it refuses root."""
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, **user)


@contextmanager
def cluster(found: Path) -> Iterator[Address]:
    """Start a cluster that commits durably; yield what makes a database and returns its address for a driver."""
    folder, port = Path(tempfile.mkdtemp(prefix="bench-pg-")), 54000 + os.getpid() % 1000
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    place = ("-D", folder / "data")
    try:
        _as_postgres(found / "initdb", *place, "-A", "trust", "-U", "postgres", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=''"
        _as_postgres(found / "pg_ctl", *place, "-w", "-o", options, "-l", folder / "log", "start")
        yield lambda name, driver: _address(folder, port, name, driver)
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            _as_postgres(found / "pg_ctl", *place, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _address(folder: Path, port: int, name: str, driver: str) -> str:
    return f"{driver}://postgres@/{name}?host={folder}&port={port}"


def make_database(address: Address, name: str) -> None:
    """Make an empty database."""
    engine = make_engine(address("postgres", "postgresql+psycopg"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
