"""Look at openings afterwards: some drawn by lot, some flagged, by somebody who did not open them (篇4 三; security R13)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.audit.models import FINDINGS, AuditLine, LookedAt
from counsel.audit.patterns import SAME_NAME
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError

SHOWN = 60


def draw(db: Session, lines: Iterable[Mapping[str, Any]]) -> None:
    """Put what is to be looked at on the list, inside the transaction that writes the lines.

    The lot is the line's own hash: nobody can know it before, nobody can change it after.
    """
    percent = house_of(db).settings.opening_sample_percent
    for line in lines:
        if line["at"] is None or line["subject_id"] is None or not line["tag"].endswith(":read"):
            continue
        if line["detail"] == SAME_NAME or line["chain"][0] * 100 < percent * 256:
            db.add(LookedAt(seq=line["seq"]))


def openers(db: Session) -> set[UUID | None]:
    """Return whose openings wait for somebody's look."""
    query = select(AuditLine.actor_id).join(LookedAt, LookedAt.seq == AuditLine.seq)
    return set(db.scalars(query.where(LookedAt.finding.is_(None)).distinct()))


def waiting_openings(db: Session, *, by: Iterable[UUID | None]) -> list[AuditLine]:
    """Return the newest openings by some people that wait for somebody's look."""
    query = select(AuditLine).join(LookedAt, LookedAt.seq == AuditLine.seq).where(LookedAt.finding.is_(None))
    return list(db.scalars(query.where(AuditLine.actor_id.in_(list(by))).order_by(AuditLine.seq.desc()).limit(SHOWN)))


def note_look(db: Session, *, seq: int, by_id: UUID | None, finding: str) -> None:
    """Note what was found, once, inside the caller's transaction.

    :raises InvalidError: no such finding; :raises ConflictError: somebody looked already.
    """
    if finding not in FINDINGS:
        raise InvalidError(finding="unknown")
    row = db.get(LookedAt, seq, with_for_update=True, populate_existing=True)
    if row is None or row.finding is not None:
        raise ConflictError("task_ended")
    row.finding, row.by_id, row.on_day = finding, by_id, today(house_of(db).settings.time_zone)
