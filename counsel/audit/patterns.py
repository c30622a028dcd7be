"""What the log shows about somebody's openings and refusals: how many clients in an hour, how often they were refused.

Counted from the log itself, so that nothing has to be remembered beside it (security A2, A30; R5, R13).
"""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.orm import Session

from counsel.audit.models import AuditLine
from counsel.core.clock import now
from counsel.core.rows import Prepared

VAULT_OPENED = "sign-in:vault:opened"
SAME_NAME = "same_name"  # reader and client share a surname
OPENED = AuditLine.tag.like(literal_column("'pathway:%:read'"))  # word for word what the index of these lines says
REFUSED_OFTEN, OPENED_MANY = "audit:refused:often", "audit:opened:many"
PATTERNS = (REFUSED_OFTEN, OPENED_MANY)
SPAN = timedelta(hours=1)
_SINCE = (  # the newest first: what is asked about stands at the end of somebody's lines
    select(AuditLine.seq)
    .where(AuditLine.actor_id == bindparam("actor"), AuditLine.at >= bindparam("since"))
    .order_by(AuditLine.at.desc())
    .limit(1)
)
CLIENTS_OPENED = Prepared(
    select(AuditLine.subject_id)
    .where(
        AuditLine.actor_id == bindparam("actor"), AuditLine.at >= bindparam("since"), AuditLine.seq > bindparam("after"), OPENED
    )
    .distinct()
)
READ_SINCE = Prepared(_SINCE.where(AuditLine.object_id == bindparam("object"), AuditLine.tag == bindparam("tag")))
OPENED_SINCE = Prepared(_SINCE.where(AuditLine.subject_id == bindparam("client"), OPENED))


def clients_opened(db: Session, actor_id: UUID | None, after: int = 0) -> set[UUID]:
    """Return whose sealed texts somebody has opened within the span, and after a line of the log."""
    found = CLIENTS_OPENED.all(db, actor=actor_id, since=now() - SPAN, after=after)
    return {row.subject_id for row in found if row.subject_id is not None}


def opened_lately(db: Session, actor_id: UUID | None, client_id: UUID) -> bool:
    """Return whether somebody has opened this client's texts within the span: one look into the index, however long the log."""
    return OPENED_SINCE.first(db, actor=actor_id, since=now() - SPAN, client=client_id) is not None


def read_lately(db: Session, actor_id: UUID | None, object_id: UUID, tag: str, minutes: int = 10) -> bool:
    """Return whether somebody's reading of one thing stands on record within so many minutes."""
    since = now() - timedelta(minutes=minutes)
    return READ_SINCE.first(db, actor=actor_id, since=since, object=object_id, tag=tag) is not None


def vault_opened(db: Session, actor_id: UUID | None) -> int:
    """Return the line of the log at which somebody last typed the passphrase into a shut vault within the span, or 0."""
    lines = select(func.max(AuditLine.seq)).where(AuditLine.actor_id == actor_id, AuditLine.tag == VAULT_OPENED)
    return db.scalar(lines.where(AuditLine.at >= now() - SPAN)) or 0


def refused_often(db: Session, least: int) -> list[tuple[UUID, str]]:
    """Return (actor, roles) of colleagues who were refused at least so many different things or ways within the span.

    Counted by person: whoever acts in two roles gets no second allowance.
    """
    what = (AuditLine.actor_id, AuditLine.tag, AuditLine.object_id)
    return _at_least(db, least, AuditLine.tag.like("gate:%:refused"), what)


def opened_many(db: Session, least: int) -> list[tuple[UUID, str]]:
    """Return (actor, roles) of colleagues who opened at least so many clients' texts within the span."""
    opened = OPENED & AuditLine.subject_id.is_not(None)
    return _at_least(db, least, opened, (AuditLine.actor_id, AuditLine.subject_id))


def _at_least(db: Session, least: int, which: Any, what: tuple[Any, ...]) -> list[tuple[UUID, str]]:
    """Return (actor, the roles they acted in) of whoever has at least so many different lines of a sort within the span."""
    lately = (AuditLine.at >= now() - SPAN, AuditLine.actor_id.is_not(None), which)
    counted = Counter(row[0] for row in db.execute(select(*what).where(*lately).distinct()))
    many = [actor for actor, count in counted.items() if count >= least]
    roles = defaultdict(set)
    acted = select(AuditLine.actor_id, AuditLine.actor_role).where(*lately, AuditLine.actor_id.in_(many)).distinct()
    for actor, role in db.execute(acted):
        roles[actor].add(role)
    return [(actor, ",".join(sorted(roles[actor]))) for actor in many]


def patterns_told(db: Session, since: datetime) -> list[AuditLine]:
    """Return the patterns that were told since a moment, the newest first."""
    lines = select(AuditLine).where(AuditLine.actor_id.is_(None), AuditLine.at >= since, AuditLine.tag.in_(PATTERNS))
    return list(db.scalars(lines.order_by(AuditLine.seq.desc())))


def told_already(db: Session, actor_id: UUID, tag: str) -> bool:
    """Return whether a pattern of somebody was told within the span."""
    lines = select(AuditLine.seq).where(AuditLine.actor_id.is_(None), AuditLine.object_id == actor_id, AuditLine.tag == tag)
    return db.scalar(lines.where(AuditLine.at >= now() - SPAN).limit(1)) is not None
