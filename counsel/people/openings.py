"""Look at openings afterwards: the director at the colleagues', the supervisor at the director's (篇4 三; security R13)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import refuse, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.audit.looking import note_look, openers, waiting_openings
from counsel.audit.models import AuditLine
from counsel.audit.patterns import SAME_NAME, patterns_told
from counsel.confidentiality.decide import decide, role_may
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.people.deputies import directors
from counsel.people.staff import staff_name

DAYS = 31


@dataclass(frozen=True)
class Opening:
    """An opening as whoever looks sees it: who, what and when; the client by pseudonym alone."""

    line: AuditLine
    name: str
    flagged: bool


def openings_to_look_at(db: Session, *, actor: SignedIn) -> list[Opening]:
    """Return the newest openings that wait for the actor's look; nothing is opened."""
    _may_look(db, actor)
    bosses = {account.holder_id for account in directors(db)}
    theirs = [one for one in openers(db) if decide(actor, Permission.OPENING_LOOK, _facts(one, bosses)).allowed]
    lines = waiting_openings(db, by=theirs)
    return [Opening(line, staff_name(db, line.actor_id), line.detail == SAME_NAME) for line in lines]


def patterns_of_late(db: Session, *, actor: SignedIn) -> list[tuple[AuditLine, str]]:
    """Return the patterns of the last month with the colleague's name; not one's own."""
    _may_look(db, actor)
    lines = [line for line in patterns_told(db, now() - timedelta(days=DAYS)) if line.object_id != actor.holder_id]
    bosses = {account.holder_id for account in directors(db)}
    return [
        (line, staff_name(db, line.object_id))
        for line in lines
        if decide(actor, Permission.OPENING_LOOK, _facts(line.object_id, bosses)).allowed
    ]


def look(db: Session, *, actor: SignedIn, seq: int, finding: str) -> None:
    """Note what one found about an opening, once.

    :raises InvalidError: no such finding; :raises ConflictError: a colleague was faster.

    Records: ``audit:opening:looked``.
    """
    line = db.get(AuditLine, seq)
    bosses = {account.holder_id for account in directors(db)}
    require(db, actor, Permission.OPENING_LOOK, _facts(line.actor_id, bosses) if line is not None else None)
    with recording(db) as record:
        note_look(db, seq=seq, by_id=actor.holder_id, finding=finding)
        record.by(actor, "audit:opening:looked", detail=finding)


def _may_look(db: Session, actor: SignedIn) -> None:
    if not role_may(actor, Permission.OPENING_LOOK):
        refuse(db, actor, Permission.OPENING_LOOK)


def _facts(opened_by: UUID | None, bosses: set[UUID | None]) -> Facts:
    return Facts(sender_id=opened_by, by_director=opened_by in bosses)
