"""All jobs by name; each is one service call and may run twice, or on two machines at once, without harm."""

from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from counsel.archive.returns import mind_loans
from counsel.audit.chain import keep_head
from counsel.audit.marks import note_time
from counsel.core.database import house_of
from counsel.core.errors import CounselError
from counsel.jobs.backup import copy_locks
from counsel.jobs.patterns import tell_patterns
from counsel.jobs.sweep import sweep_expired
from counsel.jobs.telling import escalate
from counsel.outbox.services import deliver
from counsel.pathway.appointments.lapsing import lapse_unanswered
from counsel.pathway.material.erasing import erase_what_ended
from counsel.risk.cards import forget_ended_cards
from counsel.safeguarding.disclosure.sending import forget_expired_packages


def _heads(db: Session) -> str:
    note_time(db)
    return keep_head(db).name


def _locks(db: Session) -> str:
    return copy_locks(house_of(db).settings).name


JOBS: dict[str, Callable[[Session], str]] = {
    "lapse": lapse_unanswered,
    "escalate": escalate,
    "patterns": tell_patterns,
    "deliver": deliver,  # after what posts
    "sweep": sweep_expired,
    "cards": forget_ended_cards,
    "packages": forget_expired_packages,
    "recordings": erase_what_ended,
    "loans": mind_loans,
    "lock-copy": _locks,
    "audit-head": _heads,  # last, so that the head stands for what the others recorded
}


FAILED = "failed"


def run_jobs(db: Session, name: str | None = None) -> list[str]:
    """Run one job or all; return a line for each. One that fails says so in its line and stops no other."""
    return [f"{key}: {_run(db, job)}" for key, job in JOBS.items() if name in (None, key)]


def _run(db: Session, job: Callable[[Session], str]) -> str:
    try:
        return job(db)
    except (CounselError, SQLAlchemyError, OSError) as error:
        db.rollback()
        return f"{FAILED}, {type(error).__name__}"
