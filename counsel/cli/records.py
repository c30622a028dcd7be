"""Commands about what must not be lost or changed: audit, backup, restore, jobs."""

import json
import sys
from pathlib import Path

import click

from counsel.audit.chain import keep_head, signed_head, verify_chain
from counsel.cli.centre import house_session
from counsel.core.settings import load_settings
from counsel.jobs.backup import back_up, restore_from
from counsel.jobs.runner import FAILED, JOBS, run_jobs


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command()
def verify() -> None:
    """Check the whole chain against its head and every kept head; exit 1 when it is broken."""
    with house_session() as db:
        verdict = verify_chain(db)
    if verdict.broken_at is None:
        click.echo(f"{verdict.lines} lines, {verdict.heads_checked} kept heads: the chain holds")
        return
    click.echo(f"broken at line {verdict.broken_at}")
    sys.exit(1)


@audit.command()
@click.option("--keep", is_flag=True, help="Put it in the second place as well.")
def head(keep: bool) -> None:
    """Print the signed head."""
    with house_session() as db:
        if keep:
            keep_head(db)
        click.echo(json.dumps(signed_head(db)))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path) -> None:
    """Copy the database and files to FOLDER while the centre works; the locks go to their own place."""
    for path in back_up(load_settings(), folder):
        click.echo(path)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Put a backup into an empty instance, with the newest copy of the locks; destroyed stays destroyed."""
    click.echo(restore_from(load_settings(), folder))


@click.group()
def jobs() -> None:
    """What runs by itself, without any key."""


@jobs.command()
@click.argument("name", required=False, type=click.Choice(sorted(JOBS)))
def run(name: str | None) -> None:
    """Run one job, or all of them; twice in a row changes nothing. Exit 1 when one of them failed."""
    with house_session() as db:
        lines = run_jobs(db, name)
    for line in lines:
        click.echo(line)
    sys.exit(any(f": {FAILED}" in line for line in lines))


COMMANDS = (audit, backup, restore, jobs)
