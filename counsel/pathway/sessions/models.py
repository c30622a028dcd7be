"""Columns of counselling sessions, homework and process notes: when, how, which number, until when; words lie sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

FORMATS = {
    "dap": ("data", "assessment", "plan"),
    "soap": ("subjective", "objective", "assessment", "plan"),
    "birp": ("behaviour", "intervention", "response", "plan"),
}
FORMS = ("in_person", "video", "phone", "group", "letter", "online")  # 篇7 三; R7-03
GROUP = "group"
INSIDE_HOURS = ("in_person", "video", "phone", "group")  # R8-12
HOMEWORK_STATES = ("given", "done", "not_done", "declined")


class CounsellingSession(Base):
    """One session of a case; exactly one note belongs to it."""

    __tablename__ = "counselling_sessions"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 5 AND 600", name="minutes"),
        CheckConstraint(f"mode IN {FORMS}", name="mode"),
        Index("ix_counselling_sessions_due", "counsellor_id", "note_signed", "note_due_at"),
        CLIENT_WORLD,
    )
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    counsellor_id: Mapped[UUID]
    appointment_id: Mapped[UUID | None]
    held_on: Mapped[date]
    begun_at: Mapped[datetime | None]  # None before it was asked for
    minutes: Mapped[int]
    mode: Mapped[str] = mapped_column(String(12))
    crisis: Mapped[bool] = mapped_column(default=False)  # outside the set hours
    note_due_at: Mapped[datetime]
    note_signed: Mapped[bool] = mapped_column(default=False)


class Homework(Base):
    """A task agreed in a session: when it is due and what became of it; the client may decline it (篇9 二3)."""

    __tablename__ = "homework"
    __table_args__ = (CheckConstraint(f"state IN {HOMEWORK_STATES}", name="state"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    session_no: Mapped[int]
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(12))


class ProcessBox(Base):
    """The box of one author's working notes on one case; nobody else is ever granted it, and it is never archived."""

    __tablename__ = "process_boxes"
    __table_args__ = (CLIENT_WORLD,)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    author_id: Mapped[UUID] = mapped_column(primary_key=True)
    box_id: Mapped[UUID]
