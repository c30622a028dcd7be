"""Fixtures every test may use: a private instance folder, both databases, a founded school with its people."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pytest
from sqlalchemy import Connection, text, update
from sqlalchemy.orm import Session, sessionmaker

import counsel.app
from counsel.access.models import SignIn
from counsel.access.sign_ins import vault_end
from counsel.core.clock import now
from counsel.core.database import House, make_engine, make_sessions, writing
from counsel.core.installation import open_house, prepare_instance
from counsel.core.settings import Settings, load_settings
from tests.school import School, found_school

assert counsel.app  # every model is imported through it


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL cluster of the tests' own."""

    folder: Path
    port: int

    def url(self, name: str) -> str:
        """Return the address of one database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}&port={self.port}"


def _as_postgres(*command: str) -> None:
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, capture_output=True, **user)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start PostgreSQL on a socket of its own as user postgres; it refuses to run as root."""
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="counsel-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    port = 54000 + os.getpid() % 1000
    _as_postgres(str(tools / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses='' -c fsync=off"
    _as_postgres(str(tools / "pg_ctl"), "-D", str(folder / "data"), "-w", "-o", options, "-l", str(folder / "log"), "start")
    yield Cluster(folder, port)
    _as_postgres(str(tools / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Template:
    """A founded school that tests copy: its folder, its database and its people with their keys in memory."""

    folder: Path
    school: School


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Found one school through the real services, on SQLite."""
    folder = tmp_path_factory.mktemp("template")
    return Template(folder, found_school(load_settings(folder, {})))


@pytest.fixture(scope="session")
def pg_template(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Found one school through the real services, on PostgreSQL."""
    folder = tmp_path_factory.mktemp("pg-template")
    with _admin(cluster) as admin:
        admin.execute(text("CREATE DATABASE school_template"))
    settings = load_settings(folder, {"COUNSEL_DATABASE_URL": cluster.url("school_template")})
    return Template(folder, found_school(settings))


@contextmanager
def _admin(cluster: Cluster) -> Iterator[Connection]:
    engine = make_engine(cluster.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    engine.dispose()


@dataclass
class Centre:
    """One test's own copy of the school."""

    settings: Settings
    house: House
    db: Session
    school: School
    backend: str

    def session(self) -> Session:
        """Return a second database session, as another request would have."""
        return self.sessions()

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """The factory of the centre's database sessions."""
        return make_sessions(self.db.get_bind().engine, self.house)


def _copy(template: Template, folder: Path, environ: dict[str, str], backend: str) -> Iterator[Centre]:
    shutil.copytree(template.folder, folder, dirs_exist_ok=True)
    settings = load_settings(folder, environ)
    prepare_instance(settings)
    house, engine, sessions = open_house(settings)
    with sessions() as db:
        with writing(db):  # whoever signed in when the template was founded is still there: the tests run longer than a vault
            idle = now() + timedelta(minutes=settings.sign_in_idle_minutes)
            db.execute(update(SignIn).values(idle_until=idle, vault_until=vault_end(house)))
        yield Centre(settings, house, db, replace(template.school), backend)
    engine.dispose()
    house.locks.dispose()


@pytest.fixture
def sqlite_centre(template: Template, tmp_path: Path) -> Iterator[Centre]:
    """A school on SQLite."""
    yield from _copy(template, tmp_path / "instance", {}, "sqlite")


@pytest.fixture
def pg_centre(pg_template: Template, cluster: Cluster, tmp_path: Path) -> Iterator[Centre]:
    """A school on PostgreSQL."""
    name = f"school_{os.urandom(6).hex()}"
    with _admin(cluster) as admin:
        admin.execute(text(f"CREATE DATABASE {name} TEMPLATE school_template"))
    yield from _copy(pg_template, tmp_path / "instance", {"COUNSEL_DATABASE_URL": cluster.url(name)}, "postgresql")
    with _admin(cluster) as admin:
        admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def centre(request: pytest.FixtureRequest) -> Centre:
    """The same school on each database in turn."""
    name = "sqlite_centre" if request.param == "sqlite" else "pg_centre"
    return request.getfixturevalue(name)
