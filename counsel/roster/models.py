"""Columns of rooms, hours, duty and occupancy. All of it is operational: no names, no clients by name."""

from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

HALVES = ("morning", "afternoon")


class Room(Base):
    """A room where sessions are held."""

    __tablename__ = "rooms"
    room_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    place: Mapped[str] = mapped_column(String(80), default="")


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
