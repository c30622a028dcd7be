"""Columns of consents: which version, complete or not; what was agreed and the guardian's part lie sealed in F02."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from counsel.core.database import CLIENT_WORLD, Base
from counsel.pathway.cases.models import WAYS


class Consent(Base):
    """That the limits were explained and the consent was given in this version."""

    __tablename__ = "consents"
    __table_args__ = (CheckConstraint(f"way IN {WAYS}", name="way"), CLIENT_WORLD)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[UUID]
    way: Mapped[str] = mapped_column(String(12))
    countersign_id: Mapped[UUID | None]  # the task of the second signature under an exception (E1, E2)
    on_day: Mapped[date]
