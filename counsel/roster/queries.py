"""Reads: who is on duty, which times are free, which duties nobody fills."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from counsel.core.clock import at_local, local, now, today
from counsel.core.database import house_of
from counsel.core.rows import Prepared
from counsel.people.staff import able, may_take_cases
from counsel.roster.models import HALVES, Availability, Duty, Room
from counsel.roster.occupancy import taken_units, units

NOON = 13
WORKDAYS = range(5)
THEN = (Duty.weekday == bindparam("weekday"), Duty.half == bindparam("half"))
ON_DUTY = Prepared(select(Duty.holder_id).where(*THEN, able(Duty.holder_id, bindparam("day"))))


@dataclass(frozen=True)
class Slot:
    """A free time with a counsellor in a room; aware UTC."""

    holder_id: UUID
    room_id: UUID
    starts_at: datetime
    ends_at: datetime

    @property
    def key(self) -> str:
        """The slot as one form value."""
        return f"{self.holder_id.hex}.{int(self.starts_at.timestamp())}"


def working_deadline(start: datetime, hours: int, zone: str) -> datetime:
    """Return the moment `hours` after `start`, weekends not counted (working time, domain §10a)."""
    due = start
    for _hour in range(hours):
        due += timedelta(hours=1)
        while local(due, zone).weekday() not in WORKDAYS:
            due += timedelta(days=1)
    return due


def inside_hours(db: Session, holder_id: UUID, moment: datetime | None = None) -> bool:
    """Return whether a counsellor's published hours, or their duty, cover a moment (篇8 七; R8-12)."""
    here = local(moment or now(), house_of(db).settings.time_zone)
    minute = here.hour * 60 + here.minute
    query = select(Availability.availability_id).where(
        Availability.holder_id == holder_id,
        Availability.weekday == here.weekday(),
        Availability.start_minute <= minute,
        Availability.end_minute >= minute,
    )
    return db.scalar(query.limit(1)) is not None or duty_holder(db, moment) == holder_id


def half_of(moment: datetime, zone: str) -> tuple[int, str]:
    """Return (weekday, half) of a moment where the school is."""
    here = local(moment, zone)
    return here.weekday(), HALVES[here.hour >= NOON]


def duty_holder(db: Session, moment: datetime | None = None) -> UUID | None:
    """Return who has duty at a moment, or None."""
    zone = house_of(db).settings.time_zone
    weekday, half = half_of(moment or now(), zone)
    on_duty: UUID | None = ON_DUTY.value(db, weekday=weekday, half=half, day=today(zone))
    return on_duty


def week_of_duty(db: Session) -> dict[tuple[int, str], UUID]:
    """Return the weekly duty table."""
    return {(row.weekday, row.half): row.holder_id for row in db.scalars(select(Duty))}


def unfilled_duties(db: Session) -> list[tuple[int, str]]:
    """Return working half-days without a duty counsellor who may act."""
    filled = week_of_duty(db)
    return [
        (day, half)
        for day in WORKDAYS
        for half in HALVES
        if (day, half) not in filled or not may_take_cases(db, filled[day, half])
    ]


def rooms(db: Session) -> dict[UUID, Room]:
    """Return all rooms."""
    return {room.room_id: room for room in db.scalars(select(Room).order_by(Room.name))}


def free_slots(
    db: Session,
    day: date,
    *,
    holder_id: UUID | None = None,
    client_id: UUID | None = None,
    without: frozenset[UUID] = frozenset(),
) -> list[Slot]:
    """Return the free times of one day, in order; a conflict or a taken time is simply absent.

    :param holder_id: one counsellor only.
    :param client_id: leave out times when this client is busy.
    :param without: leave out these counsellors: they have another relationship with the client.
    """
    zone = house_of(db).settings.time_zone
    query = select(Availability).where(Availability.weekday == day.weekday())
    if holder_id is not None:
        query = query.where(Availability.holder_id == holder_id)
    hours = [row for row in db.scalars(query) if row.holder_id not in without]
    able = {row.holder_id for row in hours if may_take_cases(db, row.holder_id, day)}
    resources = {row.holder_id for row in hours} | {row.room_id for row in hours} | ({client_id} if client_id else set())
    taken = taken_units(db, resources, at_local(day, 0, zone), at_local(day, 1440, zone))
    slots = (slot for row in hours if row.holder_id in able for slot in _slots_of(db, row, day))
    soon = now() + timedelta(minutes=30)
    free = [slot for slot in slots if slot.starts_at > soon and not _busy(slot, taken, client_id)]
    return sorted(free, key=lambda slot: (slot.starts_at, slot.holder_id))


def _slots_of(db: Session, row: Availability, day: date) -> list[Slot]:
    settings = house_of(db).settings
    step = settings.session_minutes + settings.buffer_minutes
    starts = range(row.start_minute, row.end_minute - settings.session_minutes + 1, step)
    moments = [at_local(day, minute, settings.time_zone) for minute in starts]
    return [Slot(row.holder_id, row.room_id, at, at + timedelta(minutes=settings.session_minutes)) for at in moments]


def _busy(slot: Slot, taken: dict[UUID, set[int]], client_id: UUID | None) -> bool:
    span = set(units(slot.starts_at, slot.ends_at))
    return any(taken.get(resource, set()) & span for resource in (slot.holder_id, slot.room_id, client_id) if resource)


def find_slot(db: Session, key: str, *, client_id: UUID | None = None, without: frozenset[UUID] = frozenset()) -> Slot | None:
    """Return the free slot that a form value names, or None."""
    holder, _, stamp = key.partition(".")
    if not (stamp.isascii() and stamp.isdecimal()) or len(stamp) > 10:
        return None
    zone = house_of(db).settings.time_zone
    day = local(datetime.fromtimestamp(int(stamp), now().tzinfo), zone).date()
    return next(
        (slot for slot in free_slots(db, day, client_id=client_id, without=without) if slot.key == f"{holder}.{stamp}"), None
    )


def coming_days(db: Session, count: int = 14) -> list[date]:
    """Return the next days on which anybody has hours."""
    start = today(house_of(db).settings.time_zone)
    weekdays = set(db.scalars(select(Availability.weekday).distinct()))
    days = (start + timedelta(days=n) for n in range(count * 2))
    return [day for day in days if day.weekday() in weekdays][:count]
