"""Who was in a counselling room besides the counsellors, and which counsellor stayed with them (篇8 十二; R8-17).

Clients are no visitors: their times stand on the day sheet. Who it was is house data, sealed under the server secret.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import House, house_of
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.context import Context
from counsel.crypto.derive import subkey
from counsel.people.staff import may_take_cases
from counsel.roster.models import VISITORS, Room, RoomVisit

LONGEST, SHOWN = 60, 50


@dataclass(frozen=True)
class Visit:
    """A line of the log. `words`: who it was, as it was written down."""

    row: RoomVisit
    words: str


def begin_visit(db: Session, *, actor: SignedIn, room_id: UUID | None, who: str, words: str, escort_id: UUID | None) -> RoomVisit:
    """Write down somebody who goes into a room, and the counsellor who stays with them.

    :param who: one of `VISITORS`; `words`: who it was, no client and nobody of a client's family.
    :raises InvalidError: no such room or kind, nobody named, no counsellor of the centre beside them.

    Records: ``roster:visit:begun``. Rule: 篇8 十二; R8-17.
    """
    require(db, actor, Permission.ROOM_LOG)
    problems = {}
    if room_id is None or db.get(Room, room_id) is None:
        problems["room"] = "unknown"
    if who not in VISITORS:
        problems["who"] = "unknown"
    if not words.strip() or len(words) > LONGEST:
        problems["words"] = "too_long" if words.strip() else "empty"
    if escort_id is None or not may_take_cases(db, escort_id):
        problems["escort"] = "nobody_beside"
    if problems:
        raise InvalidError(**problems)
    row = RoomVisit(visit_id=new_id(), room_id=room_id, who=who, escort_id=escort_id, came_at=now().replace(microsecond=0))
    row.words_sealed, row.written_by = _sealed(house_of(db), row.visit_id, words.strip()), actor.staff_id
    with recording(db) as record:
        db.add(row)
        record.line("roster:visit:begun", role=actor.role, actor_id=actor.staff_id, object_id=row.visit_id, detail=who)
    return row


def end_visit(db: Session, *, actor: SignedIn, visit_id: UUID | None) -> None:
    """Write down that they have left.

    :raises NotFoundError: no such line; :raises ConflictError: somebody has written it down already.

    Records: ``roster:visit:ended``. Rule: 篇8 十二; R8-17.
    """
    require(db, actor, Permission.ROOM_LOG)
    with recording(db) as record:
        row = db.get(RoomVisit, visit_id, with_for_update=True, populate_existing=True) if visit_id is not None else None
        if row is None:
            raise NotFoundError("visit")
        if row.left_at is not None:
            raise ConflictError("task_ended")
        row.left_at = max(now().replace(microsecond=0), row.came_at)
        record.line("roster:visit:ended", role=actor.role, actor_id=actor.staff_id, object_id=row.visit_id)


def visits(db: Session, *, actor: SignedIn) -> list[Visit]:
    """Return who is in a room now, then who was lately, the newest first."""
    require(db, actor, Permission.ROOM_LOG)
    query = select(RoomVisit).order_by(RoomVisit.left_at.is_not(None), RoomVisit.came_at.desc(), RoomVisit.visit_id)
    return [Visit(row, _words(house_of(db), row)) for row in db.scalars(query.limit(SHOWN))]


def _sealed(house: House, visit_id: UUID, words: str) -> bytes:
    return seal(subkey(house.secret, "visits"), words.encode(), Kind.HOUSE, _context(house, visit_id))


def _words(house: House, row: RoomVisit) -> str:
    try:
        return unseal(subkey(house.secret, "visits"), row.words_sealed, Kind.HOUSE, _context(house, row.visit_id)).decode()
    except UnreadableError:
        return "?"


def _context(house: House, visit_id: UUID) -> bytes:
    return Context("visit", house.installation, "room_visits", item=visit_id).encode()
