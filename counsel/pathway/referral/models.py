"""Columns of referrals and tries to reach somebody: what is due and what came; the words lie sealed."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

REFERRAL_KINDS = ("medical", "institution", "counsellor", "social")
WAYS_TO_REACH = ("phone", "in_page", "in_person", "letter")


class Referral(Base):
    """One referral: open until feedback arrives (篇7 六; R7-11)."""

    __tablename__ = "referrals"
    __table_args__ = (CheckConstraint(f"kind IN {REFERRAL_KINDS}", name="kind"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    item_id: Mapped[UUID]
    feedback_due_on: Mapped[date]
    answered_on: Mapped[date | None]
    made_on: Mapped[date]


class ContactTry(Base):
    """One try to reach a client by the safe way (T18)."""

    __tablename__ = "contact_tries"
    __table_args__ = (CheckConstraint(f"way IN {WAYS_TO_REACH}", name="way"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[date]
