"""Columns of what clients ask about their own file; question and answer lie sealed to the director and the client."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

KINDS = ("opening", "access", "copy", "correction", "erasure")


class OwnQuestion(Base):
    """Something a client asks the director about the own file; answered within the days of the setting."""

    __tablename__ = "own_questions"
    __table_args__ = (CheckConstraint(f"kind IN {KINDS}", name="kind"), CLIENT_WORLD)
    question_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(12))
    box_id: Mapped[UUID]
    asked_on: Mapped[date]
    due_on: Mapped[date]
    answered_on: Mapped[date | None]
