"""Columns of evaluations and agreed follow-ups: who has answered, what is due; the words lie sealed."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

WAIVERS = ("withdrawn", "lost_contact", "no_show_lapsed", "declined", "left_school", "deceased")
FOLLOW_UP_STATES = ("planned", "done", "declined")


class Evaluation(Base):
    """The joint evaluation of a case: whose part is there, or why the client's cannot be had (R10-13)."""

    __tablename__ = "evaluations"
    __table_args__ = (CheckConstraint(f"waiver IS NULL OR waiver IN {WAIVERS}", name="waiver"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]  # of the ending: both answers below look back on the sessions held until then
    client_item_id: Mapped[UUID | None]
    waiver: Mapped[str | None] = mapped_column(String(16))
    letter_on: Mapped[date | None]  # the last kind message, shown on the client's page
    on_day: Mapped[date]


class FollowUp(Base):
    """One agreed follow-up: its day, and whether it was held or declined (R10-14)."""

    __tablename__ = "follow_ups"
    __table_args__ = (CheckConstraint(f"state IN {FOLLOW_UP_STATES}", name="state"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    planned_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(12))
    settled_on: Mapped[date | None]
