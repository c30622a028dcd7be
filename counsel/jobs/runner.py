"""All jobs by name; each is one service call and may run twice, or on two machines at once, without harm."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from counsel.audit.chain import keep_head
from counsel.core.database import house_of
from counsel.jobs.backup import copy_locks
from counsel.jobs.sweep import sweep_expired
from counsel.jobs.telling import escalate
from counsel.outbox.services import deliver
from counsel.pathway.appointments.lapsing import lapse_unanswered
from counsel.risk.cards import forget_ended_cards


def _heads(db: Session) -> str:
    return keep_head(db).name


def _locks(db: Session) -> str:
    return copy_locks(house_of(db).settings).name


JOBS: dict[str, Callable[[Session], str]] = {
    "lapse": lapse_unanswered,
    "escalate": escalate,
    "deliver": deliver,  # after what posts
    "sweep": sweep_expired,
    "cards": forget_ended_cards,
    "lock-copy": _locks,
    "audit-head": _heads,  # last, so that the head stands for what the others recorded
}


def run_jobs(db: Session, name: str | None = None) -> list[str]:
    """Run one job or all; return a line for each."""
    return [f"{key}: {job(db)}" for key, job in JOBS.items() if name in (None, key)]
