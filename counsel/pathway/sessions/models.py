"""Columns of counselling sessions: when, how, which number, until when the note is due."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

FORMATS = {"dap": ("data", "assessment", "plan"), "soap": ("subjective", "objective", "assessment", "plan")}


class CounsellingSession(Base):
    """One session of a case; exactly one note belongs to it."""

    __tablename__ = "counselling_sessions"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 5 AND 600", name="minutes"),
        Index("ix_counselling_sessions_due", "counsellor_id", "note_signed", "note_due_at"),
        CLIENT_WORLD,
    )
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    counsellor_id: Mapped[UUID]
    appointment_id: Mapped[UUID | None]
    held_on: Mapped[date]
    minutes: Mapped[int]
    mode: Mapped[str] = mapped_column(String(12))
    note_due_at: Mapped[datetime]
    note_signed: Mapped[bool] = mapped_column(default=False)
