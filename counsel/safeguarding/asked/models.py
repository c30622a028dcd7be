"""Columns of refused loans: that somebody asked for a file who never gets one, on which day, by which clause; never whose."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import Base

REFUSED = ("class_teacher", "guardian", "leader", "press", "student", "other")  # an authority writes to the director


class LoanRefusal(Base):
    """One refusal in the lending register (篇4 三; R8-09)."""

    __tablename__ = "loan_refusals"
    __table_args__ = (CheckConstraint(f"who IN {REFUSED}", name="who"),)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    on_day: Mapped[date]
    who: Mapped[str] = mapped_column(String(16))
    clause: Mapped[str] = mapped_column(String(16))
    staff_id: Mapped[UUID | None]  # account of whoever was asked
