"""Online backup and restore: database and files in one place, locks in another, neither worth anything alone."""

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from counsel.core.clock import now
from counsel.core.database import House, make_engine
from counsel.core.errors import SettingsError
from counsel.core.settings import Settings
from counsel.keys.locks import apply_tombstones

DATABASE, DUMP, FILES, MATERIAL = "database.sqlite", "database.dump", "files.json", "files"
KEPT = ("settings.toml", "pins.json", "demo.json")


def back_up(settings: Settings, folder: Path) -> list[Path]:
    """Copy the database consistently while it is in use, the instance's small files, and the locks to their own place.

    The server secret is in neither: it is kept apart, on paper or in a vault.

    :raises SettingsError: when the copies of the locks would lie inside `folder`.
    """
    folder = folder.resolve()
    if folder == settings.locks_backup or folder in settings.locks_backup.parents:
        raise SettingsError("the copies of the locks lie inside the backup folder: they must be two places")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: (settings.instance / name).read_text() for name in KEPT if (settings.instance / name).exists()}
    (folder / FILES).write_text(json.dumps(kept))
    copied = _copy_database(settings, folder)
    _copy_material(settings.instance / MATERIAL, folder / MATERIAL)
    return [copied, folder / FILES, copy_locks(settings)]


def _copy_material(source: Path, target: Path) -> None:
    """Copy the sealed parts that the other folder does not have yet; a part never changes, and its name is never used again."""
    for path in source.glob("??/*"):
        there = target / path.parent.name / path.name
        if path.suffix or there.exists():
            continue
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = there.with_suffix(".part")
        with suppress(FileNotFoundError):  # erased meanwhile
            shutil.copyfile(path, part)
            part.chmod(0o600)
            part.replace(there)


def _copy_database(settings: Settings, folder: Path) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return _copy_sqlite(Path(url.database or ""), folder / DATABASE)
    plain = settings.database_url.replace("postgresql+psycopg", "postgresql")
    target = folder / DUMP
    _run("pg_dump", "--format=custom", f"--file={target}", plain)
    return target


def _run(*command: str) -> None:
    found = shutil.which(command[0])
    if found is None:
        raise SettingsError(f"{command[0]} is not installed on this machine")
    subprocess.run([found, *command[1:]], check=True, capture_output=True)  # noqa: S603


def _copy_sqlite(source: Path, target: Path) -> Path:
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    with sqlite3.connect(source) as live, sqlite3.connect(part) as copy:
        live.backup(copy)
    live.close()
    copy.close()
    part.chmod(0o600)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(target)
    return target


def copy_locks(settings: Settings) -> Path:
    """Copy the lock store to its own place and remove copies older than the promise allows."""
    url = make_url(settings.locks_url)
    if url.get_backend_name() != "sqlite":
        raise SettingsError("locks on a database server are copied by that server's own means")
    settings.locks_backup.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _copy_sqlite(Path(url.database or ""), settings.locks_backup / f"locks-{now():%Y%m%d}.sqlite")
    oldest = f"locks-{now() - timedelta(days=settings.lock_copy_days):%Y%m%d}.sqlite"
    for path in settings.locks_backup.glob("locks-*.sqlite"):
        if path.name < oldest:
            path.unlink()
    return target


def restore_from(settings: Settings, folder: Path) -> str:
    """Put a backup into place where nothing is: the database, the files and the newest copy of the locks.

    :raises SettingsError: when a database is there already, or a part is missing.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        target = Path(url.database or "")
        if target.exists():
            raise SettingsError(f"{target} exists: restore into an empty instance folder")
        settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(folder / DATABASE, target)
        target.chmod(0o600)
    else:
        _run(
            "pg_restore",
            f"--dbname={settings.database_url.replace('postgresql+psycopg', 'postgresql')}",
            str(folder / DUMP),
        )
    _copy_material(folder / MATERIAL, settings.instance / MATERIAL)
    for name, text in json.loads((folder / FILES).read_text()).items():
        (settings.instance / name).write_text(text)
    return f"restored; {_restore_locks(settings)} destroyed locks stayed destroyed"


def _restore_locks(settings: Settings) -> int:
    target = Path(make_url(settings.locks_url).database or "")
    if not target.exists():
        copies = sorted(settings.locks_backup.glob("locks-*.sqlite"))
        if not copies:
            raise SettingsError(f"no copy of the locks in {settings.locks_backup}")
        shutil.copy(copies[-1], target)
        target.chmod(0o600)
    house = House(settings, b"", b"", make_engine(settings.locks_url))
    erased = apply_tombstones(house)
    house.locks.dispose()
    return erased
