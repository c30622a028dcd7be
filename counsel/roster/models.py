"""Columns of rooms, hours, duty and occupancy. All of it is operational: no names, no clients by name."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

HALVES = ("morning", "afternoon")
VISITORS = ("colleague", "family", "repair", "inspection", "other")


class Room(Base):
    """A room where sessions are held."""

    __tablename__ = "rooms"
    room_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    place: Mapped[str] = mapped_column(String(80), default="")


class RoomVisit(Base):
    """Somebody in a counselling room who may not be there alone, and the counsellor beside them (篇8 十二)."""

    __tablename__ = "room_visits"
    __table_args__ = (
        CheckConstraint(f"who IN {VISITORS}", name="who"),
        CheckConstraint("left_at IS NULL OR left_at >= came_at", name="left_after"),
        Index("ix_room_visits_list", "left_at", "came_at"),
    )
    visit_id: Mapped[UUID] = mapped_column(primary_key=True)
    room_id: Mapped[UUID]
    who: Mapped[str] = mapped_column(String(12))
    words_sealed: Mapped[bytes]  # under the server secret: no client, no client's family
    escort_id: Mapped[UUID]
    came_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    written_by: Mapped[UUID | None]


class Availability(Base):
    """Weekly hours a counsellor publishes; publishing is the agreement in advance to whoever takes a time in them."""

    __tablename__ = "availability"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("start_minute >= 0 AND end_minute <= 1440 AND start_minute < end_minute", name="minutes"),
    )
    availability_id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(index=True)
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    room_id: Mapped[UUID]


class Duty(Base):
    """The one duty counsellor of a half-day, week by week."""

    __tablename__ = "duties"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint(f"half IN {HALVES}", name="half"),
    )
    weekday: Mapped[int] = mapped_column(primary_key=True)
    half: Mapped[str] = mapped_column(String(10), primary_key=True)
    holder_id: Mapped[UUID]


class Occupancy(Base):
    """Five minutes of a counsellor, a room or a client; the primary key makes double booking impossible."""

    __tablename__ = "occupancy"
    __table_args__ = (CLIENT_WORLD,)
    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[UUID] = mapped_column(index=True)
