"""Writes of the roster: rooms, weekly hours, duty."""

from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.core.ids import new_id
from counsel.people.staff import may_take_cases
from counsel.roster.models import Availability, Duty, Room


def add_room(db: Session, *, actor: SignedIn, name: str, place: str = "") -> UUID:
    """Add a room. Records: ``roster:room:added``."""
    require(db, actor, Permission.ROSTER_WRITE)
    room = Room(room_id=new_id(), name=name, place=place)
    with recording(db) as record:
        db.add(room)
        record.line("roster:room:added", role=actor.role, actor_id=actor.staff_id, object_id=room.room_id)
    return room.room_id


def publish_hours(
    db: Session, *, actor: SignedIn, holder_id: UUID, weekday: int, start_minute: int, end_minute: int, room_id: UUID
) -> None:
    """Publish weekly hours: one's own, or as director anybody's.

    :raises InvalidError: hours the wrong way round.

    Records: ``roster:hours:published``. Rule: 篇6 5.
    """
    own = actor.holder_id == holder_id
    require(db, actor, Permission.AVAILABILITY_OWN if own else Permission.ROSTER_WRITE)
    if not 0 <= start_minute < end_minute <= 1440:
        raise InvalidError(end="before_start")
    with recording(db) as record:
        db.add(
            Availability(
                availability_id=new_id(),
                holder_id=holder_id,
                weekday=weekday,
                start_minute=start_minute,
                end_minute=end_minute,
                room_id=room_id,
            )
        )
        record.line("roster:hours:published", role=actor.role, actor_id=actor.staff_id, object_id=holder_id)


def set_duty(db: Session, *, actor: SignedIn, weekday: int, half: str, holder_id: UUID | None) -> None:
    """Put a counsellor on duty for a half-day of every week, or take duty off it.

    :raises InvalidError: a counsellor without a valid credential (R6-02).

    Records: ``roster:duty:set``. Rule: 篇6 5.
    """
    require(db, actor, Permission.ROSTER_WRITE)
    if holder_id is not None and not may_take_cases(db, holder_id):
        raise InvalidError(holder="no_credential")
    with recording(db) as record:
        known = db.get(Duty, (weekday, half))
        if holder_id is None:
            if known is not None:
                db.delete(known)
        else:
            db.merge(Duty(weekday=weekday, half=half, holder_id=holder_id))
        record.line("roster:duty:set", role=actor.role, actor_id=actor.staff_id, object_id=holder_id, detail=f"{weekday} {half}")
