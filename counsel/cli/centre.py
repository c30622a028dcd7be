"""Commands that found, fill and keep a centre: init, demo, db, import, doctor, clauses."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.orm import Session

from counsel.core.database import make_engine
from counsel.core.doctor import findings
from counsel.core.errors import ConflictError, SettingsError
from counsel.core.installation import open_house
from counsel.core.migrations import migrate
from counsel.core.settings import load_settings
from counsel.crypto.selftest import selftest
from counsel.home.clauses import clause_rows
from counsel.home.demo import fill_demo, name_demo, read_demo
from counsel.keys.groups import members_of
from counsel.people.centre import prepare_centre
from counsel.people.founding import found_centre
from counsel.people.guardians import import_guardians
from counsel.people.roll import import_students
from counsel.people.tables import Report
from counsel.people.timetable import import_timetable


@contextmanager
def house_session() -> Iterator[Session]:
    """Open the centre's database for one command."""
    house, engine, sessions = open_house(load_settings())
    with sessions() as db:
        yield db
    engine.dispose()
    house.locks.dispose()


@click.command()
@click.option("--login", default="director", help="The director's sign-in name.")
@click.option("--name", prompt="The director's name as colleagues see it", help="The director's display name.")
def init(login: str, name: str) -> None:
    """Found an empty centre: prints the director's code and key fingerprint, once."""
    prepare_centre(load_settings())
    with house_session() as db:
        try:
            founding = found_centre(db, login=login, display=name)
        except ConflictError as error:
            raise SettingsError("this centre has been founded already") from error
    click.echo(f"Sign-in name      {login}\nRecovery code     {founding.code}\nFingerprint       {founding.fingerprint}")
    click.echo("Open the page, choose “I cannot remember my passphrase” and set your own with this code.", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print accounts and people as JSON.")
@click.option("--once", is_flag=True, help="Do nothing when the demonstration is there already.")
def demo(as_json: bool, once: bool) -> None:
    """Fill a fictional school through the real services; never turns into a real centre."""
    settings = load_settings()
    known = read_demo(settings)
    if known is None:
        if (settings.instance / "pins.json").exists():
            if once:
                return
            raise SettingsError("this is a real centre; a demonstration needs an empty instance folder")
        prepare_centre(settings, demo=True)
        name_demo(settings)
        with house_session() as db, Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("A school is being invented", total=None)
            known = fill_demo(db, progress=lambda done, total: bar.update(task, completed=done, total=total))
    elif not once and not as_json:
        raise SettingsError("the demonstration has been filled already")
    if as_json:
        click.echo(json.dumps(known, ensure_ascii=False, indent=1))
        return
    click.echo("Who can sign in (all invented):", err=True)
    for account in known["accounts"]:
        click.echo(f"  {account['role']:<14} {account['username']:<10} {account['passphrase']}", err=True)


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@click.argument("target", default="head")
def upgrade(target: str) -> None:
    """Bring the schema to this version."""
    engine = make_engine(load_settings().database_url)
    migrate(engine, target)
    engine.dispose()
    click.echo("The schema is up to date.", err=True)


@click.group("import")
def import_() -> None:
    """Import from files."""


def _import(path: Path, act: Callable[..., Report]) -> None:
    """Run one import with a bar; exit 1 with every problem when nothing was imported."""
    with house_session() as session, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Rows", total=None)
        raw = path.read_bytes()
        report = act(session, actor=None, raw=raw, progress=lambda done, total: bar.update(task, completed=done, total=total))
    for problem in report.problems:
        click.echo(f"row {problem.row} {problem.column}: {problem.code}", err=True)
    if report.problems:
        sys.exit(1)
    click.echo(f"{report.added} added, {report.changed} changed, {report.same} as before", err=True)


FILE = click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@import_.command()
@FILE
def students(path: Path) -> None:
    """Import a roll of students: all rows or none, safe to repeat."""
    _import(path, import_students)


@import_.command()
@FILE
def guardians(path: Path) -> None:
    """Import guardians: one row each; they replace what was known of a student's guardians."""
    _import(path, import_guardians)


@import_.command()
@FILE
def timetable(path: Path) -> None:
    """Import who teaches which class; it replaces the table before."""
    _import(path, import_timetable)


@click.command()
def doctor() -> None:
    """Look at settings, permissions, cryptography, groups and copies; exit 1 when something is wrong."""
    with house_session() as session:
        house = session.info["house"]
        rows = [*findings(house), ("known answers of the cryptography", not selftest(), ", ".join(selftest()))]
        for name in ("office", "duty", "archive"):
            count = len(members_of(session, name))
            rows.append((f"group {name}", count > 1, f"{count} members"))
    for name, well, detail in rows:
        click.echo(f"{'well ' if well else 'LOOK '} {name}{': ' + detail if detail else ''}")
    sys.exit(1 if selftest() else 0)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print every row as JSON.")
def clauses(as_json: bool) -> None:
    """List the behaviours the regulations ask for and what carries them out."""
    rows = clause_rows()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    done = sum(row["status"] == "done" for row in rows)
    click.echo(f"{done} of {len(rows)} behaviours carried out")
    for row in rows:
        click.echo(f"{row['id']:<7} {row['status']:<8} {row['clause']:<10} {row['behaviour']}")


COMMANDS = (init, demo, db, import_, doctor, clauses)
