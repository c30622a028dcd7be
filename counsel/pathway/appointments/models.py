"""Columns of appointments: time, place, state and a coarse rank. Who it is and why lies sealed in the request's box."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base
from counsel.pathway.appointments.lifecycle import STATES

MODES = ("in_person", "video", "phone")
SOURCES = ("self", "walk_in", "teacher")
REASON_LENGTH = 500
TALK_STATES = ("open", "accepted", "declined")
WAITING = text("state = 'requested'")


class Appointment(Base):
    """One time that somebody asked for, was offered or keeps."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("queue_rank BETWEEN 0 AND 2", name="queue_rank"),
        CheckConstraint("ends_at > starts_at", name="times"),
        Index("ix_appointments_day", "starts_at", "state"),
        Index("ix_appointments_client", "client_id", "starts_at"),
        Index("ix_appointments_counsellor", "counsellor_id", "starts_at"),
        Index("uq_appointments_waiting", "client_id", unique=True, sqlite_where=WAITING, postgresql_where=WAITING),
        CLIENT_WORLD,
    )
    appointment_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    counsellor_id: Mapped[UUID]
    assigned: Mapped[bool] = mapped_column(default=False)
    room_id: Mapped[UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(12))
    queue_rank: Mapped[int] = mapped_column(default=0)
    call_duty: Mapped[bool] = mapped_column(default=False)
    box_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    replaces_id: Mapped[UUID | None]
    asked_on: Mapped[date]
    minutes_late: Mapped[int | None]
    late_cancel: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(String(24))
    answer_by: Mapped[datetime | None]  # offers and requests: when they lapse by themselves


class TalkOffer(Base):
    """A talk offered because somebody was concerned; inert until the student says yes (篇9 二2; R9-11).

    No client exists because of it: the student's row is not named, the box is the concern's own.
    """

    __tablename__ = "talk_offers"
    __table_args__ = (CheckConstraint(f"state IN {TALK_STATES}", name="state"), CLIENT_WORLD)
    offer_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(index=True)
    box_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[date]
