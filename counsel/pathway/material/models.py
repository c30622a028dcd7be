"""Columns of what stops a recording from being erased: a client's wish for a copy, a hold for the law."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base

WISHES = ("asked", "granted", "ended")


class CopyWish(Base):
    """The client took the yes back and wishes a copy before the recording is erased; the director decides (篇4 四; R4-13)."""

    __tablename__ = "copy_wishes"
    __table_args__ = (
        CheckConstraint(f"state IN {WISHES}", name="state"),
        CheckConstraint("(state = 'ended') = (ended_on IS NOT NULL)", name="ended_with_day"),
        CLIENT_WORLD,
    )
    material_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(8), default="asked")
    asked_on: Mapped[date]
    ended_on: Mapped[date | None]


class LegalHold(Base):
    """While it stands nothing of a case is erased (G15). Why stands on the paper, which is no part of this row."""

    __tablename__ = "legal_holds"
    __table_args__ = (CLIENT_WORLD,)
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    set_by: Mapped[UUID]
    set_on: Mapped[date]
    lifted_on: Mapped[date | None]
